"""Resize and Upsample: along each axis a known matrix, of nearest entries, lines or curves."""

from __future__ import annotations

import math

import numpy as np

from misstep import ops
from misstep.ir import Array, Value, make_literal
from misstep.onnx_operators.importing.call import MOST_KNOWN, Call
from misstep.onnx_operators.importing.rules import imports
from misstep.onnx_operators.importing.shapes import axis_of

MODES = ("nearest", "linear", "cubic")
PLACES = (
    *("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners"),
    "asymmetric",
)
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def _coordinates(how: str, length: int, size: int, scale: float) -> Array:
    """Return for each entry of the result where it lies among those of the input."""
    at = np.arange(size, dtype="float64")
    if how == "align_corners":
        wide = scale * length  # with the part of an entry that was rounded off
        return at * (length - 1) / (wide - 1) if wide != 1 else at * 0.0
    if how == "asymmetric":
        return at / scale
    if how == "pytorch_half_pixel" and size <= 1:
        return at * 0.0
    if how == "half_pixel_symmetric":
        wide = scale * length
        offset = length / 2 * (1 - size / wide)
        return offset + (at + 0.5) / scale - 0.5
    return (at + 0.5) / scale - 0.5


def _nearest(places: Array, length: int, rounding: str) -> Array:
    if rounding == "floor":
        whole = np.floor(places)
    elif rounding == "ceil":
        whole = np.ceil(places)
    elif rounding == "round_prefer_floor":
        whole = np.ceil(places - 0.5)
    else:
        whole = np.floor(places + 0.5)
    return whole.clip(0, length - 1).astype("int64")


def _matrix(places: Array, length: int, mode: str, curve: float, outside: bool) -> Array:
    """Return what each entry of the result takes of each of the input: (size, length)."""
    first = np.floor(places)
    part = places - first
    if mode == "linear":
        steps: tuple[int, ...] = (0, 1)
        shares = [1 - part, part]
    else:
        steps = (-1, 0, 1, 2)

        def near(t: Array) -> Array:
            return ((curve + 2) * t - (curve + 3)) * t * t + 1

        def far(t: Array) -> Array:
            return ((curve * t - 5 * curve) * t + 8 * curve) * t - 4 * curve

        shares = [far(part + 1), near(part), near(1 - part), far(2 - part)]
    matrix = np.zeros((len(places), length))
    rows = np.arange(len(places))
    for step, share in zip(steps, shares, strict=True):
        at = first + step
        inside = (at >= 0) & (at < length)
        weight = np.where(inside, share, 0.0) if outside else share
        np.add.at(matrix, (rows, at.clip(0, length - 1).astype("int64")), weight)
    return matrix / matrix.sum(axis=1, keepdims=True) if outside else matrix


def _along(x: Value, axis: int, matrix: Array) -> Value:
    last = x.ndim - 1
    order = [axis if at == last else last if at == axis else at for at in range(x.ndim)]
    turned = ops.transpose(x, order)
    return ops.transpose(turned @ make_literal(np.ascontiguousarray(matrix.T), x.dtype), order)


def _sizes(
    call: Call, x: Value, axes: tuple[int, ...], scales: Value | None, sizes: Value | None
) -> list[tuple[int, float]]:
    """Return length and scale of each of the axes in the result."""
    policy = call.text("keep_aspect_ratio_policy", "stretch")
    if sizes is not None and sizes.size:
        wanted = call.known_wholes(sizes, "sizes")
        if len(wanted) != len(axes) or min(wanted) < 1:
            raise call.broken(f"{len(axes)} sizes of 1 or more", str(wanted))
        ratios = [size / max(x.shape[axis], 1) for size, axis in zip(wanted, axes, strict=True)]
        if policy == "stretch":
            return list(zip(wanted, ratios, strict=True))
        if policy not in ("not_larger", "not_smaller"):
            raise call.refusal("a known keep_aspect_ratio_policy", policy)
        scale = min(ratios) if policy == "not_larger" else max(ratios)
        return [(math.floor(scale * x.shape[axis] + 0.5), scale) for axis in axes]
    known = [float(one) for one in call.known(scales, "scales").reshape(-1)]
    if len(known) != len(axes) or not all(math.isfinite(one) and one > 0 for one in known):
        raise call.broken(f"{len(axes)} scales above 0", str(known))
    return [
        (math.floor(x.shape[axis] * scale), scale) for axis, scale in zip(axes, known, strict=True)
    ]


@imports("Resize", since=10)
def resize(
    call: Call,
    x: Value,
    region: Value | None = None,
    scales: Value | None = None,
    sizes: Value | None = None,
) -> Value:
    """Return x larger or smaller along some axes."""
    if call.version < 11:
        region, scales = None, region
    if call.flag("antialias"):
        raise call.refusal("antialias of 0", "1")
    call.ignores("extrapolation_value")  # beyond the borders of a region, which is refused
    how = "asymmetric" if call.version < 11 else "half_pixel"
    how = call.one_of("coordinate_transformation_mode", PLACES, how)
    axes = tuple(axis_of(call, x, axis) for axis in call.wholes("axes", tuple(range(x.ndim))))
    return _resized(call, x, axes, _sizes(call, x, axes, scales, sizes), how)


def _resized(
    call: Call, x: Value, axes: tuple[int, ...], wanted: list[tuple[int, float]], how: str
) -> Value:
    mode = call.one_of("mode", MODES, "nearest")
    default = "floor" if call.version < 11 else "round_prefer_floor"
    rounding = call.one_of("nearest_mode", ROUNDINGS, default)
    curve, outside = call.number("cubic_coeff_a", -0.75), call.flag("exclude_outside")
    for axis, (size, scale) in zip(axes, wanted, strict=True):
        length = x.shape[axis]
        if size == length and scale == 1.0:
            continue
        if length < 1 or size < 1 or size * length > MOST_KNOWN:
            raise call.refusal("at most a million entries along an axis", f"{length} to {size}")
        places = _coordinates(how, length, size, scale)
        if mode == "nearest":
            found = make_literal(_nearest(places, length, rounding), "int64")
            x = ops.gather(x, found, axis)
        else:
            x = _along(x, axis, _matrix(places, length, mode, curve, outside))
    return x


@imports("Upsample", since=7)
def upsample(call: Call, x: Value, scales: Value | None = None) -> Value:
    """Return x larger along some axes, as before version 10."""
    axes = tuple(range(x.ndim))
    if scales is None:
        given = call.numbers("scales")
        scales = make_literal(np.array(given), "float64")
    return _resized(call, x, axes, _sizes(call, x, axes, scales, None), "asymmetric")
