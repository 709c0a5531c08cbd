"""The same updates at lower learning rates: does the loss fall where it did not?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.advice import at_rate
from misstep.trials.experiment import Arm, Comparison
from misstep.trials.setting import Setting

# A half tells instability from noise, a tenth and a hundredth find where it ends.
FACTORS = {"at half the rate": 0.5, "at a tenth of the rate": 0.1, "at a hundredth of it": 0.01}


class LowerRate(Comparison):
    """Tries the same updates at lower learning rates."""

    name = "lower-rate"
    title = "the same updates at lower learning rates"
    tells = ("learning-rate-too-high", "diverging", "exploding-gradients", "not-a-number")
    rank = 10
    arms_at_most = 3

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield half of the rate, a tenth, a hundredth."""
        for label, factor in FACTORS.items():
            yield Arm(label, setting.start, at_rate(setting.start, factor), rate=factor)

    def verdicts(self, support: float) -> dict[str, float]:
        """Return what it says: of overflow the rate is only one cause."""
        one, *others = self.tells
        return {one: support, **{slug: max(0.5 * support, 0.0) for slug in others}}
