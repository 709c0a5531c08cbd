"""From one named Value to the next: the steps between them, and the links between their entries.

A link joins an entry of a named Value with an entry of the next one; its slope holds all other
named Values still. Inside a link there may be several routes (`w · w` uses w twice). Two routes
make two links, so that they show as two paths; more of them, and the two halves of a softmax or its
logarithm (which nobody reads one by one: together they are p − y), are added up in one link.
Knows the contract of ops; `paths.py` strings links together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from misstep.explain.slopes import Slopes
from misstep.ir import Array, Value

# An input of an assignment: the assignment, and the place of the input in it.
Step = tuple[Value, int]
Route = tuple[Step, ...]
# An entry of a named Value: the number of the Value among the stations, the entry counted flat.
Node = tuple[int, int]

ROUTES_APART = 2
ROUTES_TOLD = 4
ADDED_UP = {"log_sum_exp", "softmax"}


@dataclass(frozen=True)
class Link:
    """From the entry `source` of one station to the entry `target` of the next.

    `routes`: the ways inside, empty when there are too many to tell; `several`: how many ways.
    `other`: the other one of two routes, which another link takes.
    """

    source: Node
    target: Node
    slope: float
    routes: tuple[Route, ...]
    several: int
    other: Route | None = None


class Links:
    """All links from any entry of any station, found when asked for."""

    def __init__(self, stations: Sequence[Value], on_way: Sequence[Value], slopes: Slopes) -> None:
        self.stations = list(stations)
        self.number_of = {value: place for place, value in enumerate(stations)}
        self.slopes = slopes
        users: dict[Value, list[Step]] = {}
        for value in on_way:
            if value is stations[0]:
                continue
            for slot, given in enumerate(value.inputs):
                users.setdefault(given, []).append((value, slot))
        self._users = users
        self._regions = [self._region(value) for value in stations]
        self._routes = [self._routes_from(place) for place in range(len(self.stations))]
        self._kept: dict[Node, list[Link]] = {}

    def after(self, node: Node) -> list[Link]:
        """Return the links that leave `node`, those with a slope of 0 left out."""
        if node not in self._kept:
            self._kept[node] = self._find(node)
        return self._kept[node]

    def along(self, route: Route, change: Array) -> Array | None:
        """Return what a change of the first Value makes of the last one along one route."""
        made: Array | None = change
        for value, slot in route:
            if made is None or not made.any():
                return None
            made = self.slopes.along(value, slot, made)
        return made

    def _region(self, start: Value) -> list[Step]:
        """Return the steps from a station up to the next ones, in order of computation."""
        inside = {start}
        steps: list[Step] = []
        waiting = list(self._users.get(start, ()))
        found: set[tuple[int, int]] = set()
        while waiting:
            value, slot = waiting.pop()
            if (value.serial, slot) in found:
                continue
            found.add((value.serial, slot))
            steps.append((value, slot))
            if value not in self.number_of and value not in inside:
                inside.add(value)
                waiting.extend(self._users.get(value, ()))
        return sorted(steps, key=lambda step: (step[0].serial, step[1]))

    def _routes_from(self, place: int) -> dict[Value, tuple[int, tuple[Route, ...]]]:
        """Return, for each next station, the number of routes to it and, if few, the routes."""
        start = self.stations[place]
        counts: dict[Value, int] = {start: 1}
        told: dict[Value, tuple[Route, ...]] = {start: ((),)}
        for value, slot in self._regions[place]:
            given = value.inputs[slot]
            counts[value] = counts.get(value, 0) + counts[given]
            longer = tuple((*route, (value, slot)) for route in told[given])
            told[value] = (*told.get(value, ()), *longer)[: ROUTES_TOLD + 1]
        return {
            value: (counts[value], told[value] if counts[value] <= ROUTES_TOLD else ())
            for value in counts
            if value in self.number_of and value is not start
        }

    def _find(self, node: Node) -> list[Link]:
        place, flat = node
        start = self.stations[place]
        change = np.zeros(start.shape)
        change.reshape(-1)[flat] = 1.0
        changes: dict[Value, Array] = {start: change}
        for value, slot in self._regions[place]:
            given = changes.get(value.inputs[slot])
            if given is None:
                continue
            made = self.slopes.along(value, slot, given)
            if made is not None and made.any():
                changes[value] = changes[value] + made if value in changes else made
        links: list[Link] = []
        for value, (count, routes) in self._routes[place].items():
            if _apart(routes):
                for route, other in (routes, routes[::-1]):
                    made = self.along(route, change)
                    links += self._linked(node, value, made, (route,), 1, other)
            else:
                links += self._linked(node, value, changes.get(value), routes, count)
        return links

    def _linked(
        self,
        node: Node,
        value: Value,
        made: Array | None,
        routes: tuple[Route, ...],
        several: int,
        other: Route | None = None,
    ) -> list[Link]:
        if made is None:
            return []
        flat, number = made.reshape(-1), self.number_of[value]
        return [
            Link(node, (number, int(entry)), float(flat[entry]), routes, several, other)
            for entry in np.flatnonzero(flat)
        ]


def _apart(routes: tuple[Route, ...]) -> bool:
    if len(routes) != ROUTES_APART:
        return False
    return not any(
        value.op is not None and value.op.name in ADDED_UP for route in routes for value, _ in route
    )
