"""Sizes of the tiles of matrix products, and how an operand of one lies in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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


def choose_tile(registers: int, lanes: int, rows: int, columns: int) -> Tile:
    """Return the tile for a processor with so many vector registers.

    32 registers hold 8 rows of 2 vectors (16 sums, more than the 8 that hide the time of two
    multiply-adds a cycle of 4 cycles each) and what streams past; 16 hold 4 rows of 3 (12 sums;
    with 2 vectors, exactly 8, products are a tenth slower, as every delay shows), but for 4 vectors
    of columns, which 2 and 2 share better than 3 and 1.
    """
    many = registers >= 32
    height = ROWS_TOGETHER if many else ROWS_TOGETHER // 2
    wide = -(-columns // lanes)
    vectors = min(2 if many or wide == 4 else 3, wide)
    if rows == 1:
        height, vectors = 1, min(4, -(-columns // lanes))
    return Tile(height, vectors, lanes)


def chains_of(rows: int, columns: int, summed: int) -> int:
    """Return of how many interleaved chains a sum is made; follows from shapes alone."""
    few = rows * -(-columns // 16) <= FEW_VECTORS
    return CHAINS if few and summed >= LONG_SUM else 1
