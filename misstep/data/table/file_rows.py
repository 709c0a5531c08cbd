"""Records of a file as a table whose columns training has already recognized.

What `words_of` finds out by looking at a whole column is known here: each cell is read for itself,
in the form that training found, so that the same cell means the same wherever a file was cut.
Knows columns and words; who reads the records is not its matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.table.cell_values import objects, sound_text
from misstep.data.table.column_types import Column, ColumnType
from misstep.data.table.number_dates import NUMBER_DATE_FORMATS
from misstep.data.table.number_forms import sound_plain_number
from misstep.data.table.preprocessor import Preprocessor
from misstep.data.table.table import Table
from misstep.data.table.word_columns import WordColumn, words_of
from misstep.data.targets import Target

if TYPE_CHECKING:
    import pandas

__all__ = ["answers_of", "columns_to_read", "group_words", "table_of_records"]


def table_of_records(
    records: Sequence[Sequence[str]],
    names: Sequence[str],
    first: int,
    columns: Iterable[Column],
    name: str,
    weak_comma: bool,
) -> Table:
    """Return some columns of some records.

    `names`: of all columns; `first`: the number of the first record in its file, from 1; `name`: of
    the table; `weak_comma`: as `words_of` takes it.
    """
    import pandas

    places = {sound_text(each): at for at, each in enumerate(names)}
    written: dict[str, WordColumn] = {}
    for column in columns:
        if column.name not in written:
            words = [record[places[column.name]] for record in records]
            written[column.name] = _column(column, words, weak_comma)
    frame = pandas.DataFrame({each: one.values for each, one in written.items()}, copy=False)
    numbers = np.arange(first, first + len(records))
    return Table(frame, name, [], written=written, numbers=numbers)


def answers_of(table: Table, target: Target) -> pandas.Series:
    """Return the answers in a table of records, (rows,): numbers that are plain, or words."""
    import pandas

    if target.is_number and table.form(target.name) == "plain":
        values = table.frame[target.name].to_numpy()
        return pandas.Series(values, index=table.index, name=target.name)
    return table.column(target.name)


def columns_to_read(
    preprocessor: Preprocessor, target: Target, groups: str | None
) -> tuple[Column, ...]:
    """Return the columns that a row is made of: features, answer, and what tells groups apart."""
    kind = ColumnType.NUMBER if target.is_number else ColumnType.CATEGORY
    more = [Column(target.name, kind, "", target.form)]
    if groups is not None:
        more.append(Column(groups, ColumnType.CATEGORY, ""))
    return (*(column for column in preprocessor.columns if column.used), *more)


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
    if any(words[at].strip() for at in gaps) or "_" in "\n".join(words):
        return None
    return values
