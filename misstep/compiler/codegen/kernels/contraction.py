"""Matrix products: tiles of the result held in registers while the summed axis passes by.

A tile is some rows by some vectors. Each entry is one chain of fused multiply-adds in the order of
the summed axis, so its bits depend on neither tile nor vector width; only where a result is so
small that one chain would keep the processor waiting, the shapes (and nothing else) say that the
sum is made of four interleaved chains. What is worked out from the result entry by entry happens
while the tile is still in registers. `packing.py` brings operands into order where their memory
would be read badly.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from misstep.compiler.codegen.kernels.blocking import (
    MOST_COLUMNS,
    Blocks,
    PartialSums,
    choose_blocks,
    many_rows,
    stays_near,
)
from misstep.compiler.codegen.kernels.emission import Emission
from misstep.compiler.codegen.kernels.finishing import finish_tile
from misstep.compiler.codegen.kernels.packing import PackedRows, pack_rows, pack_strips
from misstep.compiler.codegen.kernels.pairs import (
    PAD_LEFT,
    PAD_RIGHT,
    is_rounded,
    multiply_pairs,
    pair_up,
)
from misstep.compiler.codegen.kernels.strips import over_strips
from misstep.compiler.codegen.kernels.tile_sums import multiply_tile
from misstep.compiler.codegen.kernels.tiles import Operand, Tile, chains_of, choose_tile
from misstep.compiler.language.code import BYTES, LLVM_TYPES, Number
from misstep.compiler.language.elements import Position, plus, times
from misstep.compiler.language.views import View
from misstep.compiler.schedule.kernel import Kernel
from misstep.compiler.schedule.reads import positions_of
from misstep.ir import Value

# Rows of an operand this many bytes apart each need an entry of the table of pages, and fall into
# few sets of the caches where that is a power of two; columns of them then do so at half of it.
FAR_APART = 4096
# Bytes of an operand that each thread may hold a copy of.
MOST_PACKED = 16 * 2**20
# Strips of columns for which a copy of rows that are read somewhat badly pays.
MANY_STRIPS = 8
# Fewer than so many entries along the summed axis fit the caches anyhow.
SHORT_SUM = 32
# For fewer rows, making pairs of a right operand is most of the work (by reasoning, not timed).
PAIRED_ROWS = 16


def write_contraction(emission: Emission, kernel: Kernel) -> None:
    """Write the loops of a matrix product and of what follows from its entries."""
    anchor = kernel.anchor
    assert anchor is not None
    views = [emission.fused.storage[operand] for operand in anchor.inputs]
    bases = [emission.addresses(view) for view in views]
    llvm_type = LLVM_TYPES[anchor.dtype]
    batch = anchor.shape[:-2]
    if not batch:
        low, high = emission.bounds(kernel.rows)
        operands = [
            _operand(emission, base, view, llvm_type, ())
            for base, view in zip(bases, views, strict=True)
        ]
        _write_matrix(emission, kernel, operands, low, high, ())
        return
    low, high = emission.bounds(batch[0])

    def over(axis: int, outer: tuple[Position, ...]) -> None:
        if axis == len(batch):
            operands = [
                _operand(emission, base, view, llvm_type, outer)
                for base, view in zip(bases, views, strict=True)
            ]
            code = emission.code
            _write_matrix(
                emission, kernel, operands, code.index(0), code.index(anchor.shape[-2]), outer
            )
            return
        first, last = (low, high) if axis == 0 else (0, batch[axis])
        with emission.code.loop(first, last, hint="batch") as loop:
            over(axis + 1, (*outer, Position(loop.index)))

    over(0, ())


def pack_once(emission: Emission, anchor: Value, view: View, panel: Number | None) -> int:
    """Write that the right operand of a product is packed, for many products; return its bytes.

    `view`: where it lies; `panel`: where it goes, None to only ask how much room it takes.
    """
    code, llvm_type = emission.code, LLVM_TYPES[anchor.dtype]
    rows, columns = anchor.shape[-2:]
    summed = view.shape[0]
    tile = choose_tile(emission.target, llvm_type, rows, columns)
    if panel is not None:
        right = _operand(emission, emission.addresses(view), view, llvm_type, ())
        pack_strips(emission, right, llvm_type, code.index(0), columns, summed, tile, panel)
    return -(-columns // tile.lanes) * tile.lanes * summed * BYTES[llvm_type]


def _operand(
    emission: Emission, base: Number, view: View, llvm_type: str, outer: tuple[Position, ...]
) -> Operand:
    """Return one matrix of a batch."""
    code = emission.code
    offset = code.index(0)
    axes = len(view.shape) - 2
    for position, length, stride in zip(
        outer[len(outer) - axes :] if axes else (),
        view.shape[:axes],
        view.strides[:axes],
        strict=True,
    ):
        if length > 1:
            offset = plus(code, offset, times(code, position.start, stride))
    return Operand(code.address(base, offset, llvm_type), view.strides[-2], view.strides[-1])


def _write_matrix(
    emission: Emission,
    kernel: Kernel,
    operands: list[Operand],
    low: Number,
    high: Number,
    outer: tuple[Position, ...],
) -> None:
    anchor, code = kernel.anchor, emission.code
    assert anchor is not None
    rows, columns = anchor.shape[-2:]
    summed = anchor.inputs[0].shape[-1]
    if summed == 0 or rows == 0 or columns == 0:
        _write_empty(emission, kernel, low, high, outer)
        return
    llvm_type = LLVM_TYPES[anchor.dtype]
    tile = choose_tile(emission.target, llvm_type, rows, columns)
    left, right = operands
    width = tile.vectors * tile.lanes
    scratch = emission.scratch
    used = 0
    size = BYTES[llvm_type]
    packed_left: PackedRows | None = None
    small = rows * summed * size <= MOST_PACKED
    worth = rows > tile.rows and summed >= SHORT_SUM and columns > width
    ready = emission.panels.get(anchor.inputs[1])
    chains = chains_of(rows, columns, summed) if emission.chaining else 1
    paired = (
        emission.target.bfloat16
        and llvm_type == "float"
        and small
        and ready is None
        and chains == 1
        and rows >= PAIRED_ROWS
        and summed >= SHORT_SUM
        and columns >= tile.lanes
        and all(map(is_rounded, anchor.inputs))
    )
    if paired or (small and worth and _badly_read(left, size, columns // width)):
        packed_left = pack_rows(
            emission, left, llvm_type, low, high, rows, summed, tile.rows, scratch
        )
        used = packed_left.bytes
        if paired:
            _pair_rows(emission, packed_left, low, high)
    panel = code.address(scratch, code.index(used), "i8")
    must = paired or (right.columns != 1 and columns > 1)
    far = rows >= 16 and summed >= SHORT_SUM and right.rows * size >= FAR_APART
    long = (
        rows >= many_rows(emission.target)
        and summed >= SHORT_SUM
        and right.rows > width
        and not stays_near(emission.target, right.rows * size, width * size, summed)
    )
    packing = must or far or long
    beside = _read_beside(emission, kernel) if ready is None else []
    blocks: Blocks | None = None
    partial = panel
    together = width
    if ready is not None:
        # Packed before, once for many products. A row is finished along all columns before the next
        # one, unless a panel so large would have to come from far away for every few rows.
        near = summed * columns * size <= emission.target.l2_bytes // 2
        together, panel, packing = (columns if near else width), ready, True
    elif packing:
        if rows >= many_rows(emission.target) and chains == 1 and not (beside or paired):
            blocks = choose_blocks(emission.target, tile, llvm_type, summed)
        # As many columns as leave half of the second cache to the rest, so that a row is finished
        # along many columns before the next one: memory is then read and written in long pieces. In
        # blocks each piece of them is read once for many rows, and may come from further away.
        room = emission.target.l2_bytes * 2 if blocks else emission.target.l2_bytes // 2
        room = room // (summed * size) // width * width
        most = min(max(room, width), -(-MOST_COLUMNS // width) * width)
        evenly = -(-columns // -(-columns // most))
        together = -(-evenly // width) * width
        used += summed * together * size
        if blocks is not None:
            partial = code.address(scratch, code.index(used), "i8")
            used += blocks.rows * together * size
    emission.scratch_bytes = max(emission.scratch_bytes, used)

    def columns_from(start: Number, count: int) -> None:
        """Write all rows for the `count` columns from `start` on."""
        strips = panel
        if ready is not None:
            strips = code.address(ready, times(code, start, summed * size), "i8")

        if packing and ready is None:
            pack_strips(emission, right, llvm_type, start, count, summed, tile, panel)
        if paired:

            def pair(first: Number, many: int) -> None:
                there = code.address(panel, times(code, first, summed * size), "i8")
                wide = -(-many // tile.lanes) * tile.lanes
                pair_up(emission, there, summed, wide, PAD_RIGHT)

            over_strips(code, count, width, pair, "pairstrips", tile.lanes)

        def left_of(row: Number) -> Operand:
            if packed_left is not None:
                return packed_left.block(code, row)
            moved = times(code, row, left.rows)
            return Operand(code.address(left.base, moved, llvm_type), left.rows, left.columns)

        def right_of(first: Number, narrow: Tile) -> Operand:
            if packing:
                there = code.address(strips, times(code, first, summed * size), "i8")
                return Operand(there, narrow.vectors * tile.lanes, 1)
            moved = times(code, plus(code, start, first), right.columns if columns > 1 else 1)
            return Operand(code.address(right.base, moved, llvm_type), right.rows, 1)

        def finish(sums: list[Number], row: Number, height: int, first: Number, many: int) -> None:
            vectors = -(-many // tile.lanes)
            by_row = [sums[at * vectors : (at + 1) * vectors] for at in range(height)]
            positions = [(*outer, Position(plus(code, row, code.index(r)))) for r in range(height)]
            column = plus(code, start, first)
            finish_tile(emission, kernel, by_row, positions, column, tile.lanes, many)

        def block(row: Number, height: int) -> None:
            left_block = left_of(row)

            def strip(first: Number, many: int) -> None:
                narrow = Tile(tile.rows, -(-many // tile.lanes), tile.lanes)
                column = plus(code, start, first)

                def ask(number: Number) -> None:
                    _prefetch_row(emission, beside, plus(code, row, number), column, narrow, outer)

                if paired:
                    sums = multiply_pairs(
                        emission,
                        left_block,
                        right_of(first, narrow),
                        height,
                        narrow,
                        summed,
                        ask if beside else None,
                    )
                    finish(sums, row, height, first, many)
                    return
                sums = multiply_tile(
                    emission,
                    left_block,
                    right_of(first, narrow),
                    height,
                    narrow,
                    many,
                    summed,
                    llvm_type,
                    chains,
                    ask=ask if beside else None,
                )
                finish(sums, row, height, first, many)

            over_strips(code, count, width, strip, lanes=tile.lanes)

        def in_blocks(cut: Blocks) -> None:
            """Write all rows, a block of them and of the sum at a time."""
            padded = -(-count // tile.lanes) * tile.lanes
            with code.loop(low, high, cut.rows, hint="rowblocks") as loop:
                top, below = loop.index, code.add(loop.index, code.index(cut.rows))
                bottom = code.select(code.less(high, below), high, below)
                sums = PartialSums(emission, partial, top, cut.rows, llvm_type)
                sums.begin(padded)

                def part(at: Number, steps: int) -> None:
                    def strip(first: Number, many: int) -> None:
                        narrow = Tile(tile.rows, -(-many // tile.lanes), tile.lanes)
                        source = right_of(first, narrow).moved(code, llvm_type, at)

                        def piece(row: Number, height: int) -> None:
                            more = multiply_tile(
                                emission,
                                left_of(row).further(code, llvm_type, at),
                                source,
                                height,
                                narrow,
                                many,
                                steps,
                                llvm_type,
                                before=sums.read(row, first, narrow, height),
                            )
                            sums.write(more, row, first, narrow, height)

                        over_rows(emission, rows, tile.rows, top, bottom, piece)

                    over_strips(code, count, width, strip, lanes=tile.lanes)

                over_strips(code, summed, cut.steps, part, "sumblocks")

                def complete(row: Number, height: int) -> None:
                    def strip(first: Number, many: int) -> None:
                        narrow = Tile(tile.rows, -(-many // tile.lanes), tile.lanes)
                        finish(sums.read(row, first, narrow, height), row, height, first, many)

                    over_strips(code, count, width, strip, lanes=tile.lanes)

                over_rows(emission, rows, tile.rows, top, bottom, complete)

        if blocks is not None:
            in_blocks(blocks)
        else:
            over_rows(emission, rows, tile.rows, low, high, block)

    # Where strips are not taken together, the last ones are shared as they are packed.
    alone = tile.lanes if together == width else 0
    over_strips(code, columns, together, columns_from, "columns", alone)


def _pair_rows(emission: Emission, packed: PackedRows, low: Number, high: Number) -> None:
    """Write that this thread's packed rows of the left operand become pairs, block by block."""
    with emission.code.loop(low, high, packed.height, hint="pairrows") as loop:
        block = packed.block(emission.code, loop.index)
        pair_up(emission, block.base, packed.summed, packed.height, PAD_LEFT)


