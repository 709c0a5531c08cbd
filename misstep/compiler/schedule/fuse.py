"""Which values are stored, and which kernel computes each: from a graph to a list of kernels.

A kernel is one nest of loops over the entries of a shape. Its anchor op, if it has one, takes
loops of its own (a matrix product, a sum along axes); all that is computed entry by entry from it
is worked out while its result is still in a register. Everything else entry by entry is worked out
where it is needed, again if that is cheaper than memory. Knows the contract of ops and the few that
need loops; knows no processor and no threads. `partition.py` puts the kernels in order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from misstep.compiler.language.elements import Positions
from misstep.compiler.language.views import Buffer, View
from misstep.compiler.passes.long_sums import MOST_AT_ONCE
from misstep.compiler.schedule.arguments import Arguments
from misstep.compiler.schedule.kernel import FusedGraph, Kernel, kernel_reads, kernels_of_scalar
from misstep.compiler.schedule.kernel_classes import kernel_class_of
from misstep.compiler.schedule.reads import Read, base_of, positions_of, reads_of
from misstep.errors import NotYetError
from misstep.ir import Graph, Value
from misstep.ops.pieces import Concatenate
from misstep.ops.shape import Reshape

# An entry that costs this much to work out, in units of one addition, is kept for a second use.
EXPENSIVE = 8
# One that costs this much is kept where it is spread over a larger shape, even if that is the only
# use. A quotient or a root, which normalization spreads over rows, costs less.
DEAR = 24
# What is worked out entry by entry is followed from a result back to what is stored, ten calls of
# Python or so for each op on the way; a value at the end of so long a chain is stored.
LONGEST_CHAIN = 48


def fuse(graph: Graph, arguments: Arguments, apart: Collection[Value] = ()) -> FusedGraph:
    """Return the kernels of `graph`.

    `arguments`: where inputs and outputs lie. `apart`: anchors whose kernels write nothing but the
    arena. Raises NotYetError for ops that can't be compiled.
    """
    return _Fusion(graph, arguments, apart).run()


def shared_anchors(fused: FusedGraph) -> set[Value]:
    """Return the anchors of kernels that write both what other kernels read and what goes outward.

    Where one of the readers needs a state as it was, and the kernel changes it, there is no order
    for the two; kept apart, there is.
    """
    return {
        kernel.anchor
        for kernel in fused.kernels
        if kernel.anchor is not None and len({to.buffer.external for _, to in kernel.results}) == 2
    }


class _Fusion:
    def __init__(self, graph: Graph, arguments: Arguments, apart: Collection[Value]) -> None:
        inputs, gathered = arguments.inputs, arguments.gathered
        self.graph = graph
        self.apart = apart
        self.outputs = arguments.outputs
        self.deferred = arguments.deferred
        self.storage: dict[Value, View] = {**inputs, **gathered}
        self.kernels: list[Kernel] = []
        self.makers: dict[Value, set[Kernel]] = {}
        self.scalars = scalar_values(graph, set(inputs))
        self.operands: set[Value] = set()
        self.shown: set[Value] = set()
        self.chain_ends: set[Value] = set()
        self.stored = self._stored()
        self.pieces: dict[Value, list[tuple[Value, View]]] = defaultdict(list)
        self.copies: list[tuple[Value, View]] = []
        self.scalar_outputs: list[tuple[Value, View]] = []
        for value, view in gathered.items():
            kernel = Kernel(value.shape, len(self.kernels), results=[(value, view)], gathered=value)
            self.kernels.append(kernel)
            self.makers[value] = {kernel}

    def run(self) -> FusedGraph:
        self._place_outputs()
        # Joins first, the outer ones before the inner ones: their pieces are made in their places.
        joins = [
            value
            for value in self.graph.values
            if value.op is not None and value.op.kernel == "join"
        ]
        for value in [*reversed(joins), *self.graph.values]:
            self._place(value)
        for value in self.graph.values:
            if value.op is not None:
                self._compute(value)
        for value, view in self.copies:
            self._attach(value, view)
        for name, view in self.deferred.items():
            value = self.graph.outputs[name]
            if value.size and value not in self.scalars:
                self._new(value.shape, None).results.append((self._beside_state(name), view))
        self._drop_unread()
        return FusedGraph(
            self.graph, self.kernels, self.storage, self.scalars, self.makers, self.scalar_outputs
        )

    def _beside_state(self, name: str) -> Value:
        """Return what shows the new numbers of a state that could not take the old ones' place."""
        value, view = self.graph.outputs[name], self.outputs[name]
        if self.storage.get(value) == view:
            return value
        copy = Value(value.type, name=name)
        self.storage[copy] = view
        self.makers[copy] = {
            kernel
            for kernel in self.kernels
            if any(to.buffer is view.buffer for _, to in kernel.results)
        }
        return copy

    # --- what is stored -----------------------------------------------------------------------

    def _stored(self) -> set[Value]:
        """Return the values that need memory of their own, leaves left out."""
        stored: set[Value] = set()
        chained: set[Value] = set()
        uses: dict[Value, int] = defaultdict(int)
        for value in self.graph.values:
            for operand in dict.fromkeys(value.inputs):
                uses[operand] += 1
        cost: dict[Value, float] = {}
        length: dict[Value, int] = {}  # of the chain of ops from what is certainly stored
        outputs = set(self.graph.outputs.values())
        picked, spread = read_often(self.graph)
        for value in self.graph.values:
            op = value.op
            cost[value] = 0
            if op is None or value in self.scalars:
                continue
            kernel_class = kernel_class_of(value)
            if kernel_class is not None and kernel_class.in_memory:
                for operand in value.inputs:
                    stored |= self._memory_for(operand)
                chained.add(value)
            if op.kernel or not op.by_entry:
                stored.add(value)
                continue
            # What is kept for a second use is dropped again where its own kernel has both.
            length[value] = 1 + max((length.get(operand, 0) for operand in value.inputs), default=0)
            if length[value] >= LONGEST_CHAIN and not op.moves:
                length[value] = 0
                self.chain_ends.add(value)
                stored.add(value)
                continue
            # What is worked out from a product and wanted several times is kept, not the product.
            if op.elementwise and any(
                operand in chained and uses[operand] == 1 and operand.shape == value.shape
                for operand in value.inputs
            ):
                chained.add(value)
                if uses[value] > 1:
                    stored.add(value)
                    continue
            worked = sum(cost[operand] for operand in value.inputs if operand not in stored)
            cost[value] = worked + (0 if op.moves else op.cost)
            dear = cost[value] >= EXPENSIVE and uses[value] > 1 and not op.moves
            # Entries found by position are found anew by each that picks from them.
            worth_keeping = cost[value] >= EXPENSIVE or not op.elementwise
            dear = dear or (value in picked and worth_keeping and not op.moves)
            dear = dear or (value in spread and cost[value] >= DEAR)
            if dear or (value in outputs and not op.moves):
                stored.add(value)
        return stored

    def _memory_for(self, value: Value) -> set[Value]:
        """Return what must be stored so that `value` can be seen in memory."""
        base = value
        while base.op is not None and base.op.moves:
            self.shown.add(base)
            base = base.inputs[0]
        if base.op is None and (base in self.storage or not base.is_literal):
            return set()
        self.operands.add(base)
        return {base}

    # --- where it lies ------------------------------------------------------------------------

    def _place_outputs(self) -> None:
        for name, view in self.outputs.items():
            value = self.graph.outputs[name]
            if value in self.scalars:
                self.scalar_outputs.append((value, self.deferred.get(name, view)))
            elif not self._claim(value, view):
                self.copies.append((value, view))

    def _claim(self, value: Value, view: View) -> bool:
        """Let `value` lie at `view` from the start, if nothing else was said about it."""
        if value.op is None or value in self.scalars or value in self.storage:
            return False
        if isinstance(value.op, Reshape):
            back = view.reshape(value.inputs[0].shape)
            return back is not None and self._claim(value.inputs[0], back)
        if value.op.moves:
            return False
        self.storage[value] = view
        self.stored.add(value)
        if value.op.kernel == "join":
            self._place_pieces(value, view)
        return True

    def _place_pieces(self, value: Value, view: View) -> None:
        assert isinstance(value.op, Concatenate)
        axis, start = value.op.axis % value.ndim, 0
        for piece in value.inputs:
            starts = [0] * value.ndim
            starts[axis] = start
            part = view.slice(tuple(starts), piece.shape, (1,) * value.ndim)
            start += piece.shape[axis]
            if piece.size:
                self._claim(piece, part)
                self.pieces[value].append((piece, part))

    def _place(self, value: Value) -> None:
        if value in self.storage or value.op is None:
            return
        if value.op.moves and value.inputs[0] in self.storage:
            view = value.op.view(self.storage[value.inputs[0]])
            if view is not None:
                self.storage[value] = view
                return
            if value in self.shown:  # it must be in memory, and that of its input can't show it
                self.stored.add(value)
        if value in self.stored and (value not in self.scalars or value in self.operands):
            name = value.name or value.op.name
            whole = _whole(Buffer(name, value.dtype, value.size), value)
            self.storage[value] = whole
            if value.op.kernel == "join":
                self._place_pieces(value, whole)

    # --- who computes it ----------------------------------------------------------------------

    def _compute(self, value: Value) -> None:
        op = value.op
        assert op is not None
        if op.kernel == "join":
            self._join(value)
        elif op.kernel:
            self._new(value.shape, value).scalar = value in self.scalars
        elif not op.by_entry:
            raise NotYetError(f"compiling {op.name}", needed="an op that the compiler knows")
        elif value.size and value in self.stored - (self.scalars - self.operands):
            self._attach(value, self.storage[value])

    def _join(self, value: Value) -> None:
        makers: set[Kernel] = set()
        for piece, part in self.pieces[value]:
            lies_there = self.storage.get(piece)
            if lies_there is not None and lies_there == part and piece in self.makers:
                makers |= self.makers[piece]
            elif lies_there is not None and lies_there == part:
                # A part of a state that stays as it is lies there already, and nobody makes it.
                makers |= self.makers.get(base_of(piece, self.storage), set())
            else:
                makers.add(self._attach(piece, part))
        self.makers[value] = makers

    def _new(self, shape: tuple[int, ...], anchor: Value | None) -> Kernel:
        kernel = Kernel(shape, len(self.kernels), anchor)
        self.kernels.append(kernel)
        if anchor is not None:
            self.makers[anchor] = {kernel}
            if anchor in self.storage:
                kernel.results.append((anchor, self.storage[anchor]))
        return kernel

    def _attach(self, value: Value, view: View) -> Kernel:
        """Let the entry-by-entry `value` be worked out and stored by a kernel that can."""
        own = self.storage.get(value) == view
        here = positions_of(value.shape)
        reads = reads_of(value, here, self.storage, self.scalars, {value} if own else set())
        last: Kernel | None = None
        for read in reads:
            for maker in self._makers_of(read):
                if last is None or maker.number > last.number:
                    last = maker
        kernel = last if last is not None and self._takes(last, value, here, reads) else None
        if kernel is not None and view.buffer.external and kernel.anchor in self.apart:
            kernel = None
        if kernel is None:
            kernel = self._beside(value, view, last)
        if kernel is None:
            kernel = self._new(value.shape, None)
        kernel.results.append((value, view))
        if own:
            self.makers[value] = {kernel}
        return kernel

    def _makers_of(self, read: Read) -> set[Kernel]:
        makers = set(self.makers.get(read.base, ()))
        for scalar in read.scalars:
            makers |= kernels_of_scalar(scalar, self.makers, self.scalars)
        return makers

    def _takes(self, kernel: Kernel, value: Value, here: Positions, reads: list[Read]) -> bool:
        """Tell whether `kernel` has all entries that `value` needs of its results in registers."""
        if kernel.shape != value.shape or kernel.scalar or kernel.gathered is not None:
            return False
        kernel_class = kernel_class_of(kernel.anchor)
        if kernel_class is not None and not kernel_class.ends_entries:
            return False
        own = {result for result, _ in kernel.results} | {kernel.anchor}
        return all(
            kernel not in self._makers_of(read)
            or (read.value in own and read.positions == here and not read.scalars)
            for read in reads
        )

    def _beside(self, value: Value, view: View, last: Kernel | None) -> Kernel | None:
        """Return a kernel over the same entries that comes late enough, if there is one."""
        for kernel in reversed(self.kernels):
            if last is not None and kernel.number <= last.number:
                return None
            alone = (
                kernel.anchor is None and kernel.gathered is None and kernel.shape == value.shape
            )
            # What changes a state may have to wait longer than what is read further on.
            outward = {to.buffer.external for _, to in kernel.results}
            if alone and outward == {view.buffer.external}:
                return kernel
        return None

    def _drop_unread(self) -> None:
        """Leave away the stores of what nobody reads outside of its own kernel."""
        bases_read = {
            read.base
            for kernel in self.kernels
            for read in kernel_reads(kernel, self.storage, self.scalars)
        }
        joined = {
            base_of(piece, self.storage) for pieces in self.pieces.values() for piece, _ in pieces
        }
        for kernel in self.kernels:
            if kernel.scalar or kernel.gathered is not None:
                continue
            kept = []
            for value, view in kernel.results:
                copied = self.storage.get(value) != view  # which somebody asked for
                needed = value in bases_read or value in joined or value in self.chain_ends
                if copied or view.buffer.external or needed:
                    kept.append((value, view))
            kept = kept or kernel.results[:1]
            for value, _ in kernel.results:
                if value is not kernel.anchor and all(
                    value is not kept_value for kept_value, _ in kept
                ):
                    # From now on worked out, where it is needed, from what its kernel has at hand.
                    del self.storage[value], self.makers[value]
            kernel.results = kept


