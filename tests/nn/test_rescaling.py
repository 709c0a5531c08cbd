"""Rescaling and Clip: their numbers, what they keep, and networks with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import misstep as ms
from misstep.nn import Clip, Network, Rescaling, Sequential, build_module

X = np.random.default_rng(2).normal(3.0, 40.0, size=(7, 3))


def test_each_feature_has_its_numbers() -> None:
    scale, offset = np.array([0.5, -2.0, 1e-3]), np.array([1.0, 0.0, -7.0])
    network = Network(Rescaling(scale, offset), input_shape=(3,))
    assert network.predict(X) == pytest.approx(X * scale + offset, rel=1e-6)
    assert network.parameter_count == network.buffer_count == 0
    several = Network(Rescaling(scale), input_shape=(2, 3))
    rows = X[:6].reshape(3, 2, 3)
    assert several.predict(rows) == pytest.approx(rows * scale, rel=1e-6)


def test_settings_are_plain_numbers_whatever_they_came_as() -> None:
    layer = Rescaling(np.float32(0.5), np.array([1, 2]))
    assert layer == Rescaling(0.5, (1.0, 2.0))
    assert layer.configuration() == {"kind": "Rescaling", "scale": 0.5, "offset": (1.0, 2.0)}
    assert build_module({"kind": "Rescaling", "scale": 0.5, "offset": [1.0, 2.0]}) == layer
    assert hash(layer) == hash(Rescaling(0.5, [1.0, 2.0]))


def test_clip_is_flat_beyond_its_bounds() -> None:
    network = Network(Clip(-2.0, 30.0), input_shape=(3,))
    assert np.array_equal(network.predict(X), np.clip(X, -2.0, 30.0).astype("float32"))


def test_a_model_with_them_trains_is_saved_and_comes_back(tmp_path: Path) -> None:
    y = 5e4 + 1e4 * X[:, 0]
    front = Rescaling(1 / X.std(axis=0), -X.mean(axis=0) / X.std(axis=0))
    layers = Sequential(front, Clip(-3.0, 3.0), ms.Dense(4), ms.Tanh(), ms.Dense(1))
    network = Sequential(*layers.layers, Rescaling(2.0, 0.5))
    found = ms.Regressor(network=network, epochs=3).fit(np.repeat(X, 9, axis=0), np.repeat(y, 9))
    found.save(tmp_path / "model.misstep")
    again = ms.load_model(tmp_path / "model.misstep")
    assert np.array_equal(again.predict(X), found.predict(X))
    assert "kept between -3 and 3" in again.summary()
    graph = again.row_graph(again.encode(X[:1]))
    assert graph.output.numpy() == pytest.approx(again.network.predict(again.encode(X[:1])), 1e-4)
