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
I", 2001). Of sets whose answers are right it comes out as 0, however hard they are. Knows counts
and doubts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.data.answer_doubts import ClassDoubts

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
# Where the search for a curve begins, ln a and −b; where these end; and when it ends: after so many
# steps, none of them longer than that, or once none gains more than a thousandth.
STARTS = (np.array([-2.0, 0.0, 1.5]), np.array([0.0, 2.0]))
LOWEST, HIGHEST = (-20.0, 0.0), (10.0, 400.0)
STEPS, LONGEST, ENOUGH, TINY = 60, 3.0, 1e-3, 1e-12


@dataclass(frozen=True)
class Lapses:
    """The share of wrong answers: at best guess, at least and at most (99 % each).

    `bend`, `curve`: the power of the certainty, and ln a and −b, of the best curve.
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


def chances_of(doubts: ClassDoubts, lapses: Lapses | None) -> Array:
    """Return the chance that each answer is wrong, (rows,).

    Of an answer that is not the expected one there are two explanations: it is wrong, and any other
    class as likely; or the row is hard to tell, and classes are as likely as the model has them. 0
    everywhere where no share of wrong answers could be told from what is hard to tell.
    """
    if lapses is None or lapses.least == 0:
        return np.zeros(len(doubts.given))
    by_chance = doubts.classes / max(doubts.classes - 1, 1)
    hard = (1 - lapses.share * by_chance) * lapses.doubt(doubts.certainty)
    hard = hard * doubts.given / np.maximum(1 - doubts.first, 1e-9)
    wrong = lapses.share / max(doubts.classes - 1, 1)
    return np.where(doubts.other, wrong / (wrong + hard), 0.0)


def _fitted(
    certainty: Array, rows: Array, others: Array, classes: int, bend: float
) -> tuple[float, Lapses]:
    """Return the loss of the best curve, and what the curves of all shares say."""
    # Of answers that are wrong at random one in `classes` is right again by chance.
    by_chance = classes / max(classes - 1, 1)
    shares = SHARES[SHARES * by_chance < MOST_WRONG]
    bent = certainty**bend
    # Every share with every beginning, since a curve may end in a hollow that is not the deepest.
    tried, slopes, places = (each.ravel() for each in np.meshgrid(shares, *STARTS, indexing="ij"))
    curves = np.stack([slopes, places])
    curves, losses = _descended(curves, tried, by_chance, bent, rows, others)
    losses = losses.reshape(len(shares), -1)
    first = losses.argmin(axis=1)
    least_losses = losses.min(axis=1)
    best = int(least_losses.argmin())
    likely = np.flatnonzero(least_losses <= least_losses[best] + REFUTED)
    slope, place = curves.reshape(2, len(shares), -1)[:, best, first[best]].tolist()
    share, least, most = (float(shares[at]) for at in (best, likely[0], likely[-1]))
    return float(least_losses[best]), Lapses(share, least, most, bend, (slope, place))


def _descended(
    curves: Array, shares: Array, by_chance: float, bent: Array, rows: Array, others: Array
) -> tuple[Array, Array]:
    """Return curves (2, tries) with the least loss that each comes to, and the losses (tries,).

    By Fisher scoring with the damping of Levenberg and Marquardt, all tries side by side: a step
    that does not help is taken back and damped more.
    """

    def judged(curves: Array) -> tuple[Array, Array, Array]:
        doubt = _doubt(curves[:, :, None], bent)
        reach = (1 - shares * by_chance)[:, None]
        expected = np.clip(shares[:, None] + reach * doubt, SMALLEST, 1 - SMALLEST)
        loss = -(others * np.log(expected) + (rows - others) * np.log1p(-expected)).sum(axis=1)
        return loss, expected, reach * doubt * (1 - doubt)

    damping = np.full(curves.shape[1], 1e-2)
    losses, expected, steep = judged(curves)
    for _ in range(STEPS):
        # By ln a and by −b, of what the doubt is a logistic function of.
        slope = np.exp(curves[0])[:, None] * bent
        along = np.stack([-steep * slope, steep])
        spread = expected * (1 - expected)
        pull = (along * ((rows * expected - others) / spread)).sum(axis=2)
        bend = (along[:, None] * along[None] * (rows / spread)).sum(axis=3)
        height, width = (bend[at, at] * (1 + damping) + TINY for at in (0, 1))
        across = bend[0, 1]
        whole = height * width - across**2
        step = np.stack([width * pull[0] - across * pull[1], height * pull[1] - across * pull[0]])
        following = curves - np.clip(step / whole, -LONGEST, LONGEST)
        following = np.clip(following, *np.array([LOWEST, HIGHEST])[:, :, None])
        new_losses, new_expected, new_steep = judged(following)
        better = new_losses < losses
        damping = np.where(better, damping / 3, damping * 4)
        settled = np.abs(losses - new_losses)[better].max(initial=0.0) < ENOUGH
        curves = np.where(better, following, curves)
        losses = np.where(better, new_losses, losses)
        expected = np.where(better[:, None], new_expected, expected)
        steep = np.where(better[:, None], new_steep, steep)
        if settled and (damping > 1e6).all() | better.any():
            break
    return curves, losses


def _doubt(curve: Array, bent: Array) -> Array:
    """Return σ(−(a m + b)); `curve`: ln a and −b."""
    return np.asarray(1 / (1 + np.exp(np.clip(np.exp(curve[0]) * bent - curve[1], -500, 500))))
