"""Layers that change images at random in training, so that no image is seen twice the same.

RandomFlip, RandomShift, RandomAffine, RandomBrightness, RandomContrast and Cutout take
(batch, height, width, channels) and give the same shape. In evaluation each is the identity. Their
random numbers are those of the pass: the same seed and step, the same changes. Each row draws its
own. Knows images; which change leaves a label right is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value, make_literal
from misstep.nn.layers import positive_whole
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace
from misstep.ops import (
    cast,
    cos,
    gather,
    less,
    less_equal,
    logical_and,
    maximum,
    mean,
    minimum,
    reshape,
    sin,
    where,
)

__all__ = [
    "Cutout",
    "RandomAffine",
    "RandomBrightness",
    "RandomContrast",
    "RandomFlip",
    "RandomShift",
]

FILLS = ("edge", "zeros")


@dataclass(frozen=True)
class _Augmentation(Module, abstract=True):
    """What these layers share: nothing happens but in training, and only to images."""

    # Where a setting may lie, by its name; the bounds themselves are allowed.
    bounds_of: ClassVar[dict[str, tuple[float, float]]] = {}

    def __post_init__(self) -> None:
        name = type(self).__name__
        for setting, (low, high) in self.bounds_of.items():
            number = getattr(self, setting)
            is_number = isinstance(number, int | float) and not isinstance(number, bool)
            if not is_number or not low <= number <= high:
                raise ArgumentError(
                    f"{setting} of {name}",
                    needed=f"a number from {low:g} to {high:g}",
                    got=repr(number),
                )

    def forward(self, x: Value) -> Value:
        """Return x changed at random in training, x itself in evaluation."""
        if x.ndim != 4 or 0 in x.shape[1:]:
            raise ShapeError(
                f"the input of {self}",
                needed="(batch, height, width, channels)",
                got=str(x.shape),
                try_="ms.Reshape((height, width, channels)) in front of it",
            )
        return self.changed(x) if current_trace().training else x

    def changed(self, x: Value) -> Value:
        """Return x changed at random."""
        raise NotImplementedError

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield cls, (4, 4)
        for setting, (low, high) in cls.bounds_of.items():
            yield lambda setting=setting, low=low: cls(**{setting: low - 1}), (4, 4, 1)
            yield lambda setting=setting, high=high: cls(**{setting: high + 1}), (4, 4, 1)
            yield lambda setting=setting: cls(**{setting: "some"}), (4, 4, 1)


def _drawn(x: Value, low: float, high: float, axes: int = 3) -> Value:
    """Return a number between `low` and `high` for each row, (batch, 1, …) with so many axes."""
    numbers = current_trace().random_uniform((x.shape[0], *(1,) * (axes - 1)))
    return numbers * (high - low) + low


def _flat(x: Value) -> Value:
    """Return each image in one row: arithmetic is fastest along one long axis."""
    return reshape(x, (x.shape[0], math.prod(x.shape[1:])))


def _grid(x: Value) -> tuple[Value, Value]:
    """Return the number of each pixel's row, (1, height, 1), and column, (1, 1, width)."""
    height, width = x.shape[1:3]
    down = np.arange(height).reshape(1, height, 1)
    across = np.arange(width).reshape(1, 1, width)
    return make_literal(down, x.dtype), make_literal(across, x.dtype)


def _within(positions: Value, length: int) -> Value:
    return minimum(maximum(positions, 0.0), float(length - 1))


def _pixels(x: Value, down: Value, across: Value) -> Value:
    """Return the pixel of each image at whole places inside it.

    down, across: numbers of x's kind that broadcast to (batch, height, width).
    """
    batch, height, width, channels = x.shape
    # As float32 the number of a pixel in a large batch would not be exact: whole numbers from here.
    first = make_literal(np.arange(batch).reshape(batch, 1, 1) * (height * width), "int64")
    indices = cast(down, "int64") * width + cast(across, "int64") + first
    rows = reshape(x, (batch * height * width, channels))
    return gather(rows, indices)


def _filled(x: Value, down: Value, across: Value, fill: str) -> Value:
    """Return the pixels at whole places, what lies outside filled as `fill` says."""
    height, width = x.shape[1:3]
    inside_down, inside_across = _within(down, height), _within(across, width)
    pixels = _pixels(x, inside_down, inside_across)
    if fill == "edge":
        return pixels
    inside = logical_and(
        logical_and(less_equal(0.0, down), less_equal(down, height - 1.0)),
        logical_and(less_equal(0.0, across), less_equal(across, width - 1.0)),
    )
    return where(reshape(inside, (*inside.shape, 1)), pixels, 0.0)


