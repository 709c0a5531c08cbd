"""A weighted sum of vectors that are looked up by number: EmbeddingBag.

What a text is once its order is given up: so many terms, each with a weight. Sparse rows over a
large vocabulary stay short, because a row holds its own terms only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from misstep import ops
from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.nn.embedding import MOST_IN_FLOAT32
from misstep.nn.initializers import Initializer, Normal, Zeros
from misstep.nn.layers import positive_whole
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace
from misstep.ops import cast, gather, reshape, slice_axis
from misstep.text.counts import plural

# Small enough that the sum starts near its bias whatever is in the bag, as a linear model does.
DEVIATION = 0.01


@dataclass(frozen=True)
class EmbeddingBag(Module):
    """Σ wᵢ · E[kᵢ] + b over the terms of a row: (batch, 2 · terms) → (batch, features).

    The first half of a row are whole numbers kᵢ from 0 to count − 1, the second half their weights
    wᵢ; E: (count, features), b: (features,). A term of weight 0 is not there, so that rows with
    fewer terms are filled up with zeros. With one feature it is a linear model on a row of `count`
    numbers that are mostly 0. `initializer`: how E is drawn; with deviation 0.01 when left out, so
    that all bags begin alike. `bias`: whether b is there.

    Raises ArgumentError for counts below 1 or more than the network's numbers can count,
    ShapeError for rows with an odd number of entries. The network's rows are looked at before they
    are used: a fraction, or a number outside the table, is a DataError.

    >>> import misstep as ms
    >>> layer = ms.EmbeddingBag(4, 2, initializer=ms.initializers.Constant(1.0))
    >>> network = ms.Network(layer, input_shape=(6,))
    >>> network.predict([[3, 1, 0, 0.5, 2.0, 0.0]])
    array([[2.5, 2.5]], dtype=float32)
    """

    count: int
    features: int
    bias: bool = True
    initializer: Initializer | None = None

    def __post_init__(self) -> None:
        positive_whole("EmbeddingBag", "count", self.count)
        positive_whole("EmbeddingBag", "features", self.features)
        if not isinstance(self.bias, bool):
            raise ArgumentError("bias of EmbeddingBag", needed="True or False", got=repr(self.bias))
        if self.initializer is not None and not isinstance(self.initializer, Initializer):
            raise ArgumentError(
                "initializer of EmbeddingBag",
                needed="an initializer such as ms.initializers.Zeros()",
                got=repr(self.initializer),
            )

    def forward(self, x: Value) -> Value:
        """Return the weighted sum of each row's vectors."""
        if x.ndim != 2 or x.shape[1] % 2 or not x.shape[1]:
            raise ShapeError(
                f"the input of {self}",
                needed="(batch, terms and as many weights)",
                got=str(x.shape),
            )
        if x.dtype == "float32" and self.count > MOST_IN_FLOAT32:
            raise ArgumentError(
                "count of EmbeddingBag",
                needed=f"at most {MOST_IN_FLOAT32:,} in a float32 network",
                got=f"{self.count:,}",
                try_='dtype="float64"',
            )
        terms = x.shape[1] // 2
        numbers, weights = slice_axis(x, 1, 0, terms), slice_axis(x, 1, terms, 2 * terms)
        current_trace().takes_positions(numbers, self.count)
        current_trace().mask = None
        initializer = self.initializer or Normal(DEVIATION)
        table = self.parameter("vectors", (self.count, self.features), initializer)
        # The nearest whole number, so that a hair's breadth below 3 is not 2.
        vectors = gather(table, cast(numbers + 0.5, "int64"))
        y = ops.sum(vectors * reshape(weights, (*weights.shape, 1)), 1)
        if self.bias:
            y = y + self.parameter("bias", (self.features,), Zeros(), regularized=False)
        return y

    def describe(self) -> str:
        """Return embedding bag of 20,000 terms, 16 features."""
        features = f"{self.features} {plural(self.features, 'feature')}"
        words = f"embedding bag of {self.count:,} terms, {features}"
        return words if self.bias else f"{words}, no bias"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(5, 3, initializer=Normal(0.5)), (4,)
        yield cls(3, 1, bias=False), (2,)
        yield cls(6, 2), (6,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0, 2), (4,)
        yield lambda: cls(5, 2.5), (4,)  # type: ignore[arg-type]
        yield lambda: cls(5, 2, bias="no"), (4,)  # type: ignore[arg-type]
        yield lambda: cls(5, 2, initializer="zeros"), (4,)  # type: ignore[arg-type]
        yield lambda: cls(5, 2), (3,)
        yield lambda: cls(5, 2), (4, 2)
        yield lambda: cls(2**25, 1), (4,)
