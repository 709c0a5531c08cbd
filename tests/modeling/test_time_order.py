"""Rows in the order of time: noticed wherever a random split would flatter, and only there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest

import misstep as ms
from misstep.data import read_table
from misstep.modeling import Options, train
from misstep.modeling.rows_or_series import rows_or_series
from misstep.modeling.time_order import TimeOrder, order_that_matters

ROWS = 300
NUMBERS = np.random.default_rng(0)
WALK = NUMBERS.normal(size=ROWS).cumsum()
NOISE = NUMBERS.normal(size=ROWS)
DAYS = pandas.date_range("2020-01-01", periods=ROWS)
UNEVEN = DAYS[0] + pandas.to_timedelta(np.sort(NUMBERS.uniform(0, 1000, ROWS)), unit="D")


def order_of(
    frame: pandas.DataFrame, target: str = "y", *, numbers: bool = True
) -> TimeOrder | None:
    answers = frame[target].to_numpy() if numbers else pandas.factorize(frame[target])[0]
    return order_that_matters(
        read_table(frame), target, np.arange(len(frame)), answers, numbers=numbers
    )


@pytest.mark.parametrize(
    ("frame", "by"),
    [
        (pandas.DataFrame({"x": NOISE, "y": WALK}), ""),
        (pandas.DataFrame({"when": UNEVEN, "x": NOISE, "y": WALK}), "when"),
        (pandas.DataFrame({"when": UNEVEN.strftime("%d.%m.%Y %H:%M"), "y": WALK}), "when"),
        (pandas.DataFrame({"day": DAYS.strftime("%Y%m%d").astype(int), "y": WALK}), "day"),
        (pandas.DataFrame({"week": DAYS.strftime("%G-W%V"), "y": WALK}), "week"),
    ],
)
def test_a_walk_is_seen_in_any_order_of_its_rows(frame: pandas.DataFrame, by: str) -> None:
    found = order_of(frame)
    assert found is not None
    assert found.by == by
    assert found.likeness > 0.9
    assert "drawn at random" in found.warning
    assert "--task forecast" in found.warning
    mixed = order_of(frame.sample(frac=1.0, random_state=0))
    assert (mixed is not None) == bool(by)


def test_the_correlation_is_that_of_ranks() -> None:
    found = order_of(pandas.DataFrame({"x": NOISE, "y": np.exp(WALK)}))
    assert found is not None
    ranks = pandas.Series(WALK).rank()
    assert found.likeness == pytest.approx(ranks.autocorr(), abs=0.01)


def test_rows_in_no_order_are_left_in_peace() -> None:
    assert order_of(pandas.DataFrame({"x": NOISE, "y": NOISE[::-1]})) is None
    assert order_of(pandas.DataFrame({"when": DAYS, "y": NOISE})) is None
    # Sorted by the answers: many files are.
    assert order_of(pandas.DataFrame({"x": NOISE, "y": np.sort(NOISE)})) is None
    kinds = np.repeat(["a", "b", "c"], 100)
    assert order_of(pandas.DataFrame({"x": NOISE, "y": kinds}), numbers=False) is None


def test_classes_that_last_are_seen() -> None:
    states = np.where(np.sin(np.arange(ROWS) / 20) > 0, "high", "low")
    found = order_of(pandas.DataFrame({"when": DAYS, "y": states}), numbers=False)
    assert found is not None
    share = (states[1:] == states[:-1]).mean()
    assert f"{share:.0%} of the answers are the same as the one before" in found.warning
    assert "--task forecast" not in found.warning


def test_columns_that_decide_make_rows_of_a_dated_table() -> None:
    a = NUMBERS.integers(0, 5, ROWS)
    counts = 50 + 10 * a + 1.5 * NUMBERS.normal(size=ROWS)
    tried = rows_or_series(read_table(pandas.DataFrame({"day": DAYS, "a": a, "y": counts})), "y")
    assert tried is not None
    assert tried.as_rows
    assert tried.columns == pytest.approx(1.5, rel=0.2)
    assert tried.past == pytest.approx(14, rel=0.3)
    slow = 50 + 10 * WALK + 1.5 * NOISE
    tried = rows_or_series(read_table(pandas.DataFrame({"day": DAYS, "a": WALK, "y": slow})), "y")
    assert tried is not None
    assert tried.as_rows


def test_series_stay_series() -> None:
    frame = pandas.DataFrame({"day": DAYS, "a": NOISE, "y": WALK})
    tried = rows_or_series(read_table(frame), "y")
    assert tried is not None
    assert not tried.columns_better
    assert rows_or_series(read_table(frame[["day", "y"]]), "y") is None
    assert rows_or_series(read_table(frame[["a", "y"]]), "y") is None


def test_what_training_says_of_it(tmp_path: Path) -> None:
    a = NUMBERS.integers(0, 5, 100)
    frame = pandas.DataFrame({"day": DAYS[:100], "a": a, "y": 50.0 + 10 * a + NOISE[:100]})
    quick = Options(target="y", epochs=1, network="dense4")
    result = train(read_table(frame), quick)
    assert result.forecast is None
    (order,) = (each for each in result.decisions if each.what == "order")
    assert "--task forecast" in order.reason
    assert not result.notes
    walk = pandas.DataFrame({"x": NOISE[:100], "y": WALK[:100]})
    assert any("drawn at random" in note for note in train(read_table(walk), quick).notes)
    # Answers of files are kept as words: it is their numbers that count.
    walk.to_csv(tmp_path / "walk.csv", index=False)
    written = train(read_table(tmp_path / "walk.csv"), quick)
    assert any("drawn at random" in note for note in written.notes)


def test_dates_in_an_index_and_rows_that_somebody_holds() -> None:
    frame = pandas.DataFrame({"x": NOISE, "y": WALK}, index=DAYS).sample(frac=1.0, random_state=0)
    found = order_of(frame)
    assert found is not None
    assert found.by == "the dates in the index"
    fitted = ms.Regressor(epochs=1, network="dense4").fit(frame[["x"]], frame["y"])
    (careful,) = (each for each in fitted.decisions_ if each.what == "CAREFUL")
    assert "answers next to each other are alike" in careful.choice
    noise = ms.Regressor(epochs=1, network="dense4").fit(frame[["x"]], NOISE)
    assert not any(each.what == "CAREFUL" for each in noise.decisions_)
