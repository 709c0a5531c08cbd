"""In which order kernels run, and where threads must wait for each other.

Parallel means: the rows of every result are shared out, always in the same way for the same number
of rows. A thread may go on to a kernel that reads only rows which it made itself; where a kernel
reads rows of others, a barrier stands before it. Kernels between two barriers are a region. Knows
kernels and what they read; knows no code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from misstep.compiler.language.views import Buffer, View
from misstep.compiler.schedule.kernel import FusedGraph, Kernel
from misstep.compiler.schedule.reads import Read, positions_of
from misstep.errors import MisstepError
from misstep.ir import Value

# Threads share rows out in groups of so many: the tallest tile of a matrix product.
ROWS_TOGETHER = 8


class InPlaceError(MisstepError):
    """A result can't take the place of an input, since the old numbers are needed beside it."""


@dataclass(frozen=True)
class Partition:
    """Regions of kernels; between two of them stands a barrier.

    `closing`: whether a barrier must also stand between two steps. `guard`: the scalar after
    which a step may still end without a trace: it is known before the first state is written.
    """

    regions: list[list[Kernel]]
    closing: bool
    guard: Value | None


def partition(
    fused: FusedGraph, states: Collection[Buffer], guard: Value | None = None
) -> Partition:
    """Return the order of the kernels of `fused`.

    `states`: buffers whose old numbers a step reads and whose new ones it writes. Raises
    InPlaceError when old numbers would be needed after they are gone.
    """
    needs = _needs(fused, set(states), guard)
    late = _late(fused, set(states))
    region_of: dict[Kernel, int] = {}
    regions: list[list[Kernel]] = []
    waiting = list(fused.kernels)
    while waiting:
        number = len(regions)
        region: list[Kernel] = []
        grew = True
        while grew:
            grew = False
            for kernel in list(waiting):
                ready = all(
                    before in region_of and (region_of[before] < number or aligned)
                    for before, aligned in needs[kernel].items()
                )
                if ready and (number or kernel not in late):
                    region_of[kernel] = number
                    region.append(kernel)
                    waiting.remove(kernel)
                    grew = True
        if not region and (number or not late):
            raise InPlaceError(
                "the order of kernels",
                needed="one in which old numbers are read before new ones",
                got=f"a ring of {len(waiting)}",
            )
        regions.append(region)
    _fill_late(fused, regions, needs)
    written = any(view.buffer in states for kernel in fused.kernels for _, view in kernel.results)
    return Partition(regions, len(regions) > 1 or written, guard)


def _fill_late(
    fused: FusedGraph, regions: list[list[Kernel]], needs: Mapping[Kernel, Mapping[Kernel, bool]]
) -> None:
    """Move kernels that read nothing, such as zeros around entries, to what is made beside them.

    Their buffer is then not kept for them from the beginning of a step on. Never past a barrier
    that somebody who reads them needs.
    """
    region_of = {kernel: number for number, region in enumerate(regions) for kernel in region}
    made_beside: dict[Buffer, int] = {}
    for kernel, number in region_of.items():
        if kernel.gathered is not None or fused.reads(kernel):
            for _, view in kernel.results:
                made_beside[view.buffer] = min(made_beside.get(view.buffer, number), number)
    for kernel, number in region_of.items():
        buffers = {view.buffer for _, view in kernel.results}
        if kernel.gathered is not None or kernel.scalar or fused.reads(kernel) or needs[kernel]:
            continue
        if not buffers or not all(
            buffer in made_beside and not buffer.external for buffer in buffers
        ):
            continue
        latest = [
            region_of[reader] - (0 if before[kernel] else 1)
            for reader, before in needs.items()
            if kernel in before
        ]
        target_region = min([made_beside[buffer] for buffer in buffers] + latest)
        if target_region > number:
            regions[number].remove(kernel)
            regions[target_region].insert(0, kernel)


def rows_are_independent(fused: FusedGraph, order: Partition, names: Collection[str]) -> bool:
    """Tell whether no row of a result depends on other rows of the inputs with these names.

    So it is where no thread reads what another made, nothing is one number for all, and each row of
    a kernel reads nothing of those inputs but the same row.
    """
    if len(order.regions) > 1 or any(kernel.scalar for kernel in fused.kernels):
        return False

    def is_given(value: Value) -> bool:
        return value.op is None and value.name in names and value.ndim > 0

    if any(is_given(value) for scalar in fused.scalars for value in (scalar, *scalar.inputs)):
        return False
    return all(
        kernel.rows == read.base.shape[0] and _own_row(read, fused.storage[read.base], kernel)
        for kernel in fused.kernels
        for read in fused.reads(kernel)
        if is_given(read.base)
    )


