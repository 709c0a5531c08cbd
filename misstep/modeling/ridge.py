"""The linear model on windows: ridge regression for many penalties and many windows at once.

A network for series starts from it, and the shape of its rows is chosen by it, since it is fitted
in closed form within milliseconds. Knows rows and their origins in time, no networks; which lines
are worth their part, `forward_lines.py` finds out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from misstep.data import Series, SeriesWindows, thinned
from misstep.ir import Array, one_blas_thread

# From nearly none to one that leaves little but the last value.
PENALTIES = tuple(10.0**power for power in range(-2, 6))
# More rows than these change the line no more.
MOST_FITTED = 50_000
# How far the last value lies from the middle of the past is one number against hundreds of steps:
# the penalty that those need would hide it.
REFERENCE_PENALTY = 0.01


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


class Moments:
    """Sums over rows from which the line for any of their columns and any penalty follows.

    Sums add up, so that rows of one more block cost no more than they are. center: (features,),
    about the mean of each, from which sums are taken so that rounding does not grow.
    """

    def __init__(self, center: Array, outputs: int) -> None:
        features = len(center)
        self.rows, self.center = 0, center
        self.x, self.y = np.zeros(features), np.zeros(outputs)
        self.xx, self.xy = np.zeros((features, features)), np.zeros((features, outputs))

    def add(self, x: Array, y: Array) -> None:
        """Add rows x, (rows, features), and y, (rows, outputs).

        Rows of fewer features hold the last ones; of the others nothing may be asked afterwards.
        """
        there = slice(len(self.center) - x.shape[1], None)
        x, y = x.astype(np.float64) - self.center[there], y.astype(np.float64)
        self.rows += len(x)
        self.x[there] += x.sum(axis=0)
        self.y += y.sum(axis=0)
        self.xx[there, there] += x.T @ x
        self.xy[there] += x.T @ y

    def plus(self, other: Moments) -> Moments:
        """Return the sums over the rows of both, whose centers are the same."""
        both = Moments(self.center, len(self.y))
        both.rows = self.rows + other.rows
        both.x, both.y = self.x + other.x, self.y + other.y
        both.xx, both.xy = self.xx + other.xx, self.xy + other.xy
        return both

    def lines(
        self, columns: Array, shares: Array, penalties: Sequence[float]
    ) -> Iterator[LinearPath]:
        """Yield the line on some of the columns for each penalty above 0.

        columns: (columns,), places; shares: of the penalty that each of them gets, (columns,).
        """
        mean, middle = self.x[columns] / self.rows, self.y / self.rows
        across = self.xx[np.ix_(columns, columns)] - self.rows * np.outer(mean, mean)
        along = self.xy[columns] - self.rows * np.outer(mean, middle)
        mean = mean + self.center[columns]
        for penalty in penalties:
            # NumPy's own solver, which is held to one thread with the products.
            weight = np.linalg.solve(across + np.diag(penalty * shares), along)
            yield LinearPath(weight, middle - mean @ weight)


def line_columns(windows: SeriesWindows, length: int) -> tuple[Array, Array]:
    """Return the columns of rows of `windows` that a line over `length` steps sees, (columns,).

    The second is the share of the penalty that each of them gets.
    """
    features = windows.number_of_features
    shares = np.ones(windows.shortened(length).number_of_features)
    if windows.reference:
        shares[-1] = REFERENCE_PENALTY
    return np.arange(features - len(shares), features), shares


def fit_linear_path(
    series: Series,
    windows: SeriesWindows,
    lengths: Sequence[int],
    penalties: Sequence[float],
    shares: Sequence[float] | None = None,
) -> LinearPath:
    """Return the weighted mean of ridge regressions, one for each length of window.

    Each has its penalty and its share in the mean, all alike by default. Fitted on all rows of
    `series`. The result takes rows of `windows`, the longest of them.
    """
    parts = [1 / len(lengths)] * len(lengths) if shares is None else shares
    weight = np.zeros((windows.number_of_features, windows.horizon))
    bias = np.zeros(windows.horizon)
    # On several threads the bits would depend on how many.
    with one_blas_thread():
        longest = windows.shortened(max(lengths))
        learned = thinned(learned_origins(series, longest), MOST_FITTED)
        moments = whole_moments(series, longest, learned)
        for length, penalty, part in zip(lengths, penalties, parts, strict=True):
            columns, held = line_columns(longest, length)
            early = early_moments(series, longest, length, moments.center)
            (path,) = moments.plus(early).lines(columns, held, (penalty,))
            # The oldest step stands first, so that shorter rows are the ends of longer ones.
            weight[-len(path.weight) :] += part * path.weight
            bias += part * path.bias
    return LinearPath(weight, bias)


def whole_moments(series: Series, windows: SeriesWindows, origins: Array) -> Moments:
    """Return the sums over the rows of `origins`, centered on them."""
    x = windows.transform(series, origins)
    moments = Moments(x.mean(axis=0, dtype=np.float64), windows.horizon)
    moments.add(x, windows.answers(series, origins))
    return moments


def early_moments(series: Series, windows: SeriesWindows, length: int, center: Array) -> Moments:
    """Return the sums over rows of a shorter window that lie too early for the whole one."""
    moments, shorter = Moments(center, windows.horizon), windows.shortened(length)
    early = series.first(windows.window - 1 + windows.horizon)
    if length < windows.window and len(early) >= length + windows.horizon:
        origins = learned_origins(early, shorter)
        moments.add(shorter.transform(series, origins), shorter.answers(series, origins))
    return moments


def learned_origins(series: Series, windows: SeriesWindows) -> Array:
    """Return the origins in `series` to learn from, where gaps leave at least half of them."""
    origins = windows.origins(series, answered=True)
    half = len(origins) // 2
    origins = windows.measured_origins(series, origins, half)
    return windows.clear_origins(series, origins, half)
