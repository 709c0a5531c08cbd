"""The same training for longer: was it still learning when it ended?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.experiment import Arm, Comparison
from misstep.trials.setting import COURSES, NotApplicableError, Setting

TIMES = (3, 10)
# The share of the budget that one experiment may take.
SHARE = 0.3


class LongerTraining(Comparison):
    """Tries the same training for longer."""

    name = "longer-training"
    title = "the same training for longer"
    tells = ("too-few-epochs",)
    rank = 17
    held_out = True
    arms_at_most = 13

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield 3 and 10 times the updates, as far as there is time."""
        if not setting.is_whole:
            raise NotApplicableError(
                f"there is time for {setting.updates} of its {setting.taken} updates only"
            )
        cost = setting.updates * COURSES * setting.seconds_per_update
        if cost * TIMES[0] > SHARE * setting.budget:
            raise NotApplicableError("there is no time for 3 times its updates")
        for times in TIMES:
            if cost * times > SHARE * setting.budget:
                return
            yield Arm(
                f"after {times} times the updates",
                setting.start,
                f"about {times} times the epochs",
                updates=times * setting.updates,
                planned=times * max(setting.planned, setting.updates),
            )
