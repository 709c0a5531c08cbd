"""Convolutional layers: Conv1D, Conv2D and their transposed relatives. Channels are the last axis.

Weights are (*kernel, channels, filters), as a window lies in memory: PyTorch's (filters, channels,
*kernel) with its first two axes moved to the end. Kernels are not turned over, as in all libraries.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.nn.initializers import GlorotUniform, Initializer, Zeros
from misstep.nn.layers import check_bias_initializer, positive_whole
from misstep.nn.masks import entries_of, mask_of_windows, without_filling
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace
from misstep.ops import convolution, transposed_convolution
from misstep.ops.space import check_room, for_each_axis, padding_widths
from misstep.text.counts import plural

Sizes = int | tuple[int, ...]
SPACE = {1: "length", 2: "height, width"}


@dataclass(frozen=True)
class _SpaceLayer(Module, abstract=True):
    """What layers with filters share: the checks of settings and of the input, and the bias."""

    filters: int
    kernel: Sizes = 3
    stride: Sizes = 1

    axes: ClassVar[int] = 2

    def _check(self, **sizes: tuple[Any, int]) -> None:
        name = type(self).__name__
        positive_whole(name, "filters", self.filters)
        for what, (setting, least) in sizes.items():
            for_each_axis(setting, self.axes, f"{what} of {name}", least)

    def _check_more(self, bias: Any, initializer: Any) -> None:
        name = type(self).__name__
        if not isinstance(bias, bool):
            raise ArgumentError(f"bias of {name}", needed="True or False", got=repr(bias))
        if initializer is not None and not isinstance(initializer, Initializer):
            raise ArgumentError(
                f"initializer of {name}",
                needed="an initializer such as ms.initializers.HeNormal()",
                got=repr(initializer),
            )
        check_bias_initializer(name, bias, getattr(self, "bias_initializer", None))

    def _check_input(self, x: Value) -> None:
        if x.ndim != self.axes + 2 or x.shape[-1] == 0:
            channels = ", 1" if x.ndim == self.axes + 1 else ", channels"
            raise ShapeError(
                f"the input of {self}",
                needed=f"(batch, {SPACE[self.axes]}, channels)",
                got=str(x.shape),
                try_=f"an input shape of ({SPACE[self.axes]}{channels})",
            )

    def _weight(
        self, shape: tuple[int, ...], initializer: Initializer | None, fan_in: int, fan_out: int
    ) -> Value:
        suits = getattr(current_trace().following, "suits", None)
        initializer = initializer or suits or GlorotUniform()
        return self.parameter("weight", shape, initializer, fan_in=fan_in, fan_out=fan_out)

    def _biased(self, y: Value) -> Value:
        return y + self.parameter(
            "bias",
            (self.filters,),
            getattr(self, "bias_initializer", None) or Zeros(),
            regularized=False,
        )

    def _window(self) -> tuple[int, ...]:
        return for_each_axis(self.kernel, self.axes, "kernel")

    def _words(self, what: str, *more: str) -> str:
        by = " × ".join(map(str, self._window()))
        words = [f"{what} {by}, {self.filters} {plural(self.filters, 'filter')}"]
        if for_each_axis(self.stride, self.axes, "stride") != (1,) * self.axes:
            words.append(f"stride {self.stride}")
        return ", ".join([*words, *more])


@dataclass(frozen=True)
class _Convolution(_SpaceLayer, abstract=True):
    padding: str | Sizes = "valid"
    dilation: Sizes = 1
    groups: int = 1
    bias: bool = True
    initializer: Initializer | None = None
    bias_initializer: Initializer | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._check(kernel=(self.kernel, 1), stride=(self.stride, 1), dilation=(self.dilation, 1))
        name = type(self).__name__
        positive_whole(name, "groups", self.groups)
        padding_widths(self.padding, self._window(), (1,) * self.axes, f"padding of {name}")
        if self.filters % self.groups:
            raise ArgumentError(
                f"filters of {name}",
                needed=f"a multiple of the {self.groups} groups",
                got=str(self.filters),
            )
        self._check_more(self.bias, self.initializer)

    def forward(self, x: Value) -> Value:
        """Return the convolution of x by the weights, plus the bias."""
        self._check_input(x)
        channels, window = x.shape[-1], self._window()
        if channels % self.groups:
            raise ShapeError(
                f"the input of {self}",
                needed=f"channels in {self.groups} equal groups",
                got=f"{channels} channels",
            )
        dilation = for_each_axis(self.dilation, self.axes, "dilation")
        check_room(x, window, dilation, padding_widths(self.padding, window, dilation), str(self))
        inner, size = channels // self.groups, math.prod(window)
        weight = self._weight(
            (*window, inner, self.filters),
            self.initializer,
            size * inner,
            size * self.filters // self.groups,
        )
        trace = current_trace()
        mask = trace.mask_of(x) if self.axes == 1 else None
        if mask is not None:
            x = without_filling(x, mask)
        y = convolution(
            x,
            weight,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        trace.mask = None
        if mask is not None:
            (size,), (stride,), (apart,) = (
                window,
                *(for_each_axis(setting, 1, "size") for setting in (self.stride, self.dilation)),
            )
            ((before, after),) = padding_widths(self.padding, window, (apart,))
            trace.mask = mask_of_windows(
                mask, y.shape[1], (size - 1) * apart, stride, before, after
            )
        return self._biased(y) if self.bias else y

    def describe(self) -> str:
        """Return convolution 3 × 3, 32 filters."""
        more = [] if self.padding == "valid" else [f"padding {self.padding}"]
        if for_each_axis(self.dilation, self.axes, "dilation") != (1,) * self.axes:
            more.append(f"dilation {self.dilation}")
        if self.groups > 1:
            more.append(f"{self.groups} groups")
        return self._words("convolution", *more, *([] if self.bias else ["no bias"]))

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        space = (6,) * cls.axes
        yield lambda: cls(0), (*space, 2)
        yield lambda: cls(4, 0), (*space, 2)
        yield lambda: cls(4, (3,) * 3), (*space, 2)
        yield lambda: cls(4, 3, stride=0), (*space, 2)
        yield lambda: cls(4, 3, padding="some"), (*space, 2)
        yield lambda: cls(4, 3, padding=-1), (*space, 2)
        yield lambda: cls(4, 3, groups=3), (*space, 3)
        yield lambda: cls(4, 3, groups=2), (*space, 3)
        yield lambda: cls(4, 3), space
        yield lambda: cls(4, 7), (*space, 2)
        yield lambda: cls(4, 3, bias=1), (*space, 2)  # type: ignore[arg-type]
        yield lambda: cls(4, 3, initializer="he"), (*space, 2)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Conv1D(_Convolution):
    """Filters that slide along a sequence: (batch, length, channels) → (batch, places, filters).

    `kernel`: entries that a filter sees at once; `stride`: entries from one place to the next;
    `padding`: "valid" for none, "same" to keep the length (at a stride of 1), or zeros at either
    end; `dilation`: entries from one that a filter sees to the next; `groups`: each part of the
    filters sees a part of the channels only (as many groups as channels: depthwise). `bias`,
    `initializer`: as in Dense. Weights: (kernel, channels / groups, filters).

    Raises ArgumentError for settings, ShapeError for an input that do not fit.

    >>> import misstep as ms
    >>> ms.Network(ms.Conv1D(4, 3), input_shape=(10, 2)).output_shape
    (8, 4)
    """

    axes: ClassVar[int] = 1

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(3, 3), (7, 2)
        yield cls(4, 2, stride=2, padding="same", bias=False), (5, 2)
        yield cls(2, 3, padding=1, dilation=2), (6, 3)
        yield cls(4, 3, padding="same", groups=2), (6, 2)


@dataclass(frozen=True)
class Conv2D(_Convolution):
    """Filters that slide over images: (batch, height, width, channels) → (…, filters).

    `kernel`: height and width of what a filter sees, one number for both; `stride`: entries from
    one place to the next; `padding`: "valid" for none, "same" to keep height and width (at a stride
    of 1), or zeros on either side; `dilation`: entries from one that a filter sees to the next;
    `groups`: each part of the filters sees a part of the channels only (as many groups as channels:
    depthwise). `bias`, `initializer`: as in Dense. Weights: (height, width, channels / groups,
    filters).

    Raises ArgumentError for settings, ShapeError for an input that do not fit.

    >>> import misstep as ms
    >>> ms.Network(ms.Conv2D(32, 3, padding="same"), input_shape=(28, 28, 1)).output_shape
    (28, 28, 32)
    """

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(3, 3), (5, 4, 2)
        yield cls(4, (2, 3), stride=2, padding="same", bias=False), (5, 6, 1)
        yield cls(2, 3, padding=1, dilation=2), (6, 6, 2)
        yield cls(4, 3, padding="same", groups=2), (4, 4, 4)
        yield cls(4, 3, padding="same", groups=2), (4, 4, 2)
        yield cls(2, 1, stride=(2, 1)), (4, 3, 3)


@dataclass(frozen=True)
class _Transposed(_SpaceLayer, abstract=True):
    padding: Sizes = 0
    more: Sizes = 0
    dilation: Sizes = 1
    bias: bool = True
    initializer: Initializer | None = None
    bias_initializer: Initializer | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._check(
            kernel=(self.kernel, 1),
            stride=(self.stride, 1),
            dilation=(self.dilation, 1),
            padding=(self.padding, 0),
            more=(self.more, 0),
        )
        self._check_more(self.bias, self.initializer)

    def forward(self, x: Value) -> Value:
        """Return x spread over windows by the weights, plus the bias."""
        self._check_input(x)
        channels, window = x.shape[-1], self._window()
        size = math.prod(window)
        weight = self._weight(
            (*window, self.filters, channels),
            self.initializer,
            size * channels,
            size * self.filters,
        )
        trace = current_trace()
        mask = trace.mask_of(x) if self.axes == 1 else None
        if mask is not None:
            x = without_filling(x, mask)
        y = transposed_convolution(
            x,
            weight,
            stride=self.stride,
            padding=self.padding,
            more=self.more,
            dilation=self.dilation,
        )
        trace.mask = None
        if mask is not None:
            # How many entries of x the outputs up to each one take; there are more behind, padded.
            stride, apart, cut, more = (
                for_each_axis(setting, 1, "size", 0)[0]
                for setting in (self.stride, self.dilation, self.padding, self.more)
            )
            beyond = (window[0] - 1) * apart - 2 * cut + more
            trace.mask = entries_of(mask, -(-(np.arange(y.shape[1]) - beyond) // stride))
        return self._biased(y) if self.bias else y

    def describe(self) -> str:
        """Return transposed convolution 2 × 2, 16 filters, stride 2."""
        return self._words("transposed convolution", *([] if self.bias else ["no bias"]))

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        space = (4,) * cls.axes
        yield lambda: cls(0), (*space, 2)
        yield lambda: cls(4, 3, padding=-1), (*space, 2)
        yield lambda: cls(4, 3, padding=9), (*space, 2)
        yield lambda: cls(4, 3, stride=2, more=2), (*space, 2)
        yield lambda: cls(4, 3), space


@dataclass(frozen=True)
class Conv1DTranspose(_Transposed):
    """A convolution the other way: each entry is spread over a window; sequences grow longer.

    (batch, length, channels) → (batch, (length − 1) · stride + (kernel − 1) · dilation + 1 −
    2 · padding + more, filters). Weights: (kernel, filters, channels). The rest as in Conv1D.

    >>> import misstep as ms
    >>> ms.Network(ms.nn.Conv1DTranspose(4, 2, stride=2), input_shape=(5, 3)).output_shape
    (10, 4)
    """

    axes: ClassVar[int] = 1

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(3, 3), (4, 2)
        yield cls(2, 3, stride=2, padding=1, more=1), (4, 3)


@dataclass(frozen=True)
class Conv2DTranspose(_Transposed):
    """A convolution the other way: each entry is spread over a window; images grow larger.

    (batch, height, width, channels) → (…, filters), each side (length − 1) · stride +
    (kernel − 1) · dilation + 1 − 2 · padding + more long. Weights: (height, width, filters,
    channels). The rest as in Conv2D (Dumoulin and Visin, 2016).

    >>> import misstep as ms
    >>> ms.Network(ms.nn.Conv2DTranspose(8, 2, stride=2), input_shape=(7, 7, 16)).output_shape
    (14, 14, 8)
    """

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(3, 3), (3, 4, 2)
        yield cls(2, 3, stride=2, padding=1, more=1, bias=False), (3, 3, 3)
        yield cls(2, 2, stride=(2, 1), dilation=2), (3, 2, 1)
