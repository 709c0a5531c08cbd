"""Which rows are of which fold: dealt out with classes in proportion and groups as a whole.

Knows numbers of rows, classes and groups; no data.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from misstep.data import Split, split_rows
from misstep.errors import ArgumentError
from misstep.ir import Array

__all__ = ["fold_numbers", "folds_of"]


def folds_of(
    rows: int, number: int, count: int, share: float, seed: int, classes: Any, groups: Any
) -> Split:
    """Return the split whose test is the fold `number` of `count`.

    `share`: of all rows that validate. classes, groups: (rows,) or None; classes come in proportion
    as far as their rows allow, groups as a whole. The same seed gives the same folds. Raises
    ArgumentError where there are fewer rows, or groups, than folds.
    """
    apart = fold_numbers(rows, count, seed, classes, groups) == number
    rest, test = np.flatnonzero(~apart), np.flatnonzero(apart)
    inner = split_rows(
        len(rest),
        None if classes is None else np.asarray(classes)[rest],
        min(share * rows / len(rest), 0.5),
        0.0,
        seed,
        None if groups is None else np.asarray(groups)[rest],
    )
    return Split(rest[inner.train], rest[inner.validation], test, inner.notes)


def fold_numbers(rows: int, count: int, seed: int, classes: Any, groups: Any) -> Array:
    """Return the fold of each row, (rows,), from 0. Raises ArgumentError for too few rows.

    Groups, in an order of chance, go one after the other to the fold that has the fewest rows of
    their class so far, then the fewest of all: each row, where there are no groups, is one.
    """
    members = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    kinds = np.zeros(rows, int) if classes is None else np.unique(classes, return_inverse=True)[1]
    together = int(members.max()) + 1 if rows else 0
    if together < count:
        raise ArgumentError(
            "folds",
            needed=f"at most as many as there are {'rows' if groups is None else 'groups'}",
            got=f"{count} of {together}",
        )
    counts = np.zeros((count, int(kinds.max()) + 1))
    folds = np.empty(together, int)
    has = np.zeros((together, counts.shape[1]))
    np.add.at(has, (members, kinds), 1)
    order = np.random.default_rng(seed).permutation(together)
    # The large ones first, which are hardest to place.
    order = order[np.argsort(-has.sum(axis=1)[order], kind="stable")]
    for one in order.tolist():
        load = counts @ has[one], counts.sum(axis=1)
        place = int(np.lexsort((load[1], load[0]))[0])
        folds[one] = place
        counts[place] += has[one]
    return np.asarray(folds[members])