def _late(fused: FusedGraph, states: set[Buffer]) -> set[Kernel]:
    """Return kernels that write a state of which every thread reads numbers as a step begins."""
    read = {
        fused.storage[value].buffer
        for scalar in fused.scalars
        for value in (scalar, *scalar.inputs)
        if value.op is None and value in fused.storage
    }
    return {
        kernel
        for kernel in fused.kernels
        if any(view.buffer in states and view.buffer in read for _, view in kernel.results)
    }


def _needs(
    fused: FusedGraph, states: set[Buffer], guard: Value | None
) -> dict[Kernel, dict[Kernel, bool]]:
    """Return for each kernel which ones must come before it, and whether own rows are enough."""
    needs: dict[Kernel, dict[Kernel, bool]] = {kernel: {} for kernel in fused.kernels}
    reads = {kernel: fused.reads(kernel) for kernel in fused.kernels}

    def need(kernel: Kernel, before: Kernel, aligned: bool) -> None:
        needs[kernel][before] = needs[kernel].get(before, True) and aligned

    for kernel in fused.kernels:
        for read in reads[kernel]:
            for scalar in read.scalars:
                for maker in fused.kernels_of_scalar(scalar):
                    need(kernel, maker, True)
            # A scalar is worked out by every thread, even where it has a place in memory.
            for maker in () if read.view is None else fused.makers.get(read.base, ()):
                if maker is not kernel:
                    result_view = next(
                        (view for value, view in maker.results if value is read.base), None
                    )
                    result_view = result_view or _joined_by_rows(read.base, maker, fused)
                    if result_view is None or not _share_alike(kernel, maker):
                        need(kernel, maker, False)
                    else:
                        need(kernel, maker, _own_row(read, result_view, kernel))
                elif not kernel.scalar:
                    raise InPlaceError(f"the kernel {kernel.name}", got="a read of itself")
    leaves: dict[Buffer, list[tuple[Kernel, Read]]] = defaultdict(list)
    for kernel in fused.kernels:
        for read in reads[kernel]:
            if read.view is not None and read.base.op is None and read.base not in fused.makers:
                leaves[read.view.buffer].append((kernel, read))
    guards = fused.kernels_of_scalar(guard) if guard is not None else set()
    for kernel in fused.kernels:
        for value, view in kernel.results:
            if view.buffer not in states:
                continue
            for before in guards:
                need(kernel, before, True)
            for reader, read in leaves[view.buffer]:
                assert read.view is not None
                if not read.view.overlaps(view):
                    continue
                if reader is not kernel:
                    own = _share_alike(reader, kernel) and _own_row(read, view, reader)
                    need(kernel, reader, own)
                elif not _same_entry(read, view, kernel):
                    raise InPlaceError(
                        f"the new numbers of {value.name}", needed="to be read entry by entry"
                    )
    return needs


def _joined_by_rows(base: Value, maker: Kernel, fused: FusedGraph) -> View | None:
    """Return where a join lies if its pieces by `maker` are parts of rows with the same numbers."""
    whole = fused.storage.get(base)
    if whole is None or not whole.shape or maker.rows != whole.shape[0]:
        return None
    parts = [view for _, view in maker.results if view.buffer is whole.buffer]
    row = abs(whole.strides[0])
    aside = [
        view
        for view in parts
        if view.strides[0] != whole.strides[0] or not 0 <= view.offset - whole.offset < row
    ]
    return None if aside or not parts else whole


def _same_entry(read: Read, view: View, kernel: Kernel) -> bool:
    """Tell whether a kernel reads, for each of its entries, just the one that it writes there."""
    assert read.view is not None
    if read.view.buffer is not view.buffer or read.view.offset != view.offset:
        return False
    own = {position.start.text: axis for axis, position in enumerate(positions_of(kernel.shape))}
    strides = [0] * len(kernel.shape)
    for position, length, stride in zip(
        read.positions, read.view.shape, read.view.strides, strict=True
    ):
        if length == 1:
            continue
        if position.start.text not in own:
            return False
        strides[own[position.start.text]] += stride
    return tuple(strides) == view.strides


def _share_alike(kernel: Kernel, other: Kernel) -> bool:
    """Tell whether each thread has the same rows of both."""
    return kernel.rows == other.rows and not kernel.scalar and not other.scalar


def _own_row(read: Read, result: View, reader: Kernel) -> bool:
    """Tell whether in each of its rows a kernel reads nothing but that row of what was made."""
    if reader.rows == 1:
        return True
    assert read.view is not None
    first = [
        axis for axis, position in enumerate(read.positions) if position.start.text == "%axis0"
    ]
    step = result.strides[0]
    if len(first) != 1 or read.view.strides[first[0]] != step or step == 0:
        return False
    ends = [
        (length - 1) * stride
        for axis, (length, stride) in enumerate(
            zip(read.view.shape, read.view.strides, strict=True)
        )
        if axis != first[0]
    ]
    from_row = read.view.offset - result.offset
    low = from_row + sum(min(end, 0) for end in ends)
    return low >= 0 and from_row + sum(max(end, 0) for end in ends) < abs(step)
