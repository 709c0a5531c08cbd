"""Columns that tell the answer: alone, by being filled, or several of them together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
import pytest

from misstep.data import Table, recognize_columns, recognize_target
from misstep.modeling import baselines
from misstep.modeling.target_leakage import find_leaks

ROWS = 400


def leaks_of(frame: pandas.DataFrame, answers: Any, texts: tuple[str, ...] = ()) -> dict[Any, str]:
    """Return the leaks of a table, by their columns."""
    series = pandas.Series(answers)
    target = recognize_target(series, "y").fit(series)
    columns = recognize_columns(Table(frame, texts=texts))
    found = find_leaks(columns, frame, target.encode(series), target, "y")
    return {leak.columns: leak.words for leak in found}


def chance(rows: int = ROWS, seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed + rows)


def test_classes_in_turn_hide_no_leak() -> None:
    frame = pandas.DataFrame({"stars": np.arange(6000) % 2 * 3.0, "said": ["a b c d"] * 6000})
    answers = np.arange(6000) % 2
    told = {("stars",): "stars alone tells y for all rows"}
    assert leaks_of(frame, answers, ("said",)) == told
    assert leaks_of(frame.iloc[:40], answers[:40], ("said",)) == {}
    # Answers that hardly differ are told by anything.
    answers = (np.arange(6000) == 7).astype(int)
    assert leaks_of(frame, answers, ("said",)) == {}


@pytest.mark.parametrize("empty", [False, True])
def test_a_column_filled_for_one_class_alone_is_named(empty: bool) -> None:
    draw = chance()
    survived = draw.random(ROWS) < 0.4
    # Not all who survived have one, so that the column alone is far from telling all.
    state = survived & (draw.random(ROWS) < 0.5)
    boat = np.where(state ^ empty, draw.integers(1, 20, ROWS).astype(float), np.nan)
    frame = pandas.DataFrame({"boat": boat, "fare": draw.normal(size=ROWS)})
    words = leaks_of(frame, np.where(survived, "yes", "no"))[("boat",)]
    state_word = "empty" if empty else "filled"
    share = 100 * survived.mean()
    assert words == (
        f"boat is {state_word} in {state.sum()} training rows, and y is yes in all of them "
        f"({share:.1f}% of all rows)"
    )


def test_gaps_by_chance_are_no_leak() -> None:
    draw = chance()
    frame = pandas.DataFrame({"a": draw.normal(size=ROWS), "b": draw.normal(size=ROWS)})
    frame.loc[draw.random(ROWS) < 0.3, "a"] = np.nan
    assert leaks_of(frame, draw.integers(0, 2, ROWS)) == {}
    # Five rows of the commoner class in turn say nothing.
    few = pandas.DataFrame({"a": frame["b"].where(np.arange(ROWS) < 5), "b": frame["b"]})
    assert leaks_of(few, (np.arange(ROWS) % 10 > 1).astype(int)) == {}


def test_a_number_that_is_the_same_wherever_a_column_is_filled() -> None:
    draw = chance()
    closed = draw.random(ROWS) < 0.3
    frame = pandas.DataFrame(
        {"closed by": np.where(closed, "ann", None), "size": draw.normal(size=ROWS)}
    )
    left = np.where(closed, 0.0, draw.uniform(1, 9, ROWS))
    assert "filled" in leaks_of(frame, left)[("closed by",)]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda a, b, c: a + b, "a + b is y"),
        (lambda a, b, c: a - c, "a − c is y"),
        (lambda a, b, c: a * b, "a × b is y"),
        (lambda a, b, c: a / c, "a / c is y"),
        (lambda a, b, c: 0.3 * a + 0.7 * b, "a and b together make up y, a weighted sum of them"),
    ],
)
def test_columns_that_make_up_the_answer_together(answer: Any, words: str) -> None:
    draw = chance()
    a, b, c = (draw.lognormal(2, 1, ROWS).round(2) + 0.01 for _ in range(3))
    frame = pandas.DataFrame({"a": a, "b": b, "c": c})
    assert list(leaks_of(frame, answer(a, b, c)).values()) == [words]


def test_an_honest_sum_is_no_leak() -> None:
    draw = chance()
    a, b = draw.normal(size=ROWS), draw.normal(size=ROWS)
    frame = pandas.DataFrame({"a": a, "b": b})
    assert leaks_of(frame, a + b + 0.05 * draw.normal(size=ROWS)) == {}


def test_two_dates_whose_difference_is_the_answer() -> None:
    draw = chance()
    start = pandas.Timestamp("2024-01-01") + pandas.to_timedelta(draw.integers(0, 9e6, ROWS), "s")
    took = draw.integers(3_000, 90_000, ROWS)
    frame = pandas.DataFrame({"start": start, "end": start + pandas.to_timedelta(took, "s")})
    assert set(leaks_of(frame, took / 60)) == {("start", "end")}


def test_the_larger_of_two_columns_tells_the_class() -> None:
    draw = chance()
    home, away = draw.integers(0, 6, (2, ROWS))
    frame = pandas.DataFrame({"home": home, "away": away, "fans": draw.normal(size=ROWS)})
    result = np.where(home > away, "won", np.where(home < away, "lost", "drawn"))
    words = leaks_of(frame, result)[("home", "away")]
    assert words == "which of home and away is larger tells y for all rows"
    assert leaks_of(frame, draw.permutation(result)) == {}


def test_the_linear_model_sees_numbers_as_they_stand() -> None:
    from misstep.data import Rows

    draw = chance()
    values = draw.lognormal(3, 1, (ROWS, 2))
    total = values.sum(axis=1)
    series = pandas.Series(total)
    target = recognize_target(series, "y", "regression").fit(series)
    rows = Rows(np.log1p(values).astype("float32"), target.encode(series))
    cut = 3 * ROWS // 4
    train, test = rows.take(np.arange(cut)), rows.take(np.arange(cut, ROWS))
    bent = baselines.linear(train, test, target).score()
    straight = baselines.linear(
        train, test, target, as_they_stand=(values[:cut], values[cut:])
    ).score()
    assert bent is not None
    assert straight is not None
    assert bent["r2"] < 0.97 < 0.9999 < straight["r2"]
