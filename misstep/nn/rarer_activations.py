"""Activations that networks of other makers hold: straight pieces for cheap devices, and others.

Those that most networks have stand in `activations.py`. Shapes stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from misstep.errors import ArgumentError
from misstep.ir import Value
from misstep.nn.activations import Activation, check_finite, expm1_up_to_0
from misstep.nn.initializers import HeNormal, Initializer
from misstep.ops import absolute, clip, softplus, tanh, where


@dataclass(frozen=True)
class HardSigmoid(Activation):
    """A sigmoid of straight pieces: slope · x + shift, held between 0 and 1.

    The settings are PyTorch's; Keras 2 and ONNX have a slope of 0.2.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.HardSigmoid(), input_shape=(2,))
    >>> network.predict([[-3.0, 1.5]]).round(3)
    array([[0.  , 0.75]], dtype=float32)
    """

    slope: float = 1.0 / 6.0
    shift: float = 0.5
    bounds: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def __post_init__(self) -> None:
        check_finite("HardSigmoid", "slope", self.slope)
        check_finite("HardSigmoid", "shift", self.shift)
        if self.slope <= 0:
            raise ArgumentError(
                "slope of HardSigmoid", needed="a number above 0", got=repr(self.slope)
            )

    def forward(self, x: Value) -> Value:
        """Return slope · x + shift, between 0 and 1."""
        inside = clip(x, -self.shift / self.slope, (1.0 - self.shift) / self.slope)
        return inside * self.slope + self.shift

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0.0), (4,)
        yield lambda: cls(shift=float("nan")), (4,)


@dataclass(frozen=True)
class HardSwish(Activation):
    """The product of x and its hard sigmoid, clip(x/6 + ½, 0, 1) (Howard and others, 2019).

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.HardSwish(), input_shape=(2,))
    >>> network.predict([[-3.0, 1.5]]).round(3)
    array([[-0.   ,  1.125]], dtype=float32)
    """

    suits: ClassVar[Initializer] = HeNormal()

    def forward(self, x: Value) -> Value:
        """Return each entry times its hard sigmoid."""
        return x * (clip(x, -3.0, 3.0) * (1.0 / 6.0) + 0.5)


@dataclass(frozen=True)
class HardTanh(Activation):
    """x, held between −1 and 1; on the bounds the slope is 1.

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.HardTanh(), input_shape=(2,))
    >>> network.predict([[-3.0, 0.5]]).round(3)
    array([[-1. ,  0.5]], dtype=float32)
    """

    bounds: ClassVar[tuple[float, float] | None] = (-1.0, 1.0)

    def forward(self, x: Value) -> Value:
        """Return each entry, between −1 and 1."""
        return clip(x, -1.0, 1.0)


@dataclass(frozen=True)
class Softsign(Activation):
    """The quotient x / (1 + |x|), between −1 and 1 (Turian, Bergstra and Bengio, 2009).

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.Softsign(), input_shape=(2,))
    >>> network.predict([[-3.0, 1.0]]).round(3)
    array([[-0.75,  0.5 ]], dtype=float32)
    """

    bounds: ClassVar[tuple[float, float] | None] = (-1.0, 1.0)

    def forward(self, x: Value) -> Value:
        """Return each entry over 1 and its size."""
        return x / (absolute(x) + 1.0)


@dataclass(frozen=True)
class ThresholdedReLU(Activation):
    """x where it is above a threshold, else 0 (Konda, Memisevic and Krueger, 2015).

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.ThresholdedReLU(), input_shape=(2,))
    >>> network.predict([[0.5, 2.0]]).round(3)
    array([[0., 2.]], dtype=float32)
    """

    threshold: float = 1.0
    can_die: ClassVar[bool] = True
    suits: ClassVar[Initializer] = HeNormal()

    def __post_init__(self) -> None:
        check_finite("ThresholdedReLU", "threshold", self.threshold)

    def forward(self, x: Value) -> Value:
        """Return each entry above the threshold, else 0."""
        return where(x > self.threshold, x, 0.0)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(float("nan")), (4,)


@dataclass(frozen=True)
class CELU(Activation):
    """As ELU, but α · (e^(x/α) − 1) where x is negative: smooth for every α (Barron, 2017).

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.CELU(2.0), input_shape=(2,))
    >>> network.predict([[-1.0, 2.0]]).round(3)
    array([[-0.787,  2.   ]], dtype=float32)
    """

    alpha: float = 1.0
    suits: ClassVar[Initializer] = HeNormal()

    def __post_init__(self) -> None:
        check_finite("CELU", "alpha", self.alpha)
        if self.alpha <= 0:
            raise ArgumentError("alpha of CELU", needed="a number above 0", got=repr(self.alpha))

    def forward(self, x: Value) -> Value:
        """Return each entry if positive, else a smooth curve down to −α."""
        return where(x > 0, x, self.alpha * expm1_up_to_0(x * (1.0 / self.alpha)))

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0.0), (4,)
        yield lambda: cls(float("inf")), (4,)


@dataclass(frozen=True)
class Mish(Activation):
    """The product x · tanh(ln(1 + e^x)) (Misra, 2019).

    >>> import misstep as ms
    >>> network = ms.Network(ms.nn.Mish(), input_shape=(2,))
    >>> network.predict([[-1.0, 2.0]]).round(3)
    array([[-0.303,  1.944]], dtype=float32)
    """

    suits: ClassVar[Initializer] = HeNormal()

    def forward(self, x: Value) -> Value:
        """Return each entry times the hyperbolic tangent of its softplus."""
        return x * tanh(softplus(x))
