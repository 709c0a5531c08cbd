"""Batches cut into shards: the same bits on any number of threads, the numbers of whole batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.data import Rows
from misstep.errors import ArgumentError, GraphError
from misstep.exchange import ALONE, Ranks, shards_of, summed
from misstep.ir import Array, Value, make_input
from misstep.storage import MappedRows
from misstep.storage.mapped_rows import Scale
from misstep.train.shards import judged_together
from misstep.train.shards.cutting import cut

ROWS = 19  # a last batch of fewer rows, and of fewer than there are shards
BATCH = 16


def mlp() -> ms.nn.Module:
    return ms.Sequential(ms.Dense(6), ms.Tanh(), ms.Dropout(0.3), ms.Dense(3))


def cnn() -> ms.nn.Module:
    return ms.Sequential(
        *(ms.Conv2D(2, 3), ms.BatchNorm(), ms.nn.GaussianNoise(0.1), ms.Tanh()),
        *(ms.Flatten(), ms.Dense(3)),
    )


def lstm() -> ms.nn.Module:
    return ms.Sequential(ms.LSTM(4), ms.Dense(3))


def masked() -> ms.nn.Module:
    return ms.Sequential(
        ms.Embedding(7, 3, padding=0), ms.BatchNorm(), ms.nn.GlobalAveragePool1D(), ms.Dense(3)
    )


SHAPES: dict[Callable[[], ms.nn.Module], tuple[int, ...]] = {
    mlp: (4,),
    cnn: (5, 5, 1),
    lstm: (4, 2),
    masked: (5,),
}


def data_of(kind: Callable[[], ms.nn.Module]) -> tuple[Array, Array]:
    random = np.random.default_rng(1)
    shape = (ROWS, *SHAPES[kind])
    x = random.integers(0, 7, shape) if kind is masked else random.normal(size=shape) + 2.0
    return x.astype("float64"), random.integers(0, 3, ROWS)


def trained(kind: Callable[[], ms.nn.Module], *, epochs: int = 2, **settings: Any) -> ms.Trainer:
    x, y = data_of(kind)
    fitting = {name: settings.pop(name) for name in ("sample_weight",) if name in settings}
    given = {"optimizer": ms.SGD(0.1, momentum=0.9), "loss": ms.CrossEntropy(), "seed": 3}
    trainer = ms.Trainer(kind(), batch_size=BATCH, **{**given, **settings})
    trainer.fit(x, y, epochs=epochs, watch=False, **fitting)
    return trainer


def numbers(trainer: ms.Trainer) -> bytes:
    return trainer.network.parameters.tobytes() + trainer.network.buffers.tobytes()


@pytest.mark.parametrize("kind", SHAPES)
def test_threads_change_no_bit_and_shards_only_the_rounding(
    kind: Callable[[], ms.nn.Module],
) -> None:
    whole = trained(kind, dtype="float64", compiling=False)
    one, other = (trained(kind, dtype="float64", shards=8, threads=n) for n in (1, 3))
    assert numbers(one) == numbers(other)
    assert one.backend.startswith("compiled")
    plain = trained(kind, dtype="float64", shards=2, compiling=False)
    for part in ("parameters", "buffers"):
        of_whole = getattr(whole.network, part)
        for trainer in (one, plain):
            of_shards = getattr(trainer.network, part)
            np.testing.assert_allclose(of_shards, of_whole, rtol=1e-9, atol=1e-11)


def test_more_threads_than_shards_work_on_one_together() -> None:
    assert numbers(trained(mlp, shards=2, threads=1)) == numbers(trained(mlp, shards=2, threads=4))


@pytest.mark.parametrize(
    "settings",
    [
        {"mixup": 0.4},
        {"accumulate": 2},
        {"clipping": ms.optim.ClipNorm(0.05), "regularizers": [ms.optim.L2(0.1), ms.optim.L1(0.1)]},
        {"accumulate": 3, "regularizers": ms.optim.L2(0.1), "mixup": 0.4},
        {"sample_weight": np.arange(ROWS) % 3},
        {"loss": ms.CrossEntropy(class_weights=(1.0, 2.0, 0.0)), "mixup": 1.0},
        {"batch_size": "full"},
        {"batch_size": 1},
    ],
    ids=str,
)
def test_every_setting_means_what_it_means_of_whole_batches(settings: dict[str, Any]) -> None:
    own = dict(settings)
    if "batch_size" in own:
        x, y = data_of(mlp)
        given = {"optimizer": ms.SGD(0.1), "loss": ms.CrossEntropy(), "seed": 3, **own}
        whole, cut_up = (
            ms.Trainer(mlp(), dtype="float64", shards=n, compiling=False, **given) for n in (1, 4)
        )
        for trainer in (whole, cut_up):
            trainer.fit(x, y, epochs=1, watch=False)
    else:
        whole = trained(mlp, dtype="float64", compiling=False, **own)
        cut_up = trained(mlp, dtype="float64", compiling=False, shards=4, **own)
    np.testing.assert_allclose(
        cut_up.network.parameters, whole.network.parameters, rtol=1e-9, atol=1e-12
    )
    assert whole.last_run is not None
    assert cut_up.last_run is not None
    np.testing.assert_allclose(cut_up.last_run.losses, whole.last_run.losses, rtol=1e-9)


def test_frozen_layers_stay_and_forks_take_the_same_updates() -> None:
    x, y = data_of(cnn)
    trainer = ms.Trainer(cnn(), loss=ms.CrossEntropy(), batch_size=BATCH, shards=4, compiling=False)
    fork = trainer.fork(x, y)
    fork.learn(np.full(2, 1e-3))
    trainer.fit(x, y, epochs=1, watch=False)
    assert fork.state.parameters.tobytes() == trainer.network.parameters.tobytes()
    network = ms.Network(cnn(), SHAPES[cnn], seed=0)
    network.freeze("conv2d1", "batchnorm1")
    before = network.arrays()["conv2d1.weight"].copy()
    frozen = ms.Trainer(network, loss=ms.CrossEntropy(), shards=4, compiling=False)
    frozen.fit(x, y, epochs=1, watch=False)
    assert network.arrays()["conv2d1.weight"].tobytes() == before.tobytes()


def test_a_run_goes_on_with_the_shards_that_it_has(tmp_path: Path) -> None:
    x, y = data_of(mlp)

    def trainer(shards: int | None) -> ms.Trainer:
        return ms.Trainer(
            mlp(), loss=ms.CrossEntropy(), batch_size=8, shards=shards, compiling=False
        )

    whole = trainer(4)
    whole.fit(x, y, epochs=4, watch=False)
    trainer(4).fit(x, y, epochs=2, watch=False, folder=tmp_path / "run")
    going_on = trainer(None)
    going_on.fit(x, y, epochs=4, folder=tmp_path / "run", resume=True)
    assert going_on.shards == 4
    assert numbers(going_on) == numbers(whole)
    with pytest.raises(ArgumentError, match="the same shards as before"):
        trainer(2).fit(x, y, epochs=4, folder=tmp_path / "run", resume=True)


@dataclass(frozen=True)
class Beside(ms.nn.Module):
    """Takes from each row the mean of its batch, or of half of the batch: rows need each other."""

    def forward(self, x: Value) -> Value:
        return x - ms.ops.mean(x, 0, keep=True)


@dataclass(frozen=True)
class Keeping(ms.nn.Module):
    """Keeps a mean of its own of what passes, and lets the rows pass."""

    def forward(self, x: Value) -> Value:
        self.buffer("seen", x.shape[1:], ms.nn.initializers.Zeros())
        self.becomes("seen", ms.ops.mean(x, 0))
        return x


def test_what_would_learn_from_a_shard_as_if_it_were_the_batch_is_refused() -> None:
    x, y = data_of(mlp)
    layers = ms.Sequential(ms.Dense(4), Beside(), ms.Dense(3))
    with pytest.raises(ArgumentError, match="a row's output depends on other rows"):
        ms.Trainer(layers, loss=ms.CrossEntropy(), shards=2).fit(x, y, epochs=1)
    layers = ms.Sequential(ms.Dense(4), Keeping(), ms.Dense(3))
    with pytest.raises(GraphError, match="follow from x of each shard"):
        ms.Trainer(layers, loss=ms.CrossEntropy(), shards=2).fit(x, y, epochs=1)


@pytest.mark.parametrize("shards", [0, 3, -2, 2.0, True, "4", 8192])
def test_shards_are_a_power_of_two(shards: Any) -> None:
    with pytest.raises(ArgumentError, match="a power of two"):
        ms.Trainer(mlp(), loss=ms.CrossEntropy(), shards=shards)


def test_a_loss_that_is_not_finite_changes_nothing() -> None:
    x, y = data_of(mlp)
    x[5] = 1e300  # finite in float64, infinite once squared
    trainer = ms.Trainer(
        ms.Dense(3),
        loss=ms.SquaredError(),
        shards=4,
        compiling=False,
        dtype="float64",
        batch_size=ROWS,
    )
    run = trainer.fit(x, np.eye(3)[y], epochs=3, watch=False)
    assert run.ending.failed
    assert np.isfinite(trainer.network.parameters).all()
    assert run.provenance is not None


def test_sums_go_in_one_tree_whoever_has_the_shards() -> None:
    random = np.random.default_rng(0)
    shards = [random.normal(size=9).astype("float32") * 10.0**k for k in range(8)]
    pairs = [shards[k] + shards[k + 1] for k in range(0, 8, 2)]
    wanted = (pairs[0] + pairs[1]) + (pairs[2] + pairs[3])
    assert summed([one.copy() for one in shards], 8, ALONE).tobytes() == wanted.tobytes()
    for size in range(1, 9):
        together = [shard for rank in range(size) for shard in shards_of(rank, size, 8)]
        assert together == list(range(8))


def test_a_program_is_cut_where_shards_need_each_other() -> None:
    x = make_input("x", (3, 2), "float64")
    mean = ms.ops.sum_over_shards(ms.ops.sum(x, 0)) / 6.0
    spread = ms.ops.sum_over_shards(ms.ops.sum((x - mean) * (x - mean), 0))
    made = cut({"spread": spread, "mean": mean * 1.0}, [x], ["x"])
    assert [len(stage.partials) for stage in made.stages] == [1, 1]
    assert set(made.places) == {"spread"}
    assert set(made.last.outputs) == {"mean"}


def test_rows_of_a_file_are_read_by_the_shards_that_need_them(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    bytes_of_rows = random.integers(0, 256, (24, 4)).astype("uint8")
    np.save(tmp_path / "rows.npy", bytes_of_rows)
    stored = np.load(tmp_path / "rows.npy", mmap_mode="r")
    answers = random.integers(0, 3, 24)

    def weights(x: Any) -> bytes:
        trainer = ms.Trainer(mlp(), loss=ms.CrossEntropy(), batch_size=8, shards=2, compiling=False)
        trainer.fit(x, answers[: len(x)], epochs=1, watch=False)
        return trainer.network.parameters.tobytes()

    mapped = MappedRows(stored, np.arange(24)[::-1].copy()).scaled(Scale(0.0, 255.0))
    assert weights(mapped) == weights(bytes_of_rows[::-1].astype("float32") / np.float32(255))


class Noting(Ranks):
    """One of several ranks, that only notes what it would give to the others."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size, self.given = rank, size, list[Array]()

    def joined(self, own: Array, counts: Any) -> Array:
        assert len(own) == counts[self.rank]
        self.given.append(own)
        return np.zeros((sum(counts), *own.shape[1:]), own.dtype)


@pytest.mark.parametrize("compiling", [False, True])
@pytest.mark.parametrize("count", [1, 29, 130])
def test_ranks_share_out_rows_that_are_judged(count: int, compiling: bool) -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(count, 4)).astype("float32"), random.integers(0, 3, count)
    network, loss = ms.Network(mlp(), (4,)), ms.CrossEntropy(class_weights=(1.0, 2.0, 0.5))
    inference, rows = (
        network.inference(compiling),
        Rows(x, y, random.random(count).astype("float32")),
    )
    scores, predicted = judged_together(inference, rows, loss, 1, 8, ALONE)
    plain, outputs = inference.evaluate(x, y, loss, rows.weights, 1)
    np.testing.assert_allclose(predicted, outputs, rtol=1e-5)
    assert scores == pytest.approx(plain, rel=1e-5)
    for size in (2, 3, 8):
        ranks = [Noting(rank, size) for rank in range(size)]
        for rank in ranks:
            judged_together(inference, rows, loss, 1, 8, rank)
        parts = [
            np.concatenate(together) for together in zip(*(one.given for one in ranks), strict=True)
        ]
        assert [len(part) for part in parts] == [count] * 3
        assert predicted.tobytes() in {part.tobytes() for part in parts}
