"""What a kernel is, and all kernels of a graph together with where their results lie.

A kernel is one nest of loops over the entries of a shape. Its anchor op, if it has one, takes
loops of its own (a matrix product, a sum along axes). Knows values, views and reads; how kernels
come about stands in `fuse.py`, their order in `partition.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from misstep.compiler.language.views import View
from misstep.compiler.schedule.kernel_classes import anchor_reads
from misstep.compiler.schedule.reads import Read, positions_of, reads_of
from misstep.ir import Graph, Value

__all__ = ["FusedGraph", "Kernel", "kernel_reads", "kernels_of_scalar"]


@dataclass(eq=False)
class Kernel:
    """One nest of loops.

    `shape`: over which entries, those of the results. `anchor`: the value of the anchor op, whose
    loops stand inside, or None. `results`: what is stored, and where. `number`: kernels read only
    from kernels of smaller numbers, or their own entry. `scalar`: the result is one number, worked
    out by each thread for itself. `gathered`: the input whose rows it gathers, or None.
    """

    shape: tuple[int, ...]
    number: int
    anchor: Value | None = None
    results: list[tuple[Value, View]] = field(default_factory=list)
    scalar: bool = False
    gathered: Value | None = None

    @property
    def rows(self) -> int:
        """Return how many rows (along its first axis) the threads share out."""
        return self.shape[0] if self.shape else 1

    @property
    def name(self) -> str:
        """Return a name for people."""
        if self.gathered is not None:
            return f"fetch {self.gathered.name}"
        names = [value.name for value, _ in self.results if value.name]
        anchor = self.anchor
        head = anchor.op.name if anchor is not None and anchor.op is not None else "each"
        return f"{head} → {', '.join(names)}" if names else head


@dataclass(eq=False)
class FusedGraph:
    """Kernels in an order of computation, and where every stored value lies.

    `scalars`: values that are one number, worked out without memory by every thread. `makers`: the
    kernels that make a stored value. `scalar_outputs`: scalars that the caller wants.
    """

    graph: Graph
    kernels: list[Kernel]
    storage: dict[Value, View]
    scalars: set[Value]
    makers: dict[Value, set[Kernel]]
    scalar_outputs: list[tuple[Value, View]]
    _reads: dict[Kernel, list[Read]] = field(default_factory=dict, repr=False)

    @cached_property
    def input_bytes(self) -> int:
        """Return the bytes of all that the graph is given: of rows, those that it takes at once."""
        return sum(value.size * np.dtype(value.dtype).itemsize for value in self.graph.inputs)

    def reads(self, kernel: Kernel) -> list[Read]:
        """Return every read from memory, but those of the kernel's own entry."""
        if kernel not in self._reads:
            self._reads[kernel] = kernel_reads(kernel, self.storage, self.scalars)
        return self._reads[kernel]

    def kernels_of_scalar(self, value: Value) -> set[Kernel]:
        """Return the kernels from whose results a scalar is worked out."""
        return kernels_of_scalar(value, self.makers, self.scalars)


def kernels_of_scalar(
    value: Value, makers: Mapping[Value, set[Kernel]], scalars: set[Value]
) -> set[Kernel]:
    """Return the kernels from whose results a scalar is worked out.

    `makers`: the kernels that make a value. `scalars`: the values that are scalars.
    """
    kernels: set[Kernel] = set()
    waiting, seen = [value], set()
    while waiting:
        value = waiting.pop()
        if value not in seen:
            seen.add(value)
            folds = {kernel for kernel in makers.get(value, ()) if kernel.scalar}
            kernels |= folds
            if value in scalars and not folds:
                waiting += value.inputs
    return kernels


def kernel_reads(kernel: Kernel, storage: Mapping[Value, View], scalars: set[Value]) -> list[Read]:
    """Return every read from memory that a kernel makes, but those of its own entry."""
    all_reads: list[Read] = []
    here = positions_of(kernel.shape)
    own: set[Value] = set() if kernel.anchor is None else {kernel.anchor}
    for value, view in kernel.results:
        if kernel.gathered is not None:
            break
        if value is not kernel.anchor:
            recomputed = {value} if storage.get(value) == view else set()
            in_registers = own - recomputed
            reads = reads_of(value, here, storage, scalars, recomputed)
            all_reads += [
                read
                for read in reads
                if not (read.value in in_registers and read.positions == here)
            ]
        own.add(value)
    if kernel.anchor is not None:
        all_reads += anchor_reads(kernel.anchor, storage, scalars)
    return all_reads
