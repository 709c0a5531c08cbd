"""Forecasts: honest about the future, the same bits always, and as good as the series allows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from sklearn.linear_model import Ridge

from misstep.data import Table, plan_series, read_series
from misstep.data.series.windows import SeriesWindows
from misstep.errors import ArgumentError, DataError, FileFormatError
from misstep.modeling import FitResult, ForecastModel, Options, load_model, save_model, train
from misstep.modeling.forward_lines import validate_forward
from misstep.modeling.model_file import KIND, VERSION
from misstep.modeling.ridge import PENALTIES, fit_linear_path
from misstep.storage import read_container, write_container

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "timeseries"


def sales(rows: int = 96, seed: int = 0) -> Table:
    """Return months of sales that grow, with a season and some noise."""
    numbers, month = np.random.default_rng(seed), np.arange(rows)
    season = 1 + 0.3 * np.sin(2 * np.pi * month / 12)
    values = (100 + 2 * month) * season * np.exp(numbers.normal(0, 0.03, rows))
    dates = pandas.date_range("2001-01-01", periods=rows, freq="MS")
    return Table(pandas.DataFrame({"month": dates, "sold": values}), "sales")


def trained(table: Table, target: str = "sold", **asked: Any) -> FitResult:
    return train(table, Options(**{"target": target, "task": "forecast", "threads": 1} | asked))


@pytest.fixture(scope="module")
def found() -> FitResult:
    return trained(sales())


def model_of(found: FitResult) -> ForecastModel:
    assert isinstance(found.model, ForecastModel)
    return found.model


def test_a_season_is_forecast_better_than_by_its_baselines(found: FitResult) -> None:
    scores = {name: one["mae"] for name, one in found.scores.items()}
    assert set(scores) == {"test", "last_value", "seasonal", "linear", "baseline"}
    assert scores["test"] < 0.6 * min(scores["last_value"], scores["seasonal"])
    assert model_of(found).horizon == 12
    told = {one.what: one.choice for one in found.decisions}
    assert told["season"] == "12 steps"
    assert told["split"].startswith("the first 61 rows to learn from, the next 16")


def test_baselines_are_what_they_say(found: FitResult) -> None:
    values = sales().frame["sold"].to_numpy()
    origins = np.arange(96 - 19 - 1, 96 - 12)
    truth = values[origins[:, None] + np.arange(1, 13)]
    last = np.abs(values[origins][:, None] - truth).mean()
    assert found.scores["last_value"]["mae"] == pytest.approx(last)
    before = np.abs(values[origins[:, None] + np.arange(1, 13) - 12] - truth).mean()
    assert found.scores["seasonal"]["mae"] == pytest.approx(before)
    mean = np.abs(values[:77].mean() - truth).mean()
    assert found.scores["baseline"]["mae"] == pytest.approx(mean)
    past = values[:77]
    z = (values - past.mean()) / past.std()
    lags = 77 // 4
    x = np.array([z[row - lags + 1 : row + 1] for row in range(lags - 1, 77 - 12)])
    y = np.array([z[row + 1 : row + 13] for row in range(lags - 1, 77 - 12)])
    asked = np.array([z[row - lags + 1 : row + 1] for row in origins])
    lines = [
        Ridge(penalty).fit(x, y).predict(asked) * past.std() + past.mean()
        for penalty in (1.0, 100.0)
    ]
    # Of these, or of lines on changes, the one that did best on the end of the past.
    errors = [np.abs(line - truth).mean() for line in lines]
    ours = found.scores["linear"]["mae"]
    assert ours == pytest.approx(errors[0]) or ours < max(errors)


def test_scores_do_not_know_the_test_rows(found: FitResult) -> None:
    """What was forecast before a row was known can't depend on that row or a later one."""
    table = sales()
    table.frame.loc[90:, "sold"] *= 3.0
    other = trained(table)
    assert found.forecast.back_test is not None
    assert other.forecast.back_test is not None
    early = found.forecast.back_test.origins < 90
    assert np.array_equal(
        found.forecast.back_test.predicted[early], other.forecast.back_test.predicted[early]
    )
    kept = [one for one in found.decisions if one.what != "interval"]
    assert kept == [one for one in other.decisions if one.what != "interval"]


def test_the_same_bits_on_any_number_of_threads(found: FitResult) -> None:
    for threads in (1, 2):
        again = trained(sales(), threads=threads)
        assert again.scores == found.scores
        assert model_of(again).forecast().equals(model_of(found).forecast())


