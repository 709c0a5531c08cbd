"""More epochs: the training goes on, or is done for longer from its start."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.optim import ConstantRate
from misstep.trials.benches import FEWEST_JUDGED
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError

# Times the epochs, the most promising first; the last one only where the run was short.
TIMES = (4, 2, 10)
SHORT = 1000


class MoreEpochs(Remedy):
    """Several times the epochs."""

    name = "more-epochs"
    title = "more epochs"
    answers = (
        "too-few-epochs",
        "slow-learning",
        "underfitting",
        "learning-rate-too-low",
        "batch-too-large",
        "clipped-too-hard",
    )
    rank = 7

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run gone on with; anew where a schedule shrinks the rate towards its end."""
        evidence, taken = case.evidence, case.setting.taken
        if evidence.failed:
            raise NotApplicableError("its loss is no finite number any more")
        if evidence.is_over and not evidence.ended_as_planned:
            raise NotApplicableError("it was ended before all of its epochs were done")
        # What goes on knows all rows that it learned from: it can be judged by others only.
        goes_on = (
            case.trained is not None
            and isinstance(case.start.schedule, ConstantRate)
            and case.has_validation(FEWEST_JUDGED)
        )
        for times in TIMES:
            if times > TIMES[0] and taken > SHORT:
                continue
            epochs = times * case.epochs
            words = f"{epochs} epochs in place of {case.epochs}"
            options = {"epochs": epochs}
            if goes_on and case.trained is not None:
                yield Change(
                    f"gone on with, to {words}",
                    case.trained.continued(),
                    f"epochs={epochs}",
                    updates=(times - 1) * taken,
                    goes_on=True,
                    options=options,
                )
            else:
                yield Change(
                    f"with {words}",
                    case.start,
                    f"epochs={epochs}",
                    updates=times * taken,
                    options=options,
                )
