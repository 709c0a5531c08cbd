"""Columns are judged by whether they help out of fold, not by their names."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from misstep.data import Column, recognize_columns
from misstep.modeling.column_trials import ColumnTrials, try_columns

ROWS = 300


def trials(answers: np.ndarray, **columns: object) -> tuple[ColumnTrials, dict[str, Column]]:
    frame = pandas.DataFrame(columns)
    found = try_columns(recognize_columns(frame), frame, answers)
    return found, {column.name: column for column in found.columns}


def numbers(seed: int = 0) -> tuple[np.random.Generator, np.ndarray]:
    random = np.random.default_rng(seed)
    return random, random.normal(size=ROWS)


@pytest.mark.parametrize("name", ["heat_index", "glucose index", "body_idx", "sensor_key"])
def test_measured_whatever_its_name(name: str) -> None:
    random, beside = numbers()
    values = random.permutation(5000)[:ROWS]
    _, columns = trials(2.0 * values + beside, **{name: values, "beside": beside})
    assert columns[name].used
    assert "with it the error" in columns[name].reason
    labels = (values > 2500).astype(int)
    _, columns = trials(labels, **{name: values, "beside": beside})
    assert columns[name].used


@pytest.mark.parametrize("name", ["PassengerId", "patient_id", "Unnamed: 0", "index", "#", "nr"])
def test_numbers_of_rows_do_not_help(name: str) -> None:
    random, beside = numbers(1)
    answers = beside + random.normal(size=ROWS)
    for values in (np.arange(ROWS) + 1, random.permutation(9000)[:ROWS]):
        found, columns = trials(answers, **{name: values, "beside": beside})
        assert not columns[name].used
        assert "does not help" in columns[name].reason
        assert found.notes == []


def test_a_year_that_numbers_the_rows() -> None:
    _, beside = numbers(2)
    years = np.arange(ROWS) + 1700
    _, columns = trials((years - 1700.0) ** 2, year=years, beside=beside)
    assert columns["year"].used
    # A number of the row tells the same in a sorted file, and nothing of new rows.
    found, columns = trials((years - 1700.0) ** 2, Id=years - 1699, beside=beside)
    assert not columns["Id"].used
    assert "sorted" in found.notes[0]


@pytest.mark.parametrize("kind", ["number", "class"])
def test_codes_are_names_and_amounts_are_amounts(kind: str) -> None:
    random, beside = numbers(3)
    season = random.integers(1, 5, ROWS)
    size = random.integers(1, 9, ROWS)
    hour = np.arange(ROWS) % 24
    answers = np.array([0.0, 6.0, 1.0, 7.0])[season - 1] + size + beside
    answers += 3 * np.sin(hour / 24 * 2 * np.pi)
    told = answers if kind == "number" else (answers > answers.mean()).astype(int)
    _, columns = trials(told, season=season, size=size, hour=hour, beside=beside)
    assert [str(columns[name].column_type) for name in ("season", "size", "hour")] == [
        "category",
        "number",
        "number",
    ]
    assert "names rather than amounts" in columns["season"].reason


def test_nothing_is_decided_by_few_rows() -> None:
    random, beside = numbers(4)
    users = random.integers(0, 60, ROWS)
    _, columns = trials(random.normal(size=60)[users] * 9, user=users, beside=beside)
    assert str(columns["user"].column_type) == "number"
    frame = pandas.DataFrame({"season": [1, 2, 3] * 6, "beside": beside[:18]})
    columns_of = recognize_columns(frame)
    assert try_columns(columns_of, frame, np.array([0.0, 5, 0] * 6)).columns == columns_of


def test_gaps_and_columns_without_others() -> None:
    _, beside = numbers(5)
    values = np.where(np.arange(ROWS) % 9 == 0, np.nan, np.arange(ROWS) % 5)
    answers = np.nan_to_num(np.array([3.0, 0, 5, 1, 4])[np.nan_to_num(values).astype(int)]) + beside
    _, columns = trials(answers, code=values)
    assert str(columns["code"].column_type) == "category"
