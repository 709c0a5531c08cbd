"""Which memory an entry is read from: what fusing and scheduling ask before any code is written.

Works out the entry as the compiler will, into code that is thrown away, and notes the loads. So
there is one description of how each op is computed, and no second one that could differ from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from misstep.compiler.language.code import LLVM_TYPES, Number
from misstep.compiler.language.element_code import ElementCode
from misstep.compiler.language.elements import Elements, Position, Positions
from misstep.compiler.language.views import View
from misstep.ir import Value


@dataclass(frozen=True)
class Read:
    """A read: of `value`, which lies in the memory of `base` as `view`, at `positions`.

    `scalars`: instead, scalars that are needed.
    """

    value: Value
    base: Value
    view: View | None
    positions: Positions
    scalars: tuple[Value, ...] = ()


def positions_of(shape: tuple[int, ...], hint: str = "axis") -> Positions:
    """Return symbols for where an entry is, one for each axis."""
    return tuple(Position(Number(f"%{hint}{axis}", "i64")) for axis in range(len(shape)))


def base_of(value: Value, storage: Mapping[Value, View]) -> Value:
    """Return the value whose memory a view shows."""
    while value.op is not None and value.op.moves:
        operand = value.inputs[0]
        if value not in storage or operand not in storage:
            break
        if storage[value].buffer is not storage[operand].buffer:
            break
        value = operand
    return value


def reads_of(
    value: Value,
    here: Positions,
    storage: Mapping[Value, View],
    scalars: set[Value],
    recomputed: set[Value],
) -> list[Read]:
    """Return what is read to work out the entry of `value` at `here`.

    `recomputed`: values that are worked out although they have a place in memory.
    """
    dry = _DryRun(
        ElementCode(),
        storage,
        lambda buffer: Number("%base", "ptr"),
        lambda scalar: Number("%scalar", LLVM_TYPES[scalar.dtype]) if scalar in scalars else None,
    )
    dry.recomputed = recomputed
    dry.scalars = scalars
    dry.read(value, here)
    return dry.reads


@dataclass
class _DryRun(Elements):
    recomputed: set[Value] = field(default_factory=set)
    scalars: set[Value] = field(default_factory=set)
    reads: list[Read] = field(default_factory=list)

    def read(self, value: Value, positions: Positions) -> Number:
        if value in self.scalars and value.op is not None:
            self.reads.append(Read(value, value, None, (), (value,)))
        return super().read(value, positions)

    def _fresh(self, value: Value, positions: Positions) -> Number:
        if value in self.recomputed and value.op is not None:
            return self.work_out(value, positions)
        if value in self.storage:
            base = base_of(value, self.storage)
            self.reads.append(Read(value, base, self.storage[value], positions))
        return super()._fresh(value, positions)
