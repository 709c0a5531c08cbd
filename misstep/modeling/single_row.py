"""`SingleRow`: one row of a data set, as the network takes it and as people know it.

Only this row is looked at, so that a fault in another one keeps nobody from an explanation.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from misstep.data import Dataset, read_rows
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array
from misstep.modeling.model import Model

__all__ = ["SingleRow", "encoded_row", "rows_to_explain", "take_row"]


@dataclass(frozen=True)
class SingleRow:
    """One row of a data set.

    `number`: counted from `first`; `sample_name`: what such a row is called. `features`:
    (1, features). `answer`: encoded, (1,), or None. `names`: of the features as people know them;
    `cells`: what stood in the row for each, or "". `image`: (height, width) from 0 to 1, or None.
    `notes`: what was noticed. `data`: the row alone, as it was read. `first`: the number of the
    first row. `title`: what the row is called, such as the name of its file; empty for a number.
    """

    number: int
    sample_name: str
    data: Dataset
    features: Array
    answer: Array | None
    names: list[str]
    cells: list[Any]
    image: Array | None
    notes: list[str]
    first: int = 1
    title: str = ""


def take_row(model: Model, rows: Dataset, number: int, source: str, *, first: int = 1) -> SingleRow:
    """Return row `number` of `rows`; `source`: what the rows are called.

    `first`: the number of the first row, 1 as in files or 0 as in arrays.

    Raises ArgumentError where there is no such row, DataError for one that the model can't take.
    """
    count, name = len(rows), rows.sample_name
    last = count - 1 + first
    if not first <= number <= last:
        raise ArgumentError(
            f"row={number}",
            needed=f"a {name} of {source} from {first} to {last}, counted from {first}",
            got=str(number),
            try_=f"row={min(max(number, first), last)}",
        )
    number += 1 - first
    alone = rows.take(np.array([number - 1]))
    try:
        features = model.encode(alone)
    except DataError as error:
        # Alone, it is always the first.
        which = re.sub(r", row 1(?!\d)", f", row {number}", error.which)
        raise DataError(which, needed=error.needed, got=error.got, try_=error.try_) from error
    notes = list(model.notes)
    try:
        model.notes = []
        truth = model.truth(alone)
        notes += model.notes
    except DataError as error:
        truth = None
        notes.append(f"the answer can't be used: {error}")
    # Alone, it is always the first.
    notes = [re.sub(r"\brow 1\b", f"row {number}", note) for note in notes]
    heading, titles = rows.row_names()
    title = "" if heading == "row" else str(titles[number - 1])
    answer = None if truth is None else truth[1]
    row = encoded_row(model, alone, features, answer)
    return replace(row, number=number - 1 + first, notes=notes, first=first, title=title)


def encoded_row(model: Model, alone: Dataset, features: Array, answer: Array | None) -> SingleRow:
    """Return a row, `alone`, that was encoded before: features (1, features), answer (1,)."""
    preprocessing = model.preprocessing
    return SingleRow(
        1,
        alone.sample_name,
        alone,
        features,
        answer,
        preprocessing.names_in_row(features[0]),
        preprocessing.cells_of(alone, model.target.name),
        preprocessing.image_of(features[0]),
        [],
    )


def rows_to_explain(model: Model, data: Any) -> tuple[Dataset, str]:
    """Return what somebody gave as rows, and what they are called; `data`: as for `encode`."""
    if isinstance(data, str | os.PathLike):
        return read_rows(data, model.preprocessing, model.target.name), os.fspath(data)
    return model.preprocessing.rows_of(data), "the data"
