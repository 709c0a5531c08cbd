"""Long sums of matrix products, gone through in blocks whose operands stay in the first cache.

Without blocks, a strip of columns that is longer than the first cache comes from the second one
anew for each tile of rows, and a processor with two multiply-adds a cycle may wait for it. So a
long summed axis is cut: a piece of the strip stays while all rows of a block go past, and sums
that are not complete wait in memory. A chain that goes on from what was stored is the same chain:
no bit depends on blocks. Knows sizes and where partial sums lie; `contraction.py` writes the loops.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from misstep.compiler.codegen.kernels.emission import Emission
from misstep.compiler.codegen.kernels.tiles import Tile
from misstep.compiler.codegen.target import Target
from misstep.compiler.language.code import BYTES, Number
from misstep.compiler.language.elements import times

# The share of the first cache for a strip of the right operand; the rest is the left one's, which
# passes by. (Of half, two thirds and all, two thirds were fastest or as fast: Zen 4, both widths.)
STRIP_SHARE = 2 / 3
# A packed strip up to so many times the first cache comes from the second one fast enough (Zen 4
# with AVX2: at 3 times, 2 to 7 % faster than in blocks; at 4.6 times, 4 % slower).
WITHOUT_BLOCKS = 4
# For fewer rows a copy of a strip does not pay, by multiply-adds a cycle: with one, the second
# cache keeps pace also with strips that lie badly (Zen 4: 128 rows of 784 by 128 lose 8 % by a
# copy with vectors of 512 bits, of which it begins one a cycle; with 256, 384² gains half).
MANY_ROWS = {1: 384, 2: 32}
# Columns that are packed and gone through together at most: 1 KiB of a row of float32.
MOST_COLUMNS = 256
# Rows of a block: their partial sums and their part of the left operand take about this share of
# the second cache each.
ROWS_SHARE = 8
LEAST_ROWS, MOST_ROWS = 32, 256


def many_rows(target: Target) -> int:
    """Return for how many rows a copy of columns begins to pay."""
    return MANY_ROWS[min(max(target.multiply_adds, 1), 2)]


def stays_near(target: Target, apart: int, wide: int, summed: int) -> bool:
    """Tell whether a strip of columns stays in the first cache as it lies, not packed.

    `apart`: bytes from a row of it to the next; `wide`: bytes of a row. Rows whose distance has a
    large power of two meet in few sets.
    """
    line, sets = target.line_bytes, target.l1_sets
    lines = -(-wide // line)
    together = math.gcd(apart // line, sets) if apart % line == 0 else 1
    # Rows begin only in sets that are so many apart.
    per_set = summed * max(lines / together, 1) * together / sets
    return per_set <= target.l1_ways * STRIP_SHARE


@dataclass(frozen=True)
class Blocks:
    """How a long sum is cut: `steps` of the summed axis at a time, for `rows` rows."""

    steps: int
    rows: int


def choose_blocks(target: Target, tile: Tile, llvm_type: str, summed: int) -> Blocks | None:
    """Return the blocks for strips of `tile`, as equal as can be; None where it needs none."""
    size = BYTES[llvm_type]
    most = max(int(target.l1_bytes * STRIP_SHARE) // (tile.vectors * tile.lanes * size), 1)
    if summed * tile.vectors * tile.lanes * size <= WITHOUT_BLOCKS * target.l1_bytes:
        return None
    count = -(-summed // most)
    rows = target.l2_bytes // ROWS_SHARE // (max(MOST_COLUMNS, most) * size)
    rows = max(LEAST_ROWS, min(MOST_ROWS, rows // LEAST_ROWS * LEAST_ROWS))
    return Blocks(-(-summed // count), rows)


@dataclass(frozen=True)
class PartialSums:
    """Sums that are not complete, of a block of rows and some strips of columns, in scratch memory.

    Tiles lie one after the other, those of a strip together.
    """

    emission: Emission
    base: Number
    first_row: Number
    rows: int
    llvm_type: str

    def begin(self, columns: int) -> None:
        """Write zeros, with which chains begin; `columns`: a multiple of a vector's lanes."""
        code, lanes = self.emission.code, self.emission.target.lanes(self.llvm_type)
        zero = code.constant(0, self.llvm_type, lanes)
        with code.loop(0, self.rows * columns, lanes, hint="zeros") as loop:
            code.store(zero, code.address(self.base, loop.index, self.llvm_type))

    def read(self, row: Number, column: Number, tile: Tile, height: int) -> list[Number]:
        """Return the sums of a tile so far, row by row."""
        code = self.emission.code
        return [
            code.load(where, self.llvm_type, tile.lanes)
            for where in self._places(row, column, tile, height)
        ]

    def write(
        self, sums: list[Number], row: Number, column: Number, tile: Tile, height: int
    ) -> None:
        """Write the sums of a tile."""
        for number, where in zip(sums, self._places(row, column, tile, height), strict=True):
            self.emission.code.store(number, where)

    def _places(self, row: Number, column: Number, tile: Tile, height: int) -> list[Number]:
        code = self.emission.code
        strip = times(code, column, self.rows)
        above = times(code, code.subtract(row, self.first_row), tile.vectors * tile.lanes)
        start = code.address(self.base, code.add(strip, above), self.llvm_type)
        return [
            code.address(start, code.index(number * tile.lanes), self.llvm_type)
            for number in range(height * tile.vectors)
        ]
