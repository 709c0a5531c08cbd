"""A higher learning rate."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.experiments.higher_rate import HigherRate as Experiment
from misstep.trials.remedy import Case, Change, Remedy, changes_of


class HigherRate(Remedy):
    """Several times the learning rate."""

    name = "higher-rate"
    title = "a higher learning rate"
    answers = ("learning-rate-too-low", "slow-learning", "underfitting", "too-few-epochs")
    rank = 11
    is_general = True

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the rates that the experiment of that name tries."""
        yield from changes_of(Experiment().arms(case.setting))
