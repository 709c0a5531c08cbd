"""What Keras 3 keeps of each kind of layer: kinds, arrays in its order, shapes.

Keras has features and channels last, kernels as they are here, and gates of an LSTM in our order.
A GRU has its update gate first and, with reset_after, two biases: all but the new gate's are added
here. Filters of a depthwise convolution are (height, width, channels, multiplier): ours in as many
groups as channels. Attention has a kernel (features, heads, width) each for query, key and value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, NotYetError
from misstep.interchange.foreign_weights import Arrays, Layout, Shape
from misstep.ir import Array
from misstep.nn import (
    GRU,
    LSTM,
    RNN,
    BatchNorm,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Embedding,
    GroupNorm,
    LayerNorm,
    MultiHeadAttention,
    Network,
    RMSNorm,
)

# Our names in Keras' order, by what a layer is called there.
_ARRAYS = {
    "Dense": {"weight": "kernel", "bias": "bias"},
    "Conv1D": {"weight": "kernel", "bias": "bias"},
    "Conv2D": {"weight": "kernel", "bias": "bias"},
    "Conv1DTranspose": {"weight": "kernel", "bias": "bias"},
    "Conv2DTranspose": {"weight": "kernel", "bias": "bias"},
    "Embedding": {"vectors": "embeddings"},
    "BatchNormalization": {
        "scale": "gamma",
        "shift": "beta",
        "mean": "moving_mean",
        "variance": "moving_variance",
    },
    "LayerNormalization": {"scale": "gamma", "shift": "beta"},
    "GroupNormalization": {"scale": "gamma", "shift": "beta"},
    "RMSNormalization": {"scale": "scale"},
    "SimpleRNN": {"weight": "kernel", "recurrent": "recurrent_kernel", "bias": "bias"},
    "LSTM": {"weight": "kernel", "recurrent": "recurrent_kernel", "bias": "bias"},
}
_KINDS: dict[type, str] = {
    Dense: "Dense",
    Conv1D: "Conv1D",
    Conv2D: "Conv2D",
    Conv1DTranspose: "Conv1DTranspose",
    Conv2DTranspose: "Conv2DTranspose",
    Embedding: "Embedding",
    BatchNorm: "BatchNormalization",
    LayerNorm: "LayerNormalization",
    GroupNorm: "GroupNormalization",
    RMSNorm: "RMSNormalization",
    RNN: "SimpleRNN",
    LSTM: "LSTM",
}
# The names of arrays of each kind, in the order in which Keras keeps them.
NAMES: dict[str, tuple[str, ...]] = {
    **{kind: tuple(arrays.values()) for kind, arrays in _ARRAYS.items()},
    "GRU": ("kernel", "recurrent_kernel", "bias"),
    "DepthwiseConv1D": ("kernel", "bias"),
    "DepthwiseConv2D": ("kernel", "bias"),
    "MultiHeadAttention": tuple(
        f"{part}_{own}"
        for part in ("query", "key", "value", "output")
        for own in ("kernel", "bias")
    ),
}


def keras_layouts(network: Network) -> list[Layout]:
    """Return what each layer with weights is in Keras, in the order of their use.

    Raises NotYetError for a layer that Keras has not, or that is put together otherwise there.
    """
    held: dict[str, dict[str, Shape]] = {}
    for name, array in network.arrays().items():
        path, _, own = name.rpartition(".")
        held.setdefault(path, {})[own] = array.shape
    layers = {**network.layers, "": network.module}
    places = {path: place for place, path in enumerate(layers)}
    found: list[Layout] = []
    for path in sorted(held, key=lambda path: places[path]):
        found += _of_layer(path, layers[path], held[path])
    return found


def _of_layer(path: str, layer: Any, shapes: Mapping[str, Shape]) -> Iterator[Layout]:
    words = layer.describe()
    groups = getattr(layer, "groups", 1)
    if isinstance(layer, GRU):
        yield _gru(path, layer, words, shapes)
    elif isinstance(layer, MultiHeadAttention):
        yield _attention(path, layer, words, shapes)
    elif isinstance(layer, Conv1D | Conv2D) and groups > 1 and shapes["weight"][-2] == 1:
        yield _depthwise(path, layer, words, shapes)
    elif type(layer) in _KINDS and "peepholes" not in shapes:
        kind = _KINDS[type(layer)]
        called = {own: name for own, name in _ARRAYS[kind].items() if own in shapes}
        yield _made(path, words, kind, shapes, called, {})
    else:
        raise NotYetError(
            f"the layer {path} ({words}), with weights from Keras",
            needed="a layer that Keras has too",
            try_="network.load with arrays by name, for what is made by hand",
        )


_Way = tuple[Callable[[Array], Array], Callable[[Array], Array]]


def _made(
    path: str,
    words: str,
    kind: str,
    shapes: Mapping[str, Shape],
    called: Mapping[str, str],
    ways: Mapping[str, _Way],
) -> Layout:
    """Return the layout of a layer of which each array there is one of ours."""
    prefix = f"{path}." if path else ""

    def here(theirs: Arrays) -> dict[str, Array]:
        return {
            f"{prefix}{own}": ways[own][0](theirs[name]) if own in ways else theirs[name]
            for own, name in called.items()
        }

    def there(ours: Arrays) -> dict[str, Array]:
        return {
            name: ways[own][1](ours[f"{prefix}{own}"]) if own in ways else ours[f"{prefix}{own}"]
            for own, name in called.items()
        }

    needed = {
        name: there({f"{prefix}{one}": np.broadcast_to(0.0, shapes[one]) for one in shapes})[
            name
        ].shape
        for name in called.values()
    }
    return Layout(path, words, path, needed, here, there, kind=kind)


def _depthwise(path: str, layer: Any, words: str, shapes: Mapping[str, Shape]) -> Layout:
    *window, _, filters = shapes["weight"]
    theirs = (*window, layer.groups, filters // layer.groups)

    def here(array: Array) -> Array:
        return array.reshape(shapes["weight"])

    def there(array: Array) -> Array:
        return array.reshape(theirs)

    called = {"weight": "kernel", "bias": "bias"}
    kind = f"DepthwiseConv{len(window)}D"
    own = {name: called[name] for name in shapes}
    return _made(path, words, kind, shapes, own, {"weight": (here, there)})


def _gru(path: str, layer: GRU, words: str, shapes: Mapping[str, Shape]) -> Layout:
    units, prefix = layer.units, f"{path}." if path else ""
    after = "recurrent_bias" in shapes

    def exchanged(array: Array) -> Array:
        """Return columns with the gates reset and update in each other's place."""
        columns = np.split(array, 3, axis=-1)
        return np.concatenate([columns[1], columns[0], columns[2]], axis=-1)

    def here(theirs: Arrays) -> dict[str, Array]:
        found = {
            "weight": exchanged(theirs["kernel"]),
            "recurrent": exchanged(theirs["recurrent_kernel"]),
        }
        bias = exchanged(theirs["bias"])
        if after:
            first, second = bias[0].copy(), bias[1].copy()
            found["recurrent_bias"] = second[2 * units :].copy()
            second[2 * units :] = 0.0
            bias = first + second
        found["bias"] = bias
        return {f"{prefix}{name}": array for name, array in found.items()}

    def there(ours: Arrays) -> dict[str, Array]:
        bias = exchanged(ours[f"{prefix}bias"])
        if after:
            second = np.zeros_like(bias)
            second[2 * units :] = ours[f"{prefix}recurrent_bias"]
            bias = np.stack([bias, second])
        return {
            "kernel": exchanged(ours[f"{prefix}weight"]),
            "recurrent_kernel": exchanged(ours[f"{prefix}recurrent"]),
            "bias": bias,
        }

    needed = {
        "kernel": shapes["weight"],
        "recurrent_kernel": shapes["recurrent"],
        "bias": (2, 3 * units) if after else (3 * units,),
    }
    return Layout(path, words, path, needed, here, there, kind="GRU")


