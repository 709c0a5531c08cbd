"""How two rows of times become a ratio with its spread, and times a share of the roofline.

A ratio is taken within each pair of measurements that stood next to each other, so that a machine
that is slow for a while is slow for both; then the median and the tenth and ninetieth percentile
of the pairs' ratios are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Median, tenth and ninetieth percentile of some numbers."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}–{self.high:.2f})"


def spread(numbers: Sequence[float]) -> Spread:
    """Return the spread of one number or more."""
    low, median, high = np.percentile(np.asarray(numbers, "float64"), [10, 50, 90])
    return Spread(float(median), float(low), float(high))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Return their time ÷ ours, pair by pair: above 1, we are faster."""
    if len(ours) != len(theirs) or not ours:
        raise ValueError(f"needed pairs, got {len(ours)} and {len(theirs)} times")
    return spread([b / a for a, b in zip(ours, theirs, strict=True)])


def share_of_roofline(flops: int, seconds: float, peak: float) -> float:
    """Return what share of `peak` (operations in a second) `flops` in `seconds` are."""
    return flops / seconds / peak


def difference(ours: Sequence[float], theirs: Sequence[float], least: float = 1e-6) -> float:
    """Return the largest |a − b| as a share of |a|; numbers below `least` count as that large.

    Numbers that are not finite, or not as many, are infinitely far apart.
    """
    a, b = np.asarray(ours, "float64"), np.asarray(theirs, "float64")
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    return float((np.abs(a - b) / np.maximum(np.abs(a), least)).max(initial=0.0))
