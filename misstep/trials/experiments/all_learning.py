"""The same training with nothing frozen: was something kept from learning by mistake?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.experiment import Arm, Comparison
from misstep.trials.setting import NotApplicableError, Setting


class AllLearning(Comparison):
    """Tries no frozen layers."""

    name = "all-learning"
    title = "no frozen layers"
    tells = ("parameters-not-learning",)
    rank = 6

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield the run with all parameters trained."""
        frozen = setting.start.network.frozen
        if not frozen:
            raise NotApplicableError("none of its parameters is frozen")
        # Programs go by what is frozen: those of the start must not be changed under it.
        other = setting.start.variant(optimizer=setting.start.optimizer)
        other.network.unfreeze()
        yield Arm("with all of it learning", other, f"network.unfreeze() of {', '.join(frozen)}")
