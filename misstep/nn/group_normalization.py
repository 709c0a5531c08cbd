"""Layers that normalize each example on its own, channels in groups, or by their neighbors.

x is (batch, *space, channels). Training and evaluation do the same. Normalizing by the batch and by
rows of features stands in `normalization.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.nn.initializers import Constant, Zeros
from misstep.nn.layers import positive_whole
from misstep.nn.module import LayerExample, Module
from misstep.nn.normalization import check_epsilon, check_features
from misstep.ops import normalize, pad, reshape, slice_axis


def _grouped(x: Value, groups: int, epsilon: float, scale: Value, shift: Value) -> Value:
    batch, *space, channels = x.shape
    rows = reshape(x, (batch, math.prod(space), groups, channels // groups))
    return reshape(normalize(rows, 1.0, 0.0, (1, 3), epsilon), x.shape) * scale + shift


@dataclass(frozen=True)
class GroupNorm(Module):
    """Each group of channels of an example gets mean 0 and deviation 1 (Wu and He, 2018).

    x: (batch, *space, channels) → the same shape; scale, shift: (channels,). Channels are split
    into `groups` of as many neighbors each. The variance is divided by the number of entries;
    `epsilon` is added to it.

    Raises ArgumentError for settings, ShapeError for channels that can't be shared out evenly.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.GroupNorm(2), input_shape=(4,))
    >>> network.predict([[1.0, 2.0, 10.0, 30.0]]).round(3)
    array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    groups: int = 32
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        positive_whole("GroupNorm", "groups", self.groups)
        check_epsilon("GroupNorm", self.epsilon)

    def forward(self, x: Value) -> Value:
        """Return x normalized group by group."""
        check_features(self, x)
        channels = x.shape[-1]
        if channels % self.groups:
            raise ShapeError(
                f"the input of {self}",
                needed=f"channels that {self.groups} groups share out evenly",
                got=f"{channels}",
            )
        scale = self.parameter("scale", (channels,), Constant(1.0), regularized=False)
        shift = self.parameter("shift", (channels,), Zeros(), regularized=False)
        return _grouped(x, self.groups, self.epsilon, scale, shift)

    def describe(self) -> str:
        """Return group normalization, 4 groups."""
        return f"group normalization, {self.groups} group{'s' if self.groups != 1 else ''}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(2), (6,)
        yield cls(3, 0.01), (2, 3, 6)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0), (4,)
        yield lambda: cls(2, -1.0), (4,)
        yield lambda: cls(3), (4,)
        yield lambda: cls(1), ()


@dataclass(frozen=True)
class InstanceNorm(Module):
    """Each channel of an example gets mean 0 and deviation 1 (Ulyanov and others, 2016).

    x: (batch, *space, channels) → the same shape; scale, shift: (channels,). The variance is
    divided by the number of places; `epsilon` is added to it.

    Raises ArgumentError for an epsilon of 0 or less, ShapeError for an input without places.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.InstanceNorm(), input_shape=(2, 2))
    >>> network.predict([[[1.0, 10.0], [3.0, 30.0]]]).round(3)
    array([[[-1., -1.],
            [ 1.,  1.]]], dtype=float32)
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        check_epsilon("InstanceNorm", self.epsilon)

    def forward(self, x: Value) -> Value:
        """Return x normalized channel by channel."""
        check_features(self, x)
        if x.ndim < 3 or math.prod(x.shape[1:-1]) == 0:
            raise ShapeError(
                f"the input of {self}", needed="(batch, *space, channels)", got=str(x.shape)
            )
        channels = x.shape[-1]
        scale = self.parameter("scale", (channels,), Constant(1.0), regularized=False)
        shift = self.parameter("shift", (channels,), Zeros(), regularized=False)
        return _grouped(x, channels, self.epsilon, scale, shift)

    def describe(self) -> str:
        """Return instance normalization."""
        return "instance normalization"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (5, 2)
        yield cls(0.01), (3, 2, 3)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0), (4, 2)
        yield lambda: cls(), (4,)


@dataclass(frozen=True)
class LocalResponseNorm(Module):
    """Each entry over (bias + α/n · Σ squares of n neighboring channels)^β (Krizhevsky, 2012).

    x: (batch, *space, channels) → the same shape, no parameters. `size` is n: of an even one, a
    channel more stands behind than before. Beyond the first and the last channel there is 0.

    Raises ArgumentError for settings, ShapeError for an input without channels.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.LocalResponseNorm(3, alpha=3.0), input_shape=(2,))
    >>> network.predict([[1.0, 2.0]]).round(3)
    array([[0.261, 0.522]], dtype=float32)
    """

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    bias: float = 1.0

    def __post_init__(self) -> None:
        positive_whole("LocalResponseNorm", "size", self.size)
        for name in ("alpha", "beta", "bias"):
            number = getattr(self, name)
            if not isinstance(number, int | float) or not math.isfinite(number):
                raise ArgumentError(
                    f"{name} of LocalResponseNorm", needed="a number", got=repr(number)
                )

    def forward(self, x: Value) -> Value:
        """Return each entry over a power of what its neighbors' squares come to."""
        check_features(self, x)
        channels, before = x.shape[-1], (self.size - 1) // 2
        around = [(0, 0)] * (x.ndim - 1) + [(before, self.size - 1 - before)]
        squares = pad(x * x, around)
        total = slice_axis(squares, -1, 0, channels)
        for first in range(1, self.size):
            total = total + slice_axis(squares, -1, first, first + channels)
        return x * (total * (self.alpha / self.size) + self.bias) ** -self.beta

    def describe(self) -> str:
        """Return normalization by 5 neighboring channels."""
        return f"normalization by {self.size} neighboring channels"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(3, alpha=0.5), (6,)
        yield cls(2, 0.1, 0.5, 2.0), (2, 3, 4)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0), (4,)
        yield lambda: cls(3, beta=float("nan")), (4,)
        yield lambda: cls(), ()
