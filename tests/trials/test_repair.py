"""Repair: what is proven is adopted, what is not is rolled back, and nothing is touched before."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import misstep as ms
from misstep.errors import ArgumentError, MisstepError, NotFittedError
from misstep.trials import Case, Change, Judged, Remedy, case_of, repair_case
from misstep.trials.benches import unlearned
from misstep.trials.costing import FEW_ARMS, Length, affordable, round_cost
from misstep.trials.proof import difference
from misstep.trials.rounds import (
    CONTROL,
    MOST_ARMS,
    ArmResult,
    Budget,
    Round,
    Verdict,
    _arms,
    _most_certain,
    play_round,
)
from misstep.trials.trial import Trial

generator = np.random.default_rng(8)
X = generator.normal(size=(360, 4)).astype("float32")
Y = (np.sin(2 * X[:, :1]) + X[:, 1:2] * X[:, 2:3]).astype("float32")
TRAIN, HELD = (X[:240], Y[:240]), (X[240:], Y[240:])


def trained(optimizer: Any, epochs: int = 25, held: bool = True, **more: Any) -> ms.Trainer:
    layers = ms.Sequential(ms.Dense(24), ms.ReLU(), ms.Dense(1))
    trainer = ms.Trainer(layers, loss=ms.SquaredError(), optimizer=optimizer, seed=3, **more)
    with np.errstate(all="ignore"):
        trainer.fit(*TRAIN, epochs=epochs, validation=HELD if held else None)
    return trainer


def sick_case(optimizer: Any, held: bool = True, **more: Any) -> Case:
    trainer = trained(optimizer, held=held, **more)
    assert trainer.last_run is not None
    record = trainer.last_run.record
    assert record is not None
    return case_of(record, trainer, *TRAIN, None, HELD if held else None)


def loss_of(trainer: ms.Trainer) -> float:
    return trainer.evaluate(*HELD)["loss"]


def test_what_helps_is_adopted_and_the_first_run_stays_as_it_is() -> None:
    trainer = trained(ms.SGD(1e-5))
    before = trainer.network.parameters.copy()
    repair = ms.repair(trainer, *TRAIN, validation=HELD)
    assert repair.adopted
    assert repair.rounds[0].identical is True
    assert loss_of(repair.trainer) < 0.5 * loss_of(trainer)
    assert np.array_equal(trainer.network.parameters, before)
    # What is told of the winner is what its weights do.
    winner = repair.rounds[0].winner
    assert winner is not None
    assert winner.difference is not None
    assert winner.difference.low > 0


def test_the_adopted_training_has_the_weights_of_its_trial() -> None:
    case = sick_case(ms.SGD(1e-5))
    repair = repair_case(case, rounds=1)
    winner = repair.rounds[0].winner
    assert winner is not None
    assert np.array_equal(winner.trial.last_parameters, repair.trainer.network.parameters)
    again = repair_case(case, rounds=1)
    assert np.array_equal(again.trainer.network.parameters, repair.trainer.network.parameters)


def test_a_sound_run_is_left_alone() -> None:
    trainer = trained(ms.Adam(0.01), epochs=60)
    repair = ms.repair(trainer, *TRAIN, validation=HELD)
    if repair.adopted:
        assert loss_of(repair.trainer) < loss_of(trainer)
    else:
        assert repair.trainer is trainer
        assert repair.run is None


@pytest.mark.parametrize("optimizer", [ms.SGD(1e25), ms.SGD(50.0)])
def test_a_run_that_failed_is_repaired(optimizer: Any) -> None:
    trainer = trained(optimizer)
    repair = ms.repair(trainer, *TRAIN, validation=HELD)
    assert repair.adopted
    assert loss_of(repair.trainer) < float(np.var(HELD[1]))


def test_without_validation_rows_some_are_kept_from_the_trials() -> None:
    case = sick_case(ms.SGD(1e-5), held=False)
    repair = repair_case(case, rounds=1)
    assert repair.rounds[0].verdict is Verdict.ADOPTED
    assert repair.rounds[0].identical is None
    control = next(one for one in repair.rounds[0].arms if one.kind == "control")
    assert len(control.trial.rows) == 240 - 240 // 5
    assert loss_of(repair.trainer) < 1.0


def test_too_few_rows_to_judge_by_are_refused() -> None:
    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(1e-6))
    trainer.fit(X[:10], Y[:10], epochs=2)
    with pytest.raises(MisstepError, match="8 validation rows"):
        ms.repair(trainer, X[:10], Y[:10])


def test_a_training_that_nobody_watched_is_refused() -> None:
    with pytest.raises(NotFittedError, match="watched"):
        ms.repair(ms.Trainer(ms.Dense(1), loss=ms.SquaredError()), *TRAIN)


def test_budgets_are_kept() -> None:
    case = sick_case(ms.SGD(1e-5))
    run = case.setting.taken
    for runs in (6, 12, 30):
        repair = repair_case(case, steps=runs * run)
        assert repair.updates <= runs * run
    small = repair_case(case, steps=run)
    assert small.rounds[0].verdict is Verdict.NO_BUDGET
    assert small.rounds[0].needed > run
    assert small.updates == 0
    with pytest.raises(ArgumentError, match="more than 0"):
        repair_case(case, steps=0)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_budgets_are_kept_where_arms_are_compared_after_a_whole_epoch_only(epochs: int) -> None:
    case = sick_case(ms.SGD(1e-5), epochs=epochs)
    for runs in (8, 11, 15):
        repair = repair_case(case, steps=runs * case.setting.taken, rounds=1)
        assert 0 < repair.updates <= runs * case.setting.taken


def test_time_that_is_over_adopts_nothing() -> None:
    case = sick_case(ms.SGD(1e-5))
    repair = repair_case(case, seconds=1e-9)
    assert repair.rounds[0].verdict is Verdict.NO_BUDGET
    assert not repair.adopted


@given(
    st.lists(
        st.builds(Length, st.integers(1, 900), st.booleans(), st.integers(1, 90)),
        min_size=1,
        max_size=12,
    ),
    st.lists(st.integers(1, 300), min_size=1, max_size=2),
    st.integers(50, 20_000),
)
@settings(max_examples=60, deadline=None)
def test_what_is_affordable_costs_no_more(
    arms: list[Length], always: list[int], budget: int
) -> None:
    places, courses = affordable(arms, always, budget)
    kept = [arms[place] for place in places]
    assert places == sorted(set(places))
    if kept:
        assert round_cost(kept, always, courses) <= budget
        assert courses == 1 or len(kept) >= min(FEW_ARMS, len(arms))
    else:
        assert all(round_cost([one], always, 1) > budget for one in arms)


class Harmful(Remedy):
    """Makes it worse, whatever it is."""

    answers = ("learning-rate-too-low",)
    title = "something harmful"

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield a rate at which nothing is learned."""
        yield Change("harm", case.start.variant(optimizer=ms.SGD(1e-12)), "nothing")


