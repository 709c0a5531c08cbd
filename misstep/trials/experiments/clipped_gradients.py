"""The same training with gradients cut to a norm of 1: did a few of them throw it off?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.optim import ClipNorm
from misstep.trials.experiment import Arm, Comparison
from misstep.trials.setting import NotApplicableError, Setting

LIMIT = 1.0


class ClippedGradients(Comparison):
    """Tries gradients cut to a norm of 1."""

    name = "clipped-gradients"
    title = "gradients cut to a norm of 1"
    tells = ("exploding-gradients",)
    rank = 22

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield the run with clipping."""
        if setting.start.clipping:
            raise NotApplicableError("its gradients are clipped")
        yield Arm(
            "with clipping",
            setting.start.variant(clipping=ClipNorm(LIMIT)),
            f"clipping=ms.optim.ClipNorm({LIMIT})",
        )
