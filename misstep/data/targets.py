"""What is to be predicted: two classes, several classes or a number, and why; and its encoding.

Knows one column of answers, not the columns they are predicted from. A `Target` is recognized on
all rows, so that it knows every class, and fitted on the training rows, where numbers get their
mean and deviation.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from misstep.data.stored_json import Stored, from_plain, to_plain
from misstep.data.table.cell_values import category_words, date_format_of, number_form_of
from misstep.data.table.column_transformers import as_numbers
from misstep.data.table.table import read_table
from misstep.data.weights import checked_weights, mean_and_deviation
from misstep.errors import ArgumentError, DataError, NotYetError
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
# Fewer rows than this say nothing about how often a text repeats.
FEW_ROWS = 20
TASKS = ("classification", "regression")


@dataclass(frozen=True)
class Target(Stored):
    """What is to be predicted.

    `classes`: the labels in order, empty for numbers. `center`, `scale`: numbers are predicted as
    (y - center) / scale; 0 and 1 until `fit`. `rare`: of two classes, the number of the one with
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
    notes: tuple[str, ...] = field(default=(), compare=False)
    version: Literal[1] = 1

    def __post_init__(self) -> None:
        if not (math.isfinite(self.center) and math.isfinite(self.scale) and self.scale > 0):
            raise ValueError("center must be finite and scale above 0")
        if len(self.classes) < (0 if self.is_number else 2):
            raise ValueError("at least two classes are needed")
        if self.is_number and self.classes:
            raise ValueError("a number has no classes")
        if self.task is TaskType.BINARY and len(self.classes) != 2:
            raise ValueError("two classes are needed")
        if self.rare not in (0, 1):
            raise ValueError("the rare one of two classes is number 0 or 1")
        if len(set(category_words(self.classes))) != len(self.classes):
            raise ValueError("a class stands twice")
        if self.form not in {"plain", "thousands", "percent", "money"}:
            raise ValueError("unknown form of number")

    @property
    def is_number(self) -> bool:
        """Tell whether a number is to be predicted rather than a class."""
        return self.task is TaskType.NUMBER

    def present(self, series: object) -> NDArray[np.bool_]:
        """Return which rows have an answer, (rows,); only those can be learned from."""
        return ~_column(series, self.name).isna().to_numpy()

    def fit(self, series: object, sample_weight: object = None) -> Target:
        """Return this target with mean and deviation, or the rarer class, of training rows (rows,).

        Raises DataError: missing, infinite or unreadable answers.
        """
        if self.task is TaskType.BINARY:
            return self.fit_codes(self.encode(series), sample_weight)
        if not self.is_number:
            return self
        values = self._numbers(_column(series, self.name))
        weights = checked_weights(sample_weight, len(values))
        center, deviation = mean_and_deviation(values, weights)
        return replace(self, center=center, scale=deviation or 1.0)

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
                z = (self._numbers(column) - self.center) / self.scale
            limit = float(np.finfo(np.float32).max)
            return np.clip(z, -limit, limit).astype(np.float32), []
        place = {word: i for i, word in enumerate(category_words(self.classes))}
        words = category_words(column.tolist())
        self._refuse_missing([word is None for word in words])
        unknown = Counter(word for word in words if word is not None and word not in place)
        notes: list[str] = []
        if unknown:
            matched = self._matched(unknown)
            shown = ", ".join(f"{a!r} as {b!r}" for a, b in list(matched.items())[:3])
            notes.append(
                f"{self.name}: {sum(unknown.values())} labels differ from the classes only by a "
                f"dot, blanks or case and were read as such: {shown}"
            )
            place |= {word: place[known] for word, known in matched.items()}
        return np.asarray([place[word] for word in words], dtype=np.int64), notes

    def decode(self, values: object) -> NDArray[Any]:
        """Return labels for class numbers (rows,), or numbers in the target's own unit.

        Raises ArgumentError for numbers of classes that are not there.
        """
        array = np.asarray(values)
        if self.is_number:
            return array.astype(np.float64) * self.scale + self.center
        codes = array.astype(np.int64)
        if codes.size and not (codes.min() >= 0 and codes.max() < len(self.classes)):
            raise ArgumentError(
                f"the classes of {self.name!r}",
                needed=f"numbers from 0 to {len(self.classes) - 1}",
                got=f"{codes.min()} to {codes.max()}",
            )
        return self.class_array[codes]

    @property
    def class_array(self) -> NDArray[Any]:
        """The classes as an array (classes,), of their own kind of value."""
        if len({type(label) for label in self.classes}) == 1:
            return np.asarray(self.classes)
        array = np.empty(len(self.classes), dtype=object)
        array[:] = self.classes
        return array

    def to_json(self) -> dict[str, Any]:
        """Return everything that is needed later as plain JSON, notes left out."""
        return to_plain(replace(self, notes=()))

    @classmethod
    def from_json(cls, plain: object) -> Target:
        """Rebuild what `to_json` gave. Raises FileFormatError for anything else."""
        return from_plain(cls, plain, "the stored target")

    def _numbers(self, column: pandas.Series) -> NDArray[np.float64]:
        self._refuse_missing(column.isna().tolist())
        return as_numbers(column, self.name, self.form)

    def _refuse_missing(self, gaps: Sequence[bool]) -> None:
        if any(gaps):
            raise DataError(
                f"the target {self.name!r}",
                needed="an answer in each row",
                got=f"{sum(gaps)} missing, the first at row {list(gaps).index(True) + 1}",
                try_="leaving those rows out (Target.present tells which have one)",
            )

    def _matched(self, unknown: Counter[str]) -> dict[str, str]:
        """Return the class for each unknown label, if all differ only by a dot, blanks or case."""
        classes = [word for word in category_words(self.classes) if word is not None]
        for plain in (_without_dot, lambda word: _without_dot(word).lower()):
            known = {plain(word): word for word in classes}
            if len(known) == len(classes) and all(plain(word) in known for word in unknown):
                return {word: known[plain(word)] for word in unknown}
        worst, count = next(
            ((w, n) for w, n in unknown.items() if _without_dot(w) not in classes),
            next(iter(unknown.items())),
        )
        raise DataError(
            f"the target {self.name!r}",
            needed=f"one of the {len(classes)} classes from training",
            got=f"{worst!r} in {count} rows"
            + (f" (and {len(unknown) - 1} more unknown labels)" if len(unknown) > 1 else ""),
            try_=did_you_mean(worst, classes),
        )


