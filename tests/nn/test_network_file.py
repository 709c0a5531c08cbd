"""A network in one file: own modules, frozen layers, and files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import misstep as ms
from misstep.errors import FileFormatError, MisstepError
from misstep.ir import Value
from misstep.nn import load_network, save_network
from misstep.storage import read_container, write_container


class Bottleneck(ms.Module):
    def __init__(self, narrow: int, wide: int) -> None:
        self.narrow = ms.Dense(narrow)
        self.wide = ms.Dense(wide)

    def forward(self, x: Value) -> Value:
        return self.wide(ms.relu(self.narrow(x)))


def test_a_trained_network_of_own_modules_comes_back(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 3)), random.normal(size=(40, 1))
    module = ms.Sequential(Bottleneck(2, 4), ms.BatchNorm(), ms.Dense(1, trainable=False))
    trainer = ms.Trainer(module, loss=ms.SquaredError())
    trainer.fit(x, y, epochs=2)
    path = tmp_path / "network.misstep"
    save_network(trainer.network, path)
    again = load_network(path, modules=[Bottleneck])
    np.testing.assert_array_equal(again.predict(x), trainer.predict(x))
    assert again.frozen == trainer.network.frozen
    assert "dense1" in again.frozen[0]
    before = path.read_bytes()
    save_network(again, path)
    assert path.read_bytes() == before
    # It learns on.
    assert ms.Trainer(again, loss=ms.SquaredError()).fit(x, y, epochs=1).finished
    with pytest.raises(FileFormatError, match="Bottleneck"):
        load_network(path)


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "network.misstep"
    network = ms.Network(ms.Dense(2), input_shape=(3,))
    save_network(network, path)
    found = read_container(path, kind="network", newest=1)
    document, arrays = found.document, found.arrays
    broken = [
        ({**document, "input_shape": [0]}, arrays),
        ({**document, "input_shape": [4]}, arrays),
        ({**document, "dtype": "float99"}, arrays),
        ({**document, "frozen": ["nobody"]}, arrays),
        ({**document, "code": "print()"}, arrays),
        ({**document, "network": {"layer": "Dense"}}, arrays),
        (document, {name: array * np.nan for name, array in arrays.items()}),
        (document, {}),
    ]
    for one, of in broken:
        write_container(path, one, dict(of), kind="network", version=1)
        with pytest.raises(FileFormatError):
            load_network(path)
    ms.Regressor("dense2", epochs=1).fit(np.eye(8), np.arange(8.0)).save(path)
    with pytest.raises(MisstepError):
        load_network(path)
