"""Faults of layers, their first numbers and penalties."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import misstep as ms
from benchmarks.doctor.faults.registry import Harm, fault
from benchmarks.doctor.setups import Array, Part, Setup
from misstep.ir import Value
from misstep.nn import Activation, Conv2D

LAYERS, NUMBERS, PENALTY = "layers", "first numbers", "penalty"
# What layers call the numbers that connect.
_CONNECTING = ("weight", "recurrent")


def _dense(layers: tuple[ms.Module, ...]) -> list[int]:
    """Return the positions of the layers with weights."""
    return [at for at, layer in enumerate(layers) if isinstance(layer, ms.Dense | Conv2D | ms.LSTM)]


def _activations(setup: Setup) -> list[int]:
    return [at for at, layer in enumerate(setup.layers) if isinstance(layer, Activation)]


def _with_layers(setup: Setup, layers: list[ms.Module]) -> Setup:
    return replace(setup, layers=tuple(layers))


def _before_last(setup: Setup, more: list[ms.Module]) -> Setup:
    """Return the setup with layers put before its last weights."""
    last = _dense(setup.layers)[-1]
    return _with_layers(setup, [*setup.layers[:last], *more, *setup.layers[last:]])


def with_activation(setup: Setup, activation: Any) -> Setup:
    """Return the setup with another activation in all its hidden places."""
    places = _activations(setup)
    return _with_layers(
        setup, [replace(activation) if at in places else one for at, one in enumerate(setup.layers)]
    )


@fault("vanishing-gradients", (2, 4, 7, 11), stage=LAYERS)
def deep_sigmoid(setup: Setup, strength: int, random: np.random.Generator) -> Setup:
    """So many layers with sigmoids in a row, from customary first weights."""
    pairs = [(ms.Dense(16), ms.Sigmoid()) for _ in range(strength)]
    return _before_last(setup, [layer for pair in pairs for layer in pair])


@fault("exploding-gradients", (1.5, 2.5, 4.0, 8.0), also=["bad-initialization"], stage=LAYERS)
def growing(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """Six more layers, each of which makes numbers so many times as large."""
    drawn = ms.initializers.Normal(float(strength * np.sqrt(2.0 / 16.0)))
    pairs = [(ms.Dense(16, initializer=drawn), ms.ReLU()) for _ in range(6)]
    more = [layer for pair in pairs for layer in pair]
    return _before_last(setup, [ms.Dense(16), ms.ReLU(), *more])


@fault("dead-units", (0.5, 1.0, 2.0, 4.0, 10.0), also=["bad-initialization"], stage=NUMBERS)
def dead(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """ReLU, whose biases start so far below 0."""
    hidden = _dense(setup.layers)[:-1]

    def lowered(layer: Any) -> Any:
        if not isinstance(layer, ms.Dense | Conv2D):
            return layer
        return replace(layer, bias_initializer=ms.initializers.Constant(-strength))

    layers = [lowered(one) if at in hidden else one for at, one in enumerate(setup.layers)]
    return with_activation(_with_layers(setup, layers), ms.ReLU())


def _scaled(factor: float) -> Any:
    def scale(name: str, numbers: Array, random: np.random.Generator) -> Array:
        return numbers * factor if name.endswith(_CONNECTING) else numbers

    return scale


@fault("saturated-units", (3.0, 10.0, 30.0, 100.0), also=["bad-initialization"], stage=NUMBERS)
def saturated(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """Tanh, its weights so many times as large at first."""
    return replace(with_activation(setup, ms.Tanh()), first_numbers=_scaled(strength))


@fault("bad-initialization/large", (3.0, 10.0, 30.0, 100.0), stage=NUMBERS)
def large_weights(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """Weights are so many times as large at first."""
    return replace(setup, first_numbers=_scaled(strength))


def _alike(number: float) -> Any:
    def fill(name: str, numbers: Array, random: np.random.Generator) -> Array:
        return np.full_like(numbers, number) if name.endswith(_CONNECTING) else numbers

    return fill


@fault("bad-initialization/alike", (0.1, 1.0), stage=NUMBERS)
def alike(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """All weights are the same number at first."""
    return replace(setup, first_numbers=_alike(strength))


@fault("bad-initialization/zeros", (0.0,), stage=NUMBERS)
def zeros(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """All weights are 0 at first."""
    return replace(setup, first_numbers=_alike(strength))


@fault("missing-activation", ("last", "all"), stage=LAYERS)
def missing(setup: Setup, strength: str, random: np.random.Generator) -> Setup:
    """Without the last hidden activation, or without any."""
    places = _activations(setup)
    gone = places[-1:] if strength == "last" else places
    return _with_layers(setup, [layer for at, layer in enumerate(setup.layers) if at not in gone])


@fault(
    "parameters-not-learning/frozen",
    ("first", "all but the last", "all but one bias"),
    stage=LAYERS,
)
def frozen(setup: Setup, strength: str, random: np.random.Generator) -> Setup:
    """Layers are kept from learning."""
    places = _dense(setup.layers)
    held = {"first": places[:1], "all but the last": places[:-1], "all but one bias": places}
    layers: list[ms.Module] = []
    for at, one in enumerate(setup.layers):
        layer: Any = one
        layers.append(replace(layer, trainable=False) if at in held[strength] else layer)
    if strength == "all but one bias":
        layers.append(_Shift())
    return _with_layers(setup, layers)


@dataclass(frozen=True)
class _Shift(ms.Module):
    """Adds a number of its own to each output."""

    def forward(self, x: Value) -> Value:
        shift = self.parameter("shift", (x.shape[-1],), ms.initializers.Zeros(), regularized=False)
        return x + shift


@dataclass(frozen=True)
class Step(ms.Module):
    """1 above 0, else 0: flat, so that no gradient passes."""

    def forward(self, x: Value) -> Value:
        """Return 1 or 0."""
        return ms.where(x > 0, 1.0, x * 0.0)


@fault("parameters-not-learning/step", ("last", "all"), stage=LAYERS)
def stepping(setup: Setup, strength: str, random: np.random.Generator) -> Setup:
    """Steps take the place of activations: nothing before them gets a gradient."""
    places = _activations(setup)
    changed = places[-1:] if strength == "last" else places
    return _with_layers(
        setup, [Step() if at in changed else layer for at, layer in enumerate(setup.layers)]
    )


@dataclass(frozen=True)
class Logarithm(ms.Module):
    """ln x, of whatever comes."""

    def forward(self, x: Value) -> Value:
        """Return ln x."""
        return ms.log(x)


@dataclass(frozen=True)
class Root(ms.Module):
    """√x, whose slope at 0 is infinite."""

    def forward(self, x: Value) -> Value:
        """Return √x."""
        return x**0.5


@fault("not-a-number", ("root", "logarithm"), stage=LAYERS)
def not_a_number(setup: Setup, strength: str, random: np.random.Generator) -> Setup:
    """A root or a logarithm behind the last activation, where there are zeros."""
    place = _activations(setup)[-1] + 1
    layer = Root() if strength == "root" else Logarithm()
    setup = with_activation(setup, ms.ReLU())
    return _with_layers(setup, [*setup.layers[:place], layer, *setup.layers[place:]])


@fault("underfitting", (6, 3, 2, 1), stage=LAYERS)
def narrow(setup: Setup, strength: int, random: np.random.Generator) -> Setup:
    """So few units in each hidden layer."""
    return _of_width(setup, lambda width: min(width, strength))


def _of_width(setup: Setup, width: Any) -> Setup:
    hidden = _dense(setup.layers)[:-1]
    layers: list[ms.Module] = []
    for at, one in enumerate(setup.layers):
        layer: Any = one
        name = "filters" if isinstance(layer, Conv2D) else "units"
        changes = {name: width(getattr(layer, name))} if at in hidden else {}
        layers.append(replace(layer, **changes) if changes else layer)
    return _with_layers(setup, layers)


def with_width(setup: Setup, factor: float) -> Setup:
    """Return the setup with hidden layers so many times as wide."""
    return _of_width(setup, lambda width: max(1, round(width * factor)))


@fault("overfitting", (256, 128, 64, 32), harm=Harm.TURN, stage=LAYERS)
def few_rows(setup: Setup, strength: int, random: np.random.Generator) -> Setup:
    """So few rows, four times the width, and epochs for as many updates as before."""
    part = Part(setup.train.x[:strength], setup.train.y[:strength])
    epochs = setup.epochs * len(setup.train.x) // strength
    return replace(with_width(setup, 4.0), train=part, epochs=min(epochs, 400))


@fault("over-regularized/penalty", (0.01, 0.03, 0.1, 0.3, 1.0), stage=PENALTY)
def penalized(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """A penalty on squared weights, so strong."""
    return replace(setup, regularizers=(ms.optim.L2(strength),))


@fault("over-regularized/dropout", (0.5, 0.7, 0.85, 0.95), stage=PENALTY)
def dropped(setup: Setup, strength: float, random: np.random.Generator) -> Setup:
    """Dropout of this rate behind each activation."""
    layers: list[ms.Module] = []
    for at, layer in enumerate(setup.layers):
        layers.append(layer)
        if at in _activations(setup):
            layers.append(ms.Dropout(strength))
    return _with_layers(setup, layers)
