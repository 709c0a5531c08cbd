"""The paths from one entry to the loss: how many there are, and the largest of them.

When all edges from the entry on can be looked at, the number of paths, their sum and the largest
ones are exact: one pass backward counts, adds up and bounds, and the bound leads the search. When
there are too many, the search follows the gradients and says that it has not seen everything.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from misstep.explain.edges import Edge, Edges, Node

# How many entries, and how many edges between them, are looked at before they count as too many:
# about a second of work.
MOST_NODES = 5_000
MOST_EDGES = 200_000
# How many partial paths the search looks at where there are too many.
MOST_TRIES = 2_000


@dataclass(frozen=True)
class Chain:
    """One path: its edges from the entry asked about to the loss, and the derivatives' product."""

    edges: tuple[Edge, ...]
    product: float


@dataclass(frozen=True)
class PathSearch:
    """What a search came to. `number`: of paths; when not `exact`, there are more than that.

    `sum`: over all paths, None when not `exact`. `chains`: the largest first.
    """

    chains: list[Chain]
    number: int
    exact: bool
    sum: float | None


def find_paths(
    edges: Edges, start: Node, goal: Node, most: int, gradient: Callable[[Node], float]
) -> PathSearch:
    """Return the `most` largest paths from `start` to `goal`, and how many there are in all.

    `gradient`: of the loss by an entry; guides the search where there are too many edges.
    """
    order, whole = _reachable(edges, start)
    if not whole:
        bound = {node: abs(gradient(node)) for node in order}

        def guess(node: Node) -> float:
            if node not in bound:
                bound[node] = abs(gradient(node))
            return bound[node]

        chains = _largest(edges, start, goal, most, guess, MOST_TRIES)
        return PathSearch(chains, _at_least(edges, order, start, goal, guess), False, None)
    number: dict[Node, int] = {goal: 1}
    sums: dict[Node, float] = {goal: 1.0}
    largest: dict[Node, float] = {goal: 1.0}
    for node in sorted(order, reverse=True):
        if node == goal:
            continue
        after = edges.after(node)
        number[node] = sum(number[edge.target] for edge in after)
        sums[node] = sum(edge.derivative * sums[edge.target] for edge in after)
        largest[node] = max(
            (abs(edge.derivative) * largest[edge.target] for edge in after), default=0.0
        )
    chains = _largest(edges, start, goal, most, largest.__getitem__, None)
    return PathSearch(chains, number[start], True, sums[start])


def _reachable(edges: Edges, start: Node) -> tuple[list[Node], bool]:
    """Return the entries that can be reached, in order, and whether these are all there are."""
    waiting, seen = [start], {start}
    order: list[Node] = []
    count = 0
    while waiting:
        if len(order) >= MOST_NODES or count > MOST_EDGES:
            return order, False
        node = heapq.heappop(waiting)
        order.append(node)
        for edge in edges.after(node):
            count += 1
            if edge.target not in seen:
                seen.add(edge.target)
                heapq.heappush(waiting, edge.target)
    return order, True


def _largest(
    edges: Edges,
    start: Node,
    goal: Node,
    most: int,
    bound: Callable[[Node], float],
    tries: int | None,
) -> list[Chain]:
    """Return the largest paths, best first: exact when `bound` is the largest product to come."""
    ties = itertools.count()
    waiting: list[tuple[float, int, Node, float, tuple[Edge, ...]]] = [
        (-bound(start), next(ties), start, 1.0, ())
    ]
    chains: list[Chain] = []
    looked = 0
    while waiting and (tries is not None or len(chains) < most):
        if tries is not None and (looked >= tries or len(chains) >= 20 * most):
            break
        looked += 1
        _, _, node, product, way = heapq.heappop(waiting)
        if node == goal:
            chains.append(Chain(way, product))
            continue
        after: Sequence[Edge] = edges.after(node)
        if tries is not None or len(after) > most:
            after = heapq.nlargest(
                max(most, 1) * (4 if tries is not None else 1),
                after,
                key=lambda edge: abs(edge.derivative) * bound(edge.target),
            )
        for edge in after:
            size = abs(product * edge.derivative) * bound(edge.target)
            if size > 0:
                entry = (-size, -next(ties), edge.target, product * edge.derivative, (*way, edge))
                heapq.heappush(waiting, entry)
    chains.sort(key=lambda chain: -abs(chain.product))
    return chains[:most]


def _at_least(
    edges: Edges, order: list[Node], start: Node, goal: Node, gradient: Callable[[Node], float]
) -> int:
    """Return a number of paths that there surely are: one for each way to the first unseen edge."""
    expanded = set(order)
    ways: dict[Node, int] = {start: 1}
    unseen = 0
    for node in sorted(order):
        if node == goal or node not in ways:
            continue
        for edge in edges.after(node):
            if edge.target in expanded:
                ways[edge.target] = ways.get(edge.target, 0) + ways[node]
            elif gradient(edge.target) != 0:
                unseen += ways[node]
    return unseen + ways.get(goal, 0)
