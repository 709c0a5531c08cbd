"""Lines over windows: fitted from sums as from rows, judged on newer blocks, weighed by errors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas
import pytest
from sklearn.linear_model import Ridge

from misstep.data import Series, SeriesWindows, Table, plan_series, read_series
from misstep.ir import one_blas_thread
from misstep.modeling import Options, train
from misstep.modeling.decisions import Decisions
from misstep.modeling.forward_lines import FOLDS, Blocks, validate_forward
from misstep.modeling.options import TaskName
from misstep.modeling.plans.series import nearer_the_line
from misstep.modeling.ridge import (
    PENALTIES,
    REFERENCE_PENALTY,
    fit_linear_path,
    line_columns,
    whole_moments,
)
from misstep.modeling.window_choice import Seasons, choose_shape, window_lengths
from misstep.nn import Dense, Network, Residual
from misstep.nn.initializers import Zeros


def a_series(values: np.ndarray, step: str | None = None) -> Series:
    frame = pandas.DataFrame({"y": values})
    if step:
        frame.insert(0, "date", pandas.date_range("2001-01-01", periods=len(values), freq=step))
    table = Table(frame, "made up")
    return read_series(table, plan_series(table, "y")[0])


def remembering(rows: int, memory: float, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(0, 1, rows)
    for row in range(1, rows):
        values[row] += memory * values[row - 1]
    return values


def test_lines_from_sums_are_ridge_on_those_columns() -> None:
    series = a_series(remembering(200, 0.9))
    windows = SeriesWindows.fit(series, window=9, horizon=2, reference=True)
    origins = windows.origins(series, answered=True)
    columns, held = line_columns(windows, 4)
    x, y = windows.transform(series, origins)[:, columns], windows.answers(series, origins)
    assert held.tolist() == [1, 1, 1, 1, REFERENCE_PENALTY]
    # A light penalty on a column is the whole one on a larger column.
    x = x.astype(np.float64) / np.sqrt(held)
    for penalty in (0.01, 10.0):
        (line,) = whole_moments(series, windows, origins).lines(columns, held, (penalty,))
        peer = Ridge(penalty).fit(x, y.astype(np.float64))
        assert np.allclose(line.weight * np.sqrt(held)[:, None], peer.coef_.T, atol=1e-6)
        assert np.allclose(line.bias, peer.intercept_, atol=1e-6)


def test_the_path_is_the_weighted_mean_of_lines_on_all_their_rows() -> None:
    series = a_series(remembering(150, 0.8))
    windows = SeriesWindows.fit(series, window=20, horizon=3)
    path = fit_linear_path(series, windows, (5, 20), (1.0, 100.0), (0.3, 0.7))
    origins = windows.origins(series)
    expected = np.zeros((len(origins), 3))
    for length, penalty, share in ((5, 1.0, 0.3), (20, 100.0, 0.7)):
        shorter = windows.shortened(length)
        learned = shorter.origins(series, answered=True)
        assert learned[0] == length - 1
        x, y = shorter.transform(series, learned), shorter.answers(series, learned)
        peer = Ridge(penalty).fit(x.astype(np.float64), y.astype(np.float64))
        expected += share * peer.predict(shorter.transform(series, origins))
    assert np.allclose(path.predict(windows.transform(series, origins)), expected, atol=1e-5)


def test_errors_are_those_of_lines_fitted_before_each_block() -> None:
    series = a_series(remembering(400, 0.9).cumsum() + 50)
    windows = SeriesWindows.fit(series, window=6, horizon=2)
    judged = validate_forward(series, windows, (6,))
    assert judged.shares == (1.0,)
    fitted = windows.refitted(series.first(200))
    for (start, end), error in zip(
        pairwise(round(share * 400) for share in FOLDS), judged.errors, strict=True
    ):
        learned = np.arange(5, start - 2)
        at = np.arange(start - 1, end - 2)
        x, y = fitted.transform(series, learned), fitted.answers(series, learned)
        peer = Ridge(judged.penalties[0]).fit(x.astype(np.float64), y.astype(np.float64))
        predicted = fitted.decode(peer.predict(fitted.transform(series, at)), series, at)
        truth = series.target[at[:, None] + [1, 2]]
        of_last = np.abs(series.target[at][:, None] - truth).mean()
        assert error == pytest.approx(np.abs(predicted - truth).mean() / of_last, rel=1e-5)


def test_no_other_penalty_beside_the_one_found_is_better() -> None:
    series = a_series(remembering(500, 0.7))
    windows = SeriesWindows.fit(series, window=12, horizon=1)
    with one_blas_thread():
        blocks = Blocks(series, windows)
        line = blocks._best_line(12, 4, reference=True)
        found = float(line.errors.mean())
        for place in {max(line.penalty - 1, 0), min(line.penalty + 1, len(PENALTIES) - 1)}:
            assert blocks._best_line(12, place, reference=True).errors.mean() <= found + 1e-12


def test_what_did_better_on_newer_blocks_weighs_more() -> None:
    """A step copies the one twelve before: a window of three can't see it, one of twelve can."""
    numbers = np.random.default_rng(1)
    values = np.tile(numbers.normal(0, 3, 12), 100) + numbers.normal(0, 1, 1200)
    series = a_series(values)
    windows = SeriesWindows.fit(series, window=48, horizon=1)
    judged = validate_forward(series, windows, (3, 13, 48))
    assert sum(judged.shares) == pytest.approx(1)
    shares = dict(zip(judged.lengths, judged.shares, strict=True))
    assert 3 not in shares
    # Four seasons average the noise out.
    assert shares[48] > shares.get(13, 0.0)
    alone = [validate_forward(series, windows, (length,)).error for length in (3, 13, 48)]
    assert judged.error <= 1.01 * min(alone)


