"""The verifier: says whether a graph is well-formed, else which assignment breaks which rule.

Run after reading a graph and between transformations. Knows the contract of ops, none by name.
"""

from __future__ import annotations

import inspect

from misstep.errors import GraphError, MisstepError
from misstep.ir.graph import Graph
from misstep.ir.value import Value


def verify(graph: Graph) -> Graph:
    """Return `graph` if it keeps every rule. Raises GraphError naming the first broken one.

    The rules: every Value comes after what it is computed from and before what uses it; every
    output and every input of an assignment is in the graph; the type of every assignment is what
    its op says; ops have as many inputs as they take, leaves none; literals have numbers of their
    shape; no two inputs have the same name.
    """
    seen: set[Value] = set()
    names = graph.names()
    input_names: set[str] = set()
    for value in graph.values:
        what = f"the value {names[value]!r} in {graph.name}"
        for given in value.inputs:
            if given not in seen:
                raise GraphError(
                    what,
                    needed="everything it is computed from to come before it",
                    got=f"{names.get(given, given.describe())} not before it",
                )
        if value.op is None:
            _verify_leaf(value, what)
        else:
            _verify_count(value, what)
            try:
                expected = value.op.type(*(given.type for given in value.inputs))
            except MisstepError as error:
                raise GraphError(what, needed="inputs that fit its op", got=str(error)) from error
            if expected != value.type:
                raise GraphError(what, needed=f"type {expected}", got=str(value.type))
        seen.add(value)
    for value in graph.inputs:
        if not value.name:
            continue
        if value.name in input_names:
            raise GraphError(
                f"the inputs of {graph.name}",
                needed="different names",
                got=f"{value.name!r} twice",
                try_="naming one of them differently",
            )
        input_names.add(value.name)
    for name, value in graph.outputs.items():
        if value not in seen:
            raise GraphError(f"the output {name!r} of {graph.name}", needed="a value of the graph")
    return graph


def _verify_count(value: Value, what: str) -> None:
    """Check that an op has as many inputs as its definition takes; `type` may be more generous."""
    assert value.op is not None
    try:
        inspect.signature(value.op.run).bind(*value.inputs)
    except TypeError as error:
        raise GraphError(
            what,
            needed=f"as many inputs as {value.op.name} takes",
            got=f"{len(value.inputs)} ({error})",
        ) from error


def _verify_leaf(value: Value, what: str) -> None:
    if value.inputs:
        raise GraphError(what, needed="no inputs, since it is a leaf", got=f"{len(value.inputs)}")
    if value.is_literal and value.data is None:
        raise GraphError(what, needed="numbers, since it is a literal", got="none")
    if value.data is not None and value.data.shape != value.shape:
        raise GraphError(
            what, needed=f"numbers of shape {value.shape}", got=f"shape {value.data.shape}"
        )
