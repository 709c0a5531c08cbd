"""Ops that take and put entries by position: gather, scatter-add, take one entry of each row.

Positions are whole numbers of 0 or more; nothing flows back to them. Knows nothing of networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, DtypeError, ShapeError
from misstep.ir import Array, Op, Type, Value, as_array, make_literal
from misstep.ir.op import Example, checked_axis, same_dtype
from misstep.ops.comparison import cast, less, less_equal, logical_and, where
from misstep.ops.elements import GatherElements, ScatterElements
from misstep.ops.elementwise import Gradients, draw
from misstep.ops.lifting import Operand, as_value, together
from misstep.ops.pieces import slice_axis
from misstep.ops.shape import broadcast_to, reshape, transpose

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


def gather(x: Operand, positions: Operand, axis: int = 0) -> Value:
    """Return the rows of `x` (along its first axis, or along `axis`) at `positions`.

    >>> import misstep as ms
    >>> ms.ops.gather([[1.0, 2.0], [3.0, 4.0]], [1, 1, 0])
    [[3., 4.],
     [3., 4.],
     [1., 2.]]
    """
    value = as_value(x)
    if not value.shape:
        raise ShapeError("gather", needed="at least one axis", got="a single number")
    at = checked_axis(Gather(), axis, value.ndim)
    where_ = _positions(positions, value.shape[at], "gather")
    if at == 0:
        return Gather()(value, where_)
    rest = [k for k in range(value.ndim) if k != at]
    taken = Gather()(transpose(value, (at, *rest)), where_)
    # (*positions, *rest) → the positions' axes where the axis was.
    own = tuple(range(where_.ndim))
    behind = tuple(range(where_.ndim, taken.ndim))
    return transpose(taken, (*behind[:at], *own, *behind[at:]))


def scatter_add(x: Operand, positions: Operand, updates: Operand) -> Value:
    """Return `x` with `updates` added to its rows at `positions`, repeats included.

    >>> import misstep as ms
    >>> ms.ops.scatter_add([0.0, 0.0, 0.0], [2, 0, 2], [1.0, 5.0, 10.0])
    [ 5.,  0., 11.]
    """
    base, added = together(x, updates)
    length = base.shape[0] if base.shape else 0
    return ScatterAdd()(base, _positions(positions, length, "scatter_add"), added)


def take_along_axis(x: Operand, indices: Operand, axis: int = -1) -> Value:
    """Return the entries of `x` at positions along `axis`, as NumPy's function of this name.

    Where `indices` has an axis less than x, its last, of each row (last axis) the one entry at that
    row's index. Indices below 0 count from behind.

    >>> import misstep as ms
    >>> ms.ops.take_along_axis([[1.0, 2.0], [3.0, 4.0]], [1, 0])
    [2., 3.]
    >>> ms.ops.take_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1, 0]], axis=0)
    [[3., 2.]]
    """
    value = as_value(x)
    ndim = indices.ndim if isinstance(indices, Value) else np.ndim(indices)
    if ndim == value.ndim and value.shape:
        at = checked_axis(GatherElements(), axis, value.ndim)
        return GatherElements(at)(value, _wrapped(indices, value.shape[at], "take_along_axis"))
    if axis not in (-1, value.ndim - 1):
        raise ShapeError(
            f"take_along_axis along axis {axis}",
            needed=f"indices of {value.ndim} axes",
            got=f"{ndim}",
        )
    return TakeAlongAxis()(
        value, _positions(indices, value.shape[-1] if value.shape else 0, "take_along_axis")
    )


def put_along_axis(
    x: Operand, indices: Operand, updates: Operand, axis: int = -1, *, how: str = "set"
) -> Value:
    """Return `x` with `updates` put at positions along `axis`, as NumPy's function of this name.

    `how`: "set" (of several at one place the last one stays), "add", "multiply", "minimum" or
    "maximum" with what is there. Indices below 0 count from behind. Indices and updates have as
    many axes as x, and may be shorter than it.

    >>> import misstep as ms
    >>> ms.ops.put_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1], [0]], [[9.0], [8.0]], axis=1)
    [[1., 9.],
     [8., 4.]]
    """
    base, new = together(x, updates)
    at = checked_axis(ScatterElements(), axis, base.ndim)
    return ScatterElements(at, how)(base, _wrapped(indices, base.shape[at], "put_along_axis"), new)


def gather_nd(x: Operand, indices: Operand, *, batch: int = 0) -> Value:
    """Return the parts of `x` that rows of indices name, a number for each of its first axes.

    indices: (…, k) → (…, *x.shape[k:]). `batch`: so many first axes x and indices have in common.
    Indices below 0 count from behind.

    >>> import misstep as ms
    >>> ms.ops.gather_nd([[1.0, 2.0], [3.0, 4.0]], [[0, 1], [1, 0]])
    [2., 3.]
    """
    value = as_value(x)
    places, depth = _places(indices, value.shape, batch, "gather_nd")
    rows = reshape(value, (-1, *value.shape[depth:])) if depth != 1 else value
    return Gather()(rows, places)


def scatter_nd(x: Operand, indices: Operand, updates: Operand, *, how: str = "set") -> Value:
    """Return `x` with `updates` put where rows of indices say, a number for each of its first axes.

    indices: (…, k), updates: (…, *x.shape[k:]). `how` as in `put_along_axis`.

    >>> import misstep as ms
    >>> ms.ops.scatter_nd([1.0, 2.0, 3.0], [[2], [0]], [9.0, 8.0])
    [8., 2., 9.]
    """
    base, new = together(x, updates)
    places, depth = _places(indices, base.shape, 0, "scatter_nd")
    inner = base.shape[depth:]
    if new.shape != places.shape + inner:
        raise ShapeError(
            "the updates of scatter_nd", needed=str(places.shape + inner), got=str(new.shape)
        )
    width = math.prod(inner)
    rows = reshape(base, (math.prod(base.shape[:depth]), width))
    put, flat = reshape(new, (places.size, width)), reshape(places, (places.size,))
    if how == "add":
        return reshape(ScatterAdd()(rows, flat, put), base.shape)
    wide = broadcast_to(reshape(flat, (places.size, 1)), (places.size, width))
    return reshape(ScatterElements(0, how)(rows, wide, put), base.shape)


def _wrapped(raw: Operand, length: int, what: str) -> Value:
    """Return positions from 0 on; those that are computed count from behind where below 0."""
    places = _positions(raw, length, what)
    if places.is_literal or places.dtype == "uint32" or places.dtype not in _WHOLE:
        return places
    return where(less(places, 0), places + length, places)


def _places(raw: Operand, shape: tuple[int, ...], batch: int, what: str) -> tuple[Value, int]:
    """Return the rows that tuples of indices name, in row-major order, and how many axes they take.

    One that lies outside names the row behind the last one, which no array has.
    """
    indices = raw if isinstance(raw, Value) else make_literal(as_array(raw), "int64")
    if not indices.shape or indices.dtype not in _WHOLE:
        raise ShapeError(
            f"the indices of {what}", needed="whole numbers, (…, k)", got=str(indices.type)
        )
    indices = cast(indices, "int64")
    depth = batch + indices.shape[-1]
    if depth > len(shape) or indices.shape[:batch] != shape[:batch]:
        raise ShapeError(
            f"the indices of {what}", needed=f"those of {shape}", got=str(indices.shape)
        )
    outer = indices.shape[:-1]
    row = broadcast_to(make_literal(np.array(0), "int64"), outer)
    inside: Value | None = None
    for axis, length in enumerate(shape[:depth]):
        if axis < batch:
            own = np.arange(length).reshape((length, *[1] * (len(outer) - axis - 1)))
            row = row * length + make_literal(own, "int64")
            continue
        k = axis - batch
        part = reshape(slice_axis(indices, -1, k, k + 1), outer)
        part = where(less(part, 0), part + length, part)
        fits = logical_and(less_equal(0, part), less(part, length))
        inside = fits if inside is None else logical_and(inside, fits)
        row = row * length + part
    if inside is not None:
        row = where(inside, row, math.prod(shape[:depth]))
    return row, depth
