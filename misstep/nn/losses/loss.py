"""The contract of a loss, and the registry of all.

A loss works on the network's raw outputs. It never broadcasts: a prediction and a target of other
shapes are an error that names both. Knows Values, no layers and no optimizers.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from misstep import ops
from misstep.errors import ArgumentError, DataError, DtypeError, ShapeError
from misstep.ir import Array, Value, make_literal
from misstep.ops import equal, mean, where
from misstep.text.names import did_you_mean, hyphenated

LossExample = tuple["Loss", Array, Array]

# What becomes of the losses of a batch's rows.
REDUCTIONS = ("mean", "sum", "none")

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
    # The dtype of targets: "float", whatever the prediction has, or "int" (class positions).
    target_dtype: ClassVar[str] = "float"
    # The score shown beside the loss.
    score_name: ClassVar[str] = "rmse"

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

    def answers_between(self, prediction_shape: tuple[int, ...]) -> tuple[float, float]:
        """Return the least and the greatest answer that the loss means something for.

        `prediction_shape`: of the raw outputs, the batch first. A loss of counts says (0, inf).
        """
        return -math.inf, math.inf

    def other_answers(self) -> str:
        """Return what to try for answers that are not between these."""
        return "ms.SquaredError(), which takes any number"

    def check_answers(
        self, answers: Array, prediction_shape: tuple[int, ...], name: str = "the target"
    ) -> None:
        """Raise DataError, with row and value, for an answer that the loss means nothing for.

        `name`: of the answers, for the message.
        """
        least, greatest = self.answers_between(prediction_shape)
        if not answers.size or (least <= answers.min() and answers.max() <= greatest):
            return
        outside = np.argwhere((answers < least) | (answers > greatest))
        if not len(outside):
            return
        first = tuple(int(at) for at in outside[0])
        where_ = f" in column {', '.join(map(str, first[1:]))}" if len(first) > 1 else ""
        range_ = (
            f"of {least:g} or more" if greatest == math.inf else f"from {least:g} to {greatest:g}"
        )
        more = len(outside) - 1
        raise DataError(
            f"{name}, row {first[0]} (counted from 0)",
            needed=f"an answer {range_}, as {type(self).__name__} takes them",
            got=f"{answers[first]}{where_}" + (f", and {more} more such" if more else ""),
            try_=self.other_answers(),
        )

    def check(self, prediction: Value, target: Value) -> None:
        """Raise ShapeError, DtypeError or DataError unless `target` fits `prediction`."""
        name = type(self).__name__
        if prediction.ndim < 1:
            raise ShapeError(f"the prediction given to {name}", needed="a batch axis", got="none")
        expected = self.target_shape(prediction.shape)
        if target.shape != expected:
            columns = "(-1)" if len(expected) == 1 else "(-1, 1)"
            raise ShapeError(
                f"{name}: the prediction has shape {prediction.shape} and the target "
                f"{target.shape}",
                needed=f"a target of shape {expected}; losses never broadcast",
                got=str(target.shape),
                try_=f"y.reshape{columns}"
                if int(np.prod(target.shape)) == int(np.prod(expected))
                else f"a network whose last layer has as many units as the target has columns"
                f"{'' if self.target_dtype == 'float' else ' (classes)'}",
            )
        if self.target_dtype == "int" and target.type.is_float:
            raise DtypeError(
                f"the target of {name}",
                needed="class positions 0, 1, 2 …",
                got=target.dtype,
                try_='y.astype("int64")',
            )
        if self.target_dtype == "float" and target.dtype != prediction.dtype:
            raise DtypeError(f"the target of {name}", needed=prediction.dtype, got=target.dtype)
        if target.data is not None:
            self.check_answers(target.data, prediction.shape)

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

    def __call__(
        self,
        prediction: Value,
        target: Value,
        weights: Value | None = None,
        *,
        reduction: str = "mean",
    ) -> Value:
        """Return the mean loss of the batch, one number; `weights` has shape (batch,).

        `reduction`: "mean"; "sum" for Σ wᵢ lᵢ; "none" for the wᵢ lᵢ of each row, (batch,).
        """
        if reduction not in REDUCTIONS:
            raise ArgumentError(
                f"the reduction of {type(self).__name__}",
                needed=" or ".join(map(repr, REDUCTIONS)),
                got=repr(reduction),
            )
        self.check(prediction, target)
        rows = self.per_row(prediction, target)
        weights = self.all_weights(prediction, target, weights)
        if weights is not None and weights.shape != rows.shape:
            raise ShapeError("sample weights", needed=f"shape {rows.shape}", got=str(weights.shape))
        if reduction != "mean":
            weighted = rows if weights is None else rows * weights
            return weighted if reduction == "none" else ops.sum(weighted)
        if weights is None:
            return mean(rows)
        whole = ops.sum(weights)
        # A batch whose rows all weigh nothing has nothing to say: loss 0, not 0 / 0.
        return ops.sum(rows * weights) / where(equal(whole, 0.0), 1.0, whole)

    def mixed(
        self, prediction: Value, target: Value, other: Value, share: Value, weights: Value | None
    ) -> tuple[Value, Value]:
        """Return the mean loss of rows that are mixtures, and what the batch weighs.

        `share`: (batch,), how much of a row has the answer `target`; the rest of it has `other`.
        """
        sum_, whole = self.mixed_sums(prediction, target, other, share, weights)
        return sum_ / where(equal(whole, 0.0), 1.0, whole), whole

    def mixed_sums(
        self, prediction: Value, target: Value, other: Value, share: Value, weights: Value | None
    ) -> tuple[Value, Value]:
        """Return Σ wᵢ lᵢ and Σ wᵢ of rows that are mixtures, as in `mixed`."""
        self.check(prediction, target)
        self.check(prediction, other)
        sums, weighs = [], []
        for answer, share_of_answer in ((target, share), (other, 1.0 - share)):
            by_class = self.row_weights(answer, prediction.dtype)
            weight = share_of_answer if by_class is None else share_of_answer * by_class
            weight = weight if weights is None else weight * weights
            sums.append(ops.sum(self.per_row(prediction, answer) * weight))
            weighs.append(ops.sum(weight))
        return sums[0] + sums[1], weighs[0] + weighs[1]

    def configuration(self) -> dict[str, Any]:
        """Return the kind and the settings as plain JSON."""
        settings = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
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

    >>> from misstep.nn.losses import loss_named
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


def mean_of_row(entries: Value) -> Value:
    """Return the mean of each row's entries, (batch, …) → (batch,)."""
    return mean(entries, tuple(range(1, entries.ndim))) if entries.ndim > 1 else entries
