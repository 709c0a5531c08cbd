"""Which share of answers can't be right: the end of the curve of doubt along a model's certainty.

A model that never saw a row's answer doubts it for one of two reasons: the row is hard to tell, or
its answer is wrong. What is hard to tell gets rarer the surer the model is; wrong answers don't:
they stay as frequent among the rows that it is surest of. So the share of answers other than
expected is followed along the certainty m, the logarithm of the first probability over the second:

    share(m) = λ + (1 − λ C / (C − 1)) · σ(−(a m + b)),   a > 0, b ≤ 0

for C classes, of which a wrong answer may be any other. b ≤ 0 because of rows for which two classes
are equally likely at least half have another answer: a curve that is as low there as where the
model is sure speaks of wrong answers. λ, where the curve ends, is the share of wrong answers;
psychology knows it as the lapse rate of an observer (Wichmann and Hill, "The psychometric function:
I", 2001). Of sets whose answers are right it comes out as 0, however hard they are. Knows counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# Shares of wrong answers that are tried: 0, and from a five-hundredth on in steps of a tenth.
SHARES = np.concatenate([[0.0], np.geomspace(0.002, 0.6, 60)])
# How much the log-likelihood may fall until a share is refuted: half the χ² of one degree of
# freedom at 98 %, so that the true share is above the least one with 99 %.
REFUTED = 2.706
# Fewer rows can't show where a curve ends.
FEWEST_ROWS = 30
SMALLEST = 1e-9
# Answers that are wrong by more than this share of what drawing them at random makes wrong say
# nothing any more.
MOST_WRONG = 0.95


@dataclass(frozen=True)
class Lapses:
    """The share of wrong answers: at best guess, at least and at most (99 % each).

    `bend`, `curve`: the power of the certainty, and ln a and ±b, of the best curve.
    """

    share: float
    least: float
    most: float
    bend: float = 1.0
    curve: tuple[float, float] = (0.0, 0.0)

    def doubt(self, certainty: Array) -> Array:
        """Return σ(−(a m + b)): how often a right answer is not the expected one, (rows,)."""
        return _doubt(np.array(self.curve), certainty**self.bend)


def lapses_of(
    certainty: Array, rows: Array, others: Array, classes: int = 2, bends: Sequence[float] = (1.0,)
) -> Lapses:
    """Return the share of wrong answers.

    certainty: mean m of parts of the rows, (parts,); rows: how many there are in each; others: how
    many of their answers are not the expected ones. `bends`: powers of m that are tried, the least
    share is that of the most cautious one; below 1 they suit models that are surer than right.
    """
    if rows.sum() < FEWEST_ROWS or not others.sum():
        return Lapses(0.0, 0.0, 1.0)
    found = [_fitted(certainty, rows, others, classes, bend) for bend in bends]
    best = min(found, key=lambda one: one[0])[1]
    return Lapses(
        best.share,
        min(each.least for _, each in found),
        max(each.most for _, each in found),
        best.bend,
        best.curve,
    )


def _fitted(
    certainty: Array, rows: Array, others: Array, classes: int, bend: float
) -> tuple[float, Lapses]:
    """Return the loss of the best curve, and what the curves of all shares say."""
    from scipy.optimize import minimize

    bent = certainty**bend
    # Of answers that are wrong at random one in `classes` is right again by chance.
    by_chance = classes / max(classes - 1, 1)
    shares = SHARES[SHARES * by_chance < MOST_WRONG]

    def loss(curve: Array, share: float) -> float:
        expected = share + (1 - share * by_chance) * _doubt(curve, bent)
        expected = np.clip(expected, SMALLEST, 1 - SMALLEST)
        return float(-(others * np.log(expected) + (rows - others) * np.log1p(-expected)).sum())

    losses, curves = [], []
    curve = np.zeros(2)
    for share in shares:
        # Each curve begins from its neighbor's.
        found = minimize(
            loss, curve, (share,), "Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-3}
        )
        curve = found.x
        losses.append(float(found.fun))
        curves.append(curve)
    best = int(np.argmin(losses))
    likely = np.flatnonzero(np.array(losses) <= losses[best] + REFUTED)
    slope, place = (float(number) for number in curves[best])
    share, least, most = (float(shares[at]) for at in (best, likely[0], likely[-1]))
    return losses[best], Lapses(share, least, most, bend, (slope, place))


def _doubt(curve: Array, bent: Array) -> Array:
    """Return σ(−(a m + b)); `curve`: ln a, and b or −b."""
    slope = np.exp(np.clip(curve[0], -20.0, 10.0))
    # What is searched for has no bounds.
    return np.asarray(1 / (1 + np.exp(np.clip(slope * bent - abs(curve[1]), -500, 500))))
