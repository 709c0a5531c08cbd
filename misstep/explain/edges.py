"""From one named Value to the next: the steps between them, and the edges between their entries.

An edge joins an entry of a named Value with an entry of the next one; its derivative holds all
other named Values still, and adds up whatever ways lead from the one to the other inside.
Knows the contract of ops; `paths.py` strings edges together, `derivation.py` says how an edge's
derivative comes about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from misstep.explain.local_derivatives import LocalDerivatives
from misstep.ir import Array, Value

# An operand of an assignment: the assignment, and the slot of the operand in it.
Step = tuple[Value, int]
# An entry of a named Value: the number of the Value among the stops, the entry counted flat.
Node = tuple[int, int]


@dataclass(frozen=True)
class Edge:
    """From the entry `source` of one stop to the entry `target` of the next.

    `derivative`: of the target by the source.
    """

    source: Node
    target: Node
    derivative: float


class Edges:
    """All edges from any entry of any stop, worked out when asked for.

    `stops`: the named Values, the one asked about first and the loss last. `active`: all Values
    between them, in order.
    """

    def __init__(
        self, stops: Sequence[Value], active: Sequence[Value], derivatives: LocalDerivatives
    ) -> None:
        self.stops = list(stops)
        self.number_of = {value: number for number, value in enumerate(stops)}
        self.derivatives = derivatives
        users: dict[Value, list[Step]] = {}
        for value in active:
            if value is stops[0]:
                continue
            for slot, operand in enumerate(value.inputs):
                users.setdefault(operand, []).append((value, slot))
        self._users = users
        self._regions = [self._region(value) for value in stops]
        self._next = [self._stops_after(number) for number in range(len(self.stops))]
        self._known: dict[Node, list[Edge]] = {}

    def after(self, node: Node) -> list[Edge]:
        """Return the edges that leave `node`, those with a derivative of 0 left out."""
        if node not in self._known:
            self._known[node] = self._edges_from(node)
        return self._known[node]

    def changes_from(self, node: Node) -> dict[Value, Array]:
        """Return how every Value up to the next stops answers to a change of an entry by 1."""
        number, flat = node
        start = self.stops[number]
        change = np.zeros(start.shape)
        change.reshape(-1)[flat] = 1.0
        changes: dict[Value, Array] = {start: change}
        for value, slot in self._regions[number]:
            operand_change = changes.get(value.inputs[slot])
            if operand_change is None:
                continue
            result = self.derivatives.jvp(value, slot, operand_change)
            if result is not None and result.any():
                changes[value] = changes[value] + result if value in changes else result
        return changes

    def _region(self, start: Value) -> list[Step]:
        """Return the steps from a stop up to the next ones, in order of computation."""
        inside = {start}
        steps: list[Step] = []
        waiting = list(self._users.get(start, ()))
        seen: set[tuple[int, int]] = set()
        while waiting:
            value, slot = waiting.pop()
            if (value.serial, slot) in seen:
                continue
            seen.add((value.serial, slot))
            steps.append((value, slot))
            if value not in self.number_of and value not in inside:
                inside.add(value)
                waiting.extend(self._users.get(value, ()))
        return sorted(steps, key=lambda step: (step[0].serial, step[1]))

    def _stops_after(self, number: int) -> list[Value]:
        """Return the next stops, in order."""
        start = self.stops[number]
        reached = dict.fromkeys(value for value, _ in self._regions[number])
        return [value for value in reached if value in self.number_of and value is not start]

    def _edges_from(self, node: Node) -> list[Edge]:
        changes = self.changes_from(node)
        edges: list[Edge] = []
        for value in self._next[node[0]]:
            if value in changes:
                flat, number = changes[value].reshape(-1), self.number_of[value]
                edges += [
                    Edge(node, (number, int(entry)), float(flat[entry]))
                    for entry in np.flatnonzero(flat)
                ]
        return edges
