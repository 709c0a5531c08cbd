"""Frozen layers and parameters: training leaves them, their running statistics and states alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import misstep as ms
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.train import Programs

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(48, 3)).astype("float32")
Y = (X[:, :1] * 2 + 1).astype("float32")


def trainer(first: ms.Module, compiling: bool = True, accumulate: int = 1) -> ms.Trainer:
    layers = ms.Sequential(first, ms.BatchNorm(), ms.Tanh(), ms.Dense(1))
    return ms.Trainer(
        layers,
        loss=ms.SquaredError(),
        optimizer=ms.AdamW(0.05, weight_decay=0.1),
        regularizers=ms.optim.L2(0.1),
        clipping=ms.optim.ClipNorm(1.0),
        batch_size=8,
        accumulate=accumulate,
        compiling=compiling,
    )


def copies(network: ms.Network) -> dict[str, Array]:
    return {name: array.copy() for name, array in network.arrays().items()}


def stayed(before: dict[str, Array], network: ms.Network) -> set[str]:
    after = network.arrays()
    return {name for name, array in before.items() if np.array_equal(array, after[name])}


@pytest.mark.parametrize("compiling", [True, False])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_training_moves_all_but_what_is_frozen(compiling: bool, accumulate: int) -> None:
    found = trainer(ms.Dense(5, trainable=False), compiling, accumulate)
    found.fit(X, Y, epochs=1)
    first = ms.Network(found.network.module, (3,), seed=found.seed)
    assert stayed(copies(first), found.network) == {"dense1.weight", "dense1.bias"}
    found.network.freeze("batchnorm1", "dense2.bias")
    before = copies(found.network)
    found.fit(X, Y, epochs=1)
    assert set(before) - stayed(before, found.network) == {"dense2.weight"}
    found.network.unfreeze()
    before = copies(found.network)
    found.fit(X, Y, epochs=1)
    # A bias that a normalization takes away again has no gradient.
    assert stayed(before, found.network) <= {"dense1.bias"}


def test_the_state_of_the_optimizer_stays() -> None:
    found = trainer(ms.Dense(5))
    found.fit(X, Y, epochs=1)
    state = found._state
    assert state is not None
    before = state.optimizer_state.copy()
    found.network.freeze("dense1")
    found.fit(X, Y, epochs=1)
    state = found._state
    assert state is not None
    same = (state.optimizer_state == before).all(axis=0)
    frozen = np.zeros(found.network.parameter_count, bool)
    for slice_ in found.network.parameter_slices:
        frozen[slice_.start : slice_.stop] = found.network.is_frozen(slice_.specification.name)
    assert same[frozen].all()
    assert not same[~frozen].all()


def test_no_gradient_is_computed_for_leading_layers() -> None:
    def products(first: ms.Module) -> int:
        network = ms.Network(ms.Sequential(first, ms.ReLU(), ms.Dense(1)), (3,))
        step = Programs(network, ms.SquaredError(), ms.SGD(0.1)).step(8, weighted=False)
        return sum(value.op.name == "matrix_product" for value in step.graph.computed if value.op)

    # Forward twice; backward one for each weight that moves, and none for what comes in.
    assert products(ms.Dense(4)) == 2 + 3
    assert products(ms.Dense(4, trainable=False)) == 2 + 1


def test_all_within_a_frozen_container_is_frozen() -> None:
    inner = ms.Sequential(ms.Dense(4), ms.ReLU(), trainable=False)
    network = ms.Network(ms.Sequential(inner, ms.Dense(1)), (3,))
    assert network.frozen == ("sequential1",)
    assert network.trainable_count == 5
    words = {row["path"]: row["layer"] for row in network.summary()}
    assert words["sequential1.dense1"] == "dense, 4 units, frozen"
    assert "frozen" not in words["dense1"]
    network.freeze("dense1.bias")
    words = {row["path"]: row["layer"] for row in network.summary()}
    assert words["dense1"].endswith("bias frozen")


def test_a_frozen_normalization_takes_what_is_running() -> None:
    found = trainer(ms.Dense(5))
    found.fit(X, Y, epochs=1)
    found.network.freeze("batchnorm1", "dense1", "dense2.weight")
    before = copies(found.network)
    found.fit(100 * X, Y, epochs=1)
    assert "batchnorm1.mean" in stayed(before, found.network)


def test_what_is_frozen_is_saved_and_loaded(tmp_path: Path) -> None:
    network = ms.Sequential(ms.Dense(4, trainable=False), ms.ReLU(), ms.Dense(1))
    fitted = ms.Classifier(network=network, epochs=2, random_state=0).fit(X, X[:, 0] > 0)
    fitted.save(tmp_path / "model.misstep")
    model = ms.load_model(tmp_path / "model.misstep")
    assert model.network.frozen == ("dense1",)
    np.testing.assert_array_equal(model.outputs(X), fitted.model_.outputs(X))
    assert "dense, 4 units, frozen" in "\n".join(model.summary().splitlines())


def test_wrong_names_and_networks_without_anything_to_move_are_refused() -> None:
    network = ms.Network(ms.Sequential(ms.Dense(4), ms.Dense(1)), (3,))
    with pytest.raises(ArgumentError, match="'dense1', the nearest name"):
        network.freeze("dens1")
    with pytest.raises(ArgumentError, match="freezing"):
        network.freeze()
    with pytest.raises(ArgumentError, match="unfreezing 'dense1'"):
        network.unfreeze("dense1")
    network.freeze("dense1", "dense2")
    with pytest.raises(ArgumentError, match="frozen as a whole"):
        ms.Trainer(network, loss=ms.SquaredError()).fit(X, Y, epochs=1)
    with pytest.raises(ArgumentError, match="trainable of Dense"):
        ms.Dense(3, trainable="no")


def test_a_class_of_ones_own_may_have_a_setting_of_this_name() -> None:
    class Own(ms.Module):
        def __init__(self, trainable: bool) -> None:
            self.kept = trainable

    assert Own(trainable=False).kept is False


def test_a_variant_that_learns_more_has_programs_of_its_own() -> None:
    found = trainer(ms.Dense(5, trainable=False))
    found.fit(X, Y, epochs=1)
    other = found.variant()
    other.network.unfreeze()
    before = copies(other.network)
    other.fit(X, Y, epochs=1)
    assert "dense1.weight" not in stayed(before, other.network)
    before = copies(found.network)
    found.fit(X, Y, epochs=1)
    assert "dense1.weight" in stayed(before, found.network)
