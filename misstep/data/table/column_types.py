"""What each column of a table is, and why: number, category, date, text, or nothing to learn from.

Knows values and their counts, not networks. Every judgment carries a sentence with the numbers it
rests on; the thresholds stand together at the top. `preprocessor.py` acts on the result.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from misstep.data.table.cell_values import LITERAL, category_words, is_name_for_missing
from misstep.data.table.dates import date_format_of, spoken_form
from misstep.data.table.number_dates import number_date_form
from misstep.data.table.table import read_table, require_column
from misstep.data.table.word_columns import WordColumn
from misstep.data.text.unspaced import has_signs, word_count
from misstep.errors import DataError

if TYPE_CHECKING:
    import pandas

__all__ = ["Column", "ColumnType", "recognize_columns", "says_identifier"]

# A name such as "id" counts only where the values tell rows apart: at least half are distinct
# (a file joined from two parts may number each part from 0).
ID_DISTINCT_SHARE = 0.5
# Fewer rows than this can be numbered 1, 2, 3 ... by chance or by design of a toy example.
FEWEST_NUMBERED_ROWS = 10
# Texts have words; names of categories ("Private house") rarely have three on average.
TEXT_WORDS = 3.0
TEXT_DISTINCT_SHARE = 0.5
# No name of a category is as long as a sentence, however often the same one comes back.
SENTENCE_WORDS = 8.0
# Up to so many categories each keeps a place of its own however rare it is.
FEW_CATEGORIES = 20
# A category needs this many training rows before its own weights can learn more than noise
# (the standard error of a mean over 10 rows is a third of the deviation).
FEWEST_ROWS_OF_CATEGORY = 10
# More places than this cost more weights than rare categories repay.
MOST_CATEGORIES = 64
# Kept categories that cover less than this share of the rows say nothing about most rows.
LEAST_COVERED = 0.05
# A column that is filled in fewer rows than this touches too few of them to learn from.
LEAST_PRESENT_SHARE = 0.01
# Whether a value is missing is worth a feature when neither answer is rarer than this.
LEAST_MISSING_SHARE = 0.02

_ID_NAME = re.compile(
    r"(.*[_\s.-])?(id|ids|uid|uuid|guid|index|idx|key|rownum|row_?number)"
    r"|.*[a-z](Id|ID)|unnamed: 0|#|nr|no|row|record"
)


class ColumnType(StrEnum):
    """What a column is; constants and identifiers are never used."""

    NUMBER = "number"
    CATEGORY = "category"
    DATE = "date"
    TEXT = "text"
    CONSTANT = "constant"
    IDENTIFIER = "identifier"


@dataclass(frozen=True)
class Column:
    """One column: its name, its type and the reason for it.

    `form`: how a number is written (`number_forms.py`) or the format of a date; "literal" for
    categories among which None and NA are names; empty otherwise. `left_out`: that it could be
    used, but should not be. `used`: whether preprocessing makes features of it.
    """

    name: str
    column_type: ColumnType
    reason: str
    form: str = ""
    left_out: bool = False

    @property
    def used(self) -> bool:
        """Tell whether this column becomes features."""
        return self.column_type in _USED and not self.left_out


_USED = {ColumnType.NUMBER, ColumnType.CATEGORY, ColumnType.DATE, ColumnType.TEXT}
# What a column is, why, and its `form`.
Recognized = tuple[ColumnType, str, str]


def recognize_columns(table: object, target: str | Iterable[str] | None = None) -> list[Column]:
    """Say what each column of a table is, the target left out.

    `table`: (rows, columns), whatever `read_table` takes. Returns one `Column` each, in order.
    Raises DataError: no such target, or no column to learn from.
    """
    read = read_table(table)
    frame = read.frame
    targets = [] if target is None else [target] if isinstance(target, str) else list(target)
    titles = [str(title) for title in frame.columns]
    for name in targets:
        require_column(frame, name, f"the target {name!r}")
    columns = [
        Column(
            title,
            *_recognize(title, frame.iloc[:, i], title in read.texts, read.written.get(title)),
        )
        for i, title in enumerate(titles)
        if title not in targets
    ]
    if not any(column.used for column in columns):
        columns = [
            _rescued(column, frame[column.name], read.form(column.name)) for column in columns
        ]
    if not any(column.used for column in columns):
        raise _nothing_to_use(columns)
    return columns


def _nothing_to_use(columns: list[Column]) -> DataError:
    if not columns:
        return DataError(
            "the table",
            needed="at least one column beside the target",
            got="only the target",
            try_="a table with columns to predict from",
        )
    reasons = "; ".join(f"{column.name}: {column.reason}" for column in columns[:5])
    return DataError(
        "the table",
        needed="at least one column to learn from",
        got=f"{len(columns)} that can't be used ({reasons})",
        try_="a table with columns that describe the rows",
    )


def _rescued(column: Column, series: pandas.Series, form: str) -> Column:
    """Take a numbering as a number where the table has nothing else to learn from."""
    numeric = isinstance(series.dtype, np.dtype) and series.dtype.kind in "iuf"
    if column.column_type is not ColumnType.IDENTIFIER or not numeric:
        return column
    why = "used all the same because the table has no other usable column"
    return Column(column.name, ColumnType.NUMBER, f"{column.reason}; {why}", form or "plain")


def _recognize(
    name: str, series: pandas.Series, texts: bool, written: WordColumn | None = None
) -> Recognized:
    """Return what a column is.

    `texts`: that it holds texts whatever they look like; `written`: as it came, if as words.
    """
    names = None if texts or written is None else _names_for_missing(series, written)
    if names is not None:
        series = names
    rows = len(series)
    present = series.dropna()
    missing = rows - len(present)
    if texts:
        return _recognize_texts(series)
    if missing == rows:
        return ColumnType.CONSTANT, f"all {rows:,} values are missing", ""
    if len(present) < LEAST_PRESENT_SHARE * rows:
        reason = f"only {len(present):,} of {rows:,} rows have a value, under 1%"
        return ColumnType.CONSTANT, reason, ""
    dtype_kind = series.dtype.kind if isinstance(series.dtype, np.dtype) else "O"
    if dtype_kind in "iuf":
        column_type, reason, form = _recognize_numbers(name, present, missing)
        if written is not None and column_type is ColumnType.NUMBER:
            reason += f"; {written.reading}" if written.reading else ""
            form = written.form or form
        return column_type, reason, form
    if dtype_kind == "M":
        distinct = int(present.nunique())
        if distinct == 1 and not missing:
            return ColumnType.CONSTANT, f"the same date in all {rows:,} rows", ""
        return ColumnType.DATE, f"dates, {distinct:,} distinct", "stored"
    recognized = _recognize_words(name, present.tolist(), missing)
    if names is not None and recognized[0] is ColumnType.CATEGORY:
        return recognized[0], recognized[1], LITERAL
    return recognized


def _names_for_missing(series: pandas.Series, written: WordColumn) -> pandas.Series | None:
    """Return a column of words in which None and NA are names, because other cells are empty.

    None where they are not: then such words stand for what is missing, and nothing is lost.
    """
    import pandas

    if written.form or written.words is None:
        return None
    words = category_words(written.words.tolist(), literal=True)
    named = any(word is not None and is_name_for_missing(word) for word in words)
    if not named or None not in words or not series.notna().any():
        return None
    return pandas.Series(words, index=series.index, dtype=object)


def _recognize_texts(series: pandas.Series) -> Recognized:
    words = [word for word in category_words(series.tolist()) if word is not None]
    if not words:
        return ColumnType.CONSTANT, f"all {len(series):,} texts are missing", ""
    average = sum(map(word_count, words)) / len(words)
    gone = _missing_words(len(series) - len(words))
    return ColumnType.TEXT, f"{_length_words(average, words)}{gone}", ""


def _length_words(average: float, words: Collection[str]) -> str:
    """Return how long texts are on average; in most of them words may not be set apart."""
    if 2 * sum(map(has_signs, words)) > len(words):
        return f"about {average:.1f} words on average, two signs to a word"
    return f"{average:.1f} words on average"


def _recognize_numbers(name: str, present: pandas.Series, missing: int) -> Recognized:
    rows, distinct = len(present) + missing, int(present.nunique())
    if distinct == 1 and not missing:
        return ColumnType.CONSTANT, f"the same value {present.iloc[0]} in all {rows:,} rows", ""
    values = present.to_numpy()
    form = number_date_form(values, name)
    if form is not None:
        gone = _missing_words(missing)
        return ColumnType.DATE, f"numbers that are dates ({spoken_form(form)}){gone}", form
    whole = values.dtype.kind in "iu" or bool(np.all(np.mod(values[np.isfinite(values)], 1) == 0))
    if whole and says_identifier(name) and distinct >= ID_DISTINCT_SHARE * rows and distinct > 2:
        reason = f"{distinct:,} distinct in {rows:,} rows, in a column whose name says identifier"
        return ColumnType.IDENTIFIER, f"whole numbers, {reason}", ""
    if whole and not missing and rows >= FEWEST_NUMBERED_ROWS and np.all(np.diff(values) == 1):
        ends = f"from {values[0]:.0f} to {values[-1]:.0f}"
        return ColumnType.IDENTIFIER, f"it numbers the {rows:,} rows one by one {ends}", ""
    sort = "whole numbers" if whole else "numbers"
    return ColumnType.NUMBER, f"{sort}, {distinct:,} distinct{_missing_words(missing)}", "plain"


def says_identifier(name: str) -> bool:
    """Tell whether a column of that name may do nothing but tell rows apart."""
    return any(_ID_NAME.fullmatch(word) for word in (name.strip(), name.strip().lower()))


def _missing_words(missing: int) -> str:
    return f", {missing:,} missing" if missing else ""


def _recognize_words(name: str, values: list[Any], missing: int) -> Recognized:
    """Recognize a column of texts, truth values or a mixture."""
    words = [word for word in category_words(values, literal=True) if word is not None]
    counts = Counter(words)
    rows, gone = len(values) + missing, _missing_words(missing)
    if len(counts) == 1 and not missing:
        return ColumnType.CONSTANT, f"the same value {words[0]!r} in all {rows:,} rows", ""
    if all(isinstance(value, bool) for value in values):
        return ColumnType.CATEGORY, f"true or false in {rows:,} rows{gone}", ""
    unique = list(counts)
    dates = date_format_of(unique)
    if dates is not None:
        form, other = dates
        reason = (
            f"all {len(words):,} texts are dates ({spoken_form(form)}), for example {unique[0]!r}"
        )
        if other is not None:
            reason += f"; they would also read as {spoken_form(other)}"
        return ColumnType.DATE, reason + gone, form
    return *_recognize_categories(name, counts, missing), ""


def _same_but_case(counts: Counter[str]) -> str:
    """Return a hint where two categories differ in capitals only; else nothing."""
    by_case: dict[str, str] = {}
    for word in counts:
        other = by_case.setdefault(word.casefold(), word)
        if other != word:
            return f"; {other!r} and {word!r} differ in capitals only: are they one?"
    return ""


def _recognize_categories(name: str, counts: Counter[str], missing: int) -> tuple[ColumnType, str]:
    distinct, present, gone = len(counts), counts.total(), _missing_words(missing)
    average = sum(word_count(word) * n for word, n in counts.items()) / present
    share = distinct / present
    worded = average >= TEXT_WORDS and share >= TEXT_DISTINCT_SHARE and present > 1
    enough = distinct > FEW_CATEGORIES or average >= TEXT_WORDS + 2
    if (worded and enough) or (average >= SENTENCE_WORDS and distinct > MOST_CATEGORIES):
        texts = f"{distinct:,} distinct texts in {present:,} rows{gone}"
        return ColumnType.TEXT, f"{_length_words(average, counts)} and {texts}"
    category = ColumnType.CATEGORY, f"text, {distinct:,} distinct{gone}{_same_but_case(counts)}"
    identifier = f"text, {distinct:,} distinct in {present:,} rows"
    few = distinct <= FEW_CATEGORIES and not (distinct == present > FEWEST_NUMBERED_ROWS)
    if says_identifier(name) and share >= ID_DISTINCT_SHARE and not (few and distinct <= 2):
        return ColumnType.IDENTIFIER, f"{identifier}, and the name says identifier"
    kept = sorted((n for n in counts.values() if n >= FEWEST_ROWS_OF_CATEGORY), reverse=True)
    covered = sum(kept[:MOST_CATEGORIES]) / (present + missing)
    if few or covered >= LEAST_COVERED:
        return category
    if LEAST_MISSING_SHARE <= missing / (present + missing) <= 1 - LEAST_MISSING_SHARE:
        return ColumnType.CATEGORY, (
            f"text, {distinct:,} distinct, too rare each to learn from; but {missing:,} are "
            "missing, and whether one is there can be learned from"
        )
    few_rows = f"so nearly all have fewer than {FEWEST_ROWS_OF_CATEGORY} rows"
    return ColumnType.IDENTIFIER, f"{identifier}, {few_rows}"
