"""The doctor ends what is sick or can't win any more, and lets go on what might win."""

from __future__ import annotations

import numpy as np
import pytest

import misstep as ms
from misstep.tuning.doctoring import FEWEST_CURVES, Curve, Doctor, reachable
from misstep.tuning.methods import STEPS
from misstep.tuning.trial import Ended


def falling(final: float, rate: float, *, is_default: bool = False) -> Curve:
    """Return a curve that falls to `final` by the share `rate` from half of its schedule on."""
    losses = {step: final * (1 + rate * 2 * (STEPS - step) / STEPS) for step in range(1, STEPS + 1)}
    return Curve(losses, final, is_default)


CURVES = [falling(1.0 + 0.1 * number, 0.05 + 0.05 * number) for number in range(FEWEST_CURVES)]


def test_as_far_as_the_one_that_still_got_better_most() -> None:
    # The last one fell by a quarter of its end from the middle on.
    assert reachable(2.0, STEPS // 2, CURVES) == pytest.approx(2.0 / 1.25)
    # A difference says less where losses are small.
    assert reachable(0.5, STEPS // 2, CURVES) == pytest.approx(0.5 - 1.4 * 0.25)


def test_too_few_curves_say_nothing() -> None:
    assert reachable(2.0, STEPS // 2, CURVES[1:]) is None
    assert reachable(2.0, 1, CURVES) is None
    ended = [Curve({1: 2.0, 3: 1.0}, 1.0) for _ in range(9)]
    assert reachable(2.0, STEPS // 2, ended) is None


def asked(doctor: Doctor, training: object, step: int, loss: float) -> Ended | None:
    return doctor(training, step, {step: loss})  # type: ignore[arg-type]


class Unwatched:
    run_record = None


def test_who_can_not_win_any_more_is_ended_with_the_numbers() -> None:
    doctor = Doctor(lambda: CURVES)
    assert asked(doctor, Unwatched(), 10, 1.2) is None
    ended = asked(doctor, Unwatched(), 10, 2.0)
    assert ended is not None
    assert ended.by_doctor
    assert "to 1.6, the best would stay at 1" in ended.because


class Ending(ms.Callback):
    """Asks a doctor at the end of each epoch."""

    def __init__(self, doctor: Doctor, epochs: int) -> None:
        self.doctor, self.epochs = doctor, epochs
        self.ended: Ended | None = None

    def on_epoch_end(self, training: ms.train.Training) -> None:
        step = STEPS * training.epoch // self.epochs
        loss = training.history[-1]["validation_loss"]
        self.ended = self.ended or self.doctor(training, step, {step: loss})
        if self.ended is not None:
            training.stop(self.ended.because)


@pytest.mark.parametrize("ahead", [False, True])
def test_a_sick_trial_is_ended_unless_it_is_ahead_of_the_default(*, ahead: bool) -> None:
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(200, 4))
    y = (x[:, 0] > 0).astype(int)
    # Steps so large that it never learns.
    trainer = ms.Trainer(
        ms.Sequential(ms.Dense(8), ms.ReLU(), ms.Dense(2)),
        loss=ms.CrossEntropy(),
        optimizer=ms.SGD(30.0),
        threads=1,
    )
    level = 1e9 if ahead else 0.1
    default = Curve(dict.fromkeys(range(1, STEPS + 1), level), level, is_default=True)
    ending = Ending(Doctor(lambda: [default]), 20)
    trainer.fit(x, y, epochs=20, validation=(x, y), callbacks=[ending])
    assert (ending.ended is None) == ahead
    if ending.ended is not None:
        assert ending.ended.by_doctor
        assert ending.ended.because[0].isalpha()
