"""Where the caller's arrays lie: a slot for each input, output and literal that stands in memory.

Knows graphs and roles, no kernel. A slot becomes an address when the program runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from misstep.compiler.language.elements import is_uniform_literal
from misstep.compiler.language.views import Buffer, View
from misstep.compiler.schedule.kernel_classes import kernel_class_of
from misstep.compiler.schedule.roles import Roles
from misstep.ir import Graph, Value

__all__ = ["Arguments", "Slot", "place_arguments"]


# What whole numbers become floats by: low, span, and the two numbers between which results lie.
SCALE_ENTRIES = 4


@dataclass(frozen=True)
class Slot:
    """One address in the table of a program: of an input, an output or a literal.

    `stride`: entries to go on by from step to step. `timers`: those of a profile, of each
    thread its own, one after the other: (threads, *shape).
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    stride: int = 0
    literal: np.ndarray | None = None
    output: bool = False
    timers: bool = False


@dataclass
class Arguments:
    """Slots in order, and what lies in them.

    `buffers`: the number of each buffer's slot. `inputs`: inputs and stored literals. `gathered`:
    inputs whose rows are gathered, and to where. `outputs`: where each output goes. `moved`:
    outputs that are copied at the very end of a step, and to where. `states`: buffers that change
    step by step.
    """

    slots: list[Slot] = field(default_factory=list)
    buffers: dict[Buffer, int] = field(default_factory=dict)
    inputs: dict[Value, View] = field(default_factory=dict)
    gathered: dict[Value, View] = field(default_factory=dict)
    outputs: dict[str, View] = field(default_factory=dict)
    deferred: dict[str, View] = field(default_factory=dict)
    states: set[Buffer] = field(default_factory=set)

    def add(self, slot: Slot) -> Buffer:
        """Add a slot; return the buffer that lies there."""
        size = int(np.prod(slot.shape, dtype=np.int64))
        buffer = Buffer(slot.name, slot.dtype, size, external=True)
        self.buffers[buffer] = len(self.slots)
        self.slots.append(slot)
        return buffer


def place_arguments(graph: Graph, roles: Roles, *, in_place: bool) -> Arguments:
    """Return where inputs and outputs lie.

    `in_place`: whether new states are written where the old ones are, rather than beside them.
    """
    arguments = Arguments()
    by_name: dict[str, Buffer] = {}
    for value in graph.inputs:
        name = value.name or f"input{value.serial}"
        if name in roles.gathered:
            stored = roles.stored.get(name)
            arguments.add(Slot(name, stored or value.dtype, value.shape))
            if stored is not None:
                arguments.add(Slot(roles.scale_of(name), "float32", (SCALE_ENTRIES,)))
            rows = Buffer(name, value.dtype, value.size)
            arguments.gathered[value] = View.whole(rows, value.shape)
            continue
        stride = value.size if name in roles.stepped else 0
        by_name[name] = arguments.add(Slot(name, value.dtype, value.shape, stride))
        arguments.inputs[value] = View.whole(by_name[name], value.shape)
    for value in _stored_literals(graph):
        name = value.name or f"literal{value.serial}"
        literal = np.asarray(value.data, dtype=value.dtype, order="C")
        buffer = arguments.add(Slot(name, value.dtype, value.shape, literal=literal))
        arguments.inputs[value] = View.whole(buffer, value.shape)
    for name, value in graph.outputs.items():
        into = roles.states.get(name)
        if into is None:
            stride = value.size if name in roles.logged else 0
            slot = Slot(name, value.dtype, value.shape, stride, output=True)
            arguments.outputs[name] = View.whole(arguments.add(slot), value.shape)
            continue
        there = View.whole(by_name[into], value.shape)
        arguments.states.add(by_name[into])
        arguments.outputs[name] = there
        if not in_place:
            arguments.deferred[name] = there
            beside = Buffer(f"next {name}", value.dtype, value.size)
            arguments.outputs[name] = View.whole(beside, value.shape)
    return arguments


def _stored_literals(graph: Graph) -> list[Value]:
    """Return the literals that must lie in memory: arrays, and operands of matrix products."""
    operands: set[Value] = set()
    for value in graph.values:
        kernel_class = kernel_class_of(value)
        if kernel_class is not None and kernel_class.in_memory:
            for base in value.inputs:
                while base.op is not None and base.op.moves:
                    base = base.inputs[0]
                operands.add(base)
    return [
        value
        for value in graph.literals
        if value in operands or (value.size and not is_uniform_literal(value))
    ]