class Interrupting(Remedy):
    """Is interrupted by the person."""

    answers = ("learning-rate-too-low",)
    title = "something that takes long"

    def changes(self, case: Case) -> Iterator[Change]:
        """Raise what Ctrl-C raises."""
        raise KeyboardInterrupt
        yield


def test_what_does_not_help_is_rolled_back() -> None:
    harmful = Harmful()
    harmful.name = "harmful"  # type: ignore[misc]
    repair = repair_case(sick_case(ms.SGD(1e-5)), remedies=[harmful])
    assert [one.verdict for one in repair.rounds] == [Verdict.NOT_BETTER]
    assert not repair.adopted
    assert repair.run is None


def test_ctrl_c_ends_it_with_what_there_is() -> None:
    slow = Interrupting()
    slow.name = "slow"  # type: ignore[misc]
    repair = repair_case(sick_case(ms.SGD(1e-5)), remedies=[slow])
    assert repair.interrupted
    assert not repair.adopted


def test_all_of_it_can_be_written_down_and_said() -> None:
    repair = repair_case(sick_case(ms.SGD(1e-5)))
    plain = json.loads(json.dumps(repair.plain(), allow_nan=True))
    arms = plain["rounds"][0]["arms"]
    assert {"control", "random", "remedy"} >= {one["arm"] for one in arms}
    assert arms[0]["label"] == CONTROL
    assert all(one["curve"] for one in arms)
    words = str(repair)
    for one in arms:
        assert one["label"] in words
    assert f"{repair.updates:,} updates" in words


def test_a_difference_is_that_of_the_rows() -> None:
    random = np.random.default_rng(0)
    other, arm = random.uniform(size=(3, 50)), random.uniform(size=(3, 50))
    found = difference(other, arm)
    rows = other[0] - arm[0]
    assert found.mean == pytest.approx(rows.mean())
    assert found.high - found.mean == pytest.approx(1.96 * rows.std(ddof=1) / 50**0.5)
    assert found.elsewhere == pytest.approx((other[1:] - arm[1:]).mean())
    better = difference(other + 1.0, arm)
    assert better.is_proven
    assert difference(arm, other + 1.0).is_refuted


