"""Networks with one thing changed: layers put in, taken out, exchanged.

Only plain sequences can be changed so; a person's own `forward` is theirs. Knows layers, no
training.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from misstep.nn import BatchNorm, ByAxes, Module, Network, Sequential
from misstep.nn.activations import Activation
from misstep.trials.setting import NotApplicableError

# Layers that sum what comes in, weighted: one behind the other they are one.
WEIGHTED = ("Dense", "Conv1D", "Conv2D", "MemberDense")
# Layers that connect, with what they call their width.
WIDTHS = {
    "Dense": "units",
    "MemberDense": "units",
    "Conv1D": "filters",
    "Conv2D": "filters",
    "RNN": "units",
    "GRU": "units",
    "LSTM": "units",
}
# Of layers, those that people reach as ms.Dense and the like; the others are in ms.nn.
AT_ROOF = frozenset(
    {
        *("BatchNorm", "Conv1D", "Conv2D", "Dense", "Dropout", "GRU", "LSTM", "RandomFlip"),
        *("RandomShift", "ReLU", "SiLU", "Sigmoid", "Tanh"),
    }
)
# Rooms of `nn` whose layers have weights of other kinds.
WEIGHTED_ROOMS = ("attention", "embedding", "embedding_bag", "periodic_embedding")
# Layers that only shape what comes, before any other sees it.
SHAPING = ("Flatten", "Reshape", "Columns", "Steps")
# The room of layers that may stand between weights and the activation that belongs to them.
NORMALIZING = BatchNorm.__module__


def flat_layers(module: Module) -> list[Module]:
    """Return the layers of a plain sequence, those of sequences within it among them.

    Raises NotApplicableError for another network.
    """
    if isinstance(module, Sequential) and type(module) is Sequential:
        return [inner for layer in module.layers for inner in _flat(layer)]
    if type(module).__name__ in WEIGHTED:
        return [module]
    raise NotApplicableError(
        "its layers do not stand in a plain ms.Sequential, which can be changed"
    )


def plain(network: Network) -> Sequential:
    """Return a network's layers in a plain sequence, of each choice by axes the layer that it took.

    Raises NotApplicableError for another network.
    """
    used = {id(layer) for layer in network.layers.values()}

    def taken(layer: Module) -> list[Module]:
        if not isinstance(layer, ByAxes):
            return [layer]
        chosen = [one for one in layer.choices.values() if id(one) in used]
        return [inner for one in chosen for inner in _flat(one)]

    return Sequential(*(inner for layer in flat_layers(network.module) for inner in taken(layer)))


def _flat(layer: Module) -> Iterator[Module]:
    if type(layer) is Sequential:
        for inner in layer.layers:
            yield from _flat(inner)
    else:
        yield layer


def is_weighted(layer: Module) -> bool:
    """Return whether a layer only sums what comes in."""
    return type(layer).__name__ in WEIGHTED


def connects(layer: Module) -> bool:
    """Return whether a layer connects what comes in by weights, recurrent ones among them."""
    return type(layer).__name__ in WIDTHS


def last_place(layers: Sequence[Module]) -> int:
    """Return the place of the last layer that connects, by which outputs come.

    Raises NotApplicableError where there is none, and where layers with weights of other kinds, or
    with layers in them, come behind.
    """
    places = [place for place, layer in enumerate(layers) if connects(layer)]
    if not places:
        raise NotApplicableError("no layer of it has weights that are known")
    for layer in layers[places[-1] + 1 :]:
        room = type(layer).__module__.removeprefix("misstep.nn.")
        if room in WEIGHTED_ROOMS or any(True for _ in layer.children()):
            raise NotApplicableError(
                f"its outputs come from {type(layer).__name__}, no plain layer with weights"
            )
    return places[-1]


def shaping(layers: Sequence[Module]) -> int:
    """Return how many layers in front only shape what comes."""
    count = 0
    while count < len(layers) and type(layers[count]).__name__ in SHAPING:
        count += 1
    return count


def blocks(layers: Sequence[Module]) -> list[list[Module]]:
    """Return layers cut before each one that connects; the first block may have none."""
    cut: list[list[Module]] = [[]]
    for layer in layers:
        if connects(layer):
            cut.append([])
        cut[-1].append(layer)
    return cut


def written(layer: Module) -> str:
    """Return a plain layer as people write it, its defaults left out."""
    name = type(layer).__name__
    settings = []
    plain: Any = layer
    for number, one in enumerate(dataclasses.fields(plain)):
        value = getattr(layer, one.name)
        if value != one.default:
            settings.append(repr(value) if number == 0 else f"{one.name}={value!r}")
    return f"ms.{'' if name in AT_ROOF else 'nn.'}{name}({', '.join(settings)})"


def is_activation(layer: Module) -> bool:
    """Return whether a layer bends each entry by itself."""
    return isinstance(layer, Activation)


def changed(layer: Module, **settings: Any) -> Module:
    """Return a layer with other settings; whether it is trainable stays."""
    other: Any = dataclasses.replace(layer, **settings)  # type: ignore[type-var]
    object.__setattr__(other, "_is_trainable", layer._is_trainable)
    return other


def exchanged(
    module: Module, exchange: Callable[[Module], Module | Iterable[Module] | None]
) -> Sequential:
    """Return a plain sequence with each layer as `exchange` gives it: another, several, or none.

    Raises NotApplicableError for another network, and where nothing changes.
    """
    before = flat_layers(module)
    after: list[Module] = []
    for layer in before:
        new = exchange(layer)
        if isinstance(new, Module):
            after.append(new)
        elif new is not None:
            after += list(new)
    if len(after) == len(before) and all(
        one is other for one, other in zip(after, before, strict=True)
    ):
        raise NotApplicableError("it has no layer to change")
    return Sequential(*after)


def with_widths(module: Module, width: Callable[[int], int]) -> tuple[Sequential, str]:
    """Return a plain sequence whose hidden layers are of other widths, and these in words.

    Raises NotApplicableError where no hidden layer changes.
    """
    layers = flat_layers(module)
    last = layers[last_place(layers)]
    words: list[str] = []

    def exchange(layer: Module) -> Module:
        name = WIDTHS.get(type(layer).__name__)
        if name is None or layer is last:
            return layer
        before: int = getattr(layer, name)
        behind = width(before)
        words.append(f"{type(layer).__name__.lower()} of {behind:,} instead of {before:,}")
        return layer if behind == before else changed(layer, **{name: behind})

    try:
        other = exchanged(module, exchange)
    except NotApplicableError as reason:
        raise NotApplicableError("it has no hidden layer of another width") from reason
    return other, ", ".join(words)
