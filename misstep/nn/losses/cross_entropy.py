"""Losses of classes: the cross-entropy of two, and of several that exclude each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Array, Value, make_literal
from misstep.nn.losses.loss import Loss, LossExample, mean_of_row
from misstep.ops import (
    binary_cross_entropy,
    equal,
    gather,
    log_softmax,
    mean,
    sigmoid,
    softmax,
    take_along_axis,
    where,
)


def _check_smoothing(name: str, smoothing: Any) -> None:
    number = isinstance(smoothing, int | float) and not isinstance(smoothing, bool)
    if not number or not 0 <= smoothing < 1:
        raise ArgumentError(
            f"smoothing of {name}",
            needed="a share from 0 up to but not 1",
            got=repr(smoothing),
            try_="0.1",
        )


def _checked_weights(name: str, weights: Any, count: int | None) -> tuple[float, ...] | None:
    if weights is None:
        return None
    try:
        result = tuple(float(weight) for weight in weights)
    except (TypeError, ValueError):
        result = ()
    wrong_count = len(result) != count if count is not None else not result
    if wrong_count or not all(np.isfinite(weight) and weight >= 0 for weight in result):
        raise ArgumentError(
            f"class_weights of {name}",
            needed=f"{count} numbers of 0 or more"
            if count
            else "a number of 0 or more for each class",
            got=repr(weights),
        )
    return result


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """The loss −y ln p − (1 − y) ln(1 − p) with p = sigmoid(raw output); it stays finite.

    prediction: raw outputs (logits), (batch,) or (batch, outputs); target: 0, 1 or a share between,
    the same shape. `class_weights`: the weights of rows of class 0 and of class 1 (one output).
    `smoothing`: this share of every answer is shared out evenly between the two classes, so that
    nothing is learned to be certain (Szegedy and others, 2016).

    >>> import misstep as ms
    >>> ms.BinaryCrossEntropy()(ms.parameter([0.0, 800.0]), ms.parameter([1.0, 1.0]))
    0.34657359
    """

    class_weights: tuple[float, ...] | None = None
    smoothing: float = 0.0
    score_name: ClassVar[str] = "accuracy"

    def __post_init__(self) -> None:
        _check_smoothing("BinaryCrossEntropy", self.smoothing)
        weights = _checked_weights("BinaryCrossEntropy", self.class_weights, 2)
        object.__setattr__(self, "class_weights", weights)

    def answers_between(self, prediction_shape: tuple[int, ...]) -> tuple[float, float]:
        """Return 0 and 1."""
        return 0.0, 1.0

    def other_answers(self) -> str:
        """Return what to try for more classes, or for numbers."""
        return (
            "classes written as 0 and 1; of more classes ms.CrossEntropy() and a last layer with "
            "one unit for each; for numbers ms.SquaredError()"
        )

    def per_row(self, prediction: Value, target: Value) -> Value:
        """Return the cross-entropy of each row."""
        if self.smoothing:
            target = target * (1.0 - self.smoothing) + 0.5 * self.smoothing
        return mean_of_row(binary_cross_entropy(prediction, target))

    def row_weights(self, target: Value, dtype: str) -> Value | None:
        """Return the weight of each row's class."""
        if self.class_weights is None:
            return None
        if target.ndim > 1 and target.size != target.shape[0]:
            raise ShapeError(
                "class_weights of BinaryCrossEntropy",
                needed="a network with one output",
                got=str(target.shape),
            )
        ones = target if target.ndim == 1 else target[:, 0]
        zero, one_weight = self.class_weights
        # Linear, so that a share between the classes weighs in between.
        return ones * (one_weight - zero) + zero

    def predict(self, raw: Value) -> Value:
        """Return the probability of class 1."""
        return sigmoid(raw)

    def score(self, predicted: Array, target: Array, weights: Array | None = None) -> float:
        """Return the share of entries on the right side of one half."""
        right = (np.asarray(predicted) > 0.5) == (np.asarray(target) > 0.5)
        return float(np.average(right.reshape(len(right), -1).mean(axis=1), weights=weights))

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[LossExample]:
        for shape in ((5,), (4, 1), (3, 2)):
            yield cls(), random.normal(0, 3, shape), random.integers(0, 2, shape).astype("float64")
        yield cls(smoothing=0.2), random.normal(0, 3, (4, 1)), np.array([[0.0], [1.0]] * 2)
        yield cls((0.5, 2.0)), random.normal(0, 3, (6, 1)), np.array([[0.0], [1.0]] * 3)


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """The loss −ln p of the right class, with p = softmax(raw outputs); it stays finite.

    prediction: raw outputs (logits), (batch, classes); target: class positions 0 … classes − 1,
    (batch,). `class_weights`: one weight for each class. `smoothing`: this share of every answer is
    shared out evenly among all classes, so that nothing is learned to be certain (Szegedy and
    others, "Rethinking the inception architecture", 2016). `ignored`: rows of this class weigh
    nothing; it may be a number that no class has, such as −100.

    >>> import misstep as ms
    >>> target = ms.input("target", (2,), "int64")
    >>> loss = ms.CrossEntropy()(ms.parameter([[0.0, 0.0], [9.0, -9.0]]), target)
    >>> ms.ir.Interpreter(ms.Graph({"loss": loss})).run({"target": [1, 0]})["loss"].round(4)
    np.float64(0.3466)
    """

    class_weights: tuple[float, ...] | None = None
    smoothing: float = 0.0
    ignored: int | None = None
    target_dtype: ClassVar[str] = "int"
    score_name: ClassVar[str] = "accuracy"

    def __post_init__(self) -> None:
        _check_smoothing("CrossEntropy", self.smoothing)
        if self.ignored is not None and (
            isinstance(self.ignored, bool) or not isinstance(self.ignored, int)
        ):
            raise ArgumentError(
                "ignored of CrossEntropy", needed="the number of a class", got=repr(self.ignored)
            )
        weights = _checked_weights("CrossEntropy", self.class_weights, None)
        object.__setattr__(self, "class_weights", weights)

    def target_shape(self, prediction_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (batch,)."""
        return prediction_shape[:-1]

    def answers_between(self, prediction_shape: tuple[int, ...]) -> tuple[float, float]:
        """Return the first and the last class."""
        return 0.0, prediction_shape[-1] - 1.0

    def check_answers(
        self, answers: Array, prediction_shape: tuple[int, ...], name: str = "the target"
    ) -> None:
        """Raise DataError for an answer that is no class, and not the ignored one."""
        if self.ignored is not None:
            answers = np.where(answers == self.ignored, 0, answers)
        super().check_answers(answers, prediction_shape, name)

    def _counted(self, target: Value) -> Value:
        """Return the classes, the first one in place of the ignored one."""
        if self.ignored is None:
            return target
        return where(equal(target, self.ignored), 0, target)

    def other_answers(self) -> str:
        """Return what to try for more classes."""
        return "a last layer with one unit for each class, classes counted from 0"

    def check(self, prediction: Value, target: Value) -> None:
        """Raise ShapeError unless there is one output for each class and one class for each row."""
        if prediction.ndim != 2:
            raise ShapeError(
                "the prediction given to CrossEntropy",
                needed="(batch, classes)",
                got=str(prediction.shape),
                try_="ms.Flatten() before the last ms.Dense(classes)",
            )
        super().check(prediction, target)
        if self.class_weights is not None and len(self.class_weights) != prediction.shape[1]:
            raise ShapeError(
                "class_weights of CrossEntropy",
                needed=f"one weight for each of {prediction.shape[1]} classes",
                got=f"{len(self.class_weights)}",
            )

    def per_row(self, prediction: Value, target: Value) -> Value:
        """Return −ln p of the right class, for each row."""
        logarithms = log_softmax(prediction, -1)
        right = take_along_axis(logarithms, self._counted(target))
        if self.smoothing:
            right = right * (1.0 - self.smoothing) + mean(logarithms, -1) * self.smoothing
        return -right

    def row_weights(self, target: Value, dtype: str) -> Value | None:
        """Return the weight of each row's class."""
        if self.class_weights is None and self.ignored is None:
            return None
        # Of so many classes as there are weights.
        weights = self.class_weights or (1.0,)
        places = self._counted(target) if self.class_weights else target * 0
        by_class = gather(make_literal(np.array(weights), dtype), places)
        if self.ignored is None:
            return by_class
        return where(equal(target, self.ignored), 0.0, by_class)

    def predict(self, raw: Value) -> Value:
        """Return the probability of each class."""
        return softmax(raw, -1)

    def score(self, predicted: Array, target: Array, weights: Array | None = None) -> float:
        """Return the share of rows whose likeliest class is the right one."""
        right = np.argmax(predicted, axis=1) == target
        if self.ignored is not None:
            counts = np.asarray(target) != self.ignored
            weights = counts * (1.0 if weights is None else weights)
            if not np.sum(weights):
                return float("nan")
        return float(np.average(right, weights=weights))

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[LossExample]:
        yield cls(), random.normal(0, 3, (5, 4)), random.integers(0, 4, 5)
        yield cls(smoothing=0.1), random.normal(0, 3, (5, 4)), random.integers(0, 4, 5)
        yield cls(ignored=-100), random.normal(0, 3, (5, 4)), np.array([0, -100, 3, 2, -100])
        yield cls((1.0, 2.0, 0.5)), random.normal(0, 3, (6, 3)), np.array([0, 1, 2, 0, 1, 2])
