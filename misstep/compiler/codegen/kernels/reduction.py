"""Sums, products and largest entries along axes.

Along the last axis there are 16 partial results, one for each lane, folded as a tree at the end;
along others, entries are added one after the other. So the order of every sum follows from shapes.
"""

from __future__ import annotations

from typing import Any

from misstep.compiler.codegen.kernels.emission import LANES, Emission
from misstep.compiler.language.code import LLVM_TYPES, Number
from misstep.compiler.language.elements import Elements, Position, Positions
from misstep.compiler.schedule.kernel import Kernel
from misstep.ops.elementwise import has_sign
from misstep.ops.product import Product
from misstep.ops.reduction import Max, Reduction

# Columns summed side by side: enough additions in flight to hide how long one takes.
WIDE = 64


def write_reduction(emission: Emission, kernel: Kernel) -> None:
    """Write the loops of a reduction; a scalar is left in a register of every thread."""
    anchor = kernel.anchor
    assert anchor is not None
    op = anchor.op
    assert isinstance(op, Reduction)
    (operand,) = anchor.inputs
    dropped = sorted({axis % operand.ndim for axis in op.axes}) if operand.ndim else []
    kept = [axis for axis in range(operand.ndim) if axis not in dropped]
    if kernel.scalar:
        entry = emission.scalars[anchor] = _fold_all(emission, kernel, {}, dropped)
        if kernel.results:  # an operand of a matrix product too, which reads memory
            low, high = emission.bounds(1)
            with emission.code.when(emission.code.less(low, high)):
                zeros = (Position(emission.code.index(0)),) * anchor.ndim
                emission.results(kernel, zeros, anchor=entry)
        return
    # The result's axes, each with the input's axis it belongs to (None for one kept at length 1).
    if op.keep:
        belongs: list[int | None] = [
            None if axis in dropped else axis for axis in range(operand.ndim)
        ]
    else:
        belongs = list(kept)
    _write_outer(emission, kernel, belongs, dropped, [])


def _write_outer(
    emission: Emission,
    kernel: Kernel,
    belongs: list[int | None],
    dropped: list[int],
    outer: list[Position],
) -> None:
    """Write the loops over the result's axes, then the sum for each entry."""
    code, axis = emission.code, len(outer)
    anchor = kernel.anchor
    assert anchor is not None
    operand = anchor.inputs[0]
    last_kept = bool(belongs) and belongs[-1] is not None and operand.ndim - 1 not in dropped
    if axis == len(belongs) == 0:
        low, high = emission.bounds(1)
        with code.when(code.less(low, high)):
            emission.results(kernel, (), anchor=_fold_all(emission, kernel, {}, dropped))
        return
    if axis == len(belongs):
        entry = _fold_all(emission, kernel, _where(belongs, outer), dropped)
        emission.results(kernel, tuple(outer), anchor=entry)
        return
    if axis + 1 == len(belongs) and last_kept:
        length = kernel.shape[axis]
        wide = WIDE if length >= WIDE else WIDE // 2 if length >= WIDE // 2 else LANES

        def columns(first: Number, mask: Number | None) -> None:
            here = [*outer, Position(first, True)]
            entry = _fold_rows(emission, kernel, _where(belongs, here), dropped, wide, mask)
            emission.results(kernel, tuple(here), wide, mask, entry)

        if axis == 0:
            emission.lanes_over(*emission.bounds(length), wide, columns)
        else:

            def along(first: Number, mask: Number | None, values: list[Number]) -> list[Number]:
                columns(first, mask)
                return values

            emission.lanes_in(length, wide, [], along)
        return
    low, high = code.index(0), code.index(kernel.shape[axis])
    if axis == 0:
        low, high = emission.bounds(kernel.rows)
    with code.loop(low, high, hint="row") as loop:
        _write_outer(emission, kernel, belongs, dropped, [*outer, Position(loop.index)])


def _where(belongs: list[int | None], outer: list[Position]) -> dict[int, Position]:
    return {
        axis: position for axis, position in zip(belongs, outer, strict=True) if axis is not None
    }


def _full(emission: Emission, where: dict[int, Position], axes: int) -> Positions:
    zero = Position(emission.code.index(0))
    return tuple(where.get(axis, zero) for axis in range(axes))


