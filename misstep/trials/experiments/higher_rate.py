"""The same updates at higher learning rates: was there no time to get anywhere?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.advice import at_rate
from misstep.trials.experiment import Arm, Comparison
from misstep.trials.setting import Setting

FACTORS = {
    "at 3 times the rate": 3.0,
    "at 10 times the rate": 10.0,
    "at 100 times the rate": 100.0,
    "at 1,000 times the rate": 1000.0,
}


class HigherRate(Comparison):
    """Tries the same updates at higher learning rates."""

    name = "higher-rate"
    title = "the same updates at higher learning rates"
    tells = ("learning-rate-too-low", "slow-learning")
    rank = 11
    arms_at_most = 4

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield 3, 10, 100 and 1,000 times the rate."""
        for label, factor in FACTORS.items():
            yield Arm(label, setting.start, at_rate(setting.start, factor), rate=factor)
