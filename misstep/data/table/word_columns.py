"""What a column of words holds: numbers in one of their written forms, or words; none of it lost.

`WordColumn` keeps the words beside the values that they give, since as numbers 1.1 and 1.10 are the
same. Knows one column; which mark decimals have in the whole file, `table.py` finds out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.table.cell_values import category_words, is_missing_word, objects, sound_text
from misstep.data.table.dates import date_format_of
from misstep.data.table.number_forms import Numbers, is_code, numbers_of
from misstep.text.counts import counted
from misstep.text.lists import and_so_on

__all__ = ["WordColumn", "words_of"]

# A 64-bit integer holds numbers up to here.
MOST_WHOLE = 2**63
# No such number has more letters; Python refuses to read whole numbers of thousands of digits.
LONGEST_WHOLE = 20
SHOWN_WORDS, SHOWN_ROWS = 3, 3


@dataclass(frozen=True)
class WordColumn:
    """A column as it was written, and what that means.

    `values`: (rows,) int64, float64 (NaN where missing) or objects (None). `words`: as written,
    blanks around them cut, None where nothing stands; or None, where `category_words(values)` gives
    them back. `form`: in which numbers are written, empty for words. `reading`: what is to be told
    of it in a few words, maybe empty. `odd_rows`: rows, from 0, whose words are no numbers in a
    column of numbers.
    """

    values: NDArray[Any]
    words: NDArray[Any] | None = None
    form: str = ""
    reading: str = ""
    notes: tuple[str, ...] = field(default=())
    odd_rows: tuple[int, ...] = ()


def words_of(
    words: Sequence[str | None],
    name: str,
    decimal: str = "",
    weak_comma: bool = False,
    rows: NDArray[np.int64] | None = None,
) -> WordColumn:
    """Return what a column of words holds, (rows,).

    `name`: of the column, for notes. `decimal`, `weak_comma`: as `numbers_of` takes them. `rows`:
    what notes call the rows, (rows,); None: by their place, from 1. Codes
    such as 007 stay words, because as numbers they would lose zeros.
    """
    written = [
        (word.strip() if word.isascii() else sound_text(word.strip())) or None if word else None
        for word in words
    ]
    gone = {word for word in set(written) if word is not None and is_missing_word(word)}
    present = [None if word in gone else word for word in written] if gone else written
    plain = _plain_numbers(present)
    if plain is not None and not _has_groups(present):
        return WordColumn(plain, _unless_said(written, plain), "plain")
    counts = Counter(word for word in present if word is not None)
    if not counts:
        return WordColumn(np.full(len(written), np.nan), _unless_said(written, None), "")
    numbers = None
    if plain is not None or date_format_of(list(counts)) is None:
        numbers = numbers_of(counts, decimal, weak_comma)
    if numbers is None:
        return WordColumn(objects(present), objects(written) if gone else None)
    if plain is not None and numbers.form == "plain":
        return WordColumn(plain, _unless_said(written, plain), "plain")
    values = np.asarray([numbers.values.get(word, np.nan) for word in present], np.float64)  # type: ignore[arg-type]
    odd = tuple(row for row, word in enumerate(present) if word in numbers.odd)
    reading, notes = _told(name, numbers, present, odd, rows)
    return WordColumn(values, objects(written), numbers.form, reading, notes, odd)


def _plain_numbers(words: Sequence[str | None]) -> NDArray[Any] | None:
    """Return the numbers (rows,) where every word is one as programs write them; else None."""
    if all(word is None for word in words):
        return None
    try:
        numbers = [np.nan if word is None else float(word) for word in words]
    except ValueError:
        return None
    for word in words:
        if word is not None and (word[0] == "0" or "_" in word) and ("_" in word or is_code(word)):
            return None
    if None not in words and all(
        len(word) <= LONGEST_WHOLE and word.lstrip("+-").isdigit() for word in words if word
    ):
        whole = [int(word) for word in words if word]
        if all(-MOST_WHOLE <= number < MOST_WHOLE for number in whole):
            return np.asarray(whole, np.int64)
    return np.asarray(numbers, np.float64)


def _has_groups(words: Sequence[str | None]) -> bool:
    """Tell whether dots might set thousands apart: each stands before three digits."""
    found = False
    for word in words:
        if word is not None and "." in word:
            if len(word) - word.index(".") != 4 or word.lstrip("+-")[0] == "0":
                return False
            found = True
    return found


def _unless_said(written: Sequence[str | None], values: NDArray[Any] | None) -> NDArray[Any] | None:
    """Return the words, or None where the values say as much."""
    if values is None:
        same = all(word is None for word in written)
    elif values.dtype.kind == "i":
        same = list(map(str, values.tolist())) == list(written)
    else:
        same = category_words(values.tolist()) == list(written)
    return None if same else objects(written)


def _told(
    name: str,
    numbers: Numbers,
    words: Sequence[str | None],
    odd: tuple[int, ...],
    rows: NDArray[np.int64] | None,
) -> tuple[str, tuple[str, ...]]:
    reading = _spoken(numbers)
    notes = [f"{name}: {numbers.guess}"] if numbers.guess else []
    if " comma" in numbers.form and not numbers.guess:
        notes.append(f"{name}: read with decimal commas, for example {numbers.example}")
    if len(numbers.money) > 1:
        notes.append(
            f"{name}: amounts with {and_so_on(list(numbers.money), SHOWN_WORDS)} are taken as the "
            "numbers that they are; currencies are not converted"
        )
    known = sum(word in numbers.values for word in words)
    if numbers.gaps:
        shown = and_so_on([repr(word) for word in numbers.gaps], SHOWN_WORDS)
        notes.append(
            f"{name}: {counted(numbers.gaps.total(), 'cell')} with {shown} "
            f"{'counts' if numbers.gaps.total() == 1 else 'count'} as missing because the other "
            f"{known:,} are numbers"
        )
        reading += f"{', ' if reading else ''}{shown} for missing"
    if odd:
        some = and_so_on(
            [
                f"{words[row]!r} in row {row + 1 if rows is None else rows[row]}"
                for row in odd[:SHOWN_ROWS]
            ],
            SHOWN_ROWS,
        )
        more = f", and {len(odd) - SHOWN_ROWS:,} more" if len(odd) > SHOWN_ROWS else ""
        notes.append(
            f"{name}: {counted(len(odd), 'cell')} {'is' if len(odd) == 1 else 'are'} no number, "
            f"{some}{more}; taken as missing because the other {known:,} are numbers"
        )
    return reading, tuple(notes)


def _spoken(numbers: Numbers) -> str:
    base, marks = numbers.form.partition(" ")[0], numbers.marks
    words = []
    unit = numbers.form.partition(" in ")[2]
    if " comma" in numbers.form:
        words.append("decimal commas")
    if base == "written":
        if unit in ("clock", "hours"):
            words.append("times, read as hours")
        elif unit == "stopwatch":
            words.append("times in minutes and seconds, read as hours")
        elif unit:
            others = [each for each in numbers.units if each != unit]
            also = f", {and_so_on(others, SHOWN_WORDS)} converted" if others else ""
            words.append(f"in {unit}{also}")
        known = {
            "brackets": "brackets for negative numbers", "span": "spans, of which the middle",
            "bound": "bounds, read as the number itself", "fraction": "fractions",
            "ordinal": "ordinal numbers", "power": "k and M for thousands and millions",
            "about": "about", "money": "money", "percent": "percent", "thousands": "thousands",
        }  # fmt: skip
        words += [
            known[mark] for mark in marks if mark in known and (mark != "percent" or not unit)
        ]
    elif base != "plain":
        words.append(base)
    if not words:
        return ""
    return f"{'; '.join(words)}, for example {numbers.example!r}"
