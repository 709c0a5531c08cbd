"""Gaps in a series: filled to go on from, never judged on, whether by mask, NaN or missing row."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

import misstep as ms
from misstep.data import read_table
from misstep.modeling import Options, train
from misstep.modeling.forecast import ForecastModel
from misstep.modeling.result import FitResult

ROWS = 160
TIMES = np.arange(ROWS)
VALUES = (
    100 + TIMES / 4 + 20 * np.sin(TIMES * np.pi / 6) + np.random.default_rng(0).normal(size=ROWS)
)
GAPS = [60, 61, 131, 140, 141, 142, 150]


def trained(values: np.ndarray) -> FitResult:
    dates = pandas.date_range("2001-01-01", periods=ROWS, freq="MS")
    table = read_table(pandas.DataFrame({"month": dates, "y": values}).dropna())
    return train(table, Options(target="y", horizon=3, epochs=1, season=12))


def test_filled_values_are_not_judged_on() -> None:
    values = VALUES.copy()
    values[GAPS] = np.nan
    found = trained(values)
    assert found.forecast is not None
    test = found.forecast.back_test
    assert test is not None
    ahead = test.origins[:, None] + [1, 2, 3]
    truth = values[ahead]
    assert np.isnan(truth).any()
    assert (test.known == ~np.isnan(truth)).all()
    errors = np.abs(test.predicted - truth)
    assert found.scores["test"]["mae"] == pytest.approx(np.nanmean(errors))
    assert found.scores["test"]["rmse"] == pytest.approx(np.sqrt(np.nanmean(errors**2)))
    assert test.by_step() == pytest.approx(np.nanmean(errors, axis=0))
    filled = pandas.Series(values).ffill().to_numpy()
    last = np.abs(filled[test.origins][:, None] - truth)
    assert found.scores["last_value"]["mae"] == pytest.approx(np.nanmean(last))
    before = np.abs(filled[ahead - 12] - truth)
    assert found.scores["seasonal"]["mae"] == pytest.approx(np.nanmean(before))


def test_interval_widths_rest_on_what_was_measured() -> None:
    values = VALUES.copy()
    values[GAPS] = np.nan
    found = trained(values)
    model = found.model
    assert isinstance(model, ForecastModel)
    assert model.interval is not None
    assert found.forecast is not None
    test = found.forecast.back_test
    assert test is not None
    windows = model.preprocessing
    for step in range(3):
        known = test.known[:, step]
        errors = windows.level(test.truth[known, step]) - windows.level(test.predicted[known, step])
        reach = np.ceil((len(errors) + 1) * 0.9) / len(errors)
        assert model.interval.upper[step] == pytest.approx(np.quantile(errors, reach))


def test_one_note_tells_of_missing_rows_from_the_start() -> None:
    values = VALUES.copy()
    values[[50, 51]] = np.nan
    found = trained(values)
    (task,) = (each for each in found.decisions if each.what == "task")
    (step,) = (each for each in found.decisions if each.what == "step")
    assert "2 of 160 dates are missing" in step.reason
    assert "from row to row" not in task.reason
    assert not any("missing" in note for note in found.notes)


@pytest.mark.parametrize("kind", ["array", "series", "frame"])
def test_masks_are_gaps(kind: str) -> None:
    hidden = np.ma.masked_array(VALUES.copy(), mask=np.zeros(ROWS, bool))
    hidden[60:65] = np.ma.masked
    hidden.data[60:65] = -9999
    plain = VALUES.copy()
    plain[60:65] = np.nan
    given: object = hidden
    target = None
    if kind == "series":
        given = pandas.Series(pandas.array(hidden.data, dtype="Float64"), name="y")
        given[60:65] = pandas.NA
    elif kind == "frame":
        given, target = {"y": hidden}, "y"
    results = [
        ms.Forecaster(2, epochs=1, season=12).fit(some, aim).predict()["prediction"].to_numpy()
        for some, aim in ((plain, None), (given, target))
    ]
    assert np.array_equal(*results)
