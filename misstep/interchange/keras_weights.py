"""Weights of Keras 3 for a network, and a network's weights for a Keras model.

What they mean stands in `keras_layouts.py`, what belongs to what in `foreign_weights.py`, how files
are read in `keras_files.py`. Keras itself is never imported: of a model its layers, their class and
their weights are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, FileFormatError
from misstep.interchange.foreign_weights import Group, Side, pair_up
from misstep.interchange.keras_files import DAMAGE, keras_groups
from misstep.interchange.keras_layouts import NAMES, keras_layouts
from misstep.interchange.torch_files import plain_array
from misstep.ir import Array
from misstep.nn import Network

NAME = "Keras' weights"
WRAPPERS = {"Bidirectional": ("forward_layer", "backward_layer"), "TimeDistributed": ("layer",)}


def load_keras(
    network: Network,
    source: Any,
    *,
    names: Mapping[str, str] | None = None,
    leave: Iterable[str] = (),
) -> dict[str, str]:
    """Give a network the weights of a Keras 3 model, as `Network.load_keras` says."""
    layers: Mapping[str, Any] = {}
    if isinstance(source, str | Path):
        groups = keras_groups(source)
    else:
        layers = dict(_layers_of(source))
        groups = [_group(label, layer) for label, layer in layers.items() if _weights(layer)]
    pairs = pair_up(keras_layouts(network), Side(NAME, groups, True), names, leave)
    arrays: dict[str, Array] = dict(network.arrays())
    for layout, group in pairs:
        epsilon = getattr(network.layers.get(layout.path, network.module), "epsilon", None)
        other = getattr(layers.get(group.label), "epsilon", None)
        if isinstance(other, float) and epsilon is not None and other != epsilon:
            raise ArgumentError(
                f"the layer {layout.path} ({layout.words})",
                needed=f"epsilon={other:g}, as {group.label} has it",
                got=f"{epsilon:g}",
            )
        theirs = {
            name: plain_array(f"{group.label} {name}", _numbers(one))
            for name, one in group.keys.items()
        }
        arrays |= layout.here(theirs)
    network.load(arrays)
    return {layout.path: group.label for layout, group in pairs}


def to_keras(
    network: Network,
    like: Any,
    *,
    names: Mapping[str, str] | None = None,
    leave: Iterable[str] = (),
) -> list[Array]:
    """Return a network's weights in the order of a Keras model's, as `Network.to_keras` says."""
    layers = dict(_layers_of(like))
    groups = [_group(label, layer) for label, layer in layers.items() if _weights(layer)]
    ours, found = network.arrays(), {}
    for layout, group in pair_up(keras_layouts(network), Side(NAME, groups, True), names, leave):
        for name, array in layout.there(ours).items():
            found[id(group.keys[name])] = np.ascontiguousarray(array)
    return [found.get(id(one), _numbers(one)) for one in like.weights]


def _layers_of(model: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the layers that may hold weights by name, those inside of models too, in order."""
    if not hasattr(model, "layers"):
        raise ArgumentError(
            "weights from Keras",
            needed="a Keras model, or the path of a .weights.h5 or .keras file",
            got=type(model).__name__,
        )
    for layer in model.layers:
        label = f"{above}{layer.name}"
        inner = WRAPPERS.get(type(layer).__name__)
        if inner:
            for part in inner:
                yield f"{label}/{part}", getattr(layer, part)
        elif hasattr(layer, "layers"):
            yield from _layers_of(layer, f"{label}/")
        else:
            yield label, layer


def _weights(layer: Any) -> list[Any]:
    """Return a layer's weights that are floating-point numbers, in its order."""
    return [one for one in getattr(layer, "weights", ()) if "float" in str(one.dtype)]


def _group(label: str, layer: Any) -> Group:
    kind, weights = type(layer).__name__, _weights(layer)
    named = dict(zip(NAMES.get(kind, ()), weights, strict=False))
    if len(named) != len(weights):
        # Of a kind that is not known, or put together in another way: by number.
        named = {str(number): one for number, one in enumerate(weights)}
    shapes = {name: tuple(int(n) for n in one.shape) for name, one in named.items()}
    return Group(label, shapes, named, kind)


def _numbers(weight: Any) -> Array:
    """Return the numbers of a Keras variable, or of a dataset in a file."""
    own = getattr(weight, "numpy", None)
    if own is not None:
        return np.asarray(own())
    try:
        return np.asarray(weight[()])
    except DAMAGE as error:
        raise FileFormatError("weights from Keras", needed="whole ones", got=str(error)) from error


__all__ = ["load_keras", "to_keras"]
