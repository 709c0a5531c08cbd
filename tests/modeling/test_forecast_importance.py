"""Which steps back a forecast goes by, computed again in loops over the origins."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas
import pytest

from misstep.data import read_table
from misstep.modeling import FitResult, Options, forecast_importances_of, train
from misstep.modeling.forecast import ForecastModel
from misstep.modeling.judgment.importance import permutations


@cache
def forecast() -> FitResult:
    """Return what came of learning a season of seven days, and a promotion that lifts sales."""
    random = np.random.default_rng(0)
    days = np.arange(260)
    promoted = (random.random(260) < 0.3).astype(float)
    sales = 100 + 20 * np.sin(2 * np.pi * days / 7) + 30 * np.roll(promoted, 1)
    sales += random.normal(0, 2, 260)
    dates = pandas.date_range("2024-01-01", periods=260, freq="D").strftime("%Y-%m-%d")
    table = read_table({"date": dates, "sales": sales.round(2), "promoted": promoted})
    return train(table, Options(target="sales", horizon=2, epochs=2, threads=1))


def test_a_forecast_is_judged_by_the_model_that_the_back_test_is_of() -> None:
    result = forecast()
    assert result.forecast is not None
    judged, back_test = result.forecast.judged, result.forecast.back_test
    assert isinstance(judged, ForecastModel)
    assert back_test is not None
    again = judged.predict(result.forecast.series)
    origins = judged.preprocessing.origins(result.forecast.series)
    at = np.searchsorted(origins, back_test.origins)
    assert np.array_equal(again[at], back_test.predicted)
    assert judged is not result.model


def test_an_input_is_taken_from_the_windows_of_other_origins() -> None:
    found = forecast().forecast
    assert found is not None
    model, series, back_test = found.judged, found.series, found.back_test
    assert model is not None
    assert back_test is not None
    whole, steps = forecast_importances_of(model, series, back_test)
    assert whole.loss == pytest.approx(back_test.scores["mae"])
    assert whole.score == pytest.approx(back_test.scores["rmse"])
    windows = model.preprocessing
    x = windows.transform(series, back_test.origins)
    names = windows.feature_names
    orders = permutations(len(x), whole.repeats)
    for importance, title, own in (
        (whole, "the course of sales", [n for n in names if n.startswith("sales ")]),
        (whole, "promoted", [n for n in names if n.startswith("promoted ")]),
        (steps, "sales, 6 steps back", ["sales 6 steps back"]),
        (steps, "promoted, the last step", ["promoted 0 steps back"]),
    ):
        (one,) = [each for each in importance.inputs if each.name == title]
        columns = [names.index(name) for name in own if "mean" not in name]
        errors, scores = [], []
        for order in orders:
            other = x.copy()
            for row in range(len(x)):
                other[row, columns] = x[order[row], columns]
            said = windows.decode(model.outputs_of(other), series, back_test.origins)
            errors.append(np.abs(said - back_test.truth).mean())
            scores.append(np.sqrt(((said - back_test.truth) ** 2).mean()))
        assert one.loss == pytest.approx(np.mean(errors) - whole.loss, abs=1e-9)
        assert one.score == pytest.approx(np.mean(scores) - whole.score, abs=1e-9)


def test_what_tells_comes_first_and_places_are_on_a_map() -> None:
    found = forecast().forecast
    assert found is not None
    assert found.judged is not None
    assert found.back_test is not None
    whole, steps = forecast_importances_of(found.judged, found.series, found.back_test)
    names = [each.name for each in whole.inputs]
    assert names.index("promoted") < len(names) - 1
    assert list(steps.lines) == ["sales", "promoted"]
    assert len(steps.columns) == found.judged.preprocessing.window
    assert {each.place for each in steps.inputs} == {
        (line, column) for line in range(2) for column in range(len(steps.columns))
    }
    # The last value is what all steps are measured from.
    (last,) = [each for each in steps.inputs if each.name == "sales, the last step"]
    assert last.loss == 0
    assert forecast_importances_of(found.judged, found.series, found.back_test) == (whole, steps)


def test_steps_that_were_not_measured_do_not_count() -> None:
    found = forecast().forecast
    assert found is not None
    assert found.judged is not None
    assert found.back_test is not None
    back_test = found.back_test
    known = back_test.known.copy()
    known[::3, 0] = False
    known[5] = False
    some = type(back_test)(
        back_test.origins, back_test.predicted, back_test.truth, back_test.last, known
    )
    whole, _ = forecast_importances_of(found.judged, found.series, some)
    assert whole.of == len(back_test.origins) - 1
    misses = np.where(known, np.abs(back_test.predicted - back_test.truth), np.nan)
    kept = known.any(axis=1)
    assert whole.loss == pytest.approx(np.nanmean(misses[kept], axis=1).mean())
    none = type(back_test)(
        back_test.origins, back_test.predicted, back_test.truth, back_test.last, known & False
    )
    assert forecast_importances_of(found.judged, found.series, none) == ()