def _without_dot(word: str) -> str:
    return " ".join(word.split()).removesuffix(".").strip()


def _column(series: object, name: str) -> pandas.Series:
    """Return answers of any kind as a cleaned pandas column."""
    values: Any = series
    if hasattr(values, "to_list") and not hasattr(values, "tolist"):
        values = values.to_list()
    elif isinstance(values, np.ndarray) and values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    return read_table({name: values}, name="the target").frame.iloc[:, 0]


def recognize_target(series: object, name: str, task: str | None = None) -> Target:
    """Say what is to be predicted.

    `series`: the answers (rows,) of all rows; `task`: "classification" or "regression" to decide
    it by hand. Rows without an answer are counted in the notes. Raises ArgumentError: another
    task; DataError: no answers, one class only, answers that are names; NotYetError: dates.
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
    present = column.dropna()
    notes: list[str] = []
    if len(present) < rows:
        notes.append(
            f"{name}: {rows - len(present):,} of {rows:,} rows have no answer and are left out"
        )
    if present.empty:
        raise DataError(
            f"the target {name!r}", needed="answers", got=f"{rows:,} rows, all without one"
        )
    values = [_label(value) for value in present.tolist()]
    words = [word for word in category_words(values) if word is not None]
    counts = Counter(words)
    if len(counts) == 1 and (task != "regression" or number_form_of(list(counts)) is None):
        raise DataError(
            f"the target {name!r}",
            needed="at least two different answers",
            got=f"{words[0]!r} in all {len(words):,} rows" if len(words) > 1 else "a single row",
            try_="another column as the target, or rows with other answers",
        )
    is_number, reason, form = _judged(name, values, counts, task)
    if is_number:
        as_numbers(present, name, form)
        return Target(name, TaskType.NUMBER, reason, form=form, notes=tuple(notes))
    single = [word for word, count in counts.items() if count == 1]
    if single:
        several = f"{len(single)} classes have" if len(single) > 1 else "one class has"
        notes.append(
            f"{name}: {several} a single row, {'for example ' if len(single) > 1 else ''}"
            f"{single[0]!r}; it can serve for training only"
        )
    return Target(
        name,
        TaskType.BINARY if len(counts) == 2 else TaskType.MULTICLASS,
        reason,
        classes=_ordered(values),
        notes=tuple(notes),
    )


def _label(value: Any) -> Label:
    """Return an answer as a plain label; whole floats become int (3.0 is class 3)."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return str(value)


