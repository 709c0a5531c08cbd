"""What every kernel needs while it is written: code, addresses, scalars, a thread's rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from misstep.compiler.codegen.target import Target
from misstep.compiler.language.code import LLVM_TYPES, Number
from misstep.compiler.language.elements import Elements, Position, Positions, is_uniform_literal
from misstep.compiler.language.views import View
from misstep.compiler.schedule.kernel import FusedGraph, Kernel
from misstep.errors import GraphError
from misstep.ir import Value

# Lanes of the loops over entries. Sums along a contiguous axis are defined as so many strided
# partial sums folded as a tree, whatever the processor's vectors hold, so that bits are the same.
LANES = 16


@dataclass
class Emission:
    """The function under construction.

    `addresses`: where the first entry of a view is, in this step. `bounds`: for a number of rows,
    the first row of this thread and the one behind its last. `scratch`: memory of this thread's
    own. `scalars`: those worked out so far in this step. `chaining`: whether short results
    may be summed in several chains; not where a row's bits must not depend on how many rows there
    are.
    """

    code: Any
    fused: FusedGraph
    target: Target
    addresses: Callable[[View], Number]
    bounds: Callable[[int], tuple[Number, Number]]
    scratch: Number
    scalars: dict[Value, Number] = field(default_factory=dict)
    scratch_bytes: int = 0
    chaining: bool = True
    # Where right operands of matrix products lie packed already (contraction.py: pack_once).
    panels: dict[Value, Number] = field(default_factory=dict)
    # How a number from outside of the function under construction is called inside.
    take: Callable[[Number], Number] = lambda number: number

    def elements(
        self,
        lanes: int = 0,
        mask: Number | None = None,
        registers: dict[tuple[Value, Positions], Number] | None = None,
        *,
        flat: bool = False,
        aligned: bool = False,
        memory: dict[tuple[Value, Positions], Number] | None = None,
    ) -> Elements:
        """Return what computes entries at one place of a kernel."""
        return Elements(
            self.code,
            self.fused.storage,
            self.addresses,
            self.scalar,
            lanes,
            mask,
            registers if registers is not None else {},
            flat,
            aligned,
            memory if memory is not None else {},
        )

    def scalar(self, value: Value) -> Number | None:
        """Return a scalar that was worked out before this kernel, or a constant."""
        if value in self.scalars:
            return self.scalars[value]
        if value.is_literal and value.data is not None and is_uniform_literal(value):
            number = value.data.reshape(-1)[0].item()
            constant: Number = self.code.constant(number, LLVM_TYPES[value.dtype])
            return constant
        if value in self.fused.scalars:
            raise GraphError(f"the compiler at {value.describe()}", needed="it to be worked out")
        return None

    def work_out(self, value: Value) -> Number:
        """Work out a scalar here, outside of all loops, unless that was done before."""
        known = self.scalars.get(value)
        if known is not None:
            return known
        op = value.op
        if op is None and value.is_literal:
            number = self.scalar(value)
            assert number is not None
        elif op is None:
            zeros = (Position(self.code.index(0)),) * value.ndim
            number = self.elements().load(self.fused.storage[value], zeros, value.dtype)
        elif op is not None and op.moves:
            (source,) = value.inputs
            if source in self.fused.scalars:
                number = self.work_out(source)
            else:
                view = op.view(self.fused.storage[source])
                zeros = (Position(self.code.index(0)),) * value.ndim
                number = self.elements().load(view, zeros, value.dtype)
        else:
            if not op.elementwise:
                raise GraphError(
                    f"the compiler at {value.describe()}", needed="an order of kernels"
                )
            types = [operand.type for operand in value.inputs]
            number = op.lower(
                self.code, types, *(self.work_out(operand) for operand in value.inputs)
            )
        self.scalars[value] = number
        return number

    def results(
        self,
        kernel: Kernel,
        positions: Positions,
        lanes: int = 0,
        mask: Number | None = None,
        anchor: Number | None = None,
        *,
        flat: bool = False,
        aligned: bool = False,
        memory: dict[tuple[Value, Positions], Number] | None = None,
    ) -> None:
        """Work out and store all results of a kernel at one place.

        `anchor`: the anchor's entry, in a register. Everything is read before anything is stored,
        since a result may take the place of what it is computed from.
        """
        self.work_out_results(
            kernel, positions, lanes, mask, anchor, flat=flat, aligned=aligned, memory=memory
        )()

    def work_out_results(
        self,
        kernel: Kernel,
        positions: Positions,
        lanes: int = 0,
        mask: Number | None = None,
        anchor: Number | None = None,
        *,
        flat: bool = False,
        aligned: bool = False,
        memory: dict[tuple[Value, Positions], Number] | None = None,
    ) -> Callable[[], None]:
        """Work out all results of a kernel at one place; what is returned writes their storing."""
        registers: dict[tuple[Value, Positions], Number] = {}
        if anchor is not None and kernel.anchor is not None:
            registers[kernel.anchor, positions] = anchor
        elements = self.elements(lanes, mask, registers, flat=flat, aligned=aligned, memory=memory)
        numbers: list[tuple[Number, View]] = []
        for value, view in kernel.results:
            if (value, positions) in registers:
                number = registers[value, positions]
            elif self.fused.storage.get(value) == view and value.op is not None:
                number = elements.work_out(value, positions)
            else:
                number = elements.read(value, positions)
            registers[value, positions] = number
            numbers.append((number, view))

        def store() -> None:
            for number, view in numbers:
                elements.store(number, view, positions)

        return store

    def lanes_over(
        self, start: Number, stop: Number, lanes: int, body: Callable[[Number, Number | None], None]
    ) -> None:
        """Write a loop over entries from `start` to `stop`, so many lanes at once.

        `body` gets the first lane's entry and the mask of a last, partly filled vector.
        """
        code = self.code
        count = code.subtract(stop, start)
        whole = code.and_(count, code.index(-lanes))
        middle = code.add(start, whole)
        with code.loop(start, middle, lanes, hint="lanes") as loop:
            body(loop.index, None)
        rest = code.subtract(count, whole)
        with code.when(code.compare("sgt", rest, code.index(0)), hint="tail"):
            body(middle, code.first_lanes(rest, lanes))

    def lanes_in(
        self,
        length: int,
        lanes: int,
        loop_carried: Sequence[Number],
        body: Callable[[Number, Number | None, list[Number]], list[Number]],
    ) -> list[Number]:
        """Write a loop over `length` entries, so many lanes at once, handing values on.

        `body` gets the first lane's entry, the mask of the last vector, and the values.
        """
        code = self.code
        whole = length // lanes * lanes
        values = list(loop_carried)
        if whole == lanes:
            values = body(code.index(0), None, values)
        elif whole:
            with code.loop(0, whole, lanes, values, hint="lanes") as loop:
                loop.next = body(loop.index, None, loop.values)
            values = loop.results
        if length > whole:
            mask = code.constants([lane < length - whole for lane in range(lanes)], "i1")
            values = body(code.index(whole), mask, values)
        return values