def test_luck_in_one_course_is_no_proof() -> None:
    other = np.ones((3, 50))
    arm = np.stack([np.full(50, 0.5), np.full(50, 1.1), np.full(50, 1.2)])
    assert difference(other, arm).low > 0
    assert not difference(other, arm).is_proven


def test_by_default_a_round_pays_for_the_run_as_long_as_it_is_by_then() -> None:
    case = sick_case(ms.Adam(0.003), epochs=1)
    repair = repair_case(case)
    lengths = [one.arms[0].trial.updates for one in repair.rounds if one.arms]
    assert lengths[-1] > lengths[0]
    assert not any(one.verdict is Verdict.NO_BUDGET for one in repair.rounds)


@pytest.mark.parametrize("moments", [3, 14, 20])
def test_what_the_clock_ended_on_its_way_is_held_against_nothing(
    moments: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([1.0] * moments)
    monkeypatch.setattr(Budget, "seconds_left", property(lambda _: next(left, 0.0)))
    case = sick_case(ms.SGD(1e-5), epochs=4)
    one, _ = play_round(case, 1, Budget(), seed=0)
    for arm in one.arms:
        assert arm.rank is None or arm.trial.is_over
    if one.arms[0].rank is None:
        assert one.verdict is Verdict.NO_BUDGET


def test_an_arm_that_does_as_the_control_does_is_not_what_is_proven() -> None:
    case = sick_case(ms.SGD(1e-5), epochs=1)

    def arm(label: str, penalties: Any) -> ArmResult:
        trial = Trial(label, case.start, case.setting.rows, lambda _: np.array(penalties), 1)
        return ArmResult(Change(label, case.start, ""), "", "", "", "remedy", trial, rank=1)

    control = arm(CONTROL, [1.0, 1.0, 1.0, 1.0])
    same, far = arm("same", [0.9999] * 4), arm("far", [0.1, 0.9, 0.1, 1.7])
    sure = arm("sure", [0.6, 0.7, 0.6, 0.7])
    assert _most_certain(control, [same, far]) is far
    assert _most_certain(control, [same, far, sure]) is sure


@pytest.mark.parametrize("seed", range(6))
def test_the_random_remedy_is_none_that_a_finding_names(seed: int) -> None:
    class Many(Harmful):
        def __init__(self, number: int, named: bool) -> None:
            self.label = f"{'named' if named else 'other'} {number}"
            # Of a class variable each has its own.
            vars(self).update(name=self.label, answers=Harmful.answers if named else ())

        def changes(self, case: Case) -> Iterator[Change]:
            yield Change(self.label, case.start, "")

    case = sick_case(ms.SGD(1e-5), epochs=1)
    known: list[Remedy] = [Many(number, True) for number in range(MOST_ARMS + 4)]
    found = Round(1, Harmful.answers)
    named, drawn = _arms(case, [*known, Many(0, False)], found, seed, math.inf)
    assert len(named) == MOST_ARMS
    assert drawn is not None
    assert drawn.change.label == "other 0"


def test_copies_of_training_rows_prove_nothing() -> None:
    learned = Judged(*TRAIN)
    mixed = Judged(np.concatenate([X[:100], X[240:300]]), np.concatenate([Y[:100], Y[240:300]]))
    judged = unlearned(mixed, learned)
    assert judged is not None
    assert np.array_equal(judged.x, X[240:300])
    assert np.array_equal(judged.y, Y[240:300])
    # Where there are no others, some training rows are kept from the trials instead.
    assert unlearned(Judged(X[:100], Y[:100]), learned) is None
    # Of a truth table copies are all there is.
    table = Judged(np.tile(X[:4], (20, 1)), np.tile(Y[:4], (20, 1)))
    assert unlearned(table, table) is table
    assert unlearned(None, learned) is None


def test_where_answers_leak_nothing_is_tried() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(600, 5)).astype("float32")
    labels = (x[:, 0] + random.normal(size=600) > 0).astype("int64")
    x[:, 4] = labels + 0.001 * x[:, 4]
    trainer = ms.Trainer(
        ms.Sequential(ms.Dense(8), ms.ReLU(), ms.Dense(2)),
        loss=ms.CrossEntropy(),
        optimizer=ms.Adam(0.02),
        seed=1,
    )
    held = (x[400:], labels[400:])
    trainer.fit(x[:400], labels[:400], epochs=20, validation=held)
    repair = ms.repair(trainer, x[:400], labels[:400], validation=held)
    assert "leakage" in repair.rounds[0].findings
    assert repair.rounds[0].verdict is Verdict.ANSWERS_LEAK
    assert repair.updates == 0
    assert "tell the answers" in str(repair)
