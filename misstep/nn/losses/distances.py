"""Losses of numbers: squared error, absolute error, and Huber's between them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from misstep.errors import ArgumentError
from misstep.ir import Value
from misstep.nn.losses.loss import Loss, LossExample, mean_of_row
from misstep.ops import absolute, where


class _Distance(Loss, abstract=True):
    """A loss of the difference between prediction and target, averaged over a row's outputs."""

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[LossExample]:
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
        squares = mean_of_row(error * error)
        return squares * 0.5 if self.half else squares


@dataclass(frozen=True)
class AbsoluteError(_Distance):
    """The absolute error |prediction − target|, averaged over outputs and rows; slope 0 at 0.

    prediction, target: (batch,) or (batch, outputs), the same shape.

    >>> import misstep as ms
    >>> ms.losses.AbsoluteError()(ms.parameter([1.0, 2.0]), ms.parameter([1.0, 4.0]))
    1
    """

    def per_row(self, prediction: Value, target: Value) -> Value:
        """Return the absolute error of each row."""
        return mean_of_row(absolute(prediction - target))


@dataclass(frozen=True)
class Huber(_Distance):
    """Huber's loss: ½ e² for errors up to `delta`, delta · (|e| − ½ delta) beyond (Huber, 1964).

    prediction, target: (batch,) or (batch, outputs), the same shape.

    >>> import misstep as ms
    >>> ms.losses.Huber(delta=1.0)(ms.parameter([1.0, 2.0]), ms.parameter([1.5, 4.0]))
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
        return mean_of_row(where(size <= self.delta, near, far))
