"""Ops that take and put entries by position: gather, scatter-add, take one entry of each row.

Positions are whole numbers of 0 or more; nothing flows back to them. Knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, DtypeError, ShapeError
from misstep.ir import Array, Op, Type, Value, as_array, make_literal
from misstep.ir.op import Example, same_dtype
from misstep.ops.elementwise import Gradients, draw
from misstep.ops.lifting import Operand, as_value, together
from misstep.ops.shape import broadcast_to

_WHOLE = ("int32", "int64", "uint32")


def _whole(op: Op, positions: Type) -> None:
    if positions.dtype not in _WHOLE:
        raise DtypeError(
            f"the positions of {op.name}",
            needed="whole numbers",
            got=str(positions),
            try_='ms.ops.cast(positions, "int64")',
        )


@dataclass(frozen=True)
class Gather(Op):
    """The rows (entries along the first axis) at the given positions."""

    name = "gather"
    words = "the rows {1} of {0}"
    formula = "{0}[{1}]"
    local_derivatives = ("1 where taken, else 0", "0")

    def type(self, *inputs: Type) -> Type:
        x, positions = inputs
        _whole(self, positions)
        if not x.shape:
            raise ShapeError(self.name, needed="at least one axis", got="a single number")
        return Type(positions.shape + x.shape[1:], x.dtype)

    def run(self, x: Array, positions: Array) -> Array:
        return np.take(x, positions, axis=0)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        x, positions = value.inputs
        zeros = broadcast_to(make_literal(np.zeros(()), x.dtype), x.shape)
        return ScatterAdd()(zeros, positions, upstream), None

    def python(self, *names: str) -> str:
        return f"np.take({names[0]}, {names[1]}, axis=0)"

    def element(self, context: Any) -> Any:
        x, positions = context.value.inputs
        if not x.size:
            return context.zero()
        row = context.at(context.read(1, context.positions[: positions.ndim]), x.shape[0])
        return context.read(0, (row, *context.positions[positions.ndim :]))

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        rows = int(random.integers(1, 5))
        positions = random.integers(0, rows, (2, 3)[: int(random.integers(0, 3))])
        yield cls(), (draw(random, (rows, 2)), np.asarray(positions, "int64"))

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(), (np.zeros(3), np.zeros(2))
        yield cls(), (np.zeros(()), np.zeros(2, "int64"))


def scatter_added(x: Array, positions: Array, updates: Array) -> Array:
    """Return a copy of `x` with each of `updates` added to its row, in order, repeats included."""
    result = np.array(x)
    np.add.at(result, positions, updates)
    return result


@dataclass(frozen=True)
class ScatterAdd(Op):
    """The first input with updates added to the rows at the given positions, repeats included."""

    name = "scatter_add"
    words = "{0} with {2} added at the rows {1}"
    formula = "{0} + {2} at {1}"
    local_derivatives = ("1", "0", "1")
    kernel = "scatter"

    def type(self, *inputs: Type) -> Type:
        x, positions, updates = inputs
        _whole(self, positions)
        same_dtype(self, x, updates)
        if not x.shape or updates.shape != positions.shape + x.shape[1:]:
            raise ShapeError(
                self.name,
                needed=f"updates of shape {positions.shape + x.shape[1:]}",
                got=str(updates.shape),
            )
        return x

    def run(self, x: Array, positions: Array, updates: Array) -> Array:
        return scatter_added(x, positions, updates)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return upstream, None, Gather()(upstream, value.inputs[1])

    def python(self, *names: str) -> str:
        return f"scatter_added({', '.join(names)})"

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (scatter_added,)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        positions = random.integers(0, 3, int(random.integers(0, 5)))
        yield cls(), (draw(random, (3, 2)), positions, draw(random, (len(positions), 2)))

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(), (np.zeros((3, 2)), np.zeros(2, "int64"), np.zeros((2, 3)))
        yield cls(), (np.zeros(3), np.zeros(2), np.zeros(2))


def taken_along_axis(x: Array, indices: Array) -> Array:
    """Return, of each row (last axis) of `x`, the one entry at that row's index."""
    return np.take_along_axis(x, np.expand_dims(indices, -1), axis=-1)[..., 0]


