"""A lower learning rate."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.experiments.lower_rate import LowerRate as Experiment
from misstep.trials.remedy import Case, Change, Remedy, changes_of


class LowerRate(Remedy):
    """A half, a tenth and a hundredth of the learning rate."""

    name = "lower-rate"
    title = "a lower learning rate"
    answers = ("learning-rate-too-high", "diverging", "exploding-gradients", "not-a-number")
    rank = 10
    is_general = True

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the rates that the experiment of that name tries."""
        yield from changes_of(Experiment().arms(case.setting))
