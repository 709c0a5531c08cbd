"""A training whose schedule ends it early: when, with which rates, resumed, and not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.optim import EarlyDecay, OneCycle, ScheduleContext
from misstep.train import Cause
from misstep.train.progress import LineProgress

X = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0).astype("int64")
EPOCHS = 40


def _trainer(schedule: ms.optim.Schedule) -> ms.Trainer:
    return ms.Trainer(
        ms.Sequential(ms.Dense(8), ms.ReLU(), ms.Dense(2)),
        loss=ms.CrossEntropy(),
        optimizer=ms.Adam(0.02),
        schedule=schedule,
        batch_size=16,
        seed=3,
    )


def _low_enough() -> float:
    """Return a loss that training comes to in epoch 11."""
    return float(_trainer(OneCycle(0.1)).fit(X, Y, epochs=EPOCHS).losses[10])


def test_the_rate_falls_from_then_on_and_training_ends_with_it() -> None:
    plain = _trainer(OneCycle(0.1)).fit(X, Y, epochs=EPOCHS)
    run = _trainer(EarlyDecay(_low_enough(), 0.1)).fit(X, Y, epochs=EPOCHS)
    assert run.ending.cause is Cause.LEARNED
    assert run.epochs == 22
    assert str(run.ending).endswith("has fallen to its end in 22 epochs")
    assert run.losses[:11] == plain.losses[:11]
    assert run.record is not None
    rates = run.record.steps["learning_rate"]
    # Half a cosine from where the cycle stood, over as many updates as went before.
    begins, updates = 44, 88
    assert len(rates) == updates
    high = OneCycle(0.1).factor(ScheduleContext(begins, 4, 4 * EPOCHS), {})
    shares = np.arange(updates - begins) / (updates - begins - 1)
    expected = 1e-4 + (high - 1e-4) * 0.5 * (1 + np.cos(np.pi * shares))
    np.testing.assert_allclose(rates[begins:], 0.02 * expected, rtol=1e-5)
    assert any(event["kind"] == "shortened" for event in run.record.events)
    assert run.finished
    assert not run.ending.cut_short


@pytest.mark.parametrize("loss", [0.0, "of the last epoch"])
def test_it_is_one_cycle_to_the_last_bit_where_too_little_is_learned(loss: Any) -> None:
    plain = _trainer(OneCycle(0.1))
    losses = plain.fit(X, Y, epochs=EPOCHS).losses
    trainer = _trainer(EarlyDecay(losses[-1] if loss else 0.0, 0.1))
    assert trainer.fit(X, Y, epochs=EPOCHS).epochs == EPOCHS
    np.testing.assert_array_equal(plain.network.parameters, trainer.network.parameters)


def test_nothing_ends_it_while_the_rate_still_rises() -> None:
    run = _trainer(EarlyDecay(100.0, 0.25)).fit(X, Y, epochs=EPOCHS)
    assert run.epochs == 2 * EPOCHS // 4


@pytest.mark.parametrize("stop", [8, 11, 15, 22])
def test_a_run_that_goes_on_is_the_same_run(tmp_path: Path, stop: int) -> None:
    schedule = EarlyDecay(_low_enough(), 0.1)
    whole = _trainer(schedule)
    whole.fit(X, Y, epochs=EPOCHS)

    class Stop(ms.Callback):
        def on_epoch_end(self, training: ms.train.Training) -> None:
            if training.epoch == stop:
                training.stop("enough for now")

    _trainer(schedule).fit(X, Y, epochs=EPOCHS, folder=tmp_path, callbacks=[Stop()])
    further = _trainer(schedule)
    run = further.fit(X, Y, epochs=EPOCHS, folder=tmp_path, resume=True)
    assert (run.epochs, run.ending.cause) == (22, Cause.LEARNED)
    np.testing.assert_array_equal(whole.network.parameters, further.network.parameters)


def test_a_trainer_that_is_fitted_again_trains_on() -> None:
    trainer = _trainer(EarlyDecay(_low_enough(), 0.1))
    trainer.fit(X, Y, epochs=EPOCHS)
    assert trainer.fit(X, Y, epochs=5).epochs == 27


def test_it_is_told_while_it_goes_on() -> None:
    shown = io.StringIO()
    schedule = EarlyDecay(_low_enough(), 0.1)
    _trainer(schedule).fit(X, Y, epochs=EPOCHS, progress=LineProgress(shown))
    assert "all is learned after 11 epochs: the learning rate falls to its end in epoch 22" in (
        shown.getvalue()
    )
    assert "epoch 22/22" in shown.getvalue()


def test_warm_up_hears_of_it() -> None:
    schedule = ms.optim.WarmUp(8, EarlyDecay(_low_enough(), 0.1))
    run = _trainer(schedule).fit(X, Y, epochs=EPOCHS)
    assert run.ending.cause is Cause.LEARNED
    assert schedule.whole == ms.optim.WarmUp(8, OneCycle(0.1))