@dataclass(frozen=True)
class TakeAlongAxis(Op):
    """Of each row (along the last axis), the one entry at that row's index."""

    name = "take_along_axis"
    words = "the entry of {0} at {1}"
    formula = "{0}[{1}]"
    local_derivatives = ("1 where taken, else 0", "0")

    def type(self, *inputs: Type) -> Type:
        x, indices = inputs
        _whole(self, indices)
        if not x.shape or indices.shape != x.shape[:-1]:
            raise ShapeError(
                self.name, needed=f"one index for each row, shape {x.shape[:-1]}", got=str(indices)
            )
        return Type(indices.shape, x.dtype)

    def run(self, x: Array, indices: Array) -> Array:
        return taken_along_axis(x, indices)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        x, indices = value.inputs
        return Scatter(x.shape[-1])(upstream, indices), None

    def python(self, *names: str) -> str:
        return f"taken_along_axis({', '.join(names)})"

    def element(self, context: Any) -> Any:
        x, here = context.value.inputs[0], context.positions
        if not x.size:
            return context.zero()
        return context.read(0, (*here, context.at(context.read(1, here), x.shape[-1])))

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (taken_along_axis,)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        rows, width = int(random.integers(1, 5)), int(random.integers(1, 5))
        yield cls(), (draw(random, (rows, width)), random.integers(0, width, rows))

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(), (np.zeros((3, 2)), np.zeros(2, "int64"))
        yield cls(), (np.zeros((3, 2)), np.zeros(3))


def scattered(x: Array, indices: Array, width: int) -> Array:
    """Return rows of `width` zeros in which, along the last axis, the entry at `indices` is `x`."""
    result = np.zeros((*np.shape(x), width), np.asarray(x).dtype)
    np.put_along_axis(result, np.expand_dims(indices, -1), np.expand_dims(x, -1), axis=-1)
    return result


@dataclass(frozen=True)
class Scatter(Op):
    """Rows of `width` zeros in which the one entry at that row's index is the input's."""

    width: int
    name = "scatter"
    words = "zeros with {0} at {1}"
    formula = "{0} at {1}"
    local_derivatives = ("1", "0")

    def type(self, *inputs: Type) -> Type:
        x, indices = inputs
        _whole(self, indices)
        if indices.shape != x.shape:
            raise ShapeError(self.name, needed=f"indices of shape {x.shape}", got=str(indices))
        return Type((*x.shape, self.width), x.dtype)

    def run(self, x: Array, indices: Array) -> Array:
        return scattered(x, indices, self.width)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        return TakeAlongAxis()(upstream, value.inputs[1]), None

    def python(self, *names: str) -> str:
        return f"scattered({', '.join(names)}, {self.width})"

    def element(self, context: Any) -> Any:
        code, row = context.code, context.positions[:-1]
        here, index, entry = context.together(
            context.number(context.positions[-1]),
            code.convert(context.read(1, row), "i64"),
            context.read(0, row),
        )
        return code.select(code.equal(here, index), entry, code.like(0, entry))

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (scattered,)

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        rows, width = int(random.integers(1, 5)), int(random.integers(1, 5))
        yield cls(width), (draw(random, (rows,)), random.integers(0, width, rows))

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls(3), (np.zeros(3), np.zeros(2, "int64"))


# --- functions for people -----------------------------------------------------------------------


def _positions(raw: Operand, length: int, what: str) -> Value:
    if isinstance(raw, Value):
        return raw
    array = as_array(raw)
    if array.dtype.kind not in "iu":
        raise DtypeError(f"the positions of {what}", needed="whole numbers", got=str(array.dtype))
    if array.size and not (-length <= array.min() and array.max() < length):
        raise ArgumentError(
            f"the positions of {what}",
            needed=f"numbers from {-length} to {length - 1}",
            got=f"{array.min()} to {array.max()}",
        )
    return make_literal(np.where(array < 0, array + length, array), "int64")


def gather(x: Operand, positions: Operand) -> Value:
    """Return the rows of `x` (along its first axis) at `positions`.

    >>> import misstep as ms
    >>> ms.ops.gather([[1.0, 2.0], [3.0, 4.0]], [1, 1, 0])
    [[3., 4.],
     [3., 4.],
     [1., 2.]]
    """
    value = as_value(x)
    if not value.shape:
        raise ShapeError("gather", needed="at least one axis", got="a single number")
    return Gather()(value, _positions(positions, value.shape[0], "gather"))


def scatter_add(x: Operand, positions: Operand, updates: Operand) -> Value:
    """Return `x` with `updates` added to its rows at `positions`, repeats included.

    >>> import misstep as ms
    >>> ms.ops.scatter_add([0.0, 0.0, 0.0], [2, 0, 2], [1.0, 5.0, 10.0])
    [ 5.,  0., 11.]
    """
    base, added = together(x, updates)
    length = base.shape[0] if base.shape else 0
    return ScatterAdd()(base, _positions(positions, length, "scatter_add"), added)


def take_along_axis(x: Operand, indices: Operand) -> Value:
    """Return, of each row (last axis) of `x`, the one entry at that row's index.

    >>> import misstep as ms
    >>> ms.ops.take_along_axis([[1.0, 2.0], [3.0, 4.0]], [1, 0])
    [2., 3.]
    """
    value = as_value(x)
    return TakeAlongAxis()(
        value, _positions(indices, value.shape[-1] if value.shape else 0, "take_along_axis")
    )
