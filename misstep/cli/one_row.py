"""One row of what a person gave: as the network takes it, its answer, and what stood in its cells.

Only this row is looked at, so that a fault in another one keeps nobody from an explanation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.cli.given import Rows, kind_of_rows, number_of_rows
from misstep.data import Pictures, PictureScaling, Preprocessor, Sequences, Table
from misstep.data.picture_scaling import COLORS
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array
from misstep.modeling import Model, picture_rows


@dataclass(frozen=True)
class OneRow:
    """A row to be explained.

    `features`: (1, features). `answer`: encoded, (1,), or None. `names`: of the features as people
    know them; `cells`: what stood in the row for each, or "". `picture`: (height, width) from 0 to
    1, or None. `notes`: what was noticed. `silent`: features that move nothing by themselves, such
    as numbers of words.
    """

    number: int
    kind: str
    features: Array
    answer: Array | None
    names: list[str]
    cells: list[str]
    picture: Array | None
    notes: list[str]
    silent: frozenset[int] = frozenset()


def pick_row(model: Model, rows: Rows, number: int, source: str) -> OneRow:
    """Return row `number` of `rows`, counted from 1. Raises ArgumentError or DataError."""
    count, kind = number_of_rows(rows), kind_of_rows(rows)
    if not 1 <= number <= count:
        raise ArgumentError(
            f"--row {number}", needed=f"a {kind} of {source} from 1 to {count}, counted from 1",
            got=str(number), try_=f"--row {min(max(number, 1), count)}",
        )  # fmt: skip
    alone = _alone(rows, number - 1)
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
    picture = _picture(model, alone, features)
    return OneRow(
        number, kind, features, None if known is None else known[1],
        _names(model, alone, features), _cells(model, alone), picture, notes,
        _silent(model, features),
    )  # fmt: skip


def _alone(rows: Rows, place: int) -> Rows:
    if isinstance(rows, Table):
        frame = rows.frame.iloc[[place]].reset_index(drop=True)
        return Table(frame, rows.name, [], rows.target)
    if isinstance(rows, Sequences):
        return rows.picked(np.array([place]))
    if isinstance(rows, Pictures):
        pictures, labels = picture_rows(rows)
        one, label = pictures[place : place + 1], labels[place : place + 1]
        return Pictures(one, label, one[:0], label[:0], [], rows.largest)
    return rows[place : place + 1]


def _picture(model: Model, alone: Rows, features: Array) -> Array | None:
    """Return the row as a picture from 0 to 1, if it came as one."""
    scaling = model.preprocessing
    if not isinstance(scaling, PictureScaling) or isinstance(alone, Table | Sequences):
        return None
    return features.reshape(scaling.shape[:2]) if scaling.channels == 1 else None


def _names(model: Model, alone: Rows, features: Array) -> list[str]:
    scaling = model.preprocessing
    if isinstance(scaling, Preprocessor):
        # The words themselves, where the features are those of a text.
        return scaling.names_in_row(features[0])
    if not isinstance(scaling, PictureScaling) or isinstance(alone, Table):
        return model.feature_names
    height, width, channels = scaling.shape
    colors = [f"{color} of " for color in COLORS] if channels == len(COLORS) else [""]
    return [
        f"{color}pixel at row {i + 1}, column {j + 1}"
        for i in range(height) for j in range(width) for color in colors
    ]  # fmt: skip


def _silent(model: Model, features: Array) -> frozenset[int]:
    """Return which features only say what is looked up, or stand for no word of this text."""
    if not isinstance(model.preprocessing, Preprocessor):
        return frozenset()
    found: set[int] = set()
    for place in model.preprocessing.texts:
        weights = range(place.looked_up + place.slots, place.looked_up + 2 * place.slots)
        found |= set(range(place.looked_up, place.stop)) - {at for at in weights if features[0, at]}
    return frozenset(found)


def _cells(model: Model, alone: Rows) -> list[str]:
    """Return what stood in the row for each feature, as text; "" where the name says it all."""
    names = model.feature_names
    if isinstance(alone, Sequences):
        # Features are steps of channels; what stood at one is not what the network gets.
        return [""] * len(names)
    if isinstance(alone, Table):
        frame = alone.frame
        found = {str(name): frame[name].iloc[0] for name in frame.columns}
        if isinstance(model.preprocessing, Preprocessor):
            columns = model.preprocessing.column_names
            inside = {
                at for place in model.preprocessing.texts for at in range(place.start, place.stop)
            }
            return [
                "" if at in inside else _cell(found.get(_column_of(name, columns)))
                for at, name in enumerate(names)
            ]
        values = [one for name, one in found.items() if name != model.target.name]
    else:
        array = picture_rows(alone)[0] if isinstance(alone, Pictures) else np.asarray(alone)
        values = list(array.reshape(-1))
    if len(values) != len(names):
        return [""] * len(names)
    return [_cell(one) for one in values]


def _column_of(feature: str, columns: list[str]) -> str:
    """Return the column that a feature was made of: "Sex" for "Sex=male"."""
    made = [
        name for name in columns
        if feature == name or feature.startswith((f"{name}=", f"{name}: ", f"{name} is "))
    ]  # fmt: skip
    return max(made, key=len, default="")


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "missing"
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
