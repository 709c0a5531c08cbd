"""How a row passes through a network, as far as its description tells: what bends, what follows.

Knows descriptions of layers; no signal and no rule. A container whose kind is not known may do
anything between its layers, and what it does is then not guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from misstep.record import LayerDescription, Role, RunDescription

# Containers that hand what one layer gives to the next, whatever their framework.
_IN_ORDER = frozenset({"Sequential", "Residual"})
# Of these the shortcut carries a signal past what the layers inside do to it.
_WITH_SHORTCUT = frozenset({"Residual"})
# Activations of some frameworks that change nothing.
_STRAIGHT_KINDS = frozenset({"Identity", "Linear", "linear"})
# Normalizations by numbers of the whole batch, which in evaluation are constants.
_BATCH_NORMALIZATIONS = ("BatchNorm", "BatchNormalization")
# Layers that only bring numbers to another scale, each entry by constants.
_FIXED_SCALES = frozenset({"Rescaling"})
_LINEAR_ROLES = frozenset({Role.AFFINE, Role.DROPOUT, Role.SHAPE, Role.EMBEDDING})


def effective_layers(description: RunDescription) -> list[LayerDescription]:
    """Return the layers that do something, in the order in which a row passes."""
    return list(description.effective_layers)


def bends(layer: LayerDescription) -> bool:
    """Return whether a layer may be no straight function of what it gets; True when in doubt."""
    if layer.role is Role.ACTIVATION:
        return layer.kind not in _STRAIGHT_KINDS
    if layer.role is Role.NORMALIZATION:
        return not normalizes_batch(layer) and not only_rescales(layer)
    if layer.role is Role.POOLING:
        return "average" not in layer.kind.lower() and "avg" not in layer.kind.lower()
    return layer.role not in _LINEAR_ROLES and layer.kind not in _STRAIGHT_KINDS


def normalizes_batch(layer: LayerDescription) -> bool:
    """Return whether a layer normalizes by means over the rows of a batch."""
    return layer.role is Role.NORMALIZATION and layer.kind.startswith(_BATCH_NORMALIZATIONS)


def only_rescales(layer: LayerDescription) -> bool:
    """Return whether a layer multiplies and shifts entries by constants, and nothing else."""
    return layer.kind in _FIXED_SCALES


def containers(description: RunDescription, path: str) -> Iterator[LayerDescription]:
    """Yield the containers that a layer stands in, from the innermost to the whole network."""
    while path:
        path = path.rpartition(".")[0]
        if path in description.by_path:
            yield description.by_path[path]


def is_in_order(description: RunDescription, layers: Sequence[LayerDescription]) -> bool:
    """Return whether it is known that nothing happens to a row but in layers.

    False where any of `layers` stands in a container that may apply functions of its own.
    """
    return all(
        _hands_on(container)
        for layer in layers
        for container in containers(description, layer.path)
    )


def _hands_on(container: LayerDescription) -> bool:
    """Return whether a container only hands on; of some it was seen how a row passes."""
    return container.kind in _IN_ORDER or container.settings.get("in_order") is True


def has_shortcut(description: RunDescription, layer: LayerDescription) -> bool:
    """Return whether a signal may pass around a layer, or who holds it does what is not known."""
    return any(
        container.kind in _WITH_SHORTCUT or not _hands_on(container)
        for container in containers(description, layer.path)
    )


def is_bypassed(description: RunDescription, layer: LayerDescription) -> bool:
    """Return whether a signal is known to have a way around a layer."""
    return any(one.kind in _WITH_SHORTCUT for one in containers(description, layer.path))


def last_layer(description: RunDescription) -> LayerDescription | None:
    """Return the layer that gives the outputs; None where that is not known.

    Layers that only drop or reshape are passed over.
    """
    layers = effective_layers(description)
    whole = next((layer for layer in description.layers if not layer.path), None)
    for layer in reversed(layers):
        if layer.role in (Role.DROPOUT, Role.SHAPE):
            continue
        lone = whole is layer
        return layer if lone or is_in_order(description, [layer]) else None
    return None


def last_affine(description: RunDescription) -> LayerDescription | None:
    """Return the last layer that sums with weights; None where there is none."""
    return next(
        (one for one in reversed(effective_layers(description)) if one.role is Role.AFFINE), None
    )
