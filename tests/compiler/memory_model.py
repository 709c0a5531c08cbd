"""Which bytes each thread reads and writes in a step, worked out from its schedule.

`races(schedule)` finds bytes that one thread writes while another may read or write them, and
`lost(schedule)` reads of a buffer whose bytes were given to another one meanwhile. Both follow the
written schedule kernel by kernel and byte by byte; they know the rules of `lower.py` (who does
which rows, what every thread does), and nothing of how schedules and memory are planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from misstep.compiler.language.views import Buffer, View
from misstep.compiler.schedule.kernel import Kernel
from misstep.compiler.schedule.partition import ROWS_TOGETHER
from misstep.compiler.schedule.scheduling import Schedule
from misstep.ir import Array

Rows = tuple[int, int]
ALL: Rows = (0, 1 << 60)


@dataclass
class Access:
    """What a thread touches in one kernel: buffers with the bytes of each."""

    reads: list[tuple[Buffer, Array]] = field(default_factory=list)
    writes: list[tuple[Buffer, Array]] = field(default_factory=list)


class Memory:
    """Byte numbers of everything that a step touches, no two buffers of the caller overlapping."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self._starts: dict[Buffer, int] = dict(schedule.arena.starts)
        self.size = -(-schedule.arena.size // 64) * 64

    def bytes_of(self, view: View, rows: Rows, axis: int | None) -> Array:
        """Return the bytes of a view, of some rows along an axis only if there is one."""
        buffer = view.buffer
        item = np.dtype(buffer.dtype).itemsize
        if buffer not in self._starts:
            assert buffer.external
            self._starts[buffer] = self.size
            self.size += -(-max(buffer.size, 1) * item // 64) * 64
        entries = np.full((), view.offset)
        for index, (length, stride) in enumerate(zip(view.shape, view.strides, strict=True)):
            low, high = rows if index == axis and length > 1 else ALL
            places = np.arange(low, min(high, length))
            entries = entries[..., None] + places * stride
        starts = np.unique(entries) * item + self._starts[buffer]
        return (starts[:, None] + np.arange(item)).reshape(-1)


def share(rows: int, thread: int, threads: int) -> Rows:
    """Return the first row of a thread and the one behind its last."""
    blocks = -(-rows // ROWS_TOGETHER)
    low, high = (blocks * number // threads * ROWS_TOGETHER for number in (thread, thread + 1))
    return min(low, rows), min(high, rows)


def rounds(schedule: Schedule, threads: int) -> Iterator[list[list[Access]]]:
    """Yield the work between barriers: for each kernel in order, what each thread touches."""
    memory = Memory(schedule)
    fused, order = schedule.fused, schedule.partition
    first = [_start(memory, threads)]
    for index, region in enumerate(order.regions):
        work = [_kernel(memory, kernel, threads) for kernel in region]
        if index == len(order.regions) - 1 and fused.scalar_outputs:
            if len(order.regions) < 2 and _changes_states(schedule):
                yield first + work
                first, work = [], []
            work.append(_end(memory, threads))
        yield first + work
        first = []


def _changes_states(schedule: Schedule) -> bool:
    """Tell whether a scalar is the new one of a state."""
    given = {
        view.buffer
        for value, view in schedule.fused.storage.items()
        if value.op is None and view.buffer.external
    }
    return any(view.buffer in given for _, view in schedule.fused.scalar_outputs)


def _start(memory: Memory, threads: int) -> list[Access]:
    """Every thread works out the scalars that need no kernel."""
    fused = memory.schedule.fused
    read = set()
    for scalar in fused.scalars:
        # A kernel works out the sum of a leaf; a leaf of one entry, or an entry of one, is loaded.
        of_leaf = scalar.op is not None and scalar.op.moves
        leaves = [scalar, *scalar.inputs] if of_leaf else [scalar]
        read |= {value for value in leaves if value.op is None and value in fused.storage}
    access = Access([_bytes(memory, fused.storage[value]) for value in read])
    return [access] * threads


def _end(memory: Memory, threads: int) -> list[Access]:
    """The first thread stores the scalars that are wanted."""
    outputs = memory.schedule.fused.scalar_outputs
    return [Access(writes=[_bytes(memory, view) for _, view in outputs])] + [Access()] * (
        threads - 1
    )


def _bytes(memory: Memory, view: View) -> tuple[Buffer, Array]:
    return view.buffer, memory.bytes_of(view, ALL, None)


def _kernel(memory: Memory, kernel: Kernel, threads: int) -> list[Access]:
    fused = memory.schedule.fused
    accesses = []
    for thread in range(threads):
        rows = share(kernel.rows, thread, threads)
        works = rows[0] < rows[1]
        access = Access()
        if works or kernel.scalar:
            for read in fused.reads(kernel):
                if read.view is None:
                    continue
                axes = [
                    axis
                    for axis, position in enumerate(read.positions)
                    if position.start.text == "%axis0"
                ]
                axis = axes[0] if len(axes) == 1 and not kernel.scalar else None
                access.reads.append((read.view.buffer, memory.bytes_of(read.view, rows, axis)))
        if works:
            for _, view in kernel.results:
                access.writes.append((view.buffer, memory.bytes_of(view, rows, 0)))
        accesses.append(access)
    return accesses


def races(schedule: Schedule, threads: int) -> list[str]:
    """Return in words where two threads touch the same byte between two barriers, one writing."""
    every = list(rounds(schedule, threads))
    if not schedule.partition.closing and not _changes_states(schedule):
        every = [[kernel for work in every for kernel in work] * 2]  # steps follow each other
    size = 1 + max(
        (
            int(array.max(initial=0))
            for work in every
            for kernel in work
            for access in kernel
            for _, array in [*access.reads, *access.writes]
        ),
        default=0,
    )
    collisions = []
    for number, work in enumerate(every):
        for thread in range(threads):
            written = np.zeros(size, bool)
            for kernel in work:
                for _, array in kernel[thread].writes:
                    written[array] = True
            collisions += [
                f"region {number}: {buffer.name} touched by thread {other}, written by {thread}"
                for kernel in work
                for other in range(threads)
                if other != thread
                for buffer, array in [*kernel[other].reads, *kernel[other].writes]
                if written[array].any()
            ]
    return collisions


def lost(schedule: Schedule) -> list[str]:
    """Return in words which reads of a buffer find what was written for another."""
    buffers = list(schedule.arena.starts)
    owner = np.full(schedule.arena.size, -1)
    losses = []
    for work in rounds(schedule, 1):
        for (access,) in work:
            for buffer, touched in access.reads:
                if not buffer.external:
                    wrong = set(owner[touched].tolist()) - {buffers.index(buffer)}
                    words = ["nobody" if index < 0 else buffers[index].name for index in wrong]
                    losses += [f"{buffer.name} read, but written for {one}" for one in words]
            for buffer, touched in access.writes:
                if not buffer.external:
                    owner[touched] = buffers.index(buffer)
    return losses
