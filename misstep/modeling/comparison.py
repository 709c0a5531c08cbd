"""What a test score is worth beside those of the baselines: better, worse, or what chance can do.

A difference that chance alone could make is not called better or worse. Knows scores only, and puts
nothing into words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from misstep.ir import Array
from misstep.modeling.baselines import Baseline

__all__ = [
    "Assessment",
    "Comparison",
    "PairedComparison",
    "Verdict",
    "assess",
    "assess_forecasts",
    "compare_errors",
]

Scores = Mapping[str, float]

# How many standard errors a difference must be. Both models are tested on the same rows, which
# makes the true error of the difference smaller than the one computed here for separate rows: one
# is enough to speak of.
STANDARD_ERRORS = 1.0
# The true error of a difference on the same rows, row by row, is known: 95 % of chances lie within
# so many of it.
PAIRED_STANDARD_ERRORS = 1.96
# The mean of n absolute errors of a normal distribution has the standard error √((π/2 − 1)/n).
ERROR_OF_MEAN = 0.756
# Two right and two wrong rows in all, as Agresti and Caffo add to both shares together (The
# American Statistician 54, 2000): otherwise a perfect score on a few rows would seem certain.
ADDED_RIGHT, ADDED_ROWS = 1, 2
# A row on which one of two is right and the other wrong, half on each side, as Agresti and Min add
# to both (Statistics in Medicine 24, 2005): four such rows in all would seem certain otherwise.
ADDED_DISCORDANT = 1
# Two scores are close when no difference that matters can hide between them: two points of
# accuracy, or a twentieth of the error, about what another seed changes.
CLOSE_SHARES, CLOSE_ERRORS = 0.02, 0.05


class Verdict(Enum):
    """How one score is beside another."""

    BETTER = "better"
    EVEN = "even"
    WORSE = "worse"


@dataclass(frozen=True)
class Comparison:
    """The network's score beside that of one baseline, on the same test rows.

    `metric`: by which they are compared; `ours`, `theirs`: by it. `gap`: by how much the network is
    better, below 0 if it is worse: for accuracy a difference of shares, each with the rows added
    that `ADDED_ROWS` tells of; for errors a share of the baseline's error; None where there is no
    such share. `standard_error`: of the gap.
    """

    baseline: Baseline
    metric: str
    ours: float
    theirs: float
    gap: float | None
    standard_error: float

    @property
    def verdict(self) -> Verdict:
        """Return whether the network is better or worse beyond what chance can do."""
        if self.gap is None:
            return Verdict.BETTER if self.ours == 0 else Verdict.WORSE
        noise = STANDARD_ERRORS * self.standard_error
        if abs(self.gap) <= noise:
            return Verdict.EVEN
        return Verdict.BETTER if self.gap > 0 else Verdict.WORSE

    @property
    def close(self) -> bool:
        """Tell whether the network can't be better by more than a trifle, whatever chance did.

        A difference within chance is no evidence that there is none: on few rows much can hide.
        """
        trifle = CLOSE_SHARES if self.metric == "accuracy" else CLOSE_ERRORS
        return self.gap is not None and self.gap + STANDARD_ERRORS * self.standard_error <= trifle


@dataclass(frozen=True)
class Assessment:
    """What a test score means.

    `samples`: rows, or forecasts, that were tested on. `simplest`: beside the first baseline, a
    guess or the last value. `best`: beside the best one. `all_same`: the rows all have the answer
    that the guess knows, so that no score says anything.
    """

    samples: int
    simplest: Comparison
    best: Comparison
    all_same: bool = False


@dataclass(frozen=True)
class PairedComparison:
    """Two models' errors on the same rows, row by row.

    `gain`: by how much the first one's mean error is smaller than the second's; below 0 where it is
    larger. `standard_error`: of it. `rows`: that they were compared on.
    """

    gain: float
    standard_error: float
    rows: int

    @property
    def verdict(self) -> Verdict:
        """Return whether the first is better or worse beyond what chance can do."""
        if not abs(self.gain) > PAIRED_STANDARD_ERRORS * self.standard_error:
            return Verdict.EVEN
        return Verdict.BETTER if self.gain > 0 else Verdict.WORSE


def compare_errors(ours: Array, theirs: Array, overlap: int = 1) -> PairedComparison:
    """Return how one model's errors are beside another's on the same rows.

    ours, theirs: (rows,), larger where they are more wrong. `overlap`: how many neighbors share
    what surprised them, as forecasts of so many steps do.
    """
    away = np.asarray(theirs, "float64") - np.asarray(ours, "float64")
    rows = len(away)
    if rows < 2:
        return PairedComparison(float(away.mean()) if rows else 0.0, math.inf, rows)
    gain, variance = float(away.mean()), float(away.var(ddof=1))
    if set(np.unique(away).tolist()) <= {-1.0, 0.0, 1.0}:
        variance = (np.count_nonzero(away) + ADDED_DISCORDANT) / rows - gain**2
    return PairedComparison(gain, math.sqrt(variance / max(rows / overlap, 1)), rows)


def assess(scores: Mapping[str, Scores], baselines: Sequence[Baseline], rows: int) -> Assessment:
    """Return what the scores of `rows` test rows mean: those of "test" beside the baselines'.

    `scores`: by split and baseline. Compared are RMSE or accuracy; the best baseline is one other
    than the first, a guess, if there is any.
    """
    by_error = "rmse" in scores["test"]
    metric, compare = ("rmse", _compare_errors) if by_error else ("accuracy", _compare_shares)
    guess, *others = (each for each in baselines if each.name in scores)
    ranked = sorted(others, key=lambda each: scores[each.name][metric])
    best = (ranked[0] if by_error else ranked[-1]) if ranked else guess
    ours = scores["test"][metric]

    def beside(baseline: Baseline) -> Comparison:
        return compare(baseline, ours, scores[baseline.name][metric], rows)

    guessed = scores[guess.name][metric]
    all_same = guessed == 0 if by_error else ours == guessed == 1
    return Assessment(rows, beside(guess), beside(best), all_same)


def assess_forecasts(
    scores: Mapping[str, Scores], baselines: Sequence[Baseline], origins: int, horizon: int
) -> Assessment:
    """Return what the mean absolute errors of forecasts from `origins` rows mean.

    The first baseline says the last value again. `horizon`: steps of each forecast.
    """
    ours = scores["test"]["mae"]
    # Forecasts that overlap share most of what surprised them.
    error = ERROR_OF_MEAN / math.sqrt(max(origins / horizon, 1))

    def beside(baseline: Baseline) -> Comparison:
        theirs = scores[baseline.name]["mae"]
        gap = 1 - ours / theirs if theirs > 0 else -math.inf
        return Comparison(baseline, "mae", ours, theirs, gap, error)

    compared = [each for each in baselines if each.name in scores]
    best = min(compared, key=lambda each: scores[each.name]["mae"])
    return Assessment(origins, beside(compared[0]), beside(best))


def _compare_shares(baseline: Baseline, ours: float, theirs: float, rows: int) -> Comparison:
    """Compare shares of `rows` rows that are right."""
    p, q = ((share * rows + ADDED_RIGHT) / (rows + ADDED_ROWS) for share in (ours, theirs))
    error = math.sqrt((p * (1 - p) + q * (1 - q)) / (rows + ADDED_ROWS))
    return Comparison(baseline, "accuracy", ours, theirs, p - q, error)


def _compare_errors(baseline: Baseline, ours: float, theirs: float, rows: int) -> Comparison:
    """Compare root mean square errors of `rows` rows."""
    # The standard error of a root mean square of n normal errors is 1/√(2n) of it.
    error = 1 / math.sqrt(2 * max(rows, 1))
    if not math.isfinite(ours) or not math.isfinite(theirs) or theirs <= 0:
        return Comparison(baseline, "rmse", ours, theirs, None, error)
    return Comparison(baseline, "rmse", ours, theirs, 1 - ours / theirs, error)
