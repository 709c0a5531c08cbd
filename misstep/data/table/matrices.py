"""Arrays of numbers from whatever holds nothing else: arrays, and tables whose names do not matter.

Knows tables; neither what the numbers mean nor what becomes of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from misstep.data.dataset import Dataset
from misstep.data.table.table import Table, read_table
from misstep.errors import DataError

__all__ = ["numbers_of"]


def numbers_of(data: Any, wanted: int, target: str) -> Any:
    """Return an array as it is, or the columns of a table in their order, (rows, columns).

    `wanted`: how many columns are needed; where the table has one more, `target` is left out.
    Raises DataError for texts and for other kinds of data.
    """
    if isinstance(data, Dataset) and not isinstance(data, Table):
        raise DataError("the data", needed="a table or an array of numbers", got=data.description)
    if isinstance(data, np.ndarray):
        return data
    frame = read_table(data).frame
    if target in frame.columns and len(frame.columns) == wanted + 1:
        frame = frame.drop(columns=target)
    words = [str(name) for name in frame.columns if frame[name].dtype.kind not in "iufb"]
    if words:
        raise DataError(
            f"column {words[0]!r}", needed="numbers, as this model was trained on", got="texts"
        )
    return frame.to_numpy()
