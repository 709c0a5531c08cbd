"""The paths from one entry to the loss: how many there are, and the largest of them.

When the whole web of links can be looked at, the number of paths, their sum and the largest ones
are exact: one pass backward counts, adds up and bounds, and the bound leads the search. When it is
too large, the search follows the blame and says that it has not seen everything.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from misstep.explain.routes import Link, Links, Node

# How many entries, and how many links between them, are looked at before the web counts as too
# large: about a second of work.
MOST_NODES = 5_000
MOST_LINKS = 200_000
# How many partial paths the search looks at when the web is too large.
MOST_TRIES = 2_000


@dataclass(frozen=True)
class Chain:
    """One path: its links from the entry asked about to the loss, and the product of the slopes."""

    links: tuple[Link, ...]
    product: float


@dataclass(frozen=True)
class Found:
    """What a search found. `number`: of paths; when not `exact`, there are more than that.

    `total`: the sum over all paths, None when not `exact`. `chains`: the largest first.
    """

    chains: list[Chain]
    number: int
    exact: bool
    total: float | None


def find_paths(
    links: Links, start: Node, goal: Node, most: int, blame: Callable[[Node], float]
) -> Found:
    """Return the `most` largest paths from `start` to `goal`, and how many there are in all.

    `blame`: the derivative of the loss by an entry; guides the search when the web is too large.
    """
    order, whole = _web(links, start)
    if not whole:
        bound = {node: abs(blame(node)) for node in order}

        def guess(node: Node) -> float:
            if node not in bound:
                bound[node] = abs(blame(node))
            return bound[node]

        chains = _largest(links, start, goal, most, guess, MOST_TRIES)
        return Found(chains, _at_least(links, order, start, goal, guess), False, None)
    number: dict[Node, int] = {goal: 1}
    total: dict[Node, float] = {goal: 1.0}
    largest: dict[Node, float] = {goal: 1.0}
    for node in sorted(order, reverse=True):
        if node == goal:
            continue
        after = links.after(node)
        number[node] = sum(number[link.target] for link in after)
        total[node] = sum(link.slope * total[link.target] for link in after)
        largest[node] = max((abs(link.slope) * largest[link.target] for link in after), default=0.0)
    chains = _largest(links, start, goal, most, largest.__getitem__, None)
    return Found(chains, number[start], True, total[start])


def _web(links: Links, start: Node) -> tuple[list[Node], bool]:
    """Return the entries that can be reached, in order, and whether these are all there are."""
    waiting, seen = [start], {start}
    order: list[Node] = []
    count = 0
    while waiting:
        if len(order) >= MOST_NODES or count > MOST_LINKS:
            return order, False
        node = heapq.heappop(waiting)
        order.append(node)
        for link in links.after(node):
            count += 1
            if link.target not in seen:
                seen.add(link.target)
                heapq.heappush(waiting, link.target)
    return order, True


def _largest(
    links: Links,
    start: Node,
    goal: Node,
    most: int,
    bound: Callable[[Node], float],
    tries: int | None,
) -> list[Chain]:
    """Return the largest paths, best first: exact when `bound` is the largest product to come."""
    ties = itertools.count()
    waiting: list[tuple[float, int, Node, float, tuple[Link, ...]]] = [
        (-bound(start), next(ties), start, 1.0, ())
    ]
    found: list[Chain] = []
    looked = 0
    while waiting and (tries is not None or len(found) < most):
        if tries is not None and (looked >= tries or len(found) >= 20 * most):
            break
        looked += 1
        _, _, node, product, way = heapq.heappop(waiting)
        if node == goal:
            found.append(Chain(way, product))
            continue
        after: Sequence[Link] = links.after(node)
        if tries is not None or len(after) > most:
            after = heapq.nlargest(
                max(most, 1) * (4 if tries is not None else 1),
                after,
                key=lambda link: abs(link.slope) * bound(link.target),
            )
        for link in after:
            size = abs(product * link.slope) * bound(link.target)
            if size > 0:
                entry = (-size, -next(ties), link.target, product * link.slope, (*way, link))
                heapq.heappush(waiting, entry)
    found.sort(key=lambda chain: -abs(chain.product))
    return found[:most]


def _at_least(
    links: Links, order: list[Node], start: Node, goal: Node, blame: Callable[[Node], float]
) -> int:
    """Return a number of paths that there surely are: one for each way to the edge of the web."""
    expanded = set(order)
    ways: dict[Node, int] = {start: 1}
    edge = 0
    for node in sorted(order):
        if node == goal or node not in ways:
            continue
        for link in links.after(node):
            if link.target in expanded:
                ways[link.target] = ways.get(link.target, 0) + ways[node]
            elif blame(link.target) != 0:
                edge += ways[node]
    return edge + ways.get(goal, 0)
