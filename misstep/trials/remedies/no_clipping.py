"""Gradients as they are, or cut at a higher limit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from misstep.doctor.gradients import total_gradient
from misstep.optim import ClipNorm
from misstep.trials.advice import written
from misstep.trials.remedy import Case, Change, Remedy, with_settings
from misstep.trials.setting import NotApplicableError

# The higher limit: so many times the usual norm, so that only what explodes is cut.
TIMES = 5.0


class NoClipping(Remedy):
    """No clipping, or one that cuts only what is far too long."""

    name = "no-clipping"
    title = "gradients that are not cut, or less"
    answers = ("clipped-too-hard", "slow-learning", "learning-rate-too-low", "underfitting")
    rank = 8

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run without clipping, and with a limit of several times the usual norm."""
        own = case.start.clipping
        if not own:
            raise NotApplicableError("its gradients are not clipped")
        limits = ", ".join(written(one) for one in own)
        yield with_settings(case, "without clipping", {"clipping": ()}, f"no clipping={limits}")
        _, sizes = total_gradient(case.evidence)
        sizes = sizes[np.isfinite(sizes)]
        usual = float(np.median(sizes)) if len(sizes) else 0.0
        if usual > 0:
            clipping = ClipNorm(float(f"{TIMES * usual:.3g}"))
            yield with_settings(
                case,
                f"with gradients cut to a norm of {clipping.limit:.3g} only",
                {"clipping": clipping},
                f"clipping={written(clipping)}",
            )
