"""Adam in place of another optimizer."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.optim import Adam
from misstep.trials.experiments.adam import SCALING
from misstep.trials.remedy import Case, Change, Remedy, with_optimizer
from misstep.trials.setting import NotApplicableError

# What small networks take, Adam's default, and one for those that are large or fragile.
RATES = (1e-2, 1e-3, 1e-4)


class AdamInstead(Remedy):
    """Adam, whose steps do not depend on the scale of gradients."""

    name = "adam"
    title = "Adam as the optimizer"
    answers = (
        "wrong-optimizer",
        "slow-learning",
        "learning-rate-too-low",
        "unscaled-inputs",
        "unscaled-target",
        "vanishing-gradients",
        "diverging",
        "exploding-gradients",
        "underfitting",
        "clipped-too-hard",
        "constant-prediction",
    )
    rank = 14
    is_general = True

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield Adam at several rates."""
        if type(case.start.optimizer).__name__.lower() in SCALING:
            raise NotApplicableError("its optimizer scales each weight's step already")
        for rate in RATES:
            yield with_optimizer(case, f"with Adam at {rate:g}", Adam(rate))
