"""Layers that make one row of features of a sequence, and dropout of whole channels.

Sequences: (batch, time, features). Steps that only fill up a sequence (the mask of
`nn/tracing.py`) do not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep import ops
from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.nn.embedding import check_sequences
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace
from misstep.ops import equal, maximum, mean, reshape, where


def _mask_taken(x: Value) -> Value | None:
    """Return the mask of `x`, which ends here: what follows has no time."""
    trace = current_trace()
    mask = trace.mask_of(x)
    trace.mask = None
    return mask


@dataclass(frozen=True)
class GlobalAveragePool1D(Module):
    """The mean of each feature over time: (batch, time, features) → (batch, features).

    Of masked sequences only the steps that count; 0 where none does. Raises ShapeError for what is
    no sequence.

    >>> import misstep as ms
    >>> network = ms.Network(ms.GlobalAveragePool1D(), input_shape=(2, 1))
    >>> network.predict([[[1.0], [3.0]]])
    array([[2.]], dtype=float32)
    """

    def forward(self, x: Value) -> Value:
        """Return the mean over time."""
        check_sequences(self, x)
        mask = _mask_taken(x)
        if mask is None:
            return mean(x, 1)
        counted = maximum(ops.sum(mask, 1, keep=True), 1.0)
        return ops.sum(x * reshape(mask, (*mask.shape, 1)), 1) / counted

    def describe(self) -> str:
        """Return mean over time."""
        return "mean over time"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        """Yield layers that must work."""
        yield cls(), (4, 3)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield layers that must be refused."""
        yield cls, (3,)


@dataclass(frozen=True)
class GlobalMaxPool1D(Module):
    """The largest of each feature over time: (batch, time, features) → (batch, features).

    Of masked sequences only the steps that count; 0 where none does. Raises ShapeError for what is
    no sequence.

    >>> import misstep as ms
    >>> network = ms.Network(ms.GlobalMaxPool1D(), input_shape=(2, 1))
    >>> network.predict([[[1.0], [3.0]]])
    array([[3.]], dtype=float32)
    """

    def forward(self, x: Value) -> Value:
        """Return the largest over time."""
        check_sequences(self, x)
        mask = _mask_taken(x)
        if mask is None:
            return ops.max(x, 1)
        counts = reshape(mask, (*mask.shape, 1)) > 0.0
        # Finite, so that where nothing counts no infinity meets the slope 0.
        found = ops.max(where(counts, x, float(np.finfo(x.dtype).min)), 1)
        return where(equal(ops.sum(mask, 1, keep=True), 0.0), 0.0, found)

    def describe(self) -> str:
        """Return largest over time."""
        return "largest over time"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        """Yield layers that must work."""
        yield cls(), (4, 3)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield layers that must be refused."""
        yield cls, (3,)


@dataclass(frozen=True)
class SpatialDropout(Module):
    """In training, each channel of a row is 0 everywhere with probability `rate` (Tompson, 2015).

    x: (batch, …, channels), of sequences or images. The others grow by 1 / (1 − rate); evaluation
    changes nothing. Neighbors in time or place say much the same, so that dropping single entries
    would take little away. Raises ArgumentError for a rate outside [0, 1), ShapeError for an input
    without channels.

    >>> import misstep as ms
    >>> ms.Network(ms.SpatialDropout(0.2), input_shape=(10, 3)).output_shape
    (10, 3)
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        number = isinstance(self.rate, int | float) and not isinstance(self.rate, bool)
        if not number or not 0 <= self.rate < 1:
            raise ArgumentError(
                "rate of SpatialDropout",
                needed="a share from 0 up to but not 1",
                got=repr(self.rate),
                try_="ms.SpatialDropout(0.2) to drop a fifth of the channels",
            )

    def forward(self, x: Value) -> Value:
        """Return x with channels dropped in training, x itself in evaluation."""
        trace = current_trace()
        if x.ndim < 2:
            raise ShapeError(
                "the input of SpatialDropout", needed="(batch, …, channels)", got=str(x.shape)
            )
        if not trace.training or self.rate == 0:
            return x
        shape = (x.shape[0], *(1 for _ in x.shape[1:-1]), x.shape[-1])
        kept = trace.random_uniform(shape) >= self.rate
        return where(kept, x * (1.0 / (1.0 - self.rate)), 0.0)

    def describe(self) -> str:
        """Return dropout of 5% of the channels."""
        return f"dropout of {100 * self.rate:g}% of the channels"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        """Yield layers that must work."""
        yield cls(0.3), (4, 3)
        yield cls(0.5), (2, 2, 2)
        yield cls(0.0), (5,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield layers that must be refused."""
        yield lambda: cls(1.0), (4, 3)
        yield lambda: cls(-0.1), (4, 3)
        yield lambda: cls("some"), (4, 3)  # type: ignore[arg-type]
        yield cls, ()
