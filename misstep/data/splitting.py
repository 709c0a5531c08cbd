"""Which rows are for training, which for validation and which for the test.

Knows numbers of rows, of classes and of groups only. The same seed gives the same rows, always;
each row goes to exactly one split, and so does each group of rows that belong together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from misstep.errors import ArgumentError, DataError
from misstep.text.counts import counted, plural

__all__ = ["Split", "drawn_rows", "judged_on_fair_rows", "split_rows"]

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Row numbers from 0, in rising order; `notes` says where that could not be had."""

    train: Rows
    validation: Rows
    test: Rows
    notes: list[str] = field(default_factory=list)


def judged_on_fair_rows(split: Split, fair: NDArray[np.bool_], *, grouped: bool) -> Split:
    """Return a split whose rows to validate on and for the test are all fair ones.

    `fair`: (rows,) which stand for all rows there are. The others go to training; where rows are
    `grouped`, to no part, since the like of them may be judged on. A part of which none is fair
    stays as it is.
    """

    def fair_ones(part: Rows) -> Rows:
        return part[fair[part]] if fair[part].any() else part

    validation, test = fair_ones(split.validation), fair_ones(split.test)
    if grouped:
        train = split.train
    else:
        judged = np.concatenate([validation, test])
        train = np.setdiff1d(np.concatenate([split.train, split.validation, split.test]), judged)
    return Split(train, validation, test, split.notes)


def split_rows(
    rows: int,
    stratify: object = None,
    validation_fraction: float = 0.2,
    test_fraction: float = 0.0,
    seed: int = 0,
    groups: object = None,
) -> Split:
    """Deal rows out at random.

    `stratify`: (rows,) class of each row; every split then gets each class in proportion, as far as
    whole rows allow, and rows of classes that have but one go to training. A split that is asked
    for gets at least one row while two rows remain for training and validation.
    `groups`: (rows,) group of each row; no group is on two sides, sizes and proportions are kept as
    far as whole groups allow, and where each row is a group of its own nothing changes.

    Raises ArgumentError: fractions that leave nothing to train on; DataError: fewer than 2 rows.
    """
    test_rows, validation_rows, notes = _sizes(rows, validation_fraction, test_fraction)
    if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ArgumentError("seed", needed="a whole number from 0 to 2**32 - 1", got=repr(seed))
    classes = None if stratify is None else _numbered(stratify, rows, "stratify", "class")
    members = None if groups is None else _numbered(groups, rows, "groups", "group")
    if members is not None and len(members) and members.max() + 1 == rows:
        members = None
    everything = np.arange(rows, dtype=np.int64)

    def apart(some: Rows, size: int, name: str) -> tuple[Rows, Rows]:
        if members is None or size == 0:
            return _apart(some, size, classes, int(seed), name, notes)
        return _groups_apart(some, size, classes, members, int(seed), name, notes)

    rest, test = apart(everything, test_rows, "test")
    train, validation = apart(rest, validation_rows, "validation")
    return Split(train, validation, test, notes)


def drawn_rows(rows: int, most: int) -> Rows:
    """Return at most `most` of `rows` row numbers drawn by chance, always the same, rising.

    For what need not see all rows. Every k-th row would not do: classes may take turns in a file.
    """
    return np.sort(np.random.default_rng(0).permutation(rows)[:most])


def _sizes(rows: int, validation: float, test: float) -> tuple[int, int, list[str]]:
    for name, share in (("validation_fraction", validation), ("test_fraction", test)):
        if not (isinstance(share, int | float) and math.isfinite(share) and 0 <= share < 1):
            raise ArgumentError(name, needed="a share from 0 to below 1", got=repr(share))
    if validation + test >= 1:
        raise ArgumentError(
            "validation_fraction and test_fraction",
            needed="less than 1 together, so that rows are left to train on",
            got=f"{validation + test:g}",
        )
    if rows < 2 and validation + test > 0:
        raise DataError(
            "the table",
            needed="at least 2 rows, one to train on and one to judge by",
            got=str(rows),
            try_="a table with more rows",
        )
    notes: list[str] = []
    sizes = []
    free = rows - 1
    # Validation steers the training, so it gets its row before the test does.
    for name, share in (("validation", validation), ("test", test)):
        size = min(max(round(rows * share), 1 if share > 0 else 0), max(free, 0))
        if share > 0 and size == 0:
            notes.append(f"no {name} rows because there are only {rows} rows in all")
        free -= size
        sizes.append(size)
    return sizes[1], sizes[0], notes


