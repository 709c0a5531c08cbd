"""Numbers that may stand for "not known", such as -999: far from all others, and frequent.

Only who wrote them knows, so they are asked for, never changed. Knows columns of numbers.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from misstep.data.table.column_types import Column, ColumnType
from misstep.data.table.table import Table
from misstep.text.counts import counted

__all__ = ["sentinel_notes", "sentinel_of"]

# What programs and questionnaires write for a gap: -1, and runs of one digit.
NEGATIVE_ONES = {-1.0, -9.0}
RUNS = {
    sign * float(digit * length) for sign in (1, -1) for digit in "9876" for length in range(2, 7)
}
ROUND = {-1000.0, -10000.0, -100000.0, -2147483648.0, 2147483647.0, -32768.0, 32767.0}
# One that is met less often than this may be a measurement.
LEAST_SHARE, FEWEST_ROWS = 0.01, 3
# It lies so many times the width of all others away from them.
FAR = 0.5
FEWEST_OTHERS = 3


def sentinel_of(values: NDArray[np.float64]) -> tuple[float, int] | None:
    """Return the number of a column that may stand for a gap, and how many rows have it, or None.

    values: (rows,), NaN where missing. It is the smallest or the largest, comes back, and lies
    apart: -1 is the only number below zero, others are farther away than all others are wide.
    """
    known = values[np.isfinite(values)]
    if len(known) < FEWEST_ROWS:
        return None
    for end in (known.min(), known.max()):
        rows = int((known == end).sum())
        others = known[known != end]
        if (
            rows < max(FEWEST_ROWS, LEAST_SHARE * len(values))
            or len(np.unique(others)) < FEWEST_OTHERS
        ):
            continue
        width, gap = float(np.ptp(others)), float(np.abs(others - end).min())
        if end in NEGATIVE_ONES and others.min() >= 0 and len(np.unique(others)) > FEWEST_OTHERS:
            return float(end), rows
        if (end in RUNS or end in ROUND) and gap > FAR * width:
            return float(end), rows
    return None


def sentinel_notes(table: Table, columns: Iterable[Column]) -> list[str]:
    """Return a note for each column of numbers in which one may stand for a gap."""
    notes = []
    for column in columns:
        if column.column_type is not ColumnType.NUMBER or not column.used:
            continue
        series = table.frame[column.name]
        if series.dtype.kind not in "iuf":
            continue
        values = series.to_numpy().astype(np.float64)
        found = sentinel_of(values)
        if found is None:
            continue
        number, rows = found
        others = values[np.isfinite(values) & (values != number)]
        notes.append(
            f"{column.name}: {number:g} stands in {counted(rows, 'row')}, the others lie between "
            f"{others.min():g} and {others.max():g}: does it mean that the value is not known? "
            "Then leave those cells empty"
        )
    return notes
