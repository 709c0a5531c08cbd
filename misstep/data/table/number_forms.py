"""In which form a whole column of words is numbers, and which of its words are none.

Knows the words of one column and how often each stands there; `number_words.py` reads a single one.
A form is a text, so that a model file can hold it: "plain", "thousands", "percent", "money" or
"written", with " comma" where decimals have a comma, and " in UNIT". What was found in training is
what later cells are read by, whatever stands beside them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from misstep.data.table.number_words import (
    CLOCK,
    STOPWATCH,
    NumberWord,
    conversion,
    counts_bytes,
    decimal_mark_of,
    is_time_unit,
    read_number,
)

__all__ = [
    "NUMBER_GAPS",
    "Numbers",
    "decimal_mark_of_columns",
    "is_code",
    "is_number_form",
    "number_in_form",
    "numbers_of",
    "sound_plain_number",
]

_FORM = re.compile(r"(plain|thousands|percent|money|written)( comma)?(?: in (.{1,40}))?")
# What stands for "not known" where all other cells are numbers, in lower case: signs of statistical
# offices, errors of spreadsheets, and what people write. Among words these may be words.
_SIGNS_FOR_GAPS = r"- -- --- — – − . .. ... .... … · : :: * ** *** / // \ # ## _ ~ ! • × <lod"
_LETTERS_FOR_GAPS = (
    "xx xxx (d) (s) (x) (z) (b) (na) (n/a) n.a n.a. n/d n.d. nd n/k n.k. k.a. k.a s.d. "
    "s/d s.o. n.v.t. n.s. nr n/r tbd tba tbc bdl b.d.l. lod"
)
_WORDS_FOR_GAPS = (
    "nil void null none missing miss unknown unk undefined undef empty blank nodata inconnu "
    "unbekannt desconocido error err #error fehler varies trace"
)
NUMBER_GAPS = {
    *_SIGNS_FOR_GAPS.split(), *_LETTERS_FOR_GAPS.split(), *_WORDS_FOR_GAPS.split(),
    "not available", "not applicable", "not known", "not reported", "not recorded", "not measured",
    "no data", "no value", "no answer", "keine angabe", "k. a.", "n. a.", "sin dato", "sin datos",
    "non disponible", "n. d.", "to be determined", "none given", "varies with device",
}  # fmt: skip
# Numbers stay numbers beside words that are none, if these are so few: of the rows,
FEW_ODD_ROWS = 0.01
# or of the different words and of the rows,
MOST_ODD = 0.1
# or of the different words alone where the numbers are too many to be categories: whether a cell
# holds none is then a feature of its own.
MANY_NUMBERS, LEAST_NUMBERS = 20, 0.5
# A word of letters and digits, such as V27 among 250.83, shows that all are codes.
MOST_ODD_CODES = 0.01
_CODE = re.compile(r"(?=.*\d)(?=.*[^\W\d_])[\w./-]+")
# Different words must give different numbers; <=50K and >50K do not.
LEAST_DISTINCT = 0.8
# Without other evidence that dots set thousands apart, so many different words must have them.
FEWEST_GROUPED, FEW_GROUPED = 10, 3
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+")
_UNGROUPED = re.compile(r"[+-]?(?:0|[1-9]\d{0,2})")
# Marks of numbers that are as well names of a few categories: 1st, 18-24, 65+, 08:00, 1/2.
NAME_MARKS = {"ordinal", "span", "bound", "time", "fraction"}
# Signs that statistical offices put behind a number: provisional, revised, estimated, break.
FLAGS = {"p", "r", "e", "b", "f", "i", "u", "d"}
SEEN_FOR_MARKS = 200
# So many columns that agree speak for all.
MOST_VOTES = 40


@dataclass(frozen=True)
class Numbers:
    """A column of words that is numbers.

    `form`: how they are written; `values`: the number of each word. `gaps`, `odd`: words that stand
    for nothing, and words that are something else; how many rows have each. `example`: a word that
    shows the form. `marks`: how many different words have which mark. `units`: the words' own.
    `guess`: what was decided without proof; maybe empty. `money`: signs and codes of currencies.
    """

    form: str
    values: dict[str, float]
    gaps: Counter[str] = field(default_factory=Counter)
    odd: Counter[str] = field(default_factory=Counter)
    example: str = ""
    marks: Counter[str] = field(default_factory=Counter)
    units: tuple[str, ...] = ()
    guess: str = ""
    money: tuple[str, ...] = ()


def is_number_form(form: str) -> bool:
    """Tell whether a text is the name of a form in which numbers are written."""
    return _FORM.fullmatch(form) is not None


def is_code(word: str) -> bool:
    """Tell whether a word is digits that begin with a 0, which as a number would lose it."""
    return len(word) > 1 and word[0] == "0" and word[1:].isdigit()


def sound_plain_number(word: str) -> float | None:
    """Return the number of a word as programs write it, such as 1.5e3; else None."""
    try:
        number = float(word)
    except ValueError:
        return None
    return None if "_" in word or math.isnan(number) else number


@lru_cache(maxsize=2**14)
def number_in_form(word: str, form: str) -> float | None:
    """Return the number of a word written in a form; None: it is none.

    A decimal mark that the form does not have is taken where it leaves nothing open (3.25 where
    decimals have commas), a unit where it can be converted.
    """
    base, decimal, unit = _parts_of(form)
    if base == "plain" and decimal == ".":
        number = sound_plain_number(word)
        if number is not None:
            return number
    read = _read(word, decimal)
    return None if read is None else _in_unit(read, unit)


def _read(word: str, decimal: str) -> NumberWord | None:
    read = read_number(word, decimal)
    if read is not None:
        return read
    surely = decimal_mark_of(word)
    return None if surely in ("", decimal) else read_number(word, surely)


def _parts_of(form: str) -> tuple[str, str, str]:
    match = _FORM.fullmatch(form)
    if match is None:
        raise ValueError(f"{form!r} is no form of numbers")
    unit = match[3] or ("%" if match[1] == "percent" else "")
    return match[1], "," if match[2] else ".", unit


def _in_unit(read: NumberWord, unit: str) -> float | None:
    times = {CLOCK, STOPWATCH, "hours"}
    if unit in times and read.unit in times:
        return read.value / 60 if (unit, read.unit) == (STOPWATCH, CLOCK) else read.value
    if unit in (CLOCK, STOPWATCH) or (unit == "hours" and not read.unit):
        return None
    if read.unit == "" and read.mark == "power" and counts_bytes(unit):
        value = read.value / 1e9 if read.letters == "B" else read.value
        return value * (conversion("byte", unit) or 1.0)
    if unit == "" and read.letters == "G":
        return read.value * 1e9
    if read.unit in ("", unit) or (read.unit in FLAGS and conversion(read.unit, unit) is None):
        return read.value
    factor = conversion(read.unit, unit)
    return None if factor is None else read.value * factor


def decimal_mark_of_columns(columns: Iterable[Iterable[str]]) -> str:
    """Return the decimal mark that the numbers of a file surely have; empty where it is open.

    columns: some different words of each column.
    """
    votes: Counter[str] = Counter()
    for words in columns:
        few = list(words)[:SEEN_FOR_MARKS]
        if few and all(map(_has_plain_point, few)):
            votes["."] += 1
        else:
            marks = Counter(filter(None, map(decimal_mark_of, few)))
            if len(marks) == 1:
                mark = next(iter(marks))
                read = sum(read_number(word, mark) is not None for word in few)
                votes[mark] += read > 0.8 * len(few)
        if len(+votes) > 1 or votes.total() >= MOST_VOTES:
            break
    return next(iter(+votes)) if len(+votes) == 1 else ""


def _has_plain_point(word: str) -> bool:
    """Tell whether a word is a plain number whose point sets no thousands apart."""
    point = word.find(".")
    return point >= 0 and len(word) - point != 4 and sound_plain_number(word) is not None


def numbers_of(
    counts: Mapping[str, int], decimal: str = "", weak_comma: bool = False
) -> Numbers | None:
    """Return the numbers that a column's words are, or None where it is something else.

    `counts`: how many rows have each word; words for missing values are left out before. `decimal`:
    the mark that other columns surely have. `weak_comma`: that the file looks as if from a country
    where decimals have commas.
    """
    gaps = Counter({word: rows for word, rows in counts.items() if word.lower() in NUMBER_GAPS})
    words = [word for word in counts if word not in gaps]
    if not words or _are_codes(words) or not _may_be_numbers(words):
        return None
    mark, guess = _decimal_mark(words, decimal, weak_comma)
    if mark == ".":
        plain = {word: sound_plain_number(word) for word in words}
        if all(number is not None for number in plain.values()):
            values = {word: number for word, number in plain.items() if number is not None}
            return Numbers("plain", values, gaps)
    read = {word: number for word in words if (number := _read(word, mark)) is not None}
    odd = Counter({word: counts[word] for word in words if word not in read})
    if not read or not _few_enough(read, odd, counts):
        return None
    unit, units = _main_unit(read, counts)
    values = {}
    for word, number in read.items():
        value = _in_unit(number, unit)
        if value is None:
            odd[word] = counts[word]
        else:
            values[word] = value
    if not values or not _few_enough(values, odd, counts):
        return None
    marks = Counter(filter(None, (read[word].mark for word in values)))
    if counts_bytes(unit):
        marks["unit"] += marks.pop("power", 0)
    units = tuple(each for each in units if any(read[word].unit == each for word in values))
    money = tuple(dict.fromkeys(filter(None, (read[word].money for word in values))))
    if _are_names(values, marks):
        return None
    example = next((word for word in values if read[word].mark or "," in word), next(iter(values)))
    form = _form_name(marks, len(values), mark, unit)
    return Numbers(form, values, gaps, odd, example, marks, units, guess, money)


def _are_codes(words: list[str]) -> bool:
    """Tell whether zeros in front show that words of digits are codes."""
    codes = sum(map(is_code, words))
    if not codes:
        return False
    digits = [word for word in words if word.isdigit()]
    return codes > 0.05 * len(words) or len({len(word) for word in digits}) == 1


def _may_be_numbers(words: list[str]) -> bool:
    """Look at a few words first: whole columns of names are most of what comes here."""
    few = words[:: max(1, len(words) // 60)]
    digits = sum(any(map(str.isdigit, word)) or not word.isascii() for word in few)
    return digits >= LEAST_NUMBERS * len(few)


def _few_enough(
    numbers: Mapping[str, object], odd: Counter[str], counts: Mapping[str, int]
) -> bool:
    if not odd:
        return True
    known = sum(counts[word] for word in numbers)
    rows = known + odd.total()
    share = len(odd) / (len(odd) + len(numbers))
    coded = sum(_CODE.fullmatch(word) is not None for word in odd)
    if coded > MOST_ODD_CODES * (len(odd) + len(numbers)) and coded > 1:
        return False
    if odd.total() <= FEW_ODD_ROWS * rows and share <= LEAST_NUMBERS:
        return True
    if share > MOST_ODD:
        return False
    return odd.total() <= MOST_ODD * rows or (
        len(numbers) > MANY_NUMBERS and known >= LEAST_NUMBERS * rows
    )


def _decimal_mark(words: list[str], decimal: str, weak_comma: bool) -> tuple[str, str]:
    """Return the column's decimal mark, and a sentence where it was open."""
    surely = Counter(filter(None, map(decimal_mark_of, words)))
    if surely[","] != surely["."]:
        return ("," if surely[","] > surely["."] else "."), ""
    dotted = [word for word in words if "." in word]
    commas = next((word for word in words if "," in word), None)
    if commas is not None and not dotted:
        return ("," if decimal == "," or (weak_comma and not decimal) else "."), ""
    grouped = sum(_GROUPED.fullmatch(word) is not None for word in words)
    short = sum(_UNGROUPED.fullmatch(word) is not None for word in words)
    if commas is not None or not grouped or grouped + short < len(words) or decimal == ".":
        return ".", ""
    example = next(word for word in words if _GROUPED.fullmatch(word))
    spoken = f"{example!r} is read as {example.replace('.', '')}"
    if decimal == ",":
        return ",", f"{spoken} because other columns have decimal commas"
    if short and grouped >= (FEW_GROUPED if weak_comma else FEWEST_GROUPED):
        return (
            ",",
            f"{spoken} because all dots stand before three digits and no number above 999 has none",
        )
    return ".", ""


