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
    """Behind the features come, for each feature in `places`, mixtures of waves of it.

    x: (batch, …, features) → (batch, …, features + places · size). For the number z of a place:
    cos(2π z f + φ) W + b, with `waves` frequencies f and phases φ, W: (waves, size), b: (size,),
    all learned, for each place and for each entry of the axes between (the members of an
    `Ensemble`) its own. Periodic embeddings are those of Gorishniy, Rubachev and Babenko, 2022,
    in the form of Holzmüller and others, 2024, which keeps the number itself. Frequencies are drawn
    normal of mean 0; their deviations climb from `lowest` to `highest` turns per unit, so that no
    single scale has to suit all numbers. `places`: which features, None: all.

    Raises ArgumentError for settings that can't work, ShapeError for an input without such places.

    >>> import misstep as ms
    >>> layer = ms.PeriodicEmbedding(places=(0, 2), waves=8, size=3)
    >>> ms.Network(layer, input_shape=(5,)).output_shape  # 5 + 2 × 3
    (11,)
    """

    places: Sequence[int] | None = None
    waves: int = 16
    size: int = 4
    lowest: float = 0.1
    highest: float = 16.0

    def __post_init__(self) -> None:
        positive_whole("PeriodicEmbedding", "waves", self.waves)
        positive_whole("PeriodicEmbedding", "size", self.size)
        for name in ("lowest", "highest"):
            number = getattr(self, name)
            sound = isinstance(number, int | float) and not isinstance(number, bool)
            if not sound or not 0 < number < math.inf:
                raise ArgumentError(
                    f"{name} of PeriodicEmbedding", needed="a number above 0", got=repr(number)
                )
        if self.places is None:
            return
        given: Any = self.places if isinstance(self.places, tuple | list) else ()
        places = [one for one in given if isinstance(one, int) and not isinstance(one, bool)]
        if not places or len(places) != len(given) or len(set(places)) != len(places):
            raise ArgumentError(
                "places of PeriodicEmbedding",
                got=repr(self.places),
                needed="different whole numbers, one or more, or None for all features",
            )
        object.__setattr__(self, "places", tuple(places))

    def forward(self, x: Value) -> Value:
        """Return x with the mixtures of waves behind its features."""
        if x.ndim < 2 or x.shape[-1] == 0:
            raise ShapeError(
                f"the input of {self.describe()}", needed="(batch, …, features)", got=str(x.shape)
            )
        features = x.shape[-1]
        places = range(features) if self.places is None else self.places
        if not 0 <= min(places) <= max(places) < features:
            raise ShapeError(
                "the input of PeriodicEmbedding",
                got=f"{features} features",
                needed=f"features from {min(places)} to {max(places)}",
            )
        between = x.shape[1:-1]
        numbers = math.prod(between) * len(places)
        picked = [slice_axis(x, x.ndim - 1, start, stop) for start, stop in _runs(places)]
        z = picked[0] if len(picked) == 1 else concatenate(picked, x.ndim - 1)
        z = reshape(z, (x.shape[0], numbers, 1))

        def own(name: str, shape: tuple[int, ...], first: Initializer, **fans: Any) -> Value:
            named = self.parameter(name, (*between, len(places), *shape), first, **fans)
            return reshape(named, (numbers, *shape))

        frequency = own(
            "frequency", (self.waves,), _Ladder(self.lowest, self.highest), regularized=False
        )
        phase = own("phase", (self.waves,), Uniform(math.pi), regularized=False)
        weight = own(
            "weight", (self.waves, self.size), GlorotUniform(), fan_in=self.waves, fan_out=self.size
        )
        bias = own("bias", (self.size,), Zeros(), regularized=False)
        waves = cos(z * frequency * (2.0 * math.pi) + phase)
        mixed = transpose(transpose(waves, (1, 0, 2)) @ weight, (1, 0, 2)) + bias
        behind = reshape(mixed, (x.shape[0], *between, len(places) * self.size))
        return concatenate([x, behind], x.ndim - 1)

    def describe(self) -> str:
        """Return waves of 8 features, 4 mixtures of 16 each."""
        of = "all features" if self.places is None else f"{len(self.places)} features"
        of = "one feature" if of == "1 features" else of
        return f"waves of {of}, {self.size} mixtures of {self.waves} each"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        """Yield layers that must work."""
        yield cls((0, 2), waves=3, size=2, highest=0.4), (4,)
        yield cls(waves=2, size=1, highest=0.4), (2, 3)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield layers that must be refused."""
        yield lambda: cls(()), (4,)
        yield lambda: cls((1, 1)), (4,)
        yield lambda: cls((4,)), (4,)
        yield lambda: cls((-1,)), (4,)
        yield lambda: cls("all"), (4,)  # type: ignore[arg-type]
        yield lambda: cls(waves=0), (4,)
        yield lambda: cls(size=1.5), (4,)  # type: ignore[arg-type]
        yield lambda: cls(lowest=0.0), (4,)
        yield lambda: cls(highest=math.inf), (4,)
        yield cls, ()


def _runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """Return places as stretches from a start up to a stop, so that few slices do."""
    numbered = itertools.groupby(enumerate(places), lambda pair: pair[1] - pair[0])
    stretches = [[place for _, place in group] for _, group in numbered]
    return [(stretch[0], stretch[-1] + 1) for stretch in stretches]
