"""What PyTorch keeps of each kind of layer: names, shapes, order of gates, order of features.

Dense weights are (outputs, inputs) there, filters (filters, channels, *window), those of a
transposed convolution (channels, filters, *window): ours with axes moved. Gates stand in the same
order (input, forget, cell, output; reset, update, new). Where PyTorch has two biases that are
added, ours has one: their sum comes in, and goes out as the first, with zeros as the second; only
the new gate of a GRU has both here too. Attention: the transposes of in_proj and out_proj.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, NotYetError
from misstep.interchange.feature_orders import FeatureOrders
from misstep.interchange.foreign_weights import Arrays, Layout, Shape, without_ones
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
    EmbeddingBag,
    GroupNorm,
    ImportedGraph,
    InstanceNorm,
    LayerNorm,
    MultiHeadAttention,
    Network,
    PositionEmbedding,
    RMSNorm,
    TransformerBlock,
)

# The parts of a Transformer block in the order in which PyTorch's TransformerEncoderLayer has them.
BLOCK_PARTS = {
    "attention": "self_attn",
    "hidden": "linear1",
    "output": "linear2",
    "attention_norm": "norm1",
    "dense_norm": "norm2",
}
_NORMS = {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}
_Convert = Callable[[Array], Array]


def torch_layouts(network: Network, orders: FeatureOrders) -> list[Layout]:
    """Return what each layer with weights is in PyTorch, in the order of their use.

    Raises NotYetError for a network that was read from an ONNX file.
    """
    held: dict[str, dict[str, Shape]] = {}
    for name, array in network.arrays().items():
        path, _, own = name.rpartition(".")
        held.setdefault(path, {})[own] = array.shape
    layers = {**network.layers, "": network.module}
    places = {path: place for place, path in enumerate(layers)}
    blocks = [path for path, one in layers.items() if isinstance(one, TransformerBlock)]

    def place(path: str) -> int:
        above = [one for one in blocks if path == one or path.startswith(f"{one}.")]
        return places[above[0]] if above else places[path]

    found: list[Layout] = []
    for path in sorted(held, key=place):
        layer = layers[path]
        if isinstance(layer, ImportedGraph):
            raise NotYetError(
                "the weights of a network that was read from an ONNX file, in PyTorch's names",
                needed="a network made of layers",
                try_="network.to_onnx(…)",
            )
        orders.check(path)
        found += _of_layer(path, layer, held[path], orders)
    return _blocks_in_their_order(found, blocks)


def _blocks_in_their_order(layouts: list[Layout], blocks: list[str]) -> list[Layout]:
    """Return the parts of each Transformer block in PyTorch's order, and by PyTorch's names."""
    ranks = list(BLOCK_PARTS)
    found: list[tuple[int, int, Layout]] = []
    for place, layout in enumerate(layouts):
        above, _, part = layout.path.rpartition(".")
        if above not in blocks or part not in ranks:
            found.append((place, 0, layout))
            continue
        first = next(at for at, one in enumerate(layouts) if one.path.rpartition(".")[0] == above)
        label = ".".join(one for one in (above, BLOCK_PARTS[part]) if one)
        found.append((first, ranks.index(part), replace(layout, label=label)))
    return [layout for _, _, layout in sorted(found, key=lambda one: one[:2])]


def _of_layer(
    path: str, layer: Any, shapes: Mapping[str, Shape], orders: FeatureOrders
) -> Iterator[Layout]:
    words = layer.describe()
    into, out_of = orders.into.get(path), orders.out_of.get(path)
    if isinstance(layer, Dense):
        yield _plain(path, words, shapes, {"weight": _dense(into, out_of), "bias": _moved(out_of)})
    elif isinstance(layer, Conv1D | Conv2D | Conv1DTranspose | Conv2DTranspose):
        turn = (_last_first, _first_last)
        yield _plain(path, words, shapes, {"weight": turn, "bias": _SAME})
    elif isinstance(layer, BatchNorm | LayerNorm | RMSNorm | GroupNorm | InstanceNorm):
        if into is not None and isinstance(layer, GroupNorm | InstanceNorm):
            raise NotYetError(f"the layer {path}", needed="channels of an image, or plain features")
        kept = {name: _moved(into) for name in shapes}
        yield _plain(path, words, shapes, kept, _NORMS)
    elif isinstance(layer, Embedding | PositionEmbedding) or (
        isinstance(layer, EmbeddingBag) and not layer.bias
    ):
        yield _plain(path, words, shapes, {"vectors": _SAME}, {"vectors": "weight"})
    elif isinstance(layer, RNN | GRU | LSTM):
        yield _recurrent(path, layer, words, shapes)
    elif isinstance(layer, MultiHeadAttention):
        yield _attention(path, words, shapes)
    elif isinstance(layer, TransformerBlock):
        for part in ("hidden", "output"):
            own = {name: shapes[name] for name in shapes if name.startswith(f"{part}_")}
            called = {f"{part}_weight": "weight", f"{part}_bias": "bias"}
            turns = {f"{part}_weight": _TURNED, f"{part}_bias": _SAME}
            yield _plain(path, f"{words}, {part}", own, turns, called, part)
    else:
        # A layer that PyTorch has not: each of its parameters by its own name, as it is.
        for name, shape in shapes.items():
            reshaped: _Ways = (partial(np.reshape, shape=shape), _without_ones)
            layout = _plain(path, words, {name: shape}, {name: reshaped}, {name: "weight"}, name)
            yield replace(layout, is_parameter=True)


_Ways = tuple[_Convert, _Convert]


def _same(array: Array) -> Array:
    return array


def _transposed(array: Array) -> Array:
    return array.T


_SAME: _Ways = (_same, _same)
_TURNED: _Ways = (_transposed, _transposed)


def _without_ones(array: Array) -> Array:
    return array.reshape(without_ones(array.shape))


def _moved(order: Array | None) -> _Ways:
    """Return how a vector of features comes here and goes back."""
    if order is None:
        return _SAME
    back = np.argsort(order)
    return (lambda array: array[order]), (lambda array: array[back])


def _dense(into: Array | None, out_of: Array | None) -> _Ways:
    """Return how a weight (outputs, inputs) becomes (inputs, outputs), and goes back."""
    rows, columns = _moved(into), _moved(out_of)
    return (
        lambda array: columns[0](rows[0](array.T).T).T,
        lambda array: columns[1](rows[1](array).T),
    )


def _last_first(array: Array) -> Array:
    """Return filters (a, b, *window) as (*window, b, a)."""
    return np.moveaxis(array, (1, 0), (-2, -1))


def _first_last(array: Array) -> Array:
    """Return filters (*window, b, a) as (a, b, *window)."""
    return np.moveaxis(array, (-1, -2), (0, 1))


def _plain(
    path: str,
    words: str,
    shapes: Mapping[str, Shape],
    ways: Mapping[str, _Ways],
    called: Mapping[str, str] | None = None,
    part: str = "",
) -> Layout:
    """Return the layout of a layer of which each array there is one of ours."""
    names = called or {name: name for name in shapes}
    prefix = f"{path}." if path else ""

    def here(theirs: Arrays) -> dict[str, Array]:
        return {f"{prefix}{name}": ways[name][0](theirs[names[name]]) for name in shapes}

    def there(ours: Arrays) -> dict[str, Array]:
        return {names[name]: ways[name][1](ours[f"{prefix}{name}"]) for name in shapes}

    needed = {
        names[name]: ways[name][1](np.broadcast_to(0.0, shape)).shape
        for name, shape in shapes.items()
    }
    own = f"{prefix}{part}" if part else path
    return Layout(own, words, own, needed, here, there)


def _attention(path: str, words: str, shapes: Mapping[str, Shape]) -> Layout:
    called = {
        "input_weight": "in_proj_weight",
        "input_bias": "in_proj_bias",
        "output_weight": "out_proj.weight",
        "output_bias": "out_proj.bias",
    }
    ways = {name: _TURNED if name.endswith("weight") else _SAME for name in shapes}
    return _plain(path, words, shapes, ways, {name: called[name] for name in shapes})


def _recurrent(path: str, layer: Any, words: str, shapes: Mapping[str, Shape]) -> Layout:
    if "peepholes" in shapes or getattr(layer, "reset_first", False):
        which = "peepholes" if "peepholes" in shapes else "reset_first"
        raise ArgumentError(
            f"the layer {path} ({words})",
            needed="a layer that PyTorch has too",
            got=f"{which}=True",
            try_=f"{which}=False, where the weights are PyTorch's",
        )
    units, prefix = layer.units, f"{path}." if path else ""
    resets = "recurrent_bias" in shapes
    needed = {
        "weight_ih": (layer.gates * units, shapes["weight"][0]),
        "weight_hh": (layer.gates * units, units),
        "bias_ih": (layer.gates * units,),
        "bias_hh": (layer.gates * units,),
    }
    zeros = np.zeros(layer.gates * units)

    def here(theirs: Arrays) -> dict[str, Array]:
        first, second = theirs.get("bias_ih", zeros), np.array(theirs.get("bias_hh", zeros))
        found = {"weight": theirs["weight_ih"].T, "recurrent": theirs["weight_hh"].T}
        if resets:
            found["recurrent_bias"] = second[2 * units :].copy()
            second[2 * units :] = 0.0
        found["bias"] = first + second
        return {f"{prefix}{name}": array for name, array in found.items()}

    def there(ours: Arrays) -> dict[str, Array]:
        own = {name: ours[f"{prefix}{name}"] for name in shapes}
        second = np.zeros_like(own["bias"])
        if resets:
            second[2 * units :] = own["recurrent_bias"]
        return {
            "weight_ih": own["weight"].T,
            "weight_hh": own["recurrent"].T,
            "bias_ih": own["bias"],
            "bias_hh": second,
        }

    above, _, last = path.rpartition(".")
    both_ways = {"forward": "_l0", "backward": "_l0_reverse"}
    label = f"{above}{both_ways[last]}" if last in both_ways else f"{path}_l0"
    return Layout(path, words, label, needed, here, there, frozenset({"bias_ih", "bias_hh"}))
