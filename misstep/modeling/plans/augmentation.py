"""Which changes images are learned with: a person's words, or what the images allow.

A line such as "flip-shift-cutout" becomes layers that act in training only. Knows shapes and words,
no images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from misstep.data import FlipInvariance
from misstep.errors import ArgumentError
from misstep.modeling.decisions import CHOSEN
from misstep.modeling.hyperparameters import Choice
from misstep.modeling.plans.plan import Planner
from misstep.nn import (
    Cutout,
    GaussianNoise,
    Module,
    RandomAffine,
    RandomBrightness,
    RandomContrast,
    RandomFlip,
    RandomShift,
)
from misstep.text.names import did_you_mean

# Pixels to move by at most, as a share of the side: 4 of 32 for photographs (He and others, 2016);
# 2 of 28 for drawings, which fill their frame with background.
SHIFT = 1 / 8
SHIFT_OF_DRAWINGS = 1 / 14
NONE, MIXUP = "none", "mixup"
# Strength of mixup: Zhang and others (2018) found 0.1 to 0.4 for photographs.
MIXUP_STRENGTH = 0.2


@dataclass(frozen=True)
class Augmentations(Choice):
    """Words such as flip-shift: a few that are searched, and any that a person joins."""

    def takes(self, value: Any) -> bool:
        """Tell whether a value is a line of words; which ones there are, `augmentation` says."""
        return isinstance(value, str)


def _shift(side: int, mirrors: bool) -> Module | None:
    most = int(side * (SHIFT if mirrors else SHIFT_OF_DRAWINGS))
    return RandomShift(most, "edge") if most else None


# Each word with the layer it means, for images of a side and whether they may be mirrored; None
# where so small a picture would lose too much.
WORDS: dict[str, Callable[[int, bool], Module | None]] = {
    "flip": lambda side, mirrors: RandomFlip(),
    "shift": _shift,
    "affine": lambda side, mirrors: RandomAffine(10.0, 0.15, 0.2),
    "brightness": lambda side, mirrors: RandomBrightness(0.1),
    "contrast": lambda side, mirrors: RandomContrast(0.3),
    "noise": lambda side, mirrors: GaussianNoise(0.03),
    "cutout": lambda side, mirrors: Cutout(0.4),
}


def augmentation(text: str, side: int, mirrors: bool = True) -> tuple[list[Module], float]:
    """Return the layers that a line of words means, and the strength of mixup, 0 for none.

    `side`: the shorter one of the images. Raises ArgumentError for an unknown word.
    """
    words = [word for word in text.strip().lower().split("-") if word]
    layers: list[Module] = []
    for word in words:
        if word in (NONE, MIXUP):
            continue
        if word not in WORDS:
            raise ArgumentError(
                f"the augmentation {text!r}",
                needed=f"none, or some of {', '.join([*WORDS, MIXUP])} joined by -",
                got=repr(word),
                try_=did_you_mean(word, [*WORDS, MIXUP, NONE]),
            )
        layer = WORDS[word](side, mirrors)
        layers += [] if layer is None else [layer]
    if not words:
        raise ArgumentError("the augmentation", needed="words such as flip-shift", got="none")
    return layers, MIXUP_STRENGTH if MIXUP in words else 0.0


def decide_augmentation(
    planner: Planner, default: str, flips: FlipInvariance, side: int, searched: Sequence[str] = ()
) -> tuple[list[Module], float]:
    """Return layers and mixup for what a person asked for, or for the words of `default`.

    `searched`: other words that are worth a trial.
    """
    asked = planner.options.augment
    if asked is None:
        words = Augmentations(tuple(dict.fromkeys([default, *searched])))
        line = str(planner.hyperparameter("augmentation", words, default))
        asked = line if planner.is_chosen("augmentation") else None
    else:
        line = asked
    layers, mixup = augmentation(line, side, flips.allowed)
    if asked is not None:
        planner.decisions.add("augmentation", asked, CHOSEN)
        return layers, mixup
    if not layers and not mixup:
        reason = f"images of {side} pixels a side are too small to move"
        planner.decisions.add("augmentation", NONE, reason)
        return layers, mixup
    mirrored = "mirrored too" if flips.allowed else "not mirrored"
    reason = f"no image is seen twice the same; {mirrored}, since {flips.reason}"
    planner.decisions.add("augmentation", default, reason)
    return layers, mixup
