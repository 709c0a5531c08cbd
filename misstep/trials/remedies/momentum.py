"""Gradient descent with momentum in place of plain descent, or of an optimizer that scales."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from misstep.optim import SGD
from misstep.trials.remedy import Case, Change, Remedy, with_optimizer
from misstep.trials.setting import NotApplicableError

# The usual momentum (Sutskever and others, 2013): steps that agree add up to 1 / (1 − 0.9) = 10
# times their length.
MOMENTUM = 0.9
# Rates of SGD with it where the run had another optimizer: the usual one, and half a decade higher.
RATES = (0.01, 0.03)


class Momentum(Remedy):
    """SGD whose steps add up where they agree."""

    name = "momentum"
    title = "SGD with momentum"
    answers = ("wrong-optimizer", "slow-learning", "learning-rate-too-low")
    rank = 16

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield momentum at the run's own rate, or SGD with momentum at usual rates."""
        own = case.start.optimizer
        if isinstance(own, SGD):
            if own.momentum:
                raise NotApplicableError(f"its momentum is {own.momentum:g} already")
            yield with_optimizer(
                case, f"with a momentum of {MOMENTUM}", replace(own, momentum=MOMENTUM)
            )
            return
        for rate in RATES:
            yield with_optimizer(
                case,
                f"with SGD at {rate:g} and a momentum of {MOMENTUM}",
                SGD(rate, momentum=MOMENTUM),
            )
