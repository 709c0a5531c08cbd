"""First weights as the library draws them."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.experiments.default_initialization import DefaultInitialization as Experiment
from misstep.trials.remedy import Case, Change, Remedy, changes_of


class DefaultInitialization(Remedy):
    """Weights drawn by the defaults, where they were given, or drawn another way."""

    name = "default-initialization"
    title = "first weights as the library draws them"
    answers = (
        "bad-initialization",
        "dead-units",
        "saturated-units",
        "vanishing-gradients",
        "exploding-gradients",
        "constant-prediction",
        "parameters-not-learning",
        "not-a-number",
        "diverging",
        "slow-learning",
    )
    rank = 9

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield what the experiment of that name tries."""
        yield from changes_of(Experiment().arms(case.setting))
