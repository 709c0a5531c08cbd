"""Rows of the data brought together: row i of the batch is row index[i] of the data."""

from __future__ import annotations

from misstep.compiler.codegen.kernels.emission import LANES, Emission
from misstep.compiler.language.code import KIND_OF_DTYPE, Number
from misstep.compiler.language.elements import times
from misstep.compiler.schedule.kernel import Kernel


def write_gather(emission: Emission, kernel: Kernel, data: Number, index: Number) -> None:
    """Write the copying of this thread's rows.

    `data`: address of all rows, one after the other; `index`: address of this batch's row numbers,
    int64.
    """
    code = emission.code
    ((value, view),) = kernel.results
    kind = KIND_OF_DTYPE[value.dtype]
    row = value.size // max(value.shape[0], 1)
    low, high = emission.bounds(kernel.rows)
    with code.loop(low, high, hint="row") as loop:
        chosen = code.load(code.address(index, loop.index, "i64"), "i64")
        start = times(code, chosen, row)
        to = times(code, loop.index, row)
        target = code.address(emission.addresses(view), to, kind)
        source = code.address(data, start, kind)

        def along(first: Number, mask: Number | None, values: list[Number]) -> list[Number]:
            if row == 1:
                code.store(code.load(source, kind), target)
                return values
            entry = code.load(code.address(source, first, kind), kind, LANES, mask)
            code.store(entry, code.address(target, first, kind), mask)
            return values

        emission.lanes_in(row, 1 if row == 1 else LANES, [], along)


__all__ = ["write_gather"]
