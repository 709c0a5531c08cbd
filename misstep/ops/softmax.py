"""Ops that weigh entries by e to the power of each: log-sum-exp, softmax and its logarithm.

Of all entries the largest is taken away before anything is rounded: nothing overflows, and what the
entries share costs no digits, in values and in gradients. Knows the program form and no networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import ShapeError
from misstep.ir import Array, Op, Type, Value
from misstep.ir.op import Example, checked_axis, float_dtype
from misstep.ops.elementwise import Gradients, draw, draw_shape
from misstep.ops.lifting import Operand, as_value
from misstep.ops.reduction import Reduction, sum
from misstep.ops.shape import Axes, axes_of, reshape, transpose


def stable_log_sum_exp(x: Array, axes: tuple[int, ...], keep: bool) -> Array:
    """Return ln Σ exp(x), the largest taken out first so that nothing overflows."""
    largest = np.max(x, axis=axes, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, np.zeros_like(largest))
    result = np.log(np.sum(np.exp(x - largest), axis=axes, keepdims=True)) + largest
    return result if keep else np.squeeze(result, axis=axes)


@dataclass(frozen=True)
class LogSumExp(Reduction):
    """ln Σ e^x along `axes`, a smooth largest; finite for finite numbers, however large."""

    name = "log_sum_exp"
    words = "the logarithm of the sum of e to the power of each of {0}"
    formula = "ln Σ exp({0})"
    local_derivatives = ("exp({0} − {out})",)
    of_some = True

    def run(self, x: Array) -> Array:
        return stable_log_sum_exp(x, self.axes, self.keep)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        (x,) = value.inputs
        # Not e to the power of x less the result: that one is rounded to the digits of the largest.
        return (self.over(upstream, x) * _shares(x, self.axes),)

    def python(self, *names: str) -> str:
        return f"stable_log_sum_exp({names[0]}, {self.axes}, {self.keep})"

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (stable_log_sum_exp,)


def stable_softmax(x: Array, axis: int) -> Array:
    """Return exp(x) / Σ exp(x), the largest taken out first so that nothing overflows."""
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return powers / np.sum(powers, axis=axis, keepdims=True)


def _shares(x: Value, axes: tuple[int, ...]) -> Value:
    """Return e^x / Σ e^x along several axes together."""
    reduced = [axis % x.ndim for axis in axes]
    if len(reduced) == 1:
        return Softmax(reduced[0])(x)
    order = [axis for axis in range(x.ndim) if axis not in reduced] + sorted(reduced)
    moved = transpose(x, order)
    kept = moved.shape[: x.ndim - len(reduced)]
    rows = reshape(moved, (*kept, math.prod(moved.shape[len(kept) :])))
    back = [order.index(axis) for axis in range(x.ndim)]
    return transpose(reshape(Softmax(-1)(rows), moved.shape), back)


class _AlongAxis(Op, abstract=True):
    """An op that compares the entries along one axis, and keeps the shape."""

    axis: int

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        axis = checked_axis(self, self.axis, len(x.shape))
        if x.shape[axis] == 0:
            raise ShapeError(self.name, needed="at least one entry along its axis", got=str(x))
        return Type(x.shape, float_dtype(self, x))

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        shape = draw_shape(random, int(random.integers(1, 4)))
        axis = int(random.integers(-len(shape), len(shape)))
        yield cls(axis), (draw(random, shape),)  # type: ignore[call-arg]

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(1), (np.zeros(3),)  # type: ignore[call-arg]
        yield cls(0), (np.zeros(0),)  # type: ignore[call-arg]


@dataclass(frozen=True)
class Softmax(_AlongAxis):
    """Positive shares along `axis` that add up to 1: e^x / Σ e^x."""

    axis: int = -1
    name = "softmax"
    words = "the softmax of {0}"
    formula = "softmax({0})"
    local_derivatives = ("{out} · (1 − {out}) for its own entry, −{out} · {out} for the others",)

    def run(self, x: Array) -> Array:
        return stable_softmax(x, self.axis)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        distance = upstream - sum(upstream * value, self.axis, keep=True)
        # What rounding left of the weighted mean, where upstream has a large part in common.
        return (value * (distance - sum(distance * value, self.axis, keep=True)),)

    def python(self, *names: str) -> str:
        return f"stable_softmax({names[0]}, {self.axis})"

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (stable_softmax,)


def stable_log_softmax(x: Array, axis: int) -> Array:
    """Return x − ln Σ exp(x), the largest taken out first so that no digit is lost."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


@dataclass(frozen=True)
class LogSoftmax(_AlongAxis):
    """The logarithm of the softmax along `axis`: x − ln Σ e^x; finite for finite numbers."""

    axis: int = -1
    name = "log_softmax"
    words = "the logarithm of the softmax of {0}"
    formula = "ln softmax({0})"
    local_derivatives = ("1 − exp({out}) for its own entry, −exp({out}) for the others",)

    def run(self, x: Array) -> Array:
        return stable_log_softmax(x, self.axis)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        shares = Softmax(self.axis)(value.inputs[0])
        return (upstream - shares * sum(upstream, self.axis, keep=True),)

    def python(self, *names: str) -> str:
        return f"stable_log_softmax({names[0]}, {self.axis})"

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (stable_log_softmax,)


# --- functions for people -----------------------------------------------------------------------


def log_sum_exp(x: Operand, axis: Axes = None, keep: bool = False) -> Value:
    """Return ln Σ exp(x) along `axis` (all axes when not given).

    >>> import misstep as ms
    >>> ms.ops.log_sum_exp([1000.0, 1000.0])
    1000.6931
    """
    value = as_value(x)
    return LogSumExp(axes_of(value, axis), keep)(value)


def softmax(x: Operand, axis: int = -1) -> Value:
    """Return positive shares along `axis` that add up to 1: exp(x) / Σ exp(x).

    >>> import misstep as ms
    >>> ms.softmax([1.0, 1.0, 1000.0])
    [0., 0., 1.]
    """
    return Softmax(axis)(as_value(x))


def log_softmax(x: Operand, axis: int = -1) -> Value:
    """Return the logarithm of the softmax, finite however far apart the entries are.

    >>> import misstep as ms
    >>> ms.ops.log_softmax([0.0, 1000.0])
    [-1000.,     0.]
    """
    return LogSoftmax(axis)(as_value(x))
