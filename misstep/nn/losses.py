"""Losses: one number that says how wrong a batch was, and what a prediction means.

A loss works on the network's raw outputs. It never broadcasts: a prediction and a target of other
shapes are an error that names both. Knows Values, no layers and no optimizers.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from misstep import ops
from misstep.errors import ArgumentError, DtypeError, ShapeError
from misstep.ir import Array, Value, make_literal
from misstep.ops import (
    absolute,
    equal,
    gather,
    log_sum_exp,
    mean,
    sigmoid,
    softmax,
    softplus,
    take_along_axis,
    where,
)
from misstep.text.names import did_you_mean, hyphenated

LossExample = tuple["Loss", Array, Array]

_registry: dict[str, type[Loss]] = {}


class Loss:
    """How wrong predictions are. Subclassing registers it; a subclass is a frozen dataclass.

    Calling it gives the mean over the batch, weighted if the rows have weights: Σ wᵢ lᵢ / Σ wᵢ, so
    that a row of weight 2 counts as that row twice.

    >>> import misstep as ms
    >>> prediction, target = ms.parameter([1.0, 2.0]), ms.parameter([1.0, 4.0])
    >>> ms.SquaredError()(prediction, target, weights=ms.parameter([3.0, 1.0]))
    1
    """

    # What it is chosen by, as on the command line; of the class's own name where it says nothing.
    name: ClassVar[str] = ""
    # Kind of number of the target: "float" or "int" (class positions).
    target_kind: ClassVar[str] = "float"
    # The score shown beside the loss; higher is better if `score_rises`.
    score_name: ClassVar[str] = "rmse"
    score_rises: ClassVar[bool] = False

    def __init_subclass__(cls, abstract: bool = False, **options: Any) -> None:
        super().__init_subclass__(**options)
        if abstract:
            return
        if "name" not in vars(cls):
            cls.name = hyphenated(cls.__name__)
        _registry[cls.__name__] = cls

    def per_row(self, prediction: Value, target: Value) -> Value:
        """Return the loss of each row, shape (batch,)."""
        raise NotImplementedError

    def row_weights(self, target: Value, dtype: str) -> Value | None:
        """Return the weight of each row by its class, shape (batch,), or None."""
        return None

    def predict(self, raw: Value) -> Value:
        """Return what people call the prediction: probabilities for classes, else the outputs."""
        return raw

    def score(self, predicted: Array, target: Array, weights: Array | None = None) -> float:
        """Return the score of predictions (as `predict` gives them) against targets."""
        error = np.asarray(predicted, "float64") - np.asarray(target, "float64")
        squares = (error**2).reshape(len(error), -1).mean(axis=1)
        return float(np.sqrt(np.average(squares, weights=weights)))

    def target_shape(self, prediction_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape that a target must have for a prediction of `prediction_shape`."""
        return prediction_shape

    def check(self, prediction: Value, target: Value) -> None:
        """Raise ShapeError or DtypeError unless `target` fits `prediction`."""
        name = type(self).__name__
        if prediction.ndim < 1:
            raise ShapeError(f"the prediction given to {name}", needed="a batch axis", got="none")
        wanted = self.target_shape(prediction.shape)
        if target.shape != wanted:
            columns = "(-1)" if len(wanted) == 1 else "(-1, 1)"
            raise ShapeError(
                f"{name}: the prediction has shape {prediction.shape} and the target "
                f"{target.shape}",
                needed=f"a target of shape {wanted}; losses never broadcast",
                got=str(target.shape),
                try_=f"y.reshape{columns}"
                if int(np.prod(target.shape)) == int(np.prod(wanted))
                else f"a network whose last layer has as many units as the target has columns"
                f"{'' if self.target_kind == 'float' else ' (classes)'}",
            )
        if self.target_kind == "int" and target.type.is_float:
            raise DtypeError(
                f"the target of {name}",
                needed="class positions 0, 1, 2 …",
                got=target.dtype,
                try_='y.astype("int64")',
            )
        if self.target_kind == "float" and target.dtype != prediction.dtype:
            raise DtypeError(f"the target of {name}", needed=prediction.dtype, got=target.dtype)

    def total_weight(self, prediction: Value, target: Value, weights: Value | None) -> Value:
        """Return what the batch weighs: Σ wᵢ, or its number of rows when no row has a weight."""
        weights = self.all_weights(prediction, target, weights)
        if weights is None:
            return make_literal(float(prediction.shape[0]), prediction.dtype)
        return ops.sum(weights)

    def all_weights(self, prediction: Value, target: Value, weights: Value | None) -> Value | None:
        """Return the weight of each row, by its own weight and by its class; None: all the same."""
        by_class = self.row_weights(target, prediction.dtype)
        if weights is None or by_class is None:
            return weights if by_class is None else by_class
        return weights * by_class

    def __call__(self, prediction: Value, target: Value, weights: Value | None = None) -> Value:
        """Return the mean loss of the batch, one number; `weights` has shape (batch,)."""
        self.check(prediction, target)
        rows = self.per_row(prediction, target)
        weights = self.all_weights(prediction, target, weights)
        if weights is None:
            return mean(rows)
        if weights.shape != rows.shape:
            raise ShapeError("sample weights", needed=f"shape {rows.shape}", got=str(weights.shape))
        whole = ops.sum(weights)
        # A batch whose rows all weigh nothing has nothing to say: loss 0, not 0 / 0.
        return ops.sum(rows * weights) / where(equal(whole, 0.0), 1.0, whole)

    def mixed(
        self, prediction: Value, target: Value, other: Value, share: Value, weights: Value | None
    ) -> tuple[Value, Value]:
        """Return the mean loss of rows that are mixtures, and what the batch weighs.

        `share`: (batch,), how much of a row has the answer `target`; the rest of it has `other`.
        """
        self.check(prediction, target)
        self.check(prediction, other)
        sums, weighs = [], []
        for answer, part in ((target, share), (other, 1.0 - share)):
            by_class = self.row_weights(answer, prediction.dtype)
            weight = part if by_class is None else part * by_class
            weight = weight if weights is None else weight * weights
            sums.append(ops.sum(self.per_row(prediction, answer) * weight))
            weighs.append(ops.sum(weight))
        whole = weighs[0] + weighs[1]
        return (sums[0] + sums[1]) / where(equal(whole, 0.0), 1.0, whole), whole

    def configuration(self) -> dict[str, Any]:
        """Return the kind and the settings as plain JSON."""
        settings = {
            one.name: getattr(self, one.name)
            for one in dataclasses.fields(self)  # type: ignore[arg-type]
        }
        return {"kind": type(self).__name__, **settings}

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[LossExample]:
        """Yield losses with predictions and targets that must work."""
        raise NotImplementedError


