"""Trainings whose loss is no longer finite say where, however many steps went together."""

from pathlib import Path

import numpy as np
import pytest

import misstep as ms


@pytest.mark.parametrize("compiling", [True, False])
def test_the_update_that_failed_is_named(compiling: bool) -> None:
    x = 0.9 * np.random.default_rng(0).normal(size=(4000, 1)).astype("float32")
    trainer = ms.Trainer(
        ms.Dense(1),
        loss=ms.SquaredError(),
        optimizer=ms.SGD(1.9),
        batch_size=1,
        seed=1,
        compiling=compiling,
    )
    run = trainer.fit(x, x, epochs=30)
    assert run.failed
    assert run.updates > 1, "several updates were done before, some in one call"
    assert f" at update {run.updates + 1}," in str(run.ending)


@pytest.mark.parametrize("compiling", [True, False])
@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("rate", [4.0, 1e3, 1e30])
def test_the_record_says_what_led_to_a_failure(
    rate: float, accumulate: int, compiling: bool, tmp_path: Path
) -> None:
    x = np.linspace(-3, 3, 64, dtype="float32").reshape(-1, 1)
    trainer = ms.Trainer(
        ms.Sequential(ms.Dense(4), ms.ReLU(), ms.Dense(1)),
        loss=ms.SquaredError(),
        optimizer=ms.SGD(rate),
        schedule=ms.optim.Cosine(),
        batch_size=2,
        accumulate=accumulate,
        compiling=compiling,
    )
    run = trainer.fit(x, x, epochs=9, folder=tmp_path)
    assert run.failed
    record = ms.read_record(tmp_path)
    failed = run.updates + 1
    event, last = record.events[-1], record.epochs[-1]
    assert event["step"] == last["step"] == record.steps["step"][-1] == failed
    assert f" at update {failed}," in event["words"]
    assert event["facts"]["cause"] == "loss_not_finite"
    losses = record.steps["loss"]
    assert len(losses) == failed
    assert np.isfinite(losses[:-1]).all()
    assert not np.isfinite(losses[-1])
    assert record.steps["learning_rate"][-1] == event["facts"]["learning_rate"]
    assert last["partial"]
    assert last["epoch"] == run.epochs + 1
    assert all("partial" not in each for each in record.epochs[:-1])


def test_the_record_has_what_there_was_of_an_epoch_broken_off(tmp_path: Path) -> None:
    class Stop(ms.Callback):
        def on_update(self, training: ms.train.Training) -> None:
            if training.update == 6:
                raise RuntimeError("as told")

    x = np.linspace(-1, 1, 16, dtype="float32").reshape(-1, 1)
    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), batch_size=4)
    with pytest.raises(RuntimeError):
        trainer.fit(x, x, epochs=9, folder=tmp_path, callbacks=[Stop()])
    record = ms.read_record(tmp_path)
    last = record.epochs[-1]
    assert (len(record.epochs), last["epoch"], last["step"], last["partial"]) == (2, 2, 6, True)
    assert record.events[-1]["step"] == 6


def test_numbers_whose_squares_are_not_finite_are_looked_at() -> None:
    # The numbers of float64 are finite up to 1.8e308; their squares are not, beyond 1.3e154.
    network = ms.Network(
        ms.Sequential(ms.Dense(4), ms.ReLU(), ms.Dense(1)),
        input_shape=(3,),
        dtype="float64",
        seed=1,
    )
    x = np.random.default_rng(0).normal(size=(60, 3))
    trainer = ms.Trainer(
        network,
        loss=ms.SquaredError(),
        optimizer=ms.SGD(1e-4),
        batch_size="full",
        regularizers=[ms.optim.L2(1e-9)],
        clipping=[ms.optim.ClipNorm(1e300)],
    )
    run = trainer.fit(x, 3e5 + 1e5 * x[:, :1], epochs=300)
    assert run.failed
    record = run.record
    assert record is not None
    largest = max(record.signal("activation_mean", "dense2")[1], key=abs)
    assert abs(largest) > 1.4e154, "or its square would be finite"
    assert run.diagnose().findings
