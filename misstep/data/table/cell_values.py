"""What a single cell says: missing, a date, a category. Numbers: `number_words.py`.

Knows values and one-dimensional columns of them, not tables or models. Reading, recognizing and
preprocessing all ask here, so a cell means the same everywhere.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LITERAL",
    "MOST_EXACT",
    "category_words",
    "is_missing_word",
    "is_name_for_missing",
    "objects",
    "sound_text",
    "without_point",
]

# What people and programs write where nothing is known (compared in lower case).
# Some of them are words as well: a class may be called None, a country NA.
NAMES_FOR_MISSING = frozenset({"na", "n/a", "nan", "null", "none"})
_MARKS_FOR_MISSING = (
    r"? #n/a #na <na> -nan nat <null> (null) \n #div/0! #value! #ref! #name? #num! #null! "
    "1.#qnan -1.#qnan 1.#ind -1.#ind"
)
MISSING_WORDS = NAMES_FOR_MISSING | {"", "#n/a n/a", *_MARKS_FOR_MISSING.split()}
# Whole numbers up to here are exact as floats.
MOST_EXACT = 2**53
# The form of a column of categories in which None and NA are names, because empty cells are gaps.
LITERAL = "literal"

_WHOLE_WITH_POINT = re.compile(r"(-?\d+)\.0+")


def is_missing_word(word: str) -> bool:
    """Tell whether a text stands for "not known", such as `?`, `NA` or nothing at all."""
    return word.strip().lower() in MISSING_WORDS


def is_name_for_missing(word: str) -> bool:
    """Tell whether a text that stands for "not known" may as well be a name, such as None."""
    return word.strip().lower() in NAMES_FOR_MISSING


def sound_text(word: str) -> str:
    """Return a text that every file can hold, in one spelling (Unicode's NFC).

    Halves of characters become question marks; é of two signs becomes one.
    """
    if word.isascii():
        return word
    return unicodedata.normalize("NFC", word.encode("utf-8", "replace").decode("utf-8"))


def without_point(word: str) -> str:
    """Return a whole number without what stands behind its point: 3 for 3.0; else the word.

    >>> without_point("3.0"), without_point("3.10"), without_point("v3.0")
    ('3', '3.10', 'v3.0')
    """
    match = _WHOLE_WITH_POINT.fullmatch(word)
    return match[1] if match else word


def objects(values: Sequence[object]) -> NDArray[Any]:
    """Return values as they are, (rows,)."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def category_words(values: Sequence[object], literal: bool = False) -> list[str | None]:
    """Return each value as the text that names its category, None where missing.

    Whole numbers lose their ".0", so that 3, 3.0 and "3" are one category. `literal`: texts such as
    None, NA and null are names; nothing at all, and marks such as ?, are still missing.
    """
    seen: dict[object, str | None] = {}
    result: list[str | None] = []
    for value in values:
        # Numbers are seldom the same, and written as quickly as they are looked up.
        if type(value) is float:
            result.append(_number_word(value))
            continue
        key = value if type(value) is str else (type(value), value)
        try:
            if key not in seen:
                seen[key] = _category_word(value, literal)
            result.append(seen[key])
        except TypeError:
            result.append(_category_word(value, literal))
    return result


def _number_word(number: float) -> str | None:
    if math.isnan(number):
        return None
    if number.is_integer() and -MOST_EXACT < number < MOST_EXACT:
        return str(int(number))
    return repr(number)


def _category_word(value: object, literal: bool) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        if is_missing_word(value) and not (literal and is_name_for_missing(value)):
            return None
        return sound_text(value.strip())
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating):
        return _number_word(float(value))
    word = str(value)
    return None if word in {"NaT", "<NA>"} else sound_text(word)
