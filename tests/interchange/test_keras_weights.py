"""Weights of Keras: networks say what Keras' said, and give its weights back.

What Keras said was written down by `keras_twins.py`, which runs where Keras is; a model stands here
as what is looked at of one.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from tests.interchange.keras_twins import TWINS

KEPT = Path(__file__).resolve().parents[1] / "fixtures" / "keras-weights"


def layer(kind: str, name: str, weights: list[Any], **more: Any) -> Any:
    return type(kind, (), {"name": name, "weights": weights, **more})()


def model(layers: list[Any]) -> Any:
    weights = [weight for one in layers for weight in getattr(one, "weights", ())]
    return type("Sequential", (), {"layers": layers, "weights": weights})()


def kept(name: str) -> tuple[Any, Any]:
    """Return a model as Keras had it, and what it said."""
    with np.load(KEPT / f"{name}.npz", allow_pickle=False) as file:
        held = {key: file[key] for key in file.files}
    layers = []
    for key, kind in held.items():
        if not key.startswith("kind/"):
            continue
        own = {path: held[path] for path in held if f"/{key[5:]}/" in path}
        more = {
            f"{way}_layer": layer(
                "GRU", way, [one for path, one in own.items() if f"/{way}_" in path]
            )
            for way in ("forward", "backward")
        }
        both = more if str(kind) == "Bidirectional" else {}
        layers.append(layer(str(kind), key[5:], list(own.values()), **both))
    return model(layers), held["y"]


@pytest.mark.parametrize("name", TWINS)
def test_keras_weights_say_here_what_they_said_there(name: str) -> None:
    there, y = kept(name)
    network = TWINS[name].network()
    network.load_keras(there)
    np.testing.assert_allclose(network.predict(TWINS[name].rows()), y, rtol=1e-5, atol=2e-6)
    back = network.to_keras(there)
    again = TWINS[name].network()
    for one, array in zip(there.weights, back, strict=True):
        assert array.shape == one.shape
        one[...] = array
    again.load_keras(there)
    assert (again.parameters == network.parameters).all()
    assert (again.buffers == network.buffers).all()


def test_attention_comes_from_kernels_by_head() -> None:
    random = np.random.default_rng(0)
    shapes = [*[(6, 2, 3), (2, 3)] * 3, (2, 3, 6), (6,)]
    weights = [random.normal(0, 1, shape).astype("float32") for shape in shapes]
    network = ms.Network(ms.nn.MultiHeadAttention(2), input_shape=(4, 6))
    network.load_keras(model([layer("MultiHeadAttention", "a", weights)]))
    x = random.normal(0, 1, (2, 4, 6))
    q, k, v = (
        np.einsum("btf,fhw->bhtw", x, weights[2 * n]) + weights[2 * n + 1][:, None]
        for n in range(3)
    )
    scores = np.exp(q @ k.swapaxes(-1, -2) / np.sqrt(3))
    seen = (scores / scores.sum(-1, keepdims=True)) @ v
    expected = np.einsum("bhtw,hwf->btf", seen, weights[6]) + weights[7]
    np.testing.assert_allclose(network.predict(x), expected, rtol=1e-4, atol=1e-5)


def dense(*shapes: tuple[int, ...], name: str = "dense", kind: str = "Dense", **more: Any) -> Any:
    return layer(kind, name, [np.ones(shape, "float32") for shape in shapes], **more)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([dense((4, 2), (2,))], r"dense1.*\(3, 2\).*\(4, 2\)"),
        ([dense((3, 2))], "bias=False"),
        ([dense((3, 2), (2,)), dense((2, 2), (2,), name="more")], "leave"),
        ([dense((3, 2), (2,), kind="EinsumDense")], "EinsumDense"),
        ([], "dense1"),
    ],
)
def test_what_does_not_fit_is_said(layers: list[Any], words: str) -> None:
    network = ms.Network(ms.Sequential(ms.Dense(2)), input_shape=(3,))
    before = network.parameters.copy()
    with pytest.raises(ms.MisstepError, match=words):
        network.load_keras(model(layers))
    with pytest.raises(ms.MisstepError, match="a Keras model"):
        network.load_keras([np.ones(3)])
    assert (network.parameters == before).all()


def test_epsilons_are_compared() -> None:
    there = dense((3,), (3,), (3,), (3,), kind="BatchNormalization", epsilon=1e-3)
    network = ms.Network(ms.Sequential(ms.BatchNorm()), input_shape=(3,))
    with pytest.raises(ms.MisstepError, match=r"epsilon=0\.001"):
        network.load_keras(model([there]))


def test_what_keras_lacks_is_refused() -> None:
    network = ms.Network(ms.Sequential(ms.LSTM(2, peepholes=True)), input_shape=(4, 3))
    with pytest.raises(ms.MisstepError, match="a layer that Keras has too"):
        network.load_keras(model([]))


def test_files_are_looked_at_with_suspicion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = ms.Network(ms.Dense(1), input_shape=(2,))
    with pytest.raises(ms.MisstepError, match="no such file"):
        network.load_keras(tmp_path / "absent.keras")
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ms.MisstepError, match=r"model\.weights\.h5 in it"):
        network.load_keras(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(10**6))
    with pytest.raises(ms.MisstepError, match="bytes packed into"):
        network.load_keras(path)
    monkeypatch.setitem(sys.modules, "h5py", None)
    path.write_bytes(b"nothing")
    with pytest.raises(ms.MisstepError, match="needed the package h5py"):
        network.load_keras(path)


def test_a_file_of_keras_is_read(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="h5py reads Keras' files where it is installed")
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    # In the order of numbers, not of letters.
    for number in range(12):
        name = f"layers/dense_{number}" if number else "layers/dense"
        arrays[f"{name}/vars/0"] = random.normal(0, 1, (3, 3)).astype("float32")
        arrays[f"{name}/vars/1"] = random.normal(0, 1, 3).astype("float32")
    arrays["layers/dropout/seed_generator/vars/0"] = np.zeros(2, "uint32")
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
    network = ms.Network(ms.Sequential(*(ms.Dense(3) for _ in range(12))), (3,))
    pairs = network.load_keras(tmp_path / "m.weights.h5")
    assert pairs["dense3"] == "layers/dense_2"
    found = network.arrays()
    for number in range(12):
        name = f"layers/dense_{number}" if number else "layers/dense"
        assert (found[f"dense{number + 1}.weight"] == arrays[f"{name}/vars/0"]).all()
    (tmp_path / "n.weights.h5").write_bytes((tmp_path / "m.weights.h5").read_bytes()[:3000])
    for content in ("n.weights.h5",):
        with pytest.raises(ms.MisstepError, match="weights that Keras 3 wrote"):
            network.load_keras(tmp_path / content)
