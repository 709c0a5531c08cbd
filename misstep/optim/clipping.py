"""Clipping: limits on the gradient before the optimizer sees it. Knows one flat gradient."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.errors import ArgumentError
from misstep.ir import Value
from misstep.ops import cast, maximum, minimum, norm, where


class Clipping:
    """A limit on gradients. A subclass is a frozen dataclass with a `limit`."""

    limit: float

    def __post_init__(self) -> None:
        """Raise ArgumentError unless the limit is a positive number."""
        number = self.limit
        if not isinstance(number, int | float) or not (number > 0 and math.isfinite(number)):
            raise ArgumentError(
                f"limit of {type(self).__name__}", needed="a positive number", got=repr(number)
            )

    def clip(self, gradient: Value) -> Value:
        """Return the clipped gradient; `gradient` holds all parameters, one axis."""
        raise NotImplementedError

    def is_over(self, gradient: Value) -> Value | None:
        """Return whether the gradient would be changed, where `clip` finds that out anyway.

        None where it would take a pass of its own over all parameters.
        """
        return None

    def changes(self, gradient: npt.NDArray[Any]) -> bool:
        """Tell whether a gradient, flat numbers, would be changed."""
        raise NotImplementedError

    def configuration(self) -> dict[str, Any]:
        """Return the class and the settings as plain JSON."""
        return {"kind": type(self).__name__, **asdict(self)}  # type: ignore[call-overload]


@dataclass(frozen=True)
class ClipNorm(Clipping):
    """If the gradient of all parameters is longer than `limit`, shorten it to that length.

    Its direction stays (Pascanu, Mikolov and Bengio, 2013): [12, −8, 15], of norm 20.81, becomes
    [2.88, −1.92, 3.60] for a limit of 5.

    >>> import misstep as ms
    >>> ms.optim.ClipNorm(5.0).clip(ms.parameter([12.0, -8.0, 15.0]))
    [ 2.883416, -1.922277,  3.60427 ]
    """

    limit: float = 1.0

    def clip(self, gradient: Value) -> Value:
        """Return the gradient, shortened if it is too long."""
        # In float64, since squares of 1e20 overflow float32: an exploding gradient would become 0.
        length = norm(cast(gradient, "float64"))
        # Where it is short enough the factor is exactly 1, so clipping changes no bit.
        return gradient * cast(where(length > self.limit, self.limit / length, 1.0), gradient.dtype)

    def is_over(self, gradient: Value) -> Value | None:
        """Return whether the gradient is longer than the limit."""
        return norm(cast(gradient, "float64")) > self.limit

    def changes(self, gradient: npt.NDArray[Any]) -> bool:
        """Tell whether a gradient is longer than the limit."""
        return bool(np.linalg.norm(gradient.astype("float64")) > self.limit)


@dataclass(frozen=True)
class ClipValue(Clipping):
    """Each entry of the gradient is kept between −limit and limit; its direction may change.

    >>> import misstep as ms
    >>> ms.optim.ClipValue(5.0).clip(ms.parameter([12.0, -8.0, 1.5]))
    [ 5. , -5. ,  1.5]
    """

    limit: float = 1.0

    def clip(self, gradient: Value) -> Value:
        """Return the gradient with every entry within the limit."""
        return maximum(minimum(gradient, self.limit), -self.limit)

    def changes(self, gradient: npt.NDArray[Any]) -> bool:
        """Tell whether an entry is beyond the limit."""
        return bool((np.abs(gradient) > self.limit).any())
