"""What a round of repair costs before it is begun, and which arms a budget pays for.

Counted in updates. Knows lengths of trials; not what is tried.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from misstep.trials.halving import FEWEST, KEPT, RUNGS

__all__ = ["FEW_ARMS", "Length", "affordable", "round_cost"]

# Courses in which a winner is proven, at most: the run's own order of rows, and others.
COURSES = 3
# Arms go before courses do, down to so many.
FEW_ARMS = 4


@dataclass(frozen=True)
class Length:
    """The updates of an arm.

    `goes_on`: whether it goes on from the end, beside others that do. `stride`: the updates between
    two moments that it is judged at.
    """

    updates: int
    goes_on: bool = False
    stride: int = 1

    def reached(self, share: float) -> int:
        """Return the updates taken where it is judged after a share of its way."""
        goal = max(1, round(share * self.updates))
        return min(-(-goal // self.stride) * self.stride, self.updates)


def round_cost(arms: Sequence[Length], always: Sequence[int], courses: int) -> int:
    """Return what a round costs at most: halving, proof, and the training that follows.

    `always`: updates of the trials that go all the way whatever they do: control, random remedy.
    The first of the arms does so too.
    """
    cost = sum(always) + sum(one.updates for one in arms[:1])
    for goes_on in (False, True):
        group = [one for one in arms[1:] if one.goes_on is goes_on]
        count, before = len(group), [0] * len(group)
        for share in (*RUNGS, 1.0):
            reached = [one.reached(share) for one in group]
            steps = [now - then for now, then in zip(reached, before, strict=True)]
            # Whichever go on: those that cost most.
            cost += sum(sorted(steps, reverse=True)[:count])
            before = reached
            count = min(count, max(FEWEST, math.ceil(KEPT * count)))
    longest = max((one.updates for one in arms), default=0)
    longest = max(longest, *always)
    return cost + (courses - 1) * (sum(always) + longest) + longest


def affordable(
    arms: Sequence[Length], always: Sequence[int], budget: float
) -> tuple[list[int], int]:
    """Return which arms there can be, by their places, and in how many courses one is proven.

    In their order, without those that are too long. Empty where the budget pays for none.
    """
    for courses in range(COURSES, 0, -1):
        kept: list[int] = []
        for place in range(len(arms)):
            tried = [arms[one] for one in (*kept, place)]
            if round_cost(tried, always, courses) <= budget:
                kept.append(place)
        if len(kept) >= (min(FEW_ARMS, len(arms)) if courses > 1 else 1):
            return kept, courses
    return [], 0
