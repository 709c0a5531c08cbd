"""Ops that move all entries and change none: reshape, transpose, broadcast, flip.

Each one's gradient is another one of them; `pieces.py` has those that take a part of the entries or
put parts together. Knows the program form and nothing of networks.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Array, Op, Type, Value
from misstep.ir.op import Example, checked_axes
from misstep.ops.elementwise import Gradients, draw, draw_shape
from misstep.ops.lifting import Operand, as_value

Axes = int | Sequence[int] | None


def _runs(old: tuple[int, ...], new: tuple[int, ...]) -> list[tuple[tuple[int, ...], int, int]]:
    """Return which axes become which: old lengths, and the first and the last of the new axes.

    As short as can be: where rows are told apart, places within a row stay what they are.
    """
    if math.prod(old) == 0:
        return [(old, 0, len(new))]
    runs: list[tuple[tuple[int, ...], int, int]] = []
    start, first = 0, 0
    while start < len(old) or first < len(new):
        end, stop = min(start + 1, len(old)), min(first + 1, len(new))
        while math.prod(old[start:end]) != math.prod(new[first:stop]):
            if math.prod(old[start:end]) < math.prod(new[first:stop]):
                end += 1
            else:
                stop += 1
        runs.append((old[start:end], first, stop))
        start, first = end, stop
    return runs


@dataclass(frozen=True)
class Reshape(Op):
    """The same entries, in the same order, in another shape."""

    shape: tuple[int, ...]
    name = "reshape"
    words = "{0} in another shape"
    formula = "{0}"
    local_derivatives = ("1",)

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        if math.prod(self.shape) != x.size:
            raise ShapeError(
                self.name,
                needed=f"as many entries as {x.shape} has ({x.size})",
                got=f"the shape {self.shape}",
            )
        return Type(self.shape, x.dtype)

    def run(self, x: Array) -> Array:
        return np.reshape(x, self.shape)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (reshape(upstream, value.inputs[0].shape),)

    def python(self, *names: str) -> str:
        return f"np.reshape({names[0]}, {self.shape})"

    def view(self, source: Any) -> Any:
        return source.reshape(self.shape)

    def element(self, context: Any) -> Any:
        positions: list[Any] = []
        for lengths, first, stop in _runs(context.value.inputs[0].shape, context.value.shape):
            if len(lengths) == 1 == stop - first:
                positions.append(context.positions[first])
                continue
            linear = context.in_order(first, stop)
            size = math.prod(lengths)
            rest, left, indices = context.number(linear), size, []
            for length in reversed(lengths):
                if length == 1:
                    indices.append(context.at(context.code.index(0)))
                elif length == left:  # the first axis, or the only one
                    indices.append(linear if left == size else context.at(rest))
                    left = 1
                else:
                    whole = context.code.like(max(length, 1), rest)
                    indices.append(context.at(context.code.binary("urem", rest, whole)))
                    rest = context.code.binary("udiv", rest, whole)
                    left //= max(length, 1)
            positions += indices[::-1]
        return context.read(0, positions)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        shape = draw_shape(random)
        yield cls((math.prod(shape),)), (draw(random, shape),)
        yield cls((1, *reversed(shape))), (draw(random, shape),)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls((2, 2)), (np.zeros(5),)


@dataclass(frozen=True)
class Transpose(Op):
    """The axes in another order: axis k of the result is axis `axes[k]` of the input."""

    axes: tuple[int, ...]
    name = "transpose"
    words = "{0} with its axes in another order"
    formula = "{0}ᵀ"
    local_derivatives = ("1",)

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        if sorted(self.axes) != list(range(len(x.shape))):
            raise ShapeError(
                self.name, needed=f"each axis of {x.shape} once", got=f"the order {self.axes}"
            )
        return Type(tuple(x.shape[axis] for axis in self.axes), x.dtype)

    def run(self, x: Array) -> Array:
        return np.transpose(x, self.axes)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (transpose(upstream, tuple(int(axis) for axis in np.argsort(self.axes))),)

    def python(self, *names: str) -> str:
        return f"np.transpose({names[0]}, {self.axes})"

    def view(self, source: Any) -> Any:
        return source.transpose(self.axes)

    def element(self, context: Any) -> Any:
        return context.read(
            0, [context.positions[self.axes.index(axis)] for axis in sorted(self.axes)]
        )

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        shape = draw_shape(random)
        axes = tuple(int(axis) for axis in random.permutation(len(shape)))
        yield cls(axes), (draw(random, shape),)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls((0, 0)), (np.zeros((2, 3)),)


@dataclass(frozen=True)
class BroadcastTo(Op):
    """The same entries repeated along new axes in front and along axes of length 1."""

    shape: tuple[int, ...]
    name = "broadcast_to"
    words = "{0} repeated"
    formula = "{0}"
    local_derivatives = ("1",)

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        try:
            fits = np.broadcast_shapes(x.shape, self.shape) == self.shape
        except ValueError:
            fits = False
        if not fits:
            raise ShapeError(
                self.name, needed=f"a shape that broadcasts to {self.shape}", got=str(x.shape)
            )
        return Type(self.shape, x.dtype)

    def run(self, x: Array) -> Array:
        return np.broadcast_to(x, self.shape)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (upstream,)  # the reverse walk sums over what was repeated

    def python(self, *names: str) -> str:
        return f"np.broadcast_to({names[0]}, {self.shape})"

    def view(self, source: Any) -> Any:
        return source.broadcast_to(self.shape)

    def element(self, context: Any) -> Any:
        return context.same(0)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        shape = draw_shape(random)
        kept = tuple(1 if random.random() < 0.5 else length for length in shape)
        yield cls((2, *shape)), (draw(random, kept),)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls((2, 3)), (np.zeros(2),)


@dataclass(frozen=True)
class Flip(Op):
    """The entries in the opposite order along `axes`."""

    axes: tuple[int, ...]
    name = "flip"
    words = "{0} in the opposite order"
    formula = "{0} reversed"
    local_derivatives = ("1",)

    def type(self, *inputs: Type) -> Type:
        checked_axes(self, self.axes, len(inputs[0].shape))
        return inputs[0]

    def run(self, x: Array) -> Array:
        return np.flip(x, self.axes)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return (Flip(self.axes)(upstream),)

    def python(self, *names: str) -> str:
        return f"np.flip({names[0]}, {self.axes})"

    def view(self, source: Any) -> Any:
        return source.flip(tuple(axis % len(source.shape) for axis in self.axes))

    def element(self, context: Any) -> Any:
        positions = list(context.positions)
        for axis in self.axes:
            positions[axis] = context.shifted(positions[axis], context.value.shape[axis] - 1, -1)
        return context.read(0, positions)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        shape = draw_shape(random, 2)
        yield cls((int(random.integers(0, 2)),)), (draw(random, shape),)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls((2,)), (np.zeros((2, 2)),)
        yield cls((0, 0)), (np.zeros((2, 2)),)
        yield cls((1, -1)), (np.zeros((2, 2)),)


# --- functions for people -----------------------------------------------------------------------


def axes_of(value: Value, axis: Axes) -> tuple[int, ...]:
    """Return `axis` as axes counted from the front, all of them where it is None.

    One that is not there stays as it is, for the op to refuse. Raises ArgumentError for what is no
    whole numbers.
    """
    if axis is None:
        return tuple(range(value.ndim))
    try:
        axes = tuple(axis) if isinstance(axis, Iterable) else (axis,)
        if any(isinstance(each, bool) for each in axes):
            raise TypeError
        numbers = [operator.index(each) for each in axes]
    except TypeError:
        raise ArgumentError(
            "an axis", needed="a whole number, or several of them", got=repr(axis)
        ) from None
    return tuple(
        each % value.ndim if -value.ndim <= each < value.ndim else each for each in numbers
    )


def reshape(x: Operand, shape: Sequence[int]) -> Value:
    """Return the entries of `x` in another shape; one length may be −1, filled in.

    >>> import misstep as ms
    >>> ms.ops.reshape([1.0, 2.0, 3.0, 4.0], (2, -1))
    [[1., 2.],
     [3., 4.]]
    """
    value = as_value(x)
    lengths = [int(length) for length in shape]
    if lengths.count(-1) > 1:
        raise ArgumentError("the shape of reshape", needed="at most one −1", got=str(tuple(shape)))
    if -1 in lengths:
        known = math.prod(length for length in lengths if length != -1)
        if known == 0 or value.size % known:
            raise ShapeError("reshape", needed=f"lengths that divide {value.size}", got=str(shape))
        lengths[lengths.index(-1)] = value.size // known
    return value if value.shape == tuple(lengths) else Reshape(tuple(lengths))(value)


def transpose(x: Operand, axes: Sequence[int] | None = None) -> Value:
    """Return `x` with its axes in the order `axes` (reversed when not given).

    >>> import misstep as ms
    >>> ms.ops.transpose([[1.0, 2.0], [3.0, 4.0]])
    [[1., 3.],
     [2., 4.]]
    """
    value = as_value(x)
    order = tuple(reversed(range(value.ndim))) if axes is None else axes_of(value, axes)
    return Transpose(order)(value)


def broadcast_to(x: Operand, shape: Sequence[int]) -> Value:
    """Return `x` repeated so that it has `shape`.

    >>> import misstep as ms
    >>> ms.ops.broadcast_to([1.0, 2.0], (2, 2))
    [[1., 2.],
     [1., 2.]]
    """
    value = as_value(x)
    return value if value.shape == tuple(shape) else BroadcastTo(tuple(shape))(value)


def flip(x: Operand, axes: int | Sequence[int]) -> Value:
    """Return `x` with its entries in the opposite order along `axes`.

    >>> import misstep as ms
    >>> ms.ops.flip([1.0, 2.0, 3.0], 0)
    [3., 2., 1.]
    """
    value = as_value(x)
    return Flip(axes_of(value, axes))(value)
