"""Convolution over one or more axes of space, channels last, and the gradient of its weights.

Both ops sum products over windows of x; each one's gradients are made of the two of them. x is
padded already (`pad` in pieces.py), and weights are a matrix with a row for each entry of a window,
which is how kernels read them. `convolution` and its relatives below take care of the rest. As the
field has it, the "convolution" of networks does not turn the weights over (Goodfellow, Bengio and
Courville, "Deep Learning", 2016, section 9.1). Knows the program form and nothing of networks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Array, Op, Type, Value, make_literal
from misstep.ir.op import Example, float_dtype
from misstep.ops.elementwise import Gradients, draw
from misstep.ops.lifting import Operand, together
from misstep.ops.pieces import concatenate, slice_axis
from misstep.ops.shape import broadcast_to, flip, reshape, transpose
from misstep.ops.space import (
    Sizes,
    for_each_axis,
    interleaved,
    padded_space,
    padding_widths,
    seen_through,
)
from misstep.text.counts import plural


def windows(x: Array, window: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Return the windows of x: (batch, *space, channels) → (batch, *positions, *window, channels).

    A view: windows overlap in memory.
    """
    axes_of = zip(x.shape[1:-1], window, stride, dilation, strict=True)
    positions = [
        (length - (size - 1) * apart - 1) // step + 1 for length, size, step, apart in axes_of
    ]
    space = x.strides[1:-1]
    strides = [
        x.strides[0],
        *(stride_ * step for stride_, step in zip(space, stride, strict=True)),
        *(stride_ * apart for stride_, apart in zip(space, dilation, strict=True)),
        x.strides[-1],
    ]
    shape = [x.shape[0], *positions, *window, x.shape[-1]]
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)


