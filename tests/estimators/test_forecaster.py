"""`Forecaster`: whatever people call a series goes in, and what comes out keeps its promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas
import pytest
from sklearn.base import clone

import misstep as ms

MONTHS = np.arange(84)
VALUES = 50 + MONTHS + 9 * np.sin(MONTHS * 2 * np.pi / 12) + np.cos(MONTHS * 1.7)
DATES = pandas.date_range("2001-01-31", periods=84, freq="ME")


@pytest.fixture(scope="module")
def fitted() -> ms.Forecaster:
    frame = pandas.DataFrame({"month": DATES, "sold": VALUES})
    return ms.Forecaster(3, season=12, epochs=3, threads=1).fit(frame, target="sold")


def test_all_that_people_call_a_series(fitted: ms.Forecaster, tmp_path: Path) -> None:
    with_dates = pandas.Series(VALUES, index=DATES, name="sold")
    path = tmp_path / "sales.csv"
    pandas.DataFrame({"month": DATES, "sold": VALUES}).to_csv(path, index=False)
    # A file and the library write the same numbers in their own ways.
    wanted = fitted.predict()
    for series in (with_dates, with_dates.to_frame(), with_dates.to_period("M"), path):
        one = ms.Forecaster(3, season=12, epochs=3, threads=1).fit(series, target="sold")
        found = one.predict()
        assert np.allclose(found["prediction"], wanted["prediction"])
        assert found["date"].dt.month.tolist() == [1, 2, 3]
    plain = ms.Forecaster(3, season=12, epochs=3, threads=1).fit(VALUES)
    assert list(plain.predict().columns) == ["step", "prediction", "lower", "upper"]


def test_what_it_knows_after_fit(fitted: ms.Forecaster) -> None:
    assert {"test", "last_value", "seasonal", "linear", "baseline"} == set(fitted.scores_)
    assert any(choice.what == "window" for choice in fitted.decisions_)
    assert isinstance(fitted.model_, ms.modeling.ForecastModel)
    assert fitted.network_.output_shape == (3,)
    assert fitted.n_iter_ <= 3


def test_back_test(fitted: ms.Forecaster) -> None:
    table = fitted.back_test()
    assert table["step"].tolist() == [1, 2, 3]
    assert (table["forecasts"] == 17 - 3 + 1).all()
    assert table["error"].mean() == pytest.approx(fitted.scores_["test"]["mae"])
    assert table["last_value"].mean() == pytest.approx(fitted.scores_["last_value"]["mae"])
    newer = fitted.back_test(pandas.DataFrame({"month": DATES, "sold": VALUES}))
    assert newer["forecasts"].iloc[0] > 15


def test_it_goes_on_from_another_end(fitted: ms.Forecaster) -> None:
    frame = pandas.DataFrame({"month": DATES[:60], "sold": VALUES[:60]})
    ahead = fitted.predict(2, frame)
    assert ahead["date"].iloc[0] == pandas.Timestamp("2006-01-31")
    assert abs(ahead["prediction"].iloc[0] - VALUES[60]) < 9


def test_manners_of_scikit_learn(fitted: ms.Forecaster) -> None:
    again = clone(fitted)
    assert again.get_params() == fitted.get_params()
    with pytest.raises(ms.NotFittedError):
        again.predict()
    shown = fitted._repr_html_()
    for words in ("The network", "Loss by epoch", "sold: the next 3 steps"):
        assert f'alt="{words}' in shown
    assert "<script" not in shown


def test_saving(fitted: ms.Forecaster, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model.misstep")
    model = ms.load_model(tmp_path / "model.misstep")
    assert isinstance(model, ms.modeling.ForecastModel)
    assert model.forecast().equals(fitted.predict())


def test_the_picture_is_sound(fitted: ms.Forecaster) -> None:
    name = 'a <b> & "c"'
    named = ms.Forecaster(1, season=0, epochs=1, threads=1).fit(pandas.Series(VALUES, name=name))
    for one in (fitted, named):
        root = ElementTree.fromstring(one.picture())
        assert root.tag.endswith("svg")
    assert name in "".join(root.itertext())


@pytest.mark.parametrize(
    ("wishes", "series", "words"),
    [
        ({"horizon": 0}, VALUES, "the horizon"),
        ({"horizon": 2.5}, VALUES, "the horizon"),
        ({"season": -1}, VALUES, "the season"),
        ({"season": 2.5}, VALUES, "the season"),
        ({"season": "year"}, VALUES, "the season"),
        ({"epochs": 0}, VALUES, "epochs"),
        ({}, VALUES[:8], "rows for a horizon of 1"),
        ({}, np.ones(60), "values that change"),
        ({}, pandas.DataFrame({"a": VALUES, "b": VALUES}), "target"),
        ({}, np.zeros((4, 3, 2)), "2-D|array"),
        ({}, VALUES * 1e200, "another unit"),
        ({}, VALUES * 1e-200, "another unit"),
    ],
)
def test_wishes_that_can_not_be(wishes: dict[str, Any], series: Any, words: str) -> None:
    with pytest.raises(ms.MisstepError, match=words):
        ms.Forecaster(**wishes).fit(series)


def test_whole_numbers_of_numpy_are_whole_numbers(tmp_path: Path) -> None:
    wishes: dict[str, Any] = {"horizon": np.int64(2), "season": np.int32(12), "epochs": 1}
    ms.Forecaster(**wishes, threads=1).fit(VALUES).save(tmp_path / "model.misstep")
    model = ms.load_model(tmp_path / "model.misstep")
    assert isinstance(model, ms.modeling.ForecastModel)
    assert (model.horizon, model.preprocessing.season) == (2, 12)


def test_steps_beyond_the_horizon(fitted: ms.Forecaster) -> None:
    with pytest.raises(ms.ArgumentError, match="1 to 3"):
        fitted.predict(0)
    with pytest.raises(ms.DataError, match="'sold' is missing"):
        fitted.predict(1, pandas.DataFrame({"month": DATES, "solt": VALUES}))


def test_several_series_in_one_are_refused() -> None:
    places = pandas.MultiIndex.from_product([["a", "b"], DATES[:42]])
    with pytest.raises(ms.DataError, match="one date for each row, but got 2 levels"):
        ms.Forecaster(epochs=1).fit(pandas.Series(VALUES, index=places))
