"""Minutes for a training: how many epochs fit, by a clock that counts updates instead of time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import misstep as ms
from misstep.data import read_table
from misstep.ir import Array
from misstep.modeling import FitResult, Options, Walk, recognize
from misstep.modeling.budget import BEGINNING, FILLED, Budget, Pace, fitting_epochs
from misstep.train import Cause, Training
from misstep.train.state import TrainingState
from misstep.train.stepping import Stepper


class Machine:
    """A machine on which each update and each validation takes a time of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, update: float, validation: float) -> None:
        self.now, self.update, self.validation, self.learned = 0.0, update, validation, 0
        learn, judge = Stepper.update, Training.evaluate

        def slow_update(stepper: Stepper, state: TrainingState, rows: Array, rates: Array) -> Any:
            self.now += self.update * len(rates)
            self.learned += len(rates)
            return learn(stepper, state, rows, rates)

        def slow_evaluate(training: Training, rows: Any) -> Any:
            self.now += self.validation
            return judge(training, rows)

        tried = ms.Trainer.evaluate

        def slow_trial(trainer: ms.Trainer, *rows: Any) -> Any:
            self.now += self.validation
            return tried(trainer, *rows)

        monkeypatch.setattr(Stepper, "update", slow_update)
        monkeypatch.setattr(Training, "evaluate", slow_evaluate)
        monkeypatch.setattr(ms.Trainer, "evaluate", slow_trial)

    def __call__(self) -> float:
        return self.now


def _table(rows: int = 600) -> Any:
    numbers = np.random.default_rng(0).normal(size=(rows, 3))
    frame = pandas.DataFrame(numbers, columns=list("abc"))
    frame["y"] = np.where(numbers[:, 0] + numbers[:, 1] > 0, "yes", "no")
    return read_table(frame)


def _train(machine: Machine | None, data: Any = None, **asked: Any) -> tuple[FitResult, float]:
    """Return what came of training, and when by the clock training was over."""
    usual: dict[str, Any] = {"target": "y", "network": "dense4", "threads": 1}
    options = Options(**usual | asked)
    modality = recognize(_table() if data is None else data, options)
    if machine is not None:
        modality.budget.clock = machine
    walk = Walk(modality)
    over = 0.0
    for _ in walk:
        if walk.fitted is not None and not over:
            over = machine.now if machine is not None else 0.0
    return walk.result, over


def _time(result: FitResult) -> tuple[str, str]:
    found = next(each for each in result.decisions if each.what == "time")
    return found.choice, found.reason


def test_as_many_epochs_fit_as_the_arithmetic_says() -> None:
    budget = Budget(100.0, clock=lambda: 0.0)
    left = FILLED * (100 - BEGINNING)
    assert fitting_epochs(budget, Pace(0.1, 50, 1.0)) == int(left / 6)
    assert fitting_epochs(budget, Pace(0.1, 50, 1.0), trainings=3.0) == int(left / 18)
    assert fitting_epochs(budget, Pace(10.0, 50, 1.0)) == 0


def test_training_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, update=0.02, validation=0.1)
    result, over = _train(machine, minutes=0.5, validation_fraction=0.2)
    assert result.run.ending.cause is Cause.EPOCHS_DONE
    assert 0.85 * 30 <= over <= 30
    assert result.run.history[-1]["learning_rate"] < 0.02 * 0.003, "it did not fall to its end"


def test_the_same_number_of_epochs_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    timed, _ = _train(Machine(monkeypatch, 0.05, 0.5), minutes=0.2)
    choice, reason = _time(timed)
    epochs = int(choice.split()[0])
    assert 1 < epochs < 50
    assert f"--epochs {epochs}" in reason
    monkeypatch.undo()
    again, _ = _train(None, epochs=epochs, patience=epochs)
    np.testing.assert_array_equal(timed.model.network.parameters, again.model.network.parameters)


def test_more_time_than_is_needed_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    timed, _ = _train(Machine(monkeypatch, 1e-4, 1e-3), minutes=10, epochs=3)
    assert _time(timed)[0].startswith("3 epochs")
    assert "you asked for no more" in _time(timed)[1]
    plain, _ = _train(None, epochs=3)
    np.testing.assert_array_equal(timed.model.network.parameters, plain.model.network.parameters)


