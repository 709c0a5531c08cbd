"""What was lowered in this process, by the text of its graph: nothing is lowered twice.

Networks of the same structure make the same graphs again and again: each fit, each clone, each fold
of a cross-validation. Passes, schedule and codegen take a hundred times as long as comparing texts.
Machine code has a memory of its own (`native.py`). Knows graphs and what is made of them.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable

from misstep.compiler.codegen.lower import LoweredProgram
from misstep.compiler.codegen.target import Target
from misstep.compiler.schedule.roles import Roles
from misstep.errors import GraphError
from misstep.ir import Graph, write_graph

__all__ = ["lowered_before"]

# Those used last. A fit has four to eight of them, each some hundred kB.
REMEMBERED = 48
# Entries of literals in a graph whose text is compared; more of them take long to write.
MOST_LITERAL_ENTRIES = 20_000

Key = tuple[bytes, str, Target]

_recent: OrderedDict[Key, tuple[Graph, LoweredProgram]] = OrderedDict()
_lock = threading.Lock()


def lowered_before(
    graph: Graph, roles: Roles, target: Target, lower: Callable[[], LoweredProgram]
) -> tuple[LoweredProgram, bool]:
    """Return a graph of this structure lowered, and whether it is that of another such graph.

    `lower`: what lowers it, if nothing like it was lowered before. Structure: ops, types, literals
    and names; the lines of people's code that made the values are none of it.
    """
    key = _key(graph, roles, target)
    if key is None:
        return lower(), False
    with _lock:
        found = _recent.get(key)
        if found is not None:
            _recent.move_to_end(key)
            return found[1], found[0] is not graph
    lowered = lower()
    with _lock:
        _recent[key] = graph, lowered
        while len(_recent) > REMEMBERED:
            _recent.popitem(last=False)
    return lowered, False


def _key(graph: Graph, roles: Roles, target: Target) -> Key | None:
    """Return what graphs of the same structure have in common; None where it can't be told."""
    if sum(value.size for value in graph.literals) > MOST_LITERAL_ENTRIES:
        return None
    try:
        text = write_graph(graph, locations=False)
    except (GraphError, TypeError):  # a name, or an attribute, that can't be written
        return None
    return hashlib.sha256(text.encode()).digest(), repr(roles), target
