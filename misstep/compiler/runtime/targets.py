"""The targets there are: this machine's own, and fixed ones.

`host_target` asks the machine the program runs on. The other targets are fixed: code for an older
processor can be generated (and, if this one is newer, run) on request, and code for AArch64 can be
generated and read. Knows no graph and no kernel. What a target is stands in `codegen/target.py`;
`native.py` compiles for one.
"""

from __future__ import annotations

import contextlib
import os
import platform
from functools import cache
from pathlib import Path

from misstep.compiler.codegen.target import L1_BYTES, L1_SETS, L2_BYTES, LINE_BYTES, Target
from misstep.compiler.runtime.llvm import llvm
from misstep.errors import ArgumentError, NotYetError

__all__ = ["aarch64_target", "avx2_target", "avx512_target", "host_target"]

# The environment's way to ask for another target than the machine's own.
ENVIRONMENT_VARIABLE = "MISSTEP_TARGET"

# What LLVM calls the parts of each instruction set that generated code counts on.
AVX2 = ("avx2", "fma")
AVX512 = (*AVX2, "avx512f", "avx512vl", "avx512dq", "avx512bw")

# Products of pairs of bfloat16.
BFLOAT16 = "avx512bf16"

# Processors, as LLVM calls them, that begin one multiply-add of so many bytes in a cycle and not
# two (AMD's and Intel's manuals for optimizing). Xeons of one name have one unit or two, as parts
# of Zen 5 do; they count as two, which costs one unit up to 14 % (docs/decisions).
ONE_UNIT = {
    64: {"znver4", "cannonlake", "icelake-client", "rocketlake", "tigerlake"},
    32: {"znver1", "gracemont", "sierraforest", "grandridge"},
}
# Arm's cores for servers have two or four units of 128 bits, Apple's four. Tiles made for four lose
# nothing on two.
ARM_UNITS = 4
# Where the system does not tell: Arm's Neoverse (N1, V1, N2, V2) have 64 KiB in 4 ways, and at
# least 1 MiB (N2 also 512 KiB).
ARM_L1_BYTES, ARM_L1_SETS, ARM_L2_BYTES = 64 * 1024, 256, 1024 * 1024

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_TOLD_OF_CACHES = (
    "level",
    "type",
    "size",
    "number_of_sets",
    "ways_of_associativity",
    "coherency_line_size",
)


def host_target() -> Target:
    """Return the target of this machine, or the one that MISSTEP_TARGET asks for.

    MISSTEP_TARGET: `avx2` or `avx512` where this processor has it, or `host`: this machine's own,
    also where nobody has tried it yet. Raises ArgumentError for another word or for code that this
    processor can't run, and NotYetError for a machine without a compiler: the interpreter works
    everywhere.
    """
    requested = os.environ.get(ENVIRONMENT_VARIABLE, "").strip().lower()
    if requested in ("", "host"):
        return _own_target(untried=requested == "host")
    if requested not in ("avx2", "avx512"):
        raise ArgumentError(
            f"the environment's {ENVIRONMENT_VARIABLE}",
            needed="avx2, avx512 or host",
            got=repr(requested),
        )
    needed_features = AVX2 if requested == "avx2" else AVX512
    if lacking := [feature for feature in needed_features if not _features().get(feature)]:
        raise ArgumentError(
            f"the environment's {ENVIRONMENT_VARIABLE}",
            needed="instructions that this processor has",
            got=f"{requested}, and {', '.join(lacking)} not there",
            try_=f"without {ENVIRONMENT_VARIABLE}",
        )
    return avx2_target() if requested == "avx2" else avx512_target()


@cache
def avx2_target() -> Target:
    """Return the target that stands for x86-64 processors from 2013 on."""
    l1, l2 = _cache_bytes()
    units, (sets, line) = _multiply_adds(32), _cache_lines()
    return Target("avx2", _x86_triple(), "x86-64-v3", "", 32, 16, l1, l2, True, units, sets, line)


@cache
def avx512_target() -> Target:
    """Return the target that stands for x86-64 processors with AVX-512."""
    l1, l2 = _cache_bytes()
    units, (sets, line) = _multiply_adds(64), _cache_lines()
    return Target("avx512", _x86_triple(), "x86-64-v4", "", 64, 32, l1, l2, True, units, sets, line)


@cache
def aarch64_target() -> Target:
    """Return the target that stands for 64-bit ARM processors; its code is only generated here."""
    return Target(
        "aarch64",
        "aarch64-unknown-linux-gnu",
        "generic",
        "+neon",
        16,
        32,
        ARM_L1_BYTES,
        ARM_L2_BYTES,
        multiply_adds=ARM_UNITS,
        l1_sets=ARM_L1_SETS,
    )


