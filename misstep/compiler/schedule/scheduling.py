"""From a graph to its schedule: kernels, their order, and where everything lies.

Puts the parts of this stage together: arrays of the caller (`arguments.py`), kernels (`fuse.py`),
regions (`partition.py`), memory (`plan_memory.py`). New states are written over the old ones where
the order of kernels allows it, else beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

from misstep.compiler.schedule.arguments import Arguments, place_arguments
from misstep.compiler.schedule.fuse import fuse, scalar_values, shared_anchors
from misstep.compiler.schedule.kernel import FusedGraph, Kernel
from misstep.compiler.schedule.partition import InPlaceError, Partition, partition
from misstep.compiler.schedule.plan_memory import Arena, plan_memory
from misstep.compiler.schedule.roles import Roles
from misstep.errors import NotYetError
from misstep.ir import Graph, Value
from misstep.ops.reduction import Sum
from misstep.ops.shape import Reshape

__all__ = ["Schedule", "schedule_graph"]


@dataclass(frozen=True)
class Schedule:
    """All that is decided before code is written: what runs, in which order, and where it lies."""

    graph: Graph
    roles: Roles
    arguments: Arguments
    fused: FusedGraph
    partition: Partition
    arena: Arena

    @property
    def regions(self) -> list[list[Kernel]]:
        """Return the kernels in the order in which they run, a barrier between two regions."""
        return self.partition.regions

    @property
    def barriers(self) -> int:
        """Return how often threads wait for each other in a step."""
        return len(self.regions) - 1 + self.partition.closing


def schedule_graph(graph: Graph, roles: Roles) -> Schedule:
    """Return the schedule of `graph`. Raises NotYetError for what can't be compiled."""
    graph = _with_guard_for_each(graph, roles)
    try:
        return _scheduled(graph, roles, in_place=True)
    except InPlaceError:
        try:
            return _scheduled(graph, roles, in_place=False)
        except InPlaceError as error:
            raise NotYetError(f"compiling {graph.name}", got=str(error)) from error


def _scheduled(graph: Graph, roles: Roles, *, in_place: bool) -> Schedule:
    arguments = place_arguments(graph, roles, in_place=in_place)
    fused = fuse(graph, arguments)
    guard = graph.outputs[roles.guard] if roles.guard else None
    if guard is not None and guard not in fused.scalars:
        raise NotYetError(
            f"compiling the guard {roles.guard}",
            needed="one number that every thread can work out, as the mean of losses is",
            got=f"the result of {guard.op.name}" if guard.op is not None else "an input",
        )
    try:
        order = partition(fused, arguments.states, guard)
    except InPlaceError:
        shared = shared_anchors(fused)
        if not shared:
            raise
        fused = fuse(graph, arguments, apart=shared)
        order = partition(fused, arguments.states, guard)
    return Schedule(graph, roles, arguments, fused, order, plan_memory(fused, order))


def _with_guard_for_each(graph: Graph, roles: Roles) -> Graph:
    """Return `graph` with a guard that every thread works out for itself.

    The loss of a single row is an entry that one thread makes; summed, it is a number for all.
    """
    guard = graph.outputs.get(roles.guard or "")
    if guard is None or guard.size != 1 or not guard.type.is_float:
        return graph
    inputs: set[Value] = {value for value in graph.inputs if value.name not in roles.gathered}
    if guard in scalar_values(graph, inputs):
        return graph
    entries = guard if guard.ndim else Reshape((1,))(guard)
    summed = Sum(tuple(range(entries.ndim)), bool(guard.ndim))(entries)
    outputs = {name: summed if value is guard else value for name, value in graph.outputs.items()}
    return Graph(outputs, graph.inputs, graph.name)
