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
# What a curve does in the end is told by this share of it: the longest part from which the quick
# fall at the beginning is gone, so that noise counts for the least.
LATE_SHARE = 0.6
# A line through fewer points fits whatever they are.
LEAST_LATE = 4
# A slope so many standard errors from 0 is no accident (one in 740, two-sided).
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


def running_means(values: Array, window: int) -> Array:
    """Return the means of each `window` neighbors of `values` (count,), (count − window + 1,).

    Empty where there are fewer.
    """
    if len(values) < window:
        return np.zeros(0)
    means: Array = np.convolve(values, np.full(window, 1.0 / window), "valid")
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
    """How a curve falls towards its end, along the logarithm of time.

    `per_doubling`: by how much while the time doubles; below 0 where it rises. `error`: the
    standard error of that. NaN where the curve is too short to tell.
    """

    per_doubling: float
    error: float

    @property
    def is_sure(self) -> bool:
        """Return whether it falls by more than noise alone makes it."""
        return self.per_doubling > SURE * self.error


def late_fall(steps: Array, values: Array) -> Fall:
    """Return how a curve `values` (count,) at `steps` (count,), counted from 1, falls in the end.

    By least squares of the last part of it on the logarithm of time: losses are about a power of
    the time that was trained (Hestness and others, 2017), which bends ever less in it. Of a curve
    that bends towards a floor, the last half of that part falls less; what it shows, with its error
    to spare, is the most that is believed.
    """
    fall = _fall(steps, values, LATE_SHARE)
    lately = _fall(steps, values, LATE_SHARE / 2.0)
    if math.isnan(lately.per_doubling):
        return fall
    return Fall(min(fall.per_doubling, lately.per_doubling + lately.error), fall.error)


def _fall(steps: Array, values: Array, share: float) -> Fall:
    """Return the slope of the last `share` of a curve; NaN where it has too few points."""
    late = steps > steps[-1] * (1.0 - share) if len(steps) else steps > 0
    if late.sum() < LEAST_LATE:
        return Fall(math.nan, math.nan)
    along = np.log2(steps[late].astype("float64"))
    along -= along.mean()
    away = values[late] - values[late].mean()
    spread = float((along**2).sum())
    slope = float((along * away).sum()) / spread
    left = float(((away - slope * along) ** 2).sum()) / (len(along) - 2)
    return Fall(-slope, math.sqrt(left / spread))


def highest_rebound(values: Array) -> float:
    """Return how far a curve (count,) rose above what it had reached before; 0 for a short one."""
    finite = values[np.isfinite(values)]
    if len(finite) < 2:
        return 0.0
    return float((finite - np.minimum.accumulate(finite)).max())
