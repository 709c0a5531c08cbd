"""The best of many trials looks better than it is: it is compared with the default on other rows.

Of the rows to learn from, others are set apart to validate on, a few times over, and both are
trained anew with another seed. The same rows judge both, so that their differences pair. A trial is
kept only where it gains beyond noise; the test rows have no part in this. Knows problems and rows;
nothing of studies.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from misstep.errors import MisstepError
from misstep.ir import Array
from misstep.train.ending import Cause
from misstep.trials.yardstick import Yardstick
from misstep.tuning.problem import Candidate, Fold, Problem
from misstep.tuning.result import Comparison, State, TrialResult
from misstep.tuning.trial import Judging, train

__all__ = ["STANDARD_ERRORS", "Confirmation", "confirm", "contenders", "is_worthwhile"]

# Trials that are compared with the default: the next best by the rows of the search are often the
# best by others.
CONTENDERS = 3
# Rows that should judge in all, and the times that others are set apart at most.
WANTED_ROWS, MOST_FOLDS = 1000, 6
# Times after which a trial that is behind is no longer compared.
FEWEST_FOLDS = 2
# How far above 0 a gain must lie, in its standard errors, to be worth leaving the default for. Rows
# judge in several trainings that learned from much the same rows, so that the error is larger than
# it looks; and one of `CONTENDERS` is above 1 by chance in two searches of five.
STANDARD_ERRORS = 2.0
# How far below 0 a gain may lie for a trial to be compared further.
HOPELESS = 1.0
# Fewer rows can't tell how large noise is: one of them alone may make the difference.
FEWEST_ROWS = 20
# The least gain that anybody would notice, in penalties, where 1 is what the best constant costs.
LEAST_GAIN = 1e-4


@dataclass
class Confirmation:
    """Gains so far, of each contender by number: of each fold, of each of its rows, (rows,)."""

    gains: dict[int, list[Array]] = field(default_factory=dict)
    names: list[Array] = field(default_factory=list)
    is_whole: bool = True

    def comparison(self, number: int) -> Comparison:
        """Return how a contender fared; a row that judged several times counts once."""
        gains = self.gains[number]
        rows = np.concatenate(self.names[: len(gains)])
        flat = np.concatenate(gains)
        _, places = np.unique(rows, return_inverse=True)
        counts = np.bincount(places)
        each = np.bincount(places, weights=flat) / counts
        error = float(np.std(each, ddof=1) / math.sqrt(len(each))) if len(each) > 1 else math.inf
        better = sum(float(fold.mean()) > 0 for fold in gains)
        return Comparison(number, float(flat.mean()), error, len(each), len(gains), better)


def contenders(results: Sequence[TrialResult]) -> list[TrialResult]:
    """Return the trials that may be better than the default, the best first.

    `results`: of all trials, by number.
    """
    default = results[0]
    better = [
        one
        for one in results[1:]
        if one.state is State.COMPLETE and one.validation_loss < default.validation_loss
    ]
    return sorted(better, key=lambda one: (one.validation_loss, one.number))[:CONTENDERS]


def folds_for(rows: int) -> int:
    """Return how often other rows are set apart, of which `rows` judge each time."""
    return int(np.clip(-(-WANTED_ROWS // max(rows, 1)), 1, MOST_FOLDS))


def confirm(
    problem: Problem,
    default: Mapping[str, Any],
    trials: Mapping[int, Mapping[str, Any]],
    *,
    deadline: float | None = None,
    on_fold: Callable[[int, int], None] | None = None,
) -> tuple[list[Comparison], bool]:
    """Return how trials fare against the default on rows that the search was not judged by.

    `default`, `trials`: their hyperparameters, those of trials by number. `deadline`: by
    `time.monotonic`, after which no training is begun, but for the first two. `on_fold`: called
    with each fold that is done, and how many there are. Also returns whether all folds were done.
    """

    def is_over() -> bool:
        return deadline is not None and time.monotonic() >= deadline

    found = Confirmation()
    racing = dict(trials)
    count = folds_for(problem.judged_rows)
    for number in range(1, count + 1):
        if not racing or (number > 1 and is_over()):
            found.is_whole = not racing
            break
        fold = problem.fold(number)
        if fold is None:
            break
        penalties = _penalties(fold, default)
        if penalties is None:
            found.is_whole = False
            break
        found.names.append(fold.names)
        for place, (trial, values) in enumerate(list(racing.items())):
            if (number > 1 or place) and is_over():
                # Who is not compared as often as the others is not compared.
                found.is_whole = False
                racing = dict(list(racing.items())[:place])
                break
            other = _penalties(fold, values)
            if other is None:
                del racing[trial]
                continue
            found.gains.setdefault(trial, []).append(penalties - other)
            if number >= FEWEST_FOLDS and not _may_win(found.comparison(trial)):
                del racing[trial]
        if on_fold is not None:
            on_fold(number, count)
    return [found.comparison(trial) for trial in trials if found.gains.get(trial)], found.is_whole


def is_worthwhile(comparison: Comparison) -> bool:
    """Tell whether a trial gains beyond noise, and not in few of the trainings alone."""
    if comparison.rows < FEWEST_ROWS:
        return False
    beyond = comparison.gain > max(STANDARD_ERRORS * comparison.error, LEAST_GAIN)
    return beyond and comparison.better > comparison.trainings / 2


def _may_win(comparison: Comparison) -> bool:
    return comparison.gain > -HOPELESS * comparison.error


def _penalties(fold: Fold, values: Mapping[str, Any]) -> Array | None:
    """Return how wrong a training with these values is on each row, (rows,); None where it failed.

    Raises KeyboardInterrupt where it was interrupted.
    """
    try:
        candidate = fold.problem.candidate(fold.problem.known(values), seed=fold.seed)
        judging = Judging(candidate, candidate.judge, [], lambda: False, lambda step, loss: None)
        run = train(candidate, judging)
    except MisstepError:
        return None
    if run.ending.cause is Cause.INTERRUPTED:
        raise KeyboardInterrupt
    if not run.usable:
        return None
    return _wrong(candidate, judging)


def _wrong(candidate: Candidate, judging: Judging) -> Array:
    trainer, validation = candidate.trainer, candidate.setup.validation
    assert validation is not None
    x, y = validation[:2]
    yardstick = Yardstick.of(trainer.loss, y, trainer.network.output_shape)
    if candidate.keeps_start and judging.start <= min(judging.losses):
        trainer = trainer.variant()
    return yardstick.penalties(trainer.predict(x), y)
