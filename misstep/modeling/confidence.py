"""Where a share or a mean may lie, with a confidence of 95 %. Knows numbers only."""

from __future__ import annotations

import math

import numpy as np

from misstep.ir import Array

__all__ = ["mean_interval", "wilson_interval"]

# 95 % of a normal distribution lie within so many deviations.
DEVIATIONS = 1.959963984540054


def wilson_interval(successes: int, rows: int) -> tuple[float, float]:
    """Return where a share lies in 95 % of cases, by the score interval of Wilson (1927).

    >>> [round(each, 3) for each in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    share, square = successes / rows, DEVIATIONS**2
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    reach = DEVIATIONS * math.sqrt(share * (1 - share) / rows + square / (4 * rows**2))
    reach /= 1 + square / rows
    return max(0.0, middle - reach), min(1.0, middle + reach)


def mean_interval(values: Array) -> tuple[float, float]:
    """Return where the mean of values of 0 or more lies, (values,); its lower end at least 0."""
    wide = np.asarray(values, np.float64)
    mean = float(wide.mean())
    half = DEVIATIONS * float(wide.std(ddof=1)) / math.sqrt(len(wide))
    return max(mean - half, 0.0), mean + half
