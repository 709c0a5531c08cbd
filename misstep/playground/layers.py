"""The layers that settings of the playground say, with first weights drawn as they ask.

Knows layers and initializers, and settings by what they hold; trains nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from misstep.ir import Array
from misstep.nn import (
    ELU,
    GELU,
    SELU,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    LeakyReLU,
    Module,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from misstep.nn.activations import Activation
from misstep.nn.initializers import (
    Constant,
    Fans,
    GlorotUniform,
    HeNormal,
    Initializer,
    LeCunNormal,
    Normal,
    Zeros,
)
from misstep.nn.rescaling import Rescaling
from misstep.playground.problems.problem import Problem

if TYPE_CHECKING:
    from misstep.playground.settings import Settings

__all__ = ["ACTIVATIONS", "INITIALIZATIONS", "NORMALIZATIONS", "Scaled", "made_layers"]

ACTIVATIONS: dict[str, type[Activation] | None] = {
    "tanh": Tanh,
    "relu": ReLU,
    "leaky-relu": LeakyReLU,
    "sigmoid": Sigmoid,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "softplus": Softplus,
    "linear": None,
}
# By which first weights are drawn; "suited": as suits the activation that follows.
INITIALIZATIONS: dict[str, Initializer | None] = {
    "suited": None,
    "glorot": GlorotUniform(),
    "he": HeNormal(),
    "lecun": LeCunNormal(),
    "normal": Normal(1.0),
    "zeros": Zeros(),
}
NORMALIZATIONS = ("none", "layer", "batch")
# Of LeakyReLU, so that its other side can be seen in a picture.
SLOPE = 0.1


@dataclass(frozen=True)
class Scaled(Initializer, inside=True):
    """Another initializer's numbers, `factor` times as large."""

    base: Initializer
    factor: float

    def __post_init__(self) -> None:
        """Take what settings have checked."""

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        """Return the numbers."""
        return self.base.draw(shape, fans, seed, stream) * self.factor

    def configuration(self) -> dict[str, Any]:
        """Return the kind and the settings as plain JSON."""
        return {"kind": "Scaled", "base": self.base.configuration(), "factor": self.factor}


def made_layers(settings: Settings, problem: Problem) -> Module:
    """Return the layers that settings say, none of them shared with those of another call."""
    cls = ACTIVATIONS[settings.activation]
    layers: list[Module] = _front(settings, problem)
    before = (len(problem.features), *settings.layers)
    around = [units == width for units, width in zip(settings.layers, before, strict=False)]
    for units, width, shortcut in zip(settings.layers, before, around, strict=False):
        initializer = _initializer(settings, cls)
        if settings.residual and shortcut and settings.initialization == "suited":
            # What shortcuts add up would grow with their number (Hanin and Rolnick, 2018).
            base: Initializer = Normal(1.0 / math.sqrt(width * sum(around)))
            scale = settings.initialization_scale
            initializer = base if scale == 1.0 else Scaled(base, scale)
        block: list[Module] = [
            Dense(units, initializer=initializer, bias_initializer=_bias(settings))
        ]
        if settings.normalization != "none":
            block.append(LayerNorm() if settings.normalization == "layer" else BatchNorm())
        if cls is not None:
            block.append(LeakyReLU(SLOPE) if cls is LeakyReLU else cls())
        if settings.dropout:
            block.append(Dropout(settings.dropout))
        layers += [Residual(*block)] if settings.residual and shortcut else block
    return Sequential(*layers, Dense(problem.outputs, initializer=_initializer(settings, None)))


def _front(settings: Settings, problem: Problem) -> list[Module]:
    """Return what brings inputs to mean 0 and deviation 1, by the rows to learn from."""
    if not settings.standardize:
        return []
    wide = problem.train.x.astype("float64")
    deviation = wide.std(axis=0)
    scale = 1.0 / np.where(deviation > 0, deviation, 1.0)
    offset = -wide.mean(axis=0) * scale
    return [Rescaling(tuple(scale.tolist()), tuple(offset.tolist()))]


def _initializer(settings: Settings, following: type[Activation] | None) -> Initializer | None:
    base = INITIALIZATIONS[settings.initialization]
    if settings.initialization_scale == 1.0:
        return base
    if base is None:
        base = GlorotUniform() if following is None else following.suits
    return Scaled(base, settings.initialization_scale)


def _bias(settings: Settings) -> Initializer | None:
    return Constant(settings.bias) if settings.bias else None
