"""What is to be predicted: two classes, several classes or a number, and why; and its encoding.

Knows one column of answers, not the columns they are predicted from. A `Target` is recognized on
all rows, so that it knows every class, and fitted on the training rows, where numbers get their
mean and deviation.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from misstep.data.logarithm import Logarithm
from misstep.data.stored_json import Stored, check, from_plain, to_plain
from misstep.data.table.cell_values import (
    category_words,
    is_missing_word,
    is_name_for_missing,
    objects,
    without_point,
)
from misstep.data.table.column_transformers import as_numbers, row_of
from misstep.data.table.dates import date_format_of
from misstep.data.table.number_forms import is_number_form, number_in_form, sound_plain_number
from misstep.data.table.table import ROWS, read_table
from misstep.data.table.word_columns import words_of
from misstep.data.weights import checked_weights, mean_and_deviation
from misstep.errors import ArgumentError, DataError, NotYetError
from misstep.text.counts import counted
from misstep.text.figures import four_figures
from misstep.text.lists import and_so_on
from misstep.text.names import did_you_mean

if TYPE_CHECKING:
    import pandas

__all__ = ["Target", "TaskType", "recognize_target"]

Label = str | int | float | bool


class TaskType(StrEnum):
    """What there is to predict; the values stand in model files."""

    BINARY = "two classes"
    MULTICLASS = "several classes"
    NUMBER = "number"


# Whole numbers are classes when they run from 0 or 1 without gaps (codes do, measurements rarely),
# are at most as many as the digits and letters one would code by hand ...
MOST_CODES = 20
# ... and each is met a few times.
FEWEST_ROWS_PER_CODE = 3
# Texts that are distinct in more than half of the rows name rows; they are no classes.
MOST_DISTINCT_SHARE = 0.5
# How many deviations of a logarithm a prediction may lie above all answers of training.
BEYOND = 0.5
# Fewer rows than this say nothing about how often a text repeats.
FEW_ROWS = 20
# A word such as None is a class, if so many of the rows have it, and not just a few gaps.
LEAST_NAME_SHARE = 0.01
TASKS = ("classification", "regression")


@dataclass(frozen=True)
class Target(Stored):
    """What is to be predicted.

    `classes`: the labels in order, empty for numbers. `center`, `scale`: numbers are predicted as
    (y - center) / scale; 0 and 1 until `fit`. `logarithm`: the scale that y is on before, if any.
    `rare`: of two classes, the number of the one with
    fewer training rows. `notes`: what was noticed, not stored.
    """

    name: str
    task: TaskType
    reason: str
    classes: tuple[Label, ...] = ()
    form: str = "plain"
    center: float = 0.0
    scale: float = 1.0
    rare: int = 1
    logarithm: Logarithm | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)
    version: Literal[1] = 1

    def __post_init__(self) -> None:
        classes = len(self.classes)
        expected = {TaskType.NUMBER: classes == 0, TaskType.BINARY: classes == 2}
        check(
            (math.isfinite(self.center) and math.isfinite(self.scale), "center must be finite"),
            (self.scale > 0, "scale must be above 0"),
            (expected.get(self.task, classes >= 2), "a number has no classes, others 2 or more"),
            (self.rare in (0, 1), "the rare one of two classes is number 0 or 1"),
            (len(set(label_words(self.classes))) == classes, "a class stands twice"),
            (is_number_form(self.form), "unknown form of number"),
        )

    @property
    def is_number(self) -> bool:
        """Tell whether a number is to be predicted rather than a class."""
        return self.task is TaskType.NUMBER

    def present(self, series: object) -> NDArray[np.bool_]:
        """Return which rows have an answer, (rows,); only those can be learned from."""
        column = _column(series, self.name)
        if self.is_number:
            return ~np.isnan(as_numbers(column, self.name, self.form, []))
        return np.asarray([word is not None for word in self._words(column)], bool)

    def _words(self, column: pandas.Series) -> list[str | None]:
        """Return the words of answers, None where there is none: None may be a class."""
        known = set(label_words(self.classes))
        return [
            None if word is not None and word not in known and is_missing_word(word) else word
            for word in category_words(column.tolist(), literal=True)
        ]

    def fit(self, series: object, sample_weight: object = None) -> Target:
        """Return this target with mean and deviation, or the rarer class, of training rows (rows,).

        Raises DataError: missing, infinite or unreadable answers.
        """
        if self.task is TaskType.BINARY:
            return self.fit_codes(self.encode(series), sample_weight)
        if not self.is_number:
            return self
        values = self._scaled(self.numbers(series))
        weights = checked_weights(sample_weight, len(values))
        center, deviation = mean_and_deviation(values, weights)
        return replace(self, center=center, scale=deviation or 1.0)

    def numbers(self, series: object) -> NDArray[np.float64]:
        """Return the answers in the target's own unit, (rows,). Raises DataError as `fit` does."""
        return self._numbers(_column(series, self.name))

    def fit_logarithm(self, series: object, sample_weight: object = None) -> Target:
        """Return this target as `fit` does, of the logarithm of the training rows, (rows,).

        None of the answers may be below 0.
        """
        logarithm = Logarithm.fit(self.numbers(series))
        return replace(self, logarithm=logarithm).fit(series, sample_weight)

    def fit_codes(self, codes: NDArray[np.int64], sample_weight: object = None) -> Target:
        """Return this target as `fit` does, from class numbers (rows,) instead of labels."""
        if self.task is not TaskType.BINARY:
            return self
        weighs = np.bincount(codes, checked_weights(sample_weight, len(codes)), 2)
        return replace(self, rare=int(weighs[0] >= weighs[1]))

    def encode(self, series: object) -> NDArray[Any]:
        """Return int64 class numbers or float32 standardized numbers, (rows,).

        Raises DataError: missing answers, unknown classes, infinite values.
        """
        return self.encode_with_notes(series)[0]

    def encode_with_notes(self, series: object) -> tuple[NDArray[Any], list[str]]:
        """Return what `encode` does, and notes on labels that had to be matched."""
        column = _column(series, self.name)
        if self.is_number:
            with np.errstate(over="ignore"):
                z = (self._scaled(self._numbers(column)) - self.center) / self.scale
            limit = float(np.finfo(np.float32).max)
            return np.clip(z, -limit, limit).astype(np.float32), []
        codes = {word: code for code, word in enumerate(label_words(self.classes))}
        words = self._words(column)
        self._refuse_missing(column, [word is None for word in words])
        unknown = Counter(word for word in words if word is not None and word not in codes)
        notes: list[str] = []
        if unknown:
            matched = self._matched(unknown)
            shown = ", ".join(f"{a!r} as {b!r}" for a, b in list(matched.items())[:3])
            notes.append(
                f"{self.name}: {counted(sum(unknown.values()), 'label')} unlike the classes only "
                f"by a dot, blanks or case, read as such: {shown}"
            )
            codes |= {word: codes[known] for word, known in matched.items()}
        return np.asarray(
            [codes[word] for word in words if word is not None], dtype=np.int64
        ), notes

    def decode(self, values: object) -> NDArray[Any]:
        """Return labels for class numbers (rows,), or numbers in the target's own unit.

        Raises ArgumentError for numbers of classes that are not there.
        """
        array = np.asarray(values)
        if self.is_number:
            decoded = array.astype(np.float64) * self.scale + self.center
            return decoded if self.logarithm is None else self.logarithm.invert(decoded)
        codes = array.astype(np.int64)
        if codes.size and not (codes.min() >= 0 and codes.max() < len(self.classes)):
            raise ArgumentError(
                f"the classes of {self.name!r}",
                needed=f"numbers from 0 to {len(self.classes) - 1}",
                got=f"{codes.min()} to {codes.max()}",
            )
        return self.class_array[codes]

    def decode_outputs(self, outputs: object) -> NDArray[Any]:
        """Return numbers in the target's own unit for outputs of a network, in the same shape.

        As `decode` does; on a logarithm they end `BEYOND` deviations above the largest answer of
        training, because what lies further would be a guess times a guess.
        """
        outputs = np.asarray(outputs)
        if self.logarithm is not None:
            highest = (self.logarithm.highest - self.center) / self.scale + BEYOND
            outputs = np.minimum(outputs, highest)
        return self.decode(outputs)

    def _scaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values if self.logarithm is None else self.logarithm.apply(values)

    @property
    def class_array(self) -> NDArray[Any]:
        """The classes as an array (classes,), of their own kind of value."""
        alike = len({type(label) for label in self.classes}) == 1
        return np.asarray(self.classes) if alike else objects(self.classes)

    def to_json(self) -> dict[str, Any]:
        """Return everything that is needed later as plain JSON, notes left out."""
        return to_plain(replace(self, notes=()))

    @classmethod
    def from_json(cls, plain: object) -> Target:
        """Rebuild what `to_json` gave. Raises FileFormatError for anything else."""
        return from_plain(cls, plain, "the stored target")

    def _numbers(self, column: pandas.Series) -> NDArray[np.float64]:
        self._refuse_missing(column, column.isna().tolist())
        return as_numbers(column, self.name, self.form)

    def _refuse_missing(self, column: pandas.Series, gaps: Sequence[bool]) -> None:
        if any(gaps):
            first = row_of(column, list(gaps).index(True))
            raise DataError(
                f"the target {self.name!r}",
                needed="an answer in each row",
                got=f"{sum(gaps)} missing, the first at row {first}",
                try_="leaving those rows out (Target.present tells which have one)",
            )

    def _matched(self, unknown: Counter[str]) -> dict[str, str]:
        """Return the class for each unknown label, if all differ only by a dot, blanks or case."""
        classes = label_words(self.classes)
        for plain in (
            without_point,
            _as_number,
            _without_dot,
            lambda word: _without_dot(word).lower(),
        ):
            known = {plain(word): word for word in classes}
            if len(known) == len(classes) and all(plain(word) in known for word in unknown):
                return {word: known[plain(word)] for word in unknown}
        strange = [word for word in unknown if _without_dot(word) not in classes]
        worst = (strange or list(unknown))[0]
        others = counted(len(unknown) - 1, "more unknown label")
        more = f" (and {others})" if len(unknown) > 1 else ""
        raise DataError(
            f"the target {self.name!r}",
            needed=f"one of the {len(classes)} classes from training",
            got=f"{worst!r} in {counted(unknown[worst], 'row')}{more}",
            try_=did_you_mean(worst, classes),
        )


