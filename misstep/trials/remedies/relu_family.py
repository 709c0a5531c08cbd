"""Activations of the ReLU family in place of ones that saturate or die."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn import LeakyReLU, Module, ReLU, SiLU
from misstep.trials.carrying import rebuilt
from misstep.trials.layers import changed, exchanged, is_activation, last_place, plain, written
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError

# Of units that are 0 for whole sides, one that never is.
SLOPE = 0.1


class ReluFamily(Remedy):
    """LeakyReLU where units can die; ReLU or SiLU where they saturate."""

    name = "relu-family"
    title = "activations of the ReLU family"
    answers = (
        "dead-units",
        "saturated-units",
        "vanishing-gradients",
        "constant-prediction",
        "exploding-gradients",
        "slow-learning",
        "underfitting",
    )
    rank = 21

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run with other hidden activations, the last one left as it is."""
        module = plain(case.start.network)
        layers = module.layers
        hidden = [one for one in layers[: last_place(layers)] if is_activation(one)]
        dying = [one for one in hidden if one.can_die]
        bounded = [one for one in hidden if one.bounds is not None]
        if not dying and not bounded:
            raise NotApplicableError("none of its hidden activations can die or saturate")
        for others, new in ((dying, LeakyReLU(SLOPE)), (bounded, ReLU()), (bounded, SiLU())):
            if not others:
                continue
            changing = {id(one) for one in others}

            def exchange(layer: Module, changing: set[int] = changing, new: Module = new) -> Module:
                # One of its own in each place: a layer twice would be one layer.
                return changed(new) if id(layer) in changing else layer

            kinds = " and ".join(sorted({type(one).__name__ for one in others}))
            yield rebuilt(
                case.start,
                f"{type(new).__name__} in place of {kinds}",
                exchanged(module, exchange),
                f"{written(new)} in place of {kinds} between its layers",
            )
