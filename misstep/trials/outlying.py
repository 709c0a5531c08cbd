"""Numbers far from all others, as the doctor counts them, and the rows that hold some.

Knows arrays only.
"""

from __future__ import annotations

import numpy as np

from misstep.doctor.rules.outliers import MOST_SHARE
from misstep.ir import Array
from misstep.record.summaries import NORMAL, OUTLIER_SPREADS

__all__ = ["FAR_SPREADS", "is_few", "rows_far_out", "spread_and_far"]

FAR_SPREADS = OUTLIER_SPREADS
# From how many axes on a row's last one holds what is alike, as channels do.
WIDE = 3


def spread_and_far(numbers: Array) -> tuple[float, Array]:
    """Return the spread of finite numbers (entries,), and which are far from the median.

    After Hampel (1974): the spread is that of the distances from the median, as a deviation; 0
    where more than half of the numbers are one.
    """
    numbers = np.asarray(numbers, "float64")
    median = float(np.median(numbers))
    distance = np.abs(numbers - median)
    spread = NORMAL * float(np.median(distance))
    if not spread > 0:
        return 0.0, np.zeros(len(numbers), bool)
    return spread, distance > FAR_SPREADS * spread


def is_few(far: Array, entries: int) -> bool:
    """Tell whether there are some that are far out, and few enough to be mistakes."""
    count = int(far.sum())
    return 0 < count <= max(1.0, MOST_SHARE * entries)


def rows_far_out(numbers: Array) -> Array:
    """Return which rows hold a number far out of its column, (rows,) bool; `numbers`: (rows, …).

    A column of which many numbers are far out has none: that is how it is.
    """
    rows = len(numbers)
    # Of what has axes, a channel is one column, at all places.
    columns = numbers.shape[-1] if numbers.ndim >= WIDE else int(np.prod(numbers.shape[1:]))
    gone = np.zeros(rows, bool)
    for entries in np.moveaxis(numbers.reshape(rows, -1, columns), -1, 0):
        flat = entries.reshape(-1)
        if np.isfinite(flat).all():
            _, far = spread_and_far(flat)
            if is_few(far, len(flat)):
                gone |= far.reshape(rows, -1).any(axis=1)
    return gone
