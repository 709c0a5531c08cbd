"""What a column of answers is: two classes, several classes or a number, and why.

Knows the answers of all rows; what they become for a network, `targets.py` says.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from misstep.data.table.cell_values import (
    category_words,
    is_missing_word,
    is_name_for_missing,
    without_point,
)
from misstep.data.table.column_transformers import as_numbers
from misstep.data.table.dates import date_format_of
from misstep.data.table.number_forms import FLAGS, number_in_form, sound_plain_number
from misstep.data.table.number_words import read_number
from misstep.data.table.word_columns import words_of
from misstep.data.targets import Label, Target, TaskType, answers_column, label_words
from misstep.errors import ArgumentError, DataError, NotYetError
from misstep.text.counts import counted
from misstep.text.figures import four_figures
from misstep.text.lists import and_so_on
from misstep.text.names import did_you_mean

if TYPE_CHECKING:
    import pandas

__all__ = ["recognize_target"]

# Whole numbers are classes when they run from 0 or 1 without gaps (codes do, measurements rarely),
# are at most as many as the digits and letters one would code by hand ...
MOST_CODES = 20
# ... and each is met a few times.
FEWEST_ROWS_PER_CODE = 3
# Texts that are distinct in more than half of the rows name rows; they are no classes.
MOST_DISTINCT_SHARE = 0.5
# Fewer rows than this say nothing about how often a text repeats.
FEW_ROWS = 20
# A word such as None is a class, if so many of the rows have it, and not just a few gaps.
LEAST_NAME_SHARE = 0.01
TASKS = ("classification", "regression")


def recognize_target(
    series: object, name: str, task: str | None = None, form: str | None = None
) -> Target:
    """Say what is to be predicted.

    `series`: the answers (rows,) of all rows, texts as they were written; `task`: "classification"
    or "regression" to decide it by hand; `form`: in which numbers are written, empty where they are
    words, None: found out. Rows without an answer are counted in the notes. Raises ArgumentError:
    another task; DataError: no answers, one class only, answers that are names; NotYetError: dates.
    """
    if task not in (None, *TASKS):
        raise ArgumentError(
            "task",
            needed="'classification', 'regression' or nothing",
            got=repr(task),
            try_=did_you_mean(str(task), TASKS),
        )
    column = answers_column(series, name)
    rows = len(column)
    answers = _answers_in(column, name, task, form)
    notes = list(answers.notes)
    if answers.rows < rows:
        notes.append(
            f"{name}: {rows - answers.rows:,} of {rows:,} rows have no answer and are left out"
            + answers.gaps
        )
    if not answers.rows:
        raise DataError(
            f"the target {name!r}",
            # Words stand there, but nobody could take them for numbers.
            needed="numbers" if answers.gaps and task == "regression" else "answers",
            got=f"{counted(rows, 'row')}, {'all ' if rows > 1 else ''}without one{answers.gaps}",
            try_="task='classification'" if answers.gaps and task == "regression" else None,
        )
    counts = answers.counts
    if len(counts) == 1 and (task != "regression" or answers.form is None):
        word, rows = next(iter(counts.items()))
        raise DataError(
            f"the target {name!r}",
            needed="at least two different answers",
            got=f"{word!r} in all {rows:,} rows" if rows > 1 else "a single row",
            try_="another column as the target, or rows with other answers",
        )
    is_number, reason = _decided(answers, task)
    if is_number:
        form = answers.form or "plain"
        as_numbers(column, name, form, [])
        return Target(name, TaskType.NUMBER, reason, form=form, notes=tuple(notes))
    single = [word for word, count in counts.items() if count == 1]
    if len(single) == 1:
        have = f"one class has a single row, {single[0]!r}"
    else:
        have = f"{len(single)} classes have a single row, for example {[*single, ''][0]!r}"
    if single:
        notes.append(f"{name}: {have}; it can serve for training only")
    task_type = TaskType.BINARY if len(counts) == 2 else TaskType.MULTICLASS
    return Target(name, task_type, reason, answers.classes, notes=tuple(notes))


def _label(value: Any) -> Label:
    """Return an answer as a plain label; whole floats become int (3.0 is class 3)."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value if isinstance(value, bool | str | int) else str(value)


