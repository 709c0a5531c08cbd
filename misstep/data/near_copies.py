"""Rows to judge by that are also among the rows to learn from, or nearly so: found in pairs.

What counts as near is told by the rows themselves: a distance that is a small share of the one at
which rows usually have their nearest neighbor, in columns divided by their deviation. Where many
have a twin, the nearest neighbor is the twin; so the usual distance is told from the fifth one, by
the number of dimensions in which the rows really lie, and that from how distances grow from the
fifth to the tenth neighbor (Levina and Bickel, "Maximum likelihood estimation of intrinsic
dimension", 2004). From the same number follows how many would be so near by chance. `copies.py`
asks the like of one set of rows, cell by cell. Knows arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.dataset import hashed_rows
from misstep.storage import pieces_of

__all__ = ["NEAR", "NearCopies", "near_copies"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

# A row is nearly another one within this share of the distance at which half of the rows have
# their nearest neighbor: noise in the last digits and other compressions are, a next frame is, and
# another one of its kind is not.
NEAR = 0.1
# Neighbors by which the usual distance and the dimensions are told, and what the logarithm of the
# ratio of their distances is in the mean in one dimension: 1/5 + 1/6 + … + 1/9.
NEIGHBOR, FARTHER = 5, 10
GROWTH = sum(1 / each for each in range(NEIGHBOR, FARTHER))
# Medians of how many rows the balls up to the first and the fifth neighbor hold on average: of the
# Gamma distribution with 1 and with 5.
FIRST_MEDIAN, NEIGHBOR_MEDIAN = 0.6931, 4.6709
# That distance is measured on so many rows at most, and by so many products of numbers.
MOST_MEASURED, FEWEST_MEASURED, MOST_PRODUCTS = 300, 20, 4_000_000_000
# Near rows are looked for where they are near along the few directions in which rows differ most:
# rows that are near at all are near there, so that none is missed. Directions, and rows that
# they are told by.
DIRECTIONS, MOST_ROWS_OF_DIRECTIONS = 8, 2000
# Candidates for each row at most; more come of rows that lie close everywhere.
MOST_CANDIDATES = 100
# Numbers of all rows together, beyond which only equal rows are found.
MOST_NUMBERS = 200_000_000


@dataclass(frozen=True)
class NearCopies:
    """Which rows have a twin among those to learn from.

    `rows`: (pairs,) the rows, counted from 0; `twins`: (pairs,) the nearest row to learn from;
    `distances`: (pairs,) in usual distances, 0 of equal ones. `exact`: how many are equal.
    `by_chance`: how many others would be as near by chance. `dimensions`: in which rows lie, NaN
    where that was not measured. `near_examined`: whether nearly equal ones were looked for.
    """

    rows: Whole
    twins: Whole
    distances: Floats
    exact: int
    by_chance: float
    dimensions: float
    near_examined: bool

    @property
    def near(self) -> int:
        """How many are nearly equal, but not equal."""
        return len(self.rows) - self.exact


def near_copies(train: NDArray[Any], others: NDArray[Any]) -> NearCopies:
    """Return which of `others` (rows, …) are in `train` (rows, …), or nearly so; both dense."""
    equal = _equal(train, others)
    same = np.flatnonzero(equal >= 0)
    rest = np.flatnonzero(equal < 0)
    nothing = np.zeros(0, np.int64)
    found, usual, dimensions = None, np.nan, np.nan
    if (
        (len(rest) and len(train) > FARTHER and train.size)
        and train.size + others.size <= MOST_NUMBERS
        and all(np.isfinite(piece).all() for rows in (train, others) for piece in pieces_of(rows))
    ):
        learned = np.asarray(train, np.float64).reshape(len(train), -1)
        judged = np.asarray(others, np.float64).reshape(len(others), -1)
        deviation = learned.std(axis=0)
        scale = np.where(deviation > 0, deviation, 1.0)
        learned, judged = learned / scale, judged / scale
        usual, dimensions = _usual(learned, judged[rest])
        if usual > 0:
            found = _within(learned, judged[rest], NEAR * usual)
    if found is None:
        found = nothing, nothing, np.zeros(0)
        near_examined = not len(rest)
    else:
        near_examined = True
    at, twins, distances = found
    rows = np.concatenate([same, rest[at]])
    order = np.argsort(rows, kind="stable")
    by_chance = len(rest) * -np.expm1(-np.log(2) * NEAR**dimensions) if dimensions > 0 else 0.0
    return NearCopies(
        rows[order],
        np.concatenate([equal[same], twins])[order],
        np.concatenate([np.zeros(len(same)), distances / usual])[order],
        len(same),
        float(by_chance),
        float(dimensions),
        near_examined,
    )


def _equal(learned: NDArray[Any], judged: NDArray[Any]) -> Whole:
    """Return for each row the first equal one to learn from, (rows,); −1 where there is none."""
    hashes, first = np.unique(_hashes(learned), return_index=True)
    wanted = _hashes(judged)
    at = np.searchsorted(hashes, wanted).clip(0, max(len(hashes) - 1, 0))
    if not len(hashes):
        return np.full(len(judged), -1, np.int64)
    return np.where(hashes[at] == wanted, first[at], -1).astype(np.int64)


def _hashes(rows: NDArray[Any]) -> NDArray[np.uint64]:
    """Return a hash of each row, (rows,), of rows that may be more than memory holds as floats."""
    # -0 is 0.
    each = [
        hashed_rows(np.asarray(piece, np.float64).reshape(len(piece), -1) + 0.0)
        for piece in pieces_of(rows)
    ]
    return np.concatenate(each) if each else np.zeros(0, np.uint64)


def _usual(learned: Floats, judged: Floats) -> tuple[float, float]:
    """Return the usual distance of a row's nearest neighbor, and the dimensions rows lie in.

    Zero where that can't be said.
    """
    most = int(np.clip(MOST_PRODUCTS // learned.size, FEWEST_MEASURED, MOST_MEASURED))
    some = judged[np.unique(np.linspace(0, len(judged) - 1, min(most, len(judged))).astype(int))]
    squares = (learned**2).sum(axis=1)
    near, farther = [], []
    for row in some:
        apart = squares - 2 * (learned @ row) + row @ row
        nearest = np.sort(np.partition(apart, FARTHER - 1)[:FARTHER])
        near.append(nearest[NEIGHBOR - 1])
        farther.append(nearest[FARTHER - 1])
    distances = np.sqrt(np.maximum(np.array([near, farther]), 0.0))
    apart_rows = distances[0] > 0
    growth = np.log(distances[1, apart_rows] / distances[0, apart_rows])
    total = float(growth.sum())
    if not total > 0:
        return 0.0, 0.0
    dimensions = len(growth) * GROWTH / total
    shrinking = (FIRST_MEDIAN / NEIGHBOR_MEDIAN) ** (1 / dimensions)
    return float(np.median(distances[0])) * shrinking, dimensions


def _within(learned: Floats, judged: Floats, most: float) -> tuple[Whole, Whole, Floats] | None:
    """Return rows, their nearest row within `most`, and its distance; None for too many."""
    from scipy.spatial import cKDTree

    step = -(-len(learned) // MOST_ROWS_OF_DIRECTIONS)
    some = learned[::step]
    width = learned.shape[1]
    if width > DIRECTIONS:
        # The right singular vectors: orthonormal, so that no distance along them is too long.
        directions = np.linalg.svd(some - some.mean(axis=0), full_matrices=False)[2][:DIRECTIONS]
        tree, points = cKDTree(learned @ directions.T), judged @ directions.T
    else:
        tree, points = cKDTree(learned), judged
    counts = tree.query_ball_point(points, most * (1 + 1e-9), return_length=True)
    if counts.sum() > MOST_CANDIDATES * len(judged):
        return None
    rows, twins, distances = [], [], []
    for row in np.flatnonzero(counts).tolist():
        candidates = np.array(tree.query_ball_point(points[row], most * (1 + 1e-9)))
        apart = np.sqrt(((learned[candidates] - judged[row]) ** 2).sum(axis=1))
        best = int(np.lexsort((candidates, apart))[0])
        if apart[best] <= most:
            rows.append(row)
            twins.append(int(candidates[best]))
            distances.append(float(apart[best]))
    return np.array(rows, np.int64), np.array(twins, np.int64), np.array(distances)
