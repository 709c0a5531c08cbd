"""A learning rate that falls as a cosine to the end of the training."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.optim import Cosine
from misstep.trials.advice import written
from misstep.trials.remedy import Case, Change, Remedy, with_settings
from misstep.trials.setting import NotApplicableError


class FallingRate(Remedy):
    """Half a cosine from the rate to 0, which settles what noise keeps moving."""

    name = "cosine"
    title = "a learning rate that falls as a cosine to the end"
    answers = ("schedule-ends-early", "learning-rate-too-high", "slow-learning")
    rank = 13
    is_general = True

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run with a cosine over all of its updates."""
        own, other = case.start.schedule, Cosine()
        if own == other:
            raise NotApplicableError("its learning rate falls as a cosine already")
        yield with_settings(
            case,
            "with a rate that falls as a cosine",
            {"schedule": other},
            f"schedule={written(other)}",
        )
