"""A person's own data can be played with: the same rows as training, and what can't is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas
import pytest

from misstep.data import Table
from misstep.errors import ArgumentError, DataError
from misstep.modeling.options import Options
from misstep.playground import Kind, Session, Settings, own_problem, own_settings
from misstep.playground import own_rows as module


def _houses(rows: int = 120) -> pandas.DataFrame:
    random = np.random.default_rng(0)
    size = random.uniform(40, 200, rows).round(1)
    rooms = random.integers(1, 7, rows)
    town = random.choice(["north", "south"], rows)
    price = 2000 * size + 9000 * rooms + 20_000 * (town == "north") + random.normal(0, 5e3, rows)
    return pandas.DataFrame({"size": size, "rooms": rooms, "town": town, "price": price.round()})


def test_a_table_is_played_with_in_people_s_units(tmp_path: Path) -> None:
    frame = _houses()
    frame.to_csv(tmp_path / "houses.csv", index=False)
    own = own_problem(tmp_path / "houses.csv", Options(target="price"))
    assert own.kind is Kind.TABLE
    assert own.title == "price of houses.csv"
    assert len(own.train) + len(own.held_out) == len(frame)
    assert "size" in own.features
    session = Session(own_settings(own), own)
    session.step(400)
    frame_seen = session.frame()
    json.dumps(frame_seen, allow_nan=False)
    assert frame_seen["now"]["held_out_score"] < 0.5 * frame["price"].std()
    for one in frame_seen["examples"]:
        number = int(one["name"].removeprefix("row ")) - 1
        assert one["truth"] == pytest.approx(frame["price"][number], rel=1e-6)
        assert one["prediction"]["number"] == pytest.approx(one["truth"], rel=0.5)
    shown = frame_seen["units"][0]
    assert shown["of"] == "weights"
    assert shown["shape"] == [8, 1, len(own.features)]
    words = session.explain("dense1.weight.0.0")
    assert words["label"].startswith("W1[")
    assert own.features[0] in words["label"]


def test_links_of_own_rows_know_them(tmp_path: Path) -> None:
    own = own_problem(Table(_houses()), Options(target="price"))
    other = own_problem(Table(_houses(100)), Options(target="price"))
    session = Session(own_settings(own), own)
    session.step(5)
    link = session.link()
    again = Session.of_link(link, own)
    assert np.array_equal(again.timeline.state.parameters, session.timeline.state.parameters)
    with pytest.raises(DataError, match="the rows of a link"):
        Session.of_link(link, other)
    with pytest.raises(ArgumentError, match="the data that it was made with"):
        Session.of_link(link)


def test_two_numbers_and_classes_are_a_plane() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(90, 2)) * [3.0, 40.0]
    label = np.where(x[:, 0] > 0, "right", "left")
    own = own_problem(
        Table(pandas.DataFrame({"a": x[:, 0], "b": x[:, 1], "side": label})), Options(target="side")
    )
    assert own.kind is Kind.PLANE
    assert own.classes == ("left", "right")
    low, high = np.array(own.window).T
    assert (own.train.x > low).all()
    assert (own.train.x < high).all()
    session = Session(own_settings(own), own)
    session.step(20)
    assert session.frame()["surface"]["shape"] == [2, 40, 40]


def test_of_many_rows_some_are_taken_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TRAIN", 30)
    monkeypatch.setattr(module, "MOST_HELD_OUT", 10)
    first, second = (own_problem(Table(_houses()), Options(target="price")) for _ in range(2))
    assert len(first.train) == 30
    assert len(first.held_out) == 10
    assert "30 of 84 rows are learned from, taken at random" in first.notes
    assert first.digest == second.digest
    assert len(first.train_rows) == 30


def test_texts_are_left_out_of_a_table_and_refused_where_nothing_else_is() -> None:
    random = np.random.default_rng(0)
    words = ["red", "green", "quick", "slow", "house", "tree", "water", "stone", "light"]
    texts = [" ".join(random.choice(words, 9)) for _ in range(160)]
    label = np.where(["quick" in one for one in texts], "yes", "no")
    frame = pandas.DataFrame({"note": texts, "number": random.normal(size=160), "label": label})
    own = own_problem(Table(frame), Options(target="label"))
    assert own.features == ("number",)
    assert any("note left out" in one for one in own.notes)
    with pytest.raises(DataError, match="whose words are looked up"):
        own_problem(Table(frame[["note", "label"]]), Options(target="label"))


def test_more_inputs_than_can_be_shown_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_INPUTS", 3)
    with pytest.raises(DataError, match="at most 3 inputs"):
        own_problem(Table(_houses()), Options(target="price"))


def test_a_series_is_no_rows_with_answers() -> None:
    days = pandas.date_range("2020-01-01", periods=80)
    frame = pandas.DataFrame({"day": days, "sales": np.sin(np.arange(80) / 5.0) + 3.0})
    with pytest.raises(DataError, match="rows with an answer each"):
        own_problem(Table(frame), Options(target="sales", task="forecast"))


def test_own_rows_are_asked_for_where_settings_are_of_them() -> None:
    with pytest.raises(ArgumentError, match="misstep play"):
        Session(Settings(problem="own"))
