"""How much a model doubts the answers of rows: of classes by probabilities, of numbers by distance.

Of classes two numbers matter for each row. Its certainty m, the logarithm of the model's first
probability over its second; and whether the answer given is another one than expected. Counted
along m they show whether answers are wrong or rows hard to tell. Rows are ranked by the probability
of the answer given ("self-confidence": Kuan and Mueller, "Model-agnostic label quality scoring",
2022). Knows arrays; no models, and nothing of what is concluded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FAR", "ClassDoubts", "NumberDoubts", "class_doubts", "number_doubts"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Marks = NDArray[np.bool_]

# A probability counts as no smaller: models that say 0 have only seen too little.
SMALLEST = 1e-9
# The nearest other rows by which a doubtful row is judged, so many doubtful rows at most, and rows
# among which they are looked for.
NEIGHBORS, MOST_DOUBTFUL, MOST_ROWS = 5, 60, 4000
# The spread near a number is that of so many of the rows with the nearest expected ones.
NEAR_SHARE, FEWEST_NEAR = 0.1, 50
# Of normal distances 80 % are below 1.2816 deviations. The median would be 0 for answers that are
# whole numbers and mostly expected exactly.
QUANTILE, DEVIATIONS = 0.8, 1.2816
# A spread is at least this share of the spread of all answers around what is expected.
LEAST_SHARE = 0.3
# Farther than this many spreads an answer is no part of the tail that real answers have: of prices,
# counts, ages, grades and measures of illness (six public sets) at most 0.7 % lie beyond.
FAR = 8.0


@dataclass(frozen=True)
class ClassDoubts:
    """What a model that did not learn from a row thinks of its answer, for each row.

    `expected`: the likeliest class. `given`: the probability of the answer given. `first`: that of
    the likeliest class. `certainty`: m. `other`: whether the answer is not the expected one.
    `order`: all rows, the most doubtful answer first.
    """

    classes: int
    expected: Whole
    given: Floats
    first: Floats
    certainty: Floats
    other: Marks
    order: Whole

    def counted(self, parts: int) -> tuple[Floats, Whole, Whole]:
        """Return mean certainty, number of rows and number of other answers, (parts,) each.

        In parts of as many rows, the least certain first.
        """
        order = np.argsort(self.certainty, kind="stable")
        count = max(min(parts, len(order)), 1)
        starts = np.arange(count) * len(order) // count
        rows = np.diff(np.append(starts, len(order)))
        others = np.add.reduceat(self.other[order].astype(np.int64), starts)
        return np.add.reduceat(self.certainty[order], starts) / rows, rows, others

    @property
    def others_where_certain(self) -> float:
        """Return the share of other answers among the more certain half of the rows."""
        certain = self.certainty >= np.median(self.certainty)
        return float(self.other[certain].mean())

    def neighbors_agree(self, x: NDArray[Any], answers: NDArray[Any]) -> float:
        """Return how much the neighbors of doubtful rows have the answer expected of these.

        As a share of what it is for rows whose answer is the expected one: 1 where a doubtful
        answer stands alone among others, as a wrong one does; near 0 where a model fails on a whole
        region, whose rows speak for each other. NaN where that can't be said. x: (rows, …) dense;
        answers: (rows,) class numbers.
        """
        doubtful = self.order[self.other[self.order]][:MOST_DOUBTFUL]
        certain = self.order[~self.other[self.order]]
        # As many that are not doubted, spread over all of them.
        spread = np.linspace(0, len(certain) - 1, min(len(certain), MOST_DOUBTFUL)).astype(int)
        certain = np.unique(certain[spread]) if len(certain) else certain
        if not len(doubtful) or not len(certain) or len(x) <= NEIGHBORS:
            return float("nan")
        theirs = self._of_neighbors(x, answers, np.concatenate([doubtful, certain]))
        usual = float(theirs[len(doubtful) :].mean())
        return float(theirs[: len(doubtful)].mean()) / usual if usual > 0 else float("nan")

    def _of_neighbors(self, x: NDArray[Any], answers: NDArray[Any], asked: Whole) -> Floats:
        """Return which share of the neighbors of each row have the answer expected of it."""
        step = -(-len(x) // MOST_ROWS)
        some = np.unique(np.concatenate([np.arange(0, len(x), step), asked]))
        flat = np.asarray(x, np.float64).reshape(len(x), -1)[some]
        deviation = flat.std(axis=0)
        flat = (flat - flat.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
        at = np.searchsorted(some, asked)
        squares = (flat**2).sum(axis=1)
        distances = squares[at][:, None] + squares[None, :] - 2 * flat[at] @ flat.T
        distances[np.arange(len(at)), at] = np.inf
        nearest = np.argpartition(distances, NEIGHBORS - 1, axis=1)[:, :NEIGHBORS]
        theirs = np.asarray(answers)[some][nearest]
        return np.asarray((theirs == self.expected[asked][:, None]).mean(axis=1))


def class_doubts(probabilities: NDArray[Any], answers: NDArray[Any]) -> ClassDoubts:
    """Return what probabilities (rows, classes) say about `answers`, (rows,) class numbers."""
    shares = np.maximum(np.asarray(probabilities, np.float64), SMALLEST)
    codes = np.asarray(answers, np.int64)
    rows, classes = shares.shape
    expected = shares.argmax(axis=1).astype(np.int64)
    given = shares[np.arange(rows), codes]
    top = np.partition(shares, classes - 2, axis=1)[:, -2:] if classes > 1 else np.ones((rows, 2))
    return ClassDoubts(
        classes=classes,
        expected=expected,
        given=given,
        first=top[:, 1],
        certainty=np.log(top[:, 1]) - np.log(top[:, 0]),
        other=expected != codes,
        order=np.lexsort((np.arange(rows), given)).astype(np.int64),
    )


@dataclass(frozen=True)
class NumberDoubts:
    """How far the answers of rows lie from what a model expects without having seen them.

    `distances`: (rows,) in spreads: how far other answers near the same expected number lie from
    theirs, so that where everything is less certain nothing stands out for that. `far`: (rows,)
    whether beyond `FAR`. `order`: all rows, the farthest answer first.
    """

    distances: Floats
    far: Marks
    order: Whole


def number_doubts(expected: NDArray[Any], answers: NDArray[Any]) -> NumberDoubts:
    """Return what `expected` says about `answers`, (rows,) both."""
    wanted, given = np.asarray(expected, np.float64), np.asarray(answers, np.float64)
    apart = np.abs(given - wanted)
    spreads = np.maximum(_spreads(wanted, apart), np.finfo(float).tiny)
    distances = np.minimum(np.where(apart > 0, apart / spreads, 0.0), 1e9)
    order = np.lexsort((np.arange(len(given)), -distances)).astype(np.int64)
    return NumberDoubts(distances, distances > FAR, order)


def _spreads(expected: Floats, apart: Floats) -> Floats:
    """Return how far answers lie apart from what is expected near each row, (rows,)."""
    rows = len(apart)
    if not rows:
        return apart
    whole = float(np.quantile(apart, QUANTILE))
    parts = rows // max(FEWEST_NEAR, int(NEAR_SHARE * rows))
    near = np.full(rows, whole)
    if parts > 1:
        for piece in np.array_split(np.argsort(expected, kind="stable"), parts):
            near[piece] = np.quantile(apart[piece], QUANTILE)
    return np.maximum(near, LEAST_SHARE * whole) / DEVIATIONS
