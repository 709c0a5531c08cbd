"""Ops that gather many entries into one: sum, max, argmax; and mean, variance, norm made of them.

Knows the program form and nothing of networks. At ties the largest shares its gradient equally
(docs/subgradients.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from misstep.errors import ShapeError
from misstep.ir import Array, Op, Type, Value
from misstep.ir.op import Example, checked_axes, checked_axis, float_dtype
from misstep.ops.bits import bitwise_not
from misstep.ops.comparison import cast, equal, logical_not, where
from misstep.ops.elementwise import Gradients, draw, draw_shape
from misstep.ops.functions import sqrt
from misstep.ops.lifting import Operand, as_value
from misstep.ops.shape import Axes, axes_of, broadcast_to, reshape


@dataclass(frozen=True)
class Reduction(Op, abstract=True):
    """One entry from all entries along `axes`; with `keep`, those axes stay, of length 1."""

    axes: tuple[int, ...]
    keep: bool = False
    # Whether there must be an entry to reduce (the largest of none is nothing).
    of_some: ClassVar[bool] = False

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        dropped = set(checked_axes(self, self.axes, len(x.shape)))
        if self.of_some and any(x.shape[axis] == 0 for axis in dropped):
            raise ShapeError(self.name, needed="at least one entry", got=str(x.shape))
        shape = [
            1 if axis in dropped else length
            for axis, length in enumerate(x.shape)
            if self.keep or axis not in dropped
        ]
        return Type(tuple(shape), self.result_dtype(x))

    def result_dtype(self, x: Type) -> str:
        """Return the dtype of the result."""
        return float_dtype(self, x)

    def over(self, value: Value, like: Value) -> Value:
        """Return `value` (this op's result) with its axes kept, so that it broadcasts to `like`."""
        dropped = {axis % like.ndim for axis in self.axes}
        return reshape(
            value, [1 if axis in dropped else size for axis, size in enumerate(like.shape)]
        )

    def call(self, function: str, name: str) -> str:
        """Return the NumPy call of `function` along these axes."""
        return f"{function}({name}, axis={self.axes}, keepdims={self.keep})"

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        shape = draw_shape(random)
        count = int(random.integers(0, len(shape) + 1))
        axes = tuple(int(axis) for axis in random.permutation(len(shape))[:count])
        yield cls(axes, bool(random.random() < 0.5)), (cls.distinct(random, shape),)

    @staticmethod
    def distinct(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Return random numbers of which no two are near each other (no ties, no kinks)."""
        return random.permutation(math.prod(shape)).reshape(shape) * 0.17 - 1.0

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls((2,)), (np.zeros((2, 2)),)
        yield cls((0, -2)), (np.zeros((2, 2)),)
        if cls.of_some:
            yield cls((1,)), (np.zeros((2, 0)),)


@dataclass(frozen=True)
class Sum(Reduction):
    """The sum along `axes`."""

    name = "sum"
    words = "the sum of {0}"
    formula = "Σ {0}"
    kernel = "reduction"
    local_derivatives = ("1",)

    def result_dtype(self, x: Type) -> str:
        return "int64" if x.dtype == "bool" else x.dtype

    def run(self, x: Array) -> Array:
        x = np.asarray(x)
        dtype = np.int64 if x.dtype == bool else x.dtype
        keep: Any = self.keep  # NumPy's types know no keepdims that may be either
        return np.sum(x, axis=self.axes, keepdims=keep, dtype=dtype)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        (x,) = value.inputs
        return (broadcast_to(self.over(upstream, x), x.shape),)

    def python(self, *names: str) -> str:
        return self.call("np.sum", names[0])


@dataclass(frozen=True)
class Max(Reduction):
    """The largest along `axes` (NaN if there is one)."""

    name = "max"
    words = "the largest of {0}"
    formula = "max {0}"
    kernel = "reduction"
    local_derivatives = ("1 if it is the largest (shared at a tie), else 0",)
    of_some = True

    def result_dtype(self, x: Type) -> str:
        return x.dtype

    def run(self, x: Array) -> Array:
        keep: Any = self.keep
        return np.max(x, axis=self.axes, keepdims=keep)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        (x,) = value.inputs
        winners = cast(equal(x, self.over(value, x)), x.dtype)
        share = winners / sum(winners, self.axes, keep=True)
        return (self.over(upstream, x) * share,)

    def python(self, *names: str) -> str:
        return self.call("np.max", names[0])


@dataclass(frozen=True)
class ArgMax(Op):
    """The position of the largest along `axis`, the first one at a tie; whole numbers."""

    axis: int = -1
    name = "argmax"
    words = "the position of the largest of {0}"
    formula = "argmax {0}"
    local_derivatives = ("0",)
    smooth = False

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        axis = checked_axis(self, self.axis, len(x.shape))
        if x.shape[axis] == 0:
            raise ShapeError(self.name, needed="at least one entry along its axis", got=str(x))
        return Type(x.shape[:axis] + x.shape[axis + 1 :], "int64")

    def run(self, x: Array) -> Array:
        return np.argmax(x, axis=self.axis)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (None,)

    def python(self, *names: str) -> str:
        return f"np.argmax({names[0]}, axis={self.axis})"

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        shape = draw_shape(random, 2)
        yield cls(int(random.integers(-2, 2))), (draw(random, shape),)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(2), (np.zeros((2, 2)),)


# --- functions for people -----------------------------------------------------------------------


def sum(x: Operand, axis: Axes = None, keep: bool = False) -> Value:
    """Return the sum along `axis` (all axes when not given).

    >>> import misstep as ms
    >>> ms.ops.sum([[1.0, 2.0], [3.0, 4.0]], axis=0)
    [4., 6.]
    """
    value = as_value(x)
    return Sum(axes_of(value, axis), keep)(value)


def mean(x: Operand, axis: Axes = None, keep: bool = False) -> Value:
    """Return the mean along `axis` (all axes when not given). Raises ShapeError for no entries.

    >>> import misstep as ms
    >>> ms.mean([[1.0, 2.0], [3.0, 4.0]], axis=1)
    [1.5, 3.5]
    """
    value = as_value(x)
    axes = axes_of(value, axis)
    count = math.prod(value.shape[number] for number in axes if -value.ndim <= number < value.ndim)
    if count == 0:
        raise ShapeError("mean", needed="at least one entry", got=f"shape {value.shape}")
    return Sum(axes, keep)(value) * (1.0 / count)


def centered(x: Operand, axis: Axes = None) -> Value:
    """Return the distance of each entry from the mean along `axis`.

    A mean has no more digits than the entries. Where these share a large part, what rounding left
    of it is the mean of the distances, which have digits to spare: it is taken away as well.

    >>> import misstep as ms
    >>> ms.ops.centered([1.0, 3.0])
    [-1.,  1.]
    """
    value = as_value(x)
    distance = value - mean(value, axis, keep=True)
    return distance - mean(distance, axis, keep=True)


def variance(x: Operand, axis: Axes = None, keep: bool = False) -> Value:
    """Return the mean squared distance from the mean along `axis`.

    >>> import misstep as ms
    >>> ms.ops.variance([1.0, 3.0])
    1
    """
    distance = centered(x, axis)
    return mean(distance * distance, axis, keep)


def norm(x: Operand, axis: Axes = None, keep: bool = False) -> Value:
    """Return the Euclidean length √Σx² along `axis`; its gradient where all is 0 is taken as 0.

    >>> import misstep as ms
    >>> ms.ops.norm([3.0, 4.0])
    5
    """
    value = as_value(x)
    squares = sum(value * value, axis, keep)
    # √0 has an infinite slope, which times the slope 0 of x² would be NaN.
    zero = equal(squares, 0.0)
    return where(zero, 0.0, sqrt(where(zero, 1.0, squares)))


def max(x: Operand, axis: Axes = None, keep: bool = False) -> Value:
    """Return the largest entry along `axis` (all axes when not given).

    >>> import misstep as ms
    >>> ms.ops.max([[1.0, 2.0], [4.0, 3.0]], axis=1)
    [2., 4.]
    """
    value = as_value(x)
    return Max(axes_of(value, axis), keep)(value)


def min(x: Operand, axis: Axes = None, keep: bool = False) -> Value:
    """Return the smallest entry along `axis` (all axes when not given).

    >>> import misstep as ms
    >>> ms.ops.min([[1.0, 2.0], [4.0, 3.0]], axis=1)
    [1., 3.]
    """
    value = as_value(x)
    if value.type.is_float:
        return -max(-value, axis, keep)
    # Of whole numbers the least one has no opposite, those without a sign have none at all.
    opposite = logical_not if value.dtype == "bool" else bitwise_not
    return opposite(max(opposite(value), axis, keep))


def argmin(x: Operand, axis: int = -1) -> Value:
    """Return the position of the smallest along `axis`, the first one at a tie.

    >>> import misstep as ms
    >>> ms.ops.argmin([[1.0, 2.0], [4.0, 3.0]], axis=1)
    [0, 1]
    """
    value = as_value(x)
    if value.type.is_float:
        return argmax(-value, axis)
    return argmax(logical_not(value) if value.dtype == "bool" else bitwise_not(value), axis)


def argmax(x: Operand, axis: int = -1) -> Value:
    """Return the position of the largest along `axis`, the first one at a tie.

    >>> import misstep as ms
    >>> ms.ops.argmax([[1.0, 2.0], [4.0, 3.0]], axis=1)
    [1, 0]
    """
    return ArgMax(axis)(as_value(x))
