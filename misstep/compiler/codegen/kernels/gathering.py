"""Rows of the data brought together: row i of the batch is row index[i] of the data."""

from __future__ import annotations

from misstep.compiler.codegen.kernels.emission import LANES, Emission
from misstep.compiler.language.code import LLVM_TYPES, Number
from misstep.compiler.language.elements import times
from misstep.compiler.schedule.kernel import Kernel

# What numbers that rows may be stored as are to LLVM.
STORED_TYPES = {"uint8": "i8", "uint16": "i16", "float32": "float"}


def write_gather(
    emission: Emission,
    kernel: Kernel,
    data: Number,
    index: Number,
    stored: tuple[str, Number] | None = None,
) -> None:
    """Write the copying of this thread's rows.

    `data`: address of all rows, one after the other; `index`: address of this batch's row numbers,
    int64. `stored`: the type of numbers that they are, and the address of what they become
    floats by (`Roles.stored`); None: they are copied as they are.
    """
    code = emission.code
    ((value, view),) = kernel.results
    llvm_type = LLVM_TYPES[value.dtype]
    row = value.size // max(value.shape[0], 1)
    in_memory = llvm_type if stored is None else stored[0]
    scale = [] if stored is None else _scale(emission, stored[1], llvm_type)
    low, high = emission.bounds(kernel.rows)
    with code.loop(low, high, hint="row") as loop:
        chosen = code.load(code.address(index, loop.index, "i64"), "i64")
        start = times(code, chosen, row)
        to = times(code, loop.index, row)
        target = code.address(emission.addresses(view), to, llvm_type)
        source = code.address(data, start, in_memory)

        def float_of(number: Number) -> Number:
            return number if stored is None else _scaled(emission, number, scale)

        def along(first: Number, mask: Number | None, values: list[Number]) -> list[Number]:
            if row == 1:
                code.store(float_of(code.load(source, in_memory)), target)
                return values
            entry = code.load(code.address(source, first, in_memory), in_memory, LANES, mask)
            code.store(float_of(entry), code.address(target, first, llvm_type), mask)
            return values

        emission.lanes_in(row, 1 if row == 1 else LANES, [], along)


def _scale(emission: Emission, address: Number, llvm_type: str) -> list[Number]:
    """Return low, span, smallest and largest."""
    code = emission.code
    return [
        code.load(code.address(address, code.index(at), llvm_type), llvm_type) for at in range(4)
    ]


def _scaled(emission: Emission, number: Number, scale: list[Number]) -> Number:
    """Return a stored number as a float of a scale: the very operations of NumPy, in order."""
    code = emission.code
    low, span, smallest, largest = (code.splat(each, number.lanes) for each in scale)
    wide = number
    if not number.is_float:
        # Through a type with room for all of them, which has a sign as the instructions want it.
        wide = code.convert(code.convert(number, "i32", signed=False), low.llvm_type)
    share = code.divide(code.subtract(wide, low), span)
    share = code.select(code.less(share, smallest), smallest, share)
    return code.select(code.less(largest, share), largest, share)


__all__ = ["STORED_TYPES", "write_gather"]
