"""A row of a table taken apart into its columns, and the words of its texts.

All features of a column go together: its categories, its marks for missing, its circles of a
calendar. A text without some of its words is encoded anew, so that its length, its capitals and the
weights of its other words follow. Knows transformers as what encodes a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.row_parts import BaselineRow, Floats, Part, RowParts
from misstep.data.table.column_transformers import (
    CategoryTransformer,
    DateTransformer,
    NumberTransformer,
)
from misstep.data.text.text_parts import pieces_of
from misstep.data.text.text_transformer import TextTransformer
from misstep.text.counts import counted

__all__ = ["ColumnSlice", "table_parts"]

NO_CATEGORY = "none of the categories"


@dataclass(frozen=True)
class ColumnSlice:
    """A column of a row: what encodes it, where its features stand, and its cell."""

    transformer: Any
    features: slice
    cell: Any


class WordParts(RowParts):
    """The words of one column of texts; all else in the row stays.

    `features`: of the whole row, (features,).
    """

    noun = "word"
    baseline = "words taken out of the text"

    def __init__(self, column: ColumnSlice, features: Floats) -> None:
        self._features = np.asarray(features, np.float32)
        self._column = column
        self._pieces = pieces_of(_text_of(column.cell))
        name = column.transformer.column
        self.parts = [
            Part(f"{name}: {word!r}", "once" if count == 1 else counted(count, "time"), None)
            for word, count in zip(self._pieces.words, self._pieces.counts, strict=True)
        ]
        self.places = len(self._pieces.order)

    def mixed(self, kept: NDArray[np.bool_]) -> Floats:
        import pandas

        # The same text with the same words left is encoded once.
        different, places = np.unique(kept, axis=0, return_inverse=True)
        texts = [self._pieces.text(words) for words in different]
        rows = np.repeat(self._features[np.newaxis], len(different), axis=0)
        taken = ~different.all(axis=1)
        if taken.any():
            # Untouched it is what it is, with all its blanks.
            fewer = pandas.Series([texts[at] for at in np.flatnonzero(taken)], dtype=object)
            blocks = self._column.transformer.transform(fewer, _ignore)
            rows[taken, self._column.features] = blocks
        return rows[places.reshape(-1)]


class TableParts(RowParts):
    """The columns of one row, a column of texts as a whole; its words are in `details`.

    `baseline_row`: None for a model whose file holds none.
    """

    noun = "column"

    def __init__(
        self, columns: Sequence[ColumnSlice], features: Floats, baseline_row: BaselineRow | None
    ) -> None:
        self._features = np.asarray(features, np.float32)
        self._columns = columns
        self._replaced = self._features.copy()
        cells = {} if baseline_row is None else baseline_row.cells
        parts, details = [], []
        for number, column in enumerate(columns):
            transformer = column.transformer
            if isinstance(transformer, TextTransformer):
                value, block = None, _encoded(transformer, "")
                details.append((number, WordParts(column, features)))
            else:
                value, block = _replacement(transformer, cells.get(transformer.column))
            parts.append(Part(transformer.column, column.cell, value))
            self._replaced[column.features] = block
        self.parts, self.details = parts, details
        kinds = {type(column.transformer) for column in columns}
        self.baseline = _in_words(baseline_row, kinds)

    def mixed(self, kept: NDArray[np.bool_]) -> Floats:
        members = np.zeros(len(self._features), np.int64)
        for number, column in enumerate(self._columns):
            members[column.features] = number
        return np.where(kept[:, members], self._features, self._replaced)


def table_parts(
    columns: Sequence[ColumnSlice], features: Floats, baseline_row: BaselineRow | None
) -> RowParts:
    """Return the columns of one row as its parts, or the words of the text that is all of it.

    `features`: the row encoded, (features,).
    """
    if len(columns) == 1 and isinstance(columns[0].transformer, TextTransformer):
        return WordParts(columns[0], features)
    return TableParts(columns, features, baseline_row)


def _in_words(baseline_row: BaselineRow | None, kinds: set[type]) -> str:
    """Return what columns of these kinds are replaced by."""
    count = "" if baseline_row is None else f"{baseline_row.rows:,} "
    rows = f"the {count}training rows"
    mean = "median" if baseline_row is None else "mean"
    words = []
    if NumberTransformer in kinds:
        words.append(f"numbers at the {mean} of {rows}")
    if CategoryTransformer in kinds:
        words.append("categories at " + ("none" if baseline_row is None else "the most frequent"))
    if DateTransformer in kinds:
        words.append(f"dates at their {mean}")
    if TextTransformer in kinds:
        words.append("texts without a word")
    if words and baseline_row is None:
        words[-1] += " (this model file is of an earlier version and holds no means)"
    return ", ".join(words)


def _replacement(transformer: Any, cell: float | str | None) -> tuple[Any, Floats]:
    """Return what stands in a column instead, and its features."""
    width = len(transformer.feature_names)
    if cell is None and isinstance(transformer, CategoryTransformer):
        return NO_CATEGORY, np.zeros(width, np.float32)
    if isinstance(transformer, DateTransformer):
        if cell is None:
            return _without_gap(transformer)
        shown = str(cell).removesuffix("T00:00:00").replace("T", " ")
        return shown, _encoded(transformer, np.datetime64(str(cell), "s"))
    if cell is None:
        cell = transformer.fill
    return cell, _encoded(transformer, cell)


def _encoded(transformer: Any, cell: Any) -> Floats:
    """Return the features of a column, (features,), for a cell."""
    import pandas

    series: pandas.Series = pandas.Series([cell], dtype=object if isinstance(cell, str) else None)
    return np.asarray(transformer.transform(series, _ignore)[0], np.float32)


def _without_gap(transformer: DateTransformer) -> tuple[str, Floats]:
    """Return the median of the years, which is all that an earlier file knows, on no circle."""
    block = np.zeros(len(transformer.feature_names), np.float32)
    block[0] = transformer.years.apply(np.array([transformer.fill]))[0]
    return f"the median, {1970 + transformer.fill:.1f}", block


def _text_of(cell: Any) -> str:
    return "" if cell is None or cell != cell else str(cell)


def _ignore(note: str) -> None:
    """Hear what was noticed: the row itself was looked at before."""