def registered_losses() -> dict[str, type[Loss]]:
    """Return every loss by the name of its class, sorted."""
    return dict(sorted(_registry.items()))


def loss_names() -> list[str]:
    """Return what losses are chosen by, sorted; a class of a caller's own is among them."""
    return sorted(cls.name for cls in _registry.values())


def loss_named(name: str, **settings: Any) -> Loss:
    """Return the loss that `name` says, with these settings.

    Raises ArgumentError, with the nearest word, for a name or a setting that there is not.

    >>> from misstep.nn import loss_named
    >>> loss_named("huber", delta=0.5)
    Huber(delta=0.5)
    """
    by_name = {cls.name: cls for cls in _registry.values()}
    if name not in by_name:
        raise ArgumentError(
            "the loss",
            needed=", ".join(loss_names()),
            got=repr(name),
            try_=did_you_mean(str(name), loss_names()),
        )
    cls = by_name[name]
    known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for setting in settings:
        if setting not in known:
            raise ArgumentError(
                f"the loss {name}",
                needed=f"settings among {', '.join(known) or 'none'}",
                got=setting,
                try_=did_you_mean(setting, known) if known else "leaving it out",
            )
    return cls(**settings)


def _mean_of_row(entries: Value) -> Value:
    return mean(entries, tuple(range(1, entries.ndim))) if entries.ndim > 1 else entries


class _Distance(Loss, abstract=True):
    """A loss of the difference between prediction and target, averaged over a row's outputs."""

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[LossExample]:
        """Yield losses that must work."""
        for shape in ((5,), (4, 1), (3, 2)):
            yield cls(), random.normal(0, 2, shape), random.normal(0, 2, shape)


@dataclass(frozen=True)
class SquaredError(_Distance):
    """The squared error (prediction − target)², averaged over outputs and rows; times ½ if `half`.

    prediction, target: (batch,) or (batch, outputs), the same shape.

    >>> import misstep as ms
    >>> ms.SquaredError()(ms.parameter([1.0, 2.0]), ms.parameter([1.0, 4.0]))
    2
    """

    half: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.half, bool):
            raise ArgumentError("half of SquaredError", needed="True or False", got=repr(self.half))

    def per_row(self, prediction: Value, target: Value) -> Value:
        """Return the squared error of each row."""
        error = prediction - target
        squares = _mean_of_row(error * error)
        return squares * 0.5 if self.half else squares


