"""The linear model on windows: ridge regression for many penalties at once, and its choice in time.

A network for series starts from it, and the shape of its rows is chosen by it, since it is fitted
in closed form within milliseconds. Knows rows and their origins in time, no networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from misstep.data import Series, SeriesWindows, thinned
from misstep.ir import Array, one_blas_thread

# From nearly none to one that leaves little but the last value.
PENALTIES = tuple(10.0**power for power in range(-2, 6))
# The newest half of the past in five blocks, each predicted from all that lies before it.
FOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
# Fewer rows than this fit no line worth judging.
FEWEST_ROWS = 6
# More rows than these change a choice, or the line itself, no more.
MOST_LEARNED, MOST_JUDGED, MOST_FITTED = 5000, 2000, 50_000
# With five blocks a difference of three standard errors is certain enough (Student's t with 4
# degrees of freedom: 4 in 100 tries).
DEVIATIONS = 3.0
# Where nothing can be test_origins: as much as one deviation of a single row.
MIDDLE_PENALTY = 1.0


@dataclass(frozen=True)
class LinearPath:
    """outputs = x · weight + bias; weight: (features, outputs), bias: (outputs,), float64."""

    weight: Array
    bias: Array

    def predict(self, x: Array) -> Array:
        """Return the outputs for rows x, (rows, features)."""
        return x.astype(np.float64) @ self.weight + self.bias


class Ridge:
    """Ridge regression whose penalty is still open: what is costly is done once for all of them.

    x: (rows, features), y: (rows, outputs). The penalty falls on weights, not on the bias.
    """

    # scikit-learn's Ridge would solve anew for each penalty: eight times the work, and the windows
    # of a large series leave room for one.
    def __init__(self, x: Array, y: Array) -> None:
        x, y = x.astype(np.float64), y.astype(np.float64)
        self.center, self.mean = x.mean(axis=0), y.mean(axis=0)
        x -= self.center
        lengths, self.axes = np.linalg.eigh(x.T @ x)
        self.lengths = np.maximum(lengths, 0.0)
        self.along = self.axes.T @ (x.T @ (y - self.mean))

    def path(self, penalty: float) -> LinearPath:
        """Return the linear model for a penalty above 0."""
        weight = self.axes @ (self.along / (self.lengths + penalty)[:, None])
        return LinearPath(weight, self.mean - self.center @ weight)

    def predictions(self, x: Array, penalties: Sequence[float]) -> Iterator[Array]:
        """Yield the outputs for rows x under each penalty, (rows, outputs)."""
        turned = (x.astype(np.float64) - self.center) @ self.axes
        for penalty in penalties:
            yield turned @ (self.along / (self.lengths + penalty)[:, None]) + self.mean


def fit_linear_path(
    series: Series, windows: SeriesWindows, lengths: Sequence[int], penalties: Sequence[float]
) -> LinearPath:
    """Return the mean of ridge regressions, one for each length of window with its penalty.

    Fitted on all rows of `series`. The result takes rows of `windows`, the longest of them.
    """
    weight = np.zeros((windows.number_of_features, windows.horizon))
    bias = np.zeros(windows.horizon)
    # On several threads the bits would depend on how many.
    with one_blas_thread():
        for length, penalty in zip(lengths, penalties, strict=True):
            shorter = windows.shortened(length)
            learned = thinned(shorter.origins(series, answered=True), MOST_FITTED)
            path = _ridge(series, shorter, learned).path(penalty)
            # The oldest step stands first, so that shorter rows are the ends of longer ones.
            weight[-len(path.weight) :] += path.weight / len(lengths)
            bias += path.bias / len(lengths)
    return LinearPath(weight, bias)


@dataclass(frozen=True)
class Validated:
    """How well the linear model did on blocks of the past that it had not seen.

    `error`: mean absolute error as a share of that of the last value, so that blocks of all levels
    count alike; NaN where there is nothing to judge by. `lengths`: of windows whose lines are worth
    their part in the mean. `penalties`: the best for each of them.
    """

    error: float
    lengths: tuple[int, ...]
    penalties: tuple[float, ...]


def validate_forward(series: Series, windows: SeriesWindows, lengths: Sequence[int]) -> Validated:
    """Predict each of the newest blocks of `series` from what lies before it, and choose penalties.

    No answer lies on both sides of a cut, and scalings are fitted on what lies before it.
    """
    cuts = [round(share * len(series)) for share in FOLDS]
    folds = []
    with one_blas_thread():
        for start, end in pairwise(cuts):
            fold = _fold(series, windows, lengths, start, end)
            if fold is not None:
                folds.append(fold)
    if not folds:
        penalties = (MIDDLE_PENALTY,) * len(lengths)
        return Validated(float("nan"), tuple(lengths), penalties)
    errors = np.array([fold.errors() for fold in folds])
    best = errors.mean(axis=0).argmin(axis=1)
    kept = _worth_a_part(errors[:, np.arange(len(lengths)), best])
    error = float(np.mean([fold.error_of_mean(kept, best[kept]) for fold in folds]))
    return Validated(
        error,
        tuple(lengths[index] for index in kept),
        tuple(PENALTIES[best[index]] for index in kept),
    )


def _worth_a_part(errors: Array) -> Array:
    """Return the places of lines that are not certainly worse than the best.

    errors: (folds, lines). A mean of lines has a smaller error than any of them as long as none
    is much worse.
    """
    best = int(errors.mean(axis=0).argmin())
    if len(errors) < 2:
        return np.arange(errors.shape[1])
    behind = errors - errors[:, best : best + 1]
    doubt = behind.std(axis=0, ddof=1) / np.sqrt(len(errors))
    return np.flatnonzero(behind.mean(axis=0) <= DEVIATIONS * doubt)


@dataclass(frozen=True)
class _Fold:
    """Outputs (lengths, penalties, origins, horizon) for one block, and what they should be."""

    series: Series
    windows: SeriesWindows
    test_origins: Array
    outputs: Array

    def errors(self) -> Array:
        """Return the error of each length and penalty, (lengths, penalties)."""
        return np.array([[self._error(outputs) for outputs in row] for row in self.outputs])

    def error_of_mean(self, lines: Array, penalties: Array) -> float:
        """Return the error of the mean of lines; both are places, of lengths and of penalties."""
        return self._error(self.outputs[lines, penalties].mean(axis=0))

    def _error(self, outputs: Array) -> float:
        truth, last, known = _truth(self.series, self.windows, self.test_origins)
        predicted = self.windows.decode(outputs, self.series, self.test_origins)
        errors, of_last = np.abs(predicted - truth), np.abs(truth - last)
        return float(errors[known].mean() / of_last[known].mean())


def _fold(
    series: Series, windows: SeriesWindows, lengths: Sequence[int], start: int, end: int
) -> _Fold | None:
    past = series.first(start)
    test_origins = thinned(np.arange(start - 1, end - windows.horizon), MOST_JUDGED)
    longest = windows.window
    rows = start - longest - windows.horizon + 1
    if rows < FEWEST_ROWS or not len(test_origins):
        return None
    truth, last, known = _truth(series, windows, test_origins)
    if (truth == last)[known].all():
        return None
    fitted = SeriesWindows.fit(
        past,
        window=longest,
        horizon=windows.horizon,
        season=windows.season,
        log=windows.log,
        calendar=windows.calendar,
    )
    outputs = []
    for length in lengths:
        shorter = fitted.shortened(length)
        learned = thinned(shorter.origins(past, answered=True), MOST_LEARNED)
        ridge = _ridge(past, shorter, learned)
        outputs.append(list(ridge.predictions(shorter.transform(series, test_origins), PENALTIES)))
    return _Fold(series, fitted, test_origins, np.array(outputs))


def _ridge(series: Series, windows: SeriesWindows, origins: Array) -> Ridge:
    return Ridge(windows.transform(series, origins), windows.answers(series, origins))


def _truth(series: Series, windows: SeriesWindows, origins: Array) -> tuple[Array, Array, Array]:
    """Return what came after each origin, (origins, horizon), and the last value, (origins, 1).

    The third tells what was measured, (origins, horizon): what was filled in is not judged on.
    """
    ahead = origins[:, None] + np.arange(1, windows.horizon + 1)
    return series.target[ahead], series.target[origins][:, None], series.measured[ahead]
