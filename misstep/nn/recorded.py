"""Layers for recorded sequences: a flat row as steps, and what sequences are summed up by.

Sequences: (batch, time, features). Which steps count is the mask of `tracing.py`: what is summed up
over time takes no other. Knows no data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep import ops
from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value, make_literal
from misstep.nn.embedding import check_sequences
from misstep.nn.layers import positive_whole
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace
from misstep.ops import cast, concatenate, equal, less, maximum, reshape, slice_axis, sqrt, where

# What is added to mean squares, so that the slope of their root stays finite where nothing changes.
EPSILON = 1e-6
# Pieces of a sequence in all: more than there are steps in most, and few enough that a stranger's
# model file can't take memory with a number.
MOST_PIECES = 1024


@dataclass(frozen=True)
class Steps(Module):
    """A flat row as a sequence: (batch, steps · channels + 1) → (batch, steps, channels).

    The last entry of a row says which share of its steps count, n / steps for the first n; those
    behind fill up, and layers that sum, compare or remember along time pass over them.

    Raises ArgumentError for steps or channels below 1, ShapeError for rows of another length.

    >>> import misstep as ms
    >>> network = ms.Network(ms.Sequential(ms.Steps(3, 1), ms.GlobalMaxPool1D()), input_shape=(4,))
    >>> network.predict([[1.0, 2.0, 9.0, 2 / 3], [1.0, 2.0, 9.0, 1.0]])
    array([[2.],
           [9.]], dtype=float32)
    """

    steps: int
    channels: int

    def __post_init__(self) -> None:
        positive_whole("Steps", "steps", self.steps)
        positive_whole("Steps", "channels", self.channels)

    def forward(self, x: Value) -> Value:
        """Return the steps, and set the mask of those that count."""
        size = self.steps * self.channels
        if x.ndim != 2 or x.shape[1] != size + 1:
            raise ShapeError(
                f"the input of {self}",
                needed=f"{size:,} numbers and a share in a row",
                got=str(x.shape),
            )
        # Half a step more than the time is between two numbers of steps, however they are rounded.
        length = slice_axis(x, 1, size, size + 1) * float(self.steps)
        current_trace().mask = cast(less(_times(x, self.steps) + 0.5, length), x.dtype)
        return reshape(slice_axis(x, 1, 0, size), (x.shape[0], self.steps, self.channels))

    def describe(self) -> str:
        """Return 100 steps of 6 channels."""
        return f"{self.steps} steps of {self.channels} channel{'' if self.channels == 1 else 's'}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        """Yield layers that must work."""
        yield cls(3, 2), (7,)
        yield cls(1, 1), (2,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield layers that must be refused."""
        yield lambda: cls(0, 2), (1,)
        yield lambda: cls(2, 1.5), (4,)  # type: ignore[arg-type]
        yield lambda: cls(3, 2), (6,)
        yield lambda: cls(3, 2), (7, 1)


