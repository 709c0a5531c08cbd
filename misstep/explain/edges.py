"""From one named Value to the next: the steps between them, and the edges between their entries.

An edge joins an entry of a named Value with an entry of the next one; its derivative holds all
other named Values still. Inside an edge there may be several routes (`w · w` uses w twice). Two
routes make two edges, so that they show as two paths; more of them, and the two halves of a softmax
or its logarithm (which nobody reads one by one: together they are p − y), are added up in one edge.
Knows the contract of ops; `paths.py` strings edges together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from misstep.explain.local_derivatives import LocalDerivatives
from misstep.ir import Array, Value

# An operand of an assignment: the assignment, and the slot of the operand in it.
Step = tuple[Value, int]
Route = tuple[Step, ...]
# An entry of a named Value: the number of the Value among the stops, the entry counted flat.
Node = tuple[int, int]

ROUTES_APART = 2
ROUTES_TOLD = 4
ADDED_UP = {"log_sum_exp", "softmax"}


@dataclass(frozen=True)
class Edge:
    """From the entry `source` of one stop to the entry `target` of the next.

    `derivative`: of the target by the source. `routes`: the ways inside, empty when there are too
    many to tell; `several`: how many ways. `other`: the other one of two routes, which another edge
    takes.
    """

    source: Node
    target: Node
    derivative: float
    routes: tuple[Route, ...]
    several: int
    other: Route | None = None


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
        self._routes = [self._routes_from(number) for number in range(len(self.stops))]
        self._known: dict[Node, list[Edge]] = {}

    def after(self, node: Node) -> list[Edge]:
        """Return the edges that leave `node`, those with a derivative of 0 left out."""
        if node not in self._known:
            self._known[node] = self._edges_from(node)
        return self._known[node]

    def along(self, route: Route, change: Array) -> Array | None:
        """Return what a change of the first Value makes of the last one along one route."""
        result: Array | None = change
        for value, slot in route:
            if result is None or not result.any():
                return None
            result = self.derivatives.jvp(value, slot, result)
        return result

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

    def _routes_from(self, number: int) -> dict[Value, tuple[int, tuple[Route, ...]]]:
        """Return, for each next stop, the number of routes to it and, if few, the routes."""
        start = self.stops[number]
        counts: dict[Value, int] = {start: 1}
        routes: dict[Value, tuple[Route, ...]] = {start: ((),)}
        for value, slot in self._regions[number]:
            operand = value.inputs[slot]
            counts[value] = counts.get(value, 0) + counts[operand]
            longer = tuple((*route, (value, slot)) for route in routes[operand])
            routes[value] = (*routes.get(value, ()), *longer)[: ROUTES_TOLD + 1]
        return {
            value: (counts[value], routes[value] if counts[value] <= ROUTES_TOLD else ())
            for value in counts
            if value in self.number_of and value is not start
        }

    def _edges_from(self, node: Node) -> list[Edge]:
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
        edges: list[Edge] = []
        for value, (count, routes) in self._routes[number].items():
            if _apart(routes):
                for route, other in (routes, routes[::-1]):
                    result = self.along(route, change)
                    edges += self._edges_to(node, value, result, (route,), 1, other)
            else:
                edges += self._edges_to(node, value, changes.get(value), routes, count)
        return edges

    def _edges_to(
        self,
        node: Node,
        value: Value,
        change: Array | None,
        routes: tuple[Route, ...],
        several: int,
        other: Route | None = None,
    ) -> list[Edge]:
        if change is None:
            return []
        flat, number = change.reshape(-1), self.number_of[value]
        return [
            Edge(node, (number, int(entry)), float(flat[entry]), routes, several, other)
            for entry in np.flatnonzero(flat)
        ]


def _apart(routes: tuple[Route, ...]) -> bool:
    if len(routes) != ROUTES_APART:
        return False
    return not any(
        value.op is not None and value.op.name in ADDED_UP for route in routes for value, _ in route
    )
