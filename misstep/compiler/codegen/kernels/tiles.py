"""Sizes of the tiles of matrix products, and how an operand of one lies in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from misstep.compiler.codegen.target import Target
from misstep.compiler.language.code import Number
from misstep.compiler.language.elements import times
from misstep.compiler.schedule.partition import ROWS_TOGETHER

# Results of at most so many vectors of 16 are summed in four chains, if the sum is this long.
FEW_VECTORS = 4
LONG_SUM = 64
CHAINS = 4


@dataclass(frozen=True)
class Operand:
    """A matrix in memory: `base` address, strides (in entries) along its two axes."""

    base: Number
    rows: int
    columns: int

    def moved(self, code: Any, llvm_type: str, rows: Number) -> Operand:
        """Return the matrix without its first so many rows."""
        by = times(code, rows, self.rows)
        return Operand(code.address(self.base, by, llvm_type), self.rows, self.columns)

    def further(self, code: Any, llvm_type: str, columns: Number) -> Operand:
        """Return the matrix without its first so many columns."""
        by = times(code, columns, self.columns)
        return Operand(code.address(self.base, by, llvm_type), self.rows, self.columns)


@dataclass(frozen=True)
class Tile:
    """Rows and vectors of a tile, and lanes of a vector."""

    rows: int
    vectors: int
    lanes: int


def choose_tile(target: Target, llvm_type: str, rows: int, columns: int) -> Tile:
    """Return the tile for a product of so many rows and columns.

    32 registers hold 8 rows, 16 hold 4, of 2 vectors or 3 and what streams past. 3, where 2 would
    be no more sums than what hides the time of a multiply-add, so that every delay shows: with 16
    registers and two units (8 sums; measured on Zen 4 with AVX2: a tenth slower than 12), and with
    32 and four units (16; AArch64). But 4 vectors of columns 2 and 2 share better than 3 and 1.
    """
    lanes = target.lanes(llvm_type)
    height = ROWS_TOGETHER if target.vector_registers >= 32 else ROWS_TOGETHER // 2
    wide = -(-columns // lanes)
    if rows == 1:
        return Tile(1, min(4, wide), lanes)
    three = 2 * height <= target.chains and wide != 4
    return Tile(height, min(3 if three else 2, wide), lanes)


def chains_of(rows: int, columns: int, summed: int) -> int:
    """Return of how many interleaved chains a sum is made; follows from shapes alone."""
    few = rows * -(-columns // 16) <= FEW_VECTORS
    return CHAINS if few and summed >= LONG_SUM else 1
