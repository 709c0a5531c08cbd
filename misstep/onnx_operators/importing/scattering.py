"""Operators that put entries at positions: ScatterElements, Scatter, ScatterND."""

from __future__ import annotations

import math

import numpy as np

from misstep import ops
from misstep.ir import Value, make_literal
from misstep.onnx_operators.importing.call import MOST_KNOWN, Call
from misstep.onnx_operators.importing.elementwise import WIDE, constant
from misstep.onnx_operators.importing.indexing import entry_numbers, from_front, same_axes
from misstep.onnx_operators.importing.rules import imports
from misstep.onnx_operators.importing.shapes import axis_of

REDUCTIONS = ("none", "add", "mul", "min", "max")


def put(call: Call, flat: Value, places: Value, updates: Value, reduction: str) -> Value:
    """Return rows `flat` with `updates` at places: instead of what is there, or joined with it."""
    if not flat.type.is_float:
        wide = put(call, ops.cast(flat, WIDE), places, ops.cast(updates, WIDE), reduction)
        return ops.cast(wide, flat.dtype)
    if reduction == "add":
        return ops.scatter_add(flat, places, updates)
    count = places.shape[0]
    if reduction == "none":
        # What was there goes, what comes is added; of several at one place the last one counts.
        known = places.data if places.is_literal else None
        if known is not None and np.unique(np.asarray(known)).size < count:
            last = {int(place): number for number, place in enumerate(np.asarray(known))}
            kept = make_literal(np.array(list(last.values())), "int64")
            return put(
                call,
                flat,
                make_literal(np.array(list(last)), "int64"),
                ops.gather(updates, kept),
                reduction,
            )
        marks = ops.scatter_add(
            ops.broadcast_to(constant(0, flat), (flat.shape[0],)),
            places,
            ops.broadcast_to(constant(1, flat), (count,)),
        )
        free = ops.reshape(marks, (flat.shape[0], *(1,) * (flat.ndim - 1))) < 0.5
        return ops.scatter_add(ops.where(free, flat, 0.0), places, updates)
    if count > 4096 or count * flat.size > MOST_KNOWN * 16:
        raise call.refusal("at most 4,096 updates that are joined by " + reduction, f"{count:,}")
    join = {"mul": ops.multiply, "min": ops.minimum, "max": ops.maximum}[reduction]
    rows = make_literal(np.arange(flat.shape[0]), "int64")
    result = flat
    for number in range(count):
        here = ops.equal(rows, ops.slice_axis(places, 0, number, number + 1))
        row = ops.reshape(here, (flat.shape[0], *(1,) * (flat.ndim - 1)))
        result = ops.where(
            row, join(result, ops.slice_axis(updates, 0, number, number + 1)), result
        )
    return result


@imports("ScatterElements")
def scatter_elements(call: Call, x: Value, indices: Value, updates: Value) -> Value:
    """Return x with entries put at positions along an axis."""
    axis = axis_of(call, x, call.whole("axis", 0))
    reduction = call.one_of("reduction", REDUCTIONS, "none")
    same_axes(call, x, indices, axis)
    if updates.shape != indices.shape:
        raise call.broken(f"updates of shape {indices.shape}", str(updates.shape))
    places = ops.reshape(entry_numbers(call, x, indices, axis), (-1,))
    flat = put(call, ops.reshape(x, (-1,)), places, ops.reshape(updates, (-1,)), reduction)
    return ops.reshape(flat, x.shape)


imports("Scatter")(scatter_elements)


@imports("ScatterND")
def scatter_nd(call: Call, x: Value, indices: Value, updates: Value) -> Value:
    """Return x with parts put at positions along its first axes."""
    reduction = call.one_of("reduction", REDUCTIONS, "none")
    count = indices.shape[-1] if indices.shape else 0
    rest = x.shape[count:]
    if not 0 < count <= x.ndim or updates.shape != (*indices.shape[:-1], *rest):
        raise call.broken(f"positions and updates that fit {x.shape}", f"{updates.shape}")
    looked = x.shape[:count]
    places = ops.reshape(indices, (-1, count))
    numbers: Value | None = None
    for axis, length in enumerate(looked):
        position = from_front(call, ops.slice_axis(places, 1, axis, axis + 1), length)
        numbers = position if numbers is None else numbers * constant(length, position) + position
    assert numbers is not None
    whole = ops.reshape(numbers, (-1,))
    if whole.is_literal is False and not whole.missing():
        whole = make_literal(whole.numpy(), "int64")
    table = ops.reshape(x, (math.prod(looked), *rest))
    parts = ops.reshape(updates, (whole.shape[0], *rest))
    return ops.reshape(put(call, table, whole, parts, reduction), x.shape)
