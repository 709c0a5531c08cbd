"""The end of a tile: what follows from its sums is worked out and stored while they are at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from misstep.compiler.codegen.kernels.emission import Emission
from misstep.compiler.language.code import Number
from misstep.compiler.language.elements import Position, Positions, plus
from misstep.compiler.schedule.kernel import Kernel
from misstep.ir import Value


def strip_masks(emission: Emission, lanes: int, count: int) -> list[Number | None]:
    """Return for each vector of a strip of `count` columns which lanes count; None: all."""
    masks: list[Number | None] = []
    for start in range(0, count, lanes):
        left = min(count - start, lanes)
        full = left == lanes
        masks.append(
            None if full else emission.code.constants([lane < left for lane in range(lanes)], "i1")
        )
    return masks


def finish_tile(
    emission: Emission,
    kernel: Kernel,
    sums: Sequence[Sequence[Number]],
    rows: Sequence[Positions],
    column: Number,
    lanes: int,
    count: int,
) -> None:
    """Work out and store what follows from a tile's entries.

    `sums`: for each row its vectors; `rows`: where each is along all axes but the last; `column`:
    the first of `count` columns. A vector that is not full reaches into the row behind it. A
    processor can't hand such a store on to a load of that row at once, so in a tile with one
    everything is read before.
    """
    code = emission.code
    masks = strip_masks(emission, lanes, count)
    # What does not depend on the row, such as a bias, is read once for the tile.
    memory: dict[tuple[Value, Positions], Number] = {}
    partly = any(mask is not None for mask in masks)
    stores: list[Callable[[], None]] = []
    for at, vectors in zip(rows, sums, strict=True):
        for v, entry in enumerate(vectors):
            along = Position(plus(code, column, code.index(v * lanes)), True)
            stores.append(
                emission.work_out_results(
                    kernel, (*at, along), lanes, masks[v], entry, memory=memory
                )
            )
            if not partly:
                stores.pop()()
    for store in stores:
        store()
