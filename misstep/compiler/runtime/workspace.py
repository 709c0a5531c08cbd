"""Memory that a native program works in: context, arena, and scratch memory for each thread.

The context begins with the block of `codegen/barrier.py`, here set for so many threads; the table
of `codegen/lower.py` stands behind it. Knows what lies where, not what is computed.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

import numpy as np
from numpy.typing import NDArray

from misstep.compiler.codegen.barrier import (
    CONTEXT_BYTES,
    LINE,
    MOST_SPINS,
    MOST_SPINS_AT,
    SPINS_AT,
    SYSTEM_AT,
)
from misstep.compiler.codegen.lower import ARENA, FIRST_SLOT, SCRATCH, SCRATCH_BYTES, LoweredProgram
from misstep.compiler.runtime.cores import usable_cores
from misstep.ir import Array

__all__ = ["Workspace", "address_of", "make_context", "set_waiting"]

ALIGNMENT = 128


class Workspace:
    """Memory that a program works in: context, arena, and scratch memory for each thread."""

    def __init__(self, lowered: LoweredProgram, threads: int) -> None:
        self.threads = threads
        self.context = make_context(threads, 8 * (FIRST_SLOT + len(lowered.slots)))
        self.address = address_of(self.context)
        self._arena = _aligned(lowered.schedule.arena.size)
        each = -(-lowered.scratch_bytes // ALIGNMENT) * ALIGNMENT
        self._scratch = _aligned(each * threads)
        self.table = self.context[CONTEXT_BYTES:].view(np.uint64)
        self.table[ARENA] = address_of(self._arena)
        self.table[SCRATCH] = address_of(self._scratch)
        self.table[SCRATCH_BYTES] = each


def make_context(threads: int, more_bytes: int = 0) -> NDArray[np.uint8]:
    """Return zeroed memory that begins with a block for `threads`, and has `more_bytes` behind it.

    Its address is a multiple of LINE. It must live as long as a program runs with it.
    """
    size = CONTEXT_BYTES + more_bytes
    room = np.zeros(size + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    context = room[start : start + size]
    set_waiting(context, threads)
    return context


def set_waiting(context: NDArray[np.uint8], threads: int) -> None:
    """Set how the threads of a context wait: asleep at once where there are not enough cores.

    Only while no program runs with it.
    """
    words = context[:CONTEXT_BYTES].view(np.uint64)
    most = MOST_SPINS if threads <= usable_cores() else 0
    if most != words[MOST_SPINS_AT // 8]:
        words[MOST_SPINS_AT // 8] = words[SPINS_AT // 8] = most
    words[SYSTEM_AT // 8] = _sleeping()


@cache
def _sleeping() -> int:
    """Return the address of what sleeps, as the code expects it.

    Generated code finds it in the context, so that it names no symbol.
    """
    library = ctypes.CDLL(None)
    function = library.syscall if sys.platform == "linux" else library.usleep
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def address_of(array: Array) -> int:
    """Return where the first entry of an array lies."""
    address: int = array.__array_interface__["data"][0]
    return address


def _aligned(size: int) -> Array:
    """Return zeroed bytes that begin at a multiple of ALIGNMENT."""
    room = np.zeros(size + ALIGNMENT, np.uint8)
    start = -address_of(room) % ALIGNMENT
    return room[start : start + size]
