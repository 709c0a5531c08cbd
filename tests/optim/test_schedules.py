"""Every registered schedule stays within its bounds, can be resumed, and is right where we know it.

Beside PyTorch's schedules they are checked in `test_optimizers_torch.py`.
"""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.errors import ArgumentError
from misstep.optim import (
    ConstantRate,
    Cosine,
    ExponentialDecay,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    ScheduleContext,
    StepDecay,
    WarmUp,
    registered_schedules,
)

# Those that other tests write are of their files.
KINDS = {
    name: kind
    for name, kind in registered_schedules().items()
    if kind.__module__.startswith("misstep.")
}
ALL = [
    *(one for kind in KINDS.values() for one in kind.examples()),
    WarmUp(7, Cosine(0.1)),
    WarmUp(3, ReduceOnPlateau(0.1, patience=2)),
    OneCycle(0.4, 10.0, 100.0),
]
contexts = st.builds(
    lambda total, share, per_epoch: ScheduleContext(int(share * (total - 1)), per_epoch, total),
    st.integers(1, 10_000),
    st.floats(0, 1),
    st.integers(1, 500),
)


def along(schedule: Schedule, steps: int, per_epoch: int = 1) -> list[float]:
    return [schedule.factor(ScheduleContext(step, per_epoch, steps), {}) for step in range(steps)]


@pytest.mark.parametrize("schedule", ALL, ids=repr)
@settings(deadline=None)
@given(context=contexts)
def test_a_factor_lies_between_0_and_1(schedule: Schedule, context: ScheduleContext) -> None:
    factor = schedule.factor(context, {})
    assert isinstance(factor, float)
    assert 0.0 <= factor <= 1.0 + 1e-12
    assert schedule.factor(context, {}) == factor


@pytest.mark.parametrize("schedule", ALL, ids=repr)
@settings(deadline=None)
@given(losses=st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30))
def test_the_memory_is_plain_json_so_that_a_run_can_be_resumed(
    schedule: Schedule, losses: list[float]
) -> None:
    memory: dict[str, Any] = {}
    resumed: dict[str, Any] = {}
    for loss in losses:
        memory = schedule.observe(loss, memory)
        resumed = schedule.observe(loss, json.loads(json.dumps(resumed, allow_nan=False)))
        assert resumed == memory
        assert 0.0 <= schedule.factor(ScheduleContext(5, 2, 10), memory) <= 1.0


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_observing_changes_no_memory_in_place(schedule: Schedule) -> None:
    memory = schedule.observe(1.0, {})
    before = json.dumps(memory)
    schedule.observe(2.0, memory)
    assert json.dumps(memory) == before


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_settings_are_plain_json_and_give_the_same_schedule_back(schedule: Schedule) -> None:
    def built(settings: dict[str, Any]) -> Schedule:
        kind = KINDS[settings.pop("kind")]
        if isinstance(settings.get("then"), dict):
            settings["then"] = built(settings["then"])
        return kind(**settings)

    assert built(json.loads(json.dumps(schedule.configuration(), allow_nan=False))) == schedule


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_settings_that_cannot_work_are_refused(kind: type[Schedule]) -> None:
    assert kind.__doc__
    for one in dataclasses.fields(kind):  # type: ignore[arg-type]
        wrong: list[Any] = [float("nan"), -1, "0.1", None, float("inf")]
        if one.name in {"patience", "steps"}:
            wrong += [0, 2.5, True]
        if one.name == "rise":
            wrong += [0.0, 1.0]
        for setting in wrong:
            with pytest.raises(ArgumentError, match=one.name) as caught:
                kind(**{one.name: setting})
            assert kind.__name__ in str(caught.value)


@pytest.mark.parametrize("schedule", ALL, ids=repr)
@pytest.mark.parametrize("total", [1, 2])
def test_the_shortest_trainings_work(schedule: Schedule, total: int) -> None:
    assert all(0 < factor <= 1 for factor in along(schedule, total)[:1])


# --- values at known places ---------------------------------------------------------------------


def test_constant() -> None:
    assert along(ConstantRate(), 5) == [1.0] * 5


