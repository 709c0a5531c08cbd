"""A ReLU in place of a person's own functions that let no sound gradient through."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import Module, ReLU, Sequential
from misstep.trials.carrying import rebuilt, with_numbers
from misstep.trials.layers import last_place, plain
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError


class OwnFunctions(Remedy):
    """ReLU, or nothing, in place of layers of a person's own without parameters."""

    name = "own-functions"
    title = "a ReLU in place of functions of one's own"
    answers = (
        "parameters-not-learning",
        "not-a-number",
        "vanishing-gradients",
        "exploding-gradients",
        "constant-prediction",
    )
    rank = 9

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the network with a ReLU in their place, and without them."""
        start = case.start
        network = start.network
        layers = plain(network).layers
        owners = {path for path, _ in with_numbers(network)}
        paths = {id(layer): path for path, layer in network.layers.items()}
        own = {
            id(layer): type(layer).__name__
            for layer in layers
            if (path := paths.get(id(layer))) is not None
            and path not in owners
            and not type(layer).__module__.startswith("misstep.")
            and network.inputs[path] == network.outputs[path]
            and not any(True for _ in layer.children())
        }
        places = [place for place, one in enumerate(layers) if id(one) in own]
        if not places:
            raise NotApplicableError("it has no layers of your own without parameters")
        kinds = " and ".join(sorted(set(own.values())))
        end = last_place(layers)
        hidden = [place for place in places if place < end]
        if hidden:
            # One behind an activation bends what is bent already: a ReLU there changes little.
            after: list[Module] = [
                ReLU() if place in hidden else one
                for place, one in enumerate(layers)
                if place not in places or place in hidden
            ]
            yield rebuilt(
                start,
                f"ReLU in place of {kinds}",
                Sequential(*after),
                f"ms.ReLU() in place of {kinds}",
            )
        yield rebuilt(
            start,
            f"without {kinds}",
            Sequential(*(one for place, one in enumerate(layers) if place not in places)),
            f"no {kinds}",
        )
