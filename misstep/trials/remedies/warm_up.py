"""A learning rate that rises in the first updates."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.optim import WarmUp
from misstep.trials.advice import written
from misstep.trials.remedy import Case, Change, Remedy, with_settings
from misstep.trials.setting import NotApplicableError

# The share of the updates in which it rises.
SHARE = 0.1


class WarmedUp(Remedy):
    """A rise over a tenth of the updates, before what the schedule says."""

    name = "warm-up"
    title = "a learning rate that rises in the first updates"
    answers = (
        "exploding-gradients",
        "diverging",
        "not-a-number",
        "learning-rate-too-high",
        "dead-units",
        "bad-initialization",
    )
    rank = 22

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run with a warm-up."""
        own = case.start.schedule
        if isinstance(own, WarmUp):
            raise NotApplicableError(f"it warms up for {own.steps:,} updates already")
        steps = max(1, round(SHARE * case.setting.taken))
        other = WarmUp(steps, own)
        yield with_settings(
            case,
            f"with a rate that rises for {steps:,} updates",
            {"schedule": other},
            f"schedule={written(other)}",
        )
