"""Layers that look things up by number: Embedding, and what tells sequences where they are.

A network takes floats; whole numbers up to 2²⁴ are exact in float32, so positions come as they
are and are cast where they are looked up. Sequences: (batch, time, features).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Array, Value, as_array, make_literal
from misstep.nn.initializers import Fans, Initializer, Normal
from misstep.nn.layers import positive_whole
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace
from misstep.ops import cast, cos, equal, gather, logical_not, reshape, sin, where

# Above it, float32 does not hold every whole number.
MOST_IN_FLOAT32 = 2**24


@dataclass(frozen=True, eq=False)
class _Rows(Initializer, inside=True):
    """Rows that were given, or drawn by `base`, with zeros in the row `padding`."""

    base: Initializer
    rows: Array | None
    padding: int | None

    def __post_init__(self) -> None:
        """All of it was looked at by the layer."""

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        drawn = self.base.draw(shape, fans, seed, stream) if self.rows is None else self.rows
        drawn = np.array(drawn, "float64")
        if self.padding is not None:
            drawn[self.padding] = 0.0
        return drawn


@dataclass(frozen=True)
class Embedding(Module):
    """A vector for each whole number: row k of a table of `count` rows for the number k.

    x: (batch, …) whole numbers from 0 to count − 1 → (batch, …, features); table: (count,
    features). `padding`: a number whose vector is zeros and stays so, which fills up sequences
    (batch, time); layers that sum, compare or remember along time then pass over it. `mask=True`
    without `padding` takes 0 for it. `vectors`: (count, features), the first numbers, as
    `ms.data.read_vectors` reads them; drawn with deviation 1 / √features (vectors of about length
    1) when left out. `trainable=False`: they stay as they are; a model file keeps them all the
    same.

    Raises ArgumentError for counts below 1, padding outside the table or more rows than the
    network's numbers can count; ShapeError for vectors of another shape. The network's rows are
    looked at before they are used: a fraction, or a number outside the table, is a DataError.

    >>> import misstep as ms
    >>> network = ms.Network(ms.Embedding(3, 2, vectors=[[0, 0], [1, 2], [3, 4]]), input_shape=(2,))
    >>> network.predict([[2, 1]])
    array([[[3., 4.],
            [1., 2.]]], dtype=float32)
    """

    count: int
    features: int
    mask: bool = False
    padding: int | None = None
    vectors: npt.ArrayLike | None = field(default=None, compare=False, repr=False)
    trainable: bool = True

    def __post_init__(self) -> None:
        positive_whole("Embedding", "count", self.count)
        positive_whole("Embedding", "features", self.features)
        for name in ("mask", "trainable"):
            if not isinstance(getattr(self, name), bool):
                raise ArgumentError(
                    f"{name} of Embedding", needed="True or False", got=repr(getattr(self, name))
                )
        if self.padding is not None:
            whole = isinstance(self.padding, int) and not isinstance(self.padding, bool)
            if not whole or not 0 <= self.padding < self.count:
                raise ArgumentError(
                    "padding of Embedding",
                    needed=f"a number from 0 to {self.count - 1}",
                    got=repr(self.padding),
                )
        if self.vectors is not None:
            object.__setattr__(self, "vectors", self._checked(self.vectors))

    def _checked(self, vectors: npt.ArrayLike) -> Array:
        rows = np.array(as_array(vectors), "float64")
        if rows.shape != (self.count, self.features):
            raise ShapeError(
                "vectors of Embedding",
                needed=f"shape ({self.count}, {self.features})",
                got=str(rows.shape),
            )
        if not np.isfinite(rows).all():
            raise ArgumentError("vectors of Embedding", needed="finite numbers", got="others")
        rows.flags.writeable = False
        return rows

    def forward(self, x: Value) -> Value:
        """Return the vector of each number."""
        trace = current_trace()
        if x.ndim < 1:
            raise ShapeError("the input of Embedding", needed="(batch, …)", got=str(x.shape))
        if x.dtype == "float32" and self.count > MOST_IN_FLOAT32:
            raise ArgumentError(
                "count of Embedding",
                needed=f"at most {MOST_IN_FLOAT32:,} in a float32 network",
                got=f"{self.count:,}",
                try_='dtype="float64"',
            )
        trace.takes_positions(x, self.count)
        rows: Array | None = None if self.vectors is None else as_array(self.vectors)
        padding = 0 if self.mask and self.padding is None else self.padding
        shape = (self.count, self.features)
        first = _Rows(Normal(1.0 / math.sqrt(self.features)), rows, padding)
        if self.trainable:
            table = self.parameter("vectors", shape, first)
        else:
            table = self.buffer("vectors", shape, first)
        vectors = gather(table, cast(x, "int64"))
        if padding is None:
            return vectors
        filler = equal(x, float(padding) if x.type.is_float else padding)
        if x.ndim == 2:
            trace.mask = cast(logical_not(filler), trace.dtype)
        return where(reshape(filler, (*x.shape, 1)), 0.0, vectors)

    def configuration(self) -> dict[str, Any]:
        """Return the kind and the settings; the vectors are kept where all weights are."""
        settings = super().configuration()
        del settings["vectors"]
        return settings

    def describe(self) -> str:
        """Return embedding of 20,000, 64 features."""
        words = f"embedding of {self.count:,}, {self.features} features"
        return words if self.trainable else f"{words}, frozen"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(5, 3), (4,)
        yield cls(4, 2, padding=0), (3,)
        yield cls(3, 2, mask=True), (2,)
        yield cls(6, 2), (2, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0, 2), (4,)
        yield lambda: cls(5, 2.5), (4,)  # type: ignore[arg-type]
        yield lambda: cls(5, 2, padding=5), (4,)
        yield lambda: cls(5, 2, padding=True), (4,)
        yield lambda: cls(5, 2, mask="yes"), (4,)  # type: ignore[arg-type]
        yield lambda: cls(5, 2, vectors=np.zeros((5, 3))), (4,)
        yield lambda: cls(1, 1, vectors=[[math.inf]]), (4,)
        yield lambda: cls(2**25, 1), (4,)


def check_sequences(layer: object, x: Value) -> None:
    """Raise ShapeError unless `x` is (batch, time, features) with a step and a feature or more."""
    if x.ndim != 3 or 0 in x.shape[1:]:
        raise ShapeError(
            f"the input of {layer}",
            needed="sequences (batch, time, features)",
            got=str(x.shape),
            try_="input_shape=(time, features); for words, an ms.Embedding before it",
        )


@dataclass(frozen=True)
class PositionEmbedding(Module):
    """Adds to each step of a sequence a vector of its place, which is learned.

    x: (batch, time, features) → the same shape; table: (time, features), drawn with deviation 0.02
    (Devlin and others, 2019). Raises ShapeError for what is no sequence.

    >>> import misstep as ms
    >>> layers = ms.Sequential(ms.Embedding(100, 8), ms.nn.PositionEmbedding())
    >>> ms.Network(layers, input_shape=(5,)).parameter_count
    840
    """

    def forward(self, x: Value) -> Value:
        """Return x plus the vector of each place."""
        check_sequences(self, x)
        return x + self.parameter("vectors", x.shape[1:], Normal(0.02))

    def describe(self) -> str:
        """Return learned vectors of places."""
        return "learned vectors of places"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (3, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield cls, (3,)


@dataclass(frozen=True)
class PositionalEncoding(Module):
    """Adds to each step of a sequence sines and cosines of its place (Vaswani and others, 2017).

    x: (batch, time, features) → the same shape. Feature 2k gets sin(t / base^(2k / features)),
    feature 2k + 1 the cosine of the same; t counts from 0. Nothing is learned. Raises ArgumentError
    for a base of 1 or less, ShapeError for what is no sequence.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.PositionalEncoding(), input_shape=(2, 2))
    >>> network.predict([[[0.0, 0.0], [0.0, 0.0]]]).round(3)
    array([[[0.   , 1.   ],
            [0.841, 0.54 ]]], dtype=float32)
    """

    base: float = 10_000.0

    def __post_init__(self) -> None:
        number = isinstance(self.base, int | float) and not isinstance(self.base, bool)
        if not number or not 1 < self.base < math.inf:
            raise ArgumentError(
                "base of PositionalEncoding", needed="a number above 1", got=repr(self.base)
            )

    def forward(self, x: Value) -> Value:
        """Return x plus the waves of each place."""
        check_sequences(self, x)
        time, features = x.shape[1:]
        pair = np.arange(features) // 2 * 2
        slowness = np.power(float(self.base), pair / features)
        # Worked out in the program, in float64: as numbers they would be as many as the steps take.
        angle = make_literal(np.arange(time)[:, np.newaxis], "float64") / slowness
        even = make_literal(np.arange(features) % 2 == 0, "bool")
        return x + cast(where(even, sin(angle), cos(angle)), x.dtype)

    def describe(self) -> str:
        """Return waves of places."""
        return "waves of places"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (4, 3)
        yield cls(100.0), (2, 4)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(1.0), (3, 2)
        yield lambda: cls("long"), (3, 2)  # type: ignore[arg-type]
        yield cls, (3,)
