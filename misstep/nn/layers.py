"""Layers of dense networks: Dense, Flatten, Dropout.

Each is a frozen description; numbers live in the network. Shapes: (batch, features).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from misstep.errors import ArgumentError, ShapeError
from misstep.ir import Value
from misstep.nn.initializers import GlorotUniform, Initializer, Zeros
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace
from misstep.ops import reshape, where
from misstep.ops.precision import rounded_product
from misstep.text.counts import plural


def positive_whole(layer: str, name: str, number: Any) -> None:
    """Raise ArgumentError unless `number` is a whole number of 1 or more."""
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ArgumentError(
            f"{name} of {layer}", needed="a whole number of 1 or more", got=repr(number)
        )


def check_bias_initializer(layer: str, bias: bool, initializer: Any) -> None:
    """Raise ArgumentError unless it is an initializer, of a layer with a bias, or None."""
    if initializer is None:
        return
    if not isinstance(initializer, Initializer) or not bias:
        raise ArgumentError(
            f"bias_initializer of {layer}",
            needed="an initializer such as ms.initializers.Constant(0.1)"
            if bias
            else "a layer with a bias",
            got=repr(initializer),
        )


@dataclass(frozen=True)
class Dense(Module):
    """Every output is a weighted sum of all inputs plus a bias: x W + b.

    x: (batch, …, inputs) → (batch, …, units); W: (inputs, units); b: (units,).
    `initializer`: how W is drawn; when not given, He for a layer followed by a ReLU or a relative,
    LeCun before SELU, Glorot otherwise. `bias`: whether b is there. `bias_initializer`: what it
    starts from; 0 when not given.

    Raises ArgumentError for units below 1, ShapeError for an input without a features axis.

    >>> import misstep as ms
    >>> ms.Network(ms.Dense(3), input_shape=(2,)).parameter_count  # 2 × 3 weights, 3 biases
    9
    """

    units: int
    bias: bool = True
    initializer: Initializer | None = None
    bias_initializer: Initializer | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        positive_whole("Dense", "units", self.units)
        if not isinstance(self.bias, bool):
            raise ArgumentError("bias of Dense", needed="True or False", got=repr(self.bias))
        if self.initializer is not None and not isinstance(self.initializer, Initializer):
            raise ArgumentError(
                "initializer of Dense",
                needed="an initializer such as ms.initializers.HeNormal()",
                got=repr(self.initializer),
            )
        check_bias_initializer("Dense", self.bias, self.bias_initializer)

    def forward(self, x: Value) -> Value:
        """Return x W + b."""
        if x.ndim < 2 or x.shape[-1] == 0:
            raise ShapeError(
                f"the input of {self}",
                needed="(batch, features) with a feature or more",
                got=str(x.shape),
                try_="giving x one row per example: x.reshape(-1, 1) for a single feature",
            )
        inputs = x.shape[-1]
        following = current_trace().following
        initializer = self.initializer or getattr(following, "suits", None) or GlorotUniform()
        weight = self.parameter(
            "weight", (inputs, self.units), initializer, fan_in=inputs, fan_out=self.units
        )
        rows = reshape(x, (-1, inputs)) if x.ndim > 2 else x
        rounded = current_trace().precision == "bfloat16"
        y = rounded_product(rows, weight) if rounded else rows @ weight
        if self.bias:
            y = y + self.parameter(
                "bias", (self.units,), self.bias_initializer or Zeros(), regularized=False
            )
        return reshape(y, (*x.shape[:-1], self.units))

    def describe(self) -> str:
        """Return dense, 128 units."""
        units = f"dense, {self.units} {plural(self.units, 'unit')}"
        return f"{units}{'' if self.bias else ', no bias'}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(3), (4,)
        yield cls(2, bias=False), (3, 4)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0), (4,)
        yield lambda: cls(2.5), (4,)  # type: ignore[arg-type]
        yield lambda: cls(3), ()
        yield lambda: cls(3), (0,)
        yield lambda: cls(3, bias="no"), (4,)  # type: ignore[arg-type]
        yield lambda: cls(3, initializer="he"), (4,)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Flatten(Module):
    """All axes behind the batch become one: (batch, a, b, …) → (batch, a · b · …).

    >>> import misstep as ms
    >>> ms.Network(ms.Flatten(), input_shape=(28, 28)).output_shape
    (784,)
    """

    def forward(self, x: Value) -> Value:
        """Return x with one axis behind the batch."""
        if x.ndim < 1:
            raise ShapeError("the input of Flatten", needed="a batch axis", got=str(x.shape))
        current_trace().mask = None
        return reshape(x, (x.shape[0], -1 if x.shape[0] else 0))

    def describe(self) -> str:
        """Return flattening."""
        return "flattening"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (2, 3)
        yield cls(), (2, 2, 3)
        yield cls(), (5,)


@dataclass(frozen=True)
class Reshape(Module):
    """The entries of each row in another shape: (batch, …) → (batch, *shape), in row-major order.

    `shape`: of a row, without the batch. Raises ArgumentError for what is no shape, ShapeError for
    rows with another number of entries.

    >>> import misstep as ms
    >>> ms.Network(ms.Reshape((28, 28, 1)), input_shape=(784,)).output_shape
    (28, 28, 1)
    """

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        lengths = self.shape if isinstance(self.shape, tuple | list) else (self.shape,)
        for length in lengths:
            positive_whole("Reshape", "shape", length)
        object.__setattr__(self, "shape", tuple(lengths))

    def forward(self, x: Value) -> Value:
        """Return x with its entries in another shape."""
        if x.ndim < 1 or math.prod(x.shape[1:]) != math.prod(self.shape):
            raise ShapeError(
                f"the input of {self}",
                needed=f"{math.prod(self.shape):,} entries in a row",
                got=str(x.shape),
            )
        current_trace().mask = None
        return reshape(x, (x.shape[0], *self.shape))

    def describe(self) -> str:
        """Return in the shape 28 × 28 × 1."""
        return f"in the shape {' × '.join(map(str, self.shape))}"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls((2, 3)), (6,)
        yield cls((4,)), (2, 2)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls((2, 3)), (5,)
        yield lambda: cls((0, 3)), (0,)
        yield lambda: cls("flat"), (4,)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Dropout(Module):
    """In training, each entry is 0 with probability `rate`, the others grow by 1 / (1 − rate).

    In evaluation it changes nothing (Srivastava and others, 2014). Any shape.
    Raises ArgumentError for a rate outside [0, 1).

    >>> import misstep as ms
    >>> network = ms.Sequential(ms.Dense(64), ms.ReLU(), ms.Dropout(0.1), ms.Dense(10))
    >>> ms.Network(network, input_shape=(4,)).output_shape
    (10,)
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        if not isinstance(self.rate, int | float) or not 0 <= self.rate < 1:
            raise ArgumentError(
                "rate of Dropout",
                needed="a share from 0 up to but not 1",
                got=repr(self.rate),
                try_="ms.Dropout(0.5) to drop half of the entries",
            )

    def forward(self, x: Value) -> Value:
        """Return x with entries dropped in training, x itself in evaluation."""
        trace = current_trace()
        if not trace.training or self.rate == 0:
            return x
        kept = trace.random_uniform(x.shape) >= self.rate
        return where(kept, x * (1.0 / (1.0 - self.rate)), 0.0)

    def describe(self) -> str:
        """Return dropout of 5%."""
        return f"dropout of {100 * self.rate:g}%"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(0.3), (5,)
        yield cls(0.0), (2, 3)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(1.0), (4,)
        yield lambda: cls(-0.1), (4,)
        yield lambda: cls("half"), (4,)  # type: ignore[arg-type]
