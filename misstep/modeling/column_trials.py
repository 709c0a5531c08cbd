"""Whether a column helps, and whether its numbers are amounts or names: tried, not guessed.

A column called heat_index may be measured, a year may number the rows of a file, a season is no
amount. A linear model is fitted with and without the column, or with both readings of it, by
cross-validation on training rows. Knows tables and answers, no networks.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from misstep.data import Column, ColumnType, Preprocessor, drawn_rows
from misstep.data.table.column_types import (
    FEWEST_ROWS_OF_CATEGORY,
    MOST_CATEGORIES,
    says_identifier,
)
from misstep.errors import DataError
from misstep.ir import Array, one_blas_thread
from misstep.modeling.out_of_fold import FOLDS, Gain, gain_of, row_errors

if TYPE_CHECKING:
    import pandas

__all__ = ["ColumnTrials", "try_columns"]

# So that it takes a second or two; enough to tell a gain that matters.
MOST_ROWS = 2_000
# Fewer rows let chance decide.
FEWEST_ROWS = 40
# The error must fall by this share, and by so many standard errors: a table may have dozens of
# columns, each of which is tried.
LEAST_GAIN, STANDARD_ERRORS = 0.02, 3.0
# With fewer different numbers there is nothing to choose, with more each has too few rows.
FEWEST_NAMES, MOST_NAMES = 3, MOST_CATEGORIES
# Rows are numbered where numbers stand once each and are at most so many times as many as rows: a
# file may be a part of one that was numbered.
WIDEST_NUMBERING = 2.0
# Corners of the curve that is laid through a column: so many, or one for so many values.
CORNERS, VALUES_PER_CORNER = 8, 4
# From so many values on it can be seen whether neighbors mean nearly the same. The ratio of their
# differences is about 2 for names, and near 0 for what goes on smoothly: 0.3 for the hours of a
# day and the bicycles rented in each.
FEWEST_ROUGH, ROUGH = 8, 1.0


@dataclass(frozen=True)
class ColumnTrials:
    """The columns as they are to be used, and what a person should know of them."""

    columns: list[Column]
    notes: list[str]


def try_columns(
    columns: Sequence[Column],
    train: pandas.DataFrame,
    answers: Array,
    without: Container[str] = (),
    groups: Array | None = None,
) -> ColumnTrials:
    """Return the columns: identifiers that help as numbers, numbers that are names as categories.

    `train`: training rows; `answers`: theirs, encoded, (rows,). `without`: columns that take no
    part, since nothing helps beside them. `groups`: (rows,) which rows belong together.
    """
    plain = ColumnTrials(list(columns), [])
    if len(train) < FEWEST_ROWS or len(np.unique(answers)) < 2:
        return plain
    drawn = drawn_rows(len(train), MOST_ROWS)
    if groups is not None:
        groups = groups[drawn]
        if len(np.unique(groups)) < FOLDS:
            return plain
    trial = _Trial(columns, train.iloc[drawn], answers[drawn], without, groups)
    with one_blas_thread():
        found = [trial.tried(column) for column in columns]
        if trial.names_found:
            # What one column explains no longer hides what another one does.
            found = [trial.tried(column) if column in columns else column for column in found]
    return ColumnTrials(found, list(dict.fromkeys(trial.notes)))


class _Trial:
    """What is tried on some training rows."""

    def __init__(
        self,
        columns: Sequence[Column],
        rows: pandas.DataFrame,
        answers: Array,
        without: Container[str],
        groups: Array | None,
    ) -> None:
        self.rows, self.answers, self.groups = rows, answers, groups
        self.notes: list[str] = []
        self.names_found = False
        self.others = [
            each
            for each in columns
            if each.used and each.column_type is not ColumnType.TEXT and each.name not in without
        ]
        self._all: Array | None = None

    def tried(self, column: Column) -> Column:
        """Return a column as it is best used."""
        series = self.rows[column.name]
        if column.left_out or not (
            isinstance(series.dtype, np.dtype) and series.dtype.kind in "iuf"
        ):
            return column
        if column.column_type is ColumnType.IDENTIFIER:
            return self._identifier(column, series.to_numpy().astype(np.float64))
        if column.column_type is ColumnType.NUMBER and column in self.others:
            return self._number(column, series.to_numpy().astype(np.float64))
        return column

    def _identifier(self, column: Column, values: Array) -> Column:
        """Use what looked like an identifier if it helps, and is no numbering by its name."""
        known = values[np.isfinite(values)]
        if len(known) < FEWEST_ROWS:
            return column
        if self._all is None:
            self._all = self._features(self.others)
        before = row_errors(self._all, self.answers, self.groups)
        gain = gain_of(before, self._errors_with(self._all, _bent(values, CORNERS)))
        if not _helps(gain):
            reason = f"{column.reason}; it does not help a linear model, by cross-validation"
            return replace(column, reason=reason)
        error = f"the error of a linear model falls by {gain.share:.0%}, by cross-validation"
        width = float(np.ptp(known)) + 1
        numbering = len(np.unique(known)) == len(known) and width <= WIDEST_NUMBERING * len(known)
        if numbering and says_identifier(column.name):
            self.notes.append(
                f"with {column.name} {error}, but it only numbers rows: the file is sorted by what "
                "it says of the answer, and new rows will be numbered otherwise. It is left out."
            )
            return replace(column, reason=f"{column.reason}; rows are sorted by the answer")
        if says_identifier(column.name):
            self.notes.append(
                f"{column.name} is used although its name says identifier: with it {error}. If new "
                f"rows have other values of it, leave it out with --without {column.name}."
            )
        reason = f"{column.reason}; but with it {error}"
        return Column(column.name, ColumnType.NUMBER, reason, "plain")

    def _number(self, column: Column, values: Array) -> Column:
        """Take whole numbers for names if a place for each tells more than their size."""
        known = values[np.isfinite(values)]
        distinct = len(np.unique(known))
        few = FEWEST_NAMES <= distinct <= MOST_NAMES
        if not few or (known % 1 != 0).any() or len(known) < FEWEST_ROWS_OF_CATEGORY * distinct:
            return column
        base = self._features([each for each in self.others if each.name != column.name])
        codes = np.unique(values, return_inverse=True)[1].reshape(-1)
        places = np.eye(int(codes.max()) + 1)[codes]
        amount = np.column_stack(
            [_bent(values, distinct // VALUES_PER_CORNER), places[:, distinct:]]
        )
        gain = gain_of(self._errors_with(base, amount), self._errors_with(base, places))
        if not _helps(gain) or (distinct >= FEWEST_ROUGH and self._is_smooth(base, places)):
            return column
        reason = (
            f"{column.reason}; taken as names rather than amounts, since so the error of a linear "
            f"model is {gain.share:.0%} smaller, by cross-validation"
        )
        names = Column(column.name, ColumnType.CATEGORY, reason)
        self.others[self.others.index(column)] = names
        self.names_found = True
        return names

    def _is_smooth(self, base: Array, places: Array) -> bool:
        """Tell whether neighboring numbers mean nearly the same, as hours do and names don't.

        By von Neumann's ratio of the differences of neighbors to those from the mean.
        """
        from sklearn.linear_model import Ridge

        answers = self.answers
        if answers.dtype.kind != "f":
            answers = np.eye(int(answers.max()) + 1)[answers.astype(int)]
        answers = answers.reshape(len(answers), -1)
        model = Ridge(1.0).fit(np.column_stack([base, places]), answers)
        effects = model.coef_.reshape(answers.shape[1], -1)[:, base.shape[1] :]
        around = effects - effects.mean(axis=1, keepdims=True)
        ratio = np.square(np.diff(effects, axis=1)).sum() / max(np.square(around).sum(), 1e-12)
        return bool(ratio < ROUGH)

    def _errors_with(self, base: Array, features: Array) -> Array:
        return row_errors(np.column_stack([base, features]), self.answers, self.groups)

    def _features(self, columns: list[Column]) -> Array:
        """Return what columns become, (rows, features); zeros where they become nothing."""
        try:
            return Preprocessor.fit(self.rows, columns).transform(self.rows)
        except DataError:
            return np.zeros((len(self.rows), 1), np.float32)


def _helps(gain: Gain) -> bool:
    return gain.share >= LEAST_GAIN and gain.certain >= STANDARD_ERRORS


def _sized(values: Array) -> Array:
    """Return values with mean 0 and deviation 1, gaps filled by the mean."""
    filled = np.where(np.isfinite(values), values, np.nanmean(values))
    sized: Array = (filled - filled.mean()) / max(float(filled.std()), 1e-12)
    return sized


def _bent(values: Array, corners: int) -> Array:
    """Return a column as an amount: a parabola with corners at quantiles, (rows, features)."""
    z = _sized(values)
    places = np.quantile(z, np.linspace(0, 1, corners + 2)[1:-1])
    return np.column_stack([z, np.square(z), *(np.maximum(z - place, 0.0) for place in places)])
