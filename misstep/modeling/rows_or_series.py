"""Whether the answers of dated rows stem from the other columns, or from what was before.

A dated table is forecast unless its other columns decide: then each row is an example. Both are
tried on the newest rows with linear models, in milliseconds. Knows tables and series, no networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from misstep.data import (
    Column,
    Preprocessor,
    SeriesWindows,
    Table,
    plan_series,
    read_series,
    recognize_columns,
)
from misstep.data.series.times import find_times
from misstep.errors import MisstepError
from misstep.ir import Array, one_blas_thread
from misstep.modeling.ridge import Ridge
from misstep.text.figures import four_figures

__all__ = ["RowsOrSeries", "rows_or_series"]

# The newest rows to judge on, of so many at most, and how far a line looks back.
NEWEST, MOST_ROWS, LAGS = 0.3, 6000, 24
# Standardized inputs: a penalty of one row's weight.
PENALTY = 1.0
# The columns must make the error this much smaller than what was before makes it ...
WORTHWHILE = 0.8
# ... or so much smaller that they all but decide, ...
DECIDING = 0.25
# ... or what was before must leave so much of the error that the mean of the newest rows has:
# prices of one day tell each other better than yesterday's do, and are asked for all the same.
UNTOLD = 0.7


@dataclass(frozen=True)
class RowsOrSeries:
    """RMSE on the newest rows: of a line on the other columns, and of one on earlier answers.

    `plain`: of the mean of these very rows.
    """

    columns: float
    past: float
    plain: float

    @property
    def columns_better(self) -> bool:
        """Tell whether the other columns tell the answers clearly better."""
        return self.columns <= WORTHWHILE * self.past

    @property
    def as_rows(self) -> bool:
        """Tell whether each row is an example: the columns decide, or the past tells little."""
        return self.columns_better and (
            self.past >= UNTOLD * self.plain or self.columns <= DECIDING * self.past
        )

    @property
    def words(self) -> str:
        """Return the figures."""
        return (
            f"on the newest {NEWEST:.0%} of the rows, a line on the other columns has RMSE "
            f"{four_figures(self.columns)}, one on the answers before {four_figures(self.past)}"
        )


def rows_or_series(table: Table, target: str) -> RowsOrSeries | None:
    """Return how well both tell the newest answers of dated rows, or None where that can't be told.

    That is so where there are no dates, nothing else to learn from, or too few rows.
    """
    try:
        return _tried(table, target)
    except MisstepError:
        # Who trains on such rows hears what is wrong with them.
        return None


def _tried(table: Table, target: str) -> RowsOrSeries | None:
    found = find_times(table, target)
    if not found or not found[0].distinct:
        return None
    others = [title for title in map(str, table.frame.columns) if title != target]
    if set(others) <= set(found[0].columns):
        return None
    if table.frame[target].dtype.kind not in "iuf":
        return None
    order = np.argsort(found[0].dates, kind="stable")[-MOST_ROWS:]
    newest = table.take(order)
    numbers = newest.frame[target].to_numpy().astype(np.float64)
    newest = newest.take(np.flatnonzero(np.isfinite(numbers)))
    answers = numbers[np.isfinite(numbers)]
    cut = round(len(answers) * (1 - NEWEST))
    if len(answers) - cut < 2 or cut < 2 * LAGS // 3:
        return None
    spread = float(answers[cut:].std())
    columns = [column for column in recognize_columns(newest, target) if column.used]
    own = [column for column in columns if column.name not in found[0].columns]
    if not own or spread == 0:
        return None
    with one_blas_thread():
        by_columns = _by_columns(newest, [*own], answers, cut)
        by_past = _by_past(newest, target, cut)
    return None if by_past is None else RowsOrSeries(by_columns, by_past, spread)


def _by_columns(table: Table, columns: list[Column], answers: Array, cut: int) -> float:
    frame = table.frame
    preprocessor = Preprocessor.fit(frame.iloc[:cut].reset_index(drop=True), columns)
    x = preprocessor.transform(frame)
    predicted = _line(x[:cut], answers[:cut], x[cut:])
    return float(np.sqrt(np.mean((predicted - answers[cut:]) ** 2)))


def _by_past(table: Table, target: str, cut: int) -> float | None:
    plan, _ = plan_series(table, target)
    series = read_series(table, plan).with_inputs(())
    cut = round(len(series) * cut / len(table))
    window = min(LAGS, cut // 4)
    if window < 1 or cut - window < window:
        return None
    windows = SeriesWindows.fit(series.first(cut), window=window, horizon=1)
    origins = windows.origins(series, answered=True)
    x, y = windows.transform(series, origins), windows.answers(series, origins)
    learned = origins + 1 < cut
    judged = ~learned & series.measured[origins + 1]
    if not judged.any() or learned.sum() < 2:
        return None
    outputs = Ridge(x[learned], y[learned]).path(PENALTY).predict(x[judged])
    predicted = windows.decode(outputs, series, origins[judged])[:, 0]
    return float(np.sqrt(np.mean((predicted - series.target[origins[judged] + 1]) ** 2)))


def _line(x: Array, y: Array, new: Array) -> Array:
    path = Ridge(x, y[:, np.newaxis]).path(PENALTY)
    return path.predict(new)[:, 0]