def read_often(graph: Graph) -> tuple[set[Value], set[Value]]:
    """Return the values of which a single use may read an entry several times.

    First those that an op picks from by position (gather), then those spread over a larger shape.
    """
    picked: set[Value] = set()
    spread: set[Value] = set()
    for value in graph.values:
        op = value.op
        if op is None or op.kernel:
            continue
        for operand in value.inputs:
            if not op.moves and not op.elementwise:
                picked.add(_behind_moves(operand))
            elif value.size > operand.size:
                spread.add(_behind_moves(operand))
    return picked, spread


def _behind_moves(value: Value) -> Value:
    while value.op is not None and value.op.moves:
        value = value.inputs[0]
    return value


def _whole(buffer: Buffer, value: Value) -> View:
    """Return where a value lies that has a buffer for itself."""
    kernel_class = kernel_class_of(value)
    if kernel_class is None or kernel_class.order is None:
        return View.whole(buffer, value.shape)
    lengths = tuple(value.shape[axis] for axis in kernel_class.order)
    back = tuple(kernel_class.order.index(axis) for axis in range(value.ndim))
    return View.whole(buffer, lengths).transpose(back)


def scalar_values(graph: Graph, stored: set[Value]) -> set[Value]:
    """Return the values that are one number and need no memory of their own."""
    scalars: set[Value] = set()
    for value in graph.values:
        op = value.op
        if value.size != 1:
            continue
        if op is None:
            if value.is_literal or value in stored:
                scalars.add(value)
        elif op.elementwise or op.moves:
            leaf = op.moves and value.inputs[0].op is None and value.inputs[0] in stored
            if leaf or all(operand in scalars for operand in value.inputs):
                scalars.add(value)
        elif op.kernel == "reduction" and value.inputs[0].size <= MOST_AT_ONCE:
            scalars.add(value)
    return scalars
