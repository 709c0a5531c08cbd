"""Pooling: the largest or the mean entry of each window, channel by channel.

x is (batch, *space, channels). Knows the program form and nothing of networks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Array, Op, Type, Value, make_literal
from misstep.ir.op import Example, float_dtype
from misstep.ops.comparison import equal, logical_and, logical_not, where
from misstep.ops.elementwise import Gradients, has_sign
from misstep.ops.functions import Relu, relu
from misstep.ops.lifting import Operand, as_value
from misstep.ops.pieces import Pad
from misstep.ops.space import (
    Sizes,
    Widths,
    for_each_axis,
    interleaved,
    padded_space,
    padding_widths,
    positions_of,
    seen_through,
    widths_to_the_end,
)


def window_max(x: Array, window: Sizes, stride: Sizes, dilation: Sizes = ()) -> Array:
    """Return the largest entry of each window, (batch, *positions, channels); NaN where one is."""
    result: Array | None = None
    apart = dilation or (1,) * len(window)
    positions = [
        (length - (size - 1) * gap - 1) // step + 1
        for length, size, step, gap in zip(x.shape[1:-1], window, stride, apart, strict=True)
    ]
    for entry in np.ndindex(*window):
        slices = [
            slice(start * gap, start * gap + (count - 1) * step + 1, step)
            for start, count, step, gap in zip(entry, positions, stride, apart, strict=True)
        ]
        entries = x[(slice(None), *slices)]
        result = entries.copy() if result is None else np.maximum(result, entries)
    assert result is not None
    return result


@dataclass(frozen=True)
class WindowMax(Op):
    """The largest entry of each window of x; at a tie the first, row by row, has the gradient.

    x: (batch, *space, channels) → (batch, *positions, channels). `window`: entries along each axis
    of space; `stride`: from one window to the next; `dilation`: from one entry of a window to the
    next, 1 everywhere when empty.
    """

    window: Sizes
    stride: Sizes
    dilation: Sizes = ()
    name = "window_max"
    words = "the largest of {0} in each window"
    formula = "max {0} in each window"
    local_derivatives = ("1 where it is the largest of a window, else 0",)

    def type(self, *inputs: Type) -> Type:
        (x,) = inputs
        dtype = float_dtype(self, x)
        sizes = (self.window, self.stride, self.apart)
        axes = len(self.window)
        if any(len(lengths) != axes or min(lengths, default=0) < 1 for lengths in sizes):
            raise ShapeError(
                self.name, needed="a window and a stride of 1 or more for each axis", got=str(sizes)
            )
        positions: Sizes = ()
        if len(x.shape) == axes + 2:
            positions = positions_of(x.shape[1:-1], self.window, self.stride, self.apart)
        if min(positions, default=0) < 1:
            least = ", ".join(f"{reach} or more" for reach in self._reach())
            raise ShapeError(self.name, needed=f"(batch, {least}, channels)", got=str(x.shape))
        return Type((x.shape[0], *positions, x.shape[-1]), dtype)

    @property
    def apart(self) -> Sizes:
        """Return how far an entry of a window is from the next, along each axis."""
        return self.dilation or (1,) * len(self.window)

    def _reach(self) -> Sizes:
        axes = zip(self.window, self.apart, strict=True)
        return tuple((size - 1) * gap + 1 for size, gap in axes)

    def run(self, x: Array) -> Array:
        return window_max(x, self.window, self.stride, self.dilation)

    @property
    def cost(self) -> float:  # type: ignore[override]
        return float(math.prod(self.window))

    def gradient(self, value: Value, upstream: Value) -> Gradients:
        (x,) = value.inputs
        shares: list[Value] = []
        open_: Value | None = None  # whether no entry of the window was the largest so far
        for entries in seen_through(x, self.window, self.stride, self.apart):
            equals = equal(entries, value)
            won = equals if open_ is None else logical_and(open_, equals)
            open_ = (
                logical_not(equals) if open_ is None else logical_and(open_, logical_not(equals))
            )
            shares.append(where(won, upstream, 0.0))
        return (gathered(shares, x.shape, self.window, self.stride, self.apart),)

    def python(self, *names: str) -> str:
        return f"window_max({names[0]}, {self.window}, {self.stride}, {self.dilation})"

    def definitions(self) -> tuple[Callable[..., Any], ...]:
        return (window_max,)

    def element(self, context: Any) -> Any:
        here, code = context.positions, context.code
        signed = has_sign(context.value.type)
        largest: Any = None
        for entry in itertools.product(*map(range, self.window)):
            space = [
                context.shifted(position, start * gap, step)
                for position, start, step, gap in zip(
                    here[1:-1], entry, self.stride, self.apart, strict=True
                )
            ]
            entry = context.read(0, (here[0], *space, here[-1]))
            if largest is None:
                largest = entry
            else:
                largest = code.maximum(*context.together(largest, entry), signed=signed)
        return largest

    @classmethod
    def examples(cls, random: np.random.Generator) -> Iterator[Example]:
        axes = int(random.integers(1, 3))
        window = tuple(int(length) for length in random.integers(1, 4, axes))
        # Windows that lie side by side have a way of their own.
        apart = bool(random.integers(0, 2))
        stride = window if apart else tuple(int(length) for length in random.integers(1, 4, axes))
        dilation = () if apart else tuple(int(gap) for gap in random.integers(1, 3, axes))
        positions = tuple(int(length) for length in random.integers(1, 4, axes))
        space = tuple(
            (size - 1) * gap + 1 + (count - 1) * step + int(random.integers(0, step))
            for size, step, gap, count in zip(
                window, stride, dilation or (1,) * axes, positions, strict=True
            )
        )
        shape = (int(random.integers(1, 3)), *space, int(random.integers(1, 4)))
        count = math.prod(shape)
        yield cls(window, stride, dilation), (random.permutation(count).reshape(shape) / 7.0 - 3.0,)

    @classmethod
    def bad_examples(cls) -> Iterator[Example]:
        yield cls((3,), (1,)), (np.zeros((2, 2, 1)),)
        yield cls((3,), (0,)), (np.zeros((2, 4, 1)),)
        yield cls((2, 2), (1, 1)), (np.zeros((2, 4, 1)),)
        yield cls((3,), (1,), (2,)), (np.zeros((2, 4, 1)),)
        yield cls((3,), (1,), (0,)), (np.zeros((2, 4, 1)),)


def gathered(
    shares: list[Value], shape: Sizes, window: Sizes, stride: Sizes, dilation: Sizes
) -> Value:
    """Return entries of `shape`, each the sum of its shares in the windows it is in.

    `shares`: for each entry of a window, in row-major order, (batch, *positions, channels). Where
    windows lie side by side each share has its own position: nothing is added.
    """
    positions = shares[0].shape[1:-1]
    if window == stride and max(dilation) == 1:
        joined = interleaved(shares, window)
        covered = tuple(count * size for count, size in zip(positions, window, strict=True))
        after = tuple(a - b for a, b in zip(shape[1:-1], covered, strict=True))
        if not any(after):
            return joined
        return Pad((0,) * len(shape), (0, *after, 0), (0,) * len(shape))(joined)
    total: Value | None = None
    for numbers, share in zip(itertools.product(*map(range, window)), shares, strict=True):
        entry = tuple(number * gap for number, gap in zip(numbers, dilation, strict=True))
        after = tuple(
            length - start - (count - 1) * step - 1
            for length, start, count, step in zip(
                shape[1:-1], entry, positions, stride, strict=True
            )
        )
        between = (0, *(step - 1 for step in stride), 0)
        spread = Pad((0, *entry, 0), (0, *after, 0), between)(share)
        total = spread if total is None else total + spread
    assert total is not None
    return total


# --- functions for people -----------------------------------------------------------------------


def max_pool(
    x: Operand,
    window: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: str | int | Sequence[int] | Sequence[Sequence[int]] = "valid",
    dilation: int | Sequence[int] = 1,
    to_the_end: bool = False,
) -> Value:
    """Return the largest entry of each window of x: (batch, *space, channels), channel by channel.

    `stride`: from one window to the next; the window's size when not given. `padding` as in
    `convolution`, but with entries that are never the largest. `dilation`: from one entry of a
    window to the next. `to_the_end`: a last window may reach beyond the end, so that no entry is
    left out ("ceil mode").

    >>> import misstep as ms
    >>> ms.ops.max_pool([[[1.0], [4.0], [2.0], [3.0]]], 2)
    [[[4.],
      [3.]]]
    """
    value = as_value(x)
    look = _Look.of(value, window, stride, padding, dilation, to_the_end, "max_pool")
    if isinstance(value.op, Relu):
        # The largest of what a ReLU left is what a ReLU leaves of the largest, and its gradient
        # goes the same ways: only then, there are fewer entries to look at.
        (value,) = value.inputs
        return relu(look.largest(value))
    return look.largest(value)


def average_pool(
    x: Operand,
    window: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: str | int | Sequence[int] | Sequence[Sequence[int]] = "valid",
    dilation: int | Sequence[int] = 1,
    to_the_end: bool = False,
    padding_counts: bool = True,
) -> Value:
    """Return the mean of each window of x: (batch, *space, channels), channel by channel.

    The rest as for `max_pool`. `padding_counts`: zeros that were padded count as entries; what a
    last window sees beyond them never does.

    >>> import misstep as ms
    >>> ms.ops.average_pool([[[1.0], [4.0], [2.0], [3.0]]], 2)
    [[[2.5],
      [2.5]]]
    >>> ms.ops.average_pool([[[1.0], [4.0]]], 2, stride=1, padding=1, padding_counts=False)
    [[[1. ],
      [2.5],
      [4. ]]]
    """
    value = as_value(x)
    look = _Look.of(value, window, stride, padding, dilation, to_the_end, "average_pool")
    counts = look.counts(value.shape[1:-1], padding_counts)
    value = padded_space(value, look.all_widths)
    # Says what is wrong with sizes and shapes.
    WindowMax(look.window, look.stride, look.dilation).type(value.type)
    total: Value | None = None
    for entries in seen_through(value, look.window, look.stride, look.dilation):
        total = entries if total is None else total + entries
    assert total is not None
    if (counts == counts.reshape(-1)[0]).all():
        return total * (1.0 / int(counts.reshape(-1)[0]))
    return total * make_literal(1.0 / counts[..., None], value.dtype)


@dataclass(frozen=True)
class _Look:
    """How windows lie over x: sizes along each axis of space, and entries around it.

    `widths`: those asked for; `all_widths`: with those that a last window sees beyond the end.
    """

    window: Sizes
    stride: Sizes
    dilation: Sizes
    widths: Widths
    all_widths: Widths

    @classmethod
    def of(
        cls,
        x: Value,
        window: object,
        stride: object,
        padding: object,
        dilation: object,
        to_the_end: bool,
        what: str,
    ) -> _Look:
        axes = max(x.ndim - 2, 1)
        sizes = for_each_axis(window, axes, f"the window of {what}")
        steps = sizes if stride is None else for_each_axis(stride, axes, f"the stride of {what}")
        apart = for_each_axis(dilation, axes, f"the dilation of {what}")
        widths = padding_widths(padding, sizes, apart, f"the padding of {what}")
        reach = [(size - 1) * gap + 1 for size, gap in zip(sizes, apart, strict=True)]
        if any(max(ends) >= length for ends, length in zip(widths, reach, strict=True)):
            raise ArgumentError(
                f"the padding of {what}",
                needed="less than the window: an entry in each",
                got=f"{padding} for a window of {window}",
            )
        wider = widths
        if to_the_end and x.ndim == axes + 2:
            wider = widths_to_the_end(x.shape[1:-1], sizes, steps, apart, widths)
        return cls(sizes, steps, apart, widths, wider)

    def largest(self, x: Value) -> Value:
        """Return the largest entry of each window."""
        dilation = () if max(self.dilation) == 1 else self.dilation
        padded = padded_space(x, self.all_widths, float("-inf"))
        return WindowMax(self.window, self.stride, dilation)(padded)

    def counts(self, space: Sizes, with_padding: bool) -> Array:
        """Return how many entries of x, or of its padding too, each window has: (*positions)."""
        padded = any(map(any, self.widths)) and not with_padding
        if self.widths == self.all_widths and not padded:
            return np.full((1,) * len(space), float(math.prod(self.window)))
        there = np.ones(space)
        there = np.pad(there, self.widths, constant_values=1.0 if with_padding else 0.0)
        beyond = [
            (0, after - asked)
            for (_, after), (_, asked) in zip(self.all_widths, self.widths, strict=True)
        ]
        there = np.pad(there, beyond)
        positions = positions_of(there.shape, self.window, self.stride, self.dilation)
        counts = np.zeros([max(count, 1) for count in positions])
        if min(positions) < 1:
            return counts + 1.0
        for entry in np.ndindex(*self.window):
            counts += there[
                tuple(
                    slice(number * gap, number * gap + (count - 1) * step + 1, step)
                    for number, gap, count, step in zip(
                        entry, self.dilation, positions, self.stride, strict=True
                    )
                )
            ]
        return counts