def _read_beside(emission: Emission, kernel: Kernel) -> list[View]:
    """Return what is read entry by entry when a tile is finished, if it does not lie near.

    Such as weights and the state of an optimizer: memory that nobody has asked for since the last
    step. Asked for while the sum goes on, it takes a twentieth off a step of ten layers of 256 with
    Adam (Zen 4).
    """
    # Whatever a step is given passes by once in each step.
    if emission.fused.input_bytes <= emission.target.l2_bytes:
        return []
    here = positions_of(kernel.shape)
    beside = {
        read.view: None
        for read in emission.fused.reads(kernel)
        if read.view is not None and read.positions == here and read.base.op is None
    }
    return list(beside)


def _prefetch_row(
    emission: Emission,
    views: list[View],
    row: Number,
    column: Number,
    tile: Tile,
    outer: tuple[Position, ...],
) -> None:
    """Write that the processor should bring one row of a tile near, without waiting for it."""
    code = emission.code
    for view in views:
        llvm_type = LLVM_TYPES[view.buffer.dtype]
        for v in range(tile.vectors):
            along = Position(plus(code, column, code.index(v * tile.lanes)), True)
            offset, _, _ = emission.elements(tile.lanes).offset(
                view, (*outer, Position(row), along)
            )
            code.prefetch(code.address(emission.addresses(view), offset, llvm_type))


