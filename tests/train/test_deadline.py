"""A deadline ends training in time by any clock, keeps the best, and changes no bit before it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import misstep as ms
from misstep.train import Cause, Deadline, Training

X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Y = (X[:, :1] - X[:, 1:2]).astype("float32")


class Hand:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Slow(ms.Callback):
    """Lets each update take some seconds of a clock."""

    def __init__(self, clock: Hand, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds

    def on_update(self, training: Training) -> None:
        self.clock.now += self.seconds


def _trainer() -> ms.Trainer:
    return ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), batch_size=16, seed=1)


@pytest.mark.parametrize(("seconds", "updates"), [(1.0, 1), (10.0, 10), (10.5, 11)])
def test_it_ends_at_the_first_update_behind_it(seconds: float, updates: int) -> None:
    clock = Hand()
    run = _trainer().fit(X, Y, epochs=100, callbacks=[Slow(clock, 1.0), Deadline(seconds, clock)])
    assert run.ending.cause is Cause.TIME_OVER
    assert run.updates == updates
    assert run.finished
    assert run.ending.cut_short


def test_it_looks_seldom_where_updates_are_fast() -> None:
    looks = itertools.count()
    clock = Hand()

    def looked() -> float:
        next(looks)
        return clock.now

    _trainer().fit(X, Y, epochs=250, callbacks=[Slow(clock, 1e-3), Deadline(0.9, looked)])
    assert clock.now == pytest.approx(0.9, abs=0.01)
    assert next(looks) < 30


def test_what_was_best_so_far_is_kept_only_where_it_was_cut_short() -> None:
    """Validation rows with other answers: the first epoch is the best one."""
    clock = Hand()
    run = _trainer().fit(
        X, Y, validation=(X, -Y), epochs=100, callbacks=[Slow(clock, 1.0), Deadline(22.0, clock)]
    )
    assert (run.epochs, run.best_epoch) == (5, 1)
    # The time is over with the very last update: nothing was cut short.
    clock = Hand()
    run = _trainer().fit(
        X, Y, validation=(X, -Y), epochs=5, callbacks=[Slow(clock, 1.0), Deadline(20.0, clock)]
    )
    assert run.ending.cause is Cause.EPOCHS_DONE
    assert run.best_epoch is None


def test_no_bit_changes_before_it() -> None:
    plain, timed = _trainer(), _trainer()
    plain.fit(X, Y, epochs=3)
    timed.fit(X, Y, epochs=3, callbacks=[Deadline(1000.0)])
    np.testing.assert_array_equal(plain.network.parameters, timed.network.parameters)


def test_a_run_that_was_cut_short_goes_on(tmp_path: object) -> None:
    whole, halved, clock = _trainer(), _trainer(), Hand()
    whole.fit(X, Y, epochs=4)
    halved.fit(
        X, Y, epochs=4, folder=str(tmp_path), callbacks=[Slow(clock, 1.0), Deadline(7.0, clock)]
    )
    further = _trainer()
    assert further.planned_epochs(str(tmp_path), X, Y) == 4
    run = further.fit(
        X,
        Y,
        epochs=4,
        folder=str(tmp_path),
        resume=True,
        callbacks=[Slow(clock, 1.0), Deadline(50.0, clock)],
    )
    assert run.ending.cause is Cause.EPOCHS_DONE
    np.testing.assert_array_equal(whole.network.parameters, further.network.parameters)


def test_nothing_is_planned_where_no_run_was_left(tmp_path: object) -> None:
    assert _trainer().planned_epochs(str(tmp_path), X, Y) is None


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(ms.errors.ArgumentError, match="seconds of Deadline"):
        Deadline(seconds)
