"""What convolution and pooling share: sizes along the axes of space, padding, entries of windows.

x is (batch, *space, channels) throughout. Knows the program form and nothing of networks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value, make_literal
from misstep.ops.pieces import Pad, Slice, concatenate
from misstep.ops.shape import broadcast_to, reshape

Sizes = tuple[int, ...]
# Entries of a window that a program goes through one by one, each an op or more.
MOST_WRITTEN_OUT = 4096
Widths = tuple[tuple[int, int], ...]


def for_each_axis(setting: object, axes: int, what: str, least: int = 1) -> Sizes:
    """Return a whole number for each axis of space, from one for all or one for each.

    Raises ArgumentError for anything else, or for less than `least`.
    """
    numbers = (setting,) * axes if isinstance(setting, int) else setting
    fits = (
        isinstance(numbers, Sequence)
        and len(numbers) == axes
        and all(isinstance(number, int) and not isinstance(number, bool) for number in numbers)
        and min(numbers, default=least) >= least
    )
    if not fits or isinstance(setting, bool):
        raise ArgumentError(
            what, needed=f"a whole number of {least} or more, or {axes} of them", got=repr(setting)
        )
    return tuple(numbers)  # type: ignore[arg-type]


def padding_widths(
    padding: object, window: Sizes, dilation: Sizes, what: str = "padding"
) -> Widths:
    """Return how many entries are added before and after each axis of space.

    `padding`: "valid", "same", a number (or one for each axis), or for each axis a pair: how many
    before and how many after. `what`: what it is called in the ArgumentError for anything else.
    """
    if padding == "valid":
        return ((0, 0),) * len(window)
    if padding == "same":
        reach = [(size - 1) * apart for size, apart in zip(window, dilation, strict=True)]
        return tuple((width // 2, width - width // 2) for width in reach)
    if isinstance(padding, str):
        raise ArgumentError(what, needed='"same", "valid" or a number', got=repr(padding))
    if isinstance(padding, Sequence) and any(isinstance(pair, Sequence) for pair in padding):
        pairs = tuple(for_each_axis(pair, 2, what, 0) for pair in padding)
        if len(pairs) != len(window):
            raise ArgumentError(
                what, needed=f"a pair for each of {len(window)} axes", got=repr(padding)
            )
        return tuple((before, after) for before, after in pairs)
    return tuple((width, width) for width in for_each_axis(padding, len(window), what, 0))


def padded_space(x: Value, widths: Widths, fill: float = 0.0) -> Value:
    """Return x with entries of `fill` around its axes of space."""
    if not any(map(any, widths)):
        return x
    if fill == 0.0:
        before, after = ((0, *(pair[side] for pair in widths), 0) for side in (0, 1))
        return Pad(before, after, (0,) * x.ndim)(x)
    filler = make_literal(np.array(fill), x.dtype)
    for axis, counts in enumerate(widths, start=1):
        front, behind = (
            [broadcast_to(filler, (*x.shape[:axis], count, *x.shape[axis + 1 :]))] if count else []
            for count in counts
        )
        x = concatenate([*front, x, *behind], axis) if front or behind else x
    return x


def positions_of(space: Sizes, window: Sizes, stride: Sizes, dilation: Sizes) -> Sizes:
    """Return how many windows there are along each axis; 0 or less where there is none."""
    axes = zip(space, window, stride, dilation, strict=True)
    return tuple(
        (length - (size - 1) * apart - 1) // step + 1 for length, size, step, apart in axes
    )


def widths_to_the_end(
    space: Sizes, window: Sizes, stride: Sizes, dilation: Sizes, widths: Widths
) -> Widths:
    """Return the widths with so many entries more behind that no entry of x is left out.

    A last window must begin in x or in the padding before it: one of nothing but padding behind is
    no window.
    """
    result = []
    for length, size, step, apart, (before, after) in zip(
        space, window, stride, dilation, widths, strict=True
    ):
        reach = (size - 1) * apart + 1
        count = -(-(length + before + after - reach) // step) + 1
        if (count - 1) * step >= length + before:
            count -= 1
        more = (count - 1) * step + reach - (length + before + after)
        result.append((before, after + max(more, 0)))
    return tuple(result)


def check_room(x: Value, window: Sizes, dilation: Sizes, widths: Widths, what: str) -> None:
    """Raise ShapeError unless a window fits into x with so many entries around it."""
    axes = zip(x.shape[1:-1], window, dilation, widths, strict=True)
    room = [(length + sum(ends), (size - 1) * apart + 1) for length, size, apart, ends in axes]
    if any(there < needed for there, needed in room):
        least = " by ".join(
            str(max(needed - sum(ends), 1)) for (_, needed), ends in zip(room, widths, strict=True)
        )
        raise ShapeError(
            f"the input of {what}",
            needed=f"at least {least} entries for each channel",
            got=str(x.shape),
            try_="a smaller window, more padding, or fewer pools before it",
        )


def seen_through(x: Value, window: Sizes, stride: Sizes, dilation: Sizes) -> Iterator[Value]:
    """Yield, for each entry of a window in row-major order, what all windows see there.

    Each is (batch, *positions, …), whatever follows the axes of space.
    """
    axes = len(window)
    if math.prod(window) > MOST_WRITTEN_OUT:
        raise ArgumentError(
            "a window",
            needed=f"at most {MOST_WRITTEN_OUT:,} entries where each is written out",
            got=f"{math.prod(window):,}",
            try_="pooling over all, such as GlobalAveragePool2D",
        )
    positions = positions_of(x.shape[1 : 1 + axes], window, stride, dilation)
    rest = x.shape[1 + axes :]
    for entry in itertools.product(*map(range, window)):
        starts = tuple(index * apart for index, apart in zip(entry, dilation, strict=True))
        stops = tuple(
            start + (count - 1) * step + 1
            for start, count, step in zip(starts, positions, stride, strict=True)
        )
        ones = (1,) * len(rest)
        yield Slice(
            (0, *starts, *(0 for _ in rest)), (x.shape[0], *stops, *rest), (1, *stride, *ones)
        )(x)


def interleaved(phases: Sequence[Value], counts: Sizes) -> Value:
    """Return entries that lie in turn in each of `parts`, in row-major order along `counts`.

    `parts`: each (batch, *positions, channels) → (batch, *(positions · counts), channels).
    """
    if len(phases) == 1:
        return phases[0]
    batch, *positions, channels = phases[0].shape
    for axis in reversed(range(len(counts))):
        # What is joined already, along the axes behind, stands behind its own positions.
        at = axis + 2
        rows = [reshape(phase, (*phase.shape[:at], 1, *phase.shape[at:])) for phase in phases]
        size = counts[axis]
        phases = [
            concatenate(rows[start : start + size], at) if size > 1 else rows[start]
            for start in range(0, len(rows), size)
        ]
    (whole,) = phases
    space = (count * size for count, size in zip(positions, counts, strict=True))
    return reshape(whole, (batch, *space, channels))
