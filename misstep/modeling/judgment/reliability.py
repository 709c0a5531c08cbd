"""Whether probabilities mean what they say: of rows that were given 80 %, are 80 % so?

Of two classes, the probability of the second one is compared with how often it was so. Of several,
the largest probability of each row is, with how often that class was right: the confidence, as Guo,
Pleiss, Sun and Weinberger have it ("On calibration of modern neural networks", 2017). Knows arrays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from misstep.data import Target, TaskType
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.modeling.confidence import wilson_interval
from misstep.modeling.held_out import HeldOut

__all__ = ["Reliability", "ReliabilityBin", "reliability_of"]

Bins = Literal["quantile", "width"]

# Ten, as is usual; fewer where a bin would have fewer rows than say anything about a share.
MOST_BINS, FEWEST_ROWS = 10, 20


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows of about the same probability.

    `lower`, `upper`: the probabilities that bound it; `rows`: how many. `predicted`: the mean of
    their probabilities; `observed`: the share that was so. `low`, `high`: where the share lies in
    95 % of cases, by the score interval of Wilson (1927).
    """

    lower: float
    upper: float
    rows: int
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """Probabilities beside how often they were right.

    `subject`: the class whose probability it is; None for several classes, where it is that of
    whichever was said. `bins`: none of them empty, the lowest probability first. `error`: the
    expected calibration error, the mean over rows of |predicted − observed| of their bin (Naeini,
    Cooper, Hauskrecht, 2015). `error_by_chance`: what it would be about in the mean, were every
    probability true, since shares of few rows vary. `brier`: the mean square of what each
    probability missed, over the same rows. `left_out`: rows of which nothing finite was said.
    """

    subject: str | None
    bins: tuple[ReliabilityBin, ...]
    rows: int
    error: float
    error_by_chance: float
    brier: float
    left_out: int = 0

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain JSON."""
        return {
            "class": self.subject,
            "bins": [vars(each) for each in self.bins],
            "rows": self.rows,
            "expected_calibration_error": self.error,
            "error_by_chance": self.error_by_chance,
            "brier": self.brier,
            "left_out": self.left_out,
        }


def reliability_of(
    held_out: HeldOut, target: Target, *, bins: int | None = None, by: Bins = "quantile"
) -> Reliability | None:
    """Return probabilities beside how often they were right; None without a row.

    bins: at most so many; by default as many as have about `FEWEST_ROWS` rows each, up to
    `MOST_BINS`. by: "quantile" for about as many rows in each, "width" for the same width. Rows of
    the same probability are in the same bin. Raises ArgumentError where a number is predicted, or
    for bins that can't be.
    """
    if target.is_number:
        raise ArgumentError("reliability", needed="classes", got=f"{target.name}, a number")
    if by not in ("quantile", "width"):
        raise ArgumentError("reliability: by", needed="'quantile' or 'width'", got=repr(by))
    if bins is not None and bins < 1:
        raise ArgumentError("reliability: bins", needed="1 or more", got=str(bins))
    said = np.isfinite(held_out.outputs).all(axis=1)
    outputs = held_out.outputs[said].astype(np.float64)
    answers = held_out.answers[said].astype(np.int64)
    if not len(answers):
        return None
    subject = None
    if target.task is TaskType.BINARY:
        subject = str(target.classes[1])
        probabilities, happened = outputs[:, 1], answers == 1
    else:
        probabilities, happened = outputs.max(axis=1), answers == outputs.argmax(axis=1)
    return reliability_curve(
        probabilities, happened, subject=subject, bins=bins, by=by, left_out=int((~said).sum())
    )


def reliability_curve(
    probabilities: Array,
    happened: Array,
    *,
    subject: str | None = None,
    bins: int | None = None,
    by: Bins = "quantile",
    left_out: int = 0,
) -> Reliability:
    """Return probabilities, (rows,), beside whether it was so, (rows,) bool; of one row or more.

    `bins`, `by`: as for `reliability_of`.
    """
    rows = len(probabilities)
    if bins is None:
        bins = max(1, min(MOST_BINS, rows // FEWEST_ROWS))
    places = np.arange(bins + 1) / bins
    edges = np.unique(np.quantile(probabilities, places)) if by == "quantile" else places
    # A bin holds its upper edge, the first one its lower edge as well.
    last = max(len(edges) - 2, 0)
    numbers = np.clip(np.searchsorted(edges, probabilities, side="left") - 1, 0, last)
    found: list[ReliabilityBin] = []
    error = chance = 0.0
    for number in np.unique(numbers):
        inside = numbers == number
        count = int(inside.sum())
        own, so = probabilities[inside], happened[inside]
        predicted, observed = float(own.mean()), float(so.mean())
        low, high = wilson_interval(int(so.sum()), count)
        upper = float(edges[min(number + 1, len(edges) - 1)])
        lower = float(edges[number])
        found.append(ReliabilityBin(lower, upper, count, predicted, observed, low, high))
        error += count / rows * abs(predicted - observed)
        # A sum of independent rows is about normal, whose mean distance from its middle is
        # √(2/π) deviations.
        deviation = math.sqrt(max(0.0, float((own * (1 - own)).sum()))) / count
        chance += count / rows * math.sqrt(2 / math.pi) * deviation
    brier = float(((probabilities - happened) ** 2).mean())
    return Reliability(subject, tuple(found), rows, error, chance, brier, left_out)
