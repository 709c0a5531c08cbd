"""Residual connections around hidden layers of equal width."""

from __future__ import annotations

import math
from collections.abc import Iterator

from misstep.nn import Module, Residual, Sequential
from misstep.nn.initializers import Normal
from misstep.trials.carrying import rebuilt
from misstep.trials.layers import blocks, changed, is_weighted, last_place, plain
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError

# With fewer layers that could be passed around, a network is not deep.
FEWEST = 2


class ResidualConnections(Remedy):
    """A shortcut around each hidden layer that gives back the shape it gets."""

    name = "residual"
    title = "residual connections around hidden layers of equal width"
    answers = ("vanishing-gradients", "exploding-gradients", "slow-learning", "underfitting")
    rank = 24

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the network with shortcuts."""
        start = case.start
        network = start.network
        layers = plain(network).layers
        last = layers[last_place(layers)]
        paths = {id(layer): path for path, layer in network.layers.items()}

        def gives_back(block: list[Module]) -> bool:
            first, final = paths.get(id(block[0])), paths.get(id(block[-1]))
            if first is None or final is None:
                return False
            return network.inputs[first] == network.outputs[final]

        around = [
            block[0] is not last and gives_back(block) if block else False
            for block in blocks(layers)
        ]
        count = sum(around)
        if count < FEWEST:
            raise NotApplicableError(
                f"fewer than {FEWEST} of its hidden layers give back the shape they get"
            )
        fans = {
            one.specification.name: one.specification.fan_in for one in network.parameter_slices
        }
        after: list[Module] = []
        for block, same in zip(blocks(layers), around, strict=True):
            if not same:
                after += block
                continue
            first = block[0]
            fan_in = fans.get(f"{paths.get(id(first))}.weight", 0)
            if is_weighted(first) and fan_in and type(first).__name__ != "MemberDense":
                # What shortcuts add up would grow with their number (Hanin and Rolnick, 2018).
                first = changed(first, initializer=Normal(1.0 / math.sqrt(fan_in * count)))
            after.append(Residual(first, *block[1:]))
        yield rebuilt(
            start,
            "with residual connections",
            Sequential(*after),
            f"ms.Residual(…) around each of the {count} hidden layers that are as wide as what "
            "they get, with their activations, and first weights that are smaller by the root of "
            "their number",
        )
