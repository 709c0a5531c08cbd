"""First numbers of parameters: each initializer draws from seed and stream alone, in float64.

Knows shapes and counter-based random bits, nothing of layers.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.ops import random_bits

__all__ = [
    "Constant",
    "Fans",
    "ForgetGateBias",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LeCunNormal",
    "LeCunUniform",
    "Normal",
    "Orthogonal",
    "Uniform",
    "XavierNormal",
    "XavierUniform",
    "Zeros",
    "registered_initializers",
]

# Steps count from 0 upward, so −1 keeps first numbers apart from all that training draws.
INITIALIZATION_STEP = -1

_registry: dict[str, type[Initializer]] = {}


@dataclass(frozen=True)
class Fans:
    """How many inputs one output sums over, and how many outputs one input reaches."""

    inputs: int
    outputs: int


class Initializer:
    """A rule for first numbers. Subclassing registers it; a subclass is a frozen dataclass."""

    # What it is good for, in a few words.
    words: ClassVar[str] = ""

    def __init_subclass__(cls, inside: bool = False, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not inside:  # of a layer, not for people
            _registry[cls.__name__] = cls

    def __post_init__(self) -> None:
        """Raise ArgumentError for a setting that is no finite number."""
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            number: Any = getattr(self, field.name)
            if not isinstance(number, int | float) or not math.isfinite(number):
                raise ArgumentError(
                    f"{field.name} of {type(self).__name__}", needed="a number", got=repr(number)
                )

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        """Return a float64 array of `shape`, the same for the same seed and stream."""
        raise NotImplementedError

    def configuration(self) -> dict[str, Any]:
        """Return the kind and the settings as plain JSON."""
        settings = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
        }
        return {"kind": type(self).__name__, **settings}


def registered_initializers() -> dict[str, type[Initializer]]:
    """Return every initializer by name, sorted."""
    return dict(sorted(_registry.items()))


def uniform_draws(shape: tuple[int, ...], seed: int, stream: int) -> Array:
    """Return numbers between 0 and 1, both excluded, with 32 random bits each."""
    words = random_bits(seed, INITIALIZATION_STEP, stream, math.prod(shape))
    return ((words.astype("float64") + 0.5) * 2.0**-32).reshape(shape)


def normal_draws(shape: tuple[int, ...], seed: int, stream: int) -> Array:
    """Return normally distributed numbers of mean 0 and deviation 1 (Box and Muller, 1958)."""
    first, second = uniform_draws((2, *shape), seed, stream)
    return np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * math.pi * second)


@dataclass(frozen=True)
class GlorotUniform(Initializer):
    """Uniform in ±√(6 / (fan in + fan out)) (Glorot and Bengio, 2010); also called Xavier.

    >>> import misstep as ms
    >>> layer = ms.Dense(100, bias=False, initializer=ms.initializers.GlorotUniform())
    >>> weights = ms.Network(layer, input_shape=(100,)).parameters
    >>> round(float(abs(weights).max()), 2)
    0.17
    """

    words = "keeps the spread of signals and gradients even through sigmoid and tanh layers"

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        bound = math.sqrt(6.0 / (fans.inputs + fans.outputs))
        return (2.0 * uniform_draws(shape, seed, stream) - 1.0) * bound


@dataclass(frozen=True)
class GlorotNormal(Initializer):
    """Normal of deviation √(2 / (fan in + fan out)) (Glorot and Bengio, 2010); also Xavier.

    >>> import misstep as ms
    >>> layer = ms.Dense(100, bias=False, initializer=ms.initializers.GlorotNormal())
    >>> weights = ms.Network(layer, input_shape=(100,)).parameters
    >>> round(float(weights.std()), 2)
    0.1
    """

    words = "keeps the spread of signals and gradients even through sigmoid and tanh layers"

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        return normal_draws(shape, seed, stream) * math.sqrt(2.0 / (fans.inputs + fans.outputs))


@dataclass(frozen=True)
class HeUniform(Initializer):
    """Uniform in ±√(6 / fan in) (He, Zhang, Ren and Sun, 2015).

    >>> import misstep as ms
    >>> layer = ms.Dense(100, bias=False, initializer=ms.initializers.HeUniform())
    >>> weights = ms.Network(layer, input_shape=(100,)).parameters
    >>> round(float(abs(weights).max()), 2)
    0.24
    """

    words = "makes up for the half of the signal that a ReLU cuts off"

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        return (2.0 * uniform_draws(shape, seed, stream) - 1.0) * math.sqrt(6.0 / fans.inputs)


@dataclass(frozen=True)
class HeNormal(Initializer):
    """Normal of deviation √(2 / fan in) (He, Zhang, Ren and Sun, 2015).

    >>> import misstep as ms
    >>> layer = ms.Dense(100, bias=False, initializer=ms.initializers.HeNormal())
    >>> weights = ms.Network(layer, input_shape=(100,)).parameters
    >>> round(float(weights.std()), 2)
    0.14
    """

    words = "makes up for the half of the signal that a ReLU cuts off"

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        return normal_draws(shape, seed, stream) * math.sqrt(2.0 / fans.inputs)


@dataclass(frozen=True)
class LeCunUniform(Initializer):
    """Uniform in ±√(3 / fan in) (LeCun, Bottou, Orr and Müller, 1998).

    >>> import misstep as ms
    >>> layer = ms.Dense(100, bias=False, initializer=ms.initializers.LeCunUniform())
    >>> weights = ms.Network(layer, input_shape=(100,)).parameters
    >>> round(float(abs(weights).max()), 2)
    0.17
    """

    words = "keeps the spread of signals even through layers without a cut, such as SELU"

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        return (2.0 * uniform_draws(shape, seed, stream) - 1.0) * math.sqrt(3.0 / fans.inputs)


@dataclass(frozen=True)
class LeCunNormal(Initializer):
    """Normal of deviation √(1 / fan in) (LeCun, Bottou, Orr and Müller, 1998).

    >>> import misstep as ms
    >>> layer = ms.Dense(100, bias=False, initializer=ms.initializers.LeCunNormal())
    >>> weights = ms.Network(layer, input_shape=(100,)).parameters
    >>> round(float(weights.std()), 2)
    0.1
    """

    words = "keeps the spread of signals even through layers without a cut, such as SELU"

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        return normal_draws(shape, seed, stream) * math.sqrt(1.0 / fans.inputs)


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """Rows or columns at right angles and of length `gain` (Saxe, McClelland and Ganguli, 2014).

    >>> import misstep as ms
    >>> import numpy as np
    >>> layer = ms.Dense(100, bias=False, initializer=ms.initializers.Orthogonal())
    >>> weights = ms.Network(layer, input_shape=(100,)).parameters.reshape(100, 100)
    >>> bool(abs(weights @ weights.T - np.eye(100)).max() < 1e-5)
    True
    """

    gain: float = 1.0
    words = "keeps the length of every signal through deep linear stretches"

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        if len(shape) < 2:
            raise ArgumentError(
                "the initializer Orthogonal",
                needed="a parameter of two or more axes",
                got=f"shape {shape}",
                try_="Zeros for biases",
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        matrix = normal_draws((max(rows, columns), min(rows, columns)), seed, stream)
        directions, triangle = np.linalg.qr(matrix)
        # With the signs of the diagonal the result is evenly spread over all rotations.
        directions = directions * np.sign(np.diag(triangle))
        return self.gain * (directions if rows >= columns else directions.T).reshape(shape)


@dataclass(frozen=True)
class Normal(Initializer):
    """Normal of mean 0 and the given deviation.

    >>> import misstep as ms
    >>> layer = ms.Dense(100, bias=False, initializer=ms.initializers.Normal(0.02))
    >>> weights = ms.Network(layer, input_shape=(100,)).parameters
    >>> round(float(weights.std()), 2)
    0.02
    """

    deviation: float = 0.05
    words = "draws around 0 without looking at the layer's size"

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        return normal_draws(shape, seed, stream) * self.deviation


@dataclass(frozen=True)
class Uniform(Initializer):
    """Uniform between −bound and bound.

    >>> import misstep as ms
    >>> layer = ms.Dense(100, bias=False, initializer=ms.initializers.Uniform(0.1))
    >>> weights = ms.Network(layer, input_shape=(100,)).parameters
    >>> round(float(abs(weights).max()), 2)
    0.1
    """

    bound: float = 0.05
    words = "draws around 0 without looking at the layer's size"

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        return (2.0 * uniform_draws(shape, seed, stream) - 1.0) * self.bound


@dataclass(frozen=True)
class Zeros(Initializer):
    """All 0; right for biases, wrong for weights (all units would learn the same).

    >>> import misstep as ms
    >>> layer = ms.Dense(100, bias=False, initializer=ms.initializers.Zeros())
    >>> weights = ms.Network(layer, input_shape=(100,)).parameters
    >>> round(float(abs(weights).max()), 2)
    0.0
    """

    words = "starts without a preference"

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        return np.zeros(shape)


@dataclass(frozen=True)
class Constant(Initializer):
    """All entries the same number.

    >>> import misstep as ms
    >>> layer = ms.Dense(1, bias=False, initializer=ms.initializers.Constant(0.5))
    >>> ms.Network(layer, input_shape=(2,)).predict([[1.0, 2.0]])
    array([[1.5]], dtype=float32)
    """

    value: float = 0.0
    words = "starts from a known number"

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        return np.full(shape, float(self.value))


@dataclass(frozen=True)
class ForgetGateBias(Initializer):
    """All 0, but for the forget gate of an LSTM, the second quarter of its biases: `value`.

    So that a layer remembers before it has learned what to forget (Jozefowicz, Zaremba and
    Sutskever, 2015).

    >>> import misstep as ms
    >>> ms.Network(ms.LSTM(2), input_shape=(3, 1)).arrays()["bias"]
    array([0., 0., 1., 1., 0., 0., 0., 0.], dtype=float32)
    """

    value: float = 1.0
    words = "starts a gated memory by remembering"

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        drawn, columns = np.zeros(shape), shape[-1] if shape else 0
        drawn[..., columns // 4 : columns // 2] = self.value
        return drawn


XavierUniform = GlorotUniform
XavierNormal = GlorotNormal
