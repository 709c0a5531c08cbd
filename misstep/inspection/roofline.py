"""What this machine can do at most: multiply-adds, and bytes from each cache and from memory.

Measured once for each number of threads, in about a tenth of a second, by loops that are generated
like any kernel: multiply-adds in registers only, and reading or copying what lies in a cache or in
memory. Of several tries the fastest counts, since other programs can only make them slower. Also
how long a tick of the clock of `codegen/timers.py` is. Knows no program; `profiling.py` compares
kernels with it.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial, reduce
from pathlib import Path
from typing import Any

import numpy as np

from misstep.compiler.codegen.target import Target
from misstep.compiler.codegen.timers import write_clock
from misstep.compiler.language.code import LLVM_TYPES, Code, Number
from misstep.compiler.runtime.cores import usable_cores
from misstep.compiler.runtime.native import NativeModule, compile_module
from misstep.compiler.runtime.thread_pool import CALL_ARGUMENTS, CALL_RESULT, THREAD_POOL
from misstep.ir import Array

__all__ = ["Level", "Roofline", "TickRate", "measured_roofline", "ticks_of_one_reading"]

# Sums in flight: more than two units that take four cycles each can work at (eight), or two of
# five cycles (ten); so many that a processor with 16 registers has room for them.
CHAINS_IN_32, CHAINS_IN_16 = 16, 12
# Rounds of the loops' bodies that stand one after the other, so that counting costs nothing.
UNROLLED = 8
# How long a try takes about, and how many there are.
SECONDS_OF_A_TRY = 4e-4
TRIES = 12
# What is certainly not in a cache (or, on a server with more of it, still in its last one).
MEMORY_BYTES = 64 * 1024 * 1024
# Tries of a whole walk through memory.
WALKS = 6

# What the functions find in their context, in entries of 8 bytes: how many rounds; then how many
# bytes each thread walks through, from where, and where it copies them to or leaves its results.
ROUNDS, BYTES, FROM, TO, CONTEXT = range(5)

DTYPES = ("float32", "float64")
_LAST_CACHE = Path("/sys/devices/system/cpu/cpu0/cache/index3/size")

# Readings of the clock one after the other, to know what one takes.
_READINGS = 1000


@dataclass(frozen=True)
class Level:
    """A place for data. `bytes`: what it holds for all threads together, or None: anything.

    `read`, `copy`: bytes a second of all threads together; a byte copied is one read and one
    written, and counts twice.
    """

    name: str
    bytes: int | None
    read: float
    copy: float

    def seconds(self, read: float, written: float) -> float:
        """Return how long it takes at best to read and write so many bytes."""
        both = min(read, written)
        return 2 * both / self.copy + (read - both) / self.read + (written - both) / self.copy


@dataclass(frozen=True)
class Roofline:
    """What so many threads together can do at most on this machine.

    `operations`: in multiply-adds, each of which is two, a second, by dtype. `separate`:
    additions and multiplications, half of each; some processors have units for both beside each
    other. `levels`: from the first cache to memory.
    """

    threads: int
    operations: dict[str, float]
    separate: dict[str, float]
    levels: tuple[Level, ...]

    def arithmetic(self, dtype: str, products: float, others: float) -> float:
        """Return the seconds that operations take at least: multiply-adds (two each) and others."""
        if dtype not in self.operations:
            dtype = "float32"
        instructions = products / 2 + others
        return max(products / self.operations[dtype], instructions / self.separate[dtype])

    def level(self, footprint: float) -> Level:
        """Return the nearest place that holds so many bytes (of all threads together)."""
        for level in self.levels:
            if level.bytes is not None and footprint <= level.bytes:
                return level
        return self.levels[-1]


@cache
def measured_roofline(target: Target, threads: int) -> Roofline:
    """Return what `threads` threads can do at most. Raises ArgumentError for a foreign target."""
    module = _module(target)
    # Threads beyond the cores add nothing.
    threads = min(threads, usable_cores())
    levels = []
    for name, holds in (("the first cache", target.l1_bytes), ("the second", target.l2_bytes)):
        read, copy = _walked(module, holds // 2, 1)
        levels.append(Level(name, holds * threads, read * threads, copy * threads))
    last = _last_cache_bytes()
    if last > target.l2_bytes * threads:
        # Beyond the caches of all cores, but far from full: others use it too.
        read, copy = _walked(module, min(4 * target.l2_bytes, last // (2 * threads)), threads)
        levels.append(Level("the last", last, read, copy))
    read, copy = _walked(module, MEMORY_BYTES // threads, threads)
    levels.append(Level("memory", None, read, copy))
    operations = {name: _arithmetic(target, "fma", name) * threads for name in DTYPES}
    separate = {name: _arithmetic(target, "separate", name) * threads for name in DTYPES}
    return Roofline(threads, operations, separate, tuple(levels))


# --- arithmetic -----------------------------------------------------------------------------------


def _chains(target: Target) -> int:
    return CHAINS_IN_32 if target.vector_registers >= 32 else CHAINS_IN_16


@cache
def _arithmetic(target: Target, how: str, dtype: str) -> float:
    """Return the operations a second of one core in registers only."""
    function = _module(target).function(_name(f"{how}_{dtype}"), CALL_RESULT, *CALL_ARGUMENTS)
    lanes = target.lanes(LLVM_TYPES[dtype])
    each = (2 if how == "fma" else 1) * lanes * _chains(target) * UNROLLED
    numbers = np.ones((_chains(target) + 1) * lanes, dtype)
    context = np.zeros(CONTEXT, np.uint64)
    context[TO] = numbers.ctypes.data

    def run(rounds: int) -> None:
        context[ROUNDS] = rounds
        function(context.ctypes.data, 0, 1)

    rounds, seconds = _fastest(run)
    return rounds * each / seconds


def _write_arithmetic(code: Code, target: Target, how: str, dtype: str) -> None:
    """Write rounds of a · 1 + 1, or of a · 1 in every other chain and a + 1 in the rest.

    The 1 is a number that nobody knows before. Sums grow to 2²⁴ at least, and stay; no number comes
    near those that some processors are slow with.
    """
    llvm_type, size = LLVM_TYPES[dtype], target.vector_bytes
    lanes = target.lanes(llvm_type)
    to = _entry(code, TO, "ptr")
    addresses = [
        code.address(to, code.index(chain * size), "i8") for chain in range(_chains(target))
    ]
    first = [code.load(address, llvm_type, lanes) for address in addresses]
    unit = code.load(code.address(to, code.index(len(addresses) * size), "i8"), llvm_type, lanes)
    with code.loop(code.index(0), _entry(code, ROUNDS, "i64"), loop_carried=first) as loop:
        values = loop.values
        for _ in range(UNROLLED):
            values = [
                code.fma(number, unit, unit)
                if how == "fma"
                else (code.multiply if index % 2 else code.add)(number, unit)
                for index, number in enumerate(values)
            ]
        loop.next = values
    for address, value in zip(addresses, loop.results, strict=True):
        code.store(value, address)


# --- bytes ----------------------------------------------------------------------------------------


def _walked(module: NativeModule, each: int, threads: int) -> tuple[float, float]:
    """Return bytes a second, read and copied, when each thread has `each` bytes for itself."""
    # Written once, or the system would give all pages out of one.
    line = 4096
    each = each // (2 * line) * 2 * line
    room = np.ones(each * threads + line, np.uint8)
    start = -room.ctypes.data % line
    left = np.zeros(threads * 8 * UNROLLED, np.uint64)
    context = np.zeros(CONTEXT, np.uint64)
    context[FROM] = room.ctypes.data + start

    def rate(name: str, walked: int, to: Array, apart: int) -> float:
        function = module.function(_name(name), CALL_RESULT, *CALL_ARGUMENTS)
        context[TO] = to.ctypes.data + apart
        context[BYTES] = walked

        def run(rounds: int) -> None:
            context[ROUNDS] = rounds
            THREAD_POOL.run(function, context.ctypes.data, threads, (room, left, context))

        rounds, seconds = _fastest(run, WALKS if walked * threads > MEMORY_BYTES // 4 else TRIES)
        return rounds * each * threads / seconds

    return rate("read", each, left, 0), rate("copy", each // 2, room, start + threads * each // 2)


def _write_walk(code: Code, target: Target, *, copying: bool) -> None:
    """Write walks from `FROM` on, this thread's part, that read everything, or copy it to `TO`."""
    lanes, size = target.vector_bytes // 8, target.vector_bytes
    bytes_ = _entry(code, BYTES, "i64")
    apart = code.multiply(bytes_, Number("%thread", "i64"))
    start = code.address(_entry(code, FROM, "ptr"), apart, "i8")
    to = _entry(code, TO, "ptr")
    target_start = code.address(to, apart, "i8")
    zeros = [code.constant(0, "i64", lanes)] * (0 if copying else UNROLLED)
    with code.loop(code.index(0), _entry(code, ROUNDS, "i64"), loop_carried=zeros) as walks:
        with code.loop(code.index(0), bytes_, UNROLLED * size, walks.values) as loop:
            here = code.address(start, loop.index, "i8")
            there = code.address(target_start, loop.index, "i8")
            loaded = [
                code.load(code.address(here, code.index(size * vector), "i8"), "i64", lanes)
                for vector in range(UNROLLED)
            ]
            if copying:
                for vector, value in enumerate(loaded):
                    code.store(value, code.address(there, code.index(size * vector), "i8"))
            else:
                loop.next = [code.or_(a, b) for a, b in zip(loop.values, loaded, strict=True)]
        walks.next = loop.results
    if not copying:
        left = reduce(code.or_, walks.results)
        own = code.multiply(Number("%thread", "i64"), code.index(8 * UNROLLED))
        code.store(code.lane(left, 0), code.address(to, own, "i64"))


