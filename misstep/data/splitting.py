"""Which rows are for training, which for validation and which for the test.

Knows numbers of rows and class numbers only. The same seed gives the same rows, always; each row
goes to exactly one split.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from misstep.errors import ArgumentError, DataError

__all__ = ["Split", "drawn_rows", "split_rows"]

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Row numbers from 0, in rising order; `notes` says where that could not be had."""

    train: Rows
    validation: Rows
    test: Rows
    notes: list[str] = field(default_factory=list)


def split_rows(
    rows: int,
    stratify: object = None,
    validation_fraction: float = 0.2,
    test_fraction: float = 0.0,
    seed: int = 0,
) -> Split:
    """Deal rows out at random.

    `stratify`: (rows,) class of each row; every split then gets each class in proportion, as far as
    whole rows allow, and rows of classes that have but one go to training. A split that is asked
    for gets at least one row while two rows remain for training and validation.

    Raises ArgumentError: fractions that leave nothing to train on; DataError: fewer than 2 rows.
    """
    test_rows, validation_rows, notes = _sizes(rows, validation_fraction, test_fraction)
    if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ArgumentError("seed", needed="a whole number from 0 to 2**32 - 1", got=repr(seed))
    groups = None if stratify is None else _groups(stratify, rows)
    everything = np.arange(rows, dtype=np.int64)
    rest, test = _apart(everything, test_rows, groups, int(seed), "test", notes)
    train, validation = _apart(rest, validation_rows, groups, int(seed), "validation", notes)
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


def _groups(stratify: object, rows: int) -> Rows:
    labels = np.asarray(stratify)
    if labels.shape != (rows,):
        raise DataError(
            "stratify", needed=f"one class per row, shape ({rows},)", got=f"shape {labels.shape}"
        )
    if labels.dtype == object:
        labels = labels.astype(str)
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _apart(
    rows: Rows, size: int, groups: Rows | None, seed: int, name: str, notes: list[str]
) -> tuple[Rows, Rows]:
    """Return the rows that stay and the `size` rows set aside, both in rising order."""
    if size == 0:
        return rows, rows[:0]
    from sklearn.model_selection import train_test_split

    if groups is not None:
        here = groups[rows]
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
            f"{len(rows)} rows are too few for {int((counts > 0).sum())} classes"
        )
    stay, aside = train_test_split(rows, test_size=size, random_state=seed)
    return np.sort(stay), np.sort(aside)