def test_a_model_file_goes_on_where_the_series_ended(found: FitResult, tmp_path: Path) -> None:
    model = model_of(found)
    forecast = model.forecast()
    assert forecast["date"].iloc[0] == pandas.Timestamp("2009-01-01")
    assert (forecast["lower"] <= forecast["upper"]).all()
    assert model.forecast(sales()).equals(forecast)
    assert len(model.forecast(steps=3)) == 3
    save_model(model, tmp_path / "model.misstep")
    again = load_model(tmp_path / "model.misstep")
    assert isinstance(again, ForecastModel)
    assert again.forecast().equals(forecast)
    assert again.summary() == model.summary()
    assert "the next 12 steps of one month" in model.summary()
    longer = sales(110)
    assert again.learned_rows(again.read(longer)) == 96
    assert again.evaluate(longer)["mae"] > 0
    assert again.predict(longer).shape == (110 - model.preprocessing.window + 1, 12)


def test_intervals_are_right_about_as_often_as_they_say() -> None:
    numbers = np.random.default_rng(3)
    values = numbers.normal(0, 1, 900).cumsum()
    found = trained(Table(pandas.DataFrame({"y": values[:700]})), "y", horizon=2)
    model = model_of(found)
    inside = []
    for end in range(700, 898, 4):
        forecast = model.forecast(Table(pandas.DataFrame({"y": values[:end]})))
        truth = values[end : end + 2]
        inside.append((forecast["lower"] <= truth) & (truth <= forecast["upper"]))
    # 100 forecasts, right 8 times in 10, with a standard error of 4 to 6 points.
    assert 0.65 < np.mean(inside) < 0.95


def test_the_network_learns_what_no_line_can_say() -> None:
    """The logistic map is chaos to a line, and a parabola to a network."""
    values = [0.3]
    for _ in range(1500):
        values.append(3.9 * values[-1] * (1 - values[-1]))
    found = trained(Table(pandas.DataFrame({"y": values})), "y", season=0)
    scores = found.scores
    assert found.forecast.epochs > 0
    assert scores["test"]["mae"] < 0.6 * scores["linear"]["mae"]
    told = {one.what: one.choice for one in found.decisions}
    assert told["beyond it"].startswith("the network")


def test_chance_leaves_the_line_as_it_is() -> None:
    walk = np.random.default_rng(5).normal(0, 1, 500).cumsum()
    scores = trained(Table(pandas.DataFrame({"y": walk})), "y").scores
    assert scores["test"]["mae"] < 1.03 * scores["last_value"]["mae"]


def test_an_input_that_leads_is_used() -> None:
    numbers = np.random.default_rng(2)
    lead = numbers.normal(0, 1, 300)
    follows = np.concatenate([[0.0], lead[:-1]]) * 3 + numbers.normal(0, 0.1, 300)
    found = trained(Table(pandas.DataFrame({"y": follows, "lead": lead})), "y", season=0)
    assert model_of(found).preprocessing.plan.inputs == ("lead",)
    # The line to compare with sees it as well.
    assert found.scores["test"]["mae"] < 0.1 * found.scores["last_value"]["mae"]
    assert found.scores["linear"]["mae"] < 0.1 * found.scores["last_value"]["mae"]


def test_very_many_inputs_are_left_alone() -> None:
    numbers = np.random.default_rng(2).normal(0, 1, (80, 201))
    frame = pandas.DataFrame(numbers, columns=["y", *(f"x{place}" for place in range(200))])
    found = trained(Table(frame), "y", season=0)
    assert model_of(found).preprocessing.plan.inputs == ()
    told = {one.what: one.reason for one in found.decisions}
    assert "200 others" in told["inputs"]


@pytest.mark.parametrize("network", ["gru4", "conv4-gap", "dense8-dense8"])
def test_a_network_of_ones_own_stands_beside_the_line(network: str) -> None:
    found = trained(sales(), horizon=2, network=network, epochs=2)
    assert found.scores["test"]["mae"] < 0.6 * found.scores["last_value"]["mae"]


def test_ridge_for_many_penalties_is_ridge() -> None:
    table = sales()
    series = read_series(table, plan_series(table, "sold")[0])
    windows = SeriesWindows.fit(series, window=6, horizon=2)
    origins = windows.origins(series, answered=True)
    x, y = windows.transform(series, origins), windows.answers(series, origins)
    for penalty in (PENALTIES[0], 1.0, PENALTIES[-1]):
        path = fit_linear_path(series, windows, (6,), (penalty,))
        peer = Ridge(penalty).fit(x.astype("float64"), y.astype("float64"))
        assert np.allclose(path.weight, peer.coef_.T, atol=1e-6)
        assert np.allclose(path.bias, peer.intercept_, atol=1e-6)


