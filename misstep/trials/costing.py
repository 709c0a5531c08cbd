"""What a round of repair costs before it is begun, and which arms a budget pays for.

Counted in updates. Knows lengths of trials; not what is tried.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from misstep.trials.halving import FEWEST, KEPT, RUNGS
from misstep.trials.trial import MOMENTS

__all__ = ["FEW_ARMS", "Length", "affordable", "round_cost"]

# Courses in which a winner is proven, at most: the run's own order of rows, and others.
COURSES = 3
# Arms go before courses do, down to so many.
FEW_ARMS = 4


@dataclass(frozen=True)
class Length:
    """The updates of an arm; `goes_on`: whether it goes on from the end, beside others that do."""

    updates: int
    goes_on: bool = False


def round_cost(arms: Sequence[Length], always: Sequence[int], courses: int) -> int:
    """Return what a round costs at most: halving, proof, and the training that follows.

    `always`: updates of the trials that go all the way whatever they do: control, random remedy.
    The first of the arms does so too.
    """
    cost = float(sum(always)) + sum(one.updates for one in arms[:1])
    for goes_on in (False, True):
        going = sorted((one.updates for one in arms[1:] if one.goes_on is goes_on), reverse=True)
        before = 0.0
        for share in (*RUNGS, 1.0):
            # Trials go on to the next moment that they are judged at.
            reached = min(share + 1.0 / MOMENTS, 1.0)
            cost += sum(going) * (reached - before)
            before = reached
            going = going[: max(FEWEST, math.ceil(KEPT * len(going)))]
    longest = max((one.updates for one in arms), default=0)
    longest = max(longest, *always)
    # Each trial takes one update at least until it is compared.
    return math.ceil(cost) + len(arms) + (courses - 1) * (sum(always) + longest) + longest


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
