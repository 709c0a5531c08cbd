"""Running statistics in training: they move, are the best epoch's, survive failure and stops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.errors import FileFormatError
from misstep.ir import Array
from misstep.train.state import TrainingState

LAYERS = ms.Sequential(ms.Dense(8), ms.BatchNorm(), ms.Tanh(), ms.Dense(2))


def data(rows: int = 60) -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    x = random.normal(2, 3, (rows, 4))
    return x, (x[:, 0] > x[:, 1]).astype("int64")


def trainer(**more: Any) -> ms.Trainer:
    return ms.Trainer(LAYERS, loss=ms.CrossEntropy(), **({"batch_size": 10} | more))


@pytest.mark.parametrize("compiling", [True, False])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_each_batch_moves_them(compiling: bool, accumulate: int) -> None:
    # A rate of 0: only the running statistics move, and what they become can be said.
    x, y = data()
    made = trainer(
        optimizer=ms.SGD(1e-30), compiling=compiling, accumulate=accumulate, dtype="float64"
    )
    made.fit(x, y, epochs=30)
    p = made.network.arrays()
    z = x @ p["dense1.weight"] + p["dense1.bias"]
    assert len(p) == 8
    # 180 batches at a tenth each: nothing is left of where they began.
    deviation = z.std(0) / np.sqrt(10) * np.sqrt(0.1 / 1.9)
    assert (abs(p["batchnorm1.mean"] - z.mean(0)) < 6 * deviation).all()
    np.testing.assert_allclose(p["batchnorm1.variance"], z.var(0, ddof=1), rtol=0.35)


class Keeps(ms.Callback):
    """Keeps the network's buffers after each epoch."""

    def __init__(self) -> None:
        self.kept: list[tuple[Array, Array]] = []

    def on_epoch_end(self, training: ms.train.Training) -> None:
        network = training.network
        self.kept.append((network.parameters.copy(), network.buffers.copy()))


@pytest.mark.parametrize("compiling", [True, False])
def test_the_best_epoch_has_its_own(compiling: bool) -> None:
    x, y = data()
    made = trainer(optimizer=ms.Adam(0.5), compiling=compiling)
    keeps = Keeps()
    run = made.fit(
        x, y, epochs=12, validation=(x[:20], 1 - y[:20]), early_stopping=12, callbacks=[keeps]
    )
    assert run.best_epoch is not None
    parameters, buffers = keeps.kept[run.best_epoch - 1]
    np.testing.assert_array_equal(made.network.parameters, parameters)
    np.testing.assert_array_equal(made.network.buffers, buffers)
    assert (keeps.kept[-1][1] != buffers).any()
    judged = made.evaluate(x[:20], 1 - y[:20])
    assert judged["loss"] == pytest.approx(run.history[run.best_epoch - 1]["validation_loss"])


@pytest.mark.parametrize("compiling", [True, False])
def test_a_loss_that_is_no_number_leaves_those_of_the_epoch_before(compiling: bool) -> None:
    x, y = data()
    keeps = Keeps()

    class Poisons(Keeps):
        def on_epoch_end(self, training: ms.train.Training) -> None:
            super().on_epoch_end(training)
            if training.epoch == 2:
                training.rows.x[37] = 3e38

    keeps = Poisons()
    made = trainer(compiling=compiling)
    run = made.fit(x, y, epochs=5, callbacks=[keeps])
    assert run.failed
    np.testing.assert_array_equal(made.network.parameters, keeps.kept[1][0])
    np.testing.assert_array_equal(made.network.buffers, keeps.kept[1][1])
    assert np.isfinite(made.network.buffers).all()


def test_fitting_again_goes_on_with_them(tmp_path: Path) -> None:
    x, y = data()
    once, twice = trainer(), trainer()
    once.fit(x, y, epochs=4)
    twice.fit(x, y, epochs=2)
    before = twice.network.buffers.copy()
    twice.fit(x, y, epochs=2)
    assert (twice.network.buffers != before).all()
    np.testing.assert_array_equal(twice.network.buffers, once.network.buffers)
    stopped = trainer()
    stopped.fit(x, y, epochs=2, folder=tmp_path)
    resumed = trainer()
    resumed.fit(x, y, epochs=4, folder=tmp_path, resume=True)
    np.testing.assert_array_equal(resumed.network.parameters, once.network.parameters)
    np.testing.assert_array_equal(resumed.network.buffers, once.network.buffers)


def test_a_checkpoint_without_them_is_refused() -> None:
    two, none = np.zeros(2), np.zeros(0)
    like = TrainingState(np.zeros(3), two, np.zeros((2, 3)), none)
    arrays, document = like.arrays(), like.document()
    assert TrainingState.restored(like, arrays, document).buffers.shape == (2,)
    del arrays["buffers"]
    with pytest.raises(FileFormatError, match="the array buffers of a checkpoint"):
        TrainingState.restored(like, arrays, document)
    # Of a network that keeps none, a checkpoint has none.
    without = TrainingState(np.zeros(3), none, np.zeros((2, 3)), none)
    assert set(without.arrays()) == {"parameters", "optimizer_state", "scalars"}
    found = TrainingState.restored(without, without.arrays(), without.document())
    assert found.buffers.size == 0