def _ordered(values: Sequence[Label]) -> tuple[Label, ...]:
    by_word: dict[str, Label] = {}
    for word, value in zip(category_words(values), values, strict=True):
        if word is not None:
            by_word.setdefault(word, value)
    labels = list(by_word.values())
    if all(isinstance(label, int | float) for label in labels):
        return tuple(sorted(labels, key=lambda label: float(label)))
    return tuple(sorted(labels, key=str))


def _judged(
    name: str, values: Sequence[Label], counts: Counter[str], task: str | None
) -> tuple[bool, str, str]:
    """Return whether it is a number, the reason, and the written form of numbers."""
    distinct, rows = len(counts), sum(counts.values())
    numeric = all(isinstance(value, int | float) for value in values)
    form = "plain" if numeric else number_form_of(list(counts))
    whole = numeric and all(isinstance(value, int) for value in values)
    sort = "whole numbers" if whole else "numbers" if form else "text"
    facts = f"{distinct:,} distinct values, {sort}, in {rows:,} rows"
    if task == "regression":
        if form is None:
            stray = next(word for word in counts if number_form_of([word]) is None)
            raise DataError(
                f"the target {name!r}",
                needed="numbers, because the task is regression",
                got=f"texts, for example {stray!r}",
                try_="task='classification'",
            )
        return True, f"the task was given as regression; {facts}", form
    if task == "classification":
        if numeric and not whole and distinct > MOST_CODES:
            raise DataError(
                f"the target {name!r}",
                needed="classes, because the task is classification",
                got=f"continuous numbers, {distinct:,} distinct in {rows:,} rows",
                try_="task='regression'",
            )
        return False, f"the task was given as classification; {facts}", ""
    if all(isinstance(value, bool) for value in values):
        return False, f"true or false in {rows:,} rows", ""
    if distinct == 2 and (numeric or form is None):
        return False, facts, ""
    if form is not None:
        return _judged_numbers(values, facts, distinct, rows, whole, form)
    if date_format_of(list(counts)) is not None:
        raise NotYetError(
            f"the target {name!r}",
            needed="classes or numbers",
            got=f"dates, for example {next(iter(counts))!r}",
            try_="a number instead, such as the days from a fixed date",
        )
    if rows >= FEW_ROWS and distinct > MOST_DISTINCT_SHARE * rows:
        raise DataError(
            f"the target {name!r}",
            needed="classes that repeat, or numbers",
            got=f"{distinct:,} distinct texts in {rows:,} rows, for example {next(iter(counts))!r}",
            try_="another column as the target, or task='classification' if they are classes",
        )
    return False, facts, ""


def _judged_numbers(
    values: Sequence[Label], facts: str, distinct: int, rows: int, whole: bool, form: str
) -> tuple[bool, str, str]:
    if not whole:
        return True, facts, form
    numbers = sorted({int(value) for value in values})
    low, high = numbers[0], numbers[-1]
    codes = low in (0, 1) and high - low + 1 == distinct
    if codes and distinct <= MOST_CODES and rows >= FEWEST_ROWS_PER_CODE * distinct:
        return False, f"{facts}, that run from {low:,} to {high:,} without gaps as codes do", ""
    if not codes:
        why = f"they range from {low:,} to {high:,}, which is an order rather than codes"
    elif distinct > MOST_CODES:
        why = f"more than {MOST_CODES} are too many for codes"
    else:
        why = "too few rows for each to be a class"
    hint = "; task='classification' makes them classes" if distinct <= MOST_CODES else ""
    return True, f"{facts}; {why}{hint}", form
