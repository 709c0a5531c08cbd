"""How one entry of any value is computed, in all lanes at once: read from memory, or worked out.

`Elements.read(value, positions)` writes the code for an entry: a load where the value is stored, a
register where it was just made, else the op's own `lower` on the entries it needs. Knows views and
the contract of ops, no op by name and no loop; the kernels write the loops around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from misstep.compiler.language.code import LLVM_TYPES, Code, Number
from misstep.compiler.language.views import View, row_major
from misstep.errors import GraphError
from misstep.ir import Value


@dataclass(frozen=True)
class Position:
    """Where along one axis. `start`: a whole number; `run`: whether lane k means start + k.

    A `start` that is itself a vector says for each lane where it is.
    """

    start: Number
    run: bool = False

    @property
    def spread(self) -> bool:
        """Tell whether lanes are at different places."""
        return self.run or self.start.lanes > 0


Positions = tuple[Position, ...]


@dataclass
class Elements:
    """Computes entries at some place in a kernel.

    `storage`: where values are stored. `address`: of a view's first entry. `lanes`: entries worked
    on at once (0: one). `mask`: which lanes count, or None for all. `registers`: entries that are
    in registers already, by value and positions. `scalar`: the number of a value that is one and
    the same everywhere, or None. `flat`: entries are counted in row-major order, with one position
    only; all values that matter have one shape and lie so in memory. `aligned`: the first lane's
    number in row-major order is a multiple of `lanes`.
    """

    code: Any
    storage: Mapping[Value, View]
    address: Callable[[View], Number]
    scalar: Callable[[Value], Number | None]
    lanes: int = 0
    mask: Number | None = None
    registers: dict[tuple[Value, Positions], Number] = field(default_factory=dict)
    flat: bool = False
    aligned: bool = False
    memory: dict[tuple[Value, Positions], Number] = field(default_factory=dict)

    def read(self, value: Value, positions: Positions) -> Number:
        """Return the entry of `value` at `positions` (one for each axis), in all lanes."""
        key = (value, positions)
        if key in self.registers:
            return self.registers[key]
        scalar = self.scalar(value)
        if scalar is not None:
            return scalar
        if key not in self.memory:
            self.memory[key] = self._fresh(value, positions)
        return self.memory[key]

    def work_out(self, value: Value, positions: Positions) -> Number:
        """Return the entry of `value` by its op, even where it has a place in memory."""
        assert value.op is not None
        number: Number = value.op.element(EntryContext(self, value, positions))
        return number

    def _fresh(self, value: Value, positions: Positions) -> Number:
        if value.is_literal and value.data is not None and is_uniform_literal(value):
            return self.code.constant(value.data.reshape(-1)[0].item(), LLVM_TYPES[value.dtype])
        if value in self.storage:
            return self.load(self.storage[value], positions, value.dtype)
        if not value.size:  # code that never runs
            return self.code.constant(0, LLVM_TYPES[value.dtype])
        if value.op is None:
            raise GraphError(f"the compiler at {value.describe()}", needed="a stored value")
        return self.work_out(value, positions)

    def load(self, view: View, positions: Positions, dtype: str) -> Number:
        """Return the entry of a stored value; lanes that do not count are never read."""
        base, llvm_type = self.address(view), LLVM_TYPES[dtype]
        offset, stride, scattered = self.offset(view, positions)
        if scattered is None and stride == 0:
            return self.code.load(self.code.address(base, offset, llvm_type), llvm_type)
        if scattered is None and stride == 1:
            where = self.code.address(base, offset, llvm_type)
            return self.code.load(where, llvm_type, self.lanes, self.mask)
        return self.code.load_lanes(
            base, self.lane_offsets(offset, stride, scattered), llvm_type, self.mask
        )

    def store(self, number: Number, view: View, positions: Positions) -> None:
        """Write an entry, in all lanes that count.

        What leaves a program is never subnormal, also where it was only chosen or moved on the way:
        instructions that choose hand a subnormal number on or make it a zero, as processors do.
        """
        base = self.address(view)
        if view.buffer.external and number.is_float:
            number = self.code.flushed(number)
        offset, stride, scattered = self.offset(view, positions)
        if scattered is None and stride == 0:
            # Along an axis of length 1 only the first lane is an entry.
            number = self.code.lane(number, 0) if number.lanes else number
            self.code.store(number, self.code.address(base, offset, number.llvm_type))
            return
        number = self.code.splat(number, self.lanes)
        if scattered is None and stride == 1:
            self.code.store(number, self.code.address(base, offset, number.llvm_type), self.mask)
            return
        offsets = self.lane_offsets(offset, stride, scattered)
        self.code.store_lanes(number, base, offsets, self.mask)

    def offset(self, view: View, positions: Positions) -> tuple[Number, int, Number | None]:
        """Return the offset of the first lane, the stride of lanes, and any offset of each lane."""
        code = self.code
        if self.flat:
            view = View(view.buffer, view.offset, (view.size,), (1,))
        total, stride = code.index(0), 0
        scattered: Number | None = None
        for position, length, step in zip(positions, view.shape, view.strides, strict=True):
            if step == 0 or (length == 1 and not position.start.lanes):
                continue
            moved = times(code, position.start, step)
            if position.start.lanes:
                scattered = moved if scattered is None else code.add(scattered, moved)
                continue
            total = plus(code, total, moved)
            stride += step if position.run else 0
        return total, stride, scattered

    def lane_offsets(self, offset: Number, stride: int, scattered: Number | None) -> Number:
        """Return the offset of each lane as a vector."""
        code = self.code
        lanes = code.constants([stride * lane for lane in range(self.lanes)], "i64")
        total = code.add(code.splat(offset, self.lanes), lanes)
        return total if scattered is None else code.add(total, scattered)


@dataclass(frozen=True)
class EntryContext:
    """What an op's `element` sees: the value to be computed, and where.

    `code`: writes arithmetic. `positions`: one for each axis of the value.
    """

    elements: Elements
    value: Value
    positions: Positions

    @property
    def code(self) -> Any:
        """Return what writes arithmetic."""
        return self.elements.code

    def read(self, number: int, positions: Sequence[Position]) -> Number:
        """Return the entry of the op's input `number` at `positions`."""
        return self.elements.read(self.value.inputs[number], tuple(positions))

    def same(self, number: int) -> Number:
        """Return the entry of an input that broadcasts to the value, at the matching place."""
        operand = self.value.inputs[number]
        if self.elements.flat:
            return self.elements.read(operand, self.positions)
        new = len(self.positions) - operand.ndim
        here = tuple(
            position if length == result_length else Position(self.code.index(0))
            for length, result_length, position in zip(
                operand.shape, self.value.shape[new:], self.positions[new:], strict=True
            )
        )
        return self.elements.read(operand, here)

    def matching(self) -> list[Number]:
        """Return the matching entries of all inputs, all with as many lanes."""
        return self.together(*(self.same(number) for number in range(len(self.value.inputs))))

    def together(self, *entries: Number) -> list[Number]:
        """Return entries all with as many lanes: scalars are repeated."""
        lanes = max(entry.lanes for entry in entries)
        return [self.code.splat(entry, lanes) for entry in entries]

    def number(self, position: Position) -> Number:
        """Return a position as whole numbers, in all lanes if they differ."""
        if not position.run:
            return position.start
        lanes = self.elements.lanes
        counted = self.code.lane_numbers("i64", lanes)
        return self.code.add(self.code.splat(position.start, lanes), counted)

    def zero(self) -> Number:
        """Return the number 0 of the value's dtype."""
        zero: Number = self.code.constant(0, LLVM_TYPES[self.value.dtype])
        return zero

    def at(self, index: Number, length: int | None = None) -> Position:
        """Return the position that a computed whole number means.

        `length`: of the axis, where the number may be anything: nothing behind it is ever read.
        """
        code = self.code
        index = code.convert(index, "i64")
        if length is not None:
            index = code.minimum(index, code.like(length - 1, index), signed=False)
        return Position(index)

    def shifted(self, position: Position, by: int, step: int = 1) -> Position:
        """Return the position by + step · position."""
        code = self.code
        if step == 1:
            start = position.start
            return Position(plus(code, start, code.like(by, start)), position.run)
        number = times(code, self.number(position), step)
        return Position(plus(code, number, code.like(by, number)))

    def block(self, lanes: int) -> Number | None:
        """Return the number, counted in blocks of `lanes` entries, of the block that lanes are at.

        None where they are not just one whole block.
        """
        elements = self.elements
        if not elements.aligned or elements.lanes != lanes or not self.positions[-1].run:
            return None
        code, start = self.code, self.code.index(0)
        sizes = (1,) if elements.flat else row_major(self.value.shape)
        for position, step in zip(self.positions, sizes, strict=True):
            start = plus(code, start, times(code, position.start, step))
        return code.binary("udiv", start, code.index(lanes))

    def in_order(self, first: int = 0, stop: int | None = None) -> Position:
        """Return the entry's place when all entries stand along one axis, in row-major order.

        `first`, `stop`: only the axes from the first up to but not the other count.
        """
        if self.elements.flat:
            return self.positions[0]
        *outer, last = self.positions[first:stop] or (Position(self.code.index(0)),)
        if not last.run or any(position.spread for position in outer):
            return Position(self.linear(first, stop))
        lengths = self.value.shape[first:stop]
        steps = row_major(lengths)
        start = last.start if lengths[-1] > 1 else self.code.index(0)
        for position, step in zip(outer, steps[:-1], strict=True):
            start = plus(self.code, start, times(self.code, position.start, step))
        return Position(start, True)

    def linear(self, first: int = 0, stop: int | None = None) -> Number:
        """Return the entry's number in row-major order, in all lanes if they differ."""
        code = self.code
        total = code.index(0)
        if self.elements.flat:
            return self.number(self.positions[0])
        positions, lengths = self.positions[first:stop], self.value.shape[first:stop]
        for position, step in zip(positions, row_major(lengths), strict=True):
            moved = times(code, self.number(position), step)
            lanes = max(total.lanes, moved.lanes)
            total = plus(code, code.splat(total, lanes), code.splat(moved, lanes))
        return total


def is_uniform_literal(value: Value) -> bool:
    """Tell whether a literal holds one and the same number everywhere."""
    data = value.data
    if data is None or data.size == 0:
        return False
    if data.size == 1:
        return True
    first = data.reshape(-1)[0]
    return bool(np.all(data == first)) and not (first == 0 and bool(np.signbit(data).any()))


def times(code: Code, a: Number, factor: int) -> Number:
    """Return a whole number times a constant, worked out now where it can be."""
    if factor == 1:
        return a
    if not a.lanes and not a.text.startswith("%"):
        return code.index(int(a.text) * factor)
    return code.multiply(a, code.like(factor, a))


def plus(code: Code, a: Number, b: Number) -> Number:
    """Return the sum of whole numbers, worked out now where it can be."""
    if not a.lanes and a.text == "0":
        return b
    if not b.lanes and b.text == "0":
        return a
    if not (a.lanes or b.lanes or a.text.startswith("%") or b.text.startswith("%")):
        return code.index(int(a.text) + int(b.text))
    return code.add(a, b)