def _last_cache_bytes(path: Path = _LAST_CACHE) -> int:
    """Return the size of the cache that cores share, or 0 where the system does not tell."""
    try:
        text = path.read_text(encoding="ascii").strip()
        return int(text[:-1]) * 1024 if text.endswith("K") else 0
    except (OSError, ValueError):
        return 0


# --- the clock ------------------------------------------------------------------------------------


@cache
def ticks_of_one_reading(target: Target) -> float:
    """Return how many ticks a reading of the clock takes."""
    many = _module(target).function(_name("readings"), ctypes.c_int64, *CALL_ARGUMENTS)
    return float(min(many(None, 0, 1) for _ in range(TRIES))) / _READINGS


class TickRate:
    """Finds out how long a tick is, from its making to `seconds`: the longer, the better."""

    def __init__(self, target: Target) -> None:
        self._read = _module(target).function(_name("clock"), ctypes.c_int64, *CALL_ARGUMENTS)
        self._began = self._both()

    def _both(self) -> tuple[float, int]:
        # The reading between two looks at the other clock that are closest together.
        readings = []
        for _ in range(5):
            before = time.perf_counter()
            ticks = self._read(None, 0, 1)
            after = time.perf_counter()
            readings.append((after - before, (before + after) / 2, ticks))
        _, seconds, ticks = min(readings)
        return seconds, ticks

    def seconds(self) -> float:
        """Return the seconds of a tick."""
        (began, first), (ended, last) = self._began, self._both()
        return (ended - began) / max(last - first, 1)


