"""The same training at a rate that stays: did the schedule end before the learning?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.experiment import Arm, Comparison
from misstep.trials.setting import NotApplicableError, Setting


class ConstantRate(Comparison):
    """Tries a learning rate that stays the same."""

    name = "constant-rate"
    title = "a learning rate that stays the same"
    tells = ("schedule-ends-early",)
    rank = 23

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield the run without its schedule."""
        kind = type(setting.start.schedule).__name__
        if kind == "ConstantRate":
            raise NotApplicableError("its learning rate stays the same")
        yield Arm(
            "at a constant rate", setting.start, f"a slower schedule than {kind}", whole_rate=True
        )
