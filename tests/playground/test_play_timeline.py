"""Going back is real: the same bits as training without it, and as `Trainer.fit`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from misstep.playground import Settings
from misstep.playground import timeline as timeline_module
from misstep.playground.timeline import Timeline

_SMALL = Settings(rows=24, layers=(3,), batch_size=7, optimizer="adam", dropout=0.2)


def _timeline(settings: Settings = _SMALL) -> Timeline:
    return Timeline(settings, settings.made_problem())


def _bits(timeline: Timeline) -> dict[str, Any]:
    state = timeline.state
    numbers = {name: array.tobytes() for name, array in state.arrays().items()}
    return numbers | {
        "at": (state.update, state.draw, state.epoch, state.batch),
        "sums": (state.loss_sum, state.weight_sum),
    }


@pytest.mark.parametrize(
    "settings",
    [
        Settings(rows=40, layers=(4, 3)),
        Settings(rows=33, layers=(4,), optimizer="adam", l2=0.1, l1=0.01, dropout=0.3),
        Settings(problem="sine", rows=30, layers=(5,), activation="relu", clipping=0.5),
        Settings(problem="blobs", rows=30, layers=(), momentum=0.9, batch_size=5000),
        Settings(rows=30, layers=(4, 4, 4), residual=True, standardize=True, input_scale=9.0),
        Settings(rows=32, layers=(4,), normalization="batch", initialization_scale=2.0, bias=0.5),
    ],
)
def test_single_updates_are_those_of_fit_bit_for_bit(settings: Settings) -> None:
    timeline = _timeline(settings)
    problem = settings.made_problem()
    trainer = settings.trainer(problem)
    run = trainer.fit(problem.train.x, problem.train.y, epochs=3)
    while timeline.update < run.updates:
        timeline.advance(1)
    assert timeline.state.epoch == 3
    assert np.array_equal(trainer.network.parameters, timeline.state.parameters)
    assert np.array_equal(trainer.network.buffers, timeline.state.buffers)


@pytest.mark.parametrize(
    "changed",
    [{"learning_rate": 0.01}, {"optimizer": "adam", "l2": 0.1}, {"momentum": 0.9, "clipping": 0.1}],
)
def test_a_change_is_what_going_on_with_another_trainer_is(changed: dict[str, Any]) -> None:
    settings = Settings(rows=30, layers=(4,))
    timeline = _timeline(settings)
    x, y = timeline.problem.train.x, timeline.problem.train.y
    trainer = settings.trainer(timeline.problem)
    trainer.fit(x, y, epochs=2)
    after = settings.changed(changed)
    other = trainer.continued(**after.training())
    other.fit(x, y, epochs=2)
    timeline.advance(6)
    timeline.change(after)
    timeline.advance(6)
    assert np.array_equal(other.network.parameters, timeline.state.parameters)


@limits(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_any_way_to_an_update_gives_the_bits_of_the_straight_way(goals: list[int]) -> None:
    timeline, straight = _timeline(), _timeline()
    for goal in goals:
        timeline.seek(goal)
    straight.advance(goals[-1])
    assert _bits(timeline) == _bits(straight)
    assert np.array_equal(timeline.losses, straight.losses)


_ACTIONS = st.one_of(
    st.integers(0, 30),
    st.fixed_dictionaries(
        {},
        optional={
            "optimizer": st.sampled_from(("sgd", "adam", "rmsprop")),
            "learning_rate": st.sampled_from((0.01, 0.1)),
            "batch_size": st.sampled_from((5, 7, 24)),
            "l2": st.sampled_from((0.0, 0.1)),
            "activation": st.sampled_from(("tanh", "relu")),
            "dropout": st.sampled_from((0.0, 0.2)),
        },
    ),
)


@limits(max_examples=10, deadline=None)
@given(st.lists(_ACTIONS, min_size=2, max_size=7))
def test_changes_and_goings_back_are_the_plan_that_they_leave(actions: list[Any]) -> None:
    timeline = _timeline()
    for action in actions:
        if isinstance(action, int):
            timeline.seek(action)
        else:
            timeline.change(timeline.settings.changed(action))
    straight = _timeline(timeline.begins)
    straight.plan([(one.update, one.settings) for one in timeline.changes])
    straight.advance(timeline.update)
    assert _bits(timeline) == _bits(straight)
    assert timeline.settings == straight.settings


def test_states_kept_are_few_and_still_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline_module, "MOST_STATES", 8)
    timeline, straight = _timeline(), _timeline()
    timeline.advance(500)
    assert len(timeline._kept) <= 9
    for goal in (499, 3, 257, 256, 130, 0):
        timeline.seek(goal)
        straight.seek(0)
        straight.advance(goal)
        assert _bits(timeline) == _bits(straight)


def test_what_was_changed_where_no_state_is_kept_can_be_changed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timeline_module, "MOST_STATES", 8)
    timeline, straight = _timeline(), _timeline()
    slow, fast = (_SMALL.changed({"learning_rate": rate}) for rate in (0.01, 0.2))
    timeline.advance(5)
    timeline.change(slow)
    timeline.advance(200)
    assert 5 not in timeline._kept
    timeline.seek(5)
    timeline.change(fast)
    timeline.advance(9)
    straight.advance(5)
    straight.change(fast)
    straight.advance(9)
    assert _bits(timeline) == _bits(straight)
    assert timeline.changes == straight.changes


def test_large_states_take_no_more_memory_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline_module, "MOST_BYTES", 1)
    timeline = _timeline()
    timeline.advance(300)
    assert len(timeline._kept) <= timeline_module.FEWEST_STATES + 1


def test_what_comes_behind_a_change_is_otherwise_and_what_was_before_is_not() -> None:
    timeline = _timeline()
    timeline.advance(12)
    before = timeline.losses
    timeline.advance(8)
    untouched = timeline.losses
    timeline.seek(12)
    timeline.change(timeline.settings.changed({"learning_rate": 0.0}))
    assert timeline.furthest == 12
    timeline.advance(8)
    assert np.array_equal(timeline.losses[:12], before)
    assert not np.array_equal(timeline.losses, untouched)
    assert timeline.learning_rates.tolist() == [0.1] * 12 + [0.0] * 8


def test_a_copy_goes_its_own_way() -> None:
    timeline, straight = _timeline(), _timeline()
    timeline.advance(10)
    other = timeline.again(timeline.settings.changed({"learning_rate": 1.0}))
    other.advance(15)
    timeline.advance(5)
    straight.advance(15)
    assert _bits(timeline) == _bits(straight)
    assert other.update == 25
    straight.seek(10)
    straight.change(straight.settings.changed({"learning_rate": 1.0}))
    straight.advance(15)
    assert _bits(other) == _bits(straight)


def test_an_update_that_can_not_be_done_is_told_and_can_be_left() -> None:
    timeline = _timeline(
        Settings(rows=20, layers=(8,) * 5, activation="relu", initialization_scale=50.0)
    )
    taken = timeline.advance(50)
    assert timeline.failed
    assert taken == timeline.update < 50
    end = timeline.update
    assert timeline.advance(5) == 0
    timeline.seek(0)
    assert not timeline.failed
    assert timeline.seek(50) == end
    assert timeline.failed
    timeline.seek(0)
    timeline.change(timeline.settings.changed({"learning_rate": 0.0}))
    assert timeline.advance(5) == 5
