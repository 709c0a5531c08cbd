"""Layers that make images and sequences smaller or larger, channel by channel, without weights.

x is (batch, height, width, channels) or (batch, length, channels). Pooling over time that heeds
which entries count is a matter of sequences, not of this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from misstep import ops
from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.nn.masks import entries_of, mask_of_windows, without_filling
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace
from misstep.ops import average_pool, broadcast_to, max_pool, mean, reshape
from misstep.ops.space import check_room, for_each_axis, padding_widths

Sizes = int | tuple[int, ...]
SPACE = {1: "length", 2: "height, width"}


def check_space(layer: Module, x: Value, axes: int) -> None:
    """Raise ShapeError unless x has a batch, so many axes of space, and channels."""
    if x.ndim != axes + 2:
        raise ShapeError(
            f"the input of {layer}", needed=f"(batch, {SPACE[axes]}, channels)", got=str(x.shape)
        )


@dataclass(frozen=True)
class _Pool(Module, abstract=True):
    window: Sizes = 2
    stride: Sizes | None = None
    padding: str | Sizes = "valid"

    axes: ClassVar[int] = 2
    words: ClassVar[str] = ""
    # What stands for entries beyond the end.
    beyond: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        name = type(self).__name__
        sizes = for_each_axis(self.window, self.axes, f"window of {name}")
        if self.stride is not None:
            for_each_axis(self.stride, self.axes, f"stride of {name}")
        widths = padding_widths(self.padding, sizes, (1,) * self.axes, f"padding of {name}")
        if any(max(ends) >= size for ends, size in zip(widths, sizes, strict=True)):
            raise ArgumentError(
                f"padding of {name}", needed="less than the window", got=repr(self.padding)
            )

    def _pooled(self, x: Value) -> Value:
        raise NotImplementedError

    def forward(self, x: Value) -> Value:
        """Return one entry for each window."""
        check_space(self, x, self.axes)
        sizes, ones = for_each_axis(self.window, self.axes, "window"), (1,) * self.axes
        check_room(x, sizes, ones, padding_widths(self.padding, sizes, ones), str(self))
        trace = current_trace()
        mask = trace.mask_of(x) if self.axes == 1 else None
        if mask is None:
            trace.mask = None
            return self._pooled(x)
        y = self._pooled(without_filling(x, mask, self.beyond))
        (size,) = sizes
        stride = size if self.stride is None else for_each_axis(self.stride, 1, "stride")[0]
        ((before, after),) = padding_widths(self.padding, (size,), (1,))
        trace.mask = mask_of_windows(mask, y.shape[1], size - 1, stride, before, after)
        return without_filling(y, trace.mask)

    def describe(self) -> str:
        """Return the largest of 2 × 2."""
        by = " × ".join(map(str, for_each_axis(self.window, self.axes, "window")))
        return f"the {self.words} of {by}" + (f", stride {self.stride}" if self.stride else "")

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        space = (5, 4)[: cls.axes]
        yield cls(2), (*space, 2)
        yield cls(3, stride=2, padding=1), (*space, 2)
        yield cls(2, stride=1, padding="same"), (*space, 3)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        space = (4,) * cls.axes
        yield lambda: cls(0), (*space, 2)
        yield lambda: cls(2, stride=0), (*space, 2)
        yield lambda: cls(5), (*space, 2)
        yield lambda: cls(2), space
        yield lambda: cls(2, padding="some"), (*space, 2)
        yield lambda: cls(2, padding=2), (*space, 2)


@dataclass(frozen=True)
class MaxPool2D(_Pool):
    """The largest entry of each window of an image, channel by channel.

    (batch, height, width, channels) → the same with fewer places. `window`: its height and width,
    one number for both; `stride`: from one window to the next, the window's size when not given;
    `padding`: "valid", "same" or a number, as in Conv2D, with entries that are never the largest.
    Among equals the first has the gradient. Raises ArgumentError or ShapeError.

    >>> import misstep as ms
    >>> ms.Network(ms.MaxPool2D(2), input_shape=(28, 28, 8)).output_shape
    (14, 14, 8)
    """

    words: ClassVar[str] = "largest"
    beyond: ClassVar[float] = float("-inf")

    def _pooled(self, x: Value) -> Value:
        return max_pool(x, self.window, stride=self.stride, padding=self.padding)


@dataclass(frozen=True)
class MaxPool1D(MaxPool2D):
    """The largest entry of each window of a sequence, channel by channel.

    (batch, length, channels) → (batch, places, channels). The rest as in MaxPool2D.

    >>> import misstep as ms
    >>> ms.Network(ms.nn.MaxPool1D(2), input_shape=(10, 3)).output_shape
    (5, 3)
    """

    axes: ClassVar[int] = 1


@dataclass(frozen=True)
class AveragePool2D(_Pool):
    """The mean of each window of an image, channel by channel; zeros that were padded count.

    (batch, height, width, channels) → the same with fewer places. The rest as in MaxPool2D.

    >>> import misstep as ms
    >>> ms.Network(ms.nn.AveragePool2D(2), input_shape=(28, 28, 8)).output_shape
    (14, 14, 8)
    """

    words: ClassVar[str] = "mean"

    def _pooled(self, x: Value) -> Value:
        return average_pool(x, self.window, stride=self.stride, padding=self.padding)


@dataclass(frozen=True)
class AveragePool1D(AveragePool2D):
    """The mean of each window of a sequence, channel by channel; zeros that were padded count.

    (batch, length, channels) → (batch, places, channels). The rest as in MaxPool2D.

    >>> import misstep as ms
    >>> ms.Network(ms.nn.AveragePool1D(2), input_shape=(10, 3)).output_shape
    (5, 3)
    """

    axes: ClassVar[int] = 1


@dataclass(frozen=True)
class _GlobalPool2D(Module, abstract=True):
    words: ClassVar[str] = ""

    def _pooled(self, x: Value) -> Value:
        raise NotImplementedError

    def forward(self, x: Value) -> Value:
        """Return one entry for each channel."""
        check_space(self, x, 2)
        return self._pooled(x)

    def describe(self) -> str:
        """Return the mean of each channel."""
        return f"the {self.words} of each channel"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (3, 4, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(), (4, 2)


@dataclass(frozen=True)
class GlobalAveragePool2D(_GlobalPool2D):
    """The mean of each channel over a whole image.

    (batch, height, width, channels) → (batch, channels). Raises ShapeError for what is no image.

    >>> import misstep as ms
    >>> ms.Network(ms.GlobalAveragePool2D(), input_shape=(7, 7, 64)).output_shape
    (64,)
    """

    words: ClassVar[str] = "mean"

    def _pooled(self, x: Value) -> Value:
        return mean(x, (1, 2))


@dataclass(frozen=True)
class GlobalMaxPool2D(_GlobalPool2D):
    """The largest entry of each channel of a whole image.

    (batch, height, width, channels) → (batch, channels). Raises ShapeError for what is no image.

    >>> import misstep as ms
    >>> ms.Network(ms.nn.GlobalMaxPool2D(), input_shape=(7, 7, 64)).output_shape
    (64,)
    """

    words: ClassVar[str] = "largest"

    def _pooled(self, x: Value) -> Value:
        return ops.max(x, (1, 2))


@dataclass(frozen=True)
class UpSample2D(Module):
    """Each entry of an image several times, side by side: its nearest neighbor at each new place.

    (batch, height, width, channels) → (batch, height · factor, width · factor, channels); `factor`:
    one number, or one for each axis. Raises ArgumentError or ShapeError.

    >>> import misstep as ms
    >>> ms.Network(ms.nn.UpSample2D(2), input_shape=(7, 7, 8)).output_shape
    (14, 14, 8)
    """

    factor: Sizes = 2

    axes: ClassVar[int] = 2

    def __post_init__(self) -> None:
        for_each_axis(self.factor, self.axes, f"factor of {type(self).__name__}")

    def forward(self, x: Value) -> Value:
        """Return x with its entries repeated."""
        check_space(self, x, self.axes)
        trace = current_trace()
        mask = trace.mask_of(x) if self.axes == 1 else None
        factors = for_each_axis(self.factor, self.axes, "factor")
        trace.mask = None
        if mask is not None:
            trace.mask = entries_of(mask, np.arange(x.shape[1] * factors[0]) // factors[0])
        space = list(zip(x.shape[1:-1], factors, strict=True))
        apart = [size for length, _ in space for size in (length, 1)]
        wide = [size for pair in space for size in pair]
        rows = reshape(x, (x.shape[0], *apart, x.shape[-1]))
        repeated = broadcast_to(rows, (x.shape[0], *wide, x.shape[-1]))
        return reshape(repeated, (x.shape[0], *(a * b for a, b in space), x.shape[-1]))

    def describe(self) -> str:
        """Return each entry 2 times."""
        return f"each entry {self.factor} times along each axis"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(2), (*(3, 2)[: cls.axes], 2)
        yield cls((3, 1)[: cls.axes]), (*(2, 2)[: cls.axes], 1)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0), (*(4,) * cls.axes, 2)
        yield lambda: cls(2), (4,) * cls.axes


@dataclass(frozen=True)
class UpSample1D(UpSample2D):
    """Each entry of a sequence several times, side by side.

    (batch, length, channels) → (batch, length · factor, channels).

    >>> import misstep as ms
    >>> ms.Network(ms.nn.UpSample1D(2), input_shape=(5, 3)).output_shape
    (10, 3)
    """

    axes: ClassVar[int] = 1
