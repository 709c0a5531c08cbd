"""Networks with one thing changed: layers put in, taken out, exchanged.

Only plain sequences can be changed so; a person's own `forward` is theirs. Knows layers, no
training.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from misstep.nn import Module, Sequential
from misstep.nn.activations import Activation
from misstep.trials.setting import NotApplicableError

# Layers that sum what comes in, weighted: one behind the other they are one.
WEIGHTED = ("Dense", "Conv1D", "Conv2D", "MemberDense")


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


def _flat(layer: Module) -> Iterator[Module]:
    if type(layer) is Sequential:
        for inner in layer.layers:
            yield from _flat(inner)
    else:
        yield layer


def is_weighted(layer: Module) -> bool:
    """Return whether a layer only sums what comes in."""
    return type(layer).__name__ in WEIGHTED


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
