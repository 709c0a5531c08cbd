"""A learning rate that stays the same, in place of a schedule."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.optim import ConstantRate as Constant
from misstep.trials.remedy import Case, Change, Remedy, with_settings
from misstep.trials.setting import NotApplicableError


class ConstantRate(Remedy):
    """No schedule."""

    name = "constant-rate"
    title = "a learning rate that stays the same"
    answers = (
        "schedule-ends-early",
        "slow-learning",
        "learning-rate-too-low",
        "underfitting",
        "too-few-epochs",
    )
    rank = 11

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run without its schedule."""
        schedule = case.start.schedule
        if isinstance(schedule, Constant):
            raise NotApplicableError("its learning rate stays the same")
        yield with_settings(
            case,
            f"without {type(schedule).__name__}, at a rate that stays",
            {"schedule": None},
            f"no schedule, so that the rate stays {case.start.optimizer.learning_rate:.3g}",
        )
