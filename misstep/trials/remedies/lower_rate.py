"""A lower learning rate."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.experiments.lower_rate import LowerRate as Experiment
from misstep.trials.remedy import Case, Change, Remedy, changes_of


class LowerRate(Remedy):
    """A half, a tenth and a hundredth of the learning rate."""

    name = "lower-rate"
    title = "a lower learning rate"
    answers = (
        "learning-rate-too-high",
        "diverging",
        "exploding-gradients",
        "not-a-number",
        "dead-units",
        "saturated-units",
        "bad-initialization",
        "constant-prediction",
        "unscaled-inputs",
        "unscaled-target",
    )
    rank = 20
    is_general = True

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the rates that the experiment of that name tries, a tenth first."""
        half, tenth, hundredth = changes_of(Experiment().arms(case.setting))
        yield from (tenth, half, hundredth)
