"""The same training from weights that the library draws: was the beginning bad?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from misstep.nn import Module, Network
from misstep.trials.experiment import Arm, Comparison
from misstep.trials.layers import changed, exchanged
from misstep.trials.setting import NotApplicableError, Setting

SETTINGS = ("initializer", "bias_initializer")


class DefaultInitialization(Comparison):
    """Tries first weights as the library draws them."""

    name = "default-initialization"
    title = "first weights as the library draws them"
    tells = ("bad-initialization",)
    rank = 14

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield the run from weights that are drawn as each layer's default is."""
        start = setting.start
        network = start.network
        try:
            module: Module = exchanged(network.module, _by_default)
        except NotApplicableError as reason:
            drawn = Network(
                network.module, network.input_shape, dtype=network.dtype, seed=start.seed
            )
            same = Network(
                network.module, network.input_shape, dtype=network.dtype, seed=network.seed
            )
            if any(np.array_equal(one.parameters, network.parameters) for one in (drawn, same)):
                raise NotApplicableError("its first weights are drawn by the defaults") from reason
            module = network.module
        yield Arm(
            "from weights drawn by default",
            start.variant(module),
            "layers without initializer= and bias_initializer=, whose defaults suit what follows",
        )


def _by_default(layer: Module) -> Module:
    given = [name for name in SETTINGS if getattr(layer, name, None) is not None]
    return changed(layer, **dict.fromkeys(given)) if given else layer
