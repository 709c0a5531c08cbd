"""The logarithm of an answer: a scale on which answers over decades lie side by side.

Knows numbers only; whether it is worth learning on, `modeling/target_trial.py` finds out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.stored_json import Stored, check

__all__ = ["Logarithm"]

Floats = NDArray[np.float64]

# Below this share of the smallest answer of training the curve goes on as its tangent, so that
# every number has its place on the scale, also one that training never saw.
KNEE = 0.5


@dataclass(frozen=True)
class Logarithm(Stored):
    """log(y + offset); below `knee`, of y + offset, the tangent there.

    `highest`: the largest value of training on this scale; predictions end not far above it.
    """

    offset: float
    knee: float
    highest: float

    def __post_init__(self) -> None:
        check(
            (np.isfinite([self.offset, self.knee, self.highest]).all(), "numbers must be finite"),
            (self.offset >= 0, "offset must not be below 0"),
            (self.knee > 0, "knee must be above 0"),
        )

    @classmethod
    def fit(cls, values: Floats) -> Logarithm:
        """Return the scale for the answers of training, (rows,), none of them below 0.

        Where some are 0, the smallest other one is added to all.
        """
        smallest = float(values.min())
        offset = 0.0 if smallest > 0 else float(values[values > 0].min())
        # Half of the smallest number that there is would be 0.
        knee = max(KNEE * (smallest + offset), float(np.finfo(np.float64).tiny))
        return cls(offset, knee, float(np.log(max(values.max() + offset, knee))))

    def apply(self, values: Any) -> Floats:
        """Return numbers in their own unit on this scale, in the same shape."""
        moved = np.asarray(values, np.float64) + self.offset
        above = np.log(np.maximum(moved, self.knee))
        return above + np.minimum(moved - self.knee, 0.0) / self.knee

    def invert(self, scaled: Any) -> Floats:
        """Return the numbers in their own unit for those on this scale, in the same shape."""
        scaled = np.asarray(scaled, np.float64)
        start = np.log(self.knee)
        above = np.exp(np.maximum(scaled, start))
        return above + np.minimum(scaled - start, 0.0) * self.knee - self.offset
