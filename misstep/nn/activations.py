"""Activations: functions of each entry that let a network bend.

Each says between which numbers its output lies, whether units behind it can die, and which
initializer suits the layer before it. Shapes stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from misstep.errors import ArgumentError
from misstep.ir import Value
from misstep.nn.initializers import GlorotUniform, HeNormal, Initializer, LeCunNormal
from misstep.nn.module import LayerExample, Module
from misstep.ops import erf, expm1, relu, sigmoid, softmax, softplus, tanh, where


class Activation(Module, abstract=True):
    """A function of each entry. `suits`: the initializer for the weights before it."""

    suits: ClassVar[Initializer] = GlorotUniform()

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(), (5,)
        yield cls(), (2, 3)


def check_finite(owner: str, name: str, number: Any) -> None:
    """Raise ArgumentError unless a setting is a finite number."""
    if not isinstance(number, int | float) or not math.isfinite(number):
        raise ArgumentError(f"{name} of {owner}", needed="a number", got=repr(number))


def expm1_up_to_0(x: Value) -> Value:
    """Return e^x − 1 of x up to 0, and 0 of x above."""
    # The exponential sees no positive numbers, so it can't overflow where it is not used. Not
    # minimum(x, 0), whose slope at the tie is ½: the curve's own slope at 0 is 1.
    return expm1(where(x > 0, 0.0, x))


@dataclass(frozen=True)
class Sigmoid(Activation):
    """The sigmoid 1 / (1 + e^(−x)), between 0 and 1.

    >>> import misstep as ms
    >>> network = ms.Network(ms.Sigmoid(), input_shape=(2,))
    >>> network.predict([[-1.0, 2.0]]).round(3)
    array([[0.269, 0.881]], dtype=float32)
    """

    bounds: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def forward(self, x: Value) -> Value:
        """Return the sigmoid of each entry."""
        return sigmoid(x)


@dataclass(frozen=True)
class Tanh(Activation):
    """The hyperbolic tangent, between −1 and 1.

    >>> import misstep as ms
    >>> network = ms.Network(ms.Tanh(), input_shape=(2,))
    >>> network.predict([[-1.0, 2.0]]).round(3)
    array([[-0.762,  0.964]], dtype=float32)
    """

    bounds: ClassVar[tuple[float, float] | None] = (-1.0, 1.0)

    def forward(self, x: Value) -> Value:
        """Return the hyperbolic tangent of each entry."""
        return tanh(x)


@dataclass(frozen=True)
class ReLU(Activation):
    """The rectified x: x where it is positive, else 0 (slope 0 at 0).

    >>> import misstep as ms
    >>> network = ms.Network(ms.ReLU(), input_shape=(2,))
    >>> network.predict([[-1.0, 2.0]]).round(3)
    array([[0., 2.]], dtype=float32)
    """

    can_die: ClassVar[bool] = True
    suits: ClassVar[Initializer] = HeNormal()

    def forward(self, x: Value) -> Value:
        """Return each entry if positive, else 0."""
        return relu(x)


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """As ReLU, but slope · x where x is negative (Maas, Hannun and Ng, 2013).

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.LeakyReLU(), input_shape=(2,))
    >>> network.predict([[-1.0, 2.0]]).round(3)
    array([[-0.01,  2.  ]], dtype=float32)
    """

    slope: float = 0.01
    suits: ClassVar[Initializer] = HeNormal()

    def __post_init__(self) -> None:
        check_finite("LeakyReLU", "slope", self.slope)

    def forward(self, x: Value) -> Value:
        """Return each entry if positive, else a small part of it."""
        return where(x > 0, x, x * self.slope)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(float("nan")), (4,)


@dataclass(frozen=True)
class ELU(Activation):
    """As ReLU, but α · (e^x − 1) where x is negative (Clevert, Unterthiner and Hochreiter, 2016).

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.ELU(), input_shape=(2,))
    >>> network.predict([[-1.0, 2.0]]).round(3)
    array([[-0.632,  2.   ]], dtype=float32)
    """

    alpha: float = 1.0
    suits: ClassVar[Initializer] = HeNormal()

    def __post_init__(self) -> None:
        check_finite("ELU", "alpha", self.alpha)

    def forward(self, x: Value) -> Value:
        """Return each entry if positive, else a smooth curve down to −α."""
        return where(x > 0, x, self.alpha * expm1_up_to_0(x))

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(float("inf")), (4,)
        yield lambda: cls("1"), (4,)  # type: ignore[arg-type]


@dataclass(frozen=True)
class SELU(Activation):
    """An ELU times λ, with α such that mean 0 and deviation 1 stay so (Klambauer et al., 2017).

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.SELU(), input_shape=(2,))
    >>> network.predict([[-1.0, 2.0]]).round(3)
    array([[-1.111,  2.101]], dtype=float32)
    """

    suits: ClassVar[Initializer] = LeCunNormal()
    # Constants of the paper, to float64 precision.
    ALPHA: ClassVar[float] = 1.6732632423543772
    SCALE: ClassVar[float] = 1.0507009873554805

    def forward(self, x: Value) -> Value:
        """Return the scaled ELU of each entry."""
        return self.SCALE * where(x > 0, x, self.ALPHA * expm1_up_to_0(x))


@dataclass(frozen=True)
class GELU(Activation):
    """The product x · Φ(x) with the normal distribution's Φ, exact (Hendrycks and Gimpel, 2016).

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.GELU(), input_shape=(2,))
    >>> network.predict([[-1.0, 2.0]]).round(3)
    array([[-0.159,  1.954]], dtype=float32)
    """

    suits: ClassVar[Initializer] = HeNormal()

    def forward(self, x: Value) -> Value:
        """Return each entry times the share of a normal distribution below it."""
        return x * (0.5 * (1.0 + erf(x * (1.0 / math.sqrt(2.0)))))


@dataclass(frozen=True)
class SiLU(Activation):
    """The product x · sigmoid(x), also called swish (Elfwing, Uchibe and Doya, 2018).

    >>> import misstep as ms
    >>> network = ms.Network(ms.SiLU(), input_shape=(2,))
    >>> network.predict([[-1.0, 2.0]]).round(3)
    array([[-0.269,  1.762]], dtype=float32)
    """

    suits: ClassVar[Initializer] = HeNormal()

    def forward(self, x: Value) -> Value:
        """Return each entry times its sigmoid."""
        return x * sigmoid(x)


@dataclass(frozen=True)
class Softplus(Activation):
    """A smooth ReLU: ln(1 + e^x).

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.Softplus(), input_shape=(2,))
    >>> network.predict([[-1.0, 2.0]]).round(3)
    array([[0.313, 2.127]], dtype=float32)
    """

    suits: ClassVar[Initializer] = HeNormal()

    def forward(self, x: Value) -> Value:
        """Return the softplus of each entry."""
        return softplus(x)


@dataclass(frozen=True)
class Softmax(Activation):
    """Positive shares along the last axis that add up to 1.

    For training classes use `CrossEntropy` on the outputs without this layer: it holds the softmax
    already, and applying it twice makes learning slow.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.Softmax(), input_shape=(2,))
    >>> network.predict([[1.0, 1.0]]).round(3)
    array([[0.5, 0.5]], dtype=float32)
    """

    bounds: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def forward(self, x: Value) -> Value:
        """Return the softmax along the last axis."""
        return softmax(x, -1)
