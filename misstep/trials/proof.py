"""Whether one arm does better than another beyond noise, by the same rows in the same courses.

Knows numbers only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from misstep.ir import Array

# Standard errors on either side of the interval: 95 % of a normal distribution lie within. The arm
# was chosen among several on other rows, so that no correction for their number is needed.
STANDARD_ERRORS = 1.96
# And the least that must be gained, as a share of what the other errs: a gain that nobody would
# notice is not worth a change.
LEAST_SHARE = 0.02
# Nor is one of less than a thousandth of what the best constant errs, where hardly any is left.
LEAST_GAIN = 1e-3


@dataclass(frozen=True)
class Difference:
    """By how much an arm is better than another: the mean, and the interval that it lies in.

    In penalties of a row, where 1 is what the best constant costs; above 0 is better; of the run's
    own course, whose weights are those that there are, or would be. `share`: of the other's
    penalty. `elsewhere`: the mean in other courses, None without any.
    """

    mean: float
    low: float
    high: float
    share: float
    elsewhere: float | None = None

    @property
    def is_proven(self) -> bool:
        """Tell whether it is better beyond noise, and enough to matter."""
        lucky = self.elsewhere is not None and self.elsewhere <= 0
        matters = self.share >= LEAST_SHARE and self.mean >= LEAST_GAIN
        return self.low > 0 and matters and not lucky

    @property
    def is_refuted(self) -> bool:
        """Tell whether it is worse beyond noise."""
        return self.high < 0

    def plain(self) -> dict[str, float | None]:
        """Return it as plain JSON."""
        numbers = {"mean": self.mean, "low": self.low, "high": self.high, "share": self.share}
        plain: dict[str, float | None] = {name: round(one, 6) for name, one in numbers.items()}
        elsewhere = self.elsewhere
        return plain | {"elsewhere": None if elsewhere is None else round(elsewhere, 6)}


def difference(other: Array, arm: Array) -> Difference:
    """Return by how much `arm` is better than `other`; penalties, (courses, rows) each.

    Rows differ much more than arms do, so that differences are taken row by row. The first course
    is that of the run. What helps there and nowhere else was luck with the order of rows.
    """
    better = other - arm
    rows, whole = better[0], float(other[0].mean())
    mean, error = float(rows.mean()), math.inf
    if len(rows) > 1:
        error = float(np.std(rows, ddof=1)) / math.sqrt(len(rows))
    return Difference(
        mean,
        mean - STANDARD_ERRORS * error,
        mean + STANDARD_ERRORS * error,
        mean / whole if whole > 0 else 0.0,
        float(better[1:].mean()) if len(better) > 1 else None,
    )
