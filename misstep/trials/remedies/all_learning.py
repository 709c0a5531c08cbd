"""All parameters trained."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.experiments.all_learning import AllLearning as Experiment
from misstep.trials.remedy import Case, Change, Remedy, changes_of


class AllLearning(Remedy):
    """No frozen layers."""

    name = "all-learning"
    title = "no frozen layers"
    answers = ("parameters-not-learning", "underfitting")
    rank = 6

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield what the experiment of that name tries."""
        yield from changes_of(Experiment().arms(case.setting))
