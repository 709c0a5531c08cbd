"""Model files of networks with running statistics and other layers: saved, opened, refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import misstep as ms
from misstep.data import Images, read_source
from misstep.errors import FileFormatError
from misstep.ir import Array, Value
from misstep.modeling import Options, save_model, train
from misstep.modeling.model_file import KIND, VERSION
from misstep.nn import build_module
from misstep.storage import read_container, write_container


def trained(network: ms.Module, epochs: int = 4) -> tuple[ms.Classifier, Array]:
    random = np.random.default_rng(0)
    x = random.normal(3, 2, (90, 5))
    found = ms.Classifier(network=network, epochs=epochs).fit(x, x[:, 0] > x[:, 1])
    return found, x


NETWORK = ms.Sequential(ms.Dense(9), ms.BatchNorm(0.2), ms.ReLU(), ms.nn.LayerNorm(), ms.Dense(1))


def test_a_model_file_keeps_running_statistics(tmp_path: Path) -> None:
    found, x = trained(NETWORK)
    path = tmp_path / "model.misstep"
    found.save(path)
    model = ms.load_model(path)
    buffers = model.network.buffers
    assert buffers.shape == (18,)
    assert (buffers[:9] != 0).all()
    assert (buffers[9:] != 1).all()
    np.testing.assert_array_equal(model.predict(x), found.predict(x))
    np.testing.assert_array_equal(model.outputs(x[:1]), found.predict_proba(x[:1]))
    again = tmp_path / "again.misstep"
    ms.modeling.save_model(model, again)
    assert again.read_bytes() == path.read_bytes()
    assert "batch normalization" in model.summary()
    assert "54 multiply-adds a row" in model.summary()
    graph = model.row_graph(model.encode(x[:1]))
    close = model.network.predict(model.encode(x[:1]))
    np.testing.assert_allclose(graph.output.numpy(), close, rtol=1e-4)


def test_a_file_that_lacks_them_or_has_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.misstep"
    trained(NETWORK, 1)[0].save(path)
    held = read_container(path, kind=KIND, newest=VERSION)
    name = "batchnorm1.variance"
    for wrong in (
        {key: array for key, array in held.arrays.items() if key != name},
        {**held.arrays, name: np.zeros(8, "float32")},
        {**held.arrays, "batchnorm1.more": np.zeros(9, "float32")},
    ):
        write_container(path, held.document, wrong, kind=KIND, version=VERSION)
        with pytest.raises(FileFormatError, match="batchnorm1"):
            ms.load_model(path)


def test_any_network_comes_back_from_its_configuration_and_arrays() -> None:
    vectors = np.random.default_rng(1).normal(0, 1, (20, 4))
    module = ms.Sequential(
        ms.Embedding(20, 4, mask=True, vectors=vectors, trainable=False),
        ms.nn.PositionalEncoding(),
        ms.nn.TransformerBlock(2, 6, norm_first=False),
        ms.Residual(ms.Dense(3), shortcut=ms.Dense(3, bias=False)),
        ms.BatchNorm(),
        ms.nn.ByAxes({1: ms.Flatten(), 2: ms.nn.GlobalAveragePool1D()}),
        ms.Dense(2),
    )
    network = ms.Network(module, (6,), seed=3)
    network.buffers[-6:] = np.arange(1, 7)
    again = ms.Network(build_module(module.configuration()), (6,), arrays=network.arrays())
    assert repr(again.module) == repr(module)
    x = np.random.default_rng(0).integers(0, 20, (8, 6))
    np.testing.assert_array_equal(again.predict(x), network.predict(x))
    np.testing.assert_array_equal(again.arrays()["embedding1.vectors"][1:], vectors[1:].astype("f"))


@pytest.mark.parametrize(
    "network",
    [
        "conv8-pool-dense16",
        ms.Sequential(ms.Conv2D(4, 3), ms.ReLU(), ms.Flatten(), ms.Dense(10)),
        "dense16",
    ],
    ids=["words", "layers", "dense"],
)
def test_networks_for_pictures_get_pictures(tmp_path: Path, network: str | ms.Module) -> None:
    pictures = read_source("digits")
    trained = train(pictures, Options(network=network, epochs=8, seed=1))
    assert trained.scores["test"]["accuracy"] > 0.7
    path = tmp_path / "pictures.misstep"
    save_model(trained.model, path)
    again = ms.load_model(path)
    shown = pictures.train_images[:9]
    np.testing.assert_array_equal(again.predict(shown), trained.model.predict(shown))
    first = trained.model.network.module.layers[0]
    assert isinstance(first, ms.Reshape) == (network != "dense16")


@pytest.mark.parametrize(
    ("network", "side", "changed"),
    [("conv4-pool", 16, True), ("dense8", 16, False), ("conv4-pool", 8, False)],
)
def test_images_are_changed_for_networks_that_look_around(
    network: str, side: int, changed: bool
) -> None:
    draw = np.random.default_rng(0)
    labels = np.arange(80) % 2
    shown = draw.integers(0, 99, (80, side, side)).astype("uint8")
    shown[labels == 1, 4:, 4:] += 100
    pictures = Images(shown, labels, shown[:0], labels[:0])
    trained = train(pictures, Options(network=network, epochs=1))
    (told,) = [one for one in trained.decisions if one.what == "augmentation"]
    assert (told.choice != "none") is changed
    assert ("RandomShift" in repr(trained.model.network.module)) is changed


def test_a_model_with_a_layer_of_ones_own_says_in_one_message_how_to_open_it(
    tmp_path: Path,
) -> None:
    @dataclass(frozen=True)
    class Doubled(ms.Module):
        factor: float = 2.0

        def forward(self, x: Value) -> Value:
            return x * self.factor

    classifier, x = trained(ms.Sequential(Doubled(), ms.Dense(1)), epochs=1)
    path = tmp_path / "own.misstep"
    classifier.save(path)
    with pytest.raises(FileFormatError) as caught:
        ms.load_model(path)
    message = str(caught.value)
    assert message.count("needed") == 1
    assert ".." not in message.replace(str(path), "")
    assert "ms.load_model(path, modules=[Doubled])" in message
    model = ms.load_model(path, modules=[Doubled])
    assert len(model.predict(x)) == len(x)
