"""Gradients cut to the length that they usually have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from misstep.doctor.gradients import total_gradient
from misstep.optim import ClipNorm
from misstep.trials.advice import written
from misstep.trials.remedy import Case, Change, Remedy, with_settings
from misstep.trials.setting import NotApplicableError

# Of the norms that were seen: longer than nine in ten is cut; and where some of them had exploded
# already, what they were at first.
PERCENTILE = 90
FIRST_LOOKS = 3
# A limit so much lower is another one.
OTHER = 2.0


class ClippedGradients(Remedy):
    """Clipping at the 90th percentile of the norms that were observed."""

    name = "clipping"
    title = "gradients cut to their usual length"
    answers = (
        "exploding-gradients",
        "diverging",
        "not-a-number",
        "learning-rate-too-high",
        "outliers",
        "unscaled-target",
    )
    rank = 15

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run with clipping at that norm, and at that of its first looks."""
        if case.start.clipping:
            own = ", ".join(written(one) for one in case.start.clipping)
            raise NotApplicableError(f"its gradients are clipped already, by {own}")
        _, sizes = total_gradient(case.evidence)
        sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
        if not len(sizes):
            raise NotApplicableError("no gradient was seen that is a finite number")
        limits = [float(np.percentile(sizes, PERCENTILE)), float(np.median(sizes[:FIRST_LOOKS]))]
        if limits[1] * OTHER > limits[0]:
            limits.pop()
        for limit, whose in zip(
            limits, (f"which {PERCENTILE} % of them keep to", "as at first"), strict=False
        ):
            clipping = ClipNorm(float(f"{limit:.3g}"))
            yield with_settings(
                case,
                f"with gradients cut to a norm of {clipping.limit:.3g}, {whose}",
                {"clipping": clipping},
                f"clipping={written(clipping)}",
            )
