"""Presets: settings worth a look, healthy ones and ones that break the training on purpose.

Each broken one shows an ailment that the doctor names (tests hold each to that). Knows settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from misstep.errors import ArgumentError
from misstep.playground.settings import Settings
from misstep.text.names import did_you_mean

__all__ = ["Preset", "preset_named", "presets"]


@dataclass(frozen=True)
class Preset:
    """Settings with a name. `changed`: those that are not as by default.

    `sentence`: what there is to see. `updates`: after which it shows. `ailment`: the slug that the
    doctor finds; empty for healthy ones.
    """

    name: str
    title: str
    sentence: str
    updates: int
    changed: Mapping[str, Any] = field(default_factory=dict)
    ailment: str = ""

    @property
    def settings(self) -> Settings:
        """Return the settings."""
        return Settings.of(self.changed)

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "sentence": self.sentence,
            "updates": self.updates,
            "broken": bool(self.ailment),
            "ailment": self.ailment,
            "settings": self.settings.plain(),
        }


_ADAM = {"optimizer": "adam", "learning_rate": 0.01}
_PRESETS = (
    Preset(
        "circles",
        "a ring around a disc",
        "The surface closes around the disc; look which units draw which part of its edge.",
        400,
    ),
    Preset(
        "xor",
        "exclusive or, four units",
        "Four units are enough, if first weights are lucky: try other seeds.",
        400,
        {"problem": "xor", "layers": (4,)},
    ),
    Preset(
        "spirals",
        "two spirals",
        "First a line, then bends, then arms: most of what is learned comes late.",
        3000,
        {"problem": "spirals", "rows": 400, "noise": 0.05, "layers": (16, 16), **_ADAM},
    ),
    Preset(
        "clouds",
        "three clouds without a hidden layer",
        "Each output is one straight ramp; where two are equal, the colors meet.",
        200,
        {"problem": "blobs", "layers": ()},
    ),
    Preset(
        "sine",
        "a sine curve",
        "Units share out the bends of the curve.",
        1500,
        {"problem": "sine", "layers": (12,), **_ADAM},
    ),
    Preset(
        "staircase",
        "a staircase",
        "A ReLU network bends at points; to jump, two of them must stand close.",
        3000,
        {"problem": "steps", "noise": 0.05, "layers": (24, 24), "activation": "relu", **_ADAM},
    ),
    Preset(
        "digits",
        "handwritten digits",
        "The pictures of the units become strokes and holes of digits.",
        600,
        {
            "problem": "digits",
            "rows": 1000,
            "noise": 0.0,
            "layers": (16,),
            "activation": "relu",
            "batch_size": 20,
        },
    ),
    Preset(
        "rate-times-100",
        "the learning rate × 100",
        "Each step overshoots: the loss jumps, and units end up saturated or dead.",
        100,
        {"learning_rate": 10.0},
        "learning-rate-too-high",
    ),
    Preset(
        "rate-too-low",
        "the learning rate ÷ 1,000",
        "Everything points the right way, and hardly moves.",
        400,
        {"learning_rate": 0.0001},
        "learning-rate-too-low",
    ),
    Preset(
        "sigmoid-ten-deep",
        "sigmoids, ten layers deep",
        "A sigmoid's slope is at most a quarter: ten of them leave nothing for the first layers.",
        400,
        {"layers": (8,) * 10, "activation": "sigmoid"},
        "vanishing-gradients",
    ),
    Preset(
        "zeros",
        "all weights begin at zero",
        "No unit differs from another, and no weight hears of a mistake.",
        200,
        {"initialization": "zeros"},
        "bad-initialization",
    ),
    Preset(
        "dead-relu",
        "dead ReLUs",
        "With biases this low no row wakes a unit: its slope is 0, for ever.",
        200,
        {"activation": "relu", "bias": -12.0},
        "dead-units",
    ),
    Preset(
        "unscaled-inputs",
        "inputs in a unit 100 times smaller",
        "Sums are so large that every unit saturates before it has learned anything.",
        300,
        {"input_scale": 100.0},
        "unscaled-inputs",
    ),
    Preset(
        "no-activation",
        "no activation",
        "Layers without a bend between them are one layer: a straight line, however deep.",
        400,
        {"problem": "xor", "activation": "linear", "learning_rate": 0.03},
        "missing-activation",
    ),
    Preset(
        "by-heart",
        "learned by heart",
        "Twenty noisy rows and a thousand weights: the training loss falls, the other one rises.",
        1500,
        {
            "problem": "moons",
            "rows": 20,
            "noise": 0.5,
            "layers": (32, 32),
            "optimizer": "adam",
            "learning_rate": 0.02,
        },
        "overfitting",
    ),
    Preset(
        "large-first-weights",
        "first weights × 20",
        "Six layers of ReLU pass on what is too large twenty times over, and it explodes.",
        50,
        {"layers": (8,) * 6, "activation": "relu", "initialization_scale": 20.0},
        "bad-initialization",
    ),
)


def presets() -> tuple[Preset, ...]:
    """Return all presets, the healthy ones first."""
    return _PRESETS


def preset_named(name: str) -> Preset:
    """Return a preset. Raises ArgumentError for a name that there is not."""
    known = {one.name: one for one in _PRESETS}
    if name not in known:
        raise ArgumentError(
            "the preset", needed=", ".join(known), got=repr(name), try_=did_you_mean(name, known)
        )
    return known[name]
