"""The classes of kernels with loops of their own: what each reads, and how it lies in memory.

An op names its class (`Op.kernel`); nothing else in the compiler asks which op it is. A new class
is an entry here, and one in `codegen/kernels/` that writes its loops. Knows values and views, no
code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from misstep.compiler.language.views import View
from misstep.compiler.schedule.reads import Read, base_of, positions_of, reads_of
from misstep.ir import Value

Storage = Mapping[Value, View]


@dataclass(frozen=True)
class KernelClass:
    """What the compiler must know of a class of kernels before it writes one.

    `reads`: what the inner loops read; positions along the axes of the result are those of the
    result, along summed ones others. `in_memory`: whether operands are read through views, so that
    their bases must be stored. `ends_entries`: whether an entry is done before the next ones are,
    so that what follows from it can be worked out while it is in a register. `order`: the axes of
    the result in the order in which it lies in memory, where that is not their own.
    """

    reads: Callable[[Value, Storage, set[Value]], list[Read]]
    in_memory: bool = False
    ends_entries: bool = True
    order: tuple[int, ...] | None = None


def kernel_class_of(value: Value | None) -> KernelClass | None:
    """Return the class of the kernel that computes `value`, if it takes one of its own."""
    return None if value is None or value.op is None else KERNEL_CLASSES.get(value.op.kernel)


def anchor_reads(anchor: Value, storage: Storage, scalars: set[Value]) -> list[Read]:
    """Return what the inner loops of a kernel with this anchor op read."""
    kernel_class = kernel_class_of(anchor)
    assert kernel_class is not None
    return kernel_class.reads(anchor, storage, scalars)


def work_of(shape: tuple[int, ...], anchor: Value | None) -> int:
    """Return about how many multiply-adds, or entries worked out, a kernel has to do."""
    products = anchor.op.products(anchor) if anchor is not None and anchor.op is not None else 0
    if products:
        return products
    sizes = [operand.size for operand in anchor.inputs] if anchor is not None else []
    return max([math.prod(shape), *sizes])


def _contraction_reads(anchor: Value, storage: Storage, scalars: set[Value]) -> list[Read]:
    reads: list[Read] = []
    here = positions_of(anchor.shape)
    for index, operand in enumerate(anchor.inputs):
        batch = here[: anchor.ndim - 2][anchor.ndim - operand.ndim :]
        summed = positions_of((1,), "summed")[0]
        own = (here[-2], summed) if index == 0 else (summed, here[-1])
        reads.append(Read(operand, base_of(operand, storage), storage[operand], (*batch, *own)))
    return reads


def _convolution_reads(anchor: Value, storage: Storage, scalars: set[Value]) -> list[Read]:
    x, weight = anchor.inputs
    here = positions_of(anchor.shape)
    seen = (here[0], *positions_of(x.shape[1:], "summed"))
    own = (positions_of((1,), "summed")[0], here[-1])
    return [
        Read(operand, base_of(operand, storage), storage[operand], where)
        for operand, where in ((x, seen), (weight, own))
    ]


def _window_products_reads(anchor: Value, storage: Storage, scalars: set[Value]) -> list[Read]:
    x, upstream = anchor.inputs
    seen = positions_of(x.shape, "summed")
    beside = (*positions_of(upstream.shape[:-1], "summed"), positions_of(anchor.shape)[-1])
    return [
        Read(operand, base_of(operand, storage), storage[operand], where)
        for operand, where in ((x, seen), (upstream, beside))
    ]


def _scatter_reads(anchor: Value, storage: Storage, scalars: set[Value]) -> list[Read]:
    here = positions_of(anchor.shape)
    base, positions, updates = anchor.inputs
    which = positions_of(positions.shape, "summed")
    reads = reads_of(base, here, storage, scalars, set())
    reads += reads_of(positions, which, storage, scalars, set())
    return reads + reads_of(updates, (*which, *here[1:]), storage, scalars, set())


def _reduction_reads(anchor: Value, storage: Storage, scalars: set[Value]) -> list[Read]:
    (operand,) = anchor.inputs
    axes, keep = anchor.op.axes, anchor.op.keep  # type: ignore[union-attr]
    here = positions_of(anchor.shape)
    dropped = {axis % operand.ndim for axis in axes} if operand.ndim else set()
    kept = [axis for axis in range(operand.ndim) if axis not in dropped]
    outer = (
        [position for axis, position in enumerate(here) if axis not in dropped]
        if keep
        else list(here)
    )
    where = list(positions_of(operand.shape, "summed"))
    for axis, position in zip(kept, outer, strict=True):
        where[axis] = position
    return reads_of(operand, tuple(where), storage, scalars, set())


def _scan_reads(anchor: Value, storage: Storage, scalars: set[Value]) -> list[Read]:
    here = positions_of(anchor.shape)
    reads: list[Read] = []
    for index, operand in enumerate(anchor.inputs):
        where = positions_of(operand.shape, "summed")
        if index <= anchor.op.sequences:  # type: ignore[union-attr]
            where = (here[0], *where[1:])
        reads.append(Read(operand, base_of(operand, storage), storage[operand], where))
    return reads


KERNEL_CLASSES: dict[str, KernelClass] = {
    "contraction": KernelClass(_contraction_reads, in_memory=True),
    "convolution": KernelClass(_convolution_reads, in_memory=True),
    "window products": KernelClass(_window_products_reads, in_memory=True),
    "reduction": KernelClass(_reduction_reads),
    "scatter": KernelClass(_scatter_reads),
    # Step after step: what all rows leave at a step stands together, and so steps that follow each
    # other can be read as one stretch, from any step on.
    "scan": KernelClass(_scan_reads, in_memory=True, ends_entries=False, order=(1, 0, 2)),
}
