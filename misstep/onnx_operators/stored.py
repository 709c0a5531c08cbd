"""Nodes as plain JSON and back, read with suspicion: how a network others made is kept in a file.

An array is an object of dtype, shape and data; numbers that JSON has no words for are texts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from misstep.errors import FileFormatError
from misstep.ir import DTYPES, Array
from misstep.ir.value import MOST_AXES
from misstep.onnx_operators.node import Node, Subgraph

# More nodes than any network people exchange has, and graphs in nodes of graphs.
MOST_NODES = 100_000
DEEPEST = 8
_SPECIAL = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}


def node_to_json(node: Node) -> dict[str, Any]:
    """Return a node as plain JSON; what is empty is left out."""
    parts: dict[str, Any] = {
        "operator": node.operator,
        "inputs": list(node.inputs),
        "outputs": list(node.outputs),
    }
    if node.attributes:
        parts["attributes"] = {name: _to_json(one) for name, one in node.attributes.items()}
    if node.domain:
        parts["domain"] = node.domain
    if node.name:
        parts["name"] = node.name
    return parts


def _to_json(attribute: Any) -> Any:
    if isinstance(attribute, np.ndarray):
        return {"array": array_to_json(attribute)}
    if isinstance(attribute, Subgraph):
        return {
            "graph": {
                "inputs": list(attribute.inputs),
                "outputs": list(attribute.outputs),
                "nodes": [node_to_json(node) for node in attribute.nodes],
                "arrays": {name: array_to_json(one) for name, one in attribute.arrays.items()},
            }
        }
    if isinstance(attribute, tuple):
        return [_to_json(one) for one in attribute]
    if isinstance(attribute, float) and not math.isfinite(attribute):
        return {"number": _special(attribute)}
    return attribute


def _special(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def array_to_json(array: Array) -> dict[str, Any]:
    """Return an array as plain JSON."""
    plain = array.reshape(-1).tolist()
    if array.dtype.kind == "f":
        plain = [one if math.isfinite(one) else _special(one) for one in plain]
    return {"dtype": array.dtype.name, "shape": list(array.shape), "data": plain}


def array_from_json(plain: Any) -> Array:
    """Return the array that `array_to_json` wrote. Raises FileFormatError."""
    fields = _fields(plain, {"dtype", "shape", "data"}, "numbers of a network")
    dtype, shape, data = fields["dtype"], shape_from_json(fields["shape"]), fields["data"]
    if dtype not in DTYPES or not isinstance(data, list) or len(data) != math.prod(shape):
        raise FileFormatError(
            "numbers of a network", needed=f"as many as the shape {shape} has, of a known kind"
        )
    special = dtype.startswith("float")
    numbers = [_SPECIAL.get(one) if special and isinstance(one, str) else one for one in data]
    whole = not special and dtype != "bool"
    if not all(
        type(one) is (bool if dtype == "bool" else int)
        if whole or dtype == "bool"
        else type(one) in (int, float)
        for one in numbers
    ):
        raise FileFormatError("numbers of a network", needed=f"numbers of the kind {dtype}")
    try:
        return np.array(numbers, dtype).reshape(shape)
    except (OverflowError, TypeError, ValueError) as error:
        raise FileFormatError("numbers of a network", got=str(error)) from error


def shape_from_json(plain: Any) -> tuple[int, ...]:
    """Return a shape. Raises FileFormatError for what is none."""
    fits = isinstance(plain, list) and len(plain) <= MOST_AXES
    if not fits or not all(type(length) is int and 0 <= length < 2**40 for length in plain):
        raise FileFormatError("a shape in a network", needed="lengths of 0 or more", got=str(plain))
    return tuple(plain)


def _fields(plain: Any, allowed: set[str], what: str) -> Mapping[str, Any]:
    if not isinstance(plain, dict) or not set(plain) <= allowed:
        raise FileFormatError(what, needed=f"an object of {', '.join(sorted(allowed))}")
    return plain


def names_from_json(plain: Any) -> tuple[str, ...]:
    """Return names. Raises FileFormatError for what is none."""
    if not isinstance(plain, list) or not all(isinstance(name, str) for name in plain):
        raise FileFormatError("names in a network", needed="a list of texts")
    return tuple(plain)


def nodes_from_json(plain: Any, depth: int = 0) -> tuple[Node, ...]:
    """Return the nodes that `node_to_json` wrote. Raises FileFormatError."""
    if not isinstance(plain, list) or len(plain) > MOST_NODES or depth > DEEPEST:
        raise FileFormatError(
            "the nodes of a network",
            needed=f"a list of at most {MOST_NODES:,}, graphs at most {DEEPEST} deep",
        )
    return tuple(_node(one, depth) for one in plain)


def _node(plain: Any, depth: int) -> Node:
    fields = _fields(
        plain, {"operator", "inputs", "outputs", "attributes", "domain", "name"}, "a node"
    )
    texts = [fields.get(name, "") for name in ("operator", "domain", "name")]
    attributes = fields.get("attributes", {})
    if not all(isinstance(text, str) for text in texts) or not isinstance(attributes, dict):
        raise FileFormatError("a node of a network", needed="texts and attributes")
    return Node(
        texts[0],
        names_from_json(fields.get("inputs")),
        names_from_json(fields.get("outputs")),
        {name: _attribute(one, depth) for name, one in attributes.items()},
        texts[1],
        texts[2],
    )


def _attribute(plain: Any, depth: int) -> Any:
    if isinstance(plain, list):
        return tuple(_attribute(one, depth) for one in plain)
    if type(plain) in (int, float, str):
        return plain
    fields = _fields(plain, {"array", "graph", "number"}, "an attribute of a node")
    if len(fields) != 1:
        raise FileFormatError("an attribute of a node", needed="one thing")
    ((kind, content),) = fields.items()
    if kind == "array":
        return array_from_json(content)
    if kind == "number":
        if content not in _SPECIAL:
            raise FileFormatError("an attribute of a node", needed="a number", got=repr(content))
        return _SPECIAL[content]
    graph = _fields(content, {"inputs", "outputs", "nodes", "arrays"}, "a graph in a node")
    arrays = graph.get("arrays", {})
    if not isinstance(arrays, dict):
        raise FileFormatError("a graph in a node", needed="arrays by name")
    return Subgraph(
        names_from_json(graph.get("inputs")),
        names_from_json(graph.get("outputs")),
        nodes_from_json(graph.get("nodes"), depth + 1),
        {name: array_from_json(one) for name, one in arrays.items()},
    )