@dataclass(frozen=True)
class TemporalSummary(Module):
    """What a sequence is summed up by, feature by feature: (batch, time, f) → (batch, 8 · f).

    Mean, deviation, smallest, largest, first, last, trend and roughness. Trend: the share of the
    mean square along a straight line in time, with its sign, Σ (t − t̄)(x − x̄) / √(n Σ (t − t̄)²).
    Roughness: the root of the mean square of the change from one step to the next. Of masked
    sequences only the steps that count; 0 where none does. Raises ShapeError for what is no
    sequence.

    >>> import misstep as ms
    >>> network = ms.Network(ms.TemporalSummary(), input_shape=(3, 1))
    >>> network.predict([[[1.0], [2.0], [3.0]]]).round(2)
    array([[2.  , 0.82, 1.  , 3.  , 1.  , 3.  , 0.82, 0.82]], dtype=float32)
    """

    def forward(self, x: Value) -> Value:
        """Return the eight numbers of each feature, all means first."""
        check_sequences(self, x)
        rows, steps, features = x.shape
        mask, columns = _mask_taken(x)
        count = ops.sum(mask, 1, keep=True)
        n, empty = maximum(count, 1.0), equal(count, 0.0)
        mean = ops.sum(x * columns, 1) / n
        centered = (x - reshape(mean, (rows, 1, features))) * columns
        deviation = sqrt(ops.sum(centered * centered, 1) / n + EPSILON)
        limit = float(np.finfo(x.dtype).max)
        low = where(empty, 0.0, ops.min(where(columns > 0.0, x, limit), 1))
        high = where(empty, 0.0, ops.max(where(columns > 0.0, x, -limit), 1))
        times = _times(x, steps)
        ends = [
            ops.sum(x * reshape(cast(equal(times, at), x.dtype), (-1, steps, 1)) * columns, 1)
            for at in (make_literal(np.zeros((rows, 1), x.dtype), x.dtype), n - 1.0)
        ]
        moment = (times - (n - 1.0) * 0.5) * mask
        spread = maximum(ops.sum(moment * moment, 1, keep=True), EPSILON)
        trend = ops.sum(centered * reshape(moment, (rows, steps, 1)), 1) / sqrt(spread * n)
        if steps > 1:
            change = slice_axis(x, 1, 1, steps) - slice_axis(x, 1, 0, steps - 1)
            change = change * slice_axis(columns, 1, 1, steps)
            squares = ops.sum(change * change, 1)
        else:
            squares = mean * 0.0
        rough = sqrt(squares / n + EPSILON)
        return concatenate([mean, deviation, low, high, *ends, trend, rough], -1)

    def describe(self) -> str:
        """Return summary over time."""
        return "summary over time"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        """Yield layers that must work."""
        yield cls(), (4, 3)
        yield cls(), (1, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield layers that must be refused."""
        yield cls, (3,)


@dataclass(frozen=True)
class TemporalPooling(Module):
    """Mean and largest of each feature over a whole sequence and over equal pieces of it.

    (batch, time, features) → (batch, 2 · features · Σ pieces). `pieces`: numbers of pieces; (1, 2,
    4) is the whole, its halves and its quarters, so that what follows knows roughly when something
    was (spatial pyramids: Lazebnik, Schmid and Ponce, 2006). Of masked sequences only the steps
    that count are cut into pieces; 0 where a piece has none.

    Raises ArgumentError for pieces that are none or more than 1,024, ShapeError for what is no
    sequence.

    >>> import misstep as ms
    >>> network = ms.Network(ms.TemporalPooling((1, 2)), input_shape=(4, 1))
    >>> network.predict([[[1.0], [3.0], [5.0], [9.0]]])  # the whole, first half, second half
    array([[4.5, 9. , 2. , 3. , 7. , 9. ]], dtype=float32)
    """

    pieces: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        given = self.pieces if isinstance(self.pieces, tuple | list) else (self.pieces,)
        for one in given:
            positive_whole("TemporalPooling", "pieces", one)
        if not given:
            raise ArgumentError(
                "pieces of TemporalPooling", needed="one number or more", got="none"
            )
        if sum(given) > MOST_PIECES:
            raise ArgumentError(
                "pieces of TemporalPooling",
                needed=f"at most {MOST_PIECES:,} in all",
                got=f"{sum(given):,}",
            )
        object.__setattr__(self, "pieces", tuple(given))

    def forward(self, x: Value) -> Value:
        """Return mean and largest of each piece, side by side."""
        check_sequences(self, x)
        steps = x.shape[1]
        mask, _ = _mask_taken(x)
        length, times = ops.sum(mask, 1, keep=True), _times(x, steps)
        limit = float(np.finfo(x.dtype).max)
        rows, _, features = x.shape
        # Step t of n is in piece ⌊t · pieces / n⌋ of as many; all pieces lie along one axis.
        parts = np.array([(one, at) for one in self.pieces for at in range(one)], x.dtype)
        many, number = (make_literal(parts[:, None, column], x.dtype) for column in (0, 1))
        place = reshape(times, (1, 1, steps)) * many - reshape(length, (rows, 1, 1)) * number
        whole = reshape(mask, (rows, 1, steps))
        ahead = less(place, reshape(length, (rows, 1, 1)))
        inside = where(place >= 0.0, where(ahead, whole, 0.0), 0.0)
        count = ops.sum(inside, 2, keep=True)
        means = (inside @ x) / maximum(count, 1.0)
        wide = reshape(inside, (rows, len(parts), steps, 1)) > 0.0
        most = ops.max(where(wide, reshape(x, (rows, 1, steps, features)), -limit), 2)
        most = where(equal(count, 0.0), 0.0, most)
        return reshape(concatenate([means, most], -1), (rows, 2 * len(parts) * features))

    def describe(self) -> str:
        """Return mean and largest over time in 1, 2 and 4 pieces."""
        *most, last = map(str, self.pieces)
        words = f"{', '.join(most)} and {last}" if most else last
        return f"mean and largest over time in {words} piece{'' if words == '1' else 's'}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        """Yield layers that must work."""
        yield cls(), (4, 3)
        yield cls((1, 3)), (5, 2)
        yield cls((2,)), (1, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield layers that must be refused."""
        yield lambda: cls(()), (4, 2)
        yield lambda: cls((0,)), (4, 2)
        yield lambda: cls((1, MOST_PIECES)), (4, 2)
        yield cls, (3,)


def _times(x: Value, steps: int) -> Value:
    """Return the number of each step, (1, steps)."""
    return make_literal(np.arange(steps, dtype=x.dtype)[None], x.dtype)


def _mask_taken(x: Value) -> tuple[Value, Value]:
    """Return the mask of `x`, (batch, time) and (batch, time, 1), which ends here."""
    trace = current_trace()
    mask = trace.mask_of(x)
    trace.mask = None
    if mask is None:
        mask = make_literal(np.ones(x.shape[:2], x.dtype), x.dtype)
    return mask, reshape(mask, (*mask.shape, 1))
