"""The doctor speaks as training goes; each remedy is tried beside a control, and adopted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from misstep.errors import ArgumentError
from misstep.playground import Session, Settings, preset_named, presets
from misstep.playground.remedy_settings import settings_of
from misstep.playground.timeline import Timeline

_BROKEN = [one.name for one in presets() if one.ailment]
_HEALTHY = [one.name for one in presets() if not one.ailment]


@pytest.mark.parametrize("name", _BROKEN)
def test_the_doctor_names_the_ailment_of_each_broken_preset(name: str) -> None:
    preset = preset_named(name)
    session = Session(preset.settings)
    session.step(preset.updates)
    diagnosis = session.diagnose()
    assert diagnosis["findings"][0]["slug"] == preset.ailment
    assert diagnosis["critical"]
    json.dumps(diagnosis, allow_nan=False)


@pytest.mark.parametrize("name", [one for one in _HEALTHY if one not in ("spirals", "staircase")])
def test_the_doctor_has_nothing_against_healthy_presets_on_their_way(name: str) -> None:
    preset = preset_named(name)
    session = Session(preset.settings)
    for share in (0.02, 0.2, 0.6, 1.0):
        session.seek(round(share * preset.updates))
        severities = {one["severity"] for one in session.diagnose()["findings"]}
        assert severities <= {"note"}


def test_what_is_found_depends_on_the_way_alone() -> None:
    settings = preset_named("rate-times-100").settings
    straight, wandering = Session(settings), Session(settings)
    straight.step(60)
    for goal in (3, 44, 10, 90, 60):
        wandering.seek(goal)
        wandering.diagnose(throttled=True)
    assert wandering.diagnose()["findings"] == straight.diagnose()["findings"]


def test_a_throttled_question_is_answered_from_before_and_says_of_when() -> None:
    session = Session(Settings(rows=20, layers=(2,)))
    session.step(5)
    assert session.diagnose()["update"] == 5
    session.step(1)
    assert session.diagnose(throttled=True)["update"] == 5
    assert session.diagnose()["update"] == 6


def test_examining_and_trying_move_nothing() -> None:
    session, other = (Session(Settings(rows=30, layers=(3,), optimizer="adam")) for _ in range(2))
    for _ in range(2):
        session.step(4)
        session.diagnose()
        for tried in session.remedies(3):
            json.dumps(tried, allow_nan=False)
    other.step(8)
    assert session.link() == other.link()
    for name, array in session.timeline.state.arrays().items():
        assert np.array_equal(array, other.timeline.state.arrays()[name])


def test_a_limit_of_time_parts_the_way_of_an_attempt_and_changes_nothing() -> None:
    session = Session(Settings(rows=30, layers=(3,)))
    session.step(5)
    straight, parted = session.remedies(40), session.remedies(40, seconds=0.0)
    answers = [next(parted)]
    while not answers[-1]:
        answers.append(next(parted))
    assert len(answers) > 5
    assert answers[-1] == next(straight)
    with pytest.raises(ArgumentError, match="none was so far"):
        session.adopt(1)


def test_the_control_is_what_going_on_comes_to() -> None:
    session = Session(Settings(rows=30, layers=(3,)))
    session.step(20)
    control = next(session.remedies(15))
    assert control["label"] == "unchanged"
    assert control["effect"] is None
    session.step(15)
    now = session.frame()["now"]
    assert control["held_out_loss"] == pytest.approx(now["held_out_loss"], rel=1e-6)
    assert control["train_score"] == now["train_score"]


def test_zeros_are_mended_by_first_weights_and_adopting_gives_what_was_tried() -> None:
    session = Session(Settings(rows=100, layers=(8,), initialization="zeros"))
    session.step(30)
    tried = list(session.remedies(100))
    best = next(one for one in tried if one["remedy"] == "default-initialization")
    assert best["settings"] == {"initialization": "suited"}
    assert best["begins_anew"]
    assert best["effect"]["helps"]
    assert best["effect"]["low"] > 0
    assert best["curve"]["updates"][-1] == 130
    assert not session.adopt(best["number"])
    assert session.update == 30
    session.seek(130)
    now = session.frame()["now"]
    assert now["held_out_loss"] == pytest.approx(best["held_out_loss"], rel=1e-6)
    assert Session.of_link(session.link()).frame()["now"] == now


def test_a_remedy_that_keeps_weights_goes_on_from_here() -> None:
    session = Session(Settings(rows=60, layers=(4,), learning_rate=10.0))
    session.step(30)
    tried = {one["number"]: one for one in session.remedies(20) if one["number"]}
    kept = next(one for one in tried.values() if not one["begins_anew"])
    assert session.adopt(kept["number"])
    assert session.update == 30
    session.step(20)
    now = session.frame()["now"]["held_out_loss"]
    assert now == pytest.approx(kept["held_out_loss"], rel=1e-6)


def test_where_numbers_stopped_being_numbers_is_told_and_nothing_moves() -> None:
    session = Session(preset_named("large-first-weights").settings)
    session.step(5)
    link, bits = session.link(), session.timeline.state.parameters.tobytes()
    origin = session.diagnose()["origin"]
    assert "arose in update 2" in origin
    assert "too large for float32" in origin
    assert session.link() == link
    assert session.timeline.state.parameters.tobytes() == bits
    assert session.failed
    session.back(1)
    assert session.diagnose()["origin"] is None


def test_what_comes_to_no_numbers_is_worse_than_what_does() -> None:
    session = Session(preset_named("large-first-weights").settings)
    session.step(5)
    assert session.failed
    tried = list(session.remedies(10))
    assert tried[0]["failed"]
    assert tried[0]["held_out_loss"] is None
    mended = next(one for one in tried if one["remedy"] == "default-initialization")
    assert mended["effect"]["helps"]


def test_training_that_goes_on_meanwhile_changes_no_attempt() -> None:
    session, other = (Session(Settings(rows=30, layers=(3,), learning_rate=3.0)) for _ in range(2))
    session.step(20)
    other.step(20)
    straight = list(other.remedies(5))
    meanwhile = []
    for tried in session.remedies(5):
        meanwhile.append(tried)
        session.step(3)
        session.change(learning_rate=0.01 * len(meanwhile))
    assert meanwhile == straight


def test_only_what_was_tried_is_adopted() -> None:
    session = Session(Settings(rows=20, layers=(2,)))
    with pytest.raises(ArgumentError, match="none was so far"):
        session.adopt(1)
    with pytest.raises(ArgumentError, match="updates of an attempt"):
        session.remedies(0)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(layers=(), l1=0.1),
        Settings(layers=(4, 4), residual=True, dropout=0.2, clipping=1.0),
        Settings(layers=(5,), normalization="batch", optimizer="adamw", weight_decay=0.1),
        Settings(
            layers=(5, 3), activation="linear", momentum=0.5, clipping=2.0, clipping_by="value"
        ),
        Settings(layers=(5, 3), initialization="zeros", bias=-2.0, standardize=True, batch_size=3),
        Settings(layers=(5, 3), activation="relu", initialization_scale=2.0, l2=0.3),
        Settings(layers=(5, 3), activation="leaky-relu", initialization="he"),
    ],
)
def test_settings_are_read_from_the_trainer_that_they_make(settings: Settings) -> None:
    problem = settings.made_problem()
    trainer = settings.trainer(problem)
    other = Settings(problem=settings.problem, activation="relu", rows=settings.rows)
    before = settings if settings.initialization_scale != 1.0 else other
    found = settings_of(trainer, before, problem)
    assert found is not None
    made = found.trainer(problem)
    assert np.array_equal(made.network.parameters, trainer.network.parameters)
    way, same = Timeline(settings, problem), Timeline(found, problem)
    way.advance(5)
    same.advance(5)
    assert np.array_equal(way.state.parameters, same.state.parameters)


def test_an_update_that_can_not_be_done_is_examined_anew() -> None:
    session = Session(preset_named("large-first-weights").settings)
    session.step(1)
    session.change(learning_rate=100.0)
    before = session.diagnose()
    session.step(1)
    assert session.failed
    # At the same update as before, but now it is known that the next one fails.
    assert session.diagnose()["findings"] != before["findings"]
