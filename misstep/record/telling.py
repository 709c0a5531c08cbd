"""How much of the answers each input column tells by itself: a sample, a line or class means.

A column that tells nearly all, where no other comes near, is the answer in other words, or known
only afterwards. Knows arrays.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from misstep.record.description import Task, TellingColumn

Array = npt.NDArray[np.generic]

# Rows by which it is told, so many that a share of 1 % is told apart from chance; of wide rows
# fewer, some hundreds at least, so that it takes few milliseconds.
MOST_ROWS, FEWEST_ROWS = 2_000, 30
MOST_ENTRIES, ROWS_OF_WIDE = 200_000, 250
# Numbers of a row beyond which nobody asks which of them tells the answer.
MOST_COLUMNS = 5_000
MOST_CLASSES = 100


def telling_column(x: Array, y: Array, task: Task) -> TellingColumn | None:
    """Return the column of `x` (rows, …) that tells most of the answers `y` (rows, …).

    Of numbers, the share is that of their variance that a line on the column takes away; of
    classes, the share of the column's variance that lies between classes, of which it has one value
    each at 1. None where rows are few, columns too many, or answers not one for each row.
    """
    rows = len(x)
    flat = x.reshape(rows, -1)
    if rows < FEWEST_ROWS or y.size != rows or not 2 <= flat.shape[1] <= MOST_COLUMNS:
        return None
    count = min(rows, MOST_ROWS, max(ROWS_OF_WIDE, MOST_ENTRIES // flat.shape[1]))
    drawn = np.arange(count) * rows // count
    columns = flat[drawn].astype("float64")
    answers = y.reshape(-1)[drawn]
    with np.errstate(all="ignore"):
        columns = columns - columns.mean(axis=0)
        total = (columns**2).sum(axis=0)
        if task is Task.NUMBERS:
            numbers = answers.astype("float64")
            numbers = numbers - numbers.mean()
            shares = (numbers @ columns) ** 2 / (total * float((numbers**2).sum()))
        else:
            classes, codes = np.unique(answers, return_inverse=True)
            if not 2 <= len(classes) <= MOST_CLASSES:
                return None
            counts = np.bincount(codes)
            sums = np.stack([columns[codes == code].sum(axis=0) for code in range(len(classes))])
            shares = (sums**2 / counts[:, None]).sum(axis=0) / total
    shares = np.where(np.isfinite(shares) & (total > 0), shares, 0.0)
    best, next_one = np.argsort(-shares, kind="stable")[:2]
    return TellingColumn(str(best), float(shares[best]), float(shares[next_one]))
