"""Pass: what is done entry by entry to joined values is done to each of them, in its own shape.

A training step joins all gradients to one flat buffer, and the optimizer works on that. Taken
apart, the update of one weight matrix is computed entry by entry from its gradient, where the
compiler can do it while that gradient is still in registers; the flat buffer of gradients is never
written. What comes out is joined again: the outputs stay flat, as joins of pieces in their places.

A *root* is a join along the only axis of its pieces (or a flat reshape of one value of several
axes: a network with a single parameter). Its *region* is what is computed from it entry by entry at
full length. The other long inputs of the region (parameters, optimizer state) are cut to pieces.

It stays flat when taking apart would not pay: when some of the region is wanted as a whole by what
is not entry by entry (the norm of all gradients, for clipping by norm, which no piece can know
before all are there), or when the joined gradient itself is an output. No bit changes either way.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from misstep.compiler.passes.rewriting import Rewriting
from misstep.compiler.passes.rules import Pass
from misstep.ir import Graph, Type, Value, make_input
from misstep.ops import concatenate, reshape, sqrt
from misstep.ops.pieces import Concatenate, Slice
from misstep.ops.shape import Reshape

# By how many values a program may grow: each costs compiling time. Enough for 150 layers and Adam.
MOST_NEW_VALUES = 5000

Users = dict[Value, list[Value]]


@dataclass(frozen=True, eq=False)
class Piece:
    """Entries `start` up to `stop` of a root.

    `flat`: the value that they are, along one axis; `own`: the same in its own shape.
    """

    start: int
    stop: int
    flat: Value
    own: Value

    @property
    def name(self) -> str:
        """Return what the piece is called, after the parameter if it is a parameter's gradient."""
        return (self.own.name or f"{self.start}_{self.stop}").removeprefix("gradient_")


@dataclass(eq=False)
class Region:
    """A root and what is computed from it entry by entry at full length."""

    root: Value
    pieces: list[Piece]
    values: set[Value] = field(default_factory=set)

    def holds(self, start: int, stop: int) -> bool:
        """Tell whether these entries lie in one piece."""
        return any(piece.start <= start and stop <= piece.stop for piece in self.pieces)


class SplitFlat(Pass):
    """Finds regions that pay, then writes each of their results as a join of pieces."""

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with flat work taken apart."""
        users = users_of(graph)
        outputs = set(graph.outputs.values())
        regions: dict[Value, Region] = {}
        for root in graph.values:
            pieces = pieces_of(root)
            if not pieces or root in outputs or root in regions:
                continue
            region = grow(root, pieces, users, regions)
            if pays(region, users):
                regions |= dict.fromkeys(region.values, region)
        if not regions:
            return graph
        here = Rewriting(graph)
        parts: dict[Region, Parts] = {}
        for value in graph.values:
            here.at(value)
            home = regions.get(value)
            if home is None:
                here.set(value, here.copy(value))
            elif value in outputs or any(regions.get(user) is not home for user in users[value]):
                if home not in parts:
                    parts[home] = Parts(here, home, regions, users)
                here.set(value, parts[home].joined(value))
        return here.result()


split_flat = SplitFlat("split_flat", "flat work on joined values is done for each of them")


def users_of(graph: Graph) -> Users:
    """Return for each value those computed from it."""
    users: Users = {value: [] for value in graph.values}
    for value in graph.values:
        for operand in value.inputs:
            users[operand].append(value)
    return users


def is_flat(value: Value, length: int) -> bool:
    """Tell whether `value` has `length` entries, all along one axis."""
    return length in value.shape and value.size == length


def pieces_of(root: Value) -> list[Piece]:
    """Return the pieces of a root; none if the value can't be one."""
    length = root.size
    if length < 2 or not is_flat(root, length):
        return []
    if isinstance(root.op, Reshape):
        (own,) = root.inputs
        if root.shape[-1] != length:  # one number for each row is no flat buffer
            return []
        return [] if is_flat(own, length) or own.op is None else [Piece(0, length, root, own)]
    if not isinstance(root.op, Concatenate) or root.shape[root.op.axis] != length:
        return []
    pieces, start = [], 0
    for operand in root.inputs:
        own = operand.inputs[0] if isinstance(operand.op, Reshape) else operand
        pieces.append(Piece(start, start + operand.size, operand, own))
        start += operand.size
    return pieces


def by_entry(value: Value, length: int) -> bool:
    """Tell whether each entry of a flat value depends on the entries at its place, and numbers."""
    op = value.op
    if op is None or not is_flat(value, length):
        return False
    if isinstance(op, Reshape):
        return is_flat(value.inputs[0], length)
    return op.elementwise and all(
        operand.size == 1 or is_flat(operand, length) for operand in value.inputs
    )


