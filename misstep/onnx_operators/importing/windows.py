"""Operators that look through windows: convolutions and pooling.

ONNX has channels before space, the ops here have them behind. Padding, dilation and rounding of
lengths up are put into pads and cuts around.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from misstep import ops
from misstep.ir import Value, make_literal
from misstep.onnx_operators.importing.call import Call
from misstep.onnx_operators.importing.rules import imports

# Entries of a window that are gone through one by one: a window of 50 × 50.
MOST_ENTRIES = 2500
PADDINGS = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")


def channels_last(x: Value) -> Value:
    """Return (batch, *space, channels) of (batch, channels, *space)."""
    return ops.transpose(x, (0, *range(2, x.ndim), 1))


def channels_first(x: Value) -> Value:
    """Return (batch, channels, *space) of (batch, *space, channels)."""
    return ops.transpose(x, (0, x.ndim - 1, *range(1, x.ndim - 1)))


@dataclass(frozen=True)
class Windows:
    """Windows over space, axis by axis: how long, how far apart, how much room around.

    `before`, `after`: entries of padding that the node says; `beyond`: entries behind these that
    the last window needs where lengths are rounded up.
    """

    window: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    beyond: tuple[int, ...]
    positions: tuple[int, ...]

    def around(self, x: Value, number: float) -> Value:
        """Return x with a number all around, as far as windows reach."""
        if not any(self.before + self.after + self.beyond):
            return x
        widths = [(0, 0), (0, 0)]
        for front, back, more in zip(self.before, self.after, self.beyond, strict=True):
            widths.append((front, back + more))
        padded = ops.pad(x, widths)
        if number == 0.0:
            return padded
        inside = ops.pad(ops.broadcast_to(make_literal(np.ones(()), x.dtype), x.shape), widths)
        return ops.where(inside > 0.5, padded, number)

    def entries(self, padded: Value) -> Iterator[Value]:
        """Yield, for each entry of a window, what stands there: (batch, channels, *positions)."""
        for place in itertools.product(*map(range, self.window)):
            part = padded
            for axis, (at, apart, step, count) in enumerate(
                zip(place, self.dilation, self.stride, self.positions, strict=True), start=2
            ):
                start = at * apart
                part = ops.slice_axis(part, axis, start, start + (count - 1) * step + 1, step)
            yield part

    def counts(self, space: tuple[int, ...], with_padding: bool) -> np.ndarray:
        """Return how many entries of each window count: (*positions,)."""
        total = np.ones(())
        for axis, length in enumerate(space):
            first = -self.before[axis] if with_padding else 0
            last = length + (self.after[axis] if with_padding else 0)
            starts = np.arange(self.positions[axis]) * self.stride[axis] - self.before[axis]
            places = starts[:, None] + np.arange(self.window[axis]) * self.dilation[axis]
            inside = ((places >= first) & (places < last)).sum(axis=1)
            total = total[..., None] * inside
        return total


def windows_of(call: Call, space: tuple[int, ...], window: tuple[int, ...]) -> Windows:
    """Return the windows over `space` that a node's attributes say."""
    axes = len(space)
    stride = call.wholes("strides", (1,) * axes)
    dilation = call.wholes("dilations", (1,) * axes)
    pads = call.wholes("pads", (0,) * (2 * axes))
    how = call.one_of("auto_pad", PADDINGS, "NOTSET")
    upwards = call.flag("ceil_mode")
    if not axes or not len(window) == len(stride) == len(dilation) == axes == len(pads) // 2:
        raise call.broken(f"numbers for {axes} axes of space", f"{window}, {stride}, {pads}")
    if min(*window, *stride, *dilation) < 1 or min(pads) < 0:
        raise call.refusal("windows, strides and dilations of 1 or more, pads of 0 or more", "less")
    spans = [(size - 1) * apart + 1 for size, apart in zip(window, dilation, strict=True)]
    before, after, beyond, positions = [], [], [], []
    for axis, (length, span, step) in enumerate(zip(space, spans, stride, strict=True)):
        front, back, more = pads[axis], pads[axis + axes], 0
        if how.startswith("SAME"):
            count = -(-length // step)
            total = max((count - 1) * step + span - length, 0)
            front = total // 2 if how == "SAME_UPPER" else -(-total // 2)
            back = total - front
        else:
            if how == "VALID":
                front = back = 0
            room = length + front + back - span
            count = (-(-room // step) if upwards else room // step) + 1
            if upwards and (count - 1) * step >= length + front:
                count -= 1  # a window must not begin behind all entries
            more = max((count - 1) * step + span - (length + front + back), 0)
        if count < 1:
            raise call.broken(f"a window that fits {space}", str(window))
        before.append(front)
        after.append(back)
        beyond.append(more)
        positions.append(count)
    return Windows(
        window, stride, dilation, tuple(before), tuple(after), tuple(beyond), tuple(positions)
    )


def _space(call: Call, x: Value) -> tuple[int, ...]:
    if x.ndim < 3:
        raise call.broken("(batch, channels, space …)", str(x.shape))
    return x.shape[2:]


@imports("Conv")
def convolution(call: Call, x: Value, weight: Value, bias: Value | None = None) -> Value:
    """Return sums of windows by weights: x (batch, channels, *space)."""
    space, groups = _space(call, x), call.whole("group", 1)
    if weight.ndim != x.ndim:
        raise call.broken(f"weights of {x.ndim} axes", str(weight.shape))
    window = call.wholes("kernel_shape", weight.shape[2:])
    if window != weight.shape[2:]:
        raise call.broken(f"weights of windows {window}", str(weight.shape))
    seen = windows_of(call, space, window)
    # Each of them is a product of its own.
    each = weight.shape[1]
    if groups > 1 and max(math.prod(window) if each == 1 else groups, 1) > MOST_ENTRIES:
        raise call.refusal(f"at most {MOST_ENTRIES:,} groups or entries of a window", f"{groups:,}")
    result = ops.convolution(
        channels_last(seen.around(x, 0.0)),
        ops.transpose(weight, (*range(2, weight.ndim), 1, 0)),
        stride=seen.stride,
        dilation=seen.dilation,
        groups=groups,
    )
    return channels_first(result if bias is None else result + bias)


@imports("ConvTranspose")
def transposed_convolution(call: Call, x: Value, weight: Value, bias: Value | None = None) -> Value:
    """Return x spread over windows by weights: x (batch, channels, *space)."""
    space, groups = _space(call, x), call.whole("group", 1)
    axes = len(space)
    window = call.wholes("kernel_shape", weight.shape[2:])
    stride, dilation = call.wholes("strides", (1,) * axes), call.wholes("dilations", (1,) * axes)
    more, pads = call.wholes("output_padding", (0,) * axes), call.wholes("pads", (0,) * 2 * axes)
    how, wanted = call.one_of("auto_pad", PADDINGS, "NOTSET"), call.wholes("output_shape", None)
    lengths = {len(one) for one in (window, stride, dilation, more)} | {len(pads) // 2}
    if lengths != {axes} or weight.ndim != x.ndim or window != weight.shape[2:]:
        raise call.broken(f"numbers for {axes} axes of space", f"{window}, {stride}, {pads}")
    channels = x.shape[1]
    if groups < 1 or channels % groups or weight.shape[0] != channels or min(more) < 0:
        raise call.broken(f"weights for {channels} channels in {groups} groups", f"{weight.shape}")
    if groups > MOST_ENTRIES:
        raise call.refusal(f"at most {MOST_ENTRIES:,} groups", f"{groups:,}")
    parts = []
    each = channels // groups
    for group in range(groups):
        seen = ops.slice_axis(x, 1, group * each, (group + 1) * each)
        own = ops.slice_axis(weight, 0, group * each, (group + 1) * each)
        taps = ops.transpose(own, (*range(2, weight.ndim), 1, 0))
        parts.append(
            ops.transposed_convolution(channels_last(seen), taps, stride=stride, dilation=dilation)
        )
    result = parts[0] if groups == 1 else ops.concatenate(parts, -1)
    for axis in range(axes):
        length = result.shape[axis + 1] + more[axis]
        front, back = pads[axis], pads[axis + axes]
        if wanted is not None or how.startswith("SAME"):
            target = space[axis] * stride[axis] if wanted is None else wanted[axis - axes]
            total = max(length - target, 0)
            more_behind = max(target - length, 0)
            front = total // 2 if how != "SAME_LOWER" else -(-total // 2)
            back = total - front - more_behind
        elif how == "VALID":
            front = back = 0
        end = length - back
        if end > result.shape[axis + 1]:
            widths = [(0, 0)] * result.ndim
            widths[axis + 1] = (0, end - result.shape[axis + 1])
            result = ops.pad(result, widths)
        result = ops.slice_axis(result, axis + 1, front, end)
    return channels_first(result if bias is None else result + bias)


def _joined(
    call: Call, seen: Windows, padded: Value, join: Callable[[Value, Value], Value]
) -> Value:
    """Return what `join` makes of all entries of each window."""
    if math.prod(seen.window) > MOST_ENTRIES:
        raise call.refusal(f"windows of at most {MOST_ENTRIES:,} entries", str(seen.window))
    result: Value | None = None
    for part in seen.entries(padded):
        result = part if result is None else join(result, part)
    assert result is not None
    return result


@imports("MaxPool")
def max_pool(call: Call, x: Value) -> Value:
    """Return the largest entry of each window."""
    call.ignores("storage_order")  # of positions, which nobody gets here
    seen = windows_of(call, _space(call, x), call.wholes("kernel_shape"))
    if not x.type.is_float:
        raise call.refusal("floating-point numbers", x.dtype)
    padded = seen.around(x, float("-inf"))
    if set(seen.dilation) == {1}:
        return channels_first(ops.max_pool(channels_last(padded), seen.window, stride=seen.stride))
    return _joined(call, seen, padded, ops.maximum)


@imports("AveragePool")
def average_pool(call: Call, x: Value) -> Value:
    """Return the mean of each window, of what is there or of padding as well."""
    with_padding = call.flag("count_include_pad")
    space = _space(call, x)
    seen = windows_of(call, space, call.wholes("kernel_shape"))
    total = _joined(call, seen, seen.around(x, 0.0), ops.add)
    counts = seen.counts(space, with_padding)
    if (counts == counts.flat[0]).all():
        return total * (1.0 / float(counts.flat[0]))
    return total * make_literal(1.0 / np.maximum(counts, 1), x.dtype)


@imports("LpPool")
def lp_pool(call: Call, x: Value) -> Value:
    """Return the p-norm of each window."""
    p = call.whole("p", 2)
    seen = windows_of(call, _space(call, x), call.wholes("kernel_shape"))
    if p < 1:
        raise call.broken("p of 1 or more", str(p))
    sizes = ops.absolute(x)
    powers = sizes if p == 1 else sizes * sizes if p == 2 else sizes ** float(p)
    total = _joined(call, seen, seen.around(powers, 0.0), ops.add)
    return total if p == 1 else ops.sqrt(total) if p == 2 else total ** (1.0 / p)


@imports("GlobalAveragePool")
def global_average_pool(call: Call, x: Value) -> Value:
    """Return the mean of each channel."""
    _space(call, x)
    return ops.mean(x, tuple(range(2, x.ndim)), True)


@imports("GlobalMaxPool")
def global_max_pool(call: Call, x: Value) -> Value:
    """Return the largest of each channel."""
    _space(call, x)
    return ops.max(x, tuple(range(2, x.ndim)), True)


@imports("GlobalLpPool")
def global_lp_pool(call: Call, x: Value) -> Value:
    """Return the p-norm of each channel."""
    p = call.whole("p", 2)
    axes = tuple(range(2, x.ndim))
    if p < 1:
        raise call.broken("p of 1 or more", str(p))
    if p == 2:
        return ops.norm(x, axes, True)
    return ops.sum(ops.absolute(x) ** float(p), axes, True) ** (1.0 / p)
