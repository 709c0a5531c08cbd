"""The same training without dropout, penalties, decay and mixing: did they keep it back?"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from misstep.nn import Module
from misstep.trials.experiment import Arm, Comparison
from misstep.trials.layers import changed, exchanged
from misstep.trials.setting import NotApplicableError, Setting

# Layers that disturb, with the setting that turns them off.
DISTURBING = {
    "Dropout": "rate",
    "SpatialDropout": "rate",
    "RecurrentDropout": "rate",
    "GaussianNoise": "deviation",
}
# The room of layers that change rows at random.
AUGMENTING = "misstep.nn.augmentation"


class NoPenalties(Comparison):
    """Tries no dropout, penalties, weight decay and mixing of rows."""

    name = "no-penalties"
    title = "no dropout, penalties, weight decay and mixing of rows"
    tells = ("over-regularized",)
    rank = 16
    held_out = True

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield the run without anything that regularizes."""
        start = setting.start
        settings: dict[str, Any] = {}
        removed = []
        if start.regularizers:
            settings["regularizers"] = ()
            removed.append("regularizers")
        if start.mixup:
            settings["mixup"] = 0.0
            removed.append("mixup")
        if getattr(start.optimizer, "weight_decay", 0.0):
            settings["optimizer"] = dataclasses.replace(start.optimizer, weight_decay=0.0)  # type: ignore[type-var]
            removed.append("weight_decay")
        module = None
        try:
            module = exchanged(start.network.module, _undisturbed)
            removed.append("Dropout")
        except NotApplicableError:
            if not removed:
                raise NotApplicableError("it has no dropout, penalty or decay") from None
        yield Arm(
            "without them",
            start.variant(module, **settings),
            f"less of, or none at all: {', '.join(removed)}",
        )


def _undisturbed(layer: Module) -> Module:
    name = DISTURBING.get(type(layer).__name__)
    if name is None or not getattr(layer, name, 0.0):
        return layer
    return changed(layer, **{name: 0.0})


def without_disturbing(module: Module) -> Module:
    """Return a network without dropout, noise and augmentation; itself where it has none to lack.

    Its layers see the same numbers each time, as what is to be learned by heart must be.
    """

    def exchange(layer: Module) -> Module | tuple[Module, ...]:
        return () if type(layer).__module__ == AUGMENTING else _undisturbed(layer)

    try:
        return exchanged(module, exchange)
    except NotApplicableError:
        return module
