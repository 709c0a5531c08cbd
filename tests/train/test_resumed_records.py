"""What a run that was broken off and went on writes down: what it would have without a break."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.errors import FileFormatError
from misstep.record import Record
from misstep.train.looks import LookPlan, Looks
from misstep.train.programs import Programs
from misstep.train.state import TrainingState

X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
Y = (X[:, 0] * X[:, 1] > 0).astype("int64")


class BreakOff(ms.Callback):
    """Ends everything after an update, as a kill would but for the end of the record."""

    def __init__(self, update: int | None) -> None:
        self.update = update

    def planned_update(self, update: int) -> int | None:
        return self.update if self.update is not None and self.update > update else None

    def on_planned_update(self, training: ms.train.Training) -> None:
        raise RuntimeError("broken off")


def fit(folder: Path, at: int | None, **more: Any) -> ms.Run:
    layers = ms.Sequential(ms.Dense(5), ms.ReLU(), ms.Dense(2))
    trainer = ms.Trainer(
        layers,
        loss=ms.CrossEntropy(),
        optimizer=ms.SGD(0.2),
        clipping=ms.optim.ClipNorm(0.3),
        batch_size=8,
        seed=1,
    )
    settings: dict[str, Any] = {"epochs": 5, "checkpoint_every": 3, "probe_every": 2}
    return trainer.fit(
        *(X, Y),
        validation=(X, Y),
        folder=folder,
        callbacks=[BreakOff(at)],
        resume=True,
        report=False,
        **(settings | more),
    )


def told(record: Record) -> tuple[Any, ...]:
    times = ("seconds", "rows_per_second")
    epochs = [{k: v for k, v in one.items() if k not in times} for one in record.epochs]
    steps = {name: array.tolist() for name, array in record.steps.items()}
    return epochs, steps, record._measures


def test_looks_shares_and_losses_are_those_of_a_run_without_a_break(tmp_path: Path) -> None:
    whole = fit(tmp_path / "whole", None)
    # In the middle of an epoch, behind a look whose update is done; at an epoch's end.
    for number, at in enumerate((7, 16)):
        folder = tmp_path / f"broken-{number}"
        with pytest.raises(RuntimeError):
            fit(folder, at)
        run = fit(folder, None)
        assert run.losses == whole.losses
        assert whole.record is not None
        assert run.record is not None
        assert told(run.record) == told(whole.record)
        assert told(ms.read_record(folder)) == told(whole.record)
    assert ("unmoved_share", "dense1.weight") in whole.record._measures[16]
    assert all("clipped_share" in epoch for epoch in whole.record.epochs)


def test_a_run_that_stopped_early_does_not_learn_on(tmp_path: Path) -> None:
    def stopping(patience: int) -> ms.Run:
        stop = ms.EarlyStopping(patience, minimum_change=0.5)
        return fit(tmp_path, None, epochs=9, early_stopping=stop)

    whole = stopping(2)
    assert whole.ending.cause is ms.train.Cause.EARLY_STOPPING
    again = stopping(2)
    assert (again.epochs, again.ending) == (whole.epochs, whole.ending)
    # Who has more patience goes on.
    assert stopping(3).epochs > whole.epochs


def test_a_training_that_fails_after_a_break_is_left_with_the_same_weights(tmp_path: Path) -> None:
    def failing(folder: Path, at: int | None) -> tuple[int, bytes]:
        trainer = ms.Trainer(
            ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(4.0), batch_size=6, seed=4
        )
        run = trainer.fit(
            *(X, X[:, :1]),
            epochs=6,
            folder=folder,
            checkpoint_every=3,
            callbacks=[BreakOff(at)],
            resume=True,
            report=False,
        )
        assert run.failed
        return run.updates, trainer.network.parameters.tobytes()

    whole = failing(tmp_path / "whole", None)
    # In the second epoch: before its first update are the weights that are left.
    assert whole[0] > 14
    with pytest.raises(RuntimeError):
        failing(tmp_path / "broken", 14)
    assert failing(tmp_path / "broken", None) == whole


@pytest.mark.parametrize("change", [{"kept": [0, 0]}, {"clipped": 3}, {"next": "soon"}])
def test_a_memory_of_looks_that_none_said_is_refused(change: dict[str, Any]) -> None:
    network = ms.nn.Network(ms.Dense(2), (4,), seed=0)
    programs = Programs(network, ms.CrossEntropy(), ms.SGD(0.1), (), (), False, 0.0)
    rows = ms.data.Rows(X, Y[:, None], None)
    looks = Looks(programs, rows, LookPlan(1, False), seed=0, threads=1)
    state = TrainingState(network.parameters, network.buffers, *programs.first_state())
    looks.begin(state, resumed=False)
    state.watching = {"looks": looks.memory() | change}
    with pytest.raises(FileFormatError, match="looks"):
        looks.begin(state, resumed=True)
