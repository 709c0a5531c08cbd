"""What a single cell says: missing, a number in one of its written forms, a category.

Knows values and one-dimensional columns of them, not tables or models. Reading, recognizing and
preprocessing all ask here, so a cell means the same everywhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "NUMBER_FORMS",
    "category_words",
    "is_missing_word",
    "number_form_of",
    "objects",
    "parse_number",
    "sound_text",
    "typed_values",
]

# What people and programs write where nothing is known (compared in lower case).
MISSING_WORDS = frozenset({"", "?", "na", "n/a", "#n/a", "<na>", "nan", "null", "none"})
MOST_EXACT = 2**53

_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
_PLAIN = r"[-+]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?"
_PERCENT = re.compile(_PLAIN + r"\s?%")
_MONEY = re.compile(r"[-+]?\s?[$€£¥]\s?" + _PLAIN + r"|" + _PLAIN + r"\s?[$€£¥]")
_GROUPED = re.compile(_PLAIN)

# How numbers are written: 1.5e3, 1,500, 12 %, $5.
NUMBER_FORMS = ("plain", "thousands", "percent", "money")


def is_missing_word(word: str) -> bool:
    """Tell whether a text stands for "not known", such as `?`, `NA` or nothing at all."""
    return word.strip().lower() in MISSING_WORDS


def sound_text(word: str) -> str:
    """Return a text that every file can hold: halves of characters become question marks."""
    return word if word.isascii() else word.encode("utf-8", "replace").decode("utf-8")


def typed_values(words: Sequence[str | None]) -> NDArray[Any]:
    """Give a column of texts its type: int64, float64 (NaN where missing) or object (None).

    `words`: (rows,). Codes such as `007` stay texts, because as numbers they would lose zeros.
    """
    cleaned = [None if word is None or is_missing_word(word) else word.strip() for word in words]
    present = [word for word in cleaned if word is not None]
    if not present:
        return np.full(len(cleaned), np.nan)
    if any(_is_code(word) for word in present):
        return objects(cleaned)
    try:
        numbers = [math.nan if word is None else float(word) for word in cleaned]
    except ValueError:
        return objects(cleaned)
    if any("_" in word for word in present):
        return objects(cleaned)
    array = np.asarray(numbers, dtype=np.float64)
    whole = len(present) == len(cleaned) and all(w.lstrip("+-").isdigit() for w in present)
    if whole and np.abs(array).max() < MOST_EXACT:
        return array.astype(np.int64)
    return array


def _is_code(word: str) -> bool:
    return len(word) > 1 and word[0] == "0" and word[1:].isdigit()


def objects(values: Sequence[object]) -> NDArray[Any]:
    """Return values as they are, (rows,)."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def parse_number(value: object, form: str = "plain") -> float:
    """Return a cell as a float; raise ValueError if it is none in this written form.

    `form`: "plain" (1.5e3), "thousands" (1,500), "percent" (12 %), "money" ($5).
    """
    if isinstance(value, str):
        word = value.strip()
        if "_" in word:
            raise ValueError(word)
        if form == "percent":
            word = word.removesuffix("%").strip()
        elif form == "money":
            word = re.sub(r"[$€£¥]", "", word).replace(" ", "")
        if form != "plain" and "," in word:
            if not _GROUPED.fullmatch(word):
                raise ValueError(word)
            word = word.replace(",", "")
        return float(word)
    if isinstance(value, bool | np.bool_ | int | float | np.integer | np.floating):
        return float(value)
    return float(str(value))


def number_form_of(words: Sequence[str]) -> str | None:
    """Return the written form that all `words` share, or None; a form needs its own mark.

    All present values must fit: one stray word makes the column something else.
    """
    if not words or any(_is_code(word) for word in words):
        return None
    tests: tuple[tuple[str, Callable[[str], object]], ...] = (
        ("plain", _as_float),
        ("thousands", lambda word: _THOUSANDS.fullmatch(word) or _as_float(word)),
        ("percent", _PERCENT.fullmatch),
        ("money", _MONEY.fullmatch),
    )
    for form, fits in tests:
        if fits(words[0]) and all(fits(word) for word in words):
            return form
    return None


def _as_float(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return "_" not in word


def category_words(values: Sequence[object]) -> list[str | None]:
    """Return each value as the text that names its category, None where missing.

    Whole numbers lose their ".0", so that 3, 3.0 and "3" are one category.
    """
    seen: dict[object, str | None] = {}
    result: list[str | None] = []
    for value in values:
        key = value if isinstance(value, str) else (type(value), value)
        try:
            if key not in seen:
                seen[key] = _category_word(value)
            result.append(seen[key])
        except TypeError:
            result.append(_category_word(value))
    return result


def _category_word(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return None if is_missing_word(value) else sound_text(value.strip())
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating):
        number = float(value)
        if math.isnan(number):
            return None
        if number.is_integer() and abs(number) < MOST_EXACT:
            return str(int(number))
        return repr(number)
    word = str(value)
    return None if word in {"NaT", "<NA>"} else sound_text(word)
