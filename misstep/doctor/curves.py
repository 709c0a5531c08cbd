"""What curves of losses show: their course without noise, the noise itself, turning points.

Knows arrays. Every rule that judges a curve asks here, so that all mean the same by noise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# A curve is smoothed over this share of its length: short enough to keep a turn, long enough to
# average some tens of batches in any run worth judging.
WINDOW_SHARE = 0.05
LEAST_WINDOW = 3


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
