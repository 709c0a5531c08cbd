"""`trainer.fit(repair=True)`: the trainer becomes the repaired one, and what was tried is known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms

generator = np.random.default_rng(5)
X = generator.normal(size=(260, 3)).astype("float32")
Y = (2 * X[:, :1] + np.sin(2 * X[:, 1:2])).astype("float32")
ROWS, HELD = (X[:180], Y[:180]), (X[180:], Y[180:])


def sick(**more: Any) -> ms.Trainer:
    layers = ms.Sequential(ms.Dense(12), ms.ReLU(), ms.Dense(1))
    settings = {"optimizer": ms.SGD(1e-6), "seed": 2} | more
    return ms.Trainer(layers, loss=ms.SquaredError(), **settings)


def test_the_trainer_becomes_the_repaired_one(tmp_path: Path) -> None:
    alone = sick()
    alone.fit(*ROWS, validation=HELD, epochs=15)
    trainer = sick()
    budget = ms.RepairBudget(rounds=1)
    run = trainer.fit(*ROWS, validation=HELD, epochs=15, folder=tmp_path, repair=budget)
    assert run.repair.adopted
    assert run.repair.rounds[0].identical
    assert trainer.last_run is run
    assert run.folder == tmp_path / "repair-1"
    assert trainer.evaluate(*HELD)["loss"] < 0.6 * alone.evaluate(*HELD)["loss"]
    # All of it is that of the repaired one: what is asked, saved or trained further.
    winner = run.repair.adopted[0].change.trainer
    assert repr(trainer.optimizer) == repr(winner.optimizer)
    further = trainer.fit(*ROWS, validation=HELD, epochs=1)
    assert further.updates == run.updates + -(-180 // 32)
    # The first run stays, and its record knows what was tried.
    first = ms.read_record(tmp_path)
    assert [one["kind"] for one in first.events].count("repair") == 1
    last = ms.read_record(tmp_path / "repair-1")
    assert last.description is not None
    assert last.description.origin["repaired_from"] == str(tmp_path)
    assert np.isfinite(last.steps["loss"]).all()


def test_in_memory_the_record_knows_it_too() -> None:
    trainer = sick()
    run = trainer.fit(*ROWS, validation=HELD, epochs=10, repair=ms.RepairBudget(rounds=1))
    assert run.record is not None
    assert run.record.description is not None
    assert run.record.description.origin["repaired"] == [run.repair.adopted[0].trial.label]
    assert run.repair.setting.taken == run.updates


def test_what_is_sound_is_left_alone() -> None:
    trainer = sick(optimizer=ms.Adam(0.01))
    run = trainer.fit(*ROWS, validation=HELD, epochs=40, repair=True)
    harmful = [
        one for one in run.diagnose().findings if one.severity is not ms.doctor.Severity.NOTE
    ]
    assert not harmful
    assert run.repair is None
    assert run.epochs == 40


def test_a_budget_that_is_too_small_changes_nothing() -> None:
    trainer, alone = sick(), sick()
    run = trainer.fit(*ROWS, validation=HELD, epochs=10, repair=ms.RepairBudget(steps=1))
    alone.fit(*ROWS, validation=HELD, epochs=10)
    assert run.repair.rounds[0].verdict is ms.trials.Verdict.NO_BUDGET
    assert run.repair.run is None
    assert np.array_equal(trainer.network.parameters, alone.network.parameters)


def test_too_few_rows_to_judge_by_are_a_word_and_no_loss() -> None:
    trainer = sick(optimizer=ms.SGD(1e30))
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="not repaired"):
        run = trainer.fit(X[:20], Y[:20], epochs=5, repair=True)
    assert run.failed
    assert run.repair is None


@pytest.mark.parametrize(
    ("more", "words"),
    [({"repair": "yes"}, "RepairBudget"), ({"repair": True, "watch": False}, "watched")],
)
def test_what_cannot_be_is_refused_before_training(more: dict[str, Any], words: str) -> None:
    trainer = sick()
    with pytest.raises(ms.ArgumentError, match=words):
        trainer.fit(*ROWS, epochs=1, **more)
    assert trainer.last_run is None


def test_a_training_that_goes_on_is_not_repaired() -> None:
    trainer = sick()
    trainer.fit(*ROWS, epochs=1)
    with pytest.raises(ms.ArgumentError, match="from its beginning"):
        trainer.fit(*ROWS, epochs=1, repair=True)


@pytest.mark.parametrize("name", ["minutes", "steps", "rounds"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "2", True])
def test_a_budget_is_more_than_nothing(name: str, value: Any) -> None:
    with pytest.raises(ms.ArgumentError, match=name):
        ms.RepairBudget(**{name: value})


def test_whoever_imports_the_trainer_alone_has_somebody_who_repairs() -> None:
    code = (
        "from misstep.train import Trainer\nimport sys\n"
        "assert 'misstep.trials' not in sys.modules\n"
        "from misstep.offers import ask\n"
        "print(ask('repair of a training').__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "repair_run"
