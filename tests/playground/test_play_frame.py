"""What is seen is what the network says: surfaces, fits, units and rows against predictions."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from misstep.errors import ArgumentError
from misstep.playground import Session, Settings
from misstep.playground import session as session_module


def _array(packed: dict[str, Any]) -> np.ndarray:
    kind = {"float32": "<f4", "uint8": "u1"}[packed["dtype"]]
    raw = base64.b64decode(packed["base64"])
    return np.frombuffer(raw, kind).reshape(packed["shape"])


def _session(**settings: Any) -> Session:
    session = Session(Settings.of({"rows": 30, "layers": [4, 3], **settings}))
    session.step(12)
    return session


@pytest.mark.parametrize("problem", ["circles", "blobs"])
def test_the_surface_is_what_the_network_predicts_there(problem: str) -> None:
    session = _session(problem=problem, input_scale=2.0)
    surface = _array(session.frame()["surface"])
    classes = len(session.problem.classes)
    assert surface.shape == (classes, 40, 40)
    across, up = np.linspace(-3, 3, 40, dtype="float32"), np.linspace(3, -3, 40, dtype="float32")
    trainer = session.timeline.trainer
    for row, column in ((0, 0), (0, 39), (17, 5), (39, 39)):
        point = 2.0 * np.array([[across[column], up[row]]], "float32")
        predicted = trainer.predict(point)[0]
        shown = np.array([1 - predicted[0], predicted[0]]) if classes == 2 else predicted
        assert np.abs(surface[:, row, column] / 255.0 - shown).max() <= 0.5 / 255 + 1e-4


def test_the_fit_is_what_the_network_predicts_along_the_line() -> None:
    session = _session(problem="sine")
    frame = session.frame()
    assert frame["surface"] is None
    line, fit = _array(frame["fit"]["x"]), _array(frame["fit"]["y"])
    assert np.allclose(session.timeline.trainer.predict(line[:, None])[:, 0], fit, atol=1e-6)
    assert frame["units"][0]["shape"] == [4, 1, 80]


def test_pictures_of_units_have_the_numbers_that_units_give() -> None:
    session = _session(activation="relu")
    frame = session.frame()
    weight, bias = (_array(frame["weights"][at]["values"]) for at in (0, 1))
    points = np.stack(
        np.meshgrid(np.linspace(-3, 3, 40)[::2], np.linspace(3, -3, 40)[::2]), axis=-1
    )
    given = np.maximum(points @ weight + bias, 0.0)
    shown, scale = _array(frame["units"][0]), np.array(frame["units"][0]["scale"])
    assert shown.shape == (4, 20, 20)
    decoded = (shown.astype("float64") - 128) / 127 * scale[:, None, None]
    assert np.abs(decoded - np.moveaxis(given, -1, 0)).max() <= scale.max() / 127


def test_units_of_digits_are_pictures_of_their_weights() -> None:
    session = Session(Settings(problem="digits", rows=40, layers=(3, 2)))
    session.step(3)
    frame = session.frame()
    first, second = frame["units"]
    assert first["of"] == "weights"
    assert first["shape"] == [3, 8, 8]
    assert second is None
    weight = _array(frame["weights"][0]["values"])
    decoded = (
        (_array(first).astype("float64") - 128) / 127 * np.array(first["scale"])[:, None, None]
    )
    assert np.allclose(decoded.reshape(3, 64).T, weight, atol=max(first["scale"]) / 127)
    assert frame["row"]["prediction"]["probabilities"] is not None


def test_curves_and_scores_are_those_of_all_rows() -> None:
    session = _session()
    now, problem = session.frame()["now"], session.problem
    for name, rows in (("train", problem.train), ("held_out", problem.held_out)):
        scores = session.timeline.trainer.evaluate(rows.x, rows.y)
        assert now[f"{name}_loss"] == pytest.approx(scores["loss"], rel=1e-6)
        assert now[f"{name}_score"] == scores["accuracy"]
    curve = session.frame()["curve"]
    assert curve["updates"] == list(range(13))
    assert curve["train_loss"][-1] == now["train_loss"]


def test_curves_stay_short_on_a_long_way_and_end_where_training_stands() -> None:
    session = Session(Settings(rows=20, layers=(2,)))
    session.step(500)
    curve, losses = session.frame()["curve"], session.frame()["losses"]
    assert len(curve["updates"]) <= 240
    assert losses["batch"]["shape"][0] <= 400
    assert losses["latest"] == session.timeline.losses[-1]
    means = _array(losses["batch"])
    every = losses["every"]
    assert np.allclose(means[5], session.timeline.losses[5 * every : 6 * every].mean())
    session.seek(100)
    assert max(session.frame()["curve"]["updates"]) <= 100
    again = Session(Settings(rows=20, layers=(2,)))
    for _ in range(5):
        again.step(100)
    again.seek(100)
    assert again.frame() == session.frame()


def test_the_row_and_the_examples_are_those_of_the_rows() -> None:
    session = _session()
    session.choose_row(4, held_out=False)
    row = session.frame()["row"]
    assert row["name"] == "row 5"
    x, y = session.problem.train.x[4:5], session.problem.train.y[4:5]
    assert np.array_equal(_array(row["inputs"]), x[0])
    assert row["truth"] == session.problem.classes[int(y[0, 0])]
    assert row["loss"] == pytest.approx(session.timeline.trainer.row_losses(x, y)[0], rel=1e-5)
    predicted = session.timeline.trainer.predict(session.problem.held_out.x)
    for one in session.frame()["examples"]:
        blue = predicted[one["number"], 0]
        assert one["prediction"]["probabilities"][1] == pytest.approx(blue, rel=1e-5)
        assert one["prediction"]["class"] == ("blue" if blue > 0.5 else "orange")


def test_rows_come_in_the_window_of_the_problem() -> None:
    plain, scaled = (
        Session(Settings(rows=20, layers=(2,), input_scale=scale)).rows() for scale in (1.0, 100.0)
    )
    for split in ("train", "held_out"):
        assert np.allclose(_array(plain[split]["x"]), _array(scaled[split]["x"]), rtol=1e-6)
    json.dumps(plain, allow_nan=False)


def test_what_changes_begins_anew_or_goes_on_as_it_can() -> None:
    session = _session()
    assert session.change(learning_rate=0.01)
    assert session.update == 12
    assert session.change(activation="relu", dropout=0.1)
    assert session.update == 12
    session.step(2)
    assert session.frame()["update"] == 14
    assert not session.change(layers=[5])
    assert session.update == 0
    assert session.settings.learning_rate == 0.01
    assert session.frame()["units"][0]["shape"][0] == 5


def test_a_limit_of_time_ends_a_way_back_as_well() -> None:
    session, straight = (Session(Settings(rows=20, layers=(2,))) for _ in range(2))
    straight.step(995)
    session.step(1_000)
    reached = [session.seek(995, seconds=0.0)]
    assert reached[0] < 995
    while reached[-1] < 995:
        reached.append(session.seek(995, seconds=0.0))
    assert reached == sorted(set(reached))
    assert np.array_equal(session.timeline.state.parameters, straight.timeline.state.parameters)
    assert session.frame() == {**straight.frame(), "furthest": 1_000}


def test_a_limit_of_time_ends_a_long_way_and_it_can_be_gone_on() -> None:
    session = Session(Settings(rows=20, layers=(2,)))
    taken = session.step(1_000_000, seconds=0.1)
    assert 0 < taken < 1_000_000
    assert session.update == taken
    other = Session(Settings(rows=20, layers=(2,)))
    other.step(taken)
    assert np.array_equal(other.timeline.state.parameters, session.timeline.state.parameters)


def test_it_goes_no_further_than_a_link_could_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MOST_UPDATES", 7)
    monkeypatch.setattr(session_module, "MOST_CHANGES", 2)
    session = Session(Settings(rows=20, layers=(2,)))
    for rate in (0.2, 0.3):
        session.step(2)
        assert session.change(learning_rate=rate)
    assert session.change(learning_rate=0.4)  # at the same update, instead of the one before
    session.step(1)
    with pytest.raises(ArgumentError, match="at most 2 on the way"):
        session.change(learning_rate=0.5)
    assert session.settings.learning_rate == 0.4
    assert session.step(6) == 2
    with pytest.raises(ArgumentError, match="7 in all at most"):
        session.step(1)
    assert Session.of_link(session.link()).frame() == session.frame()
    session.back(5)
    assert session.change(learning_rate=0.5)
