"""Records of a file as a table whose columns training has already recognized.

What `words_of` finds out by looking at a whole column is known here: each cell is read for itself,
in the form that training found, so that the same cell means the same wherever a file was cut.
Knows columns and words; who reads the records is not its matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.table.cell_values import objects, sound_text
from misstep.data.table.column_types import Column, ColumnType
from misstep.data.table.number_dates import NUMBER_DATE_FORMATS
from misstep.data.table.number_forms import sound_plain_number
from misstep.data.table.table import Table
from misstep.data.table.word_columns import WordColumn, words_of

__all__ = ["group_words", "table_of_records"]


def table_of_records(
    records: Sequence[Sequence[str]],
    names: Sequence[str],
    first: int,
    columns: Iterable[Column],
    more: Iterable[str],
    name: str,
    weak_comma: bool,
) -> Table:
    """Return the columns that are used, and those named in `more`, of some records.

    `names`: of all columns; `first`: the number of the first record in its file, from 1; `name`: of
    the table; `weak_comma`: as `words_of` takes it.
    """
    import pandas

    places = {sound_text(each): at for at, each in enumerate(names)}
    written: dict[str, WordColumn] = {}
    for column in columns:
        if column.used:
            words = [record[places[column.name]] for record in records]
            written[column.name] = _column(column, words, weak_comma)
    for each in more:
        if each not in written:
            written[each] = _words([record[places[each]] for record in records])
    frame = pandas.DataFrame({each: one.values for each, one in written.items()}, copy=False)
    numbers = np.arange(first, first + len(records))
    return Table(frame, name, [], written=written, numbers=numbers)


def group_words(table: Table, name: str) -> list[str | None]:
    """Return what tells groups apart in a column, (rows,): numbers alike however they are written.

    None where nothing stands, which is a group of its own.
    """
    words: list[str | None] = []
    for word in table.column(name).tolist():
        number = None if word is None else sound_plain_number(word)
        words.append(word if number is None else repr(number))
    return words


def _column(column: Column, words: Sequence[str], weak_comma: bool) -> WordColumn:
    if column.column_type is ColumnType.DATE and column.form in NUMBER_DATE_FORMATS:
        return words_of(words, column.name, "", weak_comma)
    if column.column_type is ColumnType.NUMBER and column.form == "plain":
        numbers = _plain(words)
        if numbers is not None:
            return WordColumn(numbers, None, "plain")
    return _words(words)


def _words(words: Sequence[str]) -> WordColumn:
    """Return cells as they are written, blanks around them cut, None where nothing stands."""
    cut = [(word.strip() if word.isascii() else sound_text(word.strip())) or None for word in words]
    cells = objects(cut)
    return WordColumn(cells, cells)


def _plain(words: Sequence[str]) -> NDArray[np.float64] | None:
    """Return the numbers, (rows,), NaN where nothing stands; None where a word is none."""
    try:
        numbers = list(map(float, words))
    except ValueError:
        try:
            numbers = [float(word) if word and not word.isspace() else math.nan for word in words]
        except ValueError:
            return None
    values = np.asarray(numbers, np.float64)
    gaps: Any = np.flatnonzero(np.isnan(values))
    if any(words[at].strip() for at in gaps) or any("_" in word for word in words):
        return None
    return values
