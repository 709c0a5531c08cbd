"""Forecasts beyond the horizon, the score of a forecaster, and validation in several pasts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

import misstep as ms
from misstep.errors import ArgumentError, DataError

MONTHS = np.arange(96)
SALES = 100 + MONTHS + 20 * np.sin(MONTHS * np.pi / 6)
DATED = pd.Series(SALES, index=pd.date_range("2015-01-01", periods=96, freq="MS"), name="sales")


@pytest.fixture(scope="module")
def forecaster() -> ms.Forecaster:
    return ms.Forecaster(horizon=4, season=12, epochs=2).fit(DATED)


def test_beyond_the_horizon_it_goes_on_from_its_own_forecasts(forecaster: ms.Forecaster) -> None:
    found = forecaster.predict(10)
    assert found["step"].tolist() == list(range(1, 11))
    assert "how far it may be off there is not known" in forecaster.model_.notes[-1]
    following = pd.date_range("2023-01-01", periods=10, freq="MS")
    assert pd.DatetimeIndex(found["date"]).equals(following)
    # By hand: what was forecast is put behind the series, as if it had come.
    series = DATED
    for start in (0, 4, 8):
        part = forecaster.predict(min(4, 10 - start), series=series)
        stretch = found.iloc[start : start + len(part)]
        np.testing.assert_allclose(stretch["prediction"], part["prediction"], rtol=1e-5)
        more = pd.Series(part["prediction"].to_numpy(), index=pd.DatetimeIndex(part["date"]))
        series = pd.concat([series, more]).rename("sales")
    assert found["lower"].isna().tolist() == [False] * 4 + [True] * 6
    pd.testing.assert_frame_equal(found.iloc[:4], forecaster.predict())


def test_of_columns_that_are_not_known_it_says_so() -> None:
    driver = np.random.default_rng(0).normal(size=96).cumsum()
    frame = pd.DataFrame({"sales": np.roll(driver, 3) * 5 + 50, "driver": driver})
    forecaster = ms.Forecaster(horizon=2, season=0, epochs=1).fit(frame[5:], target="sales")
    if forecaster.model_.preprocessing.plan.inputs:
        with pytest.raises(ArgumentError, match="columns driver is not known beyond"):
            forecaster.predict(5)
    with pytest.raises(ArgumentError, match="the steps of a forecast"):
        forecaster.predict(0)


def test_the_score_is_r2_over_all_origins_and_steps(forecaster: ms.Forecaster) -> None:
    model = forecaster.model_
    test = model.back_test(model.read(DATED.rename_axis("date").reset_index()))
    expected = r2_score(test.truth.ravel(), test.predicted.ravel())
    assert forecaster.score(DATED) == pytest.approx(expected)
    assert forecaster.score() == pytest.approx(forecaster.scores_["test"]["r2"])
    with pytest.raises(DataError, match="rows that were set apart"):
        ms.Forecaster(horizon=1, epochs=1, test_fraction=0).fit(SALES).score()


def test_each_fold_is_forecast_from_its_past_only() -> None:
    forecaster = ms.Forecaster(horizon=2, season=12, epochs=1)
    found = forecaster.cross_validate(SALES, folds=2)
    assert found["rows"].tolist() == [32, 64]
    # Two steps from each origin: the last origin lies two rows before the end of its stretch.
    assert found["forecasts"].tolist() == [31, 31]
    one = ms.Forecaster(horizon=2, season=12, epochs=1, test_fraction=0).fit(SALES[:64])
    errors = [
        one.predict(series=SALES[: end + 1])["prediction"].to_numpy() - SALES[end + 1 : end + 3]
        for end in range(63, 94)
    ]
    assert found["mae"][1] == pytest.approx(np.abs(errors).mean(), rel=1e-4)
    assert not hasattr(forecaster, "model_")
    with pytest.raises(ArgumentError, match="folds: needed a whole number"):
        forecaster.cross_validate(SALES, folds=0)
