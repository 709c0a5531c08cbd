"""What curves of losses show: their course without noise, the noise itself, how they end.

Knows arrays. Every rule that judges a curve asks here, so that all mean the same by noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# A curve is smoothed over this share of its length: short enough to keep a turn, long enough to
# average some tens of batches in any run worth judging.
WINDOW_SHARE = 0.05
LEAST_WINDOW = 3
# The end of a curve is compared with what came just before: two windows of this share each.
LATE_SHARE = 0.2
# A difference of means this many standard errors from 0 is no accident (one in 740, two-sided).
SURE = 3.0


def smoothed(values: Array) -> Array:
    """Return the running mean of `values` (count,), of the same length.

    The window is `WINDOW_SHARE` of the curve, centred, and shorter at both ends.
    """
    count = len(values)
    window = max(LEAST_WINDOW, round(WINDOW_SHARE * count))
    if count <= LEAST_WINDOW:
        return values.astype("float64")
    sums = np.concatenate([[0.0], np.cumsum(values, dtype="float64")])
    at = np.arange(count)
    half = np.minimum(np.minimum(at, count - 1 - at), window // 2)
    means: Array = (sums[at + half + 1] - sums[at - half]) / (2 * half + 1)
    return means


def noise(values: Array) -> float:
    """Return the standard deviation of `values` (count,) around their smooth course.

    From differences of neighbors, whose variance is twice that of independent noise (von Neumann
    and others, 1941), so that a trend counts for little.
    """
    if len(values) < 2:
        return 0.0
    return float(np.sqrt(np.mean(np.diff(values) ** 2) / 2.0))


@dataclass(frozen=True)
class Fall:
    """How a curve ends: the mean `before` the last window, that `at_end`, and the fall's error."""

    before: float
    at_end: float
    error: float

    @property
    def amount(self) -> float:
        """Return by how much it fell; below 0 where it rose."""
        return self.before - self.at_end

    @property
    def is_sure(self) -> bool:
        """Return whether it fell by more than noise alone makes it."""
        return self.amount > SURE * self.error

    @property
    def gain_of_doubling(self) -> float:
        """Return what going on as long again would take off, if the curve is a power of time.

        Losses are about a power of the time that was trained (Hestness and others, 2017); from the
        two windows, whose middles lie at 0.7 and 0.9 of it, follows the power, and from that the
        loss at twice the time. Curves that fall faster gain more.
        """
        if not (self.at_end > 0 and self.before > self.at_end):
            return max(self.amount, 0.0) if self.before > self.at_end else 0.0
        middles = (1.0 - 1.5 * LATE_SHARE, 1.0 - 0.5 * LATE_SHARE)
        power = math.log(self.before / self.at_end) / math.log(middles[1] / middles[0])
        return self.at_end * (1.0 - 2.0**-power)


def late_fall(steps: Array, values: Array) -> Fall:
    """Return how a curve `values` (count,) at `steps` (count,) ends; NaN where it is too short."""
    if len(values) < 4:
        return Fall(math.nan, math.nan, math.nan)
    last = float(steps[-1])
    late = steps > last * (1.0 - LATE_SHARE)
    before = (steps > last * (1.0 - 2.0 * LATE_SHARE)) & ~late
    if not before.any():
        return Fall(math.nan, math.nan, math.nan)
    spread = noise(values[before | late])
    error = spread * math.sqrt(1.0 / before.sum() + 1.0 / late.sum())
    return Fall(float(values[before].mean()), float(values[late].mean()), error)


def rising_share(values: Array) -> float:
    """Return how much of a curve's way leads up, from 0 (it only falls) to 1 (it only rises).

    Σ rises ÷ Σ |changes| of `values` (count,); NaN where nothing changes.
    """
    changes = np.diff(values[np.isfinite(values)])
    way = float(np.abs(changes).sum())
    return float(changes[changes > 0].sum()) / way if way > 0 else math.nan