def _main_unit(
    read: Mapping[str, NumberWord], counts: Mapping[str, int]
) -> tuple[str, tuple[str, ...]]:
    """Return the unit into which all are converted, and all that there are."""
    rows: Counter[str] = Counter()
    for word, number in read.items():
        if number.unit and number.unit not in FLAGS:
            rows[number.unit] += counts[word]
    if "m" in rows and any(map(is_time_unit, rows)):
        rows["min"] += rows.pop("m")
    powers = any(
        read[word].letters in ("k", "K", "M", "T") and not read[word].unit for word in read
    )
    if set(rows) == {"g"} and powers:
        # 1.2G beside 512M is no gram.
        return "", ()
    if not rows:
        letters = Counter(number.unit for number in read.values() if number.unit)
        most = letters.most_common(1)
        if most and most[0][1] > LEAST_NUMBERS * len(read):
            return most[0][0], tuple(letters)
        return "", ()
    if STOPWATCH in rows or ("hours" in rows and CLOCK in rows):
        # Where 1:02:03 stands beside 59:30, that is minutes and seconds.
        return STOPWATCH, tuple(rows)
    unit, most_rows = rows.most_common(1)[0]
    without = sum(counts[word] for word, number in read.items() if not number.unit)
    # A few cells with a unit are odd among many without one, unless it says nothing new.
    return ("" if without > 9 * rows.total() and most_rows else unit), tuple(rows)


def _are_names(values: Mapping[str, float], marks: Counter[str]) -> bool:
    """Tell whether the words are rather names of categories that hold numbers."""
    named = sum(marks[mark] for mark in NAME_MARKS)
    if named and len(set(values.values())) < LEAST_DISTINCT * len(values):
        return True
    if 2 * marks["bound"] >= len(values):
        # All of 100+, 500+, 1,000+ are bounds: sizes, and no names.
        named -= marks["bound"]
    return bool(named) and len(values) <= MANY_NUMBERS


def _form_name(marks: Counter[str], words: int, mark: str, unit: str) -> str:
    kinds = set(marks)
    comma = " comma" if mark == "," else ""
    if kinds <= {"thousands"} and not unit:
        return ("thousands" if kinds else "plain") + comma
    if kinds <= {"percent", "thousands"} and unit == "%":
        return "percent" + comma
    if kinds <= {"money", "thousands"} and not unit:
        return "money" + comma
    return f"written{comma}" + (f" in {unit}" if unit else "")
