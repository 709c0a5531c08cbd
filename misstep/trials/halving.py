"""Successive halving: all go a short way, the better ones a longer way, the best one all of it.

After Karnin, Koren and Somekh (2013) and Jamieson and Talwalkar (2016). Knows trials by their loss
alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from misstep.trials.trial import Trial

# Shares of the way at which trials are compared before the end, and the share of them that goes on.
RUNGS, KEPT = (0.125, 0.5), 1 / 3
# One moment's loss is noisy: so many go on at least.
FEWEST = 2


@dataclass(frozen=True)
class Rung:
    """A comparison after a share of the way. `order`: labels, the best first; `kept`: of those."""

    share: float
    order: tuple[str, ...]
    kept: tuple[str, ...]


def successive_halving(
    trials: Sequence[Trial],
    *,
    rungs: Sequence[float] = RUNGS,
    kept: float = KEPT,
    always: Collection[str] = (),
    may_go_on: Callable[[], bool] = lambda: True,
    on_rung: Callable[[Rung], None] | None = None,
) -> tuple[list[Trial], list[Rung]]:
    """Return the trials that went all the way, the best first, and how it came to that.

    `always`: labels of trials that go all the way whatever they do, and take nobody's place.
    `may_go_on`: asked before each trial goes on; once it says no, trials stay where they are, and
    those that are behind the others can't be compared and are not among the result.
    """
    going = list(trials)
    history: list[Rung] = []
    for share in (*rungs, 1.0):
        arrived = []
        for trial in going:
            if not may_go_on():
                break
            trial.advance(share)
            arrived.append(trial)
        if len(arrived) < len(going):
            return _sorted(arrived), history
        contest = _sorted([trial for trial in going if trial.label not in always])
        count = max(FEWEST, math.ceil(kept * len(contest))) if share < 1.0 else len(contest)
        winners = [trial for trial in contest[:count] if math.isfinite(trial.loss)]
        going = [trial for trial in going if trial in winners or trial.label in always]
        rung = Rung(
            share, tuple(trial.label for trial in contest), tuple(trial.label for trial in winners)
        )
        history.append(rung)
        if on_rung is not None:
            on_rung(rung)
    return _sorted(going), history


def _sorted(trials: Sequence[Trial]) -> list[Trial]:
    """Return the best first; those that are alike in their order."""
    return sorted(trials, key=lambda trial: trial.loss if math.isfinite(trial.loss) else math.inf)
