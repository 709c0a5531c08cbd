"""Normalizations: by statistics that are kept, of a layer, an instance, a group, by length."""

from __future__ import annotations

import math

import numpy as np

from misstep import ops
from misstep.ir import Value, ancestors, make_literal
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.rules import imports
from misstep.onnx_operators.importing.shapes import axis_of

# The epsilon of the operator MeanVarianceNormalization, which has it fixed.
VARIANCE_EPSILON = 1e-9
# Neighboring channels that are added up one by one.
MOST_NEIGHBORS = 1000


def by_channel(value: Value, like: Value) -> Value:
    """Return numbers of channels, (channels,), so that they broadcast to (batch, channels, …)."""
    return ops.reshape(value, (1, value.size, *(1,) * (like.ndim - 2)))


@imports("BatchNormalization")
def batch_normalization(
    call: Call, x: Value, scale: Value, shift: Value, mean: Value, variance: Value
) -> Value | tuple[Value, ...]:
    """Return x less the mean, by the deviation, both of each channel; in training, of the batch.

    What a running mean becomes is that of the node's training mode; layers here keep those of the
    file.
    """
    epsilon = call.number("epsilon", 1e-5)
    momentum = call.number("momentum", 0.9)
    if call.whole("spatial", 1) != 1:
        raise call.refusal("spatial of 1", "0")
    shapes = {value.shape for value in (scale, shift, mean, variance)}
    if x.ndim < 2 or shapes != {(x.shape[1],)}:
        raise call.broken(f"numbers for each of {x.shape[1:2]} channels", f"{sorted(shapes)}")
    call.around.statistics.update(ancestors([mean, variance]))
    if not call.flag("training_mode"):
        factor = scale / ops.sqrt(variance + epsilon)
        return x * by_channel(factor, x) + by_channel(shift - mean * factor, x)
    axes = (0, *range(2, x.ndim))
    found, spread = ops.mean(x, axes), ops.variance(x, axes)
    factor = scale / ops.sqrt(spread + epsilon)
    output = x * by_channel(factor, x) + by_channel(shift - found * factor, x)
    return (
        output,
        mean * momentum + found * (1.0 - momentum),
        variance * momentum + spread * (1.0 - momentum),
    )


def standardized(x: Value, axes: tuple[int, ...], epsilon: float) -> tuple[Value, Value, Value]:
    """Return x less its mean by its deviation along axes, the mean, and 1 / deviation."""
    mean = ops.mean(x, axes, True)
    apart = x - mean
    inverse = 1.0 / ops.sqrt(ops.mean(apart * apart, axes, True) + epsilon)
    return apart * inverse, mean, inverse


@imports("LayerNormalization", since=17)
def layer_normalization(
    call: Call, x: Value, scale: Value, shift: Value | None = None
) -> tuple[Value, ...]:
    """Return x less the mean by the deviation of the axes from `axis` on, scaled and shifted."""
    axes = tuple(range(axis_of(call, x, call.whole("axis", -1)), x.ndim))
    call.ignores("stash_type")  # numbers are kept as wide as they are here
    found, mean, inverse = standardized(x, axes, call.number("epsilon", 1e-5))
    scaled = found * scale
    return (scaled if shift is None else scaled + shift), mean, inverse


@imports("RMSNormalization", since=23)
def rms_normalization(call: Call, x: Value, scale: Value) -> Value:
    """Return x by the root of its mean square along the axes from `axis` on, scaled."""
    axes = tuple(range(axis_of(call, x, call.whole("axis", -1)), x.ndim))
    call.ignores("stash_type")
    square = ops.mean(x * x, axes, True)
    return x / ops.sqrt(square + call.number("epsilon", 1e-5)) * scale


@imports("InstanceNormalization")
def instance_normalization(call: Call, x: Value, scale: Value, shift: Value) -> Value:
    """Return each channel of each row less its mean, by its deviation, scaled and shifted."""
    if x.ndim < 3:
        raise call.broken("(batch, channels, …)", str(x.shape))
    found, _, _ = standardized(x, tuple(range(2, x.ndim)), call.number("epsilon", 1e-5))
    return found * by_channel(scale, x) + by_channel(shift, x)


@imports("GroupNormalization", since=18)
def group_normalization(call: Call, x: Value, scale: Value, shift: Value) -> Value:
    """Return groups of channels less their mean, by their deviation, scaled and shifted."""
    groups = call.whole("num_groups")
    call.ignores("stash_type")
    if x.ndim < 2 or groups < 1 or x.shape[1] % groups:
        raise call.broken(f"channels in {groups} groups", str(x.shape))
    parts = ops.reshape(x, (x.shape[0], groups, -1))
    found, _, _ = standardized(parts, (2,), call.number("epsilon", 1e-5))
    if call.version < 21:  # one number for each group, until it became one for each channel
        each = x.shape[1] // groups
        scale, shift = (
            ops.reshape(ops.broadcast_to(ops.reshape(one, (groups, 1)), (groups, each)), (-1,))
            for one in (scale, shift)
        )
    return ops.reshape(found, x.shape) * by_channel(scale, x) + by_channel(shift, x)


@imports("MeanVarianceNormalization")
def mean_variance_normalization(call: Call, x: Value) -> Value:
    """Return x less its mean, by its deviation, along axes."""
    axes = tuple(axis_of(call, x, axis) for axis in call.wholes("axes", (0, 2, 3)))
    mean = ops.mean(x, axes, True)
    spread = ops.sqrt(ops.mean(x * x, axes, True) - mean * mean)
    return (x - mean) / (spread + VARIANCE_EPSILON)


@imports("LpNormalization")
def lp_normalization(call: Call, x: Value) -> Value:
    """Return x by its length along an axis: the sum of sizes, or the Euclidean one."""
    axis, p = axis_of(call, x, call.whole("axis", -1)), call.whole("p", 2)
    if p not in (1, 2):
        raise call.broken("p of 1 or 2", str(p))
    length = ops.norm(x, axis, True) if p == 2 else ops.sum(ops.absolute(x), axis, True)
    nothing = ops.equal(length, make_literal(np.zeros(()), x.dtype))
    return x / ops.where(nothing, 1.0, length)


@imports("LRN")
def local_response(call: Call, x: Value) -> Value:
    """Return x by a power of the sum of squares of neighboring channels."""
    size, alpha = call.whole("size"), call.number("alpha", 1e-4)
    beta, bias = call.number("beta", 0.75), call.number("bias", 1.0)
    if x.ndim < 3 or size < 1:
        raise call.broken("(batch, channels, …) and a size of 1 or more", f"{x.shape}, {size}")
    if size > MOST_NEIGHBORS:
        raise call.refusal(f"a size of at most {MOST_NEIGHBORS:,}", f"{size:,}")
    before, after = (size - 1) // 2, math.ceil((size - 1) / 2)
    widths = [(0, 0)] * x.ndim
    widths[1] = (before, after)
    squares = ops.pad(x * x, widths)
    total: Value | None = None
    for shift in range(size):
        part = ops.slice_axis(squares, 1, shift, shift + x.shape[1])
        total = part if total is None else total + part
    assert total is not None
    return x / (total * (alpha / size) + bias) ** beta
