"""`SingleRow`: one row of a data set, as the network takes it and as people know it.

Only this row is looked at, so that a fault in another one keeps nobody from an explanation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import Dataset
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array
from misstep.modeling.model import Model

__all__ = ["SingleRow", "take_row"]


@dataclass(frozen=True)
class SingleRow:
    """One row of a data set.

    `number`: counted from 1; `sample_name`: what such a row is called. `features`: (1, features).
    `answer`: encoded, (1,), or None. `names`: of the features as people know them; `cells`: what
    stood in the row for each, or "". `image`: (height, width) from 0 to 1, or None. `notes`: what
    was noticed. `silent`: features that move nothing by themselves, such as numbers of words.
    """

    number: int
    sample_name: str
    features: Array
    answer: Array | None
    names: list[str]
    cells: list[Any]
    image: Array | None
    notes: list[str]
    silent: frozenset[int]


def take_row(model: Model, rows: Dataset, number: int, source: str) -> SingleRow:
    """Return row `number` of `rows`, counted from 1; `source`: what the rows are called.

    Raises ArgumentError where there is no such row, DataError for one that the model can't take.
    """
    count, name = len(rows), rows.sample_name
    if not 1 <= number <= count:
        raise ArgumentError(
            f"row={number}",
            needed=f"a {name} of {source} from 1 to {count}, counted from 1",
            got=str(number),
            try_=f"row={min(max(number, 1), count)}",
        )
    alone = rows.take(np.array([number - 1]))
    try:
        features = model.encode(alone)
    except DataError as error:
        # Alone, it is always the first.
        which = error.which.replace(", row 1", f", row {number}")
        raise DataError(which, needed=error.needed, got=error.got, try_=error.try_) from error
    notes = list(model.notes)
    try:
        model.notes = []
        truth = model.truth(alone)
        notes += model.notes
    except DataError as error:
        truth = None
        notes.append(f"the answer can't be used: {error}")
    preprocessing = model.preprocessing
    return SingleRow(
        number,
        name,
        features,
        None if truth is None else truth[1],
        preprocessing.names_in_row(features[0]),
        preprocessing.cells_of(alone, model.target.name),
        preprocessing.image_of(features[0]),
        notes,
        preprocessing.silent(features[0]),
    )
