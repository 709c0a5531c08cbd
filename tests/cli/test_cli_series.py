"""The command line on series: recognized with its because, judged in time, continued as CSV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest
from cli_world import Run


def sales(rows: int = 96, start: str = "2001-01-01") -> pandas.DataFrame:
    month = np.arange(rows)
    values = 100 + 2 * month + 20 * np.sin(month * 2 * np.pi / 12) + np.cos(month * 2.3)
    dates = pandas.date_range(start, periods=rows, freq="MS").strftime("%Y-%m-%d")
    return pandas.DataFrame({"month": dates, "sold": values.round(3)})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    sales().to_csv("sales.csv", index=False)
    return tmp_path


def test_a_shuffled_series_is_hinted_at(here: Path, run: Run) -> None:
    frame = sales().sample(frac=1.0, random_state=0)
    frame.to_csv("mixed.csv", index=False)
    done = run("train", "mixed.csv", "--target", "sold", "--epochs", 1, "--threads", 1)
    assert done.code == 0
    # There is nothing else to learn from.
    assert "the dates in month rise by one month, put in their order" in done.said
    frame.assign(price=np.arange(len(frame)) % 7).to_csv("mixed.csv", index=False)
    done = run("train", "mixed.csv", "--target", "sold", "--epochs", 1, "--threads", 1)
    assert done.code == 0
    assert "In the order of month, answers next to each other are alike" in done.said


def test_from_training_to_the_next_steps(here: Path, run: Run) -> None:
    done = run("train", "sales.csv", "--target", "sold", "--epochs", 3, "--threads", 1)
    assert done.code == 0
    assert "because the dates in month rise by one month from row to row" in done.said
    assert "the next 12 steps" in done.said
    for who in ("this line", "the last value", "the season before", "a linear model on lags"):
        assert who in done.out
    assert "A picture of the forecast is in runs/sales/forecast.svg" in done.out
    assert (here / "runs/sales/forecast.svg").read_text().startswith("<svg")

    model = "runs/sales/model.misstep"
    ahead = run("predict", model)
    assert [row["step"] for row in ahead.csv] == [str(step) for step in range(1, 13)]
    assert list(ahead.csv[0]) == ["step", "date", "prediction", "lower", "upper"]
    assert ahead.csv[0]["date"] == "2009-01-01"
    assert "follow the end of what was learned from" in ahead.said

    sales(114).to_csv("longer.csv", index=False)
    later = run("predict", model, "longer.csv", "--out", "ahead.csv")
    assert "18 rows came after what was learned from" in later.said
    assert "2010-07-01" in (here / "ahead.csv").read_text().splitlines()[1]
    told = run("predict", model, "longer.csv", "--json").json
    assert told["task"] == "forecast"
    assert told["metrics"]["mae"] > 0
    assert len(told["predictions"]) == 12

    assert "forecasts sold: the next 12 steps of one month" in run("summary", model).out
    assert run("summary", model, "--json").json["task"] == "forecast"
    assert run("inspect", model, "--kernels").code == 0
    explained = run("explain", model, "sales.csv", "--step", 2)
    assert explained.code == 0
    assert "Forecast of sold, 2 steps after row" in explained.said
    assert "sold, 11 steps back" in explained.said
    assert "Each step ahead" in explained.said
    found = run("explain", model, "sales.csv", "--row", 60, "--json").json
    assert (found["row"], found["step"], len(found["steps"])) == (60, 1, 12)
    assert found["completeness_error"] < 0.01
    weight = run("explain", model, "sales.csv", "--weight", "dense1.weight")
    assert weight.code == 2
    assert "can't be written out yet" in weight.said
    assert run("explain", model, "sales.csv", "--step", 13).code == 2


def test_the_same_model_again_from_where_it_was_left(here: Path, run: Run) -> None:
    words = ("train", "sales.csv", "--target", "sold", "--epochs", 4, "--threads", 1, "--quiet")
    assert run(*words).code == 0
    first = (here / "runs/sales/model.misstep").read_bytes()
    assert run(*words, "--resume").code == 0
    assert (here / "runs/sales/model.misstep").read_bytes() == first


def test_regression_forgets_the_order_and_forecast_needs_no_dates(here: Path, run: Run) -> None:
    words = ("train", "sales.csv", "--target", "sold", "--epochs", 1, "--json")
    assert run(*words, "--task", "regression").json["task"] == "regression"
    sales()[["sold"]].to_csv("plain.csv", index=False)
    told = run("train", "plain.csv", "--target", "sold", "--task", "forecast", "--json").json
    assert told["task"] == "forecast"
    assert {"last_value", "seasonal", "linear", "baseline", "test"} == set(told["metrics"])
    told = {one["what"]: one["choice"] for one in told["choices"]}
    assert told["horizon"] == "the next 12 steps"


def test_several_series_in_one_file(here: Path, run: Run) -> None:
    both = [sales(60).assign(shop=shop) for shop in ("north", "south")]
    pandas.concat(both).to_csv("shops.csv", index=False)
    words = ("train", "shops.csv", "--target", "sold", "--epochs", 1, "--threads", 1)
    done = run(*words)
    assert done.code == 2
    assert '--only "shop=north"' in done.said
    done = run(*words, "--only", "shop=south", "--horizon", 2)
    assert done.code == 0
    ahead = run("predict", "runs/shops/model.misstep", "shops.csv")
    assert [row["date"] for row in ahead.csv] == ["2006-01-01", "2006-02-01"]
    assert run(*words, "--only", "shop").code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--task", "classification", "--horizon", 3), "--horizon: needed a series"),
        (("--horizon", 0), "the horizon: needed 1 to"),
        (("--horizon", 500), "the horizon: needed 1 to 24 steps"),
        (("--season", 1), "the season"),
        (("--test", "sales.csv"), "--task regression"),
        (("--only", "month=never"), "the rows with month 'never'"),
    ],
)
def test_what_does_not_go_together(
    here: Path, run: Run, words: tuple[object, ...], said: str
) -> None:
    done = run("train", "sales.csv", "--target", "sold", *words)
    assert done.code == 2
    assert said in done.said
    assert not (here / "runs/sales/model.misstep").exists()


def test_rows_are_needed_by_all_but_forecasts(world: Path, run: Run) -> None:
    done = run("predict", "runs/houses/model.misstep")
    assert done.code == 2
    assert "only a forecast goes on by itself" in done.said


def test_a_series_of_its_target_alone_may_be_all_that_is_left(run: Run) -> None:
    lines = "".join(f"{day},{3 * (day % 7) + day}\n" for day in range(90))
    Path("plain.csv").write_text("note,y\n" + lines)
    words = ["train", "plain.csv", "--target", "y", "--without", "note"]
    done = run(*words, "--task", "forecast", "--horizon", 3, "--epochs", 2)
    assert done.code == 0, done.err
    assert "besides the target" in run(*words, "--task", "regression").err
