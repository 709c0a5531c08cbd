"""Whether one arm does better than another beyond noise, by the same rows in the same courses.

Knows numbers only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from misstep.ir import Array

# Standard errors on either side of the interval: 99 % of a normal distribution lie within. Several
# arms were chosen from on other rows, so that no correction for their number is needed.
STANDARD_ERRORS = 2.58
# And the least that must be gained, as a share of what the control errs: a gain that nobody would
# notice is not worth a change.
LEAST_SHARE = 0.02


@dataclass(frozen=True)
class Difference:
    """By how much an arm is better than another: the mean, and the interval that it lies in.

    In penalties of a row, where 1 is what the best constant costs; above 0 is better. `share`: of
    the other's penalty. `steady`: whether it was so in each course.
    """

    mean: float
    low: float
    high: float
    share: float
    steady: bool

    @property
    def is_proven(self) -> bool:
        """Tell whether it is better beyond noise, and enough to matter."""
        return self.low > 0 and self.steady and self.share >= LEAST_SHARE

    @property
    def is_refuted(self) -> bool:
        """Tell whether it is worse beyond noise."""
        return self.high < 0

    def plain(self) -> dict[str, float | bool]:
        """Return it as plain JSON."""
        numbers = {"mean": self.mean, "low": self.low, "high": self.high, "share": self.share}
        return {name: round(value, 6) for name, value in numbers.items()} | {"steady": self.steady}


def difference(other: Array, arm: Array) -> Difference:
    """Return by how much `arm` is better than `other`; penalties, (courses, rows) each.

    Rows differ much more than arms do, so that differences are taken row by row; what courses
    differ by is added, since a course is but one order of the rows.
    """
    better = other - arm
    rows, courses = better.mean(axis=0), better.mean(axis=1)
    error = _standard_error(rows)
    if len(courses) > 1:
        error = math.hypot(error, _standard_error(courses))
    mean, whole = float(better.mean()), float(other.mean())
    return Difference(
        mean,
        mean - STANDARD_ERRORS * error,
        mean + STANDARD_ERRORS * error,
        mean / whole if whole > 0 else 0.0,
        bool((courses > 0).all()),
    )


def _standard_error(numbers: Array) -> float:
    if len(numbers) < 2:
        return math.inf
    return float(np.std(numbers, ddof=1)) / math.sqrt(len(numbers))
