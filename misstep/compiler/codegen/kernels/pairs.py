"""Matrix products of bfloat16 pairs: one instruction for two multiply-adds, with the same bits.

`vdpbf16ps` goes on from a float32 sum by two multiply-adds, each rounded to float32, the odd entry
of a pair first. So pairs are packed the other way round, and its chain is the chain of float32
multiply-adds over operands rounded to bfloat16 (docs/decisions: bfloat16). Knows packed operands;
what is packed, and when, stands in `contraction.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from misstep.compiler.codegen.kernels.emission import Emission
from misstep.compiler.codegen.kernels.tiles import Operand, Tile
from misstep.compiler.language.code import Number
from misstep.compiler.language.elements import plus, times
from misstep.ir import Value
from misstep.ops.precision import RoundToBfloat16

# A last pair that is not full adds 0 · −0: a sum of either sign of zero keeps it.
PAD_LEFT, PAD_RIGHT = 0, 0x8000
_UPPER = -0x10000
_NAME = "llvm.x86.avx512bf16.dpbf16ps.512"
_TYPES = "<16 x float>, <32 x bfloat>, <32 x bfloat>"


def is_rounded(value: Value) -> bool:
    """Tell whether every entry is a bfloat16, rounded and then moved at most."""
    while value.op is not None and value.op.moves:
        value = value.inputs[0]
    return isinstance(value.op, RoundToBfloat16) and value.dtype == "float32"


def pair_up(emission: Emission, panel: Number, summed: int, width: int, pad: int) -> None:
    """Write that a packed operand becomes pairs, in its place.

    panel: `summed` rows of `width` float32 that are bfloat16; then (summed + 1) // 2 rows of
    `width` pairs, the first entry in the upper half. `pad`: the bits behind a last odd entry.
    """
    code = emission.code

    def upper(row: Number) -> Number:
        entries = code.load(code.address(panel, times(code, row, width), "i32"), "i32", width)
        return code.and_(entries, code.like(_UPPER, entries))

    if summed > 1:
        with code.loop(0, summed // 2, hint="pairs") as loop:
            twice = times(code, loop.index, 2)
            first, second = upper(twice), upper(code.add(twice, code.index(1)))
            lower = code.shift_right(second, code.like(16, second))
            to = code.address(panel, times(code, loop.index, width), "i32")
            code.store(code.or_(first, lower), to)
    if summed % 2:
        last = upper(code.index(summed - 1))
        to = code.address(panel, code.index(summed // 2 * width), "i32")
        code.store(code.or_(last, code.like(pad, last)), to)


def multiply_pairs(
    emission: Emission,
    left: Operand,
    right: Operand,
    height: int,
    tile: Tile,
    summed: int,
    ask: Callable[[Number], None] | None = None,
) -> list[Number]:
    """Return the sums of a tile over operands in pairs, row by row, in each its vectors.

    `ask`: as for `multiply_tile`.
    """
    code, lanes = emission.code, tile.lanes
    code.declarations.add(f"declare <16 x float> @{_NAME}({_TYPES})")
    zeros = [code.constant(0, "float", lanes)] * (height * tile.vectors)

    def as_pairs(entries: Number) -> Number:
        return code.result(f"bitcast {entries} to <{2 * lanes} x bfloat>", "bfloat", 2 * lanes)

    def step(at: Number, before: list[Number]) -> list[Number]:
        line = code.address(right.base, times(code, at, right.rows), "i32")
        vectors = [
            as_pairs(code.load(code.address(line, code.index(v * lanes), "i32"), "i32", lanes))
            for v in range(tile.vectors)
        ]
        column = code.address(left.base, times(code, at, left.columns), "i32")
        sums = []
        for row in range(height):
            entry = code.load(code.address(column, code.index(row * left.rows), "i32"), "i32")
            wide = as_pairs(code.splat(entry, lanes))
            for v, vector in enumerate(vectors):
                sum_ = before[row * tile.vectors + v]
                call = f"call <16 x float> @{_NAME}({sum_}, {wide}, {vector})"
                sums.append(code.result(call, "float", lanes))
        return sums

    pairs = (summed + 1) // 2
    part = pairs // height if ask is not None else 0
    sums = zeros
    if ask is not None and part:
        with code.loop(0, height, 1, sums, hint="part") as parts:
            ask(parts.index)
            first = times(code, parts.index, part)
            end = plus(code, first, code.index(part))
            with code.loop(first, end, 1, parts.values, hint="k") as loop:
                loop.next = step(loop.index, loop.values)
            parts.next = loop.results
        sums = parts.results
    if part * height < pairs:
        with code.loop(part * height, pairs, 1, sums, hint="k") as rest:
            rest.next = step(rest.index, rest.values)
        sums = rest.results
    return sums
