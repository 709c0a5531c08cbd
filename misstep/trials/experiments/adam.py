"""The same updates by Adam: does an optimizer that scales each weight's step get anywhere?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.doctor.optimizers import ADAPTIVE
from misstep.optim import Adam
from misstep.trials.experiment import Arm, Comparison
from misstep.trials.setting import Course, NotApplicableError, Setting

# Adam's default, and what small networks take.
RATES = (1e-3, 1e-2)
# Those whose steps are scaled for each weight already.
SCALING = ADAPTIVE | {"adagrad"}


class AdamInstead(Comparison):
    """Tries Adam in place of its optimizer, beside that at its best rate."""

    name = "adam"
    title = "Adam in place of its optimizer, beside that at its best rate"
    tells = ("wrong-optimizer",)
    rank = 20
    arms_at_most = 3

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield Adam at two rates."""
        if type(setting.start.optimizer).__name__.lower() in SCALING:
            raise NotApplicableError("its optimizer scales each weight's step already")
        for rate in RATES:
            yield Arm(
                f"with Adam at {rate:g}",
                setting.start.variant(optimizer=Adam(rate)),
                f"ms.Adam({rate:g})",
            )

    def control(self, setting: Setting) -> Course:
        """Return what the run's own optimizer comes to at the better of its rate and the suggested.

        The optimizer is the cause only where no rate of its own does as well.
        """
        own = setting.at_suggestion if setting.knows_suggestion else None
        if own is None or own.middle > setting.control.middle:
            return setting.control
        return own
