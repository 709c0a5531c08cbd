"""A program cut where shards of a batch need each other's numbers: into stages, with sums between.

All sums over shards that need no other sum between them are one exchange: their entries stand side
by side in one flat array. What a stage computes and a later one needs is carried over in memory,
but for views of inputs and what is cheaply worked out again. Knows graphs and the one op at which
they are cut; neither networks nor machines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from misstep.errors import GraphError
from misstep.ir import Graph, Value, ancestors, located_at, make_input, verify
from misstep.ops import concatenate, reshape, slice_axis
from misstep.ops.sharing import SumOverShards

# What an entry may cost to be worked out again rather than carried over: a store and a load.
CHEAP = 2.0


@dataclass
class Stage:
    """What a shard computes between two exchanges.

    `graph`: its outputs are the flat `partial` sums, where it ends with an exchange, and what is
    carried over. Its inputs: those of the whole program, what earlier stages carried over, and
    `total…`, the sums over all shards.
    """

    graph: Graph
    partials: tuple[str, ...]
    carried: tuple[str, ...]


@dataclass
class Cut:
    """A program in stages, and the `last` graph of what all shards have in common.

    `totals`: of each flat sum over shards its name, after which stage it is made, entries, dtype.
    `places`: of each output that is nothing but such a sum, where it stands; it is not in `last`.
    """

    stages: list[Stage]
    last: Graph
    totals: dict[str, tuple[int, int, str]]
    places: dict[str, Place]


@dataclass(frozen=True)
class Place:
    """Where a sum over shards stands among those of its exchange."""

    total: str
    start: int
    stop: int


@dataclass
class _Cutter:
    order: list[Value]
    # After how many exchanges a Value is known.
    level: dict[Value, int] = field(default_factory=dict)
    # Whether a Value is nothing but inputs and literals, seen in another way.
    free: set[Value] = field(default_factory=set)
    places: dict[Value, Place] = field(default_factory=dict)
    totals: dict[str, Value] = field(default_factory=dict)
    carried: dict[Value, Value] = field(default_factory=dict)

    def study(self) -> None:
        """Find out the level of each Value, and give each sum its place."""
        sizes: dict[str, int] = {}
        members: dict[str, list[Value]] = {}
        for value in self.order:
            op = value.op
            if op is None:
                self.level[value] = 0
                self.free.add(value)
                continue
            below = max((self.level[operand] for operand in value.inputs), default=0)
            if isinstance(op, SumOverShards):
                self.level[value] = below + 1
                total = f"total{below}_{value.dtype}"
                start = sizes.get(total, 0)
                sizes[total] = start + value.size
                self.places[value] = Place(total, start, start + value.size)
                members.setdefault(total, []).append(value)
                continue
            self.level[value] = below
            if op.moves and all(operand in self.free for operand in value.inputs):
                self.free.add(value)
        self.members = members
        self.sizes = sizes
        for total, values in members.items():
            self.totals[total] = make_input(total, (sizes[total],), values[0].dtype)

    def leaf(self, value: Value) -> Value | None:
        """Return what stands for a sum over shards in a later stage: its piece of the exchange."""
        place = self.places.get(value)
        if place is None:
            return None
        piece = slice_axis(self.totals[place.total], 0, place.start, place.stop)
        return reshape(piece, value.shape)

    def copied(self, wanted: Iterable[Value], known: Mapping[Value, Value]) -> dict[Value, Value]:
        """Return a copy of `wanted` and what they need, where `known` and sums end the way back."""
        needed, waiting = set[Value](), list(wanted)
        while waiting:
            value = waiting.pop()
            if value in needed:
                continue
            needed.add(value)
            if value not in known and value not in self.places:
                waiting += value.inputs
        copies: dict[Value, Value] = {}
        for value in self.order:
            if value not in needed:
                continue
            if value in known:
                copies[value] = known[value]
            elif value in self.places:
                piece = self.leaf(value)
                assert piece is not None
                copies[value] = piece
            elif value.op is None:
                copies[value] = value
            else:
                with located_at(value.location):
                    copy = value.op(*(copies[operand] for operand in value.inputs))
                copy.name = value.name
                copies[value] = copy
        return copies

    def across(self, wanted: Sequence[Value], stage: int) -> list[Value]:
        """Return the Values of earlier stages that one needs, in order: those to be carried over.

        What is worked out again, entry by entry from what is there anyway, is not among them.
        """
        seen, carried, waiting = set[Value](), set[Value](), list(wanted)
        while waiting:
            value = waiting.pop()
            if value in seen or value in self.free or value in self.places:
                continue
            seen.add(value)
            if self.level[value] < stage:
                carried.add(value)
            else:
                waiting += value.inputs
        for value in self.order:
            if value not in carried or value.op is None or not value.op.elementwise:
                continue
            there = all(
                operand in self.free or operand in self.places or operand in carried
                for operand in value.inputs
            )
            if there and value.op.cost <= CHEAP:
                carried.discard(value)
        return [value for value in self.order if value in carried]


def cut(outputs: Mapping[str, Value], inputs: Sequence[Value], local: Sequence[str]) -> Cut:
    """Return the program of `outputs`, which all shards have in common, in stages.

    `inputs`: of the program. `local`: the names of those that each shard has its own of. Raises
    GraphError where an output depends on them by another way than a sum over shards.
    """
    order = ancestors([*outputs.values(), *inputs])
    cutter = _Cutter(order)
    cutter.study()
    places = {name: cutter.places[v] for name, v in outputs.items() if v in cutter.places}
    common = {name: value for name, value in outputs.items() if name not in places}
    copies = cutter.copied(common.values(), {})
    last = Graph({name: copies[value] for name, value in common.items()}, name="last")
    for value in last.inputs:
        if value.name in local:
            raise GraphError(
                "what all shards of a batch have in common",
                needed="numbers that follow from sums over shards",
                got=f"some that follow from {value.name} of each shard",
            )
    stages = max((cutter.level[value] for value in cutter.places), default=0)
    # A value is carried over as soon as it is known, whichever later stage needs it.
    wanted_of = [
        [
            member.inputs[0]
            for total, members in cutter.members.items()
            for member in members
            if cutter.level[member] == stage + 1
        ]
        for stage in range(stages)
    ]
    carried_by: list[list[Value]] = [[] for _ in range(stages)]
    known: dict[Value, Value] = {}
    for stage in reversed(range(stages)):
        for value in cutter.across([*wanted_of[stage], *carried_by[stage]], stage):
            if value not in known:
                name = f"carried{len(known)}"
                known[value] = make_input(name, value.shape, value.dtype)
                carried_by[cutter.level[value]].append(value)
    return Cut(
        [_stage(cutter, stage, carried_by[stage], known) for stage in range(stages)],
        verify(last),
        {
            total: (cutter.level[members[0]] - 1, cutter.sizes[total], members[0].dtype)
            for total, members in cutter.members.items()
        },
        places,
    )


def _stage(
    cutter: _Cutter, stage: int, carried: list[Value], known: Mapping[Value, Value]
) -> Stage:
    earlier = {value: leaf for value, leaf in known.items() if cutter.level[value] < stage}
    sums = {
        total: [member.inputs[0] for member in members]
        for total, members in cutter.members.items()
        if cutter.level[members[0]] == stage + 1
    }
    wanted = [*carried, *(value for members in sums.values() for value in members)]
    copies = cutter.copied(wanted, earlier)
    outputs: dict[str, Value] = {}
    for total, members in sums.items():
        flat = [reshape(copies[member], (-1,)) for member in members]
        name = total.replace("total", "partial")
        outputs[name] = concatenate(flat) if len(flat) > 1 else flat[0]
    for value in carried:
        outputs[str(known[value].name)] = copies[value]
    graph = verify(Graph(outputs, name=f"stage{stage}"))
    partials = tuple(total.replace("total", "partial") for total in sums)
    return Stage(graph, partials, tuple(str(known[value].name) for value in carried))
