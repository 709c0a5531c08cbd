"""A program: named inputs, an ordered list of single assignments, named outputs.

Knows Values and how to name them for people; knows no op by name. `verify.py` says which graphs are
well-formed, `text.py` writes and reads them, `interpret.py` runs them.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Mapping, Sequence

from misstep.errors import GraphError
from misstep.ir.location import located_at
from misstep.ir.op import Op
from misstep.ir.value import Type, Value, ancestors, make_literal

_ASSIGNMENT = re.compile(r"^\s*([A-Za-z_]\w*)\s*=(?!=)")
_NOT_A_NAME = re.compile(r"\W+")


class Graph:
    """An ordered list of single assignments with named inputs and outputs.

    `outputs`: the Values wanted, by name (a sequence is named out, or out0, out1 …).
    `inputs`: all inputs that must be given when it runs, in order; those that the outputs need and
    that are not named here are added behind. `values`: leaves and computed Values in an order of
    computation, only what the outputs need.

    >>> import misstep as ms
    >>> x = ms.input("x", (2,))
    >>> print(ms.Graph({"y": ms.relu(x)}))
    graph program(x: float32[2]) {
      relu: float32[2] = relu(x)  # ...
      return y=relu
    }
    """

    def __init__(
        self,
        outputs: Mapping[str, Value] | Sequence[Value] | Value,
        inputs: Sequence[Value] = (),
        name: str = "program",
    ) -> None:
        if isinstance(outputs, Value):
            outputs = {"out": outputs}
        elif not isinstance(outputs, Mapping):
            outputs = {f"out{number}": value for number, value in enumerate(outputs)}
        self.name = name
        self.outputs: dict[str, Value] = dict(outputs)
        self.values = ancestors([*self.outputs.values(), *inputs])
        known = dict.fromkeys(inputs)
        known.update(dict.fromkeys(value for value in self.values if value.is_input))
        self.inputs: list[Value] = list(known)

    @property
    def computed(self) -> list[Value]:
        """Return the Values made by ops, in order."""
        return [value for value in self.values if value.op is not None]

    @property
    def literals(self) -> list[Value]:
        """Return the literals, in order of creation."""
        return [value for value in self.values if value.is_literal]

    def names(self) -> dict[Value, str]:
        """Return a human name for every Value, each used once and fit for Python and the text form.

        A Value's own name wins; then the variable that the user's line assigns to, for the last
        Value that the line made; then its op's name and a number.
        """
        last_of_line = {value.location: value for value in self.computed}
        names: dict[Value, str] = {}
        used: set[str] = set()
        counts: dict[str, int] = {}
        for value in [*self.inputs, *self.values]:
            if value in names:
                continue
            wish = value.name
            if wish is None and value is last_of_line.get(value.location):
                wish = variable_of_line(value)
            if wish is None:
                wish = (
                    value.op.name
                    if value.op is not None
                    else ("constant" if value.is_literal else "input")
                )
            base = _NOT_A_NAME.sub("_", wish).strip("_") or "value"
            base = base if not base[0].isdigit() else f"v{base}"
            name = base
            while name in used:
                counts[base] = counts.get(base, 1) + 1
                name = f"{base}_{counts[base]}"
            names[value] = name
            used.add(name)
        return names

    def __str__(self) -> str:
        from misstep.ir.text import write_graph

        return write_graph(self)

    def __repr__(self) -> str:
        return f"<Graph {self.name}: {len(self.inputs)} inputs, {len(self.computed)} operations>"


def variable_of_line(value: Value) -> str | None:
    """Return the variable that the line which made `value` assigns to, if it can be read."""
    if value.location is None or value.location.backward:
        return None
    try:
        line = linecache.getline(value.location.file, value.location.line)
    except ValueError:  # a name that no file can have
        return None
    match = _ASSIGNMENT.match(line)
    return match.group(1) if match else None


def rebuild(
    graph: Graph,
    *,
    leaf: Callable[[Value], Value] | None = None,
    op: Callable[[Op], Op] | None = None,
    known: Mapping[Value, Value] | None = None,
) -> tuple[Graph, dict[Value, Value]]:
    """Return a copy of `graph` and the map from old Values to new ones.

    `leaf` may replace inputs and literals, `op` may replace ops, `known` gives Values that are not
    to be copied at all. Names and locations are kept.
    """
    copies: dict[Value, Value] = dict(known or {})
    for value in graph.values:
        if value in copies:
            continue
        if value.op is None:
            copies[value] = leaf(value) if leaf is not None else value
            continue
        with located_at(value.location):
            new_op = op(value.op) if op is not None else value.op
            copy = new_op(*(copies[operand] for operand in value.inputs))
        copy.name = value.name
        copies[value] = copy
    outputs = {name: copies[value] for name, value in graph.outputs.items()}
    return Graph(outputs, [copies[value] for value in graph.inputs], graph.name), copies


def in_float64(graph: Graph) -> tuple[Graph, dict[Value, Value]]:
    """Return `graph` with its float32 numbers in float64, and the map from old Values to new."""

    def wide(value: Value) -> Value:
        if value.dtype != "float32":
            return value
        if value.is_literal:
            if value.data is None:
                raise GraphError("a literal", needed="numbers")
            return make_literal(value.data, "float64", value.name)
        data = value.data.astype("float64") if value.data is not None else None
        return Value(
            Type(value.shape, "float64"), name=value.name, data=data, location=value.location
        )

    return rebuild(graph, leaf=wide, op=lambda op: op.in_float64())