def test_a_series_that_comes_back_says_how_far_it_is_away() -> None:
    decisions = Decisions()
    shape = choose_shape(a_series(remembering(600, 0.95)), 12, Seasons(0), decisions)
    assert shape.windows.reference
    walk = choose_shape(a_series(remembering(600, 1.0)), 12, Seasons(0), Decisions())
    assert not walk.windows.reference
    table = Table(pandas.DataFrame({"y": remembering(600, 0.95)}))
    asked = Options(target="y", task=TaskName.FORECAST, horizon=12, epochs=1, threads=1)
    found = train(table, asked)
    assert found.scores["test"]["mae"] < 0.95 * found.scores["last_value"]["mae"]
    assert "reference" in {one.what for one in found.decisions}
    assert found.model.feature_names[-1] == "y from its mean"


def test_lengths_of_windows() -> None:
    assert window_lengths(115, (12,), 12) == (12, 24)
    assert window_lengths(115, (12,), 1) == (14, 26)
    assert window_lengths(14_000, (24, 168), 1) == (27, 51, 75, 128, 189, 357)
    assert window_lengths(3000, (365,), 1) == (8, 16, 32, 64, 128, 256, 397)
    assert window_lengths(12, (), 4) == (4,)
    assert max(window_lengths(14_000, (24,), 24, 7)) * 7 <= 600


def test_half_the_way_from_the_line() -> None:
    module = Residual(Dense(4), Dense(2, initializer=Zeros()), shortcut=Dense(2))
    network = Network(module, (3,), seed=0)
    start = {name: array.copy() for name, array in network.arrays().items()}
    x = np.random.default_rng(0).normal(0, 1, (7, 3)).astype(np.float32)
    line = network.predict(x)
    moved = {name: array + 0.3 for name, array in start.items()}
    trained = Network(module, (3,), seed=0, arrays=moved)
    half = nearer_the_line(trained, start, 0.5)
    assert np.allclose(half.predict(x), (line + trained.predict(x)) / 2, atol=1e-5)


def test_a_long_gap_parts_a_series_and_is_not_judged() -> None:
    hours = np.arange(1500)
    values = 10 + 3 * np.sin(2 * np.pi * hours / 24) + 0.3 * remembering(1500, 0.5)
    dates = pandas.date_range("2001-01-01", periods=1500, freq="h")
    kept = (hours < 600) | (hours >= 1000)
    kept &= ~((hours >= 1300) & (hours < 1303))
    table = Table(pandas.DataFrame({"date": dates[kept], "y": values[kept]}), "gap")
    asked = Options(target="y", task=TaskName.FORECAST, horizon=3, epochs=1, threads=1)
    found = train(table, asked)
    told = {one.what: one for one in found.decisions}
    assert "403 of 1,500 dates are missing, 400 of them between" in told["step"].reason
    assert found.forecast is not None
    test = found.forecast.back_test
    assert test is not None
    # A fifth of what was measured, and no forecast from a window that is mostly filled.
    windows = found.model.preprocessing
    places = np.flatnonzero(kept)
    assert test.origins[0] + 1 >= places[-round(len(places) * 0.2)]
    for origin in test.origins:
        assert kept[origin + 1 - windows.window : origin + 1].mean() >= 0.8
    assert found.scores["test"]["mae"] < 0.5 * found.scores["last_value"]["mae"]
