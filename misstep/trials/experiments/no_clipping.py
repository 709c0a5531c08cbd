"""The same training without clipping: was the limit too low to get anywhere?"""

from __future__ import annotations

from collections.abc import Iterator

from misstep.trials.experiment import Arm, Comparison
from misstep.trials.setting import NotApplicableError, Setting


class NoClipping(Comparison):
    """Tries gradients as they are, without clipping."""

    name = "no-clipping"
    title = "gradients as they are, without clipping"
    tells = ("clipped-too-hard",)
    rank = 9

    def arms(self, setting: Setting) -> Iterator[Arm]:
        """Yield the run without clipping."""
        if not setting.start.clipping:
            raise NotApplicableError("its gradients are not clipped")
        limits = ", ".join(repr(one) for one in setting.start.clipping)
        yield Arm(
            "without clipping", setting.start.variant(clipping=()), f"a higher limit than {limits}"
        )