def convolved(x: Array, weight: Array, window: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Return sums over windows of x: (batch, *space, channels) → (batch, *positions, filters)."""
    seen = windows(x, window, stride, dilation)
    positions = seen.shape[: 1 + len(window)]
    result: Array = np.matmul(seen.reshape(-1, weight.shape[0]), weight)
    return result.reshape(*positions, weight.shape[1])


def window_products(
    x: Array, upstream: Array, window: Sizes, stride: Sizes, dilation: Sizes
) -> Array:
    """Return for each entry of a window and each filter the sum of x · upstream over positions."""
    seen = windows(x, window, stride, dilation)
    rows = math.prod(window) * x.shape[-1]
    result: Array = np.matmul(seen.reshape(-1, rows).T, upstream.reshape(-1, upstream.shape[-1]))
    return result


# With a stride, as many programs as phases are made: three seconds for this many. Transposed
# convolutions of pictures have up to 32 × 32.
MOST_PHASES = 16_384


@dataclass(frozen=True)
class Phase:
    """Every stride-th entry of x along one axis: which entries of windows they are.

    `taps`: which entries of a window, `step` apart; `count`: how many entries of x; `first` and
    `last`: the positions that are read, from the first window of the first one to the last window
    of the last one; `apart`: positions from one tap to the next.
    """

    taps: Sequence[int]
    step: int
    count: int
    first: int
    last: int
    apart: int


def phases_of(length: int, positions: int, size: int, stride: int, dilation: int) -> list[Phase]:
    """Return the phases along an axis of x: one without a stride.

    Entry phase + stride · m of x is entry k of window m + (phase − k · dilation) / stride, where
    that is a whole number.
    """
    phases = []
    count = -(-length // stride)
    common = math.gcd(stride, dilation)
    step = stride // common
    # Times this, a phase says the first of its taps.
    inverse = pow(dilation // common, -1, step)
    for phase in range(min(stride, length)):
        taps = range(phase // common * inverse % step, size, step) if phase % common == 0 else ()
        highest, lowest = (
            ((phase - k * dilation) // stride for k in (taps[0], taps[-1])) if taps else (0, 0)
        )
        last = count - 1 + highest
        phases.append(Phase(taps, step, count, lowest, last, dilation * step // stride))
    return phases


@dataclass(frozen=True)
class _Windowed(Op, abstract=True):
    """What both ops know: the windows that x, (batch, *space, channels), is seen through.

    `window`: entries of one along each axis of space; `stride`: from one window to the next;
    `dilation`: from one entry of a window to the next.
    """

    window: Sizes
    stride: Sizes
    dilation: Sizes

    def positions(self, x: Type) -> Sizes:
        """Return how many windows there are along each axis of space. Raises ShapeError."""
        sizes = (self.window, self.stride, self.dilation)
        if len(x.shape) != len(self.window) + 2 or not self.window:
            raise ShapeError(
                self.name,
                needed=f"(batch, {', '.join(['space'] * len(self.window))}, channels)",
                got=str(x.shape),
            )
        if any(len(lengths) != len(self.window) or min(lengths) < 1 for lengths in sizes):
            raise ShapeError(
                self.name,
                needed="a window, stride and dilation of 1 or more for each axis",
                got=str(sizes),
            )
        positions = []
        for length, size, step, apart in zip(x.shape[1:-1], *sizes, strict=True):
            left = length - (size - 1) * apart - 1
            if left < 0:
                raise ShapeError(
                    self.name,
                    needed=f"at least {(size - 1) * apart + 1} entries along each axis of space",
                    got=str(x.shape),
                    try_="padding, or a smaller window",
                )
            positions.append(left // step + 1)
        return tuple(positions)

    def entries(self, x: Type) -> int:
        """Return how many entries a window has."""
        return math.prod(self.window) * x.shape[-1]

    def spread(self, shape: Sizes, weight: Value, upstream: Value) -> Value:
        """Return upstream, (batch, *positions, filters), spread over windows by the weights.

        The gradient of an x of this shape. Seen from an entry of x, that is a convolution too,
        of upstream with zeros around it, by the weights turned over, filters and channels
        exchanged. With a stride, entries of x are in fewer windows, and in turn in different ones:
        for each of these phases there is a convolution by a part of the weights.
        """
        phases = math.prod(map(min, self.stride, shape[1:-1]))
        if phases > MOST_PHASES:
            raise ShapeError(
                f"the stride of {self.name}",
                needed=f"at most {MOST_PHASES:,} where positions are spread over entries",
                got=" × ".join(f"{stride:,}" if stride < 10**18 else "…" for stride in self.stride),
            )
        channels, filters = shape[-1], weight.shape[-1]
        taps = reshape(weight, (*self.window, channels, filters))
        space = [
            phases_of(*sizes)
            for sizes in zip(
                shape[1:-1],
                upstream.shape[1:-1],
                self.window,
                self.stride,
                self.dilation,
                strict=True,
            )
        ]
        front = [max(-min(phase.first for phase in axis), 0) for axis in space]
        behind = [
            max(max(phase.last for phase in axis) - positions + 1, 0)
            for axis, positions in zip(space, upstream.shape[1:-1], strict=True)
        ]
        widths = tuple(zip(front, behind, strict=True))
        padded = padded_space(upstream, widths)
        phases_of_x = [
            self._phase(padded, taps, front, phases) for phases in itertools.product(*space)
        ]
        counts = tuple(len(axis) for axis in space)
        whole = interleaved(phases_of_x, counts)
        for axis, length in enumerate(shape[1:-1], start=1):
            if whole.shape[axis] != length:
                whole = slice_axis(whole, axis, 0, length)
        return whole

    def _phase(
        self, padded: Value, taps: Value, front: list[int], phases: Sequence[Phase]
    ) -> Value:
        """Return the gradient of every stride-th entry of x, beginning with one of a phase."""
        inputs, weights = padded, taps
        for axis, (phase, before) in enumerate(zip(phases, front, strict=True)):
            if not phase.taps:
                counts = (other.count for other in phases)
                zero = make_literal(np.zeros(()), padded.dtype)
                return broadcast_to(zero, (padded.shape[0], *counts, taps.shape[-2]))
            start = before + phase.first
            inputs = slice_axis(inputs, axis + 1, start, start + phase.last - phase.first + 1)
            stop = phase.taps[0] + (len(phase.taps) - 1) * phase.step + 1
            weights = slice_axis(weights, axis, phase.taps[0], stop, phase.step)
        axes = tuple(range(len(phases)))
        exchanged = transpose(flip(weights, axes), (*axes, len(axes) + 1, len(axes)))
        matrix = reshape(exchanged, (-1, taps.shape[-2]))
        window = tuple(len(phase.taps) for phase in phases)
        dilation = tuple(phase.apart for phase in phases)
        return Convolution(window, (1,) * len(phases), dilation)(inputs, matrix)

    def definitions(self) -> tuple[Callable[..., object], ...]:
        return (windows, convolved, window_products)


@dataclass(frozen=True)
class Convolution(_Windowed):
    """Each window of x times the weights: one number for each position and filter.

    x: (batch, *space, channels); weights: (entries of a window, filters), a window's entries in
    the order (*window, channels) → (batch, *positions, filters).
    """

    name = "convolution"
    words = "the convolution of {0} by {1}"
    formula = "{0} ∗ {1}"
    local_derivatives = ("{1}, spread over the windows an entry is in", "the windows of {0}")
    kernel = "convolution"

    def type(self, *inputs: Type) -> Type:
        x, weight = inputs
        dtype = float_dtype(self, x, weight)
        positions = self.positions(x)
        if len(weight.shape) != 2 or weight.shape[0] != self.entries(x):
            raise ShapeError(
                "the weights of a convolution",
                needed=f"({self.entries(x)}, filters): a row for each entry of a window",
                got=str(weight.shape),
            )
        return Type((x.shape[0], *positions, weight.shape[1]), dtype)

    def run(self, x: Array, weight: Array) -> Array:
        return convolved(x, weight, self.window, self.stride, self.dilation)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        x, weight = value.inputs
        of_weight = WindowProducts(self.window, self.stride, self.dilation)(x, upstream)
        return self.spread(x.shape, weight, upstream), of_weight

    def products(self, value: Value) -> int:
        return value.size * value.inputs[1].shape[0]

    def python(self, *names: str) -> str:
        return f"convolved({', '.join(names)}, {self.window}, {self.stride}, {self.dilation})"

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        op, x, _, filters = _drawn(cls, random)
        entries = math.prod(op.window) * x.shape[-1]
        yield op, (x, draw(random, (entries, filters)))

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls((3,), (1,), (1,)), (np.zeros((2, 2, 1)), np.zeros((3, 1)))
        yield cls((3,), (1,), (1,)), (np.zeros((2, 4, 2)), np.zeros((3, 1)))
        yield cls((3,), (1,), (1,)), (np.zeros((2, 4)), np.zeros((3, 1)))
        yield cls((3, 3), (0, 1), (1, 1)), (np.zeros((2, 4, 4, 1)), np.zeros((9, 1)))


@dataclass(frozen=True)
class WindowProducts(_Windowed):
    """For each entry of a window and each filter, the sum of products over all positions.

    The gradient of the weights of a convolution. x: (batch, *space, channels); upstream:
    (batch, *positions, filters) → (entries of a window, filters).
    """

    name = "window_products"
    words = "the sums of {0} times {1} over all windows"
    formula = "{0}ᵀ ∗ {1}"
    local_derivatives = ("{1}, spread over the windows an entry is in", "the windows of {0}")
    kernel = "window products"

    def type(self, *inputs: Type) -> Type:
        x, upstream = inputs
        dtype = float_dtype(self, x, upstream)
        positions = self.positions(x)
        if upstream.shape[:-1] != (x.shape[0], *positions):
            raise ShapeError(
                "the second input of window_products",
                needed=f"({', '.join(map(str, (x.shape[0], *positions)))}, filters)",
                got=str(upstream.shape),
            )
        return Type((self.entries(x), upstream.shape[-1]), dtype)

    def run(self, x: Array, upstream: Array) -> Array:
        return window_products(x, upstream, self.window, self.stride, self.dilation)

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        x, other = value.inputs
        onward = Convolution(self.window, self.stride, self.dilation)(x, upstream)
        return self.spread(x.shape, upstream, other), onward

    def products(self, value: Value) -> int:
        return value.shape[0] * value.inputs[1].size

    def python(self, *names: str) -> str:
        sizes = f"{self.window}, {self.stride}, {self.dilation}"
        return f"window_products({', '.join(names)}, {sizes})"

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        op, x, positions, filters = _drawn(cls, random)
        yield op, (x, draw(random, (x.shape[0], *positions, filters)))

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls((3,), (1,), (1,)), (np.zeros((2, 4, 1)), np.zeros((2, 3, 1)))
        yield cls((3,), (1,), (1,)), (np.zeros((2, 2, 1)), np.zeros((2, 1, 1)))


def _drawn(
    cls: type[_Windowed], random: np.random.Generator
) -> tuple[_Windowed, Array, Sizes, int]:
    """Return an op with an x that fits, its positions and a number of filters."""
    axes = int(random.integers(1, 4))
    window, stride, dilation = (
        tuple(int(length) for length in random.integers(1, most, axes)) for most in (4, 3, 3)
    )
    op = cls(window, stride, dilation)
    positions = tuple(int(length) for length in random.integers(1, 4, axes))
    space = tuple(
        (size - 1) * apart + 1 + (count - 1) * step + int(random.integers(0, step))
        for size, step, apart, count in zip(window, stride, dilation, positions, strict=True)
    )
    batch, channels, filters = (int(length) for length in random.integers(1, 4, 3))
    return op, draw(random, (batch, *space, channels)), positions, filters


# --- functions for people -----------------------------------------------------------------------


def convolution(
    x: Operand,
    weight: Operand,
    *,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int] | Sequence[Sequence[int]] = "valid",
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Value:
    """Return, for each window of x and each filter, the sum of x times the filter's weights.

    x: (batch, *space, channels); weight: (*window, channels / groups, filters) → (batch,
    *positions, filters), with one axis of space or more. `stride`: from one window to the next;
    `dilation`: from one entry of a window to the next; a number, or one for each axis. `padding`:
    "valid" for none; "same" for window − 1 zeros on each axis, half of them (rounded down) in
    front, so that a stride of 1 keeps lengths; a number for so many zeros at either end, a pair for
    each axis for other numbers at either end. `groups`: channels and filters are split into so many
    parts, and each part of the filters sees its part of the channels only. Raises ShapeError or
    ArgumentError.

    >>> import misstep as ms
    >>> ms.ops.convolution([[[1.0], [2.0], [4.0]]], [[[-1.0]], [[1.0]]])  # differences
    [[[1.],
      [2.]]]
    """
    value, taps = together(x, weight)
    axes = taps.ndim - 2
    if axes < 1 or value.ndim != axes + 2:
        raise ShapeError(
            "convolution",
            needed="x (batch, *space, channels), weight (*window, channels, filters)",
            got=f"{value.shape} and {taps.shape}",
        )
    window, (inner, filters) = taps.shape[:axes], taps.shape[axes:]
    steps, apart = (
        for_each_axis(setting, axes, f"{name} of convolution")
        for name, setting in (("stride", stride), ("dilation", dilation))
    )
    channels = value.shape[-1]
    if groups < 1 or channels != inner * groups or filters % groups:
        raise ShapeError(
            f"convolution in {groups} {plural(groups, 'group')}",
            needed=f"{inner} channels for each group, and filters that can be shared out evenly",
            got=f"{channels} channels, {filters} filters",
        )
    value = padded_space(value, padding_widths(padding, window, apart))
    op = Convolution(window, steps, apart)
    if groups == 1:
        return op(value, reshape(taps, (-1, filters)))
    if inner == 1:
        return _channel_by_channel(op, value, taps)
    outputs = []
    each = filters // groups
    for group in range(groups):
        seen = slice_axis(value, -1, group * inner, (group + 1) * inner)
        own = slice_axis(taps, -1, group * each, (group + 1) * each)
        outputs.append(op(seen, reshape(own, (-1, each))))
    return concatenate(outputs, -1)


def _channel_by_channel(op: Convolution, x: Value, taps: Value) -> Value:
    """Return the convolution in which each filter sees one channel: sums of shifted entries.

    taps: (*window, 1, filters). Nothing is summed over channels: no matrix product is in it.
    """
    channels, filters = x.shape[-1], taps.shape[-1]
    many = filters // channels
    result: Value | None = None
    seen = reshape(x, (*x.shape, 1)) if many > 1 else x
    flat = reshape(taps, (math.prod(op.window), *((channels, many) if many > 1 else (channels,))))
    for number, entry in enumerate(seen_through(seen, op.window, op.stride, op.dilation)):
        weight = reshape(slice_axis(flat, 0, number, number + 1), flat.shape[1:])
        result = entry * weight if result is None else result + entry * weight
    assert result is not None
    return reshape(result, (*result.shape[: 1 + len(op.window)], filters))


def transposed_convolution(
    x: Operand,
    weight: Operand,
    *,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | Sequence[Sequence[int]] = 0,
    more: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Value:
    """Return x spread over windows by the weights: the gradient of a convolution's input.

    x: (batch, *space, channels); weight: (*window, filters, channels) → (batch, *positions,
    filters), each position axis (space − 1) · stride + (window − 1) · dilation + 1 − 2 · padding +
    more long. `padding`: cut off at either end, or a pair for each axis. `groups`: channels and
    filters are split into so many parts, of which each sees its own only; weight is then (*window,
    filters / groups, channels). `more`: entries added behind, fewer than the stride or the
    dilation, since several lengths lead to one (Dumoulin and Visin, "A guide to convolution
    arithmetic for deep learning", 2016). Raises ShapeError or ArgumentError.

    >>> import misstep as ms
    >>> ms.ops.transposed_convolution([[[1.0], [10.0]]], [[[1.0]], [[2.0]]], stride=2)
    [[[ 1.],
      [ 2.],
      [10.],
      [20.]]]
    """
    value, taps = together(x, weight)
    axes = taps.ndim - 2
    if axes < 1 or value.ndim != axes + 2 or value.shape[-1] != taps.shape[-1]:
        raise ShapeError(
            "transposed convolution",
            needed="x (batch, *space, channels), weight (*window, filters, channels)",
            got=f"{value.shape} and {taps.shape}",
        )
    window = taps.shape[:axes]
    steps, apart, behind = (
        for_each_axis(setting, axes, f"{name} of transposed convolution", least)
        for name, setting, least in (
            ("stride", stride, 1),
            ("dilation", dilation, 1),
            ("more", more, 0),
        )
    )
    if isinstance(padding, str):
        raise ArgumentError("padding of transposed convolution", needed="numbers", got=padding)
    cut = padding_widths(padding, window, apart, "padding of transposed convolution")
    channels = value.shape[-1]
    if isinstance(groups, bool) or groups < 1 or channels % groups:
        raise ShapeError(
            f"transposed convolution in {groups} {plural(groups, 'group')}",
            needed="channels that can be shared out evenly",
            got=f"{channels} channels",
        )
    axes_of = zip(value.shape[1:-1], window, steps, apart, behind, strict=True)
    whole = tuple(
        (length - 1) * step + (size - 1) * gap + 1 + extra
        for length, size, step, gap, extra in axes_of
    )
    if any(extra >= max(step, gap) for extra, step, gap in zip(behind, steps, apart, strict=True)):
        raise ArgumentError(
            "more of transposed convolution",
            needed="less than the stride or the dilation",
            got=str(more),
        )
    shape = (value.shape[0], *whole, taps.shape[-2])
    op, each = Convolution(window, steps, apart), channels // groups
    parts = []
    for group in range(groups):
        seen, own = (
            slice_axis(one, -1, group * each, (group + 1) * each) if groups > 1 else one
            for one in (value, taps)
        )
        parts.append(op.spread(shape, reshape(own, (-1, each)), seen))
    result = parts[0] if groups == 1 else concatenate(parts, -1)
    for axis, ((front, end), length) in enumerate(zip(cut, whole, strict=True), start=1):
        if length - front - end < 1:
            raise ShapeError(
                "transposed convolution",
                needed="more entries than are cut off",
                got=f"{length} along axis {axis}, padding {front} and {end}",
            )
        if front or end:
            result = slice_axis(result, axis, front, length - end)
    return result
