"""From rows of a table to rows of numbers, fitted on the training rows only.

Holds `Preprocessor`, which puts what the columns become side by side. Knows tables and arrays, not
networks. See `column_transformers.py` for what happens to one column, `matrix.py` for purely
numeric arrays.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from misstep.data.dataset import Dataset
from misstep.data.decision import Decision
from misstep.data.inputs import Inputs, Sweep
from misstep.data.preprocessing import Preprocessing
from misstep.data.row_parts import BaselineRow, RowParts
from misstep.data.standardization import FARTHEST
from misstep.data.stored_json import check
from misstep.data.table.cell_values import is_missing_word, sound_text
from misstep.data.table.column_sweeps import column_sweep
from misstep.data.table.column_transformers import (
    CategoryTransformer,
    DateTransformer,
    NumberTransformer,
)
from misstep.data.table.column_types import Column, ColumnType
from misstep.data.table.json_columns import columns_of_json, table_schema
from misstep.data.table.number_dates import NUMBER_DATE_FORMATS
from misstep.data.table.single_cells import cell_features, single_cells
from misstep.data.table.table import Table, read_columns, require_columns, table_or_refuse
from misstep.data.table.table_parts import ColumnSlice, table_parts
from misstep.data.text.text_files import read_texts
from misstep.data.text.text_transformer import TextTransformer
from misstep.data.text.texts_of_rows import TextsOfRows
from misstep.data.weights import checked_weights
from misstep.errors import DataError
from misstep.text.counts import counted, plural
from misstep.text.lists import listed

if TYPE_CHECKING:
    import pandas

__all__ = ["Preprocessor", "TextSlice"]

ColumnTransformer = NumberTransformer | CategoryTransformer | DateTransformer | TextTransformer


@dataclass(frozen=True)
class TextSlice:
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
class Preprocessor(Preprocessing):
    """Turns tables into float32 arrays (rows, features), the same way at training and later.

    Make one with `Preprocessor.fit`. `columns`: all that were recognized, also those left out;
    `transformers`: one for each that is used, in their order.
    """

    columns: tuple[Column, ...]
    transformers: tuple[ColumnTransformer, ...]

    stored_as: ClassVar[str] = "table"

    def __post_init__(self) -> None:
        names = self.column_names
        used = [(column.name, column.column_type.value) for column in self.columns if column.used]
        kinds = [(transformer.column, transformer.column_type) for transformer in self.transformers]
        check(
            (len(set(names)) == len(names), "a column stands twice"),
            (kinds == used, "transformers and used columns differ"),
            (self.feature_names, "there are no features"),
        )

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
        table = _columns_of(frame, names)
        weights = checked_weights(sample_weight, len(table))

        def fitted(column: Column) -> ColumnTransformer:
            series = _cells(table, column.name, column.column_type, column.form)
            if column.column_type is ColumnType.NUMBER:
                return NumberTransformer.fit(column, series, weights)
            if column.column_type is ColumnType.CATEGORY:
                return CategoryTransformer.fit(column, series, weights)
            if column.column_type is ColumnType.DATE:
                return DateTransformer.fit(column, series, weights)
            return TextTransformer.fit(column, series, weights, answers, in_order=in_order)

        transformers = tuple(fitted(column) for column in columns if column.used)
        if not any(transformer.feature_names for transformer in transformers):
            raise DataError(
                "the table",
                needed="at least one column to learn from",
                got="none that gives features",
            )
        return cls(tuple(columns), transformers)

    def transform(self, frame: object) -> NDArray[np.float32]:
        """Return features (rows, features), never NaN, without what `encode` noticed."""
        return self._encoded(_columns_of(frame, self.column_names), [])

    def encode(self, data: Any, target: str = "") -> tuple[NDArray[np.float32], list[str]]:
        """Return features (rows, features), never NaN, and what was noticed.

        Columns are found by name; further ones are ignored. Raises DataError: a missing column
        (with the nearest name), a text among numbers or an infinite value (with row and value).
        """
        if isinstance(data, Dataset) and not isinstance(data, Table):
            raise DataError("the data", needed="a table", got=data.description)
        if isinstance(data, Mapping) and (quick := self._single_row(data, target)) is not None:
            return quick
        table = _columns_of(data, self.column_names)
        notes: list[str] = []
        titles = getattr(
            data, "columns", data if isinstance(data, Mapping) else table.frame.columns
        )
        notes += self._further(map(str, titles), target)
        return self._encoded(table, notes), notes

    def _encoded(self, table: Table, notes: list[str]) -> NDArray[np.float32]:
        """Return features (rows, features); `notes` gets what was noticed."""
        result = np.empty((len(table), self.number_of_features), dtype=np.float32)
        for transformer, slots in self._slices():
            try:
                block = transformer.transform(_cells_for(transformer, table), notes.append)
            except DataError as error:
                which = f"{table.name}: {error.which}"
                raise DataError(
                    which, needed=error.needed, got=error.got, try_=error.try_
                ) from error
            result[:, slots] = block
            notes += _far(transformer, block)
        return result

    def _single_row(
        self, data: Mapping[str, Any], target: str
    ) -> tuple[NDArray[np.float32], list[str]] | None:
        """Return what `encode` does for a single row of plain cells; None: it needs a table."""
        cells = single_cells(data)
        if cells is None:
            return None
        notes = self._further(map(str, data), target)
        result = np.empty((1, self.number_of_features), dtype=np.float32)
        for transformer, slots in self._slices():
            block = cell_features(transformer, cells, notes.append)
            if block is None:
                return None
            result[:, slots] = block
            notes += _far(transformer, block)
        return result, notes

    def _further(self, titles: Iterable[str], target: str) -> list[str]:
        """Return a note on columns that training did not have, if there are some."""
        known = self._known_names
        further = [
            repr(name)
            for name in titles
            if (title := sound_text(name)) not in known and title != target
        ]
        if not further:
            return []
        which = (
            f"column {further[0]} was"
            if len(further) == 1
            else f"columns {listed(further, 3)} were"
        )
        return [
            f"the {which} not there in training and {'is' if len(further) == 1 else 'are'} not used"
        ]

    def bent_numbers(self, data: Any) -> NDArray[np.float64] | None:
        """Return the columns as they stand in `data` whose features are bent: a logarithm, clipped.

        (rows, columns), gaps filled as for the features; None where no column is bent.
        """
        bent = [
            each
            for each in self.transformers
            if isinstance(each, NumberTransformer) and (each.standard.log or each.standard.clip)
        ]
        if not bent:
            return None
        table = _columns_of(data, [each.column for each in bent])
        return np.column_stack([each.filled(_cells_for(each, table)) for each in bent])

    def accept(self, dataset: Dataset, source: str, target: str) -> Dataset:
        return table_or_refuse(dataset, source, self.column_names)

    def read_path(self, path: Path) -> Table | None:
        """Return texts, one a line of a .txt file or one a file of a folder, where one is a row.

        None where more than a text is needed, and for other paths. Raises StorageError,
        FileFormatError or DataError.
        """
        if len(self.transformers) == 1 and isinstance(self.transformers[0], TextTransformer):
            return read_texts(path, self.column_names[0])
        return None

    def row_schema(self) -> dict[str, Any]:
        return table_schema(self.transformers)

    def rows_of_json(self, rows: Sequence[Any]) -> dict[str, list[Any]]:
        return columns_of_json(rows, self.transformers)

    def learns_from(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    @property
    def column_names(self) -> list[str]:
        """The columns that `encode` needs."""
        return [transformer.column for transformer in self.transformers]

    @property
    def feature_names(self) -> list[str]:
        """A name for each feature, such as `Age`, `Age is missing`, `Sex=male`."""
        return [name for transformer in self.transformers for name in transformer.feature_names]

    @property
    def number_of_features(self) -> int:
        return self._placed[-1][1].stop

    def _slices(self) -> Sequence[tuple[ColumnTransformer, slice]]:
        """Return each transformer with where its features stand in a row."""
        return self._placed

    @cached_property
    def _placed(self) -> tuple[tuple[ColumnTransformer, slice], ...]:
        # Names are made to be counted: once, so that a single row does not wait for it.
        widths = [len(transformer.feature_names) for transformer in self.transformers]
        stops = list(itertools.accumulate(widths))
        places = map(slice, [0, *stops], stops)
        return tuple(zip(self.transformers, places, strict=True))

    @cached_property
    def _known_names(self) -> frozenset[str]:
        return frozenset(column.name for column in self.columns)

    @property
    def texts(self) -> list[TextSlice]:
        """Where columns of texts stand in a row."""
        return [
            TextSlice(
                slots.start,
                slots.start + transformer.dense,
                slots.stop,
                transformer.slots,
                len(transformer.terms) + 1,
                transformer.length,
                ("", "<unknown>", *transformer.words),
            )
            for transformer, slots in self._slices()
            if isinstance(transformer, TextTransformer)
        ]

    def names_in_row(self, features: NDArray[Any]) -> list[str]:
        """Return names of the features of one row, (features,), with the words that it has."""
        names: list[str] = []
        for transformer, slots in self._slices():
            if isinstance(transformer, TextTransformer):
                names += transformer.names_in_row(features[slots])
            else:
                names += transformer.feature_names
        return names

    def cells_of(self, row: Dataset, target: str) -> list[Any]:
        """Return the cell that each feature was made of; "" for texts, whose names are words."""
        assert isinstance(row, Table)
        cells: list[Any] = []
        for transformer in self.transformers:
            text = isinstance(transformer, TextTransformer)
            number = isinstance(transformer, NumberTransformer)
            series = row.frame[transformer.column] if number else row.column(transformer.column)
            cell = "" if text else series.iloc[0]
            cells += [cell] * len(transformer.feature_names)
        return cells

    def rows_of(self, data: Any) -> Dataset:
        """Return a table; texts alone, (rows,), where a text is all of a row."""
        (first, *others) = self.transformers
        alone = isinstance(first, TextTransformer) and not others
        named = isinstance(data, Dataset | str) or hasattr(data, "columns") or hasattr(data, "keys")
        if alone and not named and all(isinstance(one, str) for one in data):
            data = {first.column: list(data)}
        return super().rows_of(data)

    def baseline_row(
        self, data: Dataset, features: NDArray[Any], weights: NDArray[Any] | None = None
    ) -> BaselineRow:
        table = _columns_of(data, self.column_names)
        shares = np.ones(len(table)) if weights is None else np.asarray(weights, np.float64)
        cells = {
            transformer.column: transformer.typical(_cells_for(transformer, table), shares)
            for transformer in self.transformers
        }
        known = {column: cell for column, cell in cells.items() if cell is not None}
        return BaselineRow(len(table), known)

    def parts_of(
        self, row: Dataset, features: NDArray[Any], baseline_row: BaselineRow | None
    ) -> RowParts:
        table = _columns_of(row, self.column_names)
        columns = [
            ColumnSlice(transformer, slots, _cells_for(transformer, table).iloc[0])
            for transformer, slots in self._slices()
        ]
        return table_parts(columns, features, baseline_row)

    def inputs(self, baseline_row: BaselineRow | None) -> tuple[Inputs, ...]:
        """Return the columns, each with all features that it makes."""
        members = np.empty(self.number_of_features, np.int64)
        for number, (_, slots) in enumerate(self._slices()):
            members[slots] = number
        return (Inputs("column", self.column_names, members),)

    @property
    def text_columns(self) -> Sequence[str]:
        """Return the columns of texts, whose words can be taken out."""
        return [each.column for each, _ in self._slices() if isinstance(each, TextTransformer)]

    def texts_of(self, data: Dataset) -> Sequence[TextsOfRows]:
        texts = [each for each in self._slices() if isinstance(each[0], TextTransformer)]
        if not texts:
            return ()
        table = _columns_of(data, [transformer.column for transformer, _ in texts])
        return [
            TextsOfRows(transformer, slots, _cells_for(transformer, table).tolist())
            for transformer, slots in texts
            if isinstance(transformer, TextTransformer)
        ]

    def sweep(
        self, number: int, data: Dataset, features: NDArray[np.float32], points: int
    ) -> Sweep | None:
        transformer, slots = list(self._slices())[number]
        if isinstance(transformer, TextTransformer):
            return None
        series = _cells_for(transformer, _columns_of(data, [transformer.column]))
        return column_sweep(transformer, series, slots, features, points)

    @property
    def decisions(self) -> list[Decision]:
        """For each column what it is, or that it is left out; why, and what was done."""
        done = {transformer.column: transformer.reason for transformer in self.transformers}
        return [
            Decision(
                f"column {column.name}",
                str(column.column_type) if column.used else "left out",
                "; ".join(filter(None, [column.reason, done.get(column.name)])),
            )
            for column in self.columns
        ]


def _far(transformer: ColumnTransformer, block: NDArray[Any]) -> list[str]:
    """Return a note where features lie as far out as they can."""
    plain = block[:, : transformer.dense] if isinstance(transformer, TextTransformer) else block
    far = int((np.abs(plain) >= FARTHEST).any(axis=1).sum())
    if not far:
        return []
    return [
        f"{transformer.column}: {counted(far, 'value')} {plural(far, 'lies', 'lie')} "
        f"{FARTHEST:.0e} deviations or more from the training rows and "
        f"{plural(far, 'counts', 'count')} as just that"
    ]


def _columns_of(frame: object, names: Sequence[str]) -> Table:
    """Return a table that has the columns `names`. Raises DataError where one is not there."""
    table = read_columns(frame, names)
    require_columns(table.frame, names)
    return table


def _cells_for(transformer: ColumnTransformer, table: Table) -> pandas.Series:
    """Return the column of a table that a transformer takes, as `_cells` does."""
    form = getattr(transformer, "form", "")
    return _cells(table, transformer.column, transformer.column_type, form)


def _cells(table: Table, name: str, column_type: str, form: str) -> pandas.Series:
    """Return a column as its type wants it: whatever a new table looks like, training decides.

    Numbers as they are, if the table read them in the form of training, else as words; categories
    as words; dates and texts as words without those that stand for a gap.
    """
    import pandas

    written = table.written.get(name)
    if column_type == ColumnType.DATE and form in NUMBER_DATE_FORMATS:
        # Dates such as 20200131 are read as numbers first.
        column_type, form = ColumnType.NUMBER, "plain"
    if column_type == ColumnType.NUMBER:
        if written is not None and (written.form != form or written.odd_rows):
            return table.column(name)
        return pandas.Series(table.frame[name].to_numpy(), index=table.index, name=name)
    series = table.column(name)
    if column_type == ColumnType.CATEGORY or written is None:
        return series
    words = [None if word is None or is_missing_word(word) else word for word in series]
    return pandas.Series(words, index=series.index, dtype=object, name=name)
