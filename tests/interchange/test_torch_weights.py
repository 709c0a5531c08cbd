"""Weights of PyTorch: networks say what PyTorch's said, and give its weights back.

What PyTorch said was written down by `torch_twins.py`, which runs where PyTorch is.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import misstep as ms
from misstep.interchange.feature_orders import feature_orders
from tests.interchange.torch_twins import TWINS, gradients

KEPT = Path(__file__).resolve().parents[1] / "fixtures" / "torch-weights"


def kept(name: str) -> tuple[dict[str, Any], dict[str, Any], Any, Any]:
    """Return the state_dict in PyTorch's order, gradients, outputs, and their weights."""
    with np.load(KEPT / f"{name.replace(' ', '-')}.npz", allow_pickle=False) as file:
        held = {key: file[key] for key in file.files}
    state = {key[6:]: one for key, one in held.items() if key.startswith("state/")}
    slopes = {key[9:]: one for key, one in held.items() if key.startswith("gradient/")}
    return state, slopes, held["y"], held["upstream"]


def said(network: Any) -> Any:
    return network.parameters.copy(), network.buffers.copy()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", TWINS)
def test_pytorchs_weights_say_here_what_they_said_there(name: str, dtype: str) -> None:
    state, slopes, y, upstream = kept(name)
    twin = TWINS[name]
    network, x = twin.network(dtype), twin.rows()
    network.load_torch(state)
    close, slope_close = (1e-12, 1e-12) if dtype == "float64" else (1e-6, 1e-5)
    found, by_parameter = gradients(network, x, upstream)
    np.testing.assert_allclose(found, y, rtol=close, atol=close)
    # Back again: each number where it was; of two biases that are added, their sum.
    back = network.to_torch(state)
    assert list(back) == list(state)
    for key, array in state.items():
        if "bias_ih" in key or "bias_hh" in key:
            other = key.replace("_ih_", "_??_").replace("_hh_", "_??_")
            pair = [other.replace("_??_", one) for one in ("_ih_", "_hh_")]
            array = state[pair[0]] + state[pair[1]]
            np.testing.assert_allclose(back[pair[0]] + back[pair[1]], array, rtol=1e-6)
        else:
            np.testing.assert_allclose(back[key], array, rtol=1e-7)
    mine = twin.network(dtype)
    mine.load({**network.arrays(), **by_parameter})
    returned = mine.to_torch(state)
    for key, slope in slopes.items():
        if "bias_hh" not in key:
            np.testing.assert_allclose(
                returned[key], slope, rtol=slope_close, atol=slope_close, err_msg=key
            )


def test_a_file_goes_there_and_back(tmp_path: Path) -> None:
    state, _, y, _ = kept("resnet")
    twin = TWINS["resnet"]
    network, other = twin.network("float64"), twin.network("float64")
    network.load_torch(state)
    network.save_safetensors(tmp_path / "own.safetensors")
    network.save_safetensors(tmp_path / "theirs.safetensors", like=state)
    assert set(load_file(tmp_path / "theirs.safetensors")) == set(state)
    # A file has no order. Names here are equal, or numbers.
    other.load_torch(tmp_path / "own.safetensors")
    assert (said(other)[0] == said(network)[0]).all()
    perceptron = TWINS["perceptron"].network("float64")
    perceptron_state = kept("perceptron")[0]
    save_file(perceptron_state, tmp_path / "numbers.safetensors")
    pairs = perceptron.load_torch(tmp_path / "numbers.safetensors")
    assert pairs == {"dense1": "0", "dense2": "2", "dense3": "4", "dense4": "6"}
    np.testing.assert_allclose(other.predict(twin.rows()), y, rtol=1e-12)


def test_what_a_file_does_not_say_is_asked_for(tmp_path: Path) -> None:
    layers = ms.Sequential(ms.Dense(3), ms.ReLU(), ms.Dense(3))
    network = ms.Network(layers, input_shape=(3,))
    names = {"first": 0.0, "last": 1.0}
    state = {f"{one}.weight": np.full((3, 3), value) for one, value in names.items()}
    state |= {f"{one}.bias": np.zeros(3) for one in names}
    save_file(state, tmp_path / "n.safetensors")
    with pytest.raises(ms.ArgumentError, match="dense1; dense2 here and first; last there"):
        network.load_torch(tmp_path / "n.safetensors")
    network.load_torch(tmp_path / "n.safetensors", names={"dense1": "last", "dense2": "first"})
    assert (network.arrays()["dense1.weight"] == 1).all()
    assert (network.arrays()["dense2.weight"] == 0).all()


@pytest.mark.parametrize("start", [b"PK\x03\x04" + bytes(40), pickle.dumps({"a": 1})])
def test_pickles_are_refused(tmp_path: Path, start: bytes) -> None:
    network = ms.Network(ms.Dense(1), input_shape=(2,))
    (tmp_path / "model.pt").write_bytes(start)
    with pytest.raises(ms.MisstepError, match=r"a pickle.*safetensors\.torch\.save_file"):
        network.load_torch(tmp_path / "model.pt")
    for content in (b"", b"nothing", bytes(100), b"\xff" * 64):
        (tmp_path / "model.pt").write_bytes(content)
        with pytest.raises(ms.MisstepError, match=r"model\.pt"):
            network.load_torch(tmp_path / "model.pt")
    with pytest.raises(ms.MisstepError, match="no such file"):
        network.load_torch(tmp_path / "absent.safetensors")
    with pytest.raises(ms.MisstepError, match="a folder"):
        network.load_torch(tmp_path)


