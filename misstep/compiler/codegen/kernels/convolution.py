"""Convolutions: tiles of positions by filters held in registers while the window passes by.

The weights, a row for each entry of a window, are the right operand of a matrix product; the left
one is never made: a tile's rows are positions, whose windows overlap in memory. Each entry is one
chain of fused multiply-adds in the order of the weights' rows, so its bits depend on neither tile
nor thread. Threads share out the examples of the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

from misstep.compiler.codegen.kernels.emission import Emission
from misstep.compiler.codegen.kernels.finishing import finish_tile, strip_masks
from misstep.compiler.codegen.kernels.packing import pack_columns
from misstep.compiler.codegen.kernels.strips import over_strips
from misstep.compiler.codegen.kernels.tiles import Operand, Tile
from misstep.compiler.codegen.kernels.windows import Windows, over_runs, windows_of
from misstep.compiler.language.code import BYTES, LLVM_TYPES, Number
from misstep.compiler.language.elements import Position, Positions, plus, times
from misstep.compiler.schedule.kernel import Kernel

# Weights are read in place where fewer than so many products would pay for their copying.
FEW_PRODUCTS = 2**21
# Rows of weights so many bytes apart fall into few sets of the caches.
FAR_APART = 1024


@dataclass(frozen=True)
class Block:
    """Places that a tile covers: `lines` along the first axis of space by `length` on the second.

    `first`: (line, position) of the first block, where the blocks begin; `counts`: how many blocks
    lie one after the other along either axis.
    """

    lines: int
    length: int
    first: tuple[int, int]
    counts: tuple[int, int]


def blocks_of(positions: tuple[int, int], most: int) -> list[Block]:
    """Return blocks that cover all positions, each of `most` at most and all nearly as large."""
    lines, length = positions
    if length >= most:
        return [
            Block(1, size, (0, start), (lines, count))
            for size, start, count in _evenly(length, most)
        ]
    return [
        Block(size, length, (start, 0), (count, 1))
        for size, start, count in _evenly(lines, most // max(length, 1))
    ]


def _evenly(length: int, most: int) -> list[tuple[int, int, int]]:
    """Return sizes of parts (size, start of the first, how many) of at most `most`."""
    parts = -(-length // max(most, 1))
    if not parts:
        return []
    size, larger = divmod(length, parts)
    parts_found = [(size + 1, 0, larger)] if larger else []
    return [*parts_found, (size, larger * (size + 1), parts - larger)] if size else parts_found


def rows_of_tile(registers: int, vectors: int) -> int:
    """Return how many rows a tile has at most: sums take three quarters of the registers.

    What is left holds the weights that stream past.
    """
    return registers * 3 // 4 // vectors


def write_convolution(emission: Emission, kernel: Kernel) -> None:
    """Write the loops of a convolution and of what follows from its entries."""
    anchor = kernel.anchor
    assert anchor is not None
    if not anchor.size:
        return
    x, weights = (emission.fused.storage[operand] for operand in anchor.inputs)
    seen = windows_of(anchor, x)
    llvm_type = LLVM_TYPES[anchor.dtype]
    lanes, filters = emission.target.lanes(llvm_type), anchor.shape[-1]
    vectors = 2 if filters > lanes else 1
    tile = Tile(rows_of_tile(emission.target.vector_registers, vectors), vectors, lanes)
    writer = _Writer(
        emission,
        kernel,
        seen,
        tile,
        llvm_type,
        Operand(emission.addresses(weights), weights.strides[-2], weights.strides[-1]),
    )
    writer.write(emission.addresses(x))


@dataclass(frozen=True)
class _Writer:
    emission: Emission
    kernel: Kernel
    seen: Windows
    tile: Tile
    llvm_type: str
    weights: Operand

    def write(self, x: Number) -> None:
        anchor, code = self.kernel.anchor, self.emission.code
        assert anchor is not None
        filters, summed = anchor.shape[-1], self.seen.entries
        size, width = BYTES[self.llvm_type], self.tile.vectors * self.tile.lanes
        unfit = filters > 1 and self.weights.columns != 1
        far = self.weights.rows * size >= FAR_APART
        worth = anchor.size * summed > FEW_PRODUCTS
        packing = unfit or (worth and (far or filters % self.tile.lanes != 0 or filters > width))
        together = filters
        if packing:
            # As many columns as leave half of the second cache to the rest.
            room = self.emission.target.l2_bytes // 2 // (max(summed, 1) * size) // width * width
            together = min(max(room, width), -(-filters // width) * width)
            needed = summed * together * size
            self.emission.scratch_bytes = max(self.emission.scratch_bytes, needed)

        def group(first: Number, count: int) -> None:
            if packing:
                over_strips(code, count, width, lambda at, many: self._pack(first, at, many))
            low, high = self.emission.bounds(anchor.shape[0])
            with code.loop(low, high, hint="example") as loop:
                moved = times(code, loop.index, self.seen.batch)
                example = code.address(x, moved, self.llvm_type)

                def strip(at: Number, many: int) -> None:
                    column = plus(code, first, at)
                    panel = self._panel(at, many) if packing else self._in_place(column)
                    self._positions(example, panel, loop.index, column, many)

                over_strips(code, count, width, strip)

        over_strips(code, filters, together, group, "columns")

    def _pack(self, first: Number, at: Number, many: int) -> None:
        code = self.emission.code
        pack_columns(
            self.emission,
            self.weights,
            self.llvm_type,
            plus(code, first, at),
            many,
            self.seen.entries,
            self.tile,
            self._panel(at, many).base,
        )

    def _panel(self, at: Number, many: int) -> Operand:
        """Return the packed strip of `many` columns from `at` of the group on."""
        code = self.emission.code
        start = times(code, at, self.seen.entries * BYTES[self.llvm_type])
        vectors = -(-many // self.tile.lanes)
        there = code.address(self.emission.scratch, start, "i8")
        return Operand(there, vectors * self.tile.lanes, 1)

    def _in_place(self, column: Number) -> Operand:
        code, weights = self.emission.code, self.weights
        moved = times(code, column, weights.columns)
        return Operand(code.address(weights.base, moved, self.llvm_type), weights.rows, 1)

    def _positions(
        self, example: Number, panel: Operand, batch: Number, column: Number, many: int
    ) -> None:
        """Write all positions of an example, for a strip of filters."""
        code = self.emission.code
        vectors = -(-many // self.tile.lanes)
        most = rows_of_tile(self.emission.target.vector_registers, vectors)
        for block in blocks_of(self.seen.positions, most):

            def tile(line: Number, position: Number, block: Block = block) -> None:
                self._tile(example, panel, batch, line, position, block, column, many)

            lines, length = block.counts
            first = block.first
            with code.loop(0, lines, hint="lines") as outer:
                line = plus(code, times(code, outer.index, block.lines), code.index(first[0]))
                if length == 1:
                    tile(line, code.index(first[1]))
                    continue
                with code.loop(0, length, hint="positions") as inner:
                    at = plus(code, times(code, inner.index, block.length), code.index(first[1]))
                    tile(line, at)

    def _tile(
        self,
        example: Number,
        panel: Operand,
        batch: Number,
        line: Number,
        position: Number,
        block: Block,
        column: Number,
        many: int,
    ) -> None:
        anchor, code, llvm_type = self.kernel.anchor, self.emission.code, self.llvm_type
        assert anchor is not None
        lanes = self.tile.lanes
        vectors = -(-many // lanes)
        steps = self.seen.steps
        start = plus(code, times(code, line, steps[0]), times(code, position, steps[1]))
        corner = code.address(example, start, llvm_type)
        inside = [(dy, dx) for dy in range(block.lines) for dx in range(block.length)]
        # Packed strips are filled up with zeros; in place, nothing may lie behind the last one.
        masks = strip_masks(self.emission, lanes, many)

        def step(offset: Number, number: Number, sums: list[Number]) -> list[Number]:
            row = code.address(panel.base, times(code, number, panel.rows), llvm_type)
            weights = [
                code.load(
                    code.address(row, code.index(v * lanes), llvm_type), llvm_type, lanes, masks[v]
                )
                for v in range(vectors)
            ]
            entry = code.address(corner, offset, llvm_type)
            following = []
            for r, (dy, dx) in enumerate(inside):
                apart = code.index(dy * steps[0] + dx * steps[1])
                wide = code.splat(
                    code.load(code.address(entry, apart, llvm_type), llvm_type), lanes
                )
                following += [
                    code.fma(wide, weights[v], sums[r * vectors + v]) for v in range(vectors)
                ]
            return following

        zero = code.constant(0, llvm_type, lanes)
        sums = over_runs(code, self.seen.runs, [zero] * (len(inside) * vectors), step)
        rows: list[Positions] = []
        for dy, dx in inside:
            here = [
                Position(plus(code, line, code.index(dy))),
                Position(plus(code, position, code.index(dx))),
            ]
            rows.append((Position(batch), *here[4 - anchor.ndim :]))
        finish_tile(
            self.emission,
            self.kernel,
            [sums[r * vectors : (r + 1) * vectors] for r in range(len(inside))],
            rows,
            column,
            lanes,
            many,
        )
