"""Adam in place of another optimizer."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.experiments.adam import AdamInstead as Experiment
from misstep.trials.remedy import Case, Change, Remedy, changes_of


class Adam(Remedy):
    """Adam, whose steps do not depend on the scale of gradients."""

    name = "adam"
    title = "Adam as the optimizer"
    answers = ("wrong-optimizer", "slow-learning", "learning-rate-too-low", "unscaled-inputs")
    rank = 15
    is_general = True

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield what the experiment of that name tries."""
        yield from changes_of(Experiment().arms(case.setting))
