"""One row of what a person gave: as the network takes it, its answer, and what stood in its cells.

Only this row is looked at, so that a fault in another one keeps nobody from an explanation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import Dataset
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array
from misstep.modeling import Model


@dataclass(frozen=True)
class OneRow:
    """A row to be explained.

    `features`: (1, features). `answer`: encoded, (1,), or None. `names`: of the features as people
    know them; `cells`: what stood in the row for each, or "". `image`: (height, width) from 0 to
    1, or None. `notes`: what was noticed. `silent`: features that move nothing by themselves, such
    as numbers of words.
    """

    number: int
    kind: str
    features: Array
    answer: Array | None
    names: list[str]
    cells: list[str]
    image: Array | None
    notes: list[str]
    silent: frozenset[int] = frozenset()


def pick_row(model: Model, rows: Dataset, number: int, source: str) -> OneRow:
    """Return row `number` of `rows`, counted from 1. Raises ArgumentError or DataError."""
    count, kind = len(rows), rows.sample_name
    if not 1 <= number <= count:
        raise ArgumentError(
            f"--row {number}",
            needed=f"a {kind} of {source} from 1 to {count}, counted from 1",
            got=str(number),
            try_=f"--row {min(max(number, 1), count)}",
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
        known = model.truth(alone)
        notes += model.notes
    except DataError as error:
        known = None
        notes.append(f"the answer can't be used: {error}")
    made = model.preprocessing
    return OneRow(
        number,
        kind,
        features,
        None if known is None else known[1],
        made.names_in_row(features[0]),
        [_cell(one) for one in made.cells_of(alone, model.target.name)],
        made.image_of(features[0]),
        notes,
        made.silent(features[0]),
    )


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "missing"
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