def _answers_in(column: pandas.Series, name: str, task: str | None, form: str | None) -> _Answers:
    """Return the answers of a column: numbers, or words as they were written."""
    if column.dtype != object:
        return _Answers(name, [_label(value) for value in column.dropna().tolist()])
    cells = column.tolist()
    if not any(isinstance(cell, str) for cell in cells):
        return _Answers(name, [_label(cell) for cell in cells if cell is not None])
    words = category_words(cells, literal=True)
    if form is None:
        form = words_of(words, name).form
    if form:
        numbers = [None if word is None else _number(word, form) for word in words]
        others = Counter(
            word
            for word, number in zip(words, numbers, strict=True)
            if word is not None and number is None and not is_missing_word(word)
        )
        few = len({number for number in numbers if number is not None}) <= MOST_CODES
        # A few numbers beside a word that comes back: all of them are names.
        named = few and any(_is_repeated(rows, len(words)) for rows in others.values())
        # Where none is a number, whoever said how numbers are written there was wrong.
        named = named or (
            bool(others) and few and not any(number is not None for number in numbers)
        )
        if task == "regression" or not (named or (others and task == "classification")):
            kept = [number is not None for number in numbers]
            check_one_unit(words, kept, name)
            answers = _Answers(
                name, [word for word in itertools.compress(words, kept) if word is not None], form
            )
            gone = [word for word, keep in zip(words, kept, strict=True) if word and not keep]
            answers.gaps = _gaps_told(gone)
            return answers
    counts = Counter(words)
    empty = counts.pop(None, 0)
    names = [
        word
        for word, rows in counts.items()
        if word is not None
        and is_name_for_missing(word)
        and (empty or _is_repeated(rows, len(words)))
    ]
    if len(counts) == len(names):
        names = []
    kept_words = [
        word for word in words if word is not None and (word in names or not is_missing_word(word))
    ]
    answers = _Answers(name, list(kept_words), "")
    for word in names:
        answers.notes.append(
            f"{name}: {word!r} is one of the classes, with {counted(counts[word], 'row')}; if it "
            "stands for no answer, leave those cells empty"
        )
    answers.gaps = _gaps_told([word for word in words if word and word not in answers.counts])
    return answers


def check_one_unit(words: Sequence[str | None], kept: Sequence[bool], name: str) -> None:
    """Raise DataError for answers of several sorts: percentages, amounts of money, measures.

    Whether 5 beside 50% is 5% or 500%, nobody can know; $5 and 3 lb are two things. Bare numbers
    may stand beside money and measures. `kept`: which words are numbers; `name`: of the target.
    """
    rows: dict[str, tuple[int, str]] = {}
    for row, (word, keep) in enumerate(zip(words, kept, strict=True), start=1):
        if keep and word is not None and (not word.isdigit() or "" not in rows):
            rows.setdefault(_sort(word), (row, word))
    for one, other in (("%", ""), ("%", "money"), ("%", "measure"), ("money", "measure")):
        if one in rows and other in rows:
            (first, word), (second, beside) = rows[one], rows[other]
            raise DataError(
                f"the target {name!r}",
                needed="numbers that are all written alike",
                got=f"{word!r} in row {first:,} and {beside!r} in row {second:,}",
                try_="writing all of them with the same unit, or with none; or "
                "task='classification' if they are names",
            )


@lru_cache(maxsize=2**14)
def _sort(word: str) -> str:
    """Return what a number counts: "%", "money" or a "measure"; empty where it does not say."""
    if "%" in word:
        return "%"
    read = read_number(word) or read_number(word, ",")
    if read is None:
        return ""
    if read.money:
        return "money"
    if read.unit in FLAGS:
        return ""
    return read.unit if read.unit in ("", "%") else "measure"


def _number(word: str, form: str) -> float | None:
    # Most words are plain numbers, which no cache of words would make quicker.
    number = sound_plain_number(word) if form == "plain" else None
    if number is None:
        number = None if is_missing_word(word) else number_in_form(word, form)
    return None if number is None or math.isnan(number) else number


def _is_repeated(rows: int, of: int) -> bool:
    return rows >= max(FEWEST_ROWS_PER_CODE, LEAST_NAME_SHARE * of)


def _gaps_told(words: list[str]) -> str:
    """Return which words stand where no answer is, as the end of a sentence."""
    return f" ({and_so_on([repr(word) for word in dict.fromkeys(words)], 3)})" if words else ""


