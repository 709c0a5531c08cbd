"""A model of Keras as layers of a description. Knows layers by what they are asked; no Keras."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from misstep.record import LayerDescription, ParameterDescription, PartDescription
from misstep.watching.keras_kinds import activation_kind, role_of
from misstep.watching.torch_kinds import BOUNDS, CAN_DIE

# Layers with layers inside that are one to people.
_WHOLE = ("Bidirectional", "MultiHeadAttention", "RNN")


@dataclass(frozen=True)
class Place:
    """A layer in a model: its path, and what its activation is called, where it has one."""

    path: str
    layer: Any
    activation: str | None
    has_layers: bool

    @property
    def kind(self) -> str:
        """Return what the layer is called: of an activation by name, that name."""
        kind = type(self.layer).__name__
        if kind == "Activation":
            return self.activation or "Identity"
        return kind

    @property
    def seen_as(self) -> tuple[str, str]:
        """Return path and kind of what the layer gives: its activation's, where it has one."""
        if self.activation is None or type(self.layer).__name__ == "Activation":
            return self.path, self.kind
        # Not behind a dot: it is no part of the layer, but comes after it.
        return f"{self.path}_{self.activation.lower()}", self.activation


def places(model: Any, path: str = "") -> Iterator[Place]:
    """Yield the layers inside of a model in their order, parts before what they are part of."""
    for layer in getattr(model, "layers", ()):
        own = f"{path}.{layer.name}" if path else str(layer.name)
        inside = type(layer).__name__ not in _WHOLE and bool(getattr(layer, "layers", ()))
        if inside:
            yield from places(layer, own)
        function = None if _is_recurrent(layer) else getattr(layer, "activation", None)
        yield Place(own, layer, activation_kind(function), inside)


def _is_recurrent(layer: Any) -> bool:
    # Its activations are inside of it.
    return hasattr(layer, "return_sequences") or hasattr(layer, "cell")


def describe_layers(
    model: Any, first_numbers: Mapping[str, ParameterDescription]
) -> tuple[LayerDescription, ...]:
    """Return the layers of a model that is built; `first_numbers`: of each weight, by its path."""
    described: list[LayerDescription] = []
    left = dict(first_numbers)
    for place in places(model):
        if type(place.layer).__name__ == "InputLayer":
            continue
        described += _layers(place, left)
    settings = {"in_order": True} if is_chain(model) else {}
    kind = "Sequential" if type(model).__name__ == "Sequential" else type(model).__name__
    shapes = _shape(model, "input_shape"), _shape(model, "output_shape")
    own = tuple(left.values())
    role = role_of("", has_layers=True)
    described.append(
        LayerDescription(
            "", kind, role, shapes[0], shapes[1], parameters=own, settings=dict(settings)
        )
    )
    return tuple(described)


def _layers(place: Place, left: dict[str, ParameterDescription]) -> Iterator[LayerDescription]:
    layer, kind = place.layer, place.kind
    shapes = _input_shape(layer), _output_shape(layer)
    names = weight_names_of(place)
    weights = [] if place.has_layers else [names[id(weight)] for weight in layer.weights]
    settings = _settings(layer)
    if place.has_layers and is_chain(layer):
        settings["in_order"] = True
    role = role_of(type(layer).__name__, place.has_layers)
    yield LayerDescription(
        place.path,
        kind,
        role,
        shapes[0],
        shapes[1],
        parameters=tuple(left.pop(name) for name in weights if name in left),
        bounds=BOUNDS.get(kind),
        can_die=kind in CAN_DIE,
        settings=settings,
    )
    path, own = place.seen_as
    if path != place.path:
        # An activation that a layer holds is a layer of its own behind it.
        yield LayerDescription(
            path,
            own,
            role_of("Activation", has_layers=False),
            shapes[1],
            shapes[1],
            bounds=BOUNDS.get(own),
            can_die=own in CAN_DIE,
        )


def weight_names(model: Any) -> dict[int, str]:
    """Return the name of each weight by its identity: the path of its layer, and its own name."""
    names = {id(weight): str(weight.path).replace("/", ".") for weight in model.weights}
    for place in places(model):
        if not place.has_layers:
            names |= weight_names_of(place)
    return names


def weight_names_of(place: Place) -> dict[int, str]:
    """Return the names of a layer's weights by their identity."""
    names = {}
    for weight in place.layer.weights:
        # What stands behind the layer's own name: kernel, or lstm_cell/kernel.
        _, found, behind = str(weight.path).rpartition(f"{place.layer.name}/")
        own = behind if found else str(weight.name)
        names[id(weight)] = f"{place.path}.{own.replace('/', '.')}"
    return names


def is_chain(model: Any) -> bool:
    """Tell whether a model hands what each layer gives to the next, and does nothing else."""
    if type(model).__name__ == "Sequential":
        return True
    operations = getattr(model, "operations", None)
    layers = list(getattr(model, "layers", ()))
    if operations is None or len(operations) != len(layers):
        return False  # functions between layers, or a model of a person's own
    consumed: dict[int, int] = {}
    for operation in operations:
        nodes: list[Any] = list(getattr(operation, "_inbound_nodes", ()))
        if len(nodes) != 1 or len(nodes[0].input_tensors) > 1:
            return False
        for tensor in nodes[0].input_tensors:
            consumed[id(tensor)] = consumed.get(id(tensor), 0) + 1
    return all(count == 1 for count in consumed.values())


def penalties(model: Any) -> tuple[PartDescription, ...]:
    """Return the penalties on weights, each kind once."""
    found: dict[str, PartDescription] = {}
    for place in places(model):
        for name in ("kernel_regularizer", "recurrent_regularizer", "embeddings_regularizer"):
            regularizer = getattr(place.layer, name, None)
            for which in ("l1", "l2"):
                strength = getattr(regularizer, which, None)
                if strength is not None and float(strength) > 0:
                    kind = which.upper()
                    # Keras has no half before the square: λ Σ w² is a strength of 2 λ.
                    factor = 2.0 if which == "l2" else 1.0
                    settings = {"strength": factor * float(strength)}
                    found.setdefault(kind, PartDescription(kind, settings))
    return tuple(found.values())


def unit_axes(model: Any) -> dict[str, int]:
    """Return along which axis units lie where it is not the last."""
    axes = {}
    for place in places(model):
        if getattr(place.layer, "data_format", None) == "channels_first":
            axes[place.seen_as[0]] = 1
    return axes


def _settings(layer: Any) -> dict[str, Any]:
    try:
        configuration = layer.get_config()
    except Exception:
        # A person's own layer may not say how it was made.
        configuration = {}
    return {
        name: value
        for name, value in configuration.items()
        if isinstance(value, bool | int | float | str) and name not in ("name", "trainable")
    }


def _shape(model: Any, name: str) -> tuple[int, ...]:
    shape = getattr(model, name, None)
    plain = isinstance(shape, tuple) and all(isinstance(one, int | None) for one in shape)
    return tuple(one or 0 for one in shape[1:]) if plain and shape else ()


def _output_shape(layer: Any) -> tuple[int, ...]:
    output = getattr(layer, "output", None) if getattr(layer, "_inbound_nodes", ()) else None
    return _lengths(output)


def _input_shape(layer: Any) -> tuple[int, ...]:
    given = getattr(layer, "input", None) if getattr(layer, "_inbound_nodes", ()) else None
    return _lengths(given)


def _lengths(tensor: Any) -> tuple[int, ...]:
    shape = tuple(getattr(tensor, "shape", None) or ())
    return tuple(one or 0 for one in shape[1:])
