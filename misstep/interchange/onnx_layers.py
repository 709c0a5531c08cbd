"""The nodes of an imported network put together into layers with names, and its numbers named.

A layer is what holds parameters: a product with the sum behind it, a convolution, a recurrence; or
an activation. Its name is the file's own where that is a path ("features.0.weight"), else its
operator's and a number. Knows nodes and arrays, no file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from misstep.ir import Array
from misstep.nn.imported_program import Numbers, Part
from misstep.onnx_operators.node import Node

_PATH = re.compile(r"^\w+(\.\w+)+$", re.ASCII)
_OTHER = re.compile(r"\W+", re.ASCII)
# What numbers are called by the operator that takes them and the place among its inputs.
_RECURRENT = ("", "weight", "recurrent", "bias", "", "initial", "cell", "peepholes")
_ROLES: dict[str, tuple[str, ...]] = {
    "Add": ("bias", "bias"),
    "BatchNormalization": ("", "scale", "shift", "mean", "variance"),
    "Conv": ("", "weight", "bias"),
    "ConvTranspose": ("", "weight", "bias"),
    "GRU": _RECURRENT,
    "Gemm": ("weight", "weight", "bias"),
    "GroupNormalization": ("", "scale", "shift"),
    "InstanceNormalization": ("", "scale", "shift"),
    "LSTM": _RECURRENT,
    "LayerNormalization": ("", "scale", "shift"),
    "Mul": ("scale", "scale"),
    "PRelu": ("", "slope"),
    "RMSNormalization": ("", "scale"),
    "RNN": _RECURRENT,
}
# A mean or a deviation beyond this is not told: squares of it are no numbers.
LARGEST_TOLD = 1e150
# Numbers that are summed together: 8 MB.
TOGETHER = 2**20
_ACTIVATIONS = {
    *("Celu", "Elu", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish", "PRelu", "Relu"),
    *("Selu", "Sigmoid", "Softplus", "Softsign", "Swish", "Tanh", "ThresholdedRelu"),
}


# Operators before a sum whose single number is a bias and no constant.
_PRODUCTS = ("MatMul", "Conv", "ConvTranspose", "Gemm")


def are_parameters(name: str, array: Array, nodes: Sequence[Node]) -> bool:
    """Tell whether numbers of a file are what training would move, as far as can be told.

    What is infinite somewhere masks. A number alone is a constant (the 1 of 1 − x), unless its name
    is a path, its operator takes weights there, or it is added to a product.
    """
    if array.dtype.kind != "f" or not array.ndim or not array.size:
        return False
    if not np.isfinite(array).all():
        return False  # what masks
    if array.size > 1 or _PATH.match(name):
        return any(name in node.names_used() for node in nodes)
    makers = {output: node for node in nodes for output in node.outputs}
    for node in nodes:
        if name not in node.inputs:
            continue
        if node.operator == "Add":
            others = [makers.get(other) for other in node.inputs if other != name]
            return any(other is not None and other.operator in _PRODUCTS for other in others)
        return node.operator in _ROLES and node.operator != "Mul"
    return False


@dataclass(frozen=True)
class Found:
    """What a first pass found out about a program.

    `dynamic`: tensors that follow from rows; `rows_first`: those of them that have a row for each
    row; `numbers`: the parameters by name of tensor; `statistics`: those of them that no gradient
    moves.
    """

    nodes: Sequence[Node]
    dynamic: Collection[str]
    rows_first: Collection[str]
    numbers: Mapping[str, Array]
    statistics: Collection[str]


def parts_of(found: Found, inputs: Collection[str]) -> tuple[tuple[Part, ...], dict[str, Numbers]]:
    """Return the parts of a program in order, and what its parameters and buffers are called."""
    groups = _joined(_groups(found), found, inputs)
    names: Counter[str] = Counter()
    taken: set[str] = set()
    numbers: dict[str, Numbers] = {}
    parts: list[Part] = []
    for group in groups:
        own = [name for node in group for name in node.names_used() if name in found.numbers]
        main = _main(group, found)
        layer = ""
        whole = _is_layer(group, found, inputs)
        if whole and (own or main.operator in _ACTIVATIONS):
            layer = _layer_name(own, main, names, taken)
        for node in group:
            for place, name in enumerate(_placed(node)):
                if name in found.numbers and name not in numbers:
                    leaf = _leaf(name, node, place)
                    numbers[name] = _numbers(found, name, layer, leaf, numbers.values())
        if layer or not parts or parts[-1].layer:
            parts.append(Part(layer, tuple(group)))
        else:
            parts[-1] = Part("", (*parts[-1].nodes, *group))
    return tuple(parts), numbers


def _placed(node: Node) -> tuple[str, ...]:
    """Return its inputs in their places, then what graphs in it take by name."""
    return (*node.inputs, *(name for name in node.names_used() if name not in node.inputs))


def _groups(found: Found) -> list[list[Node]]:
    """Return the nodes, each with what is made of numbers alone right before it."""
    makers = {output: node for node in found.nodes for output in node.outputs if output}
    done: set[int] = set()
    groups: list[list[Node]] = []

    def before(node: Node, group: list[Node]) -> None:
        waiting = [node]
        order: list[Node] = []
        while waiting:
            one = waiting.pop()
            if id(one) in done:
                continue
            done.add(id(one))
            order.append(one)
            for name in one.names_used():
                maker = makers.get(name)
                if maker is not None and not _is_dynamic(maker, found):
                    waiting.append(maker)
        places = {id(each): place for place, each in enumerate(found.nodes)}
        group.extend(sorted(order, key=lambda each: places[id(each)]))

    for node in found.nodes:
        if _is_dynamic(node, found):
            group: list[Node] = []
            before(node, group)
            groups.append(group)
    return groups


def _is_dynamic(node: Node, found: Found) -> bool:
    return any(output in found.dynamic for output in node.outputs)


def _joined(groups: list[list[Node]], found: Found, inputs: Collection[str]) -> list[list[Node]]:
    """Return the groups, those that make one layer put together."""
    users: Counter[str] = Counter(
        name for group in groups for node in group for name in node.names_used()
    )
    joined: list[list[Node]] = []
    for group in groups:
        if joined and _belongs(joined[-1], group, found, users, inputs):
            joined[-1] = [*joined[-1], *group]
        else:
            joined.append(group)
    return joined


def _belongs(
    before: list[Node],
    group: list[Node],
    found: Found,
    users: Mapping[str, int],
    inputs: Collection[str],
) -> bool:
    """Tell whether a group goes on with the layer of the one before it.

    So does the sum behind a product; and what turns time and batch around a recurrence, so that a
    layer takes and gives a row for each row.
    """
    last, node = before[-1].first_output, group[-1]
    if not last or last not in node.inputs or users[last] != 1:
        return False
    alone = all(name == last for name in node.inputs if name in found.dynamic)
    inside = {name for each in before for name in each.names_used()} | {last}
    made = [output for each in before for output in each.outputs if output and output not in inside]
    if not alone or any(users[output] for output in made):
        return False
    if last not in found.rows_first:
        return True
    main = _main(before, found)
    adds = node.operator == "Add" and any(name in found.numbers for name in node.inputs)
    return adds and main.operator in ("MatMul", "Conv", "ConvTranspose") and len(before) <= 3


def _main(group: Sequence[Node], found: Found) -> Node:
    """Return the node that a layer is called after: the first that takes rows and parameters."""
    dynamic = [node for node in group if _is_dynamic(node, found)]
    return next(
        (node for node in dynamic if any(name in found.numbers for name in node.inputs)),
        next((node for node in dynamic if node.operator in _ACTIVATIONS), dynamic[-1]),
    )


def _is_layer(group: Sequence[Node], found: Found, inputs: Collection[str]) -> bool:
    """Tell whether a group takes and gives a row for each row."""
    entries = [name for node in group for name in node.inputs if name in found.dynamic]
    first = entries[0] if entries else ""
    return first in found.rows_first and group[-1].first_output in found.rows_first


def _layer_name(own: list[str], main: Node, names: Counter[str], taken: set[str]) -> str:
    paths = [name.rpartition(".")[0] for name in own if _PATH.match(name)]
    if paths:
        wish = paths[0]
    else:
        kind = _OTHER.sub("_", main.operator).lower()
        names[kind] += 1
        wish = f"{kind}{names[kind]}"
    layer, number = wish, 1
    # No layer's name begins with another's and a point: freezing one would freeze both.
    while layer in taken:
        number += 1
        layer = f"{wish}_{number}"
    taken.add(layer)
    return layer


def _leaf(name: str, node: Node, place: int) -> str:
    if _PATH.match(name):
        return name.rpartition(".")[2]
    roles = _ROLES.get(node.operator, ())
    return (roles[place] if place < len(roles) else "") or "weight"


def _numbers(
    found: Found, name: str, layer: str, leaf: str, others: Collection[Numbers]
) -> Numbers:
    array = found.numbers[name]
    mean, deviation = _mean_and_deviation(array)
    taken = {one.name for one in others}
    own = leaf if layer else _OTHER.sub("_", name).strip("_") or "numbers"
    wish, number = own, 1
    while (f"{layer}.{own}" if layer else own) in taken:
        number += 1
        own = f"{wish}{number}"
    return Numbers(layer, own, array.shape, mean, deviation, name in found.statistics)


def _mean_and_deviation(array: Array) -> tuple[float, float]:
    """Return both for numbers that may be many, some at a time; 0 for what no number can hold."""
    flat = array.reshape(-1)
    parts = range(0, flat.size, TOGETHER)
    mean = squares = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for at in parts:
            mean += float(flat[at : at + TOGETHER].sum(dtype="float64")) / flat.size
        for at in parts:
            apart = flat[at : at + TOGETHER].astype("float64") - mean
            squares += float(np.square(apart).sum()) / flat.size
    return _told(mean), _told(squares**0.5)


def _told(number: float) -> float:
    return number if abs(number) < LARGEST_TOLD else 0.0
