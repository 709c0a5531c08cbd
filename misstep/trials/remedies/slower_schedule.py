"""The same schedule, stretched so that it lasts for all of the training."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from misstep.optim import ExponentialDecay, ReduceOnPlateau, Schedule, StepDecay, WarmUp
from misstep.trials.advice import written
from misstep.trials.remedy import Case, Change, Remedy, with_settings
from misstep.trials.setting import NotApplicableError

# What of the rate is left at the end.
LEFT = 0.1
# A warm-up ends after this share of the updates.
WARM_SHARE = 0.05
# How much longer a schedule that waits for validation waits.
MORE_PATIENCE = 3


class SlowerSchedule(Remedy):
    """The run's own schedule, that comes down to a tenth only at the end, or warms up quicker."""

    name = "slower-schedule"
    title = "the same schedule over the whole training"
    answers = ("schedule-ends-early", "slow-learning", "learning-rate-too-low", "too-few-epochs")
    rank = 10

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run with its schedule stretched."""
        own = case.start.schedule
        other = stretched(own, case.epochs, case.setting.taken)
        if other is None or other == own:
            raise NotApplicableError("its schedule does not end before the training does")
        yield with_settings(
            case, f"with {_called(other)}", {"schedule": other}, f"schedule={written(other)}"
        )


def stretched(schedule: Schedule, epochs: int, updates: int) -> Schedule | None:
    """Return a schedule of the same kind that lasts for so many epochs; None where there is none.

    >>> import misstep as ms
    >>> stretched(ms.optim.ExponentialDecay(0.1), 10, 1000)
    ExponentialDecay(drop=0.794)
    """
    if isinstance(schedule, ExponentialDecay):
        drop = float(f"{LEFT ** (1.0 / max(epochs, 1)):.3g}")
        return replace(schedule, drop=drop) if drop > schedule.drop else None
    if isinstance(schedule, StepDecay):
        drops = epochs / schedule.epochs
        left = schedule.drop**drops
        if left >= LEFT:
            return None
        # As many epochs for each drop as let a tenth be left.
        longer = schedule.epochs * math.log(max(left, 1e-300)) / math.log(LEFT)
        return replace(schedule, epochs=float(f"{longer:.3g}"))
    if isinstance(schedule, ReduceOnPlateau):
        return replace(schedule, patience=MORE_PATIENCE * schedule.patience)
    if isinstance(schedule, WarmUp):
        steps = max(1, round(WARM_SHARE * updates))
        then = stretched(schedule.then, epochs, updates) or schedule.then
        return WarmUp(min(steps, schedule.steps), then)
    return None


def _called(schedule: Schedule) -> str:
    if isinstance(schedule, WarmUp):
        return f"a warm-up of {schedule.steps:,} updates"
    if isinstance(schedule, ReduceOnPlateau):
        return f"{schedule.patience} epochs of patience until the rate drops"
    return f"a slower {type(schedule).__name__}, that comes to a tenth at the end"
