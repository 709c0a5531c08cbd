"""The same training with an activation between layers that only sum: was the network a line?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import Module, ReLU, Sequential
from misstep.trials.experiment import Arm, Comparison
from misstep.trials.layers import flat_layers, is_weighted
from misstep.trials.setting import NotApplicableError, Setting


class ActivationsBetween(Comparison):
    """Tries a ReLU between layers that only sum."""

    name = "activations-between"
    title = "a ReLU between layers that only sum"
    tells = ("missing-activation",)
    rank = 8

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield the network with a ReLU behind each such layer but the last."""
        before = flat_layers(setting.start.network.module)
        after: list[Module] = []
        last: int | None = None
        for layer in before:
            if is_weighted(layer):
                if last is not None:
                    after.insert(last + 1, ReLU())
                last = len(after)
            elif type(layer).__name__ not in ("Dropout", "Flatten", "BatchNorm", "LayerNorm"):
                last = None
            after.append(layer)
        if len(after) == len(before):
            raise NotApplicableError("no two of its layers only sum, one behind the other")
        yield Arm(
            "with a ReLU between",
            setting.start.variant(Sequential(*after)),
            "ms.ReLU() between the dense layers",
        )