def test_less_than_an_epoch_is_one_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, update=10.0, validation=1.0)
    result, _ = _train(machine, minutes=1)
    assert result.run.epochs == 1
    assert result.run.ending.cause is Cause.EPOCHS_DONE
    assert _time(result)[1].startswith("not even one fits into the 1 min 0 s that you gave")


def test_time_that_is_gone_before_training_is_not_laid_to_the_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result, _ = _train(Machine(monkeypatch, 1e-5, 1e-4), minutes=0.001)
    assert result.run.epochs == 1
    assert _time(result)[1].startswith("the 0.06 s that you gave went into reading and preparing")


def test_a_machine_that_slows_down_is_stopped_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, update=0.02, validation=0.1)
    fit = ms.Trainer.fit

    def slower(trainer: ms.Trainer, *rows: Any, **asked: Any) -> Any:
        machine.update *= 3
        return fit(trainer, *rows, **asked)

    monkeypatch.setattr(ms.Trainer, "fit", slower)
    result, over = _train(machine, minutes=0.5)
    assert str(result.run.ending) == "its time of 30 s was over"
    assert over == pytest.approx(30, rel=0.05)
    losses = [epoch["validation_loss"] for epoch in result.run.history]
    kept = result.run.best_epoch
    assert kept is not None
    assert losses[kept - 1] == min(losses)


def test_a_run_that_goes_on_keeps_its_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = Machine(monkeypatch, update=0.02, validation=0.1)
    fit = ms.Trainer.fit

    def broken(trainer: ms.Trainer, *rows: Any, **asked: Any) -> Any:
        class Broken(ms.Callback):
            def on_epoch_end(self, training: Training) -> None:
                if training.epoch == 2:
                    training.stop("enough")

        asked["callbacks"] = [*asked["callbacks"], Broken()]
        return fit(trainer, *rows, **asked)

    monkeypatch.setattr(ms.Trainer, "fit", broken)
    _train(machine, minutes=0.2, folder=tmp_path)
    monkeypatch.setattr(ms.Trainer, "fit", fit)
    machine.update *= 5
    resumed, _ = _train(machine, minutes=2, folder=tmp_path, resume=True)
    choice, reason = _time(resumed)
    assert reason.startswith("so many were decided on when the run began")
    machine.update /= 5
    whole, _ = _train(machine, minutes=0.2)
    assert _time(whole)[0].startswith(choice)
    np.testing.assert_array_equal(resumed.model.network.parameters, whole.model.network.parameters)


def test_a_series_has_the_time_for_all_its_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = np.arange(300)
    noise = np.random.default_rng(0).normal(size=300)
    frame = pandas.DataFrame({"y": np.sin(steps / 3) + (steps % 7 == 0) + 0.1 * noise})
    machine = Machine(monkeypatch, update=0.05, validation=0.1)
    asked = {"task": "forecast", "network": None, "minutes": 0.5}
    result, over = _train(machine, read_table(frame), **asked)
    epochs = int(_time(result)[0].split()[0])
    assert 1 < epochs < 50
    assert over < 30 / 3
    # However many of the epochs were best, all trainings together end in time.
    assert machine.now <= 30
    assert "trainings must fit" in _time(result)[1]


def test_estimators_take_minutes() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 2))
    classifier = ms.Classifier("dense4", minutes=0.01, threads=1)
    classifier.fit(rows, (rows[:, 0] > 0).astype(int))
    assert any(each.what == "time" for each in classifier.decisions_)
    with pytest.raises(ms.errors.ArgumentError, match="minutes"):
        ms.Classifier(minutes=0).fit(rows, (rows[:, 0] > 0).astype(int))


def test_more_epochs_are_done_where_they_help(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, update=1e-3, validation=1e-2)
    modality = recognize(_table(), Options(target="y", network="dense4", minutes=1))
    modality.budget.clock = machine
    prepared = modality.prepare(modality.split())
    few = replace(modality.plan(prepared), epochs=10, patience=10, most_epochs=25)
    plan = modality.plan_in_time(modality.setup(prepared, few), few)
    assert (plan.epochs, plan.patience) == (25, 25)
    said = modality.decisions.made[-1]
    assert said.reason.startswith("more of them help, and fit into the 1 min 0 s that you gave")
    assert said.reason.endswith("--epochs 25 does the same again, bit for bit")
