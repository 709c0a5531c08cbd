"""Trials: what is not changed is bit-identical, and the better ones go further."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.trials.halving import successive_halving
from misstep.trials.setting import Judged
from misstep.trials.trial import Trial, loss_judge
from misstep.trials.yardstick import Yardstick

generator = np.random.default_rng(3)
X = generator.normal(size=(150, 3)).astype("float32")
Y = (np.sin(2 * X[:, :1]) + X[:, 1:2]).astype("float32")
TRAIN, HELD = slice(0, 110), slice(110, 150)


def trainer(rate: float = 0.01, **more: Any) -> ms.Trainer:
    layers = ms.Sequential(ms.Dense(12), ms.ReLU(), ms.Dropout(0.1), ms.Dense(1))
    settings = {"optimizer": ms.Adam(rate), "seed": 4, "batch_size": 16} | more
    return ms.Trainer(layers, loss=ms.SquaredError(), **settings)


def trial(label: str, one: ms.Trainer, updates: int = 70, **more: Any) -> Trial:
    start = one.variant(input_shape=(3,))
    rows, held = Judged.of(start, X[TRAIN], Y[TRAIN]), Judged.of(start, X[HELD], Y[HELD])
    return Trial(label, start, rows, loss_judge(held), updates, **more)


@pytest.mark.parametrize("schedule", [ms.optim.ConstantRate(), ms.optim.Cosine(0.1)])
@pytest.mark.parametrize("shares", [(1.0,), (0.1, 0.35, 1.0)])
def test_an_unchanged_trial_is_the_training_bit_for_bit(schedule: Any, shares: Any) -> None:
    trained = trainer(schedule=schedule)
    trained.fit(X[TRAIN], Y[TRAIN], epochs=10)
    control = trial("control", trainer(schedule=schedule))
    for share in shares:
        control.advance(share)
    assert np.array_equal(control.kept()[0], trained.network.parameters)
    assert control.loss == pytest.approx(trained.evaluate(X[HELD], Y[HELD])["loss"])
    assert control.penalties() == pytest.approx(trained.row_losses(X[HELD], Y[HELD]))


@pytest.mark.parametrize(
    "schedule",
    [ms.optim.ReduceOnPlateau(0.1, 2, 0.05), ms.optim.WarmUp(5, ms.optim.ReduceOnPlateau(0.5, 1))],
)
def test_a_schedule_hears_of_each_epoch_as_it_does_in_training(schedule: Any) -> None:
    trained = trainer(schedule=schedule)
    trained.fit(X[TRAIN], Y[TRAIN], validation=(X[HELD], Y[HELD]), epochs=40)
    assert trained.state is not None
    assert trained.state.memory["factor"] < 1
    control = trial("control", trainer(schedule=schedule), updates=40 * 7)
    control.advance(1.0)
    assert np.array_equal(control.last_parameters, trained.network.parameters)


def test_a_schedule_that_ends_training_early_ends_a_trial_with_it() -> None:
    schedule = ms.optim.EarlyDecay(loss=1.0, rise=0.1)
    trained = trainer(schedule=schedule)
    run = trained.fit(X[TRAIN], Y[TRAIN], epochs=60)
    assert run.updates < 60 * 7
    control = trial("control", trainer(schedule=schedule), updates=60 * 7)
    control.advance(0.5)
    control.advance(1.0)
    assert control.ended
    assert control.done == run.updates
    assert np.array_equal(control.last_parameters, trained.network.parameters)


def test_it_leaves_the_trainer_as_it_is() -> None:
    one = trainer()
    one.fit(X[TRAIN], Y[TRAIN], epochs=1)
    before = one.network.parameters.copy()
    goes_on = Trial(
        "on",
        one,
        Judged.of(one, X[TRAIN], Y[TRAIN]),
        loss_judge(Judged.of(one, X[HELD], Y[HELD])),
        20,
    )
    goes_on.advance(1.0)
    assert np.array_equal(one.network.parameters, before)
    assert not np.array_equal(goes_on.kept()[0], before)


def test_the_best_moment_counts_where_that_is_asked() -> None:
    best = trial("best", trainer(0.2), keeps_best=True)
    best.advance(1.0)
    assert best.loss == min(moment.loss for moment in best.curve)
    assert best.penalties().mean() == pytest.approx(best.loss)


def test_halving_lets_the_better_ones_go_on() -> None:
    rates = {"good": 0.02, "fair": 0.005, "poor": 1e-5, "worse": 1e-6, "poorest": 1e-7}
    trials = [trial(label, trainer(rate)) for label, rate in rates.items()]
    winners, rungs = successive_halving(trials, always=("worse",))
    assert [one.label for one in winners] == ["good", "fair", "worse"]
    assert rungs[0].order[0] == "good"
    done = {one.label: one.done for one in trials}
    assert done["good"] == done["worse"] == 70 > done["poor"]


def test_a_failed_trial_wins_nothing() -> None:
    sick = replace(trial("sick", trainer(optimizer=ms.SGD(1e30))))
    winners, _ = successive_halving([sick, trial("well", trainer())])
    assert sick.failed
    assert [one.label for one in winners] == ["well"]


def test_a_yardstick_has_the_best_constant_at_one() -> None:
    numbers = Yardstick.of(ms.SquaredError(), Y, (1,))
    assert numbers.penalties(np.full_like(Y, Y.mean()), Y).mean() == pytest.approx(1.0)
    classes = np.array([0, 1, 2, 2])
    shares = np.tile([0.25, 0.25, 0.5], (4, 1))
    measure = Yardstick.of(ms.CrossEntropy(), classes, (3,))
    assert measure.penalties(shares, classes).mean() == pytest.approx(1.0)
    assert measure.penalties(np.eye(3)[classes], classes) == pytest.approx(0.0)
    median = Yardstick.of(ms.losses.AbsoluteError(), Y, (1,))
    assert median.penalties(np.full_like(Y, np.median(Y)), Y).mean() == pytest.approx(1.0)


def test_a_variant_with_another_rate_has_the_same_programs() -> None:
    one = trainer()
    one.fit(X[TRAIN], Y[TRAIN], epochs=1)
    assert one.variant(optimizer=ms.Adam(0.5))._programs is one._programs
    assert one.variant(optimizer=ms.Adam(0.01, beta1=0.5))._programs is None
    assert one.variant(optimizer=ms.SGD(0.01))._programs is None
