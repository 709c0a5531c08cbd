"""What the compiler must know of a processor: vector width, registers, caches, and LLVM's names.

A number that a program computes never depends on what stands here, only its speed does. Knows no
graph and no kernel. Which targets there are, and which one this machine is: `runtime/targets.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from misstep.compiler.language.code import BYTES

__all__ = ["Target"]

# Where a system does not tell: the smallest of processors with AVX2 (Intel Haswell, 2013).
L1_BYTES = 32 * 1024
L2_BYTES = 256 * 1024
# Sets of the first cache for data and bytes of a line: of all x86-64 processors with AVX2 so far,
# whose sets are told from one another by a line's place within a page of 4 KiB.
L1_SETS = 64
LINE_BYTES = 64
# Cycles from a multiply-add's begin to the one that goes on from its result (Intel from Skylake on,
# AMD's Zen, Apple's, Arm's Neoverse: 4; Haswell 5).
MULTIPLY_ADD_CYCLES = 4
# In LLVM's words: results, operands below the smallest normal number are zeros of their sign.
_SUBNORMALS = '"denormal-fp-math"="preserve-sign,preserve-sign"'


@dataclass(frozen=True, slots=True)
class Target:
    """A processor to generate code for.

    `triple`, `cpu`, `features`: as LLVM names them. `vector_bytes`, `vector_registers`: of
    floating-point vectors. `l1_bytes`, `l2_bytes`: each core's cache for data, and the next.
    `l1_sets`, `line_bytes`: sets of the first one, and bytes of a line. `fma`: whether a · b + c
    rounded once is one instruction. `multiply_adds`: how many of them, on whole vectors, a core
    begins in a cycle. `bfloat16`: whether it multiplies vectors of pairs of bfloat16 (`vdpbf16ps`).
    """

    name: str
    triple: str
    cpu: str
    features: str
    vector_bytes: int
    vector_registers: int
    l1_bytes: int = L1_BYTES
    l2_bytes: int = L2_BYTES
    fma: bool = True
    multiply_adds: int = 2
    l1_sets: int = L1_SETS
    line_bytes: int = LINE_BYTES
    bfloat16: bool = False

    def lanes(self, llvm_type: str) -> int:
        """Return how many numbers of LLVM's `llvm_type` one vector register holds."""
        return self.vector_bytes // BYTES[llvm_type]

    @property
    def l1_ways(self) -> int:
        """Return how many lines each set of the first cache holds."""
        return max(self.l1_bytes // (self.l1_sets * self.line_bytes), 1)

    @property
    def chains(self) -> int:
        """Return how many sums must be under way so that multiply-adds begin in every cycle."""
        return MULTIPLY_ADD_CYCLES * self.multiply_adds

    @property
    def machine(self) -> str:
        """Return the family of instruction sets, as x86_64 or aarch64."""
        first = self.triple.partition("-")[0]
        return {"arm64": "aarch64", "amd64": "x86_64"}.get(first, first)

    @property
    def function_attributes(self) -> str:
        """Return what stands behind the arguments of each function defined for this target.

        LLVM is told that subnormal numbers are zeros, so that what it computes itself agrees.
        Without a legal width, LLVM splits vectors of 512 bits in two on processors for which it
        thinks them slow. `nounwind`: no tables for exceptions, which generated code never raises.
        """
        if self.machine != "x86_64":
            return f"nounwind {_SUBNORMALS}"
        bits = 8 * self.vector_bytes
        widths = f'"min-legal-vector-width"="{bits}" "prefer-vector-width"="{bits}"'
        return f"nounwind {widths} {_SUBNORMALS}"
