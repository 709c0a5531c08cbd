"""From rows of a table to rows of numbers, fitted on the training rows only.

Holds `Preprocessor`, which puts the parts of all columns side by side, and the way back from JSON
for every kind of preprocessing. Knows tables and arrays, not networks. See `column_transformers.py`
for what happens to one column, `scaling.py` for purely numeric arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from misstep.data.dataset import Dataset, Preprocessing
from misstep.data.decision import Decision
from misstep.data.image.image_scaling import ImageScaling
from misstep.data.scaling import FARTHEST, MatrixScaling
from misstep.data.sequence.sequence_scaling import SequenceScaling
from misstep.data.series.windows import SeriesWindows
from misstep.data.stored_json import STRICT, from_plain, to_plain
from misstep.data.table.column_transformers import CategoryPart, DatePart, NumberPart
from misstep.data.table.column_types import Column, ColumnType
from misstep.data.table.table import Table, read_columns, table_or_refuse
from misstep.data.text.text_files import read_texts
from misstep.data.text.text_transformer import TextPart
from misstep.data.weights import checked_weights
from misstep.errors import DataError, FileFormatError
from misstep.text.names import did_you_mean

__all__ = ["Preprocessor", "TextPlace", "preprocessing_from_json"]

AnyPart = NumberPart | CategoryPart | DatePart | TextPart

_PART_OF: dict[ColumnType, type[NumberPart] | type[CategoryPart] | type[DatePart]] = {
    ColumnType.NUMBER: NumberPart,
    ColumnType.CATEGORY: CategoryPart,
    ColumnType.DATE: DatePart,
}


@dataclass(frozen=True)
class TextPlace:
    """Where a column of texts stands in a row: plain numbers first, then what is looked up.

    `start` up to `looked_up`: its signals. From there on `slots` numbers of terms below `terms` and
    as many weights, or `length` numbers of words below `words`, up to `stop`.
    """

    start: int
    looked_up: int
    stop: int
    slots: int
    terms: int
    length: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class _Fitted:
    """All that is stored of a fitted preprocessor."""

    columns: tuple[Column, ...]
    parts: tuple[AnyPart, ...]
    kind: Literal["table"] = "table"
    version: Literal[1] = 1

    __pydantic_config__: ClassVar[Any] = STRICT

    def __post_init__(self) -> None:
        names = [part.column for part in self.parts]
        if len(set(names)) != len(names):
            raise ValueError("a column stands twice")
        if names != [column.name for column in self.columns if column.used]:
            raise ValueError("parts and used columns differ")
        for part, column in zip(self.parts, (c for c in self.columns if c.used), strict=True):
            if part.kind != column.column_type.value:
                raise ValueError("a part is of another kind than its column")
        if not any(part.feature_names for part in self.parts):
            raise ValueError("there are no features")


class Preprocessor(Preprocessing):
    """Turns tables into float32 arrays (rows, features), the same way at training and later.

    Make one with `Preprocessor.fit`; everything fitted lives in `to_json()`. `last_notes` holds
    what the latest `transform` noticed, such as categories that training had not.
    """

    def __init__(self, fitted: _Fitted) -> None:
        self._fitted = fitted
        self.last_notes: list[str] = []

    @classmethod
    def fit(
        cls,
        frame: object,
        columns: Sequence[Column],
        sample_weight: object = None,
        answers: NDArray[Any] | None = None,
        *,
        in_order: bool = False,
    ) -> Preprocessor:
        """Learn from training rows.

        `frame`: a table (rows, columns), anything `read_table` takes; `columns`: what
        `recognize_columns` said; `sample_weight`: (rows,), counts each row as if it stood there so
        often. `answers`: encoded, (rows,), by which the terms of texts weigh what they tell.
        `in_order`: keep the words of texts in their order. Raises DataError: a column that is not
        there, unfit values or weights.
        """
        names = [column.name for column in columns if column.used]
        table = read_columns(frame, names)
        weights = checked_weights(sample_weight, len(table))
        _refuse_absent(names, list(table.columns))

        def fitted(column: Column) -> AnyPart:
            series = table[column.name]
            if column.column_type is ColumnType.TEXT:
                return TextPart.fit(column, series, weights, answers, in_order=in_order)
            return _PART_OF[column.column_type].fit(column, series, weights)

        parts = tuple(fitted(column) for column in columns if column.used)
        if not any(part.feature_names for part in parts):
            raise DataError(
                "the table",
                needed="at least one column to learn from",
                got=f"{len(columns)} columns that give no features",
            )
        return cls(_Fitted(tuple(columns), parts))

    def transform(self, frame: object) -> NDArray[np.float32]:
        """Return features (rows, features), never NaN; what was noticed is in `last_notes`.

        Columns are found by name; further ones are ignored. Raises DataError: a missing column
        (with the nearest name), a text among numbers or an infinite value (with row and value).
        """
        array, self.last_notes = self.transform_with_notes(frame)
        return array

    def transform_with_notes(self, frame: object) -> tuple[NDArray[np.float32], list[str]]:
        """Return features as `transform` does, and the notes, changing nothing on this object."""
        table = read_columns(frame, self.column_names)
        parts = self._fitted.parts
        _refuse_absent(self.column_names, list(table.columns))
        notes: list[str] = []
        result = np.empty((len(table), self.number_of_features), dtype=np.float32)
        place = 0
        for part in parts:
            block = part.transform(table[part.column], notes.append)
            result[:, place : place + block.shape[1]] = block
            place += block.shape[1]
            plain = block[:, : part.dense] if isinstance(part, TextPart) else block
            far = int((np.abs(plain) >= FARTHEST).any(axis=1).sum())
            if far:
                notes.append(
                    f"{part.column}: {far} values lie {FARTHEST:.0e} deviations or more from the "
                    "training rows and count as just that"
                )
        return result, notes

    def encode(self, data: Any, target: str) -> tuple[NDArray[np.float32], list[str]]:
        """Return what `transform_with_notes` does. Raises DataError for what is no table."""
        if isinstance(data, Dataset) and not isinstance(data, Table):
            raise DataError("the data", needed="a table", got=data.description)
        return self.transform_with_notes(data)

    def accept(self, dataset: Dataset, source: str, target: str) -> Dataset:
        """Return a table. Raises DataError for anything else."""
        return table_or_refuse(dataset, source, self.column_names)

    def read_path(self, path: Path) -> Table | None:
        """Return texts, one a line of a .txt file or one a file of a folder, where one is a row.

        None where more than a text is needed, and for other places. Raises StorageError,
        FileFormatError or DataError.
        """
        used = [column for column in self.columns if column.used]
        if [column.column_type for column in used] != [ColumnType.TEXT]:
            return None
        return read_texts(path, used[0].name)

    @property
    def columns(self) -> list[Column]:
        """All columns that were judged, also those left out."""
        return list(self._fitted.columns)

    @property
    def column_names(self) -> list[str]:
        """The columns that `transform` needs."""
        return [part.column for part in self._fitted.parts]

    @property
    def feature_names(self) -> list[str]:
        """A name for each feature, such as `Age`, `Age is missing`, `Sex=male`."""
        return [name for part in self._fitted.parts for name in part.feature_names]

    @property
    def texts(self) -> list[TextPlace]:
        """Where columns of texts stand in a row."""
        found, place = [], 0
        for part in self._fitted.parts:
            width = len(part.feature_names)
            if isinstance(part, TextPart):
                found.append(
                    TextPlace(
                        place,
                        place + part.dense,
                        place + width,
                        part.slots,
                        len(part.terms) + 1,
                        part.length,
                        ("", "<unknown>", *part.words),
                    )
                )
            place += width
        return found

    def names_in_row(self, features: NDArray[Any]) -> list[str]:
        """Return names of the features of one row, (features,), with the words that it has."""
        names: list[str] = []
        for part in self._fitted.parts:
            more = part.feature_names
            if isinstance(part, TextPart):
                more = part.names_in_row(features[len(names) : len(names) + len(more)])
            names += more
        return names

    def cells_of(self, row: Dataset, target: str) -> list[Any]:
        """Return the cell that each feature was made of; "" for texts, whose names are words."""
        assert isinstance(row, Table)
        found: list[Any] = []
        for part in self._fitted.parts:
            cell = "" if isinstance(part, TextPart) else row.frame[part.column].iloc[0]
            found += [cell] * len(part.feature_names)
        return found

    def silent(self, features: NDArray[Any]) -> frozenset[int]:
        """Return which entries say what is looked up, or stand for no word of this text."""
        found: set[int] = set()
        for place in self.texts:
            weights = range(place.looked_up + place.slots, place.looked_up + 2 * place.slots)
            found |= set(range(place.looked_up, place.stop)) - {
                at for at in weights if features[at]
            }
        return frozenset(found)

    @property
    def number_of_features(self) -> int:
        """How many columns `transform` returns."""
        return len(self.feature_names)

    @property
    def decisions(self) -> list[Decision]:
        """For each column what it is, or that it is left out; why, and what was done."""
        done = {part.column: part.reason for part in self._fitted.parts}
        return [
            Decision(
                f"column {column.name}",
                str(column.column_type) if column.used else "left out",
                "; ".join(filter(None, [column.reason, done.get(column.name)])),
            )
            for column in self._fitted.columns
        ]

    def to_json(self) -> dict[str, Any]:
        """Return everything fitted as plain JSON; floats survive bit for bit."""
        return to_plain(self._fitted)

    @classmethod
    def from_json(cls, plain: object) -> Preprocessor:
        """Rebuild what `to_json` gave. Raises FileFormatError for anything else."""
        return cls(from_plain(_Fitted, plain, "the stored preprocessing"))


# How each kind of preprocessing is rebuilt, by the word that stands in its JSON.
_STORED: dict[str, Callable[[object], Preprocessing]] = {
    "table": Preprocessor.from_json,
    "matrix": MatrixScaling.from_json,
    "pictures": ImageScaling.from_json,
    "sequences": SequenceScaling.from_json,
    "series": SeriesWindows.from_json,
}


def preprocessing_from_json(plain: object) -> Preprocessing:
    """Rebuild preprocessing of whichever kind was stored. Raises FileFormatError."""
    kind = plain.get("kind") if isinstance(plain, dict) else None
    if isinstance(kind, str) and kind in _STORED:
        return _STORED[kind](plain)
    raise FileFormatError(
        "the stored preprocessing",
        needed=f"a kind, one of {', '.join(_STORED)}",
        got=repr(kind)[:60],
    )


def _refuse_absent(needed: list[str], present: list[str]) -> None:
    absent = [name for name in needed if name not in present]
    if absent:
        extra = f" (and {len(absent) - 1} more columns)" if len(absent) > 1 else ""
        raise DataError(
            f"the table has no column {absent[0]!r}{extra}",
            needed="all columns of the training rows",
            got=f"{len(present)} columns",
            try_=did_you_mean(absent[0], present),
        )
