"""Dropout behind the hidden activations."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import Dropout, Module, Sequential
from misstep.trials.carrying import rebuilt
from misstep.trials.layers import blocks, changed, last_place, plain
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError

# After Srivastava and others (2014), who drop half of the units of hidden layers.
RATES = (0.5, 0.2)


class DropoutLayers(Remedy):
    """Dropout behind each hidden layer."""

    name = "dropout"
    title = "dropout behind the hidden layers"
    answers = ("overfitting", "label-errors")
    rank = 22

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield dropout of several rates, higher than what is there."""
        start = case.start
        layers = plain(start.network).layers
        end = last_place(layers)
        there = max((one.rate for one in layers if isinstance(one, Dropout)), default=0.0)
        rates = [rate for rate in RATES if rate > there]
        front, *hidden = blocks(layers[:end])
        if not hidden:
            raise NotApplicableError("it has no hidden layer")
        if not rates:
            raise NotApplicableError(f"it drops {there:.0%} of its units already")
        for rate in rates:
            after: list[Module] = list(front)
            for block in hidden:
                own = [one for one in block if isinstance(one, Dropout)]
                after += [changed(one, rate=rate) if one in own else one for one in block]
                after += [] if own else [Dropout(rate)]
            yield rebuilt(
                start,
                f"with dropout of {rate:.0%}",
                Sequential(*after, *layers[end:]),
                f"ms.Dropout({rate}) behind each hidden layer",
            )
