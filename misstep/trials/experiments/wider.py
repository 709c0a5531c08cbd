"""The same training with more units: was there too little room?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import Dense, Module
from misstep.trials.experiment import Arm, Comparison
from misstep.trials.layers import changed, exchanged, flat_layers
from misstep.trials.setting import NotApplicableError, Setting

TIMES = 4
# More would cost more than it tells.
MOST_UNITS = 1024


class Wider(Comparison):
    """Tries four times the units in each hidden dense layer."""

    name = "wider"
    title = "four times the units in each hidden dense layer"
    tells = ("underfitting",)
    rank = 19
    full = 0.8
    arms_at_most = 6

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield the network with more hidden units."""
        module = setting.start.network.module
        dense = [layer for layer in flat_layers(module) if isinstance(layer, Dense)]
        if len(dense) < 2:
            raise NotApplicableError("it has no hidden dense layer")

        def exchange(layer: Module) -> Module:
            if not isinstance(layer, Dense) or layer is dense[-1]:
                return layer
            return changed(layer, units=min(TIMES * layer.units, MOST_UNITS + layer.units))

        yield Arm(
            f"with {TIMES} times the units",
            setting.start.variant(exchanged(module, exchange)),
            "wider layers: "
            + ", ".join(f"ms.Dense({TIMES * layer.units})" for layer in dense[:-1]),
        )
