"""Windows: answers come back, nothing of what comes later is in a row, and files are distrusted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.data import Series, SeriesWindows, Table, plan_series, preprocessing_from_json
from misstep.data.series.series import read_series
from misstep.data.series.windows import thinned
from misstep.errors import DataError, FileFormatError


def a_series(rows: int, seed: int = 0, level: float = 100.0) -> Series:
    numbers = np.random.default_rng(seed)
    frame = pandas.DataFrame(
        {
            "day": pandas.date_range("2020-01-01", periods=rows, freq="D"),
            "y": level + numbers.normal(0, 1, rows).cumsum(),
            "x": numbers.normal(0, 1, rows),
        }
    )
    table = Table(frame)
    return read_series(table, plan_series(table, "y")[0])


@settings(max_examples=40, deadline=None)
@given(
    window=st.integers(1, 12),
    horizon=st.integers(1, 8),
    log=st.booleans(),
    calendar=st.sampled_from([(), ("weekday",), ("weekday", "month")]),
    seed=st.integers(0, 99),
)
def test_answers_come_back_and_rows_know_only_the_past(
    window: int, horizon: int, log: bool, calendar: tuple[str, ...], seed: int
) -> None:
    series = a_series(60, seed)
    windows = SeriesWindows.fit(
        series.first(40), window=window, horizon=horizon, log=log, calendar=calendar
    )
    origins = windows.origins(series, answered=True)
    assert (origins[0], origins[-1]) == (window - 1, 59 - horizon)
    back = windows.decode(windows.answers(series, origins), series, origins)
    places = origins[:, None] + np.arange(1, horizon + 1)
    assert np.allclose(back, series.target[places], rtol=1e-5)

    features = windows.transform(series, origins)
    assert features.shape == (len(origins), len(windows.feature_names))
    middle = len(origins) // 2
    changed = replace(series, values=series.values.copy())
    changed.values[origins[middle] + 1 :] *= 1.5
    assert np.array_equal(windows.transform(changed, origins)[: middle + 1], features[: middle + 1])

    again = preprocessing_from_json(json.loads(json.dumps(windows.to_json())))
    assert again == windows


def test_a_shorter_window_is_the_end_of_a_longer_row() -> None:
    series = a_series(50)
    windows = SeriesWindows.fit(series, window=8, horizon=2, calendar=("weekday",))
    shorter = windows.shortened(3)
    origins = windows.origins(series)
    whole, end = windows.transform(series, origins), shorter.transform(series, origins)
    assert np.array_equal(whole[:, -end.shape[1] :], end)


def test_a_new_level_is_no_new_situation() -> None:
    low = a_series(60, level=100.0)
    high = replace(low, values=low.values + np.array([1000.0, 0.0]))
    windows = SeriesWindows.fit(low, window=6, horizon=2)
    assert np.allclose(windows.transform(low), windows.transform(high), atol=1e-4)


def test_a_slip_does_not_set_the_scale() -> None:
    series = a_series(200)
    slipped = replace(series, values=series.values.copy())
    slipped.values[100, 0] = 1e9
    windows = SeriesWindows.fit(slipped, window=5, horizon=1)
    assert 0.2 < windows.spread / SeriesWindows.fit(series, window=5, horizon=1).spread < 5
    assert np.abs(windows.transform(slipped)).max() <= 20.0


@settings(max_examples=50, deadline=None)
@given(rows=st.integers(1, 5000), most=st.integers(1, 600))
def test_thinning_meets_every_hour(rows: int, most: int) -> None:
    places = thinned(np.arange(rows), most)
    assert len(places) == min(rows, most)
    assert (np.diff(places) > 0).all()
    if len(places) >= 480:
        assert np.bincount(places % 24, minlength=24).min() >= len(places) / 24 / 5


def test_what_can_not_be() -> None:
    with pytest.raises(DataError, match="at least 12 rows"):
        SeriesWindows.fit(a_series(10), window=8, horizon=4)
    windows = SeriesWindows.fit(a_series(40), window=4, horizon=1, log=True)
    below = a_series(40, level=0.0)
    with pytest.raises(DataError, match="values above 0"):
        windows.transform(below)
    with pytest.raises(DataError, match="a series"):
        windows.transform(np.zeros((3, 4)))


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        ("window", 0),
        ("horizon", 10**9),
        ("spread", 0.0),
        ("answer_spread", -1.0),
        ("bound", 0.0),
        ("season", -1),
        ("calendar", ["year"]),
        ("calendar", ["month", "month"]),
        ("scalings", []),
        ("log", "yes"),
        ("extra", 1),
    ],
)
def test_a_damaged_file_is_refused(place: str, wrong: Any) -> None:
    plain = SeriesWindows.fit(a_series(40), window=4, horizon=2).to_json()
    plain[place] = wrong
    with pytest.raises(FileFormatError):
        preprocessing_from_json(plain)


@pytest.mark.parametrize(
    ("place", "wrong"),
    [("forms", []), ("inputs", ["y"]), ("only", ["shop"]), ("date", ""), ("step", {"count": 0})],
)
def test_a_damaged_plan_is_refused(place: str, wrong: Any) -> None:
    plain = SeriesWindows.fit(a_series(40), window=4, horizon=2).to_json()
    plain["plan"][place] = wrong
    with pytest.raises(FileFormatError):
        preprocessing_from_json(plain)


def test_numbers_whose_deviation_no_float_holds_are_refused() -> None:
    level = np.where(np.arange(40) % 7 == 0, 1e200, 1.0)
    table = Table(pandas.DataFrame({"y": level}))
    with pytest.raises(DataError, match="another unit"):
        read_series(table, plan_series(table, "y")[0])
    largest = Table(pandas.DataFrame({"y": level**0.75}))
    windows = SeriesWindows.fit(
        read_series(largest, plan_series(largest, "y")[0]), window=3, horizon=1, reference=True
    )
    assert np.isfinite(windows.reference).all()
