"""Operators that put entries at positions: ScatterElements, Scatter, ScatterND."""

from __future__ import annotations

from misstep import ops
from misstep.ir import Value
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.indexing import from_front, same_axes
from misstep.onnx_operators.importing.rules import imports
from misstep.onnx_operators.importing.shapes import axis_of

# How a new entry and the one that is there become one, by ONNX's word for it.
HOW = {"none": "set", "add": "add", "mul": "multiply", "min": "minimum", "max": "maximum"}


@imports("Scatter", "ScatterElements")
def scatter_elements(call: Call, x: Value, indices: Value, updates: Value) -> Value:
    """Return x with entries put at positions along an axis."""
    axis = axis_of(call, x, call.whole("axis", 0))
    how = HOW[call.one_of("reduction", list(HOW), "none")]
    same_axes(call, x, indices, axis)
    if updates.shape != indices.shape:
        raise call.broken(f"updates of shape {indices.shape}", str(updates.shape))
    places = from_front(call, indices, x.shape[axis])
    return ops.put_along_axis(x, places, updates, axis, how=how)


@imports("ScatterND")
def scatter_nd(call: Call, x: Value, indices: Value, updates: Value) -> Value:
    """Return x with parts put at positions along its first axes."""
    how = HOW[call.one_of("reduction", list(HOW), "none")]
    count = indices.shape[-1] if indices.shape else 0
    if not 0 < count <= x.ndim or updates.shape != (*indices.shape[:-1], *x.shape[count:]):
        raise call.broken(f"positions and updates that fit {x.shape}", f"{updates.shape}")
    last = indices.ndim - 1
    places = ops.concatenate(
        [
            from_front(call, ops.slice_axis(indices, last, axis, axis + 1), length)
            for axis, length in enumerate(x.shape[:count])
        ],
        last,
    )
    return ops.scatter_nd(x, places, updates, how=how)
