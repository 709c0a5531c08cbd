"""Numbers as LLVM's text form writes them: types of entries, results, vectors, constants.

Knows how things are spelled, not how they are computed; `code.py` writes what is done with them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

# Types of one entry, by LLVM's names. "i1" is a truth value in a register; memory holds it as "i8".
FLOAT_TYPES = ("float", "double")
LLVM_TYPES = {
    "bool": "i1",
    "uint32": "i32",
    "int32": "i32",
    "int64": "i64",
    "float32": "float",
    "float64": "double",
}
BYTES = {"i1": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "float": 4, "double": 8, "ptr": 8}


@dataclass(frozen=True, slots=True)
class Number:
    """A result: `text` as LLVM writes it, `llvm_type` of one lane, and `lanes` (0: a scalar)."""

    text: str
    llvm_type: str
    lanes: int = 0

    @property
    def type(self) -> str:
        """Return the LLVM type of all lanes."""
        return f"<{self.lanes} x {self.llvm_type}>" if self.lanes else self.llvm_type

    @property
    def is_float(self) -> bool:
        """Tell whether entries are floating-point numbers."""
        return self.llvm_type in FLOAT_TYPES

    def __str__(self) -> str:
        return f"{self.type} {self.text}"


def vector_type(llvm_type: str, lanes: int) -> str:
    """Return the LLVM type of `lanes` numbers of `llvm_type` (0: of one)."""
    return f"<{lanes} x {llvm_type}>" if lanes else llvm_type


def type_letters(llvm_type: str, lanes: int) -> str:
    """Return the letters that a function of LLVM's library is overloaded by."""
    short = {"float": "f32", "double": "f64", "ptr": "p0"}.get(llvm_type, llvm_type)
    return f"v{lanes}{short}" if lanes else short


def constant_text(number: float | int | bool, llvm_type: str) -> str:
    """Return a constant as LLVM reads it, with all its bits."""
    if llvm_type == "i1":
        return "true" if number else "false"
    if llvm_type not in FLOAT_TYPES:
        return str(int(number))
    wide = float(number)
    if llvm_type == "float":
        # LLVM writes a float as the double that equals it.
        wide = _as_float32(wide)
    return f"0x{struct.unpack('<Q', struct.pack('<d', wide))[0]:016X}"


def _as_float32(number: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
