"""A PyTorch model as layers of a description: its modules in the order in which a row passed.

Its functions too, as far as the graph of gradients tells of them: `F.relu` between two layers is
a ReLU as any other. Knows modules and tensors by what they are asked; imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from misstep.record import LayerDescription, ParameterDescription, Role
from misstep.watching.torch_kinds import BOUNDS, CAN_DIE, FUNCTIONS, STRAIGHT, VIEWS, role_of

_STRAIGHT_ROLES = (Role.AFFINE, Role.DROPOUT, Role.SHAPE, Role.EMBEDDING)
# Behind these layers units lie along the last axis, whatever came before.
_UNITS_LAST = ("Linear", "Flatten", "LSTM", "GRU", "RNN", "Embedding", "LayerNorm")
# Nodes of the graph of gradients that are looked at, at most.
MOST_NODES = 20_000


@dataclass
class Call:
    """A call of a module in the first pass.

    `name`: its path, with a number behind it from the second call on. `first`, `last`: between
    which sequence numbers its functions were called. `source`: the function that made its input.
    """

    name: str
    path: str
    module: Any
    leaf: bool
    first: int
    last: int = 0
    input_shape: tuple[int, ...] = ()
    output_shape: tuple[int, ...] = ()
    source: Any = None
    # What went in and came out, until the first look has taken them in.
    given: Any = None
    result: Any = None


@dataclass
class FunctionCall:
    """A function between layers. `consumer`: the name of the call that takes what it gives."""

    name: str
    kind: str
    role: Role
    number: int
    consumer: str | None = None


@dataclass
class Passage:
    """How a row passed. `in_order`: whether nothing else happened to it but what is here, in turn.

    `affine`: whether all of it is a straight function, None where that is not known.
    """

    calls: list[Call]
    functions: list[FunctionCall] = field(default_factory=list)
    in_order: bool = False
    affine: bool | None = None

    def unit_axes(self) -> dict[str, int]:
        """Return along which axis units lie where it is not the last: channels come first."""
        axes: dict[str, int] = {}
        places = [(call.last, call.name, kind_of(call.module)) for call in self.calls if call.leaf]
        places += [(function.number, function.name, "") for function in self.functions]
        channels_first = False
        for _, name, kind in sorted(places):
            if "Conv" in kind:
                channels_first = True
            elif kind in _UNITS_LAST:
                channels_first = False
            if channels_first:
                axes[name] = 1
        return axes


def first_tensor(value: Any) -> Any:
    """Return the first tensor in what a module took or gave; None where there is none."""
    if hasattr(type(value), "backward"):  # asking the tensor itself may build what it answers
        return value
    if type(value) is tuple and value and hasattr(type(value[0]), "backward"):
        return value[0]
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return next((one for one in map(first_tensor, value) if one is not None), None)
    return None


def kind_of(module: Any) -> str:
    """Return what a module is called."""
    return type(module).__name__


def is_leaf(module: Any) -> bool:
    """Tell whether a module is a layer: without others inside, or one whose inside is its own."""
    kind = kind_of(module)
    if kind == "MultiheadAttention":
        return True
    return next(iter(module.children()), None) is None


def passage_of(calls: Sequence[Call], output: Any) -> Passage:
    """Return how a row passed in a pass that gave the tensor `output`."""
    passage = Passage(list(calls))
    nodes = _nodes(getattr(output, "grad_fn", None))
    if nodes is None:
        return passage
    leaves = [call for call in calls if call.leaf]
    counts: dict[str, int] = {}
    in_order = len({id(call.module) for call in leaves if _has_parameters(call.module)}) == sum(
        _has_parameters(call.module) for call in leaves
    )
    own: dict[Any, FunctionCall] = {}
    straight = True
    for node in sorted(nodes, key=_number):
        name, number = _plain(node), _number(node)
        if name == "AccumulateGrad" or any(call.first <= number < call.last for call in leaves):
            continue
        if name in FUNCTIONS:
            kind, role = FUNCTIONS[name]
            counts[kind] = counts.get(kind, 0) + 1
            inside = _innermost(calls, number)
            label = f"{kind.lower()}_{counts[kind]}"
            own[node] = FunctionCall(f"{inside}.{label}" if inside else label, kind, role, number)
        elif name not in VIEWS:
            in_order = False
            straight = straight and name in STRAIGHT
    for call in leaves:
        function = own.get(_behind_views(call.source))
        if function is not None and function.consumer is None:
            function.consumer = call.name
    passage.functions = list(own.values())
    passage.in_order = in_order and bool(leaves)
    bending = [role_of(kind_of(call.module), False) not in _STRAIGHT_ROLES for call in leaves]
    if straight and not passage.in_order and not any(bending) and not own:
        passage.affine = True
    return passage


def _has_parameters(module: Any) -> bool:
    return next(iter(module.parameters(recurse=False)), None) is not None


def _innermost(calls: Sequence[Call], number: int) -> str:
    around = [call for call in calls if not call.leaf and call.first <= number < call.last]
    return min(around, key=lambda call: call.last - call.first).path if around else ""


def _nodes(start: Any) -> list[Any] | None:
    """Return all functions that `start` was computed by; None where there are none, or too many."""
    if start is None:
        return None
    seen = {start: None}
    waiting = [start]
    while waiting:
        node = waiting.pop()
        for other, _ in node.next_functions:
            if other is not None and other not in seen:
                seen[other] = None
                waiting.append(other)
        if len(seen) > MOST_NODES:
            return None
    return list(seen)


def _plain(node: Any) -> str:
    return str(node.name()).rpartition("::")[2].rstrip("0123456789")


def _number(node: Any) -> int:
    return int(node._sequence_nr())


def _behind_views(node: Any) -> Any:
    """Return the function behind those that only lay numbers out another way."""
    while node is not None and _plain(node) in VIEWS and node.next_functions:
        node = node.next_functions[0][0]
    return node


def describe_layers(
    model: Any, passage: Passage, first_numbers: Mapping[str, ParameterDescription]
) -> tuple[LayerDescription, ...]:
    """Return the layers in the order in which a row passed, parts before what they are part of.

    `first_numbers`: each parameter by name, as it was before training.
    """
    layers: list[tuple[float, int, LayerDescription]] = []
    left = dict(first_numbers)
    for place, call in enumerate(passage.calls):
        layer = _layer(call.path, call.module, call.leaf, call.name, left)
        settings = dict(layer.settings)
        if not call.leaf and passage.in_order:
            settings["in_order"] = True
        layer = _with(layer, call.input_shape, call.output_shape, settings)
        layers.append((call.last, place, layer))
    for function in passage.functions:
        described = LayerDescription(
            function.name,
            function.kind,
            function.role,
            bounds=BOUNDS.get(function.kind),
            can_die=function.kind in CAN_DIE,
        )
        # Behind the layers that were called before it, before those called later.
        layers.append((function.number + 0.5, 0, described))
    called = {call.path for call in passage.calls}
    ordered = [layer for _, _, layer in sorted(layers, key=lambda one: one[:2])]
    unused = [
        _layer(path, module, is_leaf(module), path, left)
        for path, module in model.named_modules()
        if path not in called and (_has_parameters(module))
    ]
    return tuple(unused + ordered)


def _layer(
    path: str, module: Any, leaf: bool, name: str, left: dict[str, ParameterDescription]
) -> LayerDescription:
    kind = kind_of(module)
    own = [f"{path}.{each}" if path else each for each, _ in module.named_parameters(recurse=False)]
    if kind == "MultiheadAttention":
        own = [f"{path}.{each}" if path else each for each, _ in module.named_parameters()]
    return LayerDescription(
        name,
        kind,
        role_of(kind, not leaf),
        parameters=tuple(left.pop(each) for each in own if each in left),
        bounds=BOUNDS.get(kind),
        can_die=kind in CAN_DIE,
        settings=dict(_settings(module)),
    )


def _with(
    layer: LayerDescription,
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    settings: dict[str, Any],
) -> LayerDescription:
    return replace(layer, input_shape=input_shape, output_shape=output_shape, settings=settings)


def _settings(module: Any) -> Iterator[tuple[str, Any]]:
    """Yield plain settings of a layer: the rate of a dropout, sizes."""
    for name, value in vars(module).items():
        if name.startswith("_") or name in ("training", "dump_patches"):
            continue
        if isinstance(value, bool | int | float | str):
            if name == "p" and "Dropout" in kind_of(module):
                yield "rate", value
            yield name, value


def parameter_description(
    name: str, tensor: Any, learns: bool, *, with_numbers: bool = True
) -> ParameterDescription:
    """Return a parameter as it is now."""
    shape = tuple(int(length) for length in tensor.shape)
    field_ = 1
    for length in shape[2:]:
        field_ *= length
    fan_in = shape[1] * field_ if len(shape) > 1 else 1
    fan_out = shape[0] * field_ if len(shape) > 1 else 1
    numbers: dict[str, float] = {}
    if with_numbers and tensor.numel():
        wide = tensor.detach().double()
        numbers = {
            "mean": float(wide.mean()),
            "deviation": float(wide.std(correction=0)),
            "smallest": float(wide.min()),
            "largest": float(wide.max()),
        }
    return ParameterDescription(
        name,
        shape,
        learns=learns,
        fan_in=fan_in,
        fan_out=fan_out,
        is_bias=len(shape) < 2 or name.rpartition(".")[2].startswith("bias"),
        **numbers,
    )
