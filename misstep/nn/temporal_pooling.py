"""Layers that make one row of features of a sequence: means, largest, summaries over time.

Sequences: (batch, time, features). Steps that only fill up a sequence (the mask of
`nn/tracing.py`) do not count, and the mask ends here: what follows has no time. Knows no data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep import ops
from misstep.errors import ArgumentError
from misstep.ir import Value, make_literal
from misstep.nn.embedding import check_sequences
from misstep.nn.layers import positive_whole
from misstep.nn.module import LayerExample, Module
from misstep.nn.steps import step_numbers
from misstep.nn.tracing import current_trace
from misstep.ops import (
    cast,
    concatenate,
    equal,
    less,
    maximum,
    mean,
    reshape,
    slice_axis,
    sqrt,
    where,
)

# What is added to mean squares, so that the slope of their root stays finite where nothing changes.
EPSILON = 1e-6
# Pieces of a sequence in all: more than there are steps in most, and few enough that a stranger's
# model file can't take memory with a number.
MOST_PIECES = 1024


def _take_mask(x: Value) -> Value | None:
    """Return the mask of `x`, which ends here."""
    trace = current_trace()
    mask = trace.mask_of(x)
    trace.mask = None
    return mask


def _take_mask_or_ones(x: Value) -> tuple[Value, Value]:
    """Return the mask of `x`, (batch, time) and (batch, time, 1), which ends here."""
    mask = _take_mask(x)
    if mask is None:
        mask = make_literal(np.ones(x.shape[:2], x.dtype), x.dtype)
    return mask, reshape(mask, (*mask.shape, 1))


@dataclass(frozen=True)
class GlobalAveragePool1D(Module):
    """The mean of each feature over time: (batch, time, features) → (batch, features).

    Of masked sequences only the steps that count; 0 where none does. Raises ShapeError for what is
    no sequence.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.GlobalAveragePool1D(), input_shape=(2, 1))
    >>> network.predict([[[1.0], [3.0]]])
    array([[2.]], dtype=float32)
    """

    def forward(self, x: Value) -> Value:
        """Return the mean over time."""
        check_sequences(self, x)
        mask = _take_mask(x)
        if mask is None:
            return mean(x, 1)
        counted = maximum(ops.sum(mask, 1, keep=True), 1.0)
        return ops.sum(x * reshape(mask, (*mask.shape, 1)), 1) / counted

    def describe(self) -> str:
        """Return mean over time."""
        return "mean over time"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (4, 3)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield cls, (3,)


@dataclass(frozen=True)
class GlobalMaxPool1D(Module):
    """The largest of each feature over time: (batch, time, features) → (batch, features).

    Of masked sequences only the steps that count; 0 where none does. Raises ShapeError for what is
    no sequence.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.GlobalMaxPool1D(), input_shape=(2, 1))
    >>> network.predict([[[1.0], [3.0]]])
    array([[3.]], dtype=float32)
    """

    def forward(self, x: Value) -> Value:
        """Return the largest over time."""
        check_sequences(self, x)
        mask = _take_mask(x)
        if mask is None:
            return ops.max(x, 1)
        counts = reshape(mask, (*mask.shape, 1)) > 0.0
        # Finite, so that where nothing counts no infinity meets the slope 0.
        largest = ops.max(where(counts, x, float(np.finfo(x.dtype).min)), 1)
        return where(equal(ops.sum(mask, 1, keep=True), 0.0), 0.0, largest)

    def describe(self) -> str:
        """Return largest over time."""
        return "largest over time"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (4, 3)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield cls, (3,)


@dataclass(frozen=True)
class TemporalSummary(Module):
    """What a sequence is summed up by, feature by feature: (batch, time, f) → (batch, 8 · f).

    Mean, deviation, smallest, largest, first, last, trend and roughness. Trend: the share of the
    mean square along a straight line in time, with its sign, Σ (t − t̄)(x − x̄) / √(n Σ (t − t̄)²).
    Roughness: the root of the mean square of the change from one step to the next. Of masked
    sequences only the steps that count; 0 where none does. Raises ShapeError for what is no
    sequence.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.TemporalSummary(), input_shape=(3, 1))
    >>> network.predict([[[1.0], [2.0], [3.0]]]).round(2)
    array([[2.  , 0.82, 1.  , 3.  , 1.  , 3.  , 0.82, 0.82]], dtype=float32)
    """

    def forward(self, x: Value) -> Value:
        """Return the eight numbers of each feature, all means first."""
        check_sequences(self, x)
        rows, steps, features = x.shape
        mask, columns = _take_mask_or_ones(x)
        count = ops.sum(mask, 1, keep=True)
        n, empty = maximum(count, 1.0), equal(count, 0.0)
        mean = ops.sum(x * columns, 1) / n
        centered = (x - reshape(mean, (rows, 1, features))) * columns
        deviation = sqrt(ops.sum(centered * centered, 1) / n + EPSILON)
        limit = float(np.finfo(x.dtype).max)
        low = where(empty, 0.0, ops.min(where(columns > 0.0, x, limit), 1))
        high = where(empty, 0.0, ops.max(where(columns > 0.0, x, -limit), 1))
        times = step_numbers(x, steps)
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
        yield cls(), (4, 3)
        yield cls(), (1, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
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
        pieces = self.pieces if isinstance(self.pieces, tuple | list) else (self.pieces,)
        for count in pieces:
            positive_whole("TemporalPooling", "pieces", count)
        if not pieces:
            raise ArgumentError(
                "pieces of TemporalPooling", needed="one number or more", got="none"
            )
        if sum(pieces) > MOST_PIECES:
            raise ArgumentError(
                "pieces of TemporalPooling",
                needed=f"at most {MOST_PIECES:,} in all",
                got=f"{sum(pieces):,}",
            )
        object.__setattr__(self, "pieces", tuple(pieces))

    def forward(self, x: Value) -> Value:
        """Return mean and largest of each piece, side by side."""
        check_sequences(self, x)
        steps = x.shape[1]
        mask, _ = _take_mask_or_ones(x)
        length, times = ops.sum(mask, 1, keep=True), step_numbers(x, steps)
        limit = float(np.finfo(x.dtype).max)
        rows, _, features = x.shape
        # Step t of n is in piece ⌊t · pieces / n⌋ of as many; all pieces lie along one axis.
        pieces = np.array([(count, at) for count in self.pieces for at in range(count)], x.dtype)
        many, number = (make_literal(pieces[:, None, column], x.dtype) for column in (0, 1))
        offset = reshape(times, (1, 1, steps)) * many - reshape(length, (rows, 1, 1)) * number
        whole = reshape(mask, (rows, 1, steps))
        ahead = less(offset, reshape(length, (rows, 1, 1)))
        inside = where(offset >= 0.0, where(ahead, whole, 0.0), 0.0)
        count = ops.sum(inside, 2, keep=True)
        means = (inside @ x) / maximum(count, 1.0)
        wide = reshape(inside, (rows, len(pieces), steps, 1)) > 0.0
        most = ops.max(where(wide, reshape(x, (rows, 1, steps, features)), -limit), 2)
        most = where(equal(count, 0.0), 0.0, most)
        return reshape(concatenate([means, most], -1), (rows, 2 * len(pieces) * features))

    def describe(self) -> str:
        """Return mean and largest over time in 1, 2 and 4 pieces."""
        *most, last = map(str, self.pieces)
        words = f"{', '.join(most)} and {last}" if most else last
        return f"mean and largest over time in {words} piece{'' if words == '1' else 's'}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (4, 3)
        yield cls((1, 3)), (5, 2)
        yield cls((2,)), (1, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(()), (4, 2)
        yield lambda: cls((0,)), (4, 2)
        yield lambda: cls((1, MOST_PIECES)), (4, 2)
        yield cls, (3,)