def test_step_decay() -> None:
    assert along(StepDecay(2, 0.5), 7) == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]
    assert along(StepDecay(1, 0.1), 6, per_epoch=3) == [1, 1, 1, 0.1, 0.1, 0.1]


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(1, 60))
def test_steps_fall_on_the_update_where_the_epoch_begins(per_epoch: int, every: int) -> None:
    # Epochs are fractions; at 0.3 / 0.1 = 2.9999999999999996 the step came an update late.
    schedule = StepDecay(every / per_epoch, 0.5)
    for times in range(1, 6):
        step = times * every
        assert schedule.factor(ScheduleContext(step, per_epoch, 10_000), {}) == 0.5**times
        assert schedule.factor(ScheduleContext(step - 1, per_epoch, 10_000), {}) == 0.5 ** (
            times - 1
        )


def test_exponential_decay() -> None:
    assert along(ExponentialDecay(0.5), 4) == [1, 0.5, 0.25, 0.125]
    assert along(ExponentialDecay(0.25), 3, per_epoch=2) == pytest.approx([1, 0.5, 0.25])


def test_cosine() -> None:
    assert along(Cosine(), 5) == pytest.approx(
        [1, 0.5 + math.sqrt(0.125), 0.5, 0.5 - math.sqrt(0.125), 0], abs=1e-15
    )
    assert along(Cosine(0.2), 3) == pytest.approx([1, 0.6, 0.2])


def test_one_cycle() -> None:
    factors = along(OneCycle(0.25, 25.0, 1e4), 101)
    assert factors[0] == pytest.approx(1 / 25)
    assert factors[25] == 1.0 == max(factors)
    assert factors[-1] == pytest.approx(1e-4)
    assert (np.diff(factors[:26]) > 0).all()
    assert (np.diff(factors[25:]) < 0).all()
    # Half of the way up and half of the way down lie in the middle of each cosine.
    assert along(OneCycle(0.5, 25.0, 1e4), 5)[1] == pytest.approx((1 + 1 / 25) / 2)
    assert along(OneCycle(0.5, 25.0, 1e4), 5)[3] == pytest.approx((1 + 1e-4) / 2)


def test_warm_up() -> None:
    assert along(WarmUp(4), 6) == [0.25, 0.5, 0.75, 1, 1, 1]
    both = along(WarmUp(2, StepDecay(2, 0.5)), 4)
    assert both == [0.5, 1, 0.5, 0.5]


def reduced(schedule: ReduceOnPlateau, losses: list[float]) -> list[float]:
    memory: dict[str, Any] = {}
    factors = []
    for loss in losses:
        memory = schedule.observe(loss, memory)
        factors.append(schedule.factor(ScheduleContext(0, 1, 1), memory))
    return factors


def test_reduce_on_plateau() -> None:
    found = reduced(ReduceOnPlateau(0.5, patience=2), [1, 1, 1, 1, 1, 0.5, 0.5, 0.5])
    assert found == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_reduce_on_plateau_counts_only_falls_that_matter_and_stops_at_the_lowest() -> None:
    slow = [1 - 1e-6 * step for step in range(6)]
    assert reduced(ReduceOnPlateau(0.1, patience=1, lowest=0.05), slow) == [
        1,
        0.1,
        0.05,
        0.05,
        0.05,
        0.05,
    ]
    assert reduced(ReduceOnPlateau(0.1, patience=1, threshold=0.0), slow) == [1.0] * 6


def test_reduce_on_plateau_works_below_0_and_takes_nan_for_no_fall() -> None:
    assert reduced(ReduceOnPlateau(0.5, patience=1), [-1, -2, -2.1, -2.1]) == [1, 1, 1, 0.5]
    nan = float("nan")
    assert reduced(ReduceOnPlateau(0.5, patience=2), [nan, nan, 1.0, nan]) == [1, 0.5, 0.5, 0.5]


def test_warm_up_hands_the_losses_on() -> None:
    schedule = WarmUp(1, ReduceOnPlateau(0.5, patience=1))
    memory = schedule.observe(1.0, schedule.observe(1.0, {}))
    assert schedule.factor(ScheduleContext(5, 1, 10), memory) == 0.5


def test_a_context_counts_epochs_and_shares() -> None:
    assert ScheduleContext(5, 4, 11).epoch == 1.25
    assert ScheduleContext(5, 4, 11).share == 0.5
    assert ScheduleContext(10, 4, 11).share == 1.0
    assert ScheduleContext(99, 4, 11).share == 1.0
    assert ScheduleContext(0, 0, 0).epoch == ScheduleContext(0, 0, 0).share == 0.0