def _badly_read(left: Operand, size: int, strips: int) -> bool:
    """Tell whether one entry after the other along the summed axis is far away.

    At half of that, a copy pays only where many strips of columns are worked out from it.
    """
    apart = left.columns * size
    return apart >= FAR_APART or (apart * 2 == FAR_APART and strips > MANY_STRIPS)


def over_rows(
    emission: Emission,
    rows: int,
    height: int,
    low: Number,
    high: Number,
    block: Callable[[Number, int], None],
) -> None:
    """Write a loop over blocks of rows; the last block of all rows may be lower.

    A thread's share begins at a whole block and ends at one, or at the last row.
    """
    code = emission.code
    rest = rows % height
    if rows < height:
        with code.when(code.less(low, high), hint="rows"):
            block(low, rows)
        return
    if not rest:
        with code.loop(low, high, height, hint="rows") as loop:
            block(loop.index, height)
        return
    last = code.index(rows - rest)
    end = code.select(code.less(high, last), high, last)
    with code.loop(low, end, height, hint="rows") as loop:
        block(loop.index, height)
    with code.when(code.compare("sgt", high, last), hint="lastrows"):
        block(last, rest)


def _write_empty(
    emission: Emission, kernel: Kernel, low: Number, high: Number, outer: tuple[Position, ...]
) -> None:
    """Write the results of sums of nothing: zeros, where there are any entries at all."""
    anchor = kernel.anchor
    assert anchor is not None
    if math.prod(anchor.shape) == 0:
        return
    llvm_type = LLVM_TYPES[anchor.dtype]
    code, columns, lanes = emission.code, anchor.shape[-1], emission.target.lanes(llvm_type)
    with code.loop(low, high, hint="row") as loop:

        def along(first: Number, mask: Number | None, values: list[Number]) -> list[Number]:
            zero = code.constant(0, llvm_type, lanes)
            here = (*outer, Position(loop.index), Position(first, True))
            emission.results(kernel, here, lanes, mask, zero)
            return values

        emission.lanes_in(columns, lanes, [], along)
