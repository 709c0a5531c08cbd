"""Numbers as waves: `PeriodicEmbedding` gives a dense layer sight of the fine grain of a number.

A dense layer bends slowly along one number; beside each number this one lays a few mixtures of
waves of it, long and short ones. Knows values, no tables.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Array, Value
from misstep.nn.initializers import Fans, GlorotUniform, Initializer, Uniform, Zeros, normal_draws
from misstep.nn.layers import positive_whole
from misstep.nn.module import LayerExample, Module
from misstep.ops import concatenate, cos, reshape, slice_axis, transpose


@dataclass(frozen=True)
class _Ladder(Initializer, inside=True):
    """Normal draws of mean 0 whose deviation climbs by equal factors along the last axis."""

    lowest: float
    highest: float

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        return normal_draws(shape, seed, stream) * np.geomspace(
            self.lowest, self.highest, shape[-1]
        )


@dataclass(frozen=True)
class PeriodicEmbedding(Module):
    """Behind the features come, for each feature in `columns`, mixtures of waves of it.

    x: (batch, …, features) → (batch, …, features + columns · size). For the number z of a column:
    cos(2π z f + φ) W + b, with `frequencies` f and phases φ, W: (frequencies, size), b: (size,),
    all learned, for each column and for each entry of the axes between (the members of an
    `Ensemble`) its own. Periodic embeddings are those of Gorishniy, Rubachev and Babenko, 2022,
    in the form of Holzmüller and others, 2024, which keeps the number itself. Frequencies are drawn
    normal of mean 0; their deviations climb from `lowest` to `highest` turns per unit, so that no
    single scale has to suit all numbers. `columns`: which features, None: all.

    Raises ArgumentError for settings that can't work, ShapeError for an input without such columns.

    >>> import misstep as ms
    >>> layer = ms.PeriodicEmbedding(columns=(0, 2), frequencies=8, size=3)
    >>> ms.Network(layer, input_shape=(5,)).output_shape  # 5 + 2 × 3
    (11,)
    """

    columns: Sequence[int] | None = None
    frequencies: int = 16
    size: int = 4
    lowest: float = 0.1
    highest: float = 16.0

    def __post_init__(self) -> None:
        positive_whole("PeriodicEmbedding", "frequencies", self.frequencies)
        positive_whole("PeriodicEmbedding", "size", self.size)
        for name in ("lowest", "highest"):
            number = getattr(self, name)
            sound = isinstance(number, int | float) and not isinstance(number, bool)
            if not sound or not 0 < number < math.inf:
                raise ArgumentError(
                    f"{name} of PeriodicEmbedding", needed="a number above 0", got=repr(number)
                )
        if self.columns is None:
            return
        numbers: Any = self.columns if isinstance(self.columns, tuple | list) else ()
        columns = [
            number for number in numbers if isinstance(number, int) and not isinstance(number, bool)
        ]
        if not columns or len(columns) != len(numbers) or len(set(columns)) != len(columns):
            raise ArgumentError(
                "columns of PeriodicEmbedding",
                got=repr(self.columns),
                needed="different whole numbers, one or more, or None for all features",
            )
        object.__setattr__(self, "columns", tuple(columns))

    def forward(self, x: Value) -> Value:
        """Return x with the mixtures of waves behind its features."""
        if x.ndim < 2 or x.shape[-1] == 0:
            raise ShapeError(
                f"the input of {self.describe()}", needed="(batch, …, features)", got=str(x.shape)
            )
        features = x.shape[-1]
        columns = range(features) if self.columns is None else self.columns
        if not 0 <= min(columns) <= max(columns) < features:
            raise ShapeError(
                "the input of PeriodicEmbedding",
                got=f"{features} features",
                needed=f"features from {min(columns)} to {max(columns)}",
            )
        between = x.shape[1:-1]
        numbers = math.prod(between) * len(columns)
        picked = [slice_axis(x, x.ndim - 1, start, stop) for start, stop in _runs(columns)]
        z = picked[0] if len(picked) == 1 else concatenate(picked, x.ndim - 1)
        z = reshape(z, (x.shape[0], numbers, 1))

        def own(name: str, shape: tuple[int, ...], first: Initializer, **fans: Any) -> Value:
            named = self.parameter(name, (*between, len(columns), *shape), first, **fans)
            return reshape(named, (numbers, *shape))

        frequency = own(
            "frequency", (self.frequencies,), _Ladder(self.lowest, self.highest), regularized=False
        )
        phase = own("phase", (self.frequencies,), Uniform(math.pi), regularized=False)
        fans = {"fan_in": self.frequencies, "fan_out": self.size}
        weight = own("weight", (self.frequencies, self.size), GlorotUniform(), **fans)
        bias = own("bias", (self.size,), Zeros(), regularized=False)
        waves = cos(z * frequency * (2.0 * math.pi) + phase)
        mixed = transpose(transpose(waves, (1, 0, 2)) @ weight, (1, 0, 2)) + bias
        behind = reshape(mixed, (x.shape[0], *between, len(columns) * self.size))
        return concatenate([x, behind], x.ndim - 1)

    def describe(self) -> str:
        """Return waves of 8 features, 4 mixtures of 16 each."""
        of = "all features" if self.columns is None else f"{len(self.columns)} features"
        of = "one feature" if of == "1 features" else of
        return f"waves of {of}, {self.size} mixtures of {self.frequencies} each"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls((0, 2), frequencies=3, size=2, highest=0.4), (4,)
        yield cls(frequencies=2, size=1, highest=0.4), (2, 3)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(()), (4,)
        yield lambda: cls((1, 1)), (4,)
        yield lambda: cls((4,)), (4,)
        yield lambda: cls((-1,)), (4,)
        yield lambda: cls("all"), (4,)  # type: ignore[arg-type]
        yield lambda: cls(frequencies=0), (4,)
        yield lambda: cls(size=1.5), (4,)  # type: ignore[arg-type]
        yield lambda: cls(lowest=0.0), (4,)
        yield lambda: cls(highest=math.inf), (4,)
        yield cls, ()


def _runs(columns: Sequence[int]) -> list[tuple[int, int]]:
    """Return columns as stretches from a start up to a stop, so that few slices do."""
    numbered = itertools.groupby(enumerate(columns), lambda pair: pair[1] - pair[0])
    stretches = [[column for _, column in group] for _, group in numbered]
    return [(stretch[0], stretch[-1] + 1) for stretch in stretches]
