"""The verifier: says whether a graph is well-formed, else which assignment breaks which rule.

Run after reading a graph and between transformations. Knows the contract of ops, none by name.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection
from functools import cache

from misstep.errors import GraphError, MisstepError
from misstep.ir.graph import Graph
from misstep.ir.op import Op
from misstep.ir.value import Value


def verify(graph: Graph, known: Collection[Value] = ()) -> Graph:
    """Return `graph` if it keeps every rule. Raises GraphError naming the first broken one.

    `known`: Values found right before, whose own type, inputs and numbers need no second look.

    The rules: every Value comes after what it is computed from and before what uses it; every
    output and every input of an assignment is in the graph; the type of every assignment is what
    its op says; ops have as many inputs as they take, leaves none; literals have numbers of their
    shape; no two inputs have the same name.
    """
    seen: set[Value] = set()
    input_names: set[str] = set()

    def called(value: Value) -> str:
        # Names are for people: found out only when there is something to say.
        return graph.names().get(value, value.describe())

    for value in graph.values:

        def what(value: Value = value) -> str:
            return f"the value {called(value)!r} in {graph.name}"

        for operand in value.inputs:
            if operand not in seen:
                raise GraphError(
                    what(),
                    needed="everything it is computed from to come before it",
                    got=f"{called(operand)} not before it",
                )
        seen.add(value)
        if value in known:
            continue
        if value.op is None:
            _verify_leaf(value, what)
        else:
            _verify_count(value, what)
            try:
                expected = value.op.type(*[operand.type for operand in value.inputs])
            except MisstepError as error:
                raise GraphError(what(), needed="inputs that fit its op", got=str(error)) from error
            if expected != value.type:
                raise GraphError(what(), needed=f"type {expected}", got=str(value.type))
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


@cache
def _counts(cls: type[Op]) -> tuple[float, float]:
    """Return the smallest and the largest number of inputs that an op's definition takes."""
    _, *parameters = inspect.signature(cls.run).parameters.values()
    single = [
        parameter for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    least = sum(1 for parameter in single if parameter.default is parameter.empty)
    many = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters)
    return least, math.inf if many else len(single)


def _verify_count(value: Value, what: Callable[[], str]) -> None:
    """Check that an op has as many inputs as its definition takes; `type` may be more generous."""
    assert value.op is not None
    least, most = _counts(type(value.op))  # type: ignore[arg-type]
    if not least <= len(value.inputs) <= most:
        expected = f"{least}" if least == most else f"{least} or more"
        raise GraphError(
            what(),
            needed=f"as many inputs as {value.op.name} takes, {expected}",
            got=f"{len(value.inputs)}",
        )


def _verify_leaf(value: Value, what: Callable[[], str]) -> None:
    if value.inputs:
        raise GraphError(what(), needed="no inputs, since it is a leaf", got=f"{len(value.inputs)}")
    if value.is_literal and value.data is None:
        raise GraphError(what(), needed="numbers, since it is a literal", got="none")
    if value.data is not None and value.data.shape != value.shape:
        raise GraphError(
            what(), needed=f"numbers of shape {value.shape}", got=f"shape {value.data.shape}"
        )
