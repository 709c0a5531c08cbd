"""From a graph to a better one, value by value: what passes are written with.

Values never change. What keeps its op and its inputs is kept as it is; what must change is made
anew, without looking for the user's line again (that walks the stack, and is slow): it carries name
and place of the value it stands for. Knows no op but those that it is asked to make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from misstep.errors import GraphError
from misstep.ir import Array, Graph, Location, Op, Type, Value
from misstep.ops.shape import BroadcastTo, Reshape

Rule = Callable[["Rewriting", Value], "Value | None"]


class Draft(Graph):
    """A graph whose values stand in the order that a pass gives them; only what outputs need.

    `copied`: values that differ from verified ones in which values, of the same types, they are
    computed from.
    """

    def __init__(
        self,
        like: Graph,
        order: Iterable[Value],
        outputs: Mapping[str, Value],
        copied: Iterable[Value] = (),
    ) -> None:
        self.name = like.name
        self.outputs = dict(outputs)
        self.inputs = like.inputs
        self.copied = set(copied)
        needed = {*self.outputs.values(), *self.inputs}
        values = []
        for value in reversed(list(order)):
            if value in needed:
                needed.update(value.inputs)
                values.append(value)
        self.values = values[::-1]


class Rewriting:
    """One walk over a graph. Rules make new values with `make`, `literal` and the moves below.

    What stays is not noted down: `now` says what stands for a value. Rules call an instance `here`.
    """

    def __init__(
        self,
        graph: Graph,
        rules: Mapping[type[Op], Iterable[Rule]] | None = None,
        leaf: Callable[[Rewriting, Value], Value] | None = None,
    ) -> None:
        self.graph = graph
        self._new: dict[Value, Value] = {}
        self._rules = rules or {}
        self._leaf = leaf
        self._order: dict[Value, None] = dict.fromkeys(graph.inputs)
        self._copied: list[Value] = []
        self._made: set[Value] = set()
        self._location: Location | None = None
        # What a pass remembers while it walks.
        self.notes: dict[Any, Any] = {}

    # --- for passes -----------------------------------------------------------------------------

    def run(self) -> Graph:
        """Return the rewritten graph, or the graph itself when no rule found anything."""
        changed = False
        new, order, rules_for = self._new, self._order, self._rules
        for value in self.graph.values:
            self._location = value.location
            if value.op is None:
                result = value if self._leaf is None else self._leaf(self, value)
            else:
                result = value if new.keys().isdisjoint(value.inputs) else self.copy(value)
                for rule in rules_for.get(type(value.op), ()):
                    better = rule(self, result)
                    if better is not None:
                        result = better
                        break
            if result is value:
                order[value] = None
            else:
                changed = True
                self.set(value, result)
        return self.result() if changed else self.graph

    def at(self, value: Value) -> None:
        """Let what is made from now on carry the place of `value`."""
        self._location = value.location

    def now(self, value: Value) -> Value:
        """Return what stands for `value`."""
        return self._new.get(value, value)

    def set(self, value: Value, result: Value) -> None:
        """Let `result` stand for `value` from now on. Raises GraphError for another type."""
        self._order[result] = None
        if result is value:
            return
        if result.type is not value.type and result.type != value.type:
            raise GraphError(
                f"what stands for {value.describe()}", needed=str(value.type), got=str(result.type)
            )
        if result in self._made and result.name is None:
            result.name = value.name
        self._new[value] = result

    def copy(self, value: Value) -> Value:
        """Return `value` computed from what now stands for its inputs; itself if they stayed."""
        new = self._new
        if new.keys().isdisjoint(value.inputs):
            return value
        copy = Value(
            value.type,
            op=value.op,
            inputs=tuple([new.get(operand, operand) for operand in value.inputs]),
            name=value.name,
            location=value.location,
        )
        self._copied.append(copy)
        return copy

    def again(self, value: Value, name: str | None) -> Value:
        """Return the same assignment under another name."""
        copy = Value(
            value.type, op=value.op, inputs=value.inputs, name=name, location=value.location
        )
        self._copied.append(copy)
        return copy

    def result(self) -> Draft:
        """Return the graph with what stands for its outputs."""
        outputs = {name: self.now(value) for name, value in self.graph.outputs.items()}
        return Draft(self.graph, self._order, outputs, self._copied)

    def _simplified(self, value: Value) -> Value:
        for rule in self._rules.get(type(value.op), ()):  # type: ignore[arg-type]
            better = rule(self, value)
            if better is not None:
                return better
        return value

    # --- for rules ------------------------------------------------------------------------------

    def make(
        self, op: Op, *inputs: Value, name: str | None = None, type_: Type | None = None
    ) -> Value:
        """Return the result of `op`, with the rules applied to it; `type_` if it is known."""
        if type_ is None:
            type_ = op.type(*[operand.type for operand in inputs])
        value = Value(type_, op=op, inputs=inputs, name=name, location=self._location)
        better = self._simplified(value)
        if better is value:
            self._made.add(value)
            self._order.setdefault(value)
        return better

    def literal(self, data: Array | np.generic, dtype: str) -> Value:
        """Return a literal; `data` has its dtype already."""
        array = np.array(data, order="C")
        value = Value(
            Type(array.shape, dtype), data=array, is_literal=True, location=self._location
        )
        self._order.setdefault(value)
        return value

    def number(self, number: float | bool, like: Value) -> Value:
        """Return a literal that is one number, of the dtype of `like`."""
        return self.literal(np.array(number, like.dtype), like.dtype)

    def uniform(self, number: Value, shape: tuple[int, ...]) -> Value:
        """Return `number`, which has a single entry, everywhere in `shape`."""
        return self.broadcast(self.reshape(number, ()), shape)

    def broadcast(self, value: Value, shape: tuple[int, ...]) -> Value:
        """Return `value` repeated to `shape`."""
        return value if value.shape == shape else self.make(BroadcastTo(shape), value)

    def reshape(self, value: Value, shape: tuple[int, ...]) -> Value:
        """Return `value` in another shape."""
        return value if value.shape == shape else self.make(Reshape(shape), value)
