"""The same training with another activation: were units dead, or saturated?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import Module
from misstep.nn.activations import LeakyReLU
from misstep.trials.experiment import Arm, Comparison
from misstep.trials.layers import exchanged, flat_layers, is_activation
from misstep.trials.setting import NotApplicableError, Setting

# Of units that are 0 for whole sides, one that never is.
SLOPE = 0.1


class OtherActivation(Comparison):
    """Tries activations that neither die nor saturate."""

    name = "other-activation"
    title = "activations that neither die nor saturate"
    tells = ("dead-units", "saturated-units", "vanishing-gradients")
    rank = 18
    arms_at_most = 1

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield LeakyReLU in place of activations that can die, and of bounded ones."""
        module = setting.start.network.module
        layers = flat_layers(module)
        last = layers[-1] if is_activation(layers[-1]) else None
        self._dying = any(layer.can_die for layer in layers if layer is not last)

        def exchange(layer: Module) -> Module:
            if layer is last or not is_activation(layer):
                return layer
            if layer.can_die or (layer.bounds is not None and type(layer).__name__ != "Softmax"):
                return LeakyReLU(SLOPE)
            return layer

        try:
            other = exchanged(module, exchange)
        except NotApplicableError:
            raise NotApplicableError("none of its activations can die or saturate") from None
        yield Arm(
            "with LeakyReLU",
            setting.start.variant(other),
            f"ms.nn.LeakyReLU({SLOPE}) in place of its activations",
        )

    def verdicts(self, support: float) -> dict[str, float]:
        """Return what it says of the kind of activation that was there."""
        told = ("dead-units",) if self._dying else ("saturated-units", "vanishing-gradients")
        return dict.fromkeys(told, support)
