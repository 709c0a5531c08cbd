"""Rows of the data brought together: row i of the batch is row index[i] of the data."""

from __future__ import annotations

from misstep.compiler.codegen.kernels.emission import LANES, Emission
from misstep.compiler.language.code import LLVM_TYPES, Number
from misstep.compiler.language.elements import times
from misstep.compiler.schedule.kernel import Kernel


def write_gather(emission: Emission, kernel: Kernel, data: Number, index: Number) -> None:
    """Write the copying of this thread's rows.

    `data`: address of all rows, one after the other; `index`: address of this batch's row numbers,
    int64.
    """
    code = emission.code
    ((value, view),) = kernel.results
    llvm_type = LLVM_TYPES[value.dtype]
    row = value.size // max(value.shape[0], 1)
    low, high = emission.bounds(kernel.rows)
    with code.loop(low, high, hint="row") as loop:
        chosen = code.load(code.address(index, loop.index, "i64"), "i64")
        start = times(code, chosen, row)
        to = times(code, loop.index, row)
        target = code.address(emission.addresses(view), to, llvm_type)
        source = code.address(data, start, llvm_type)

        def along(first: Number, mask: Number | None, values: list[Number]) -> list[Number]:
            if row == 1:
                code.store(code.load(source, llvm_type), target)
                return values
            entry = code.load(code.address(source, first, llvm_type), llvm_type, LANES, mask)
            code.store(entry, code.address(target, first, llvm_type), mask)
            return values

        emission.lanes_in(row, 1 if row == 1 else LANES, [], along)


__all__ = ["write_gather"]
