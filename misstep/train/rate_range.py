"""The learning-rate range test: some updates while the rate grows, and which rate the curve tells.

The rate grows by the same factor from each update to the next; the loss at first stays as it is,
then falls, then explodes (Smith, 2017). The rate that the curve tells is then tried for as many
updates, beside lower ones and a higher one: a high rate can make the loss fall fast and kill units
on the way, and a low one looks steep where there is little to gain, which no course of growing
rates shows. Knows forks of a training and curves; draws and prints
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from misstep.doctor.curves import noise, smoothed
from misstep.ir import Array
from misstep.offers import ask
from misstep.text.rates import rate_words
from misstep.train.fork import Fork

# Updates of one course, and how many courses there are, each with batches of its own.
STEPS, COURSES = 100, 3
# Fewer updates show no curve.
LEAST_STEPS = 20
# Where the rates begin and end. Each optimizer's useful rates lie between, for inputs and answers
# that are scaled; for others the test begins anew at lower or higher ones.
LOWEST, HIGHEST = 1e-7, 10.0
# How far the rates are moved where all happens at one end of them, and how often at most.
MOVED_BY, MOST_MOVES = 1e4, 2
# A loss that explodes within this share of the course leaves no room in which it could have fallen.
EARLY_SHARE = 0.3
# Updates between two looks at whether the loss explodes.
STRIDE = 5
# It does where it is this many times as far above where it began as the loss itself, or as it fell.
EXPLODED = 3.0
# A fall counts from this share of the loss on, and from so many standard errors.
LEAST_FALL, STANDARD_ERRORS = 1e-3, 3.0
# The suggestion is at most this share of the rate at which learning is undone: while the rate
# grows, a rate is tried for a few updates only, and training will use it for all (Smith, 2017).
SAFE_SHARE = 0.1
# What else is tried, as shares of the rate that the curve tells: half a decade and a decade lower,
# and half a decade higher as long as the curve falls there.
TRIED_SHARES = (1.0, 10**-0.5, 0.1)
HIGHER_SHARE = 10**0.5
# A loss after trying is the mean over this share of the updates, the last ones.
END_SHARE = 0.2


class Choice(StrEnum):
    """The rule that chose. The values are the names of functions that put them into words."""

    STEEPEST = "steepest"  # where the loss falls fastest
    BELOW_DIVERGENCE = "below_divergence"  # a tenth of where learning is undone
    ENDED_LOWER = "ended_lower"  # another one, near it, with which the loss ended lower when tried
    NOTHING_FALLS = "nothing_falls"  # no rate found
    EXPLODES = "explodes"  # no rate found: the loss is not finite, or explodes, whatever the rate


@dataclass(frozen=True, repr=False)
class RateRange:
    """What a learning-rate range test showed.

    `rates`: of the updates, (updates,). `losses`: of the batch of each update, before it, in each
    course, (courses, updates); NaN after a loss that was not finite. `unmoved`: of the same batches
    with the weights that the test began with, so that which rows a batch happened to have can be
    taken out. `first_loss`: the mean of those. `curve`: what the rates made of it, the median of
    the courses, smoothed, (updates,); infinite where the loss is no finite number any more.
    `choice`: the rule that chose; `suggestion`: the rate, None where there is none to find.
    `tried`: the rates that were tried for `tried_updates` updates each, with the loss they ended
    with.
    `steepest`, `best`, `diverges_at`: the rates at which the loss falls fastest, at which it is
    lowest, and from which on it is above where it began; None where there is no such rate.

    >>> import misstep as ms
    >>> x = [[0.0], [1.0], [2.0], [3.0]]
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(), seed=3)
    >>> found = trainer.find_learning_rate(x, [[1.0], [3.0], [5.0], [7.0]])
    >>> 0.001 < found.suggestion < 0.2
    True
    """

    rates: Array
    losses: Array
    unmoved: Array
    first_loss: float
    curve: Array
    choice: Choice
    suggestion: float | None = None
    steepest: float | None = None
    best: float | None = None
    diverges_at: float | None = None
    tried: Mapping[float, float] = field(default_factory=dict)
    tried_updates: int = 0

    @property
    def because(self) -> str:
        """Return in words which rule chose, with the numbers that it saw."""
        return rate_words(
            self.choice.value,
            first_loss=self.first_loss,
            lowest_loss=self.lowest_loss,
            lowest=float(self.rates[0]),
            highest=float(self.rates[-1]),
            steepest=self.steepest,
            best=self.best,
            diverges_at=self.diverges_at,
            suggestion=self.suggestion,
            tried=self.tried,
            told=self.told,
            updates=self.tried_updates,
        )

    @property
    def told(self) -> float | None:
        """Return the rate that the curve tells, before others near it were tried."""
        if self.diverges_at is None or self.steepest is None:
            return self.steepest
        return min(self.steepest, SAFE_SHARE * self.diverges_at)

    @property
    def lowest_loss(self) -> float:
        """Return the lowest point of the curve."""
        return float(self.curve.min())

    def picture(self) -> str:
        """Return the curve over the logarithm of the rate, and what is suggested, as SVG."""
        drawn: str = ask("drawing of a range of rates")(self).svg(standalone=True)
        return drawn

    def __repr__(self) -> str:
        """Return which rate is suggested, and why."""
        rate = "no rate found" if self.suggestion is None else f"rate {self.suggestion:.2g}"
        return f"<RateRange: {rate}, because {self.because}>"

    def _repr_html_(self) -> str:
        """Return the curve for a notebook."""
        shown: str = ask("drawing of a range of rates")(self).picture()
        return shown

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "suggestion": self.suggestion,
            "rule": self.choice.value,
            "because": self.because,
            "steepest": self.steepest,
            "best": self.best,
            "diverges_at": self.diverges_at,
            "first_loss": self.first_loss,
            "lowest_loss": self.lowest_loss if np.isfinite(self.lowest_loss) else None,
            "tried": [
                {"rate": rate, "loss": loss if np.isfinite(loss) else None}
                for rate, loss in self.tried.items()
            ],
            "rates": self.rates.tolist(),
            "losses": [_finite(each) for each in self.losses],
            "unmoved": [_finite(each) for each in self.unmoved],
            "curve": _finite(self.curve),
        }


def _finite(values: Array) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]


def range_test(
    forks: Sequence[Fork], *, lowest: float, highest: float, steps: int, movable: bool
) -> RateRange:
    """Return what happens to each of `forks` as the rate grows from `lowest` to `highest`.

    The forks themselves stay where they are. `movable`: whether other rates may be tried where all
    happens at one end of these.
    """
    rates = np.geomspace(lowest, highest, steps)
    result = read_curve(rates, *_courses(forks, rates))
    for _ in range(MOST_MOVES if movable else 0):
        early = len(result.rates) < EARLY_SHARE * steps and not np.isfinite(result.curve[-1:]).all()
        early |= _exploded(result.first_loss, result.curve) and len(result.rates) < (
            EARLY_SHARE * steps
        )
        idle = result.choice is Choice.NOTHING_FALLS and len(result.rates) == steps
        if not (early or idle):
            break
        rates = rates / MOVED_BY if early else rates * MOVED_BY
        moved = read_curve(rates, *_courses(forks, rates))
        if idle and moved.suggestion is None:
            break
        result = moved
    return _after_trying(forks, result, steps)


def _after_trying(forks: Sequence[Fork], result: RateRange, updates: int) -> RateRange:
    """Return a range test with what came of training at its suggestion, and at rates near it."""
    if result.suggestion is None:
        return result
    rates = [share * result.suggestion for share in TRIED_SHARES]
    higher = HIGHER_SHARE * result.suggestion
    if result.choice is Choice.STEEPEST and result.best is not None and higher <= result.best:
        rates.insert(0, higher)
    last = max(1, round(END_SHARE * updates))
    same = result.unmoved
    if same.shape[1] < updates:
        # The test ended early; which rows a batch has does not depend on rates.
        same = np.stack([fork.again().learn(np.zeros(updates)) for fork in forks])
    tried = {}
    for rate in rates:
        losses = np.stack([fork.again().learn(np.full(updates, rate)) for fork in forks])
        tried[rate] = float(np.median(without_batch_noise(losses, same), axis=0)[-last:].mean())
    # The highest of those that end equally low.
    best = min(rates, key=lambda rate: (tried[rate], -rate))
    choice = result.choice if best == result.suggestion else Choice.ENDED_LOWER
    return replace(result, choice=choice, suggestion=best, tried=tried, tried_updates=updates)


def _courses(forks: Sequence[Fork], rates: Array) -> tuple[Array, Array]:
    """Return the losses as the rate grows, and without learning, (courses, updates) each.

    Ends early where the loss explodes.
    """
    learning = [fork.again() for fork in forks]
    staying = [fork.again() for fork in forks]
    losses, unmoved = np.zeros((len(forks), 0)), np.zeros((len(forks), 0))
    for start in range(0, len(rates), STRIDE):
        piece = rates[start : start + STRIDE]
        losses = np.hstack([losses, [fork.learn(piece) for fork in learning]])
        unmoved = np.hstack([unmoved, [fork.learn(np.zeros(len(piece))) for fork in staying]])
        if _exploded(*_first_and_curve(losses, unmoved)):
            break
    return losses, unmoved


def _first_and_curve(losses: Array, unmoved: Array) -> tuple[float, Array]:
    """Return the loss without learning, and the curve of what learning made of it, (updates,)."""
    first = _mean_of_finite(unmoved)
    middle = np.median(without_batch_noise(losses, unmoved), axis=0)
    bad = ~np.isfinite(middle)
    # From the first update on that fails in most courses, there is no loss any more.
    end = int(np.argmax(bad)) if bad.any() else len(middle)
    curve = np.full(len(middle), np.inf)
    if end:
        curve[:end] = smoothed(middle[:end])
    return first, curve


def without_batch_noise(losses: Array, unmoved: Array) -> Array:
    """Return losses as on a batch like any other, (courses, updates); infinite where not finite.

    losses, unmoved: of the same batches, with learning and without. A hard batch is hard for both;
    how much of its hardness is left is taken to be how much of the loss is left.
    """
    first = _mean_of_finite(unmoved)
    calm = np.full(losses.shape, np.inf)
    for course, (learned, stayed) in enumerate(zip(losses, unmoved, strict=True)):
        good = np.isfinite(learned) & np.isfinite(stayed)
        end = len(good) if good.all() else int(np.argmin(good))
        if end:
            left = np.clip(smoothed(learned[:end]) / first, 0.0, 1.0) if first > 0 else 1.0
            calm[course, :end] = learned[:end] - left * (stayed[:end] - first)
    return calm


def _mean_of_finite(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else np.nan


def _exploded(first: float, curve: Array) -> bool:
    """Return whether the loss has risen so far that higher rates need not be tried."""
    if not len(curve) or not np.isfinite(curve).all():
        return True
    fall = max(first - float(curve.min()), 0.0)
    return bool(curve[-1] - first > EXPLODED * max(abs(first), fall))


def read_curve(rates: Array, losses: Array, unmoved: Array) -> RateRange:
    """Return what the losses of courses say about the rates that there were time for.

    rates: (updates,) or more; losses, unmoved: (courses, updates).
    """
    rates = rates[: losses.shape[1]]
    first, curve = _first_and_curve(losses, unmoved)
    shown = rates, losses, unmoved, first, curve
    finite = curve[np.isfinite(curve)]
    if not np.isfinite(first) or len(finite) < 2:
        return RateRange(*shown, Choice.EXPLODES)
    lowest = int(np.argmin(finite))
    fall = first - finite[lowest]
    middle = np.median(without_batch_noise(losses, unmoved), axis=0)[: lowest + 1]
    error = noise(middle) / np.sqrt(max(1, min(len(finite) // 20, 5)))
    if not fall > max(LEAST_FALL * abs(first), STANDARD_ERRORS * error):
        exploded = len(finite) < len(curve) or _exploded(first, curve)
        return RateRange(*shown, Choice.EXPLODES if exploded else Choice.NOTHING_FALLS)
    # Slopes per factor of the rate, which is the same from each update to the next.
    slopes = np.gradient(finite)[: lowest + 1]
    steepest = float(rates[int(np.argmin(slopes))])
    above = np.flatnonzero(curve[lowest:] > first)
    diverges_at = float(rates[lowest + above[0]]) if len(above) else None
    choice, suggestion = Choice.STEEPEST, steepest
    if diverges_at is not None and SAFE_SHARE * diverges_at < steepest:
        choice, suggestion = Choice.BELOW_DIVERGENCE, SAFE_SHARE * diverges_at
    return RateRange(*shown, choice, suggestion, steepest, float(rates[lowest]), diverges_at)