@cache
def _own_target(untried: bool) -> Target:
    machine, system = platform.machine().lower(), platform.system()
    if machine in ("x86_64", "amd64"):
        features = _features()
        if not all(map(features.get, AVX2)):
            raise NotYetError(
                "native code for this processor", needed="AVX2 and FMA", got="neither, or one"
            )
        wide = all(map(features.get, AVX512))
        name, size, registers = ("avx512", 64, 32) if wide else ("avx2", 32, 16)
    elif machine in ("aarch64", "arm64"):
        name, size, registers = "aarch64", 16, 32
    else:
        raise NotYetError(
            "native code for this processor", needed="x86-64 or 64-bit ARM", got=repr(machine)
        )
    if (name == "aarch64" or system != "Linux") and not untried:
        raise NotYetError(
            "native code for this machine",
            needed="one on which it has been tried: Linux on x86-64",
            got=f"{system} on {machine}",
            try_=f"{ENVIRONMENT_VARIABLE}=host, and tell how it went",
        )
    arm = name == "aarch64"
    l1, l2 = _cache_bytes(*((ARM_L1_BYTES, ARM_L2_BYTES) if arm else (L1_BYTES, L2_BYTES)))
    sets, line = _cache_lines(ARM_L1_SETS if arm else L1_SETS)
    return Target(
        name,
        llvm().get_process_triple(),
        llvm().get_host_cpu_name(),
        _feature_text(),
        size,
        registers,
        l1,
        l2,
        multiply_adds=_multiply_adds(size),
        l1_sets=sets,
        line_bytes=line,
        bfloat16=name == "avx512" and bool(_features().get(BFLOAT16)),
    )


def _multiply_adds(vector_bytes: int) -> int:
    """Return how many multiply-adds of whole vectors this machine's cores begin in a cycle."""
    if vector_bytes not in ONE_UNIT:
        return ARM_UNITS
    return 1 if llvm().get_host_cpu_name() in ONE_UNIT[vector_bytes] else 2


def _x86_triple() -> str:
    """Return the triple of this system, or of Linux where LLVM would have to be asked in vain."""
    own = platform.system() != "Linux" and platform.machine().lower() in ("x86_64", "amd64")
    return llvm().get_process_triple() if own else "x86_64-unknown-linux-gnu"


@cache
def _features() -> dict[str, bool]:
    """Return LLVM's names of what this processor has and lacks, the system's consent included."""
    try:
        return dict(llvm().get_host_cpu_features())
    except RuntimeError:
        return {}


def _feature_text() -> str:
    return ",".join(f"{'+' if there else '-'}{name}" for name, there in sorted(_features().items()))


def _cache_bytes(l1: int = L1_BYTES, l2: int = L2_BYTES, folder: Path = _CACHES) -> tuple[int, int]:
    """Return the sizes of the first core's first cache for data and of its second one.

    `l1`, `l2`: what they are where the system does not tell.
    """
    sizes = {level: _kilobytes(told.get("size", "")) for level, told in _caches(folder).items()}
    return sizes.get("1") or l1, sizes.get("2") or l2


def _cache_lines(sets: int = L1_SETS, folder: Path = _CACHES) -> tuple[int, int]:
    """Return how many sets the first cache for data has, and how many bytes a line of it.

    `sets`: how many where the system does not tell all of it, or what it tells contradicts itself.
    """
    told = _caches(folder).get("1", {})
    names = ("number_of_sets", "coherency_line_size", "ways_of_associativity")
    try:
        count, line, ways = (int(told[name]) for name in names)
    except (KeyError, ValueError):
        return sets, LINE_BYTES
    whole = 0 < count * line * ways == _kilobytes(told.get("size", ""))
    return (count, line) if whole and min(count, line, ways) > 0 else (sets, LINE_BYTES)


def _caches(folder: Path) -> dict[str, dict[str, str]]:
    """Return what the system tells of the first core's caches for data, by level."""
    found: dict[str, dict[str, str]] = {}
    for index in sorted(folder.glob("index*")):
        told = {}
        for name in _TOLD_OF_CACHES:
            with contextlib.suppress(OSError, ValueError):
                told[name] = (index / name).read_text(encoding="ascii").strip()
        if told.get("type") in ("Data", "Unified"):
            found[told.get("level", "")] = told
    return found


def _kilobytes(text: str) -> int:
    """Return what "48K" says in bytes; 0 for other words."""
    number = text.removesuffix("K")
    return int(number) * 1024 if text.endswith("K") and number.isascii() and number.isdigit() else 0