@dataclass(frozen=True)
class AbsoluteError(_Distance):
    """The absolute error |prediction − target|, averaged over outputs and rows; slope 0 at 0.

    prediction, target: (batch,) or (batch, outputs), the same shape.

    >>> import misstep as ms
    >>> ms.AbsoluteError()(ms.parameter([1.0, 2.0]), ms.parameter([1.0, 4.0]))
    1
    """

    def per_row(self, prediction: Value, target: Value) -> Value:
        """Return the absolute error of each row."""
        return _mean_of_row(absolute(prediction - target))


@dataclass(frozen=True)
class Huber(_Distance):
    """Huber's loss: ½ e² for errors up to `delta`, delta · (|e| − ½ delta) beyond (Huber, 1964).

    prediction, target: (batch,) or (batch, outputs), the same shape.

    >>> import misstep as ms
    >>> ms.Huber(delta=1.0)(ms.parameter([1.0, 2.0]), ms.parameter([1.5, 4.0]))
    0.8125
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        number = self.delta
        if not isinstance(number, int | float) or not (number > 0 and math.isfinite(number)):
            raise ArgumentError("delta of Huber", needed="a positive number", got=repr(self.delta))

    def per_row(self, prediction: Value, target: Value) -> Value:
        """Return the Huber loss of each row."""
        error = prediction - target
        size = absolute(error)
        near, far = error * error * 0.5, self.delta * (size - 0.5 * self.delta)
        return _mean_of_row(where(size <= self.delta, near, far))


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
    if wrong_count or not all(np.isfinite(one) and one >= 0 for one in result):
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
    score_rises: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_smoothing("BinaryCrossEntropy", self.smoothing)
        weights = _checked_weights("BinaryCrossEntropy", self.class_weights, 2)
        object.__setattr__(self, "class_weights", weights)

    def per_row(self, prediction: Value, target: Value) -> Value:
        """Return the cross-entropy of each row."""
        if self.smoothing:
            target = target * (1.0 - self.smoothing) + 0.5 * self.smoothing
        return _mean_of_row(softplus(prediction) - target * prediction)

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
        zero, one = self.class_weights
        # Linear, so that a share between the classes weighs in between.
        return ones * (one - zero) + zero

    def predict(self, raw: Value) -> Value:
        """Return the probability of class 1."""
        return sigmoid(raw)

    def score(self, predicted: Array, target: Array, weights: Array | None = None) -> float:
        """Return the share of entries on the right side of one half."""
        right = (np.asarray(predicted) > 0.5) == (np.asarray(target) > 0.5)
        return float(np.average(right.reshape(len(right), -1).mean(axis=1), weights=weights))

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[LossExample]:
        """Yield losses that must work."""
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
    others, "Rethinking the inception architecture", 2016).

    >>> import misstep as ms
    >>> target = ms.input("target", (2,), "int64")
    >>> loss = ms.CrossEntropy()(ms.parameter([[0.0, 0.0], [9.0, -9.0]]), target)
    >>> ms.Interpreter(ms.Graph({"loss": loss})).run({"target": [1, 0]})["loss"].round(4)
    np.float64(0.3466)
    """

    class_weights: tuple[float, ...] | None = None
    smoothing: float = 0.0
    target_kind: ClassVar[str] = "int"
    score_name: ClassVar[str] = "accuracy"
    score_rises: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_smoothing("CrossEntropy", self.smoothing)
        weights = _checked_weights("CrossEntropy", self.class_weights, None)
        object.__setattr__(self, "class_weights", weights)

    def target_shape(self, prediction_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (batch,)."""
        return prediction_shape[:-1]

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
        right = take_along_axis(prediction, target)
        if self.smoothing:
            right = right * (1.0 - self.smoothing) + mean(prediction, -1) * self.smoothing
        return log_sum_exp(prediction, -1) - right

    def row_weights(self, target: Value, dtype: str) -> Value | None:
        """Return the weight of each row's class."""
        if self.class_weights is None:
            return None
        return gather(make_literal(np.array(self.class_weights), dtype), target)

    def predict(self, raw: Value) -> Value:
        """Return the probability of each class."""
        return softmax(raw, -1)

    def score(self, predicted: Array, target: Array, weights: Array | None = None) -> float:
        """Return the share of rows whose likeliest class is the right one."""
        return float(np.average(np.argmax(predicted, axis=1) == target, weights=weights))

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[LossExample]:
        """Yield losses that must work."""
        yield cls(), random.normal(0, 3, (5, 4)), random.integers(0, 4, 5)
        yield cls(smoothing=0.1), random.normal(0, 3, (5, 4)), random.integers(0, 4, 5)
        yield cls((1.0, 2.0, 0.5)), random.normal(0, 3, (6, 3)), np.array([0, 1, 2, 0, 1, 2])