class _Answers:
    """The answers that there are, counted, and what they look like.

    `values`: labels, or words as they were written; `form`: how numbers among words are written,
    empty: they are none, None: they are no words.
    """

    def __init__(self, name: str, values: Sequence[Label], form: str | None = None) -> None:
        self.name = name
        self.notes: list[str] = []
        self.gaps = ""
        if form is not None:
            values = self._labels([str(value) for value in values], form)
        self.values = values
        words = list(zip(label_words(values), values, strict=True))
        self.counts = Counter(word for word, _ in words)
        self.labels = dict(reversed(words))
        self.rows, self.distinct = self.counts.total(), len(self.counts)
        self.numeric = form == "plain" or all(isinstance(value, int | float) for value in values)
        self.whole = all(isinstance(value, int) for value in values)
        # How numbers are written, or None where some are none.
        self.form = form or ("plain" if self.numeric else None)
        self._note_alike()

    def _labels(self, words: list[str], form: str) -> list[Label]:
        """Return words as labels; as numbers, where those are written as programs write them.

        1.0 is 1 where all are whole; 1.10 is not 1.1.
        """
        different = dict.fromkeys(words)
        if form != "plain":
            return list(words)
        plain = {word: without_point(word) for word in different}
        if all(_is_whole(word) for word in plain.values()):
            both = [word for word in different if plain[word] != word and plain[word] in different]
            if both:
                self.notes.append(f"{self.name}: {plain[both[0]]!r} and {both[0]!r} are one answer")
            return [int(plain[word]) for word in words]
        try:
            numbers = {word: float(word) for word in different}
        except ValueError:
            # Such as the sign − (U+2212), which is read by forms, not by Python.
            return list(words)
        if all(category_words([number]) == [word] for word, number in numbers.items()):
            return [_label(numbers[word]) for word in words]
        return list(words)

    def _note_alike(self) -> None:
        by_case: dict[str, str] = {}
        for word in self.counts if self.form is None else ():
            other = by_case.setdefault(" ".join(word.split()).casefold(), word)
            if other != word:
                self.notes.append(
                    f"{self.name}: {other!r} and {word!r} differ in capitals or blanks only; they "
                    "are taken as two classes"
                )

    @property
    def classes(self) -> tuple[Label, ...]:
        """The different answers in order."""
        labels = list(self.labels.values())
        if all(isinstance(label, int | float) for label in labels):
            return tuple(sorted(labels))
        if self.form:
            form = self.form
            return tuple(
                sorted(labels, key=lambda each: (number_in_form(str(each), form), str(each)))
            )
        return tuple(sorted(labels, key=str))

    def __str__(self) -> str:
        sort = "whole numbers" if self.whole else "numbers" if self.form else "text"
        if self.form and self.form != "plain":
            # In which unit a prediction is, nothing else says.
            word = next(iter(self.counts))
            number = number_in_form(word, self.form)
            sort += "" if number is None else f" ({word!r} is {four_figures(number)})"
        return f"{self.distinct:,} distinct values, {sort}, in {self.rows:,} rows"

    def refusal(self, needed: str, got: str, try_: str) -> DataError:
        """Return an error that says what is wrong with them."""
        return DataError(f"the target {self.name!r}", needed=needed, got=got, try_=try_)


def _is_whole(word: str) -> bool:
    digits = word.removeprefix("-")
    return digits.isdigit() and digits.isascii() and (digits == "0" or digits[0] != "0")


def _decided(answers: _Answers, task: str | None) -> tuple[bool, str]:
    """Return whether it is a number, and the reason. Raises DataError or NotYetError."""
    first = next(iter(answers.counts))
    distinct, rows = answers.distinct, answers.rows
    if task == "regression":
        if answers.form is None:
            stray = next(word for word in answers.counts if sound_plain_number(word) is None)
            needed = "numbers, because the task is regression"
            got = f"texts, for example {stray!r}"
            raise answers.refusal(needed, got, "task='classification'")
        return True, f"the task was given as regression; {answers}"
    if task == "classification":
        if answers.numeric and not answers.whole and distinct > MOST_CODES:
            needed = "classes, because the task is classification"
            got = f"continuous numbers, {distinct:,} distinct in {rows:,} rows"
            raise answers.refusal(needed, got, "task='regression'")
        return False, f"the task was given as classification; {answers}"
    if all(isinstance(value, bool) for value in answers.values):
        return False, f"true or false in {rows:,} rows"
    if distinct == 2:
        return False, str(answers)
    if answers.form is not None:
        return _decided_numbers(answers)
    if date_format_of(list(answers.counts)) is not None:
        raise NotYetError(
            f"the target {answers.name!r}",
            needed="classes or numbers",
            got=f"dates, for example {first!r}",
            try_="a number instead, such as the days from a fixed date",
        )
    if rows >= FEW_ROWS and distinct > MOST_DISTINCT_SHARE * rows:
        raise answers.refusal(
            "classes that repeat, or numbers",
            f"{distinct:,} distinct texts in {rows:,} rows, for example {first!r}",
            "another column as the target, or task='classification' if they are classes",
        )
    return False, str(answers)


def _decided_numbers(answers: _Answers) -> tuple[bool, str]:
    if not answers.whole:
        return True, str(answers)
    numbers = [int(value) for value in answers.values]
    low, high, distinct = min(numbers), max(numbers), answers.distinct
    codes = low in (0, 1) and high - low + 1 == distinct
    if codes and distinct <= MOST_CODES and answers.rows >= FEWEST_ROWS_PER_CODE * distinct:
        return False, f"{answers}, that run from {low:,} to {high:,} without gaps as codes do"
    if not codes:
        why = f"they range from {low:,} to {high:,}, which is an order rather than codes"
    elif distinct > MOST_CODES:
        why = f"more than {MOST_CODES} are too many for codes"
    else:
        why = "too few rows for each to be a class"
    hint = "; task='classification' makes them classes" if distinct <= MOST_CODES else ""
    return True, f"{answers}; {why}{hint}"