def _fold_rows(
    emission: Emission,
    kernel: Kernel,
    where: dict[int, Position],
    dropped: list[int],
    lanes: int,
    mask: Number | None,
) -> Number:
    """Return sums down the columns: one entry after the other, in all lanes."""
    anchor = kernel.anchor
    assert anchor is not None
    operand = anchor.inputs[0]

    def step(here: dict[int, Position], so_far: Number) -> Number:
        elements = emission.elements(lanes, mask)
        entry = _entry(kernel, elements, _full(emission, here, operand.ndim))
        return _joined(emission, kernel, so_far, emission.code.splat(entry, lanes))

    return _loops(emission, operand.shape, dropped, where, _start(emission, kernel, lanes), step)


def _loops(
    emission: Emission,
    shape: tuple[int, ...],
    axes: list[int],
    where: dict[int, Position],
    so_far: Number,
    step: Any,
) -> Number:
    """Write nested loops over `axes`, handing a running result on."""
    if not axes:
        result: Number = step(where, so_far)
        return result
    with emission.code.loop(0, shape[axes[0]], 1, [so_far], hint="sum") as loop:
        inner = where | {axes[0]: Position(loop.index)}
        loop.next = [_loops(emission, shape, axes[1:], inner, loop.values[0], step)]
    return loop.results[0]


def _fold_all(
    emission: Emission, kernel: Kernel, where: dict[int, Position], dropped: list[int]
) -> Number:
    """Return the result of one entry, a scalar."""
    code, anchor = emission.code, kernel.anchor
    assert anchor is not None
    operand = anchor.inputs[0]
    if not dropped or dropped[-1] != operand.ndim - 1:
        return _scalar(emission, kernel, where, dropped)
    length = operand.shape[-1]
    if length == 1:
        return _scalar(emission, kernel, where, dropped)

    def row(here: dict[int, Position], so_far: Number) -> Number:
        def along(first: Number, mask: Number | None, values: list[Number]) -> list[Number]:
            elements = emission.elements(LANES, mask)
            positions = _full(
                emission, here | {operand.ndim - 1: Position(first, True)}, operand.ndim
            )
            entry = code.splat(_entry(kernel, elements, positions), LANES)
            if mask is not None:
                entry = code.select(mask, entry, _start(emission, kernel, LANES))
            return [_joined(emission, kernel, values[0], entry)]

        return emission.lanes_in(length, LANES, [so_far], along)[0]

    start = _start(emission, kernel, LANES)
    partial = _loops(emission, operand.shape, dropped[:-1], where, start, row)
    width = LANES
    while width > 1:
        width //= 2
        upper = code.shuffle(partial, partial, [width + lane for lane in range(width)])
        lower = code.shuffle(partial, partial, list(range(width)))
        partial = _joined(emission, kernel, lower, upper)
    folded: Number = code.lane(partial, 0)
    return folded


def _scalar(
    emission: Emission, kernel: Kernel, where: dict[int, Position], dropped: list[int]
) -> Number:
    anchor = kernel.anchor
    assert anchor is not None
    operand = anchor.inputs[0]

    def step(here: dict[int, Position], so_far: Number) -> Number:
        entry = _entry(kernel, emission.elements(), _full(emission, here, operand.ndim))
        return _joined(emission, kernel, so_far, entry)

    return _loops(emission, operand.shape, dropped, where, _start(emission, kernel, 0), step)


def _start(emission: Emission, kernel: Kernel, lanes: int) -> Number:
    anchor = kernel.anchor
    assert anchor is not None
    llvm_type = LLVM_TYPES[anchor.dtype]
    if not isinstance(anchor.op, Max):
        neutral = 1 if isinstance(anchor.op, Product) else 0
        start: Number = emission.code.constant(neutral, llvm_type, lanes)
        return start
    lowest = {"float": float("-inf"), "double": float("-inf"), "i64": -(2**63), "i32": -(2**31)}
    lowest_number: Number = emission.code.constant(
        0 if anchor.dtype == "uint32" else lowest.get(llvm_type, 0), llvm_type, lanes
    )
    return lowest_number


def _entry(kernel: Kernel, elements: Elements, positions: Positions) -> Number:
    """Return an entry of what is reduced, in the result's dtype (truths are counted)."""
    anchor = kernel.anchor
    assert anchor is not None
    (operand,) = anchor.inputs
    entry: Number = elements.code.cast(
        elements.read(operand, positions), operand.dtype, anchor.dtype
    )
    return entry


def _joined(emission: Emission, kernel: Kernel, so_far: Number, entry: Number) -> Number:
    code, anchor = emission.code, kernel.anchor
    assert anchor is not None
    if isinstance(anchor.op, Max):
        joined: Number = code.maximum(so_far, entry, signed=has_sign(anchor.type))
        return joined
    if isinstance(anchor.op, Product):
        return code.multiply(so_far, entry)
    return code.add(so_far, entry)


__all__ = ["write_reduction"]