def _check_fill(name: str, fill: Any) -> None:
    if fill not in FILLS:
        raise ArgumentError(f"fill of {name}", needed='"edge" or "zeros"', got=repr(fill))


@dataclass(frozen=True)
class RandomFlip(_Augmentation):
    """Each image is mirrored left to right with probability `rate`, in training only.

    For photographs; a mirrored digit is another digit or none.

    >>> import misstep as ms
    >>> ms.Network(ms.RandomFlip(), input_shape=(8, 8, 3)).output_shape
    (8, 8, 3)
    """

    rate: float = 0.5

    bounds_of: ClassVar[dict[str, tuple[float, float]]] = {"rate": (0, 1)}

    def changed(self, x: Value) -> Value:
        """Return x, some of it mirrored."""
        down, across = _grid(x)
        mirrored = less(_drawn(x, 0.0, 1.0), float(self.rate))
        return _pixels(x, down, where(mirrored, x.shape[2] - 1.0 - across, across))

    def describe(self) -> str:
        """Return mirrored at random."""
        return f"mirrored left to right with probability {self.rate:g}, in training"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (3, 4, 2)
        yield cls(1.0), (2, 5, 1)


@dataclass(frozen=True)
class RandomShift(_Augmentation):
    """Each image moves by up to `most` pixels down, up, left and right, in training only.

    The same as cropping at random from an image with a border of `most` pixels. `fill`: what comes
    in from outside, "edge" for the nearest pixel, or "zeros".

    >>> import misstep as ms
    >>> ms.Network(ms.RandomShift(2), input_shape=(28, 28, 1)).output_shape
    (28, 28, 1)
    """

    most: int = 2
    fill: str = "edge"

    def __post_init__(self) -> None:
        positive_whole("RandomShift", "most", self.most)
        _check_fill("RandomShift", self.fill)

    def changed(self, x: Value) -> Value:
        """Return x moved."""
        down, across = _grid(x)

        def moved(grid: Value) -> Value:
            # From 0.0 up to but not 2 · most + 1, whole, and below that by rounding never.
            steps = _drawn(x, 0.0, 2.0 * self.most + 1.0)
            whole = minimum(cast(cast(steps, "int64"), x.dtype), 2.0 * self.most)
            return grid + (whole - float(self.most))

        return _filled(x, moved(down), moved(across), self.fill)

    def describe(self) -> str:
        """Return moved by up to 2 pixels."""
        return f"moved by up to {self.most} pixels, in training"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(1), (3, 4, 2)
        yield cls(2, "zeros"), (5, 4, 1)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0), (4, 4, 1)
        yield lambda: cls(1.5), (4, 4, 1)  # type: ignore[arg-type]
        yield lambda: cls(1, "mirror"), (4, 4, 1)
        yield cls, (4, 4)


