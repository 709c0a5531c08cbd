"""A hidden layer more."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import Dense, Module, ReLU, Sequential
from misstep.trials.carrying import rebuilt
from misstep.trials.layers import is_activation, last_place, plain, written
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError

# Units of the first hidden layer of a network that had none.
UNITS = 64


class Deeper(Remedy):
    """One more hidden layer, as wide as the one before it."""

    name = "deeper"
    title = "one more hidden layer"
    answers = ("underfitting", "missing-activation")
    rank = 30

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the network with a hidden layer before its last one."""
        start = case.start
        layers = plain(start.network).layers
        place = last_place(layers)
        last = layers[place]
        if not isinstance(last, Dense):
            raise NotApplicableError("its last layer with weights is no dense one")
        hidden = [one for one in layers[:place] if is_activation(one)]
        activation: Module = hidden[-1] if hidden else ReLU()
        # A network of one layer has no path to it: its input is that of the network.
        paths = [path for path, one in start.network.layers.items() if one is last]
        shape = start.network.inputs[paths[0]] if paths else start.network.input_shape
        width = shape[-1]
        more = Dense(width if place and hidden else UNITS)
        yield rebuilt(
            start,
            "with one more hidden layer",
            Sequential(*layers[:place], more, type(activation)(), *layers[place:]),
            f"{written(more)} and an activation before the last layer",
        )
