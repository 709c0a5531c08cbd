"""Regularizers: what large weights add to the loss. Biases are left alone. Knows Values only."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from misstep import ops
from misstep.errors import ArgumentError
from misstep.ir import Value
from misstep.ops import absolute


class Regularizer:
    """What the size of a weight adds to the loss. A subclass is a frozen dataclass."""

    strength: float

    def __post_init__(self) -> None:
        """Raise ArgumentError unless the strength is 0 or more."""
        number = self.strength
        if not isinstance(number, int | float) or not (number >= 0 and math.isfinite(number)):
            raise ArgumentError(
                f"strength of {type(self).__name__}",
                needed="a number of 0 or more",
                got=repr(number),
            )

    def penalty(self, weight: Value) -> Value:
        """Return the penalty of one parameter, one number."""
        raise NotImplementedError

    def configuration(self) -> dict[str, Any]:
        """Return the class and the settings as plain JSON."""
        return {"kind": type(self).__name__, **asdict(self)}  # type: ignore[call-overload]


@dataclass(frozen=True)
class L1(Regularizer):
    """The penalty strength · Σ |w|: pulls every weight towards 0 equally hard (slope 0 at 0).

    >>> import misstep as ms
    >>> ms.optim.L1(0.1).penalty(ms.parameter([3.0, -4.0]))
    0.7
    """

    strength: float = 1e-5

    def penalty(self, weight: Value) -> Value:
        """Return strength · Σ |w|."""
        return ops.sum(absolute(weight)) * self.strength


@dataclass(frozen=True)
class L2(Regularizer):
    """The penalty ½ · strength · Σ w²: pulls every weight towards 0 with slope strength · w.

    >>> import misstep as ms
    >>> ms.optim.L2(0.1).penalty(ms.parameter([3.0, -4.0]))
    1.25
    """

    strength: float = 1e-4

    def penalty(self, weight: Value) -> Value:
        """Return ½ · strength · Σ w²."""
        return ops.sum(weight * weight) * (0.5 * self.strength)
