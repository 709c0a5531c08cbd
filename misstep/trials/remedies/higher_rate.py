"""A higher learning rate."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.experiments.higher_rate import HigherRate as Experiment
from misstep.trials.remedy import Case, Change, Remedy, changes_of


class HigherRate(Remedy):
    """Several times the learning rate."""

    name = "higher-rate"
    title = "a higher learning rate"
    answers = (
        "learning-rate-too-low",
        "slow-learning",
        "underfitting",
        "too-few-epochs",
        "batch-too-large",
        "vanishing-gradients",
        "constant-prediction",
    )
    rank = 21
    is_general = True

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the rates that the experiment of that name tries, 10 times first."""
        by_3, by_10, *others = changes_of(Experiment().arms(case.setting))
        yield from (by_10, by_3, *others)
