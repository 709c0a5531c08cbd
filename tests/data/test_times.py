"""When rows were: told by one column or several, in any order, on clocks that are set back."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from misstep.data import plan_series, read_series, read_table, series_reason
from misstep.data.series.series import Series

ROWS = 240
HOURS = pandas.date_range("2024-01-01", periods=ROWS, freq="h")
MONTHS = pandas.date_range("2000-01-01", periods=ROWS, freq="MS")
QUARTERS = pandas.date_range("1960-01-01", periods=ROWS, freq="QS")
WEEKS = pandas.date_range("2015-01-05", periods=ROWS, freq="7D")
BERLIN = pandas.date_range("2024-03-25", periods=ROWS, freq="h", tz="Europe/Berlin")
BERLIN_DAYS = pandas.date_range("2024-01-25", periods=ROWS, freq="D", tz="Europe/Berlin")


def read(**columns: object) -> tuple[str | None, Series]:
    """Return why columns beside numbers are a series, and the series."""
    numbers = np.random.default_rng(0).normal(size=ROWS).cumsum()
    table = read_table(pandas.DataFrame({**columns, "y": 100 + numbers}))
    return series_reason(table, "y"), read_series(table, plan_series(table, "y")[0])


def ahead(series: Series) -> str:
    dates = series.following(1)
    assert dates is not None
    return str(series.stamped(dates)[0])


@pytest.mark.parametrize(
    ("columns", "step", "following"),
    [
        ({"date": HOURS.strftime("%Y-%m-%d"), "hour": HOURS.hour}, "hour", "2024-01-11 00:00:00"),
        # Hours from 1 to 24 end at midnight; days that could be months are days.
        ({"Date": HOURS.strftime("%m/%d/%Y"), "HE": HOURS.hour + 1}, "hour", "2024-01-11 01:00:00"),
        (
            {"Date": HOURS.strftime("%d/%m/%Y"), "Time": HOURS.strftime("%H.%M.%S")},
            "hour",
            "2024-01-11 00:00:00",
        ),
        (
            {"Tag": HOURS.strftime("%d.%m.%Y"), "Uhr": HOURS.strftime("%I:%M %p")},
            "hour",
            "2024-01-11 00:00:00",
        ),
        (
            {"Date": HOURS.strftime("%Y%m%d").astype(int), "time": HOURS.hour * 100},
            "hour",
            "2024-01-11 00:00:00",
        ),
        (
            {"YEAR": HOURS.year, "MO": HOURS.month, "DY": HOURS.day, "HR": HOURS.hour},
            "hour",
            "2024-01-11 00:00:00",
        ),
        ({"Year": MONTHS.year, "Month": MONTHS.month}, "month", "2020-01-01 00:00:00"),
        ({"Jahr": MONTHS.year, "Monat": MONTHS.strftime("%B")}, "month", "2020-01-01 00:00:00"),
        ({"Year": MONTHS.year, "Period": MONTHS.strftime("M%m")}, "month", "2020-01-01 00:00:00"),
        (
            {"Year": QUARTERS.year, "Quarter": [f"{q}. Quartal" for q in QUARTERS.quarter]},
            "quarter",
            "2020-01-01 00:00:00",
        ),
        ({"year": range(1780, 1780 + ROWS)}, "year", "2020-01-01 00:00:00"),
        ({"w": WEEKS.strftime("%G-W%V")}, "week", "2019-08-12 00:00:00"),
        (
            {"t": 1_600_000_000_000 + 250 * np.arange(ROWS)},
            "250 milliseconds",
            "2020-09-13 12:27:40",
        ),
        ({"Date": 43831 + np.arange(ROWS)}, "day", "2020-08-28 00:00:00"),
        ({"time": np.round(1958 + np.arange(ROWS) / 12, 3)}, "month", "1978-01-01 00:00:00"),
        (
            {"d": pandas.date_range("2000-01-01", periods=ROWS, freq="BME").strftime("%d.%m.%Y")},
            "month",
            "2020-01-31 00:00:00",
        ),
        (
            {"d": pandas.date_range("2000-01-01", periods=ROWS + 1, freq="BMS")[1:]},
            "month",
            "2020-02-03 00:00:00",
        ),
        (
            {"d": pandas.period_range("2000-01", periods=ROWS, freq="M")},
            "month",
            "2020-01-01 00:00:00",
        ),
        ({"d": HOURS.tz_localize("+05:30")}, "hour", "2024-01-11 00:00:00+05:30"),
        ({"d": BERLIN}, "hour", "2024-04-04 01:00:00+02:00"),
        ({"d": [date.isoformat() for date in BERLIN]}, "hour", "2024-04-04 01:00:00+02:00"),
        ({"d": BERLIN_DAYS}, "day", "2024-09-21 00:00:00+02:00"),
        # Mixed offsets of days: what the clock on the wall says.
        ({"d": [date.isoformat() for date in BERLIN_DAYS]}, "day", "2024-09-21 00:00:00"),
    ],
)
def test_times_are_read(columns: dict[str, object], step: str, following: str) -> None:
    reason, series = read(**columns)
    assert series.plan.step.words == step
    assert ahead(series) == following
    assert reason is not None
    assert all(name in reason for name in columns)
    # The columns of the time are no inputs, nor are they missed in another file.
    assert series.plan.inputs == ()


def test_the_hours_of_a_named_zone_are_those_of_its_clocks() -> None:
    _, series = read(d=BERLIN)
    assert series.local is not None
    hours = series.plan.step.calendar_of(series.local, "hour")
    assert hours.tolist() == BERLIN.hour.tolist()


def test_clocks_that_are_set_forward_are_told() -> None:
    words = [date.isoformat() for date in BERLIN]
    table = read_table(pandas.DataFrame({"d": words, "y": np.arange(ROWS) % 7}))
    _, decisions = plan_series(table, "y")
    assert any("+01:00, +02:00" in decision.reason for decision in decisions)


def test_steps_that_are_nearly_even_go_on() -> None:
    numbers = np.random.default_rng(0)
    drift = pandas.to_timedelta(numbers.integers(-60, 60, ROWS), unit="s")
    reason, series = read(d=HOURS + drift)
    assert reason == "the dates in d rise by about one hour from row to row"
    assert series.plan.step.about
    assert len(series) == ROWS


def test_uneven_dates_are_put_in_order() -> None:
    numbers = np.random.default_rng(0)
    moments = pandas.Timestamp("2020-01-01") + pandas.to_timedelta(
        numbers.exponential(5, ROWS).cumsum(), unit="h"
    )
    order = numbers.permutation(ROWS)
    table = read_table(pandas.DataFrame({"d": moments[order], "y": np.arange(ROWS)[order]}))
    assert "nothing else can be learned from" in str(series_reason(table, "y"))
    series = read_series(table, plan_series(table, "y")[0])
    assert series.target.tolist() == list(range(ROWS))


def test_years_that_come_back_are_no_dates() -> None:
    numbers = np.random.default_rng(0)
    reason, series = read(
        year=numbers.integers(1990, 2020, ROWS), month=numbers.integers(1, 13, ROWS)
    )
    assert reason is None
    assert series.plan.date == ""


def test_another_file_is_read_as_the_first_one() -> None:
    frame = pandas.DataFrame({"d": MONTHS.strftime("%-m/1/%Y"), "y": np.arange(ROWS) % 12})
    plan, _ = plan_series(read_table(frame), "y")
    # Alone, these would be days of January.
    few = read_series(read_table(frame[-12:]), plan)
    assert few.dates is not None
    assert str(few.dates[1]) == "2019-02-01T00:00:00"
    local = read_series(
        read_table(pandas.DataFrame({"d": BERLIN[:48], "y": np.arange(48)})),
        plan_series(read_table(pandas.DataFrame({"d": BERLIN, "y": np.arange(ROWS)})), "y")[0],
    )
    assert ahead(local) == "2024-03-27 00:00:00+01:00"
