"""The same training without the activation behind the last layer: did it cut answers off?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import Sequential
from misstep.trials.experiment import Arm, Comparison
from misstep.trials.layers import flat_layers, is_activation
from misstep.trials.setting import NotApplicableError, Setting


class NoLastActivation(Comparison):
    """Tries no activation behind the last layer."""

    name = "no-last-activation"
    title = "no activation behind the last layer"
    tells = ("wrong-output",)
    rank = 7

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield the network without its last layer, where that is an activation."""
        *layers, last = flat_layers(setting.start.network.module)
        if not layers or not is_activation(last):
            raise NotApplicableError("no activation is its last layer")
        yield Arm(
            f"without the {type(last).__name__} at its end",
            setting.start.variant(Sequential(*layers)),
            f"no ms.{type(last).__name__}() at the end: the loss takes the outputs as they are",
        )