@dataclass(frozen=True)
class RandomAffine(_Augmentation):
    """Each image is turned by up to `degrees` and made larger or smaller, in training only.

    `zoom`: up to this share larger or smaller, for height and width together; `stretch`: up to this
    share wider than high or higher than wide. Values between pixels are bilinear. `fill`: what
    comes in from outside, "edge" or "zeros".

    >>> import misstep as ms
    >>> ms.Network(ms.RandomAffine(10, zoom=0.1), input_shape=(28, 28, 1)).output_shape
    (28, 28, 1)
    """

    degrees: float = 10.0
    zoom: float = 0.1
    stretch: float = 0.0
    fill: str = "edge"

    bounds_of: ClassVar[dict[str, tuple[float, float]]] = {
        "degrees": (0, 180),
        "zoom": (0, 0.9),
        "stretch": (0, 0.9),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_fill("RandomAffine", self.fill)

    def changed(self, x: Value) -> Value:
        """Return x turned and zoomed about its middle."""
        height, width = x.shape[1:3]
        down, across = _grid(x)
        most = math.radians(self.degrees)
        angle = _drawn(x, -most, most)
        zoom = _drawn(x, 1.0 - self.zoom, 1.0 + self.zoom)
        stretch = _drawn(x, 1.0 - self.stretch / 2, 1.0 + self.stretch / 2)
        middle_down, middle_across = (height - 1) / 2, (width - 1) / 2
        rise, run = down - middle_down, across - middle_across
        turned_down = (cos(angle) * rise - sin(angle) * run) * (zoom * stretch) + middle_down
        turned_across = (sin(angle) * rise + cos(angle) * run) * (zoom / stretch) + middle_across
        # A border that is wide enough for every place, so that whole numbers below are found by
        # cutting off what follows the point.
        border = float(2 * (height + width))
        low_down = cast(cast(turned_down + border, "int64"), x.dtype) - border
        low_across = cast(cast(turned_across + border, "int64"), x.dtype) - border
        share_down = reshape(turned_down - low_down, (*turned_down.shape, 1))
        share_across = reshape(turned_across - low_across, (*turned_across.shape, 1))

        def at(more_down: float, more_across: float) -> Value:
            return _filled(x, low_down + more_down, low_across + more_across, self.fill)

        upper = at(0.0, 0.0) * (1.0 - share_across) + at(0.0, 1.0) * share_across
        lower = at(1.0, 0.0) * (1.0 - share_across) + at(1.0, 1.0) * share_across
        return upper * (1.0 - share_down) + lower * share_down

    def describe(self) -> str:
        """Return turned by up to 10 degrees and zoomed by up to 10%."""
        words = f"turned by up to {self.degrees:g} degrees, zoomed by up to {100 * self.zoom:g}%"
        return f"{words}, in training"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (3, 4, 2)
        yield cls(180.0, 0.3, 0.2, "zeros"), (5, 4, 1)


@dataclass(frozen=True)
class RandomBrightness(_Augmentation):
    """To each image a number from −`most` to `most` is added, in training only.

    For pixels from 0 to 1; the result may lie a little outside.

    >>> import misstep as ms
    >>> ms.Network(ms.nn.RandomBrightness(0.1), input_shape=(8, 8, 3)).output_shape
    (8, 8, 3)
    """

    most: float = 0.1

    bounds_of: ClassVar[dict[str, tuple[float, float]]] = {"most": (0, 10)}

    def changed(self, x: Value) -> Value:
        """Return x lighter or darker."""
        return reshape(_flat(x) + _drawn(x, -self.most, self.most, axes=2), x.shape)

    def describe(self) -> str:
        """Return lighter or darker by up to 0.1."""
        return f"lighter or darker by up to {self.most:g}, in training"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (3, 4, 2)


@dataclass(frozen=True)
class RandomContrast(_Augmentation):
    """Distances to each image's mean grow or shrink by up to the share `most`, in training only.

    >>> import misstep as ms
    >>> ms.Network(ms.nn.RandomContrast(0.2), input_shape=(8, 8, 3)).output_shape
    (8, 8, 3)
    """

    most: float = 0.2

    bounds_of: ClassVar[dict[str, tuple[float, float]]] = {"most": (0, 1)}

    def changed(self, x: Value) -> Value:
        """Return x with more or less contrast."""
        flat = _flat(x)
        middle = mean(flat, 1, keep=True)
        factor = _drawn(x, 1.0 - self.most, 1.0 + self.most, axes=2)
        return reshape((flat - middle) * factor + middle, x.shape)

    def describe(self) -> str:
        """Return contrast changed by up to 20%."""
        return f"contrast changed by up to {100 * self.most:g}%, in training"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (3, 4, 2)


@dataclass(frozen=True)
class Cutout(_Augmentation):
    """A square of side `share` of each image's shorter side becomes its mean, in training only.

    Its middle lies anywhere in the image (DeVries and Taylor, "Improved regularization of
    convolutional neural networks with cutout", 2017, with zeros for images of mean 0).

    >>> import misstep as ms
    >>> ms.Network(ms.Cutout(0.3), input_shape=(32, 32, 3)).output_shape
    (32, 32, 3)
    """

    share: float = 0.3

    bounds_of: ClassVar[dict[str, tuple[float, float]]] = {"share": (0, 1)}

    def changed(self, x: Value) -> Value:
        """Return x with a square hidden in each image."""
        flat, shape = _flat(x), x.shape[1:]
        half = self.share * min(shape[:2]) / 2

        def near(axis: int) -> Value:
            grid = np.indices(shape)[axis].reshape(1, -1)
            away = make_literal(grid, x.dtype) - _drawn(x, -0.5, shape[axis] - 0.5, axes=2)
            return less(away * away, half * half)

        hidden = logical_and(near(0), near(1))
        return reshape(where(hidden, mean(flat, 1, keep=True), flat), x.shape)

    def describe(self) -> str:
        """Return a square of 30% hidden."""
        return f"a square of {100 * self.share:g}% of the side hidden, in training"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (6, 4, 2)
