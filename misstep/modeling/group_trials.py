"""Whether rows come in groups that are alike, such as those of one person: tried, not guessed.

Rows drawn at random to be judged on then belong to persons who were learned from, and the score
says little about others. A small forest is judged on other rows of known groups and on groups that
it never saw. Knows tables and answers, no networks.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from misstep.data import Column, ColumnType, Preprocessor, drawn_rows
from misstep.errors import DataError
from misstep.ir import Array
from misstep.modeling.row_groups import group_numbers

if TYPE_CHECKING:
    import pandas

__all__ = ["AlikeRows", "find_alike_rows"]

# A person or a machine has several rows, and there are several of them.
FEWEST_GROUPS, FEWEST_ROWS_OF_GROUP = 8, 3
# More groups and rows than this tell no more.
MOST_ROWS = 2_000
# A column tells groups apart only if it says something of others: such a share of the variance of
# the answers or of another column, beyond what as many groups drawn by chance would.
LEAST_ANSWERS_TOLD, LEAST_COLUMN_TOLD = 0.05, 0.3
# Groups in the order of their numbers differ from the next as from any (von Neumann's ratio, 2);
# hours and years differ less.
ROUGH = 1.2
# Columns that are tried, those that say most first.
MOST_TRIED = 2
FOLDS, TREES = 3, 10
# The error on groups never seen must be so many times that on others, and the difference beyond
# its standard error, counted by groups; of wrong classes it must make so many of the rows.
LEAST_TIMES, STANDARD_ERRORS, LEAST_ROWS = 1.2, 3.0, 0.03


@dataclass(frozen=True)
class AlikeRows:
    """A column by which rows are alike, and how a small forest errs on groups of either kind.

    `known`, `new`: the share of wrong classes, or the root of the mean squared error in deviations
    of the answers, on rows of groups that were learned from and of others.
    """

    column: str
    groups: int
    known: float
    new: float
    number: bool

    @property
    def words(self) -> str:
        """Return what was measured."""
        known, new = f"other rows of each {self.column} that it knows", f"rows whose {self.column}"
        if self.number:
            times = f"{self.new / self.known:.1f} times as much (by the root of squares)"
            return f"a small forest errs {times} on {new} it never saw as on {known}"
        return (
            f"a small forest is wrong in {self.known:.0%} of the {known}, and in {self.new:.0%} of "
            f"{new} it never saw"
        )


def find_alike_rows(
    columns: Sequence[Column], train: pandas.DataFrame, answers: Array, without: Container[str] = ()
) -> AlikeRows | None:
    """Return the column by which rows are most alike, or None.

    `train`: training rows; `answers`: theirs, encoded, (rows,). `without`: columns that take no
    part, since they tell the answers by themselves.
    """
    used = [
        each
        for each in columns
        if each.used and each.column_type is not ColumnType.TEXT and each.name not in without
    ]
    number = answers.dtype.kind == "f"
    if not used or len(np.unique(answers)) < 2:
        return None
    told: list[tuple[float, str, Array]] = []
    numbers = _numbers(used, train, answers)
    for column in columns:
        groups = _groups(column, train)
        if groups is not None and column.name not in without:
            share = _told(groups, numbers, column)
            if share > 0:
                told.append((share, column.name, groups))
    told.sort(key=lambda each: -each[0])
    found = []
    for _, name, groups in told[:MOST_TRIED]:
        drawn = _drawn(groups)
        try:
            features = Preprocessor.fit(train.iloc[drawn], used).transform(train.iloc[drawn])
        except DataError:
            continue
        trial = _trial(name, features, answers[drawn], groups[drawn], number)
        if trial is not None:
            found.append(trial)
    # The finest: who tells persons apart tells their ages apart as well.
    return max(found, key=lambda each: each.groups, default=None)


def _groups(column: Column, train: pandas.DataFrame) -> Array | None:
    """Return a number for each row by a column that may tell groups apart, (rows,), or None."""
    if column.column_type not in (ColumnType.NUMBER, ColumnType.CATEGORY, ColumnType.IDENTIFIER):
        return None
    series = train[column.name]
    if isinstance(series.dtype, np.dtype) and series.dtype.kind == "f":
        known = series.dropna().to_numpy()
        if not len(known) or (known % 1 != 0).any():
            return None
    groups = group_numbers(series)
    count = int(groups.max()) + 1
    return groups if FEWEST_GROUPS <= count <= len(groups) / FEWEST_ROWS_OF_GROUP else None


def _numbers(used: Sequence[Column], train: pandas.DataFrame, answers: Array) -> dict[str, Array]:
    """Return the answers, under "", and the columns of numbers, each with deviation 1."""
    targets = (
        answers[:, None]
        if answers.dtype.kind == "f"
        else np.eye(int(answers.max()) + 1)[answers.astype(int)]
    )
    found = {"": targets}
    for column in used:
        series = train[column.name]
        if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iuf":
            values = series.to_numpy().astype(np.float64)
            known = np.isfinite(values)
            if known.any():
                found[column.name] = np.where(known, values, values[known].mean())[:, None]
    return {
        name: (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-12)
        for name, values in found.items()
    }


def _told(groups: Array, numbers: dict[str, Array], column: Column) -> float:
    """Return what share of the answers or another column groups tell; 0 for too little."""
    counts = np.bincount(groups)
    rows, count = len(groups), len(counts)
    best, rough = 0.0, []
    order = None
    if column.name in numbers:
        # Groups by their numbers, from the smallest on.
        first = np.unique(groups, return_index=True)[1]
        order = np.argsort(numbers[column.name][first, 0])
    for name, values in numbers.items():
        if name == column.name:
            continue
        sums = np.column_stack([np.bincount(groups, one) for one in values.T])
        means = sums / counts[:, None]
        within = np.square(values - means[groups]).sum() / (rows - count)
        share = 1 - float(within / max(np.square(values).sum() / (rows - 1), 1e-12))
        if share < (LEAST_COLUMN_TOLD if name else LEAST_ANSWERS_TOLD):
            continue
        best = max(best, share)
        if order is not None:
            steps = np.square(np.diff(means[order], axis=0)).sum()
            rough.append(float(steps / np.square(means - means.mean(axis=0)).sum()))
    return best if not rough or np.mean(rough) >= ROUGH else 0.0


def _drawn(groups: Array) -> Array:
    """Return rows to try with, (rows,): of whole groups where these are small."""
    if len(groups) <= MOST_ROWS:
        return np.arange(len(groups))
    counts = np.bincount(groups)
    if counts.mean() * 4 * FEWEST_GROUPS > MOST_ROWS:
        return drawn_rows(len(groups), MOST_ROWS)
    order = np.random.default_rng(0).permutation(len(counts))
    enough = order[: int(np.searchsorted(np.cumsum(counts[order]), MOST_ROWS)) + 1]
    return np.flatnonzero(np.isin(groups, enough))


def _trial(name: str, x: Array, y: Array, groups: Array, number: bool) -> AlikeRows | None:
    from sklearn.model_selection import GroupKFold, KFold

    count = len(np.unique(groups))
    if count < FEWEST_GROUPS or len(np.unique(y)) < 2:
        return None
    known = _errors(x, y, KFold(FOLDS, shuffle=True, random_state=0).split(x), number)
    new = _errors(x, y, GroupKFold(FOLDS).split(x, y, groups), number)
    own = np.unique(groups, return_inverse=True)[1].reshape(-1)
    lost = np.bincount(own, new - known) / np.bincount(own)
    certain = lost.mean() / max(lost.std() / np.sqrt(count), 1e-12)
    sizes = float(known.mean()), float(new.mean())
    few = not number and sizes[1] - sizes[0] < LEAST_ROWS
    if number:
        sizes = sizes[0] ** 0.5, sizes[1] ** 0.5
    if few or certain < STANDARD_ERRORS or sizes[1] < LEAST_TIMES * sizes[0]:
        return None
    return AlikeRows(name, count, max(sizes[0], 1e-9), sizes[1], number)


def _errors(x: Array, y: Array, folds: Any, number: bool) -> Array:
    """Return each row's error, (rows,): its square, or 1 where the class is wrong."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestRegressor if number else RandomForestClassifier
    errors = np.zeros(len(y))
    for train, test in folds:
        model = kind(TREES, min_samples_leaf=2, random_state=0).fit(x[train], y[train])
        predicted = model.predict(x[test])
        errors[test] = np.square(predicted - y[test]) if number else predicted != y[test]
    return errors
