"""What makes two rows of a table alike: numbers up to rounding, words up to case and punctuation.

Knows cells, not what their columns are learned as; numberings of rows are left out, since a copy
has a number of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from typing import TYPE_CHECKING

import numpy as np

from misstep.data.copies import Traits
from misstep.data.table.cell_values import category_words
from misstep.ir import Array

if TYPE_CHECKING:
    import pandas

__all__ = ["table_traits"]

# Texts of so many words on average hardly ever agree by chance.
WORDS_OF_TEXTS = 3.0
# Fewer rows may hold consecutive numbers without being numbered by them.
FEWEST_NUMBERED_ROWS = 10
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def table_traits(frame: pandas.DataFrame, without: Container[str] = ()) -> Traits:
    """Return what the rows of a table are compared by; columns of `without` take no part."""
    import pandas

    rows = len(frame)
    marks: list[Array] = []
    numbers: list[Array] = []
    free: set[int] = set()
    for title in frame.columns:
        column = frame[title]
        if str(title) in without:
            continue
        kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else "O"
        if kind in "biuf":
            values = column.to_numpy().astype(np.float64)
            if not _numbers_rows(values):
                numbers.append(values)
            continue
        if kind == "M":
            marks.append(column.to_numpy().astype("datetime64[s]").astype(np.int64))
            continue
        words = category_words(column.tolist())
        spaces = sum(word.count(" ") for word in words if word)
        if spaces >= (WORDS_OF_TEXTS - 1) * max(1, rows - words.count(None)):
            free.add(len(marks))
        seen = {word: _plain(word) for word in set(words) if word is not None}
        plain = [None if word is None else seen[word] for word in words]
        marks.append(pandas.factorize(np.asarray(plain, dtype=object))[0].astype(np.int64))
    return Traits(
        np.array(marks, np.int64).reshape(len(marks), rows).T,
        np.array(numbers, np.float64).reshape(len(numbers), rows).T,
        free=frozenset(free),
    )


def _numbers_rows(values: Array) -> bool:
    """Tell whether values number the rows one by one, in whatever order."""
    rows = len(values)
    if rows < FEWEST_NUMBERED_ROWS or not np.isfinite(values).all():
        return False
    return bool(np.array_equal(np.sort(values), values.min() + np.arange(rows)))


def _plain(word: str) -> str:
    """Return words in small letters with one blank between them; a single word as it is written.

    C, C+ and C++ are three things, "Good day!" and "good day" are one.
    """
    plain = unicodedata.normalize("NFC", word).casefold().strip()
    if " " not in plain:
        return plain
    return _BETWEEN_WORDS.sub(" ", plain).strip() or plain
