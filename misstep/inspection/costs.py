"""What a kernel has to do: operations, and bytes read and written; from its shapes alone.

A multiply-add of a matrix product is two operations; every other op costs as many as it says of
itself (`Op.cost`: about so many additions), each time an entry is worked out. Bytes are counted
once, however often a kernel comes back to them: it is what must be moved at least. `profiling.py`
holds this against the time that a kernel took. Knows kernels; knows no processor.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from misstep.compiler.language.code import LLVM_TYPES, Number
from misstep.compiler.language.element_code import ElementCode
from misstep.compiler.language.elements import Elements, Positions
from misstep.compiler.language.views import Buffer, View
from misstep.compiler.schedule.kernel import FusedGraph, Kernel
from misstep.compiler.schedule.kernel_classes import kernel_class_of
from misstep.compiler.schedule.reads import positions_of
from misstep.compiler.schedule.scheduling import Schedule
from misstep.ir import Value

__all__ = ["Cost", "buffer_bytes", "cost_of", "footprint_of", "steps_of"]

# A row's number, where rows are gathered by number.
_ROW_NUMBER_BYTES = 8


@dataclass(frozen=True)
class Cost:
    """What a kernel does in one step, by all threads together.

    `products`: operations of matrix products. `others`: all other operations. `read`, `written`:
    bytes in memory of the program's own. `outside_read`, `outside_written`: in the caller's arrays,
    such as parameters and data. `dtype`: that most of it is in.
    """

    products: int
    others: float
    read: int
    written: int
    outside_read: int
    outside_written: int
    dtype: str

    @property
    def operations(self) -> float:
        """Return all operations."""
        return self.products + self.others

    @property
    def bytes(self) -> int:
        """Return all bytes, read and written."""
        return self.read + self.written + self.outside_read + self.outside_written


def cost_of(kernel: Kernel, fused: FusedGraph) -> Cost:
    """Return what `kernel` does in a step."""
    count = _Counting(fused)
    anchor = kernel.anchor
    products, others = 0, 0.0
    entries = int(np.prod(kernel.shape, dtype=np.int64))
    kernel_class = kernel_class_of(anchor)
    if (
        anchor is not None
        and anchor.op is not None
        and kernel_class is not None
        and kernel_class.in_memory
    ):
        products = 2 * anchor.op.products(anchor)
    elif anchor is not None:
        inner = 0
        for operand in anchor.inputs:
            before = count.cost
            count.read(operand, positions_of(operand.shape, "summed"))
            others += (count.cost - before) * operand.size
            inner = max(inner, operand.size)
        others += inner
    if kernel.gathered is None:
        before = count.cost
        count.results(kernel)
        others += (count.cost - before) * entries
    moved = {True: [0, 0], False: [0, 0]}
    for view, touched in _reads(kernel, fused).items():
        moved[view.buffer.external][0] += touched * _item(view.buffer)
    for view in {view for _, view in kernel.results}:
        moved[view.buffer.external][1] += _distinct(view) * _item(view.buffer)
    if kernel.gathered is not None:
        ((value, view),) = kernel.results
        moved[True][0] += value.size * _item(view.buffer) + _ROW_NUMBER_BYTES * kernel.rows
    (read, written), (outside_read, outside_written) = moved[False], moved[True]
    dtype = (
        anchor.dtype
        if anchor is not None
        else next((value.dtype for value, _ in kernel.results), "float32")
    )
    return Cost(products, others, read, written, outside_read, outside_written, dtype)


def steps_of(kernel: Kernel, fused: FusedGraph) -> list[Value]:
    """Return what `kernel` works out entry by entry, in an order of computation; no moves."""
    count = _Counting(fused)
    kernel_class = kernel_class_of(kernel.anchor)
    if kernel.anchor is not None and kernel_class is not None and not kernel_class.in_memory:
        for operand in kernel.anchor.inputs:
            count.read(operand, positions_of(operand.shape, "summed"))
    if kernel.gathered is None:
        count.results(kernel)
    return list(dict.fromkeys(count.worked_out))


def buffer_bytes(buffer: Buffer) -> int:
    """Return the bytes of a buffer."""
    return buffer.size * _item(buffer)


def footprint_of(schedule: Schedule) -> int:
    """Return the bytes that a step goes through: its own memory and the caller's arrays.

    Of data whose rows are gathered, only the rows of a step.
    """
    buffers = {
        view.buffer: None
        for kernel in schedule.fused.kernels
        for view in (
            *(view for _, view in kernel.results),
            *(read.view for read in schedule.fused.reads(kernel) if read.view is not None),
        )
        if view.buffer.external
    }
    return schedule.arena.size + sum(map(buffer_bytes, buffers))


def _item(buffer: Buffer) -> int:
    return int(np.dtype(buffer.dtype).itemsize)


def _distinct(view: View) -> int:
    """Return how many entries of memory a view shows; repeated ones count once."""
    lengths = [
        length
        for length, stride in zip(view.shape, view.strides, strict=True)
        if stride or not length
    ]
    return int(np.prod(lengths, dtype=np.int64))


def _reads(kernel: Kernel, fused: FusedGraph) -> dict[View, int]:
    """Return the views that a kernel reads, and how many entries of each at most."""
    entries = int(np.prod(kernel.shape, dtype=np.int64))
    if kernel.anchor is not None:
        entries = max(entries, *(operand.size for operand in kernel.anchor.inputs))
    entries_of: dict[View, int] = {}
    for read in fused.reads(kernel):
        if read.view is not None:
            entries_of[read.view] = min(_distinct(read.view), entries)
    return entries_of


@dataclass
class _Counting:
    """Works entries out as the compiler does, into code that is thrown away, and adds up."""

    fused: FusedGraph
    worked_out: list[Value] = field(default_factory=list)
    cost: float = 0.0

    def __post_init__(self) -> None:
        self._elements = _CountingElements(
            ElementCode(),
            self.fused.storage,
            lambda buffer: Number("%base", "ptr"),
            lambda scalar: (
                Number("%scalar", LLVM_TYPES[scalar.dtype])
                if scalar in self.fused.scalars
                else None
            ),
        )
        self._elements.count = self

    def read(self, value: Value, here: Positions) -> Number:
        """Read an entry, which works it out unless it is stored."""
        return self._elements.read(value, here)

    def results(self, kernel: Kernel) -> None:
        """Work out the results of a kernel from an entry of its anchor."""
        here = positions_of(kernel.shape)
        registers = self._elements.registers
        if kernel.anchor is not None:
            registers[kernel.anchor, here] = Number("%anchor", LLVM_TYPES[kernel.anchor.dtype])
        for value, view in kernel.results:
            if (value, here) in registers:
                continue
            if self.fused.storage.get(value) == view and value.op is not None:
                registers[value, here] = self._elements.work_out(value, here)
            else:
                registers[value, here] = self._elements.read(value, here)


class _CountingElements(Elements):
    count: _Counting

    def work_out(self, value: Value, positions: Positions) -> Number:
        assert value.op is not None
        number = super().work_out(value, positions)
        if not value.op.moves:
            self.count.cost += value.op.cost
            self.count.worked_out.append(value)
        return number