def grow(root: Value, pieces: list[Piece], users: Users, regions: dict[Value, Region]) -> Region:
    """Return the region of a root: all that follows from it entry by entry."""
    region = Region(root, pieces)
    waiting = [root]
    while waiting:
        for user in users[waiting.pop()]:
            if user in region.values or user in regions or not by_entry(user, root.size):
                continue
            region.values.add(user)
            waiting.append(user)
    return region


def pays(region: Region, users: Users) -> bool:
    """Tell whether taking a region apart is worth it: nobody wants any of it as a whole."""
    if not any(value.op is not None and value.op.elementwise for value in region.values):
        return False
    if len(region.values) * len(region.pieces) > MOST_NEW_VALUES:
        return False
    for value in [region.root, *region.values]:
        for user in users[value]:
            if user in region.values or isinstance(user.op, Concatenate):
                continue
            if not isinstance(user.op, Slice):
                return False
            axis = value.shape.index(value.size)
            if not region.holds(user.op.starts[axis], user.op.stops[axis]):
                return False
    return True


class Parts:
    """Writes the values of a region piece by piece.

    `members`: the region, and what is computed entry by entry only for it, such as a share of the
    parameters that is added to all gradients.
    """

    def __init__(
        self, here: Rewriting, region: Region, regions: dict[Value, Region], users: Users
    ) -> None:
        self.here = here
        self.region = region
        self.regions = regions
        outputs = set(here.graph.outputs.values())
        length = region.root.size
        self.order: dict[Value, int] = {}
        self.members = set(region.values)
        for number, value in reversed(list(enumerate(here.graph.values))):
            self.order[value] = number
            if value is region.root or value in outputs or value in regions:
                continue
            if not by_entry(value, length):
                continue
            if all(user in self.members for user in users[value]):
                self.members.add(value)
        self._parts: dict[tuple[Value, Piece], Value] = {}
        self._done: set[Value] = set()

    def joined(self, value: Value) -> Value:
        """Return the flat value as a join of its pieces."""
        here = self.here
        needed = self._still_needed(value)
        for piece in self.region.pieces:
            for member in needed:
                here.at(member)
                self._parts[member, piece] = self._write(member, piece)
        here.at(value)
        flat = [
            here.reshape(self._parts[value, piece], (piece.stop - piece.start,))
            for piece in self.region.pieces
        ]
        joined = here.make(Concatenate(0), *flat) if len(flat) > 1 else flat[0]
        return here.reshape(joined, value.shape)

    def _still_needed(self, value: Value) -> list[Value]:
        """Return the members that `value` needs and that are not written yet, in order."""
        needed: list[Value] = []
        waiting = [value]
        while waiting:
            member = waiting.pop()
            if member in self.members and member not in self._done:
                self._done.add(member)
                needed.append(member)
                waiting += member.inputs
        return sorted(needed, key=self.order.__getitem__)

    def _write(self, value: Value, piece: Piece) -> Value:
        inputs = [self._part(operand, piece) for operand in value.inputs]
        if isinstance(value.op, Reshape):
            return inputs[0]
        assert value.op is not None
        name = f"{value.name}_{piece.name}" if value.name else None
        type_ = Type(piece.own.shape, value.dtype)
        return self.here.make(value.op, *inputs, name=name, type_=type_)

    def _part(self, value: Value, piece: Piece) -> Value:
        """Return the entries of any long value that belong to a piece; numbers as they are."""
        here = self.here
        if value in self.members:
            return self._parts[value, piece]
        if value is self.region.root:
            if piece.own in self.regions:  # taken apart itself: there is no such value any more
                return here.reshape(here.now(piece.flat), piece.own.shape)
            return here.now(piece.own)
        if value.size == 1:
            return here.reshape(here.now(value), ())
        key = value, piece
        if key not in self._parts:
            flat = here.reshape(here.now(value), (value.size,))
            part = here.make(Slice((piece.start,), (piece.stop,), (1,)), flat)
            self._parts[key] = here.reshape(part, piece.own.shape)
        return self._parts[key]


@split_flat.example
def _() -> Graph:
    w, s = make_input("w", (10,)), make_input("s", (2, 10))
    a, b = make_input("a", (2, 3)), make_input("b", (4,))
    gradient = concatenate([reshape(a * 2.0, (6,)), b], 0)
    speed = reshape(s[1:2], (10,)) * 0.9 + gradient + w * 0.1
    state = concatenate([s[:1], reshape(speed, (1, 10))], 0)
    return Graph({"w": w - speed * make_input("rate", ()), "s": state})


@split_flat.example
def _() -> Graph:
    a, w = make_input("a", (2, 3)), make_input("w", (6,))
    return Graph(w - reshape(sqrt(a), (6,)) * 0.1)
