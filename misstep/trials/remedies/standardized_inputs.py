"""Inputs brought to mean 0 and deviation 1 by the network's first layer."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.carrying import rebuilt
from misstep.trials.front import Front
from misstep.trials.remedy import Case, Change, Remedy


class StandardizedInputs(Remedy):
    """A rescaling in front, by mean and deviation of the training rows."""

    name = "standardized-inputs"
    title = "standardized inputs"
    answers = (
        "unscaled-inputs",
        "saturated-units",
        "dead-units",
        "slow-learning",
        "exploding-gradients",
        "diverging",
        "not-a-number",
        "constant-input",
        "constant-prediction",
        "underfitting",
    )
    rank = 7
    is_general = True

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield each feature by numbers of its own, and all by the same ones."""
        front = Front.of(case)
        front.refuse_scaled()
        for rescaling, each in front.standardizing():
            yield rebuilt(
                case.start,
                f"standardized inputs, {'each feature by itself' if each else 'all alike'}",
                front.with_layers(rescaling),
                "x = (x - x_train.mean(axis=0)) / x_train.std(axis=0)"
                if each
                else "x = (x - x_train.mean()) / x_train.std()",
            )
