"""Updates added to the rows of a result that positions name.

Every thread looks at all positions and notes down, for each of its own rows, which updates fall
into it. Then it goes through its rows once, adds up what falls into each in the order of the
updates, and works out all that follows from the sum while it is in registers: an optimizer's step
needs no table of gradients. So no two threads touch one row, and the order of every sum follows
from the positions. Where rows without updates stay as they are (plain gradient descent), only the
others are touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from misstep.compiler.codegen.kernels.emission import LANES, Emission
from misstep.compiler.language.code import BYTES, Number
from misstep.compiler.language.elements import Position, Positions, is_uniform_literal
from misstep.compiler.language.views import row_major
from misstep.compiler.schedule.kernel import FusedGraph, Kernel
from misstep.ir import Value
from misstep.ops.arithmetic import Add, Divide, Multiply, Negative, Subtract
from misstep.ops.elementwise import has_sign
from misstep.ops.shape import BroadcastTo, Reshape

Body = Callable[[Positions, int, Number | None], None]

# Numbers of updates: for each row the first that falls into it, for each update the next one.
LIST_TYPE = "i32"
NONE = -1
# Entries of a row worked out side by side.
WIDE = 64


def write_scatter(emission: Emission, kernel: Kernel) -> None:
    """Write the loops of a scatter-add and of what follows from its entries."""
    code, anchor = emission.code, kernel.anchor
    assert anchor is not None
    base, positions, updates = anchor.inputs
    if not anchor.size:
        return
    low, high = emission.bounds(kernel.rows)
    lists = _Lists(emission, anchor.shape[0], positions)
    if updates.size:
        lists.write(low, high)
    add = Add()

    def entries(row: Number, first: Number | None) -> None:
        def entry(here: Positions, lanes: int, mask: Number | None) -> None:
            start = code.splat(emission.elements(lanes, mask).read(base, here), lanes)

            def step(which: Positions, so_far: Number) -> Number:
                more = emission.elements(lanes, mask).read(updates, (*which, *here[1:]))
                both = code.splat(so_far, lanes), code.splat(more, lanes)
                joined: Number = add.lower(code, [anchor.type] * 2, *both)
                return joined

            total = start if first is None else lists.follow(first, start, step)
            emission.results(kernel, here, lanes, mask, total)

        _over(emission, anchor.shape[1:], (Position(row),), entry)

    with code.loop(low, high, hint="row") as loop:
        if not updates.size:
            entries(loop.index, None)
            return
        first = lists.first(loop.index)
        if rows_stay(kernel, emission.fused):
            with code.when(code.compare("ne", first, code.like(NONE, first)), hint="touched"):
                entries(loop.index, first)
        else:
            entries(loop.index, first)


class _Lists:
    """For each row, the updates that fall into it, in order; in scratch memory of the thread."""

    def __init__(self, emission: Emission, rows: int, positions: Value) -> None:
        code = emission.code
        self.emission = emission
        self.positions = positions
        self.heads = emission.scratch
        heads = -(-rows * BYTES[LIST_TYPE] // 64) * 64
        self.links = code.address(emission.scratch, code.index(heads), "i8")
        used = heads + positions.size * BYTES[LIST_TYPE]
        emission.scratch_bytes = max(emission.scratch_bytes, used)

    def write(self, low: Number, high: Number) -> None:
        """Write the noting down of the updates that fall into the rows from `low` up to `high`."""
        emission, code, count = self.emission, self.emission.code, self.positions.size

        def empty(first: Number, mask: Number | None) -> None:
            code.store(code.constant(NONE, LIST_TYPE, LANES), self._at(self.heads, first), mask)

        emission.lanes_over(low, high, LANES, empty)
        # The last update first: each goes before those that are there.
        with code.loop(0, count, hint="update") as loop:
            update = code.subtract(code.index(count - 1), loop.index)
            position = emission.elements().read(self.positions, self._which(update))
            row = code.convert(position, "i64", signed=has_sign(self.positions.type))
            own = code.and_(code.less_equal(low, row), code.less(row, high))
            with code.when(own, hint="own"):
                head = self._at(self.heads, row)
                code.store(code.load(head, LIST_TYPE), self._at(self.links, update))
                code.store(code.convert(update, LIST_TYPE), head)

    def first(self, row: Number) -> Number:
        """Return the number of the first update of a row, or NONE."""
        update: Number = self.emission.code.load(self._at(self.heads, row), LIST_TYPE)
        return update

    def follow(
        self, first: Number, start: Number, step: Callable[[Positions, Number], Number]
    ) -> Number:
        """Write a loop over the updates from `first` on, handing a running result on."""
        code = self.emission.code
        body, done, before = code.label("updates"), code.label("done"), code.block
        some = code.compare("ne", first, code.like(NONE, first))
        code.emit(f"br {some}, label %{body}, label %{done}")
        code.start_block(body)
        update, so_far = code.fresh(LIST_TYPE), code.fresh(start.llvm_type, start.lanes)
        phi_line = len(code.lines)
        code.lines += ["", ""]
        wide = code.convert(update, "i64")
        after = step(self._which(wide), so_far)
        following = code.load(self._at(self.links, wide), LIST_TYPE)
        again = code.compare("ne", following, code.like(NONE, following))
        end = code.block
        code.emit(f"br {again}, label %{body}, label %{done}")
        for at, phi, initial, last in (
            (phi_line, update, first, following),
            (phi_line + 1, so_far, start, after),
        ):
            code.lines[at] = (
                f"  {phi.text} = phi {phi.type} [ {initial.text}, %{before} ], "
                f"[ {last.text}, %{end} ]"
            )
        code.start_block(done)
        result: Number = code.result(
            f"phi {start.type} [ {start.text}, %{before} ], [ {after.text}, %{end} ]",
            start.llvm_type,
            start.lanes,
        )
        return result

    def _at(self, base: Number, number: Number) -> Number:
        where: Number = self.emission.code.address(base, number, LIST_TYPE)
        return where

    def _which(self, update: Number) -> Positions:
        """Return where an update is, by its number in row-major order."""
        code, shape = self.emission.code, self.positions.shape
        positions = []
        for axis, (length, step) in enumerate(zip(shape, row_major(shape), strict=True)):
            at = code.binary("udiv", update, code.index(step)) if step > 1 else update
            positions.append(Position(code.binary("urem", at, code.index(length)) if axis else at))
        return tuple(positions)


def rows_stay(kernel: Kernel, fused: FusedGraph) -> bool:
    """Tell whether a row without updates is what it was before, for every result of a kernel."""
    anchor = kernel.anchor
    assert anchor is not None
    base = anchor.inputs[0]
    while isinstance(base.op, BroadcastTo | Reshape):
        (base,) = base.inputs
    nothing = base.data
    if not is_uniform_literal(base) or nothing is None or nothing.reshape(-1)[0] != 0:
        return False

    def vanishes(value: Value) -> bool:
        """Tell whether a value is 0 where no update is."""
        if value is anchor:
            return True
        if isinstance(value.op, Multiply):
            a, b = value.inputs
            return (vanishes(a) and b.size == 1) or (vanishes(b) and a.size == 1)
        if isinstance(value.op, Divide):
            return vanishes(value.inputs[0]) and value.inputs[1].size == 1
        return isinstance(value.op, Negative) and vanishes(value.inputs[0])

    def before(value: Value) -> Value | None:
        """Return the old numbers of what changes by nothing where no update is."""
        if not isinstance(value.op, Add | Subtract):
            return None
        a, b = value.inputs
        if isinstance(value.op, Add) and vanishes(a):
            a, b = b, a
        return a if vanishes(b) else None

    for value, view in kernel.results:
        old = before(value)
        if old is None or fused.storage.get(old) != view:
            return False
    return True


def _over(emission: Emission, shape: Sequence[int], outer: Positions, body: Body) -> None:
    """Write a loop for each axis of `shape`, the last one in lanes."""
    code = emission.code
    if not shape:
        body(outer, 0, None)
        return
    if len(shape) == 1:
        lanes = WIDE if shape[0] >= WIDE else LANES

        def along(first: Number, mask: Number | None, values: list[Number]) -> list[Number]:
            body((*outer, Position(first, True)), lanes, mask)
            return values

        emission.lanes_in(shape[0], lanes, [], along)
        return
    with code.loop(0, shape[0], hint="axis") as loop:
        _over(emission, shape[1:], (*outer, Position(loop.index)), body)


__all__ = ["rows_stay", "write_scatter"]
