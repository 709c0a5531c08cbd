"""Long seasons: found in the values where they are, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from misstep.data import find_long_season
from misstep.data.series.long_seasons import _differences
from misstep.data.series.time_steps import Step

DAYS, MONTHS, HOURS = Step("second", 86_400), Step("month"), Step("second", 3600)


def remembering(numbers: np.random.Generator, rows: int, memory: float) -> np.ndarray:
    values = numbers.normal(0, 1, rows)
    for row in range(1, rows):
        values[row] += memory * values[row - 1]
    return values


def found(values: np.ndarray, step: Step, shorter: int = 0) -> int:
    season = find_long_season(values, np.ones(len(values), bool), step, shorter)
    return season.length if season else 0


def test_a_year_is_found_in_days_that_are_mostly_weather() -> None:
    numbers, days = np.random.default_rng(0), np.arange(2900)
    values = 4 * np.cos(2 * np.pi * days / 365.25) + 2.5 * remembering(numbers, 2900, 0.6)
    season = find_long_season(values, np.ones(2900, bool), DAYS)
    assert season is not None
    assert season.length == 365
    assert "a year has 365 steps" in season.reason
    apart = values[365:] - values[:-365]
    sides = [values[182:] - values[:-182], values[547:] - values[:-547]]
    share = np.mean(apart**2) / np.mean([np.mean(side**2) for side in sides])
    assert season.dip == pytest.approx(share, abs=0.02)


def test_eleven_years_are_found_in_months() -> None:
    numbers = np.random.default_rng(1)
    values: list[float] = []
    while len(values) < 2200:
        cycle = int(numbers.normal(132, 8))
        values += list(numbers.uniform(60, 180) * np.sin(np.pi * np.arange(cycle) / cycle) ** 2)
    noisy = np.array(values[:2200]) + 15 * remembering(numbers, 2200, 0.5)
    assert abs(found(noisy, MONTHS) - 132) <= 7


def test_a_week_is_found_beside_a_day_only_where_there_is_one() -> None:
    numbers, hours = np.random.default_rng(2), np.arange(3000)
    day, noise = np.sin(2 * np.pi * hours / 24), remembering(numbers, 3000, 0.8)
    week = np.where((hours // 24) % 7 < 5, 1.0, 0.3)
    assert found(10 * day * week + 5 * week + noise, HOURS, 24) == 168
    assert found(10 * day + noise, HOURS, 24) == 0
    # A day that grows in summer repeats from day to day, not from week to week.
    assert found(10 * day * (1 + hours / 3000) + noise, HOURS, 24) == 0


@pytest.mark.parametrize("memory", [0.0, 0.9, 0.98, 1.0])
@pytest.mark.parametrize("rows", [250, 1000, 3000])
def test_chance_has_no_long_season(memory: float, rows: int) -> None:
    for seed in range(6):
        values = remembering(np.random.default_rng(seed), rows, memory)
        assert found(values, MONTHS) == 0
        assert found(values, DAYS) == 0


def test_differences_are_those_of_measured_pairs() -> None:
    numbers = np.random.default_rng(3)
    values, measured = numbers.normal(5, 2, 90).cumsum(), numbers.random(90) < 0.8
    ours = _differences(values, measured, 40)
    for apart in (1, 7, 40):
        both = measured[apart:] & measured[:-apart]
        squares = (values[apart:] - values[:-apart])[both] ** 2
        assert ours[apart] == pytest.approx(squares.mean())


def test_what_never_changes_has_none() -> None:
    assert found(np.full(500, 3.0), DAYS) == 0
    assert found(np.arange(2000.0), DAYS) == 0
    assert found(np.arange(30.0), DAYS) == 0


@pytest.mark.parametrize("gap", [slice(0, 1500), slice(1500, 3000)])
def test_a_half_that_nobody_measured_shows_no_season(gap: slice) -> None:
    measured = np.ones(3000, bool)
    measured[gap] = False
    assert find_long_season(np.sin(np.arange(3000) / 16), measured, Step()) is None
