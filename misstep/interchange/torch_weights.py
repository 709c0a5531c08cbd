"""Weights of PyTorch for a network, and a network's weights for PyTorch.

Knows how PyTorch names things; what they mean stands in `torch_layouts.py`, what belongs to what in
`foreign_weights.py`. PyTorch itself is never imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, NotYetError
from misstep.interchange.feature_orders import FeatureOrders, feature_orders
from misstep.interchange.foreign_weights import Group, Layout, Side, pair_up, without_ones
from misstep.interchange.torch_files import plain_array, read_safetensors, write_safetensors
from misstep.interchange.torch_layouts import torch_layouts
from misstep.ir import Array
from misstep.nn import Network

NAME = "PyTorch's weights"
# What wrappers put before every name.
WRAPPERS = ("module.", "_orig_mod.")
# What the layers that we know call their own.
_OWN = {"weight", "bias", "running_mean", "running_var"}
_OF_NO_MATTER = {"num_batches_tracked"}
_RECURRENT = re.compile(
    r"(?:(?P<above>.*)\.)?(?P<name>(?:weight|bias)_(?:ih|hh|hr))(?P<number>_l\d+(?:_reverse)?)?"
)
_NUMBERED = re.compile(r"(?P<above>.*?)(?P<number>_l\d+(?:_reverse)?)")


def load_torch(
    network: Network,
    source: Any,
    *,
    names: Mapping[str, str] | None = None,
    leave: Iterable[str] = (),
    channels: str = "first",
) -> dict[str, str]:
    """Give a network the weights of one in PyTorch; return whose went where.

    `source`: a state_dict, a module that has one, or the path of a safetensors file. The rest as
    `Network.load_torch` says.
    """
    tensors, ordered, modules = _opened(source)
    held = {name: one for name, one in tensors.items() if not _is_of_no_matter(name)}
    layouts = torch_layouts(network, _orders(network, channels))
    side = Side(NAME, groups_of({name: tuple(one.shape) for name, one in held.items()}), ordered)
    pairs = pair_up(layouts, side, names, leave)
    arrays: dict[str, Array] = dict(network.arrays())
    for layout, group in pairs:
        _check_settings(network, layout, group, modules)
        theirs = {
            name: plain_array(key, held[key]).reshape(group.shapes[name])
            for name, key in group.keys.items()
        }
        arrays |= layout.here(theirs)
    network.load(arrays)
    return {layout.path: group.label for layout, group in pairs}


def to_torch(
    network: Network,
    like: Any = None,
    *,
    names: Mapping[str, str] | None = None,
    leave: Iterable[str] = (),
    channels: str = "first",
) -> dict[str, Any]:
    """Return a network's weights by PyTorch's names, as `Network.to_torch` says."""
    layouts = torch_layouts(network, _orders(network, channels))
    ours = network.arrays()
    if like is None:
        _refuse_without_like(names, leave)
        return {
            _key(layout, name): np.ascontiguousarray(array)
            for layout in layouts
            for name, array in layout.there(ours).items()
        }
    tensors, ordered, _ = _opened(like)
    held = {name: one for name, one in tensors.items() if not _is_of_no_matter(name)}
    side = Side(NAME, groups_of({name: tuple(one.shape) for name, one in held.items()}), ordered)
    found = dict(tensors)
    for layout, group in pair_up(layouts, side, names, leave):
        for name, array in layout.there(ours).items():
            if name not in group.keys:
                _refuse_lost_numbers(layout, group, name, array)
                continue
            key = group.keys[name]
            found[key] = _as_there(array, held[key])
    return found


def save_safetensors(network: Network, path: Path | str, like: Any = None, **settings: Any) -> None:
    """Write a network's weights, by PyTorch's names, to a safetensors file. Raises StorageError."""
    found = to_torch(network, like, **settings)
    write_safetensors(
        path,
        {
            name: one.detach().cpu().numpy() if hasattr(one, "detach") else np.asarray(one)
            for name, one in found.items()
        },
    )


def groups_of(shapes: Mapping[str, tuple[int, ...]]) -> list[Group]:
    """Return what a state_dict holds, module by module in its order; names of wrappers left out.

    Raises NotYetError for recurrent layers with projections and attention with other widths.
    """
    before = _wrapper(shapes)
    attending = {
        key.removeprefix(before).rpartition(".")[0]
        for key in shapes
        if key.endswith("in_proj_weight")
    }
    found: dict[str, Group] = {}
    for key, shape in shapes.items():
        label, name, own = _placed(key.removeprefix(before), shape, attending)
        group = found.setdefault(label, Group(label))
        group.shapes[name] = own
        group.keys[name] = key
    return list(found.values())


def _placed(
    key: str, shape: tuple[int, ...], attending: set[str]
) -> tuple[str, str, tuple[int, ...]]:
    """Return the label, the name below it and the shape of what is called so."""
    above, _, own = key.rpartition(".")
    recurrent = _RECURRENT.fullmatch(key)
    if recurrent:
        if recurrent["name"].endswith("_hr"):
            raise NotYetError(f"{key}: an LSTM whose output is projected", needed="proj_size=0")
        return f"{recurrent['above'] or ''}{recurrent['number'] or ''}", recurrent["name"], shape
    if own in ("q_proj_weight", "k_proj_weight", "v_proj_weight", "bias_k", "bias_v"):
        raise NotYetError(
            f"{key}: attention with other settings",
            needed="kdim, vdim and bias_kv left as they are",
        )
    if own in ("in_proj_weight", "in_proj_bias"):
        return above, own, shape
    outer, _, inner = above.rpartition(".")
    if inner == "out_proj" and outer in attending:
        return outer, f"out_proj.{own}", shape
    if own in _OWN:
        return above, own, shape
    return key, "weight", without_ones(shape)


def _wrapper(keys: Iterable[str]) -> str:
    """Return what wrappers put before every name."""
    before, rest = "", list(keys)
    while True:
        more = next(
            (one for one in WRAPPERS if all(key.startswith(before + one) for key in rest)), ""
        )
        if not more or not rest:
            return before
        before += more


def _key(layout: Layout, name: str) -> str:
    """Return how PyTorch would call an array of a layer that is called by its path here."""
    numbered = _NUMBERED.fullmatch(layout.label)
    if numbered and _RECURRENT.fullmatch(name):
        above = numbered["above"]
        return f"{above}.{name}{numbered['number']}" if above else f"{name}{numbered['number']}"
    if layout.is_parameter:
        return layout.label
    return f"{layout.label}.{name}" if layout.label else name


def _opened(source: Any) -> tuple[dict[str, Any], bool, Mapping[str, Any]]:
    """Return tensors by name, whether their order is that of the modules, and the modules."""
    if isinstance(source, str | Path):
        return dict(read_safetensors(source)), False, {}
    modules: Mapping[str, Any] = {}
    if callable(getattr(source, "state_dict", None)):
        modules = dict(source.named_modules())
        source = source.state_dict()
    if not isinstance(source, Mapping) or not all(
        isinstance(name, str) and hasattr(one, "shape") for name, one in source.items()
    ):
        raise ArgumentError(
            "weights from PyTorch",
            needed="a state_dict, a module, or the path of a safetensors file",
            got=type(source).__name__,
            try_="network.load_torch(model.state_dict())",
        )
    return dict(source), True, modules


def _orders(network: Network, channels: str) -> FeatureOrders:
    if channels not in ("first", "last"):
        raise ArgumentError("channels", needed='"first" or "last"', got=repr(channels))
    return feature_orders(network) if channels == "first" else FeatureOrders()


def _is_of_no_matter(name: str) -> bool:
    return name.rpartition(".")[2] in _OF_NO_MATTER


def _check_settings(
    network: Network, layout: Layout, group: Group, modules: Mapping[str, Any]
) -> None:
    """Raise ArgumentError where a module's epsilon is another than the layer's."""
    epsilon = getattr(network.layers.get(layout.path, network.module), "epsilon", None)
    other = getattr(modules.get(group.label), "eps", None)
    if isinstance(other, float) and epsilon is not None and other != epsilon:
        raise ArgumentError(
            f"the layer {layout.path} ({layout.words})",
            needed=f"epsilon={other:g}, as {group.label} has it",
            got=f"{epsilon:g}",
        )


def _refuse_without_like(names: Mapping[str, str] | None, leave: Iterable[str]) -> None:
    if names or list(leave):
        raise ArgumentError(
            "names and leave of to_torch",
            needed="the names to go by",
            got="none",
            try_="network.to_torch(like=model.state_dict(), names=…)",
        )


def _refuse_lost_numbers(layout: Layout, group: Group, name: str, array: Array) -> None:
    if np.any(array):
        raise ArgumentError(
            f"the layer {layout.path} ({layout.words})",
            needed=f"a {name} in {group.label or NAME}, since it is not 0 here",
            got="none",
            try_="a module with biases",
        )


def _as_there(array: Array, there: Any) -> Any:
    """Return an array in the shape, and as the kind of thing, that something there is."""
    shaped = np.ascontiguousarray(array).reshape(tuple(there.shape))
    make: Callable[[Array], Any] | None = getattr(there, "new_tensor", None)
    if make is not None:
        return make(shaped)
    return shaped.astype(np.asarray(there).dtype)


__all__ = ["groups_of", "load_torch", "save_safetensors", "to_torch"]
