"""Which rule says what an operator of ONNX means here: the registry, and the walk over nodes.

A rule is a function from a Call and the Values of the inputs to the Values of the outputs; its
first versions and domain stand with it. Knows no operator by name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from misstep.errors import FileFormatError, MisstepError, NotYetError
from misstep.ir import Value, ancestors, make_literal, serial_by_now
from misstep.onnx_operators.importing.call import MOST_BEHIND, SMALL, Call, Surroundings
from misstep.onnx_operators.node import CLASSIC_DOMAIN, OWN_DOMAIN, TRAINING_DOMAIN, Node, Subgraph

Rule = Callable[..., "Value | tuple[Value, ...]"]

# Versions of the operators that the rules were written and tested for. Before 7 shapes did not
# broadcast as they do since.
VERSIONS = {OWN_DOMAIN: (7, 28), CLASSIC_DOMAIN: (1, 5), TRAINING_DOMAIN: (1, 1)}


@dataclass(frozen=True)
class Registered:
    """A rule, how many inputs it takes, and the version of the operators that it begins with."""

    function: Rule
    least: int
    most: float
    since: int


_registry: dict[tuple[str, str], Registered] = {}


def imports(*operators: str, domain: str = OWN_DOMAIN, since: int = 1) -> Callable[[Rule], Rule]:
    """Register a function as the rule of one operator, or of several that differ in name alone."""

    def register(function: Rule) -> Rule:
        _, *parameters = inspect.signature(function).parameters.values()
        many = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters)
        single = [one for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
        least = sum(one.default is one.empty for one in single)
        for operator in operators:
            if (domain, operator) in _registry:
                raise FileFormatError(f"two rules for {operator} of {domain}")
            most = float("inf") if many else len(single)
            _registry[domain, operator] = Registered(function, least, most, since)
        return function

    return register


def imported_operators() -> list[tuple[str, str]]:
    """Return domain and name of every operator that has a rule, sorted."""
    return sorted(_registry)


def check_versions(versions: Mapping[str, int]) -> None:
    """Raise NotYetError for domains and versions of operators that no rule was written for."""
    for domain, version in versions.items():
        if domain not in VERSIONS:
            continue  # of no matter unless a node is of it, which is refused by name
        oldest, newest = VERSIONS[domain]
        if not oldest <= version <= newest:
            raise NotYetError(
                f"the operators of {domain} in version {version}",
                needed=f"a version from {oldest} to {newest}",
                try_="onnx.version_converter, or exporting it anew with another opset"
                if version < oldest
                else "exporting it anew with an older opset",
            )


def run_nodes(
    nodes: Iterable[Node], values: dict[str, Value], around: Surroundings, wanted: Iterable[str]
) -> list[Value]:
    """Return the Values called `wanted` after all nodes; `values` gains what each node makes.

    Raises FileFormatError or NotYetError that names the node.
    """
    for node in nodes:
        try:
            outputs = _run_node(node, values, around)
        except MisstepError as error:
            if node.describe() not in str(error):
                error.add_note(f"at {node.describe()}")
            raise
        except (
            *(ArithmeticError, AssertionError, AttributeError, LookupError),
            *(RecursionError, TypeError, ValueError),
        ) as error:
            raise FileFormatError(node.describe(), got=f"{error}"[:200]) from error
        for name, value in zip(node.outputs, outputs, strict=False):
            if not name:
                continue
            if name in values:
                raise FileFormatError(f"the tensor {name!r}", needed="one node that makes it")
            values[name] = value
    missing = [name for name in wanted if name not in values]
    if missing:
        raise FileFormatError(f"the output {missing[0]!r}", needed="a node that makes it")
    return [values[name] for name in wanted]


def _run_node(node: Node, values: Mapping[str, Value], around: Surroundings) -> tuple[Value, ...]:
    domain = node.domain or OWN_DOMAIN
    rule = _registry.get((domain, node.operator))
    version = around.versions.get(domain)
    if rule is None:
        raise NotYetError(
            node.describe(), needed="an operator that is known here", got=node.operator
        )
    if version is None:
        raise FileFormatError(node.describe(), needed=f"a version of the operators of {domain}")
    given = [_input(node, name, values) for name in node.inputs]
    while given and given[-1] is None:
        given.pop()
    needed = given if rule.most == float("inf") else given[: rule.least]
    if not rule.least <= len(given) <= rule.most or any(one is None for one in needed):
        raise FileFormatError(
            node.describe(), needed=f"{rule.least} inputs or more", got=f"{len(given)}"
        )

    def apply(body: Subgraph, inside: Mapping[str, Value]) -> list[Value]:
        own = {name: _literal(array, around) for name, array in body.arrays.items()}
        around.fixed.update(own.values())
        known = {**values, **own}
        return run_nodes(body.nodes, {**known, **inside}, around, body.outputs)

    call = Call(node, version, around, apply)
    start = serial_by_now()
    made = rule.function(call, *given)
    call.finish()
    outputs = made if isinstance(made, tuple) else (made,)
    around.spend(serial_by_now() - start, _written(outputs, start), node.describe())
    if call.outputs_wanted > len(outputs):
        raise NotYetError(
            node.describe(),
            needed=f"at most {len(outputs)} outputs",
            got=f"{call.outputs_wanted} that are wanted",
        )
    known = [one for one in given if one is not None]
    if all(one in around.fixed for one in known) or made_of_shapes(node):
        # What follows from constants is worked out now: shapes, axes and the like.
        outputs = tuple(_folded(one, node, around) for one in outputs)
        around.fixed.update(outputs)
    return outputs


def made_of_shapes(node: Node) -> bool:
    """Tell whether a node says no more than how long axes are."""
    return not node.domain and node.operator in ("Shape", "Size")


def _written(outputs: Iterable[Value], start: int) -> int:
    """Return how many numbers stand in literals made since a serial, as far as `outputs` need."""
    count, seen = 0, set()
    waiting = list(outputs)
    while waiting:
        value = waiting.pop()
        if value in seen or value.serial < start:
            continue
        seen.add(value)
        waiting.extend(value.inputs)
        count += value.size if value.is_literal else 0
    return count


def _folded(value: Value, node: Node, around: Surroundings) -> Value:
    if value.is_literal or value.size > SMALL:
        return value
    behind = ancestors([value])
    # What is large stays a step of the program: it would be worked out here, for nothing.
    size = sum(one.size for one in behind)
    if size > MOST_BEHIND or any(one.is_input for one in behind):
        return value
    if size > SMALL:
        around.spend(0, size, node.describe())
    return make_literal(value.numpy(), value.dtype)


def _input(node: Node, name: str, values: Mapping[str, Value]) -> Value | None:
    if not name:
        return None
    if name not in values:
        raise FileFormatError(
            f"the input {name!r} of {node.describe()}", needed="a tensor made before it"
        )
    return values[name]


def _literal(array: Any, around: Surroundings) -> Value:
    dtype = array.dtype.name
    if dtype.startswith("float") and around.floats:
        dtype = around.floats
    return make_literal(array, dtype)


__all__ = ["check_versions", "imported_operators", "imports", "run_nodes"]
