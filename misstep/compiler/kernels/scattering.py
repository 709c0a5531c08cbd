"""Updates added to the rows of a result that positions name.

Every thread looks at all positions and adds what falls into its own rows, in the order of the
updates. So no two threads touch one row, and the order of every sum follows from the positions.
"""

from __future__ import annotations

from collections.abc import Callable

from misstep.compiler.code import Number
from misstep.compiler.elements import Position, Positions
from misstep.compiler.fuse import Kernel
from misstep.compiler.kernels.emission import LANES, Emission
from misstep.ops.arithmetic import Add
from misstep.ops.elementwise import has_sign

Body = Callable[[Positions, int, Number | None], None]


def write_scatter(emission: Emission, kernel: Kernel) -> None:
    """Write the loops of a scatter-add: the rows as they were, then all updates."""
    code, core = emission.code, kernel.core
    assert core is not None
    base, positions, updates = core.inputs
    ((_, view),) = kernel.results
    low, high = emission.bounds(kernel.rows)
    rest = core.shape[1:]

    def copy(here: Positions, lanes: int, mask: Number | None) -> None:
        elements = emission.elements(lanes, mask)
        elements.store(elements.read(base, here), view, here)

    with code.loop(low, high, hint="row") as loop:
        _over(emission, rest, (Position(loop.index),), copy)

    def update(which: Positions, _: int, __: Number | None) -> None:
        found = emission.elements().read(positions, which)
        row = code.convert(found, "i64", signed=has_sign(positions.type))
        own = code.and_(code.less_equal(low, row), code.less(row, high))

        def add(here: Positions, lanes: int, mask: Number | None) -> None:
            elements = emission.elements(lanes, mask)
            more = elements.read(updates, (*which, *here[1:]))
            before = elements.load(view, here, core.dtype)
            lanes = max(more.lanes, before.lanes)
            both = code.splat(before, lanes), code.splat(more, lanes)
            elements.store(Add().lower(code, [core.type] * 2, *both), view, here)

        with code.when(own, hint="own"):
            _over(emission, rest, (Position(row),), add)

    if core.size and updates.size:
        _over(emission, positions.shape, (), update, lanes=0)


def _over(
    emission: Emission, shape: tuple[int, ...], outer: Positions, body: Body, lanes: int = LANES
) -> None:
    """Write a loop for each axis of `shape`; the last one in lanes, if there shall be any."""
    code = emission.code
    if not shape:
        body(outer, 0, None)
        return
    if len(shape) == 1 and lanes:

        def along(first: Number, mask: Number | None, values: list[Number]) -> list[Number]:
            body((*outer, Position(first, True)), lanes, mask)
            return values

        emission.lanes_in(shape[0], lanes, [], along)
        return
    with code.loop(0, shape[0], hint="axis") as loop:
        _over(emission, shape[1:], (*outer, Position(loop.index)), body, lanes)


__all__ = ["write_scatter"]
