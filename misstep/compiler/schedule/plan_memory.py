"""Where in one arena each stored value lies: buffers that are never alive together share a place.

Alive is counted in regions, since threads within one are not in step. Knows sizes and lifetimes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from misstep.compiler.language.views import Buffer
from misstep.compiler.schedule.kernel import FusedGraph
from misstep.compiler.schedule.partition import Partition

# Buffers start at the beginning of a cache line, the width of the widest vectors too.
ALIGNMENT = 64


@dataclass(frozen=True)
class Arena:
    """Bytes in all, and at which byte each buffer starts."""

    size: int
    starts: dict[Buffer, int]


def lifetimes(fused: FusedGraph, order: Partition) -> dict[Buffer, tuple[int, int]]:
    """Return the first and the last region in which each buffer is needed that is not external."""
    alive: dict[Buffer, tuple[int, int]] = {}

    def touch(buffer: Buffer, region: int) -> None:
        if not buffer.external:
            first, last = alive.get(buffer, (region, region))
            alive[buffer] = min(first, region), max(last, region)

    for number, region in enumerate(order.regions):
        for kernel in region:
            for _, view in kernel.results:
                touch(view.buffer, number)
            for read in fused.reads(kernel):
                if read.view is not None:
                    touch(read.view.buffer, number)
    for value in fused.scalars:
        # A scalar may be read from memory up to the end of a step.
        for operand in value.inputs:
            if operand in fused.storage:
                touch(fused.storage[operand].buffer, len(order.regions) - 1)
    return alive


def plan_memory(fused: FusedGraph, order: Partition) -> Arena:
    """Return where each buffer of `fused` that is not external lies."""
    alive = lifetimes(fused, order)
    placed: list[tuple[int, int, int, int]] = []
    starts: dict[Buffer, int] = {}
    for buffer, (first, last) in sorted(alive.items(), key=lambda item: -_bytes(item[0])):
        size = _bytes(buffer)
        start = 0
        for other, end, begin, until in sorted(placed):
            if until < first or last < begin:
                continue
            if start + size <= other:
                break
            start = max(start, end)
        starts[buffer] = start
        placed.append((start, start + size, first, last))
    return Arena(max((end for _, end, _, _ in placed), default=0), starts)


def _bytes(buffer: Buffer) -> int:
    size = max(buffer.size, 1) * np.dtype(buffer.dtype).itemsize
    return -(-size // ALIGNMENT) * ALIGNMENT
