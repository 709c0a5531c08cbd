"""Steps of dates and seasons of values: recognized where they are, and only there."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.data.series.seasons import find_season
from misstep.data.series.time_steps import Step, recognize_step

WORDS = {
    "h": "hour",
    "15min": "15 minutes",
    "D": "day",
    "B": "business day",
    "W": "week",
    "MS": "month",
    "ME": "month",
    "QS": "quarter",
    "YS": "year",
}


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(list(WORDS)),
    year=st.integers(1950, 2030),
    rows=st.integers(12, 60),
    ahead=st.integers(1, 20),
)
def test_what_pandas_counts_is_recognized_and_goes_on_as_pandas_does(
    kind: str, year: int, rows: int, ahead: int
) -> None:
    dates = pandas.date_range(f"{year}-01-01", periods=rows + ahead, freq=kind).to_numpy()
    step = recognize_step(dates[:rows])
    assert step is not None
    assert step.words == WORDS[kind]
    assert (step.following(dates[rows - 1], ahead) == dates[rows:].astype("datetime64[s]")).all()
    if kind != "B":
        assert step.positions(dates[:rows]).tolist() == list(range(rows))


def test_holidays_and_a_few_gaps_are_no_other_step() -> None:
    days = pandas.date_range("2020-01-01", periods=200, freq="B").to_numpy()
    assert recognize_step(np.delete(days, [20, 90, 91, 150])) == Step("business day")
    hours = pandas.date_range("2020-01-01", periods=200, freq="h").to_numpy()
    assert recognize_step(np.delete(hours, [20, 90, 91])) == Step("second", 3600)


def test_no_step_is_made_up() -> None:
    random = np.random.default_rng(0).integers(1, 50, 40).cumsum()
    assert recognize_step(np.datetime64("2020-01-01") + random) is None
    assert recognize_step(np.array(["2020-01-01", "2020-01-02"], "datetime64[D]")) is None


def test_the_last_days_of_months_stay_the_last() -> None:
    step = Step("month", 1, month_end=True)
    found = step.following("2023-12-31", 3).astype("datetime64[D]").astype(str)
    assert found.tolist() == ["2024-01-31", "2024-02-29", "2024-03-31"]


def test_the_calendar_of_dates() -> None:
    dates = np.array(["2024-02-29T23:00", "2024-03-01T00:00"], "datetime64[s]")
    step = Step("second", 3600)
    assert step.calendar == ["hour", "weekday", "month"]
    assert step.calendar_of(dates, "month").tolist() == [1, 2]
    assert step.calendar_of(dates, "weekday").tolist() == [3, 4]
    assert step.calendar_of(dates, "hour").tolist() == [23, 0]


@pytest.mark.parametrize(("step", "length"), [(Step("month"), 12), (Step(), 12), (Step(), 9)])
def test_a_season_is_found_with_and_without_a_calendar(step: Step, length: int) -> None:
    numbers = np.random.default_rng(1)
    values = np.tile(numbers.normal(0, 3, length), 12) + numbers.normal(0, 0.5, 12 * length)
    found, because = find_season(values + np.arange(len(values)), step)
    assert found == length
    assert "correlation" in because


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), month=st.booleans())
def test_chance_has_no_season(seed: int, month: bool) -> None:
    walk = np.random.default_rng(seed).normal(0, 1, 300).cumsum()
    found, _ = find_season(walk, Step("month") if month else Step())
    # One walk in some hundred looks seasonal by chance, as the constants say.
    assert found == 0 or abs(np.corrcoef(np.diff(walk)[found:], np.diff(walk)[:-found])[0, 1]) > 0.1
