"""Operands of matrix products brought into the order in which tiles read them.

Rows of a large matrix lie so far apart in memory that the caches' sets and the table of pages can't
hold a column of them; a panel copied together is read at full speed. Each thread packs for itself,
into scratch memory of its own: no thread waits for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from misstep.compiler.codegen.kernels.emission import Emission
from misstep.compiler.codegen.kernels.finishing import strip_masks
from misstep.compiler.codegen.kernels.strips import over_strips
from misstep.compiler.codegen.kernels.tiles import Operand, Tile
from misstep.compiler.language.code import BYTES, Number
from misstep.compiler.language.elements import plus, times


@dataclass(frozen=True)
class PackedRows:
    """Rows of the left operand in blocks: entry k of row r in a block lies at k · height + r."""

    base: Number
    low: Number
    height: int
    summed: int
    llvm_type: str
    bytes: int

    def block(self, code: Any, row: Number) -> Operand:
        """Return the block that begins at `row`."""
        start = times(code, code.subtract(row, self.low), self.summed)
        return Operand(code.address(self.base, start, self.llvm_type), 1, self.height)


def pack_rows(
    emission: Emission,
    left: Operand,
    llvm_type: str,
    low: Number,
    high: Number,
    rows: int,
    summed: int,
    height: int,
    scratch: Number,
) -> PackedRows:
    """Write the copying of this thread's rows of the left operand, block after block.

    For an operand whose rows lie side by side (a transposed one): a vector of them is copied at
    once. A block at the end that is not full is read as far as there are rows.
    """
    code = emission.code
    rest = rows % height
    packed = PackedRows(
        scratch,
        low,
        height,
        summed,
        llvm_type,
        -(-rows // height) * height * summed * BYTES[llvm_type],
    )

    def copy(row: Number, count: int) -> None:
        to = packed.block(code, row)
        source = code.address(left.base, times(code, row, left.rows), llvm_type)
        with code.loop(0, summed, hint="pack") as loop:
            line = code.address(source, times(code, loop.index, left.columns), llvm_type)
            target = code.address(to.base, times(code, loop.index, height), llvm_type)
            if left.rows == 1:
                code.store(code.load(line, llvm_type, count), target)
            else:
                for r in range(count):
                    entry = code.load(
                        code.address(line, code.index(r * left.rows), llvm_type), llvm_type
                    )
                    code.store(entry, code.address(target, code.index(r), llvm_type))

    last = code.index(rows - rest)
    end = code.select(code.less(high, last), high, last)
    with code.loop(low, end, height, hint="packrows") as loop:
        copy(loop.index, height)
    if rest:
        with code.when(code.compare("sgt", high, last), hint="packlast"):
            copy(last, rest)
    return packed


def pack_columns(
    emission: Emission,
    right: Operand,
    llvm_type: str,
    first: Number,
    count: int,
    summed: int,
    tile: Tile,
    panel: Number,
) -> Operand:
    """Write the copying of `count` columns of the right operand from `first` on; return the panel.

    In the panel, entry k of a column lies a whole strip's width behind entry k − 1; what is missing
    to a full vector is zeros.
    """
    code, lanes = emission.code, tile.lanes
    vectors = -(-count // lanes)
    width = vectors * lanes
    start = code.address(right.base, times(code, first, right.columns), llvm_type)
    if right.columns == 1:
        with code.loop(0, summed, hint="pack") as loop:
            line = code.address(start, times(code, loop.index, right.rows), llvm_type)
            target = code.address(panel, times(code, loop.index, width), llvm_type)
            _copy_piece(emission, line, target, count, lanes, llvm_type)
        return Operand(panel, width, 1)
    for v in range(vectors):
        here = min(count - v * lanes, lanes)
        source = code.address(start, code.index(v * lanes * right.columns), llvm_type)
        target = code.address(panel, code.index(v * lanes), llvm_type)
        if right.rows == 1:
            _turn(emission, source, right.columns, here, target, width, summed, lanes, llvm_type)
        else:
            with code.loop(0, summed, hint="pack") as loop:
                line = code.address(source, times(code, loop.index, right.rows), llvm_type)
                to = code.address(target, times(code, loop.index, width), llvm_type)
                entry = code.constant(0, llvm_type, lanes)
                for lane in range(here):
                    where = code.address(line, code.index(lane * right.columns), llvm_type)
                    entry = code.with_lane(entry, code.load(where, llvm_type), lane)
                code.store(entry, to)
    return Operand(panel, width, 1)


def pack_strips(
    emission: Emission,
    right: Operand,
    llvm_type: str,
    first: Number,
    count: int,
    summed: int,
    tile: Tile,
    panels: Number,
) -> None:
    """Write the copying of `count` columns from `first` on into panels, a strip after the other.

    Columns that lie side by side are copied row by row, all strips of a row together: what comes
    from far away is then read in pieces that a processor recognizes and brings near in advance
    (Zen 4: products of 32 rows by 1,024 × 1,024 take an eighth less than strip by strip).
    """
    code, lanes, size = emission.code, tile.lanes, BYTES[llvm_type]
    width = tile.vectors * lanes

    def panel(at: Number) -> Number:
        return code.address(panels, times(code, at, summed * size), "i8")

    if right.columns != 1:

        def pack(at: Number, many: int) -> None:
            here = plus(code, first, at)
            pack_columns(emission, right, llvm_type, here, many, summed, tile, panel(at))

        over_strips(code, count, width, pack, lanes=lanes)
        return
    start = code.address(right.base, first, llvm_type)
    with code.loop(0, summed, hint="packrow") as loop:
        line = code.address(start, times(code, loop.index, right.rows), llvm_type)

        def piece(at: Number, many: int) -> None:
            row = times(code, loop.index, -(-many // lanes) * lanes)
            to = code.address(panel(at), row, llvm_type)
            _copy_piece(emission, code.address(line, at, llvm_type), to, many, lanes, llvm_type)

        over_strips(code, count, width, piece, "packstrips", lanes)


def _copy_piece(
    emission: Emission, source: Number, target: Number, count: int, lanes: int, llvm_type: str
) -> None:
    """Write the copying of `count` entries, filled up to whole vectors with zeros."""
    code = emission.code
    for v, mask in enumerate(strip_masks(emission, lanes, count)):
        at = code.index(v * lanes)
        entry = code.load(code.address(source, at, llvm_type), llvm_type, lanes, mask)
        code.store(entry, code.address(target, at, llvm_type))


def _turn(
    emission: Emission,
    source: Number,
    apart: int,
    count: int,
    target: Number,
    width: int,
    summed: int,
    lanes: int,
    llvm_type: str,
) -> None:
    """Write the copying of a strip whose columns lie side by side as rows: it is turned over.

    source: `count` rows, `apart` entries apart, of `summed` entries each; target: `summed` rows,
    `width` entries apart, of `lanes` entries each.
    """
    code = emission.code

    def square(first: Number, mask: Number | None, many: int) -> None:
        rows = []
        for row in range(lanes):
            if row < count:
                where = code.address(source, plus(code, first, code.index(row * apart)), llvm_type)
                rows.append(code.load(where, llvm_type, lanes, mask))
            else:
                rows.append(code.constant(0, llvm_type, lanes))
        turned = transpose_square(code, rows)
        for column in range(many):
            to = times(code, plus(code, first, code.index(column)), width)
            code.store(turned[column], code.address(target, to, llvm_type))

    whole = summed // lanes * lanes
    if whole:
        with code.loop(0, whole, lanes, hint="turn") as loop:
            square(loop.index, None, lanes)
    if summed > whole:
        rest = summed - whole
        mask = code.constants([lane < rest for lane in range(lanes)], "i1")
        square(code.index(whole), mask, rest)


def transpose_square(code: Any, rows: list[Number]) -> list[Number]:
    """Return the columns of a square of as many vectors as each has lanes (Eklundh, 1972)."""
    count = len(rows)
    rows = list(rows)
    block = 1
    while block < count:
        keep, take = [], []
        for lane in range(count):
            upper = lane & block
            keep.append(count + lane - block if upper else lane)
            take.append(count + lane if upper else lane + block)
        for row in range(count):
            if not row & block:
                a, b = rows[row], rows[row + block]
                rows[row] = code.shuffle(a, b, keep)
                rows[row + block] = code.shuffle(a, b, take)
        block *= 2
    return rows
