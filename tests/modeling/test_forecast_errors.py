"""Errors of forecasts by step, and how often the truth lay in an interval made before it."""

from __future__ import annotations

import numpy as np
import pytest

from misstep.modeling import Options, train
from misstep.modeling.forecast import BackTest, ForecastModel
from misstep.modeling.judgment.forecast_errors import ForecastErrors, forecast_errors_of


def trained(path: object) -> tuple[ForecastModel, BackTest, ForecastErrors]:
    options = Options(target="value", task="forecast", horizon=3, epochs=2, threads=1)  # type: ignore[arg-type]
    result = train(path, options)
    assert result.forecast is not None
    assert isinstance(result.model, ForecastModel)
    back_test = result.forecast.back_test
    assert back_test is not None
    windows = result.model.preprocessing
    return result.model, back_test, forecast_errors_of(back_test, windows, result.forecast.series)


@pytest.fixture(scope="module")
def found(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[ForecastModel, BackTest, ForecastErrors]:
    path = tmp_path_factory.mktemp("series") / "walk.csv"
    walk = np.random.default_rng(0).normal(size=400).cumsum() + 100
    path.write_text("value\n" + "\n".join(f"{one:.4f}" for one in walk) + "\n")
    return trained(path)


def test_errors_are_means_over_what_was_measured(
    found: tuple[ForecastModel, BackTest, ForecastErrors],
) -> None:
    _, test, errors = found
    for step in range(3):
        off = [
            abs(test.predicted[origin, step] - test.truth[origin, step])
            for origin in range(len(test.origins))
            if test.known[origin, step]
        ]
        assert errors.errors[step] == pytest.approx(np.mean(off))
        assert errors.counts[step] == len(off)


def test_an_interval_is_judged_by_what_came_after_it_was_made(
    found: tuple[ForecastModel, BackTest, ForecastErrors],
) -> None:
    model, test, errors = found
    windows = model.preprocessing
    assert errors.within is not None
    assert errors.judged is not None
    middle = len(test.origins) // 2
    off = windows.level(test.truth) - windows.level(test.predicted)
    for step in range(3):
        before = [
            off[at, step]
            for at in range(len(test.origins))
            if test.origins[at] + 3 <= test.origins[middle]
        ]
        # The middle 80 %, one rank further out.
        reach = min(1.0, np.ceil((len(before) + 1) * 0.9) / len(before))
        low, high = np.quantile(before, [1 - reach, reach])
        after = off[middle:, step]
        assert errors.within[step] == pytest.approx(np.mean((low <= after) & (after <= high)))
        assert errors.judged[step] == len(after)
    assert errors.within_of_all == pytest.approx(np.mean(errors.within))
    assert 0.5 < errors.within_of_all < 1


def test_few_forecasts_say_nothing_of_an_interval(
    found: tuple[ForecastModel, BackTest, ForecastErrors],
) -> None:
    model, test, _ = found
    few = BackTest(
        *(getattr(test, name)[:15] for name in ("origins", "predicted", "truth", "last", "known"))
    )
    series = model.learned_from()
    errors = forecast_errors_of(few, model.preprocessing, series)
    assert errors.within is None
    assert errors.within_of_all is None
    assert errors.plain()["within"] is None
