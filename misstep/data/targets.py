"""What is to be predicted: two classes, several classes or a number, and its encoding.

Knows one column of answers, not the columns they are predicted from. A `Target` is recognized on
all rows, so that it knows every class (`target_recognition.py`), and fitted on the training rows,
where numbers get their mean and deviation.
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

from misstep.data.logarithm import Logarithm
from misstep.data.stored_json import Stored, check, from_plain, to_plain
from misstep.data.table.cell_values import category_words, is_missing_word, objects, without_point
from misstep.data.table.column_transformers import as_numbers, row_of
from misstep.data.table.number_forms import is_number_form, sound_plain_number
from misstep.data.table.table import ROWS, read_table
from misstep.data.weights import checked_weights, mean_and_deviation
from misstep.errors import ArgumentError, DataError
from misstep.text.counts import counted
from misstep.text.names import did_you_mean

if TYPE_CHECKING:
    import pandas

__all__ = ["Target", "TaskType"]

Label = str | int | float | bool


class TaskType(StrEnum):
    """What there is to predict; the values stand in model files."""

    BINARY = "two classes"
    MULTICLASS = "several classes"
    NUMBER = "number"
    NUMBERS = "several numbers"
    LABELS = "several labels"


# How many deviations of a logarithm a prediction may lie above all answers of training.
BEYOND = 0.5


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
    def outputs(self) -> int:
        """Return how many numbers a row's prediction has: classes, or 1."""
        return len(self.classes) or 1

    @property
    def is_joint(self) -> bool:
        """Tell whether there are several answers to a row."""
        return self.task in (TaskType.NUMBERS, TaskType.LABELS)

    @property
    def is_number(self) -> bool:
        """Tell whether a number is to be predicted rather than a class."""
        return self.task is TaskType.NUMBER

    def present(self, series: object) -> NDArray[np.bool_]:
        """Return which rows have an answer, (rows,); only those can be learned from."""
        column = answers_column(series, self.name)
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
        return self._numbers(answers_column(series, self.name))

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
        column = answers_column(series, self.name)
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
        return self.decode(self.bounded(outputs))

    def bounded(self, outputs: object) -> NDArray[Any]:
        """Return outputs of a network, in the same shape, none above what is ever predicted."""
        outputs = np.asarray(outputs)
        if self.logarithm is None:
            return outputs
        highest = (self.logarithm.highest - self.center) / self.scale + BEYOND
        return np.asarray(np.minimum(outputs, highest))

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


def answers_column(series: object, name: str) -> pandas.Series:
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