def label_words(labels: Sequence[Label]) -> list[str]:
    """Return the word of each class; a class may be called None or NA."""
    return [word if word is not None else str(label).strip() for label, word in _labeled(labels)]


def _labeled(labels: Sequence[Label]) -> list[tuple[Label, str | None]]:
    return list(zip(labels, category_words(labels, literal=True), strict=True))


def _as_number(word: str) -> str:
    """Return a number as any other of the same value is written; else the word."""
    number = sound_plain_number(word)
    return word if number is None else repr(number)


def _without_dot(word: str) -> str:
    return " ".join(word.split()).removesuffix(".").strip()


def _column(series: object, name: str) -> pandas.Series:
    """Return answers of any kind as a cleaned pandas column; texts as they were written."""
    values: Any = series
    if getattr(getattr(values, "index", None), "name", None) == ROWS:
        return series  # type: ignore[return-value]
    if hasattr(values, "to_list") and not hasattr(values, "tolist"):
        values = values.to_list()
    elif isinstance(values, np.ndarray) and values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    table = read_table({name: values}, name="the target")
    column = table.column(str(table.frame.columns[0]))
    return column.reset_index(drop=True)


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
    column = _column(series, name)
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
            f"the target {name!r}", needed="answers", got=f"{rows:,} rows, all without one"
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
        if task == "regression" or not (named or (others and task == "classification")):
            kept = [number is not None for number in numbers]
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


def _number(word: str, form: str) -> float | None:
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
        numbers = {word: float(word) for word in different}
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
