"""Marks on axes: at round numbers, and where days, months and years begin."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from misstep.drawing.axis_ticks import date_ticks, round_ticks, tick_words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (145, 729.2, ["200", "300", "400", "500", "600", "700"]),
        (-0.3, 0.7, ["−0.2", "0.0", "0.2", "0.4", "0.6"]),
        (99.2, 99.9, ["99.2", "99.4", "99.6", "99.8"]),
        (1e6, 3.2e6, ["1,000,000", "1,500,000", "2,000,000", "2,500,000", "3,000,000"]),
    ],
)
def test_numbers_are_round(low: float, high: float, words: list[str]) -> None:
    assert tick_words(round_ticks(low, high)) == words


def test_any_range_has_some_marks_within() -> None:
    numbers = np.random.default_rng(0)
    for _ in range(200):
        low = numbers.normal() * 10.0 ** numbers.integers(-6, 7)
        high = low + numbers.exponential() * 10.0 ** numbers.integers(-6, 7)
        ticks = round_ticks(low, high)
        assert 2 <= len(ticks) <= 6
        slack = (high - low) * 1e-6
        assert all(low - slack <= tick <= high + slack for tick in ticks)
    assert round_ticks(1, 60, whole=True) == [10, 20, 30, 40, 50, 60]


@pytest.mark.parametrize(
    ("freq", "count", "words"),
    [
        ("MS", 60, ["2018", "2019", "2020", "2021", "2022"]),
        ("MS", 14, ["2017-04", "2017-07", "2017-10", "2018-01", "2018-04"]),
        ("D", 60, ["2017-03-27", "2017-04-10", "2017-04-24", "2017-05-08"]),
        ("YS", 70, ["2030", "2050", "2070"]),
        (
            "5min",
            300,
            ["2017-03-17 06:00", "2017-03-17 12:00", "2017-03-17 18:00", "2017-03-18 00:00"],
        ),
    ],
)
def test_dates_begin_what_people_count_by(freq: str, count: int, words: list[str]) -> None:
    dates = pandas.date_range("2017-03-17 01:00", periods=count, freq=freq).to_numpy()
    if freq != "5min":
        dates = dates.astype("datetime64[D]")
    assert [mark for _, mark in date_ticks(dates)] == words
