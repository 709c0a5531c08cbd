"""No activation behind the last layer, where the loss takes any number."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import Sequential
from misstep.trials.carrying import rebuilt
from misstep.trials.layers import is_activation, last_place, plain
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError


class LastActivation(Remedy):
    """The outputs as the last weighted layer gives them."""

    name = "no-last-activation"
    title = "no activation behind the last layer"
    answers = ("wrong-output", "constant-prediction", "dead-units", "saturated-units")
    rank = 4
    is_general = True

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the network without the activations behind its last weights."""
        layers = plain(case.start.network).layers
        end = last_place(layers) + 1
        gone = [one for one in layers[end:] if is_activation(one)]
        if not gone:
            raise NotApplicableError("no activation stands behind its last layer")
        kept = [one for one in layers[end:] if not is_activation(one)]
        kinds = " and ".join(type(one).__name__ for one in gone)
        yield rebuilt(
            case.start,
            f"without the {kinds} at its end",
            Sequential(*layers[:end], *kept),
            f"no {kinds} at the end: the loss takes the outputs as they are",
        )
