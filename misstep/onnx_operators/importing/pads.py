"""Pad: entries around, of one number or of what is inside."""

from __future__ import annotations

import numpy as np

from misstep import ops
from misstep.ir import Value, make_literal
from misstep.onnx_operators.importing.call import MOST_KNOWN, Call
from misstep.onnx_operators.importing.rules import imports
from misstep.onnx_operators.importing.shapes import axis_of, checked_shape

MODES = ("constant", "reflect", "edge", "wrap")


@imports("Pad")
def pad(
    call: Call,
    x: Value,
    widths: Value | None = None,
    number: Value | None = None,
    axes: Value | None = None,
) -> Value:
    """Return x with entries more at both ends of some axes, or fewer where a width is below 0."""
    mode = call.one_of("mode", MODES, "constant")
    given = call.given_wholes("pads", widths)
    along = tuple(range(x.ndim)) if axes is None else call.known_wholes(axes, "axes")
    old = call.number("value", 0.0)
    if given is None or len(given) != 2 * len(along):
        raise call.broken(f"{2 * len(along)} widths", str(given))
    before, after = [0] * x.ndim, [0] * x.ndim
    for place, axis in enumerate(along):
        at = axis_of(call, x, axis)
        before[at], after[at] = given[place], given[place + len(along)]
    for axis, (front, back) in enumerate(zip(before, after, strict=True)):
        length = x.shape[axis]
        if front < 0 or back < 0:
            x = ops.slice_axis(x, axis, max(-front, 0), length - max(-back, 0))
            before[axis], after[axis] = max(front, 0), max(back, 0)
    wide = tuple(a + n + b for a, n, b in zip(before, x.shape, after, strict=True))
    checked_shape(call, wide)
    if mode != "constant":
        for axis, (front, back) in enumerate(zip(before, after, strict=True)):
            if front or back:
                x = _from_inside(call, x, axis, front, back, mode)
        return x
    widths_of = list(zip(before, after, strict=True))
    fill = make_literal(np.asarray(old), x.dtype) if number is None else number
    fill = ops.reshape(fill, ())
    if not x.type.is_float and not fill.is_literal:
        raise call.refusal("a known number around whole numbers", "another")
    padded = ops.pad(x, widths_of)
    if fill.is_literal and not np.asarray(fill.data).any():
        return padded
    inside = ops.pad(ops.broadcast_to(make_literal(np.ones(()), "float32"), x.shape), widths_of)
    return ops.where(inside > 0.5, padded, fill)


def _from_inside(call: Call, x: Value, axis: int, front: int, back: int, mode: str) -> Value:
    """Return x with entries of its own more at both ends of an axis."""
    length = x.shape[axis]
    places = np.arange(-front, length + back)
    if not length or places.size > MOST_KNOWN:
        raise call.refusal("entries to repeat, at most a million", str(x.shape))
    if mode == "edge":
        places = places.clip(0, length - 1)
    elif mode == "wrap":
        places = places % length
    else:
        period = max(2 * (length - 1), 1)
        places = places % period
        places = np.where(places >= length, period - places, places)
    order = (axis, *(other for other in range(x.ndim) if other != axis))
    found = ops.gather(ops.transpose(x, order), make_literal(places, "int64"))
    return ops.transpose(found, tuple(int(place) for place in np.argsort(order)))