def test_a_line_that_is_worse_for_sure_has_no_part_in_the_mean() -> None:
    numbers = np.random.default_rng(4)
    values = np.sin(np.arange(3000) * 2 * np.pi / 12) + numbers.normal(0, 0.5, 3000)
    table = Table(pandas.DataFrame({"y": values}))
    series = read_series(table, plan_series(table, "y")[0])
    windows = SeriesWindows.fit(series, window=48, horizon=3)
    judged = validate_forward(series, windows, (2, 12, 48))
    # Long windows average the noise out; two steps can't.
    assert 2 not in judged.lengths
    assert 48 in judged.lengths


def test_too_short_a_past_is_judged_by_nothing() -> None:
    table = sales(30)
    series = read_series(table, plan_series(table, "sold")[0]).first(12)
    windows = SeriesWindows.fit(series, window=6, horizon=4)
    judged = validate_forward(series, windows, (6,))
    assert np.isnan(judged.error)
    assert (judged.lengths, judged.penalties) == ((6,), (1.0,))


@pytest.mark.parametrize(
    ("wishes", "error", "words"),
    [
        ({"horizon": 0}, ArgumentError, "the horizon"),
        ({"horizon": 90}, ArgumentError, "1 to 24 steps"),
        ({"season": 1}, ArgumentError, "the season"),
        ({"season": 70}, ArgumentError, "half of the"),
        ({"test_fraction": 1.0}, ArgumentError, "test_fraction: needed a share"),
        ({"only": "month=x"}, DataError, "the rows with month 'x'"),
    ],
)
def test_wishes_that_can_not_be(wishes: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        trained(sales(), **wishes)


def test_a_series_too_short_is_said() -> None:
    with pytest.raises(DataError, match="rows for a horizon of 3"):
        trained(sales(13), horizon=3)


def test_what_never_surprises() -> None:
    found = trained(Table(pandas.DataFrame({"y": np.arange(5.0, 65.0)})), "y")
    assert model_of(found).forecast()["prediction"].iloc[0] == pytest.approx(65.0, rel=0.01)
    with pytest.raises(DataError, match="values that change"):
        trained(Table(pandas.DataFrame({"y": np.full(60, 5.0)})), "y")


def test_without_a_test_everything_is_learned_and_nothing_promised() -> None:
    found = trained(sales(), test_fraction=0.0)
    assert found.forecast.back_test is None
    assert found.scores == {}
    forecast = model_of(found).forecast()
    assert (forecast["lower"] == forecast["upper"]).all()


def test_what_is_not_offered(found: FitResult) -> None:
    model = model_of(found)
    with pytest.raises(ArgumentError, match="1 to 12"):
        model.forecast(steps=0)
    with pytest.raises(DataError, match="to look back on"):
        model.forecast(sales(5))


def damaged(document: dict[str, Any], place: str) -> None:
    outlook = document["outlook"]
    if place == "errors":
        outlook["lower"] = outlook["lower"][1:]
    elif place == "tail":
        outlook["tail"] = outlook["tail"][:2]
        outlook["seconds"] = outlook["seconds"][:2]
    elif place == "dates":
        outlook["seconds"] = []
    elif place == "far":
        outlook["seconds"][-1] = 10**17
    elif place == "target":
        document["target"] |= {"kind": "two classes", "classes": ["a", "b"]}
    else:
        document["preprocessing"]["horizon"] = 11


@pytest.mark.parametrize("place", ["errors", "tail", "dates", "far", "target", "horizon"])
def test_a_damaged_file_is_refused(found: FitResult, place: str, tmp_path: Path) -> None:
    path = tmp_path / "model.misstep"
    save_model(model_of(found), path)
    held = read_container(path, kind=KIND, newest=VERSION)
    document = json.loads(json.dumps(held.document))
    damaged(document, place)
    write_container(path, document, held.arrays, kind=KIND, version=VERSION)
    with pytest.raises(FileFormatError):
        load_model(path)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real series are not here")
@pytest.mark.parametrize(
    ("source", "target", "horizon", "most"),
    [
        ("airline_passengers.csv", "Passengers", 1, 1.1 * 12.8),
        ("airline_passengers.csv", "Passengers", 12, 1.1 * 14.9),
        ("stock_AAPL.csv", "Close", 1, 1.03 * 1.031),
    ],
)
def test_real_series(source: str, target: str, horizon: int, most: float) -> None:
    from misstep.data import read_table

    found = trained(read_table(REAL / source), target, horizon=horizon)
    assert found.scores["test"]["mae"] < most
