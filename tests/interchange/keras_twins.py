"""Six architectures twice: in layers of this library, and as models of Keras 3.

`python -m tests.interchange.keras_twins FOLDER` writes what the tests read where Keras is not
(`tests/fixtures/keras-weights`), and measures both sides against each other.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import misstep as ms


@dataclass(frozen=True)
class Twin:
    """`layers`: ours; `model`: a list of Keras' layers; `shape`: of a row, both channels last."""

    layers: Callable[[], Any]
    model: Callable[[Any], list[Any]]
    shape: tuple[int, ...]
    whole: int = 0

    def network(self) -> Any:
        return ms.Network(self.layers(), input_shape=self.shape)

    def rows(self) -> Any:
        random = np.random.default_rng(7)
        if self.whole:
            return random.integers(0, self.whole, (4, *self.shape))
        return random.normal(0, 1, (4, *self.shape)).astype("float32")


TWINS: dict[str, Twin] = {
    "perceptron": Twin(
        lambda: ms.Sequential(
            *(ms.Dense(6), ms.BatchNorm(epsilon=1e-3), ms.ReLU(), ms.Dense(6), ms.Dense(2))
        ),
        lambda layers: [
            *(layers.Dense(6), layers.BatchNormalization(), layers.ReLU(), layers.Dense(6)),
            layers.Dense(2),
        ],
        (6,),
    ),
    "convolutions": Twin(
        lambda: ms.Sequential(
            *(ms.Conv2D(4, 3), ms.Conv2D(4, 3, groups=4, bias=False), ms.ReLU()),
            *(ms.nn.Conv2DTranspose(3, 2, stride=2), ms.nn.GroupNorm(3, 1e-3), ms.Flatten()),
            ms.Dense(2),
        ),
        lambda layers: [
            *(layers.Conv2D(4, 3), layers.DepthwiseConv2D(3, use_bias=False), layers.ReLU()),
            *(layers.Conv2DTranspose(3, 2, strides=2), layers.GroupNormalization(3)),
            *(layers.Flatten(), layers.Dense(2)),
        ],
        (7, 7, 2),
    ),
    "lstm": Twin(
        lambda: ms.Sequential(
            *(ms.Embedding(9, 4), ms.LSTM(5, return_sequences=True), ms.LSTM(3), ms.Dense(2))
        ),
        lambda layers: [
            *(layers.Embedding(9, 4), layers.LSTM(5, return_sequences=True), layers.LSTM(3)),
            layers.Dense(2),
        ],
        (5,),
        whole=9,
    ),
    "gru": Twin(
        lambda: ms.Sequential(
            ms.nn.Bidirectional(ms.GRU(3, return_sequences=True)),
            *(ms.GRU(4, reset_first=True), ms.nn.LayerNorm(1e-3), ms.Dense(2)),
        ),
        lambda layers: [
            layers.Bidirectional(layers.GRU(3, return_sequences=True)),
            *(layers.GRU(4, reset_after=False), layers.LayerNormalization(), layers.Dense(2)),
        ],
        (5, 2),
    ),
    "waves": Twin(
        lambda: ms.Sequential(
            *(ms.Conv1D(4, 3, dilation=2), ms.Conv1D(8, 2, groups=4), ms.nn.RNN(3), ms.Dense(2))
        ),
        lambda layers: [
            *(layers.Conv1D(4, 3, dilation_rate=2), layers.DepthwiseConv1D(2, depth_multiplier=2)),
            *(layers.SimpleRNN(3), layers.Dense(2)),
        ],
        (9, 2),
    ),
}


def stored(model: Any) -> list[Any]:
    return [np.asarray(one) for one in model.get_weights()]


def model_of(name: str) -> Any:
    """Return the Keras model with numbers of all sizes."""
    import keras

    keras.utils.set_random_seed(sum(map(ord, name)))
    model = keras.Sequential([keras.Input(TWINS[name].shape), *TWINS[name].model(keras.layers)])
    random = np.random.default_rng(1)
    model.set_weights(
        [
            np.abs(one + random.normal(0, 0.2, one.shape)) + 0.3
            if "variance" in weight.path
            else one + random.normal(0, 0.2, one.shape)
            for weight, one in zip(model.weights, model.get_weights(), strict=True)
        ]
    )
    return model


def attending() -> tuple[Any, Any]:
    """Return a network that attends, and Keras' model."""
    import keras

    inputs = keras.Input((5, 6))
    y = keras.layers.MultiHeadAttention(2, 3)(inputs, inputs)
    y = keras.layers.LayerNormalization()(y + inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(y))
    layers = ms.Sequential(
        *(ms.Residual(ms.nn.MultiHeadAttention(2)), ms.nn.LayerNorm(1e-3), ms.Dense(2))
    )
    return ms.Network(layers, input_shape=(5, 6)), model


def off(network: Any, model: Any, x: Any, folder: Path) -> str:
    """Return the largest difference of outputs: of the model, of its files, and back."""
    y, found = np.asarray(model.predict(x, verbose=0)), {}
    pairs = network.load_keras(model)
    found["model"] = network.predict(x)
    for suffix in (".weights.h5", ".keras"):
        path = folder / f"m{suffix}"
        (model.save_weights if suffix == ".weights.h5" else model.save)(path)
        network.initialize(9)
        network.load_keras(path)
        found[suffix] = network.predict(x)
    back = network.to_keras(model)
    before = stored(model)
    model.set_weights([np.zeros_like(one) for one in before])
    model.set_weights(back)
    found["back"] = np.asarray(model.predict(x, verbose=0))
    return f"{ {key: f'{np.abs(one - y).max():.1e}' for key, one in found.items()} } {pairs}"


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, twin in TWINS.items():
        model, x = model_of(name), twin.rows()
        held = {
            weight.path: np.asarray(one)
            for weight, one in zip(model.weights, stored(model), strict=True)
        }
        kinds = {f"kind/{layer.name}": np.array(type(layer).__name__) for layer in model.layers}
        y = np.asarray(model.predict(x, verbose=0))
        np.savez(folder / f"{name}.npz", y=y, **held, **kinds)
        with tempfile.TemporaryDirectory() as place:
            print(name, off(twin.network(), model, x, Path(place)))
    network, model = attending()
    x = np.random.default_rng(2).normal(0, 1, (3, 5, 6)).astype("float32")
    with tempfile.TemporaryDirectory() as place:
        print("attention", off(network, model, x, Path(place)))


if __name__ == "__main__":
    main()
