"""Operators that look entries up by position: along an axis, entry by entry, by whole positions."""

from __future__ import annotations

import math

import numpy as np

from misstep import ops
from misstep.ir import Value, make_literal
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.elementwise import constant
from misstep.onnx_operators.importing.rules import imports
from misstep.onnx_operators.importing.shapes import axis_of


def from_front(call: Call, indices: Value, length: int) -> Value:
    """Return positions counted from the front, as int64. Raises FileFormatError where known wrong.

    Those that follow from rows are looked at when rows are checked, if they are rows themselves.
    """
    if indices.dtype not in ("int32", "int64", "uint32"):
        raise call.broken("whole numbers as positions", indices.dtype)
    if indices.is_literal:
        array = np.asarray(indices.data).astype("int64")
        if array.size and not (-length <= array.min() and array.max() < length):
            raise call.broken(
                f"positions from {-length} to {length - 1}", f"{array.min()} to {array.max()}"
            )
        return make_literal(np.where(array < 0, array + length, array), "int64")
    call.around.positions[indices] = min(length, call.around.positions.get(indices, length))
    whole = ops.cast(indices, "int64")
    return ops.where(whole < constant(0, whole), whole + constant(length, whole), whole)


@imports("Gather")
def gather(call: Call, x: Value, indices: Value) -> Value:
    """Return what stands at positions along an axis: (*before, *indices, *after)."""
    axis = axis_of(call, x, call.whole("axis", 0))
    if indices.is_literal and indices.size == 1 and x.shape[axis]:
        at = int(np.asarray(from_front(call, indices, x.shape[axis]).data).reshape(()))
        one = ops.slice_axis(x, axis, at, at + 1)
        return ops.reshape(one, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    order = (axis, *(other for other in range(x.ndim) if other != axis))
    positions = from_front(call, indices, x.shape[axis])
    found = ops.gather(ops.transpose(x, order), positions)
    k = indices.ndim
    back = (*range(k, k + axis), *range(k), *range(k + axis, found.ndim))
    return ops.transpose(found, back)


def same_axes(call: Call, x: Value, indices: Value, axis: int) -> None:
    """Raise FileFormatError where positions along an axis do not lie within x."""
    fits = all(
        at == axis or count <= length
        for at, (count, length) in enumerate(zip(indices.shape, x.shape, strict=False))
    )
    if indices.ndim != x.ndim or not fits:
        raise call.broken(f"positions of {x.ndim} axes within {x.shape}", str(indices.shape))


@imports("GatherElements")
def gather_elements(call: Call, x: Value, indices: Value) -> Value:
    """Return, entry by entry, what stands at a position along an axis."""
    axis = axis_of(call, x, call.whole("axis", 0))
    same_axes(call, x, indices, axis)
    return ops.take_along_axis(x, from_front(call, indices, x.shape[axis]), axis)


@imports("GatherND")
def gather_nd(call: Call, x: Value, indices: Value) -> Value:
    """Return what stands at positions along several axes at once."""
    shared = call.whole("batch_dims", 0)
    count = indices.shape[-1] if indices.shape else 0
    if not (0 <= shared < indices.ndim and 0 < count <= x.ndim - shared):
        raise call.broken(f"positions that fit {x.shape}", str(indices.shape))
    if x.shape[:shared] != indices.shape[:shared]:
        raise call.broken(f"shared axes {x.shape[:shared]}", str(indices.shape))
    many = math.prod(x.shape[:shared])
    looked, rest = x.shape[shared : shared + count], x.shape[shared + count :]
    table = ops.reshape(x, (many * math.prod(looked), *rest))
    places = ops.reshape(indices, (many, -1, count))
    numbers: Value | None = None
    for axis, length in enumerate(looked):
        along = ops.slice_axis(places, 2, axis, axis + 1)
        position = from_front(call, along, length)
        numbers = position if numbers is None else numbers * constant(length, position) + position
    assert numbers is not None
    offset = np.arange(many).reshape(many, 1, 1) * math.prod(looked)
    found = ops.gather(table, ops.reshape(numbers + make_literal(offset, "int64"), (-1,)))
    return ops.reshape(found, (*indices.shape[:-1], *rest))


@imports("ReverseSequence")
def reverse_sequence(call: Call, x: Value, lengths: Value) -> Value:
    """Return x with the first entries of each row, as many as are said, turned around."""
    time, batch = call.whole("time_axis", 0), call.whole("batch_axis", 1)
    if {time, batch} != {0, 1} or x.ndim < 2:
        raise call.broken("time and batch as the first two axes", f"{time} and {batch}")
    steps = np.arange(x.shape[time]).reshape((-1, 1) if time == 0 else (1, -1))
    counts = ops.reshape(
        ops.cast(lengths, "int64"), (1, x.shape[batch]) if batch == 1 else (x.shape[batch], 1)
    )
    literal = make_literal(steps, "int64")
    turned = ops.where(literal < counts, counts - 1 - literal, literal)
    number = turned * constant(x.shape[1], turned) if time == 0 else turned
    rows = np.arange(x.shape[batch]).reshape((1, -1) if batch == 1 else (-1, 1))
    whole = number + make_literal(rows * (1 if batch == 1 else x.shape[1]), "int64")
    flat = ops.reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:]))
    return ops.reshape(ops.gather(flat, whole), x.shape)


@imports("Compress")
def compress(call: Call, x: Value, condition: Value) -> Value:
    """Return what is to be kept along an axis, or of all entries."""
    axis = call.whole("axis", None)
    kept = np.flatnonzero(call.known(condition, "a condition"))
    if axis is None:
        return ops.gather(ops.reshape(x, (-1,)), make_literal(kept, "int64"))
    at = axis_of(call, x, axis)
    order = (at, *(other for other in range(x.ndim) if other != at))
    found = ops.gather(ops.transpose(x, order), make_literal(kept, "int64"))
    return ops.transpose(found, tuple(int(place) for place in np.argsort(order)))


@imports("NonZero")
def non_zero(call: Call, x: Value) -> Value:
    """Return the positions of what is not 0."""
    found = np.nonzero(call.known(x, "an input"))
    return make_literal(np.array(found, "int64"))
