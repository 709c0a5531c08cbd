"""How windows of an operand lie in memory: what convolutions and their relatives loop over.

Axes of space and of the window that lie one after the other in memory count as one, so that inner
loops are long: the entries of a window's row and all their channels mostly are one run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from misstep.compiler.language.code import Number
from misstep.compiler.language.elements import plus, times
from misstep.compiler.language.views import View
from misstep.errors import NotYetError
from misstep.ir import Value

# So short a loop is written out.
FEW_STEPS = 4


@dataclass(frozen=True)
class Run:
    """Entries of a window, or positions, `stride` entries of memory apart.

    `apart`: how many rows of the weights (or other entries in order) from one to the next.
    """

    length: int
    stride: int
    apart: int


@dataclass(frozen=True)
class Windows:
    """The windows of x, with two axes of space (the first one of length 1 where there is but one).

    `positions`: windows along them; `steps`: entries of memory from one to the next; `batch`: from
    one example to the next; `runs`: the entries of a window, outer ones first.
    """

    positions: tuple[int, int]
    steps: tuple[int, int]
    batch: int
    runs: tuple[Run, ...]

    @property
    def entries(self) -> int:
        """Return how many entries a window has."""
        count = 1
        for run in self.runs:
            count *= run.length
        return count


def windows_of(anchor: Value, view: View) -> Windows:
    """Return the windows that a convolution or its relative sees of its first input.

    Raises NotYetError for more than two axes of space.
    """
    op: Any = anchor.op
    axes = len(op.window)
    if axes > 2:
        raise NotYetError(
            f"compiling {op.name}",
            needed="one or two axes of space",
            got=f"{axes}",
            try_="the interpreter",
        )
    space = view.strides[1:-1]
    positions = op.positions(anchor.inputs[0].type)
    steps = [stride * step for stride, step in zip(space, op.stride, strict=True)]
    seen = [
        (size, stride * apart)
        for size, stride, apart in zip(op.window, space, op.dilation, strict=True)
    ]
    seen.append((view.shape[-1], view.strides[-1]))
    if axes == 1:
        return Windows((1, positions[0]), (0, steps[0]), view.strides[0], merged(seen))
    return Windows(
        (positions[0], positions[1]), (steps[0], steps[1]), view.strides[0], merged(seen)
    )


def merged(axes: Sequence[tuple[int, int]]) -> tuple[Run, ...]:
    """Return axes (length and stride), outer ones first, as runs: as few as there can be."""
    merged_axes: list[list[int]] = []
    for length, stride in axes:
        if length == 1:
            continue
        if merged_axes and merged_axes[-1][1] == length * stride:
            merged_axes[-1] = [merged_axes[-1][0] * length, stride]
        else:
            merged_axes.append([length, stride])
    runs: list[Run] = []
    apart = 1
    for length, stride in reversed(merged_axes):
        runs.insert(0, Run(length, stride, apart))
        apart *= length
    return tuple(runs)


def over_runs(
    code: Any,
    runs: Sequence[Run],
    loop_carried: list[Number],
    step: Callable[[Number, Number, list[Number]], list[Number]],
) -> list[Number]:
    """Write nested loops over runs, handing values on.

    `step` gets where an entry lies in memory, its number in order, and the values.
    """

    def over(level: int, offset: Number, number: Number, values: list[Number]) -> list[Number]:
        if level == len(runs):
            return step(offset, number, values)
        run = runs[level]

        def inner(at: Number, inner_values: list[Number]) -> list[Number]:
            return over(
                level + 1,
                plus(code, offset, times(code, at, run.stride)),
                plus(code, number, times(code, at, run.apart)),
                inner_values,
            )

        if run.length <= FEW_STEPS:
            for at in range(run.length):
                values = inner(code.index(at), values)
            return values
        with code.loop(0, run.length, 1, values, hint="window") as loop:
            loop.next = inner(loop.index, loop.values)
        return list(loop.results)

    return over(0, code.index(0), code.index(0), loop_carried)
