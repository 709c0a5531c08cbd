"""Ensembles: rows dealt to members, the mean of all; numbers as waves; held against plain NumPy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import misstep as ms
from misstep.errors import FileFormatError, MisstepError, ShapeError
from misstep.nn import Ensemble, MemberDense, Network, PeriodicEmbedding, build_module
from misstep.train.ordering import epoch_order


def arrays(network: Network) -> dict[str, np.ndarray]:
    return {name: np.asarray(array) for name, array in network.arrays().items()}


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 99))
def test_the_mean_of_members_that_each_see_every_row(
    members: int, features: int, units: int, seed: int
) -> None:
    module = Ensemble(MemberDense(4), ms.Tanh(), MemberDense(units), members=members)
    network = Network(module, (features,), dtype="float64", seed=seed)
    x = np.random.default_rng(seed).normal(size=(5, features))
    numbers = arrays(network)
    each = [
        np.tanh(x @ numbers["memberdense1.weight"][m] + numbers["memberdense1.bias"][m])
        @ numbers["memberdense2.weight"][m]
        + numbers["memberdense2.bias"][m]
        for m in range(members)
    ]
    np.testing.assert_allclose(network.predict(x), np.mean(each, axis=0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 6])
def test_in_training_each_row_teaches_its_own_member_only(rows: int) -> None:
    # One step of plain descent on a linear ensemble, by hand: member m gets the rows m, m + 3 …
    module = Ensemble(MemberDense(1, bias=False), members=3)
    network = Network(module, (2,), dtype="float64", seed=1)
    before = arrays(network)["memberdense1.weight"].copy()
    draw = np.random.default_rng(rows)
    x, y = draw.normal(size=(rows, 2)), draw.normal(size=(rows, 1))
    trainer = ms.Trainer(
        network, loss=ms.SquaredError(), optimizer=ms.SGD(0.1), batch_size="full", seed=4
    )
    trainer.fit(x, y, epochs=1)
    order = epoch_order(rows, 4, 0)
    for m in range(3):
        own = order[m::3]
        error = x[own] @ before[m] - y[own]
        after = before[m] - 0.1 * 2 * x[own].T @ error / rows
        np.testing.assert_allclose(arrays(network)["memberdense1.weight"][m], after, rtol=1e-10)


def test_waves_are_those_of_the_formula() -> None:
    layer = PeriodicEmbedding((2, 0), frequencies=3, size=2)
    network = Network(layer, (4,), dtype="float64", seed=3)
    x = np.random.default_rng(0).normal(size=(6, 4))
    n = arrays(network)
    wanted = [x]
    for at, place in enumerate((2, 0)):
        turned = 2 * np.pi * x[:, [place]] * n["frequency"][at] + n["phase"][at]
        wanted.append(np.cos(turned) @ n["weight"][at] + n["bias"][at])
    np.testing.assert_allclose(network.predict(x), np.concatenate(wanted, 1), rtol=1e-9, atol=1e-9)


def test_frequencies_climb_from_long_waves_to_short_ones() -> None:
    layer = PeriodicEmbedding(frequencies=16, lowest=0.1, highest=10.0)
    frequencies = arrays(Network(layer, (500,)))["frequency"]
    found = frequencies.std(axis=0)
    np.testing.assert_allclose(found, np.geomspace(0.1, 10.0, 16), rtol=0.2)


def test_members_have_waves_of_their_own() -> None:
    module = Ensemble(PeriodicEmbedding((0,), frequencies=2, size=3), MemberDense(1), members=5)
    numbers = arrays(Network(module, (2,)))
    assert numbers["periodicembedding1.frequency"].shape == (5, 1, 2)
    assert numbers["memberdense1.weight"].shape == (5, 2 + 3, 1)


@pytest.mark.parametrize("far", [1e6, -1e6])
def test_far_values_stay_finite(far: float) -> None:
    network = Network(PeriodicEmbedding(frequencies=4, highest=16.0), (1,))
    assert np.isfinite(network.predict([[far]])).all()


def test_the_same_bits_on_one_thread_and_on_two() -> None:
    draw = np.random.default_rng(5)
    x, y = draw.normal(size=(301, 3)), draw.normal(size=(301, 1))
    found = []
    for threads in (1, 2):
        module = Ensemble(
            PeriodicEmbedding(frequencies=4, size=2),
            MemberDense(8),
            ms.SiLU(),
            ms.Dropout(0.2),
            MemberDense(1),
            members=4,
        )
        trainer = ms.Trainer(
            module, loss=ms.SquaredError(), batch_size=64, repeats_per_epoch=4, threads=threads
        )
        trainer.fit(x, y, epochs=3)
        found.append(np.array(trainer.network.parameters))
    np.testing.assert_array_equal(*found)


def test_an_epoch_of_several_passes_meets_each_row_as_often() -> None:
    # A layer without weights on rows that are their own targets: the loss of an epoch is the mean
    # over all that it met, whatever the batches.
    x = np.arange(10.0).reshape(10, 1)
    plain = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.0), batch_size=4)
    several = ms.Trainer(
        ms.Dense(1),
        loss=ms.SquaredError(),
        optimizer=ms.SGD(0.0),
        batch_size=4,
        repeats_per_epoch=3,
    )
    once, thrice = plain.fit(x, x, epochs=1), several.fit(x, x, epochs=1)
    assert (once.updates, thrice.updates) == (3, 8)
    assert once.losses == pytest.approx(thrice.losses)


def test_a_stopped_training_of_several_passes_goes_on_bit_for_bit(tmp_path: Path) -> None:
    x = np.random.default_rng(2).normal(size=(50, 2))

    def trainer() -> ms.Trainer:
        module = Ensemble(MemberDense(3), ms.ReLU(), MemberDense(1), members=2)
        return ms.Trainer(module, loss=ms.SquaredError(), batch_size=8, repeats_per_epoch=2)

    whole = trainer()
    whole.fit(x, x[:, :1], epochs=4)
    trainer().fit(x, x[:, :1], epochs=2, folder=tmp_path / "run")
    resumed = trainer()
    resumed.fit(x, x[:, :1], epochs=4, folder=tmp_path / "run", resume=True)
    np.testing.assert_array_equal(whole.network.parameters, resumed.network.parameters)


def test_it_comes_back_from_its_configuration() -> None:
    module = Ensemble(
        PeriodicEmbedding((0, 1), 3, 2), MemberDense(2), ms.ReLU(), MemberDense(1), members=3
    )
    again = build_module(json.loads(json.dumps(module.configuration())))
    assert repr(again) == repr(module)
    assert again.describe() == "the mean of 3 members"


@pytest.mark.parametrize("members", [0, -1, 1.5, "many", True])
def test_a_model_file_with_nonsense_members_is_refused(members: object) -> None:
    plain = {**Ensemble(MemberDense(1)).configuration(), "members": members}
    with pytest.raises(FileFormatError):
        build_module(plain)


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(ShapeError, match="MemberDense as the last layer"):
        Network(Ensemble(MemberDense(2), ms.Flatten()), (3,))
    with pytest.raises(ShapeError, match=r"inside ms\.Ensemble"):
        Network(MemberDense(2), (3,))
    with pytest.raises(MisstepError, match="features from 7 to 7"):
        Network(PeriodicEmbedding((7,)), (3,))
    with pytest.raises(MisstepError, match="repeats_per_epoch"):
        ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), repeats_per_epoch=0)
