"""Sums of products over all positions of a convolution: the gradient by its weights.

A tile is some entries of a window by some filters; all positions of all examples are summed. So
many that one tile after the other would fetch the operands from far away each time: the positions
are taken in blocks that stay in the cache, and every tile adds its sums of a block to what it has
so far. How large a block is follows from shapes alone, and so does the order of every sum. Threads
share out the entries of a window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from misstep.compiler.codegen.kernels.contraction import over_rows
from misstep.compiler.codegen.kernels.emission import Emission
from misstep.compiler.codegen.kernels.finishing import finish_tile, strip_masks
from misstep.compiler.codegen.kernels.strips import over_strips
from misstep.compiler.codegen.kernels.tiles import choose_tile
from misstep.compiler.codegen.kernels.windows import Windows, windows_of
from misstep.compiler.language.code import BYTES, LLVM_TYPES, Number
from misstep.compiler.language.elements import Position, Positions, plus, times
from misstep.compiler.language.views import View
from misstep.compiler.schedule.kernel import Kernel

# Places summed at a time: of 64 filters in float32 they take 256 KiB, part of a second cache. The
# chains stay short too: of so many numbers, and then of so many blocks.
POSITIONS_TOGETHER = 1024


@dataclass(frozen=True)
class Span:
    """The positions of a block: from the first example on `examples`, from the first line `lines`.

    Where a block has several examples it has all of their lines.
    """

    example: Number
    examples: Number
    line: Number
    lines: Number


def write_window_products(emission: Emission, kernel: Kernel) -> None:
    """Write the loops of the products of windows, and of what follows from their sums."""
    anchor = kernel.anchor
    assert anchor is not None
    if not anchor.size:
        return
    x, upstream = (emission.fused.storage[operand] for operand in anchor.inputs)
    _Writer(emission, kernel, windows_of(anchor, x), x, upstream).write()


@dataclass
class _Writer:
    emission: Emission
    kernel: Kernel
    seen: Windows
    x: View
    upstream: View

    def __post_init__(self) -> None:
        anchor = self.kernel.anchor
        assert anchor is not None
        self.code = self.emission.code
        self.llvm_type = LLVM_TYPES[anchor.dtype]
        self.entries, self.filters = anchor.shape
        target = self.emission.target
        self.tile = choose_tile(target, self.llvm_type, max(self.entries, 2), self.filters)
        self.batch = self.x.shape[0]
        # Strides of upstream along examples, the two axes of space, filters.
        strides = self.upstream.strides
        self.strides = (strides[0], *(0,) * (4 - len(strides)), *strides[1:])

    def write(self) -> None:
        code = self.code
        low, high = self.emission.bounds(self.entries)
        positions = self.seen.positions[0] * self.seen.positions[1]
        if positions * self.batch <= POSITIONS_TOGETHER:
            zero = code.index(0)
            whole = Span(zero, code.index(self.batch), zero, code.index(self.seen.positions[0]))
            self._tiles(
                low,
                high,
                lambda row, height, column, many: self._finish(
                    self._sums(whole, row, height, column, many), row, column, many
                ),
            )
            return
        size, width = BYTES[self.llvm_type], self.tile.lanes * self.tile.vectors
        columns = -(-self.filters // width) * width
        self.emission.scratch_bytes = max(
            self.emission.scratch_bytes, (self.entries + self.tile.rows) * columns * size
        )

        def place_of(row: Number, column: Number, r: int, v: int) -> Number:
            """Return where the sum of a tile's vector lies: tile after tile."""
            first = times(code, code.subtract(row, low), columns)
            tile = plus(code, first, times(code, column, self.tile.rows))
            at = (r * self.tile.vectors + v) * self.tile.lanes
            return code.address(
                self.emission.scratch, plus(code, tile, code.index(at)), self.llvm_type
            )

        def clear(row: Number, height: int, column: Number, many: int) -> None:
            for r in range(height):
                for v in range(-(-many // self.tile.lanes)):
                    zero = code.constant(0, self.llvm_type, self.tile.lanes)
                    code.store(zero, place_of(row, column, r, v))

        def add(span: Span, row: Number, height: int, column: Number, many: int) -> None:
            for r, vectors in enumerate(self._sums(span, row, height, column, many)):
                for v, entry in enumerate(vectors):
                    where = place_of(row, column, r, v)
                    before = code.load(where, self.llvm_type, self.tile.lanes)
                    code.store(code.add(before, entry), where)

        def finish(row: Number, height: int, column: Number, many: int) -> None:
            sums = [
                [
                    code.load(place_of(row, column, r, v), self.llvm_type, self.tile.lanes)
                    for v in range(-(-many // self.tile.lanes))
                ]
                for r in range(height)
            ]
            self._finish(sums, row, column, many)

        self._tiles(low, high, clear)
        self._blocks(lambda span: self._tiles(low, high, lambda *tile: add(span, *tile)))
        self._tiles(low, high, finish)

    def _tiles(
        self, low: Number, high: Number, write: Callable[[Number, int, Number, int], None]
    ) -> None:
        """Write what is done for each tile: first row, height, first column and width."""
        width = self.tile.lanes * self.tile.vectors

        def strip(column: Number, many: int) -> None:
            over_rows(
                self.emission,
                self.entries,
                self.tile.rows,
                low,
                high,
                lambda row, height: write(row, height, column, many),
            )

        over_strips(self.code, self.filters, width, strip, lanes=self.tile.lanes)

    def _blocks(self, write: Callable[[Span], None]) -> None:
        """Write a loop over blocks of positions."""
        code, (lines, length) = self.code, self.seen.positions
        if lines * length <= POSITIONS_TOGETHER:
            together = POSITIONS_TOGETHER // (lines * length)
            everything = code.index(0), code.index(lines)
            with code.loop(0, self.batch, together, hint="examples") as loop:
                left = code.subtract(code.index(self.batch), loop.index)
                write(Span(loop.index, code.minimum(left, code.index(together)), *everything))
            return
        together = max(POSITIONS_TOGETHER // length, 1)
        with (
            code.loop(0, self.batch, hint="example") as outer,
            code.loop(0, lines, together, hint="lines") as inner,
        ):
            left = code.subtract(code.index(lines), inner.index)
            count = code.minimum(left, code.index(together))
            write(Span(outer.index, code.index(1), inner.index, count))

    def _sums(
        self, span: Span, row: Number, height: int, column: Number, many: int
    ) -> list[list[Number]]:
        """Write the sums of a tile over a block; return for each row its vectors."""
        code, llvm_type, lanes = self.code, self.llvm_type, self.tile.lanes
        x, other = (self.emission.addresses(view) for view in (self.x, self.upstream))
        base, apart = self._entries(x, row, height)
        vectors = -(-many // lanes)
        masks = strip_masks(self.emission, lanes, many)
        along = self.strides[3]
        start = times(code, column, along)
        steps, strides = self.seen.steps, self.strides
        loop_carried = [code.constant(0, llvm_type, lanes)] * (height * vectors)

        def at(offset: Number, further: Number, sums: list[Number]) -> list[Number]:
            line = code.address(other, further, llvm_type)
            seen: list[Number] = []
            for v in range(vectors):
                if along == 1 or self.filters == 1:
                    there = code.address(line, code.index(v * lanes), llvm_type)
                    seen.append(code.load(there, llvm_type, lanes, masks[v]))
                else:
                    numbers = code.lane_numbers("i64", lanes)
                    offsets = code.multiply(
                        code.add(numbers, code.splat(code.index(v * lanes), lanes)),
                        code.splat(code.index(along), lanes),
                    )
                    seen.append(code.load_lanes(line, offsets, llvm_type, masks[v]))
            following = []
            for r in range(height):
                entry = code.address(base[r], plus(code, offset, code.index(apart[r])), llvm_type)
                wide = code.splat(code.load(entry, llvm_type), lanes)
                following += [
                    code.fma(wide, seen[v], sums[r * vectors + v]) for v in range(vectors)
                ]
            return following

        last = plus(code, span.example, span.examples)
        end = plus(code, span.line, span.lines)
        with code.loop(span.example, last, 1, loop_carried, hint="b") as b:
            with code.loop(span.line, end, 1, b.values, hint="y") as y:
                left = plus(
                    code, times(code, b.index, self.seen.batch), times(code, y.index, steps[0])
                )
                right = plus(
                    code,
                    start,
                    plus(code, times(code, b.index, strides[0]), times(code, y.index, strides[1])),
                )
                with code.loop(0, self.seen.positions[1], 1, y.values, hint="x") as position:
                    position.next = at(
                        plus(code, left, times(code, position.index, steps[1])),
                        plus(code, right, times(code, position.index, strides[2])),
                        position.values,
                    )
                y.next = position.results
            b.next = y.results
        return [b.results[r * vectors : (r + 1) * vectors] for r in range(height)]

    def _entries(self, x: Number, row: Number, height: int) -> tuple[list[Number], list[int]]:
        """Return where each of a tile's entries of a window lies in the first window.

        An address for each, and how far behind it. One address for all where they are one run.
        """
        code, runs = self.code, self.seen.runs
        if not runs:
            return [x] * height, [0] * height
        inner = runs[-1]
        if len(runs) == 1 or inner.length % self.tile.rows == 0:
            first = code.address(x, self._offset(row), self.llvm_type)
            return [first] * height, [r * inner.stride for r in range(height)]
        rows = [plus(code, row, code.index(r)) for r in range(height)]
        return [code.address(x, self._offset(entry), self.llvm_type) for entry in rows], [
            0
        ] * height

    def _offset(self, row: Number) -> Number:
        """Return how far an entry of a window lies behind the window's first one."""
        code, offset = self.code, self.code.index(0)
        for index, run in enumerate(self.seen.runs):
            number = row if run.apart == 1 else code.binary("udiv", row, code.index(run.apart))
            if index:
                number = code.binary("urem", number, code.index(run.length))
            offset = plus(code, offset, times(code, number, run.stride))
        return offset

    def _finish(self, sums: list[list[Number]], row: Number, column: Number, many: int) -> None:
        code = self.code
        rows: list[Positions] = [
            (Position(plus(code, row, code.index(r))),) for r in range(len(sums))
        ]
        finish_tile(self.emission, self.kernel, sums, rows, column, self.tile.lanes, many)
