"""Inputs scaled by median and spread, those that stick out cut off, in the network itself."""

from __future__ import annotations

from collections.abc import Iterator

from misstep.nn.rescaling import Clip
from misstep.trials.carrying import rebuilt
from misstep.trials.front import Front
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError

# Of normal numbers, one in 16,000 lies farther from the middle than so many deviations.
BOUND = 4.0


class RobustScaling(Remedy):
    """A rescaling by numbers that few wild entries don't move, and a clip behind it."""

    name = "robust-scaling"
    title = "inputs by median and spread, cut off where they stick out"
    answers = ("outliers", "unscaled-inputs", "not-a-number", "exploding-gradients")
    rank = 8

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the network behind such a scaling."""
        front = Front.of(case)
        rescaling = front.by_spread()
        if not front.has_beyond(rescaling, BOUND):
            raise NotApplicableError(
                f"none of its inputs lies {BOUND:g} spreads or more from the middle one"
            )
        yield rebuilt(
            case.start,
            "inputs by median and spread, cut off",
            front.with_layers(rescaling, Clip(-BOUND, BOUND)),
            "x = np.clip((x - median) / spread, "
            f"-{BOUND:g}, {BOUND:g}), with median and 1.4826 times the median distance from it, "
            "of each column of the training rows",
        )
