"""Kernels without an anchor: every entry is worked out for itself.

Where all that is read lies in the same order as what is written, entries are simply counted;
otherwise there is a loop for each axis, the last one in lanes.
"""

from __future__ import annotations

from misstep.compiler.codegen.kernels.emission import LANES, Emission
from misstep.compiler.language.code import Number
from misstep.compiler.language.elements import Position, Positions
from misstep.compiler.schedule.kernel import Kernel
from misstep.ir import Value


def write_entries(emission: Emission, kernel: Kernel) -> None:
    """Write the loops of a kernel without an anchor."""
    code = emission.code
    if not kernel.shape:
        low, high = emission.bounds(1)
        with code.when(code.less(low, high)):
            emission.results(kernel, ())
        return
    row = 1
    for length in kernel.shape[1:]:
        row *= length
    if row and is_flat(emission, kernel):
        low, high = emission.bounds(kernel.rows)
        lanes = _lanes(emission, kernel, row)

        def counted(first: Number, mask: Number | None) -> None:
            emission.results(
                kernel, (Position(first, True),), lanes, mask, flat=True, aligned=lanes > LANES
            )

        start, stop = (code.multiply(row_number, code.index(row)) for row_number in (low, high))
        emission.lanes_over(start, stop, lanes, counted)
        return
    write_axes(emission, kernel, 0, ())


def write_axes(emission: Emission, kernel: Kernel, axis: int, outer: Positions) -> None:
    """Write the loops over the axes from `axis` on."""
    code = emission.code
    if axis == 0:
        low, high = emission.bounds(kernel.rows)
        if len(kernel.shape) == 1:

            def counted(first: Number, mask: Number | None) -> None:
                emission.results(kernel, (Position(first, True),), LANES, mask)

            emission.lanes_over(low, high, LANES, counted)
            return
        with code.loop(low, high, hint="row") as loop:
            write_axes(emission, kernel, 1, (Position(loop.index),))
        return
    if axis + 1 < len(kernel.shape):
        with code.loop(0, kernel.shape[axis], hint="axis") as loop:
            write_axes(emission, kernel, axis + 1, (*outer, Position(loop.index)))
        return

    def along(first: Number, mask: Number | None, values: list[Number]) -> list[Number]:
        emission.results(kernel, (*outer, Position(first, True)), LANES, mask)
        return values

    emission.lanes_in(kernel.shape[axis], LANES, [], along)


def _lanes(emission: Emission, kernel: Kernel, row: int) -> int:
    """Return how many entries to work out side by side, in rows of `row` entries.

    Some ops have a size of block of which each entry costs little once one is worked out.
    """
    sizes = {LANES}
    storage = emission.fused.storage
    seen: set[Value] = set()
    waiting = [value for value, view in kernel.results if storage.get(value) in (None, view)]
    while waiting:
        value = waiting.pop()
        if value.op is None or value in seen or emission.scalar(value) is not None:
            continue
        seen.add(value)
        sizes.add(value.op.block)
        waiting += [operand for operand in value.inputs if operand not in storage]
    widest = max(sizes)
    return widest if row % widest == 0 else LANES


def is_flat(emission: Emission, kernel: Kernel) -> bool:
    """Tell whether entries may be counted in row-major order, whatever their axes."""
    storage = emission.fused.storage
    if not all(view.is_contiguous for _, view in kernel.results):
        return False
    own = {value for value, view in kernel.results if storage.get(value) == view}
    seen: set[Value] = set()
    waiting = [value for value, _ in kernel.results]
    while waiting:
        value = waiting.pop()
        if value in seen or emission.scalar(value) is not None:
            continue
        seen.add(value)
        if value.shape != kernel.shape:
            return False
        if value in storage and (value not in own or value.op is None):
            if not storage[value].is_contiguous:
                return False
            continue
        if value.op is None or not (value.op.elementwise or value.op.by_number):
            return False
        waiting += value.inputs
    return True