def _attention(
    path: str, layer: MultiHeadAttention, words: str, shapes: Mapping[str, Shape]
) -> Layout:
    features, prefix = shapes["output_weight"][0], f"{path}." if path else ""
    if not layer.bias:
        raise ArgumentError(f"the layer {path} ({words})", needed="bias=True", got="bias=False")
    heads, width = layer.heads, features // layer.heads
    parts = ("query", "key", "value")
    needed: dict[str, Shape] = {}
    for part in parts:
        needed |= {f"{part}_kernel": (features, heads, width), f"{part}_bias": (heads, width)}
    needed |= {"output_kernel": (heads, width, features), "output_bias": (features,)}

    def here(theirs: Arrays) -> dict[str, Array]:
        kernels = [theirs[f"{part}_kernel"].reshape(features, features) for part in parts]
        biases = [theirs[f"{part}_bias"].reshape(features) for part in parts]
        return {
            f"{prefix}input_weight": np.concatenate(kernels, axis=1),
            f"{prefix}input_bias": np.concatenate(biases),
            f"{prefix}output_weight": theirs["output_kernel"].reshape(features, features),
            f"{prefix}output_bias": theirs["output_bias"],
        }

    def there(ours: Arrays) -> dict[str, Array]:
        kernels = np.split(ours[f"{prefix}input_weight"], 3, axis=1)
        biases = np.split(ours[f"{prefix}input_bias"], 3)
        found = {"output_bias": ours[f"{prefix}output_bias"]}
        found["output_kernel"] = ours[f"{prefix}output_weight"]
        for part, kernel, bias in zip(parts, kernels, biases, strict=True):
            found |= {f"{part}_kernel": kernel, f"{part}_bias": bias}
        return {name: found[name].reshape(shape) for name, shape in needed.items()}

    return Layout(path, words, path, needed, here, there, kind="MultiHeadAttention")