def _numbered(labels: object, rows: int, which: str, one: str) -> Rows:
    """Return a number from 0 for each label, (rows,). Raises DataError."""
    given = np.asarray(labels)
    if given.shape != (rows,):
        raise DataError(
            which, needed=f"one {one} per row, shape ({rows},)", got=f"shape {given.shape}"
        )
    if given.dtype == object:
        given = given.astype(str)
    first, numbers = np.unique(given, return_index=True, return_inverse=True)[1:]
    if one == "group":
        # By where they come first: a group may be called anything.
        numbers = np.argsort(np.argsort(first))[numbers.reshape(-1)]
    return numbers.reshape(-1).astype(np.int64)


def _apart(
    rows: Rows, size: int, classes: Rows | None, seed: int, name: str, notes: list[str]
) -> tuple[Rows, Rows]:
    """Return the rows that stay and the `size` rows set aside, both in rising order."""
    if size == 0:
        return rows, rows[:0]
    from sklearn.model_selection import train_test_split

    if classes is not None:
        here = classes[rows]
        counts = np.bincount(here)
        single = counts[here] == 1
        several = int((counts > 1).sum())
        enough = several > 0 and size >= several and (~single).sum() - size >= several
        if enough:
            stay, aside = train_test_split(
                rows[~single], test_size=size, random_state=seed, stratify=here[~single]
            )
            return np.sort(np.concatenate([stay, rows[single]])), np.sort(aside)
        notes.append(
            f"the {name} rows are drawn without regard to the classes because {size} of "
            f"{len(rows)} rows {plural(size, 'is', 'are')} too few for "
            f"{counted(int((counts > 0).sum()), 'class', 'classes')}"
        )
    stay, aside = train_test_split(rows, test_size=size, random_state=seed)
    return np.sort(stay), np.sort(aside)


def _groups_apart(
    rows: Rows,
    size: int,
    classes: Rows | None,
    groups: Rows,
    seed: int,
    name: str,
    notes: list[str],
) -> tuple[Rows, Rows]:
    """Return the rows that stay and about `size` rows set aside, no group on both sides.

    Large groups are dealt first, each to the side that needs its classes more; then the rows that
    are alone fill up as if there were no groups.
    """
    here = np.unique(groups[rows], return_inverse=True)[1].reshape(-1)
    counts = np.bincount(here)
    labels = np.zeros(len(rows), np.int64) if classes is None else classes[rows]
    aside = _dealt_groups(here, labels, size / len(rows), seed)
    chosen = rows[aside[here]]
    alone = counts[here] == 1
    singles = rows[alone]
    free = len(singles) - (len(singles) + len(chosen) == len(rows))
    missing = min(size - len(chosen), free)
    if missing > 0:
        alone_aside = singles
        if missing < len(singles):
            alone_aside = _apart(singles, missing, classes, seed, name, [])[1]
        chosen = np.concatenate([chosen, alone_aside])
    elif not len(chosen) and len(counts) > 1:
        nearest = np.argmin(np.abs(counts - size))
        chosen = rows[here == nearest]
    if not len(chosen):
        notes.append(f"no {name} rows because all rows belong together")
    return np.setdiff1d(rows, chosen), np.sort(chosen)


def _dealt_groups(here: Rows, labels: Rows, share: float, seed: int) -> NDArray[np.bool_]:
    """Tell of each group of several rows whether it is set aside, (groups,); False for single rows.

    `here`: (rows,) the group of each; `labels`: (rows,) its class; `share`: of rows to set aside.
    """
    counts = np.bincount(here)
    present, codes = np.unique(labels, return_inverse=True)
    cells = here * len(present) + codes.reshape(-1)
    size = (len(counts), len(present))
    table = np.bincount(cells, minlength=size[0] * size[1]).reshape(size).astype(np.float64)
    # What has all rows of a class must be learned from.
    only = (table == table.sum(axis=0)).any(axis=1) & (len(present) > 1)
    order = np.random.default_rng(seed).permutation(len(counts))
    order = order[np.argsort(-counts[order], kind="stable")]
    aside = np.zeros(len(counts), bool)
    behind = np.zeros(len(present))
    for group in order[counts[order] > 1]:
        # By how much what is set aside lags behind its share of what was dealt.
        one = table[group]
        behind += share * one
        # Squares of the lag with and without this group; their difference in short.
        if not only[group] and 2 * float(behind @ one) > float(one @ one):
            behind -= one
            aside[group] = True
    return aside
