"""Fixed functions of each entry that put numbers on a scale: Rescaling, Clip. Nothing is learned.

They let a network take its inputs, and give its outputs, in the unit that people have them in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value, make_literal
from misstep.nn.module import LayerExample, Module
from misstep.ops import maximum, minimum


def _is_number(number: Any) -> bool:
    return (
        isinstance(number, int | float | np.integer | np.floating)
        and not isinstance(number, bool)
        and math.isfinite(number)
    )


@dataclass(frozen=True)
class Rescaling(Module):
    """Each entry times `scale`, plus `offset`: x · scale + offset.

    x: (batch, …, features) → the same shape. `scale`, `offset`: a number, or one for each feature
    of the last axis. They are settings, saved with the layer, and no training moves them: in front
    of a network they standardize its inputs, behind it they give outputs in the answers' unit.

    Raises ArgumentError for what is no number or a scale of 0, ShapeError for another number of
    features.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.Rescaling(1 / 255), input_shape=(2,))
    >>> network.predict([[0.0, 255.0]])
    array([[0., 1.]], dtype=float32)
    """

    scale: float | Sequence[float] = 1.0
    offset: float | Sequence[float] = 0.0

    def __post_init__(self) -> None:
        for name in ("scale", "offset"):
            given: Any = getattr(self, name)
            several = isinstance(given, tuple | list | np.ndarray) and np.ndim(given) == 1
            numbers = list(given) if several else [given]
            good = bool(numbers) and all(map(_is_number, numbers))
            if not good or (name == "scale" and not all(numbers)):
                raise ArgumentError(
                    f"{name} of Rescaling",
                    needed=f"a number{' other than 0' if name == 'scale' else ''}, or one for each "
                    "feature",
                    got=repr(given),
                )
            plain = tuple(map(float, numbers))
            object.__setattr__(self, name, plain if several else plain[0])

    def forward(self, x: Value) -> Value:
        """Return x · scale + offset."""
        for name in ("scale", "offset"):
            numbers = getattr(self, name)
            if isinstance(numbers, tuple) and (x.ndim < 2 or x.shape[-1] != len(numbers)):
                raise ShapeError(
                    "the input of Rescaling",
                    needed=f"(batch, …, {len(numbers)}), as it has {len(numbers)} numbers for "
                    f"{name}",
                    got=str(x.shape),
                )
        scaled = x * make_literal(np.array(self.scale), x.dtype)
        return scaled + make_literal(np.array(self.offset), x.dtype)

    def describe(self) -> str:
        """Return times 0.00392, plus 0."""
        if isinstance(self.scale, tuple) or isinstance(self.offset, tuple):
            return "each feature times a number, plus a number"
        return f"times {self.scale:.3g}, plus {self.offset:.3g}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(0.5, -1.0), (4,)
        yield cls((0.5, 2.0, -1.0), (0.0, 1.0, 2.0)), (3,)
        yield cls((0.5, 2.0), 1.0), (3, 2)
        yield cls(2.0), (2, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0.0), (4,)
        yield lambda: cls(math.inf), (4,)
        yield lambda: cls(1.0, math.nan), (4,)
        yield lambda: cls(()), (4,)
        yield lambda: cls("large"), (4,)  # type: ignore[arg-type]
        yield lambda: cls(True), (4,)
        yield lambda: cls((1.0, 2.0)), (3,)
        yield lambda: cls(1.0, (1.0, 2.0)), ()


@dataclass(frozen=True)
class Clip(Module):
    """Entries below `least` become `least`, those above `most` become `most`. Any shape.

    Behind a `Rescaling` it keeps single wild inputs from ruling what is learned. Raises
    ArgumentError for what is no number, or bounds that leave nothing between.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.Clip(-1.0, 1.0), input_shape=(3,))
    >>> network.predict([[-7.0, 0.5, 3.0]])
    array([[-1. ,  0.5,  1. ]], dtype=float32)
    """

    least: float = -5.0
    most: float = 5.0

    def __post_init__(self) -> None:
        for name in ("least", "most"):
            if not _is_number(getattr(self, name)):
                raise ArgumentError(
                    f"{name} of Clip", needed="a number", got=repr(getattr(self, name))
                )
        if not self.least < self.most:
            raise ArgumentError(
                "Clip", needed="least below most", got=f"{self.least} and {self.most}"
            )

    def forward(self, x: Value) -> Value:
        """Return x kept between both bounds."""
        return minimum(maximum(x, float(self.least)), float(self.most))

    def describe(self) -> str:
        """Return kept between -5 and 5."""
        return f"kept between {self.least:g} and {self.most:g}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(-1.1, 1.3), (4,)
        yield cls(-0.75, 2.9), (2, 3)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(1.0, 1.0), (4,)
        yield lambda: cls(2.0, -2.0), (4,)
        yield lambda: cls(math.nan, 1.0), (4,)
        yield lambda: cls(-1.0, "wide"), (4,)  # type: ignore[arg-type]
