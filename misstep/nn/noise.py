"""Noise as a layer: what a network learns from differs each time it is seen, by noise or gaps.

Knows values of any shape, no data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace
from misstep.ops import cos, log1p, sqrt, where


@dataclass(frozen=True)
class GaussianNoise(Module):
    """In training, each entry gets normal noise of this `deviation`; evaluation changes nothing.

    Noise on the inputs keeps small sets from being learned by heart; of small deviation it is much
    like a penalty on slopes (Bishop, 1995). Any shape. Raises ArgumentError for a deviation below
    0.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.GaussianNoise(0.1), input_shape=(2,))
    >>> network.predict([[1.0, 2.0]])
    array([[1., 2.]], dtype=float32)
    """

    deviation: float = 0.1

    def __post_init__(self) -> None:
        number = isinstance(self.deviation, int | float) and not isinstance(self.deviation, bool)
        if not number or not 0 <= self.deviation <= np.finfo("float64").max:
            raise ArgumentError(
                "deviation of GaussianNoise", needed="0 or more", got=repr(self.deviation)
            )

    def forward(self, x: Value) -> Value:
        """Return x with noise in training, x itself in evaluation."""
        trace = current_trace()
        if not trace.training or self.deviation == 0:
            return x
        # Box and Muller (1958); 1 − u is never 0, so the logarithm is finite.
        radius = sqrt(-2.0 * log1p(-trace.random_uniform(x.shape)))
        return x + radius * cos(2 * np.pi * trace.random_uniform(x.shape)) * self.deviation

    def describe(self) -> str:
        """Return noise of deviation 0.1."""
        return f"noise of deviation {self.deviation:g}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(0.2), (4, 3)
        yield cls(0.0), (2,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(-0.1), (4,)
        yield lambda: cls("some"), (4,)  # type: ignore[arg-type]


@dataclass(frozen=True)
class SpatialDropout(Module):
    """In training, each channel of a row is 0 everywhere with probability `rate` (Tompson, 2015).

    x: (batch, …, channels), of sequences or images. The others grow by 1 / (1 − rate); evaluation
    changes nothing. Neighbors in time or place say much the same, so that dropping single entries
    would take little away. Raises ArgumentError for a rate outside [0, 1), ShapeError for an input
    without channels.

    >>> import misstep as ms
    >>> ms.Network(ms.nn.SpatialDropout(0.2), input_shape=(10, 3)).output_shape
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
                try_="ms.nn.SpatialDropout(0.2) to drop a fifth of the channels",
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
        yield cls(0.3), (4, 3)
        yield cls(0.5), (2, 2, 2)
        yield cls(0.0), (5,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(1.0), (4, 3)
        yield lambda: cls(-0.1), (4, 3)
        yield lambda: cls("some"), (4, 3)  # type: ignore[arg-type]
        yield cls, ()