DENSE = {"fc.weight": np.ones((2, 3)), "fc.bias": np.ones(2)}


@pytest.mark.parametrize(
    ("state", "settings", "words"),
    [
        ({"fc.weight": np.ones((2, 4)), "fc.bias": np.ones(2)}, {}, r"dense1.*\(2, 3\).*\(2, 4\)"),
        ({"fc.weight": np.ones((2, 3))}, {}, "bias=False"),
        ({**DENSE, "head.weight": np.ones((5, 2))}, {}, r"leave=\["),
        ({**DENSE, "b.weight": np.ones((2, 3)), "b.bias": np.ones(2)}, {}, "leave"),
        ({"fc.weight": np.ones((2, 3), "int64"), "fc.bias": np.ones(2)}, {}, "floating-point"),
        (DENSE, {"names": {"dense": "fc"}}, "dense1"),
        (DENSE, {"names": {"dense1": "fd"}}, "'fc'"),
        (DENSE, {"leave": ["head"]}, "head"),
        (DENSE, {"channels": "middle"}, "first"),
        ({"a.weight_hr_l0": np.ones((2, 3))}, {}, "projected"),
        ({}, {}, "dense1"),
        ([1, 2], {}, "state_dict"),
    ],
)
def test_what_does_not_fit_is_said(state: Any, settings: Any, words: str) -> None:
    network = ms.Network(ms.Sequential(ms.Dense(2)), input_shape=(3,))
    before = said(network)[0]
    with pytest.raises(ms.MisstepError, match=words):
        network.load_torch(state, **settings)
    assert (said(network)[0] == before).all()


def test_a_head_stays_where_only_the_rest_is_taken() -> None:
    network = ms.Network(ms.Sequential(ms.Dense(2), ms.ReLU(), ms.Dense(4)), input_shape=(3,))
    head = network.arrays()["dense2.weight"].copy()
    state = {f"module.{name}": one for name, one in DENSE.items()}
    state |= {"module.old.weight": np.ones((7, 2)), "module.old.bias": np.ones(7)}
    assert network.load_torch(state, leave=["dense2", "old"]) == {"dense1": "fc"}
    assert (network.arrays()["dense2.weight"] == head).all()
    assert (network.arrays()["dense1.weight"] == 1).all()


def test_what_pytorch_lacks_is_refused() -> None:
    state = kept("lstm")[0]
    for layer in (ms.LSTM(5, peepholes=True), ms.GRU(5, reset_first=True)):
        network = ms.Network(ms.Sequential(layer), input_shape=(6, 3))
        with pytest.raises(ms.MisstepError, match="a layer that PyTorch has too"):
            network.load_torch(state)


def test_biases_that_pytorch_lacks_are_zeros_and_stay_so() -> None:
    layers = ms.Sequential(ms.LSTM(2))
    network = ms.Network(layers, input_shape=(4, 3))
    state = {"l.weight_ih_l0": np.ones((8, 3)), "l.weight_hh_l0": np.ones((8, 2))}
    network.load_torch(state)
    assert not network.arrays()["lstm1.bias"].any()
    assert set(network.to_torch(state)) == set(state)
    network.arrays()["lstm1.bias"][:] = 1.0
    with pytest.raises(ms.MisstepError, match="a module with biases"):
        network.to_torch(state)


def test_epsilons_of_a_module_are_compared() -> None:
    class Norm:
        eps = 1e-3

    class Module:
        def state_dict(self) -> dict[str, Any]:
            return {"norm.weight": np.ones(3), "norm.bias": np.ones(3)}

        def named_modules(self) -> list[tuple[str, Any]]:
            return [("", self), ("norm", Norm())]

    network = ms.Network(ms.Sequential(ms.nn.LayerNorm()), input_shape=(3,))
    with pytest.raises(ms.MisstepError, match=r"epsilon=0\.001"):
        network.load_torch(Module())
    network = ms.Network(ms.Sequential(ms.nn.LayerNorm(1e-3)), input_shape=(3,))
    assert network.load_torch(Module()) == {"layernorm1": "norm"}


def test_own_names_are_found_again() -> None:
    for name, twin in TWINS.items():
        network, other = twin.network("float64"), twin.network("float64")
        other.initialize(5)
        other.load_torch(dict(reversed(network.to_torch().items())))
        assert (said(other)[0] == said(network)[0]).all(), name


def test_features_of_images_are_followed() -> None:
    def orders(*layers: Any, shape: tuple[int, ...] = (4, 4, 2)) -> Any:
        return feature_orders(ms.Network(ms.Sequential(*layers), input_shape=shape))

    found = orders(ms.Flatten(), ms.Dense(3))
    theirs = np.arange(32).reshape(2, 4, 4)
    assert (found.into["dense1"] == theirs.transpose(1, 2, 0).reshape(-1)).all()
    assert "dense1" not in orders(ms.nn.GlobalAveragePool2D(), ms.Dense(3)).into
    reader = ms.LSTM(3, return_sequences=True)
    assert "dense1" not in orders(reader, ms.Flatten(), ms.Dense(3), shape=(4, 2)).into
    both = ms.nn.Parallel(ms.Flatten(), ms.Sequential(ms.Flatten(), ms.Dense(2)))
    joined = orders(both, ms.Dense(3)).into["dense1"]
    assert (joined == [*found.into["dense1"], 32, 33]).all()
    cut = orders(ms.Flatten(), ms.nn.Columns(0, 5), ms.Dense(2))
    with pytest.raises(ms.MisstepError, match='channels="last"'):
        cut.check("dense1")