# --- code -----------------------------------------------------------------------------------------


def _fastest(run: Callable[[int], None], tries: int = TRIES) -> tuple[int, float]:
    """Return rounds and the seconds that they took, of the fastest try."""
    rounds, seconds = 1, 0.0
    while True:
        began = time.perf_counter()
        run(rounds)
        seconds = time.perf_counter() - began
        if seconds >= SECONDS_OF_A_TRY / 2:
            break
        rounds *= 2
    for _ in range(tries - 1):
        began = time.perf_counter()
        run(rounds)
        seconds = min(seconds, time.perf_counter() - began)
    return rounds, seconds


def _name(what: str) -> str:
    return f"misstep_roofline_{what}"


def _entry(code: Code, number: int, llvm_type: str) -> Number:
    context = Number("%context", "ptr")
    return code.load(code.address(context, code.index(number), "i64"), llvm_type)


@cache
def _module(target: Target) -> NativeModule:
    """Return all the loops, compiled."""
    declarations: set[str] = set()
    texts: list[str] = []

    def add(name: str, write: Callable[[Code], Number | None], result: str = "i32") -> None:
        code = Code(declarations)
        number = write(code) or Number("0", result)
        arguments = "(ptr %context, i64 %thread, i64 %threads)"
        head = f"define {result} @{_name(name)}{arguments} {target.function_attributes} {{"
        texts.append("\n".join([head, "entry:", *code.lines, f"  ret {number}", "}"]))

    def readings(code: Code) -> Any:
        first = write_clock(code)
        with code.loop(0, _READINGS):
            write_clock(code)
        return code.subtract(write_clock(code), first)

    for dtype in DTYPES:
        for how in ("fma", "separate"):
            write = partial(_write_arithmetic, target=target, how=how, dtype=dtype)
            add(f"{how}_{dtype}", write)
    add("read", lambda code: _write_walk(code, target, copying=False))
    add("copy", lambda code: _write_walk(code, target, copying=True))
    add("clock", write_clock, "i64")
    add("readings", readings, "i64")
    return compile_module("\n".join([*sorted(declarations), *texts, ""]), target)
