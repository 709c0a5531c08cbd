"""Scans: the kernels of a body, step after step, for a few rows of the batch at a time.

No row of the batch needs another one, so each thread takes its rows through the whole of time
without waiting for anybody. What a step begins with is what the last one left in the result; what
is worked out on the way lies in a thread's own memory for just as many rows as are under way: near
the core. Weights are packed once, as products read them. Fuses the body as any program is fused; a
body in which rows meet is none that can be written here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from misstep.compiler.codegen.kernels.contraction import pack_once
from misstep.compiler.codegen.kernels.emission import Emission
from misstep.compiler.codegen.kernels.entries import write_entries
from misstep.compiler.language.code import BYTES, LLVM_TYPES, Number
from misstep.compiler.language.elements import Position, is_uniform_literal, plus, times
from misstep.compiler.language.views import Buffer, View
from misstep.compiler.passes import DECIDED_BY_SIZE, simplify
from misstep.compiler.schedule.arguments import Arguments
from misstep.compiler.schedule.fuse import fuse
from misstep.compiler.schedule.kernel import FusedGraph, Kernel
from misstep.compiler.schedule.partition import ROWS_TOGETHER, InPlaceError, partition
from misstep.errors import NotYetError
from misstep.ir import Graph, Value
from misstep.ops.scan import Scan

Writers = Mapping[str, Callable[[Emission, Kernel], None]]
ALIGNMENT = 64


@lru_cache(maxsize=256)
def body_of(op: Scan, dtype: str) -> Graph:
    """Return the body of a scan, simplified. What is decided by size must not look at rows."""
    return simplify(op.graph(dtype), DECIDED_BY_SIZE)


def write_scan(emission: Emission, kernel: Kernel, writers: Writers) -> None:
    """Write the loops of a scan. Raises NotYetError for a body whose rows are not apart."""
    if kernel.anchor is not None and kernel.anchor.size:
        _Scanning(emission, kernel, writers).write()


@dataclass(frozen=True)
class _Moving:
    """What lies elsewhere at each step: the view of all steps, and the stride from step to step."""

    whole: View
    stride: int


class _Scanning:
    def __init__(self, emission: Emission, kernel: Kernel, writers: Writers) -> None:
        anchor = kernel.anchor
        assert anchor is not None
        assert isinstance(anchor.op, Scan)
        self.emission, self.code, self.writers = emission, emission.code, writers
        self.anchor, self.op = anchor, anchor.op
        self.batch, self.time = anchor.shape[0], anchor.shape[1] - 1
        self.body = body_of(anchor.op, anchor.dtype)
        self.moving: dict[Buffer, _Moving] = {}
        # Where this thread's own buffers begin in its memory, and the bytes of a row in each.
        self.own: dict[Buffer, tuple[int, int]] = {}
        self.panels: dict[Value, Number] = {}
        self.used = 0
        self.bases: dict[Buffer, Number] = {}
        self.block: tuple[Number, Number] = (self.code.index(0), self.code.index(0))
        ((_, self.result),) = kernel.results
        self.products = [
            product
            for product in self.body.computed
            if product.op is not None
            and product.op.kernel == "contraction"
            and self._is_fixed(product)
        ]
        heavy = sum(
            pack_once(emission, product, self._weight(product), None) for product in self.products
        )
        # Few rows at a time are near the core, and so are weights; weights that are not should come
        # from far away for many rows.
        near = heavy <= emission.target.l2_bytes // 2
        self.rows = ROWS_TOGETHER if near else -(-self.batch // ROWS_TOGETHER) * ROWS_TOGETHER
        self.fused = self._fuse()
        self.kernels = self._ordered()

    # --- where things lie -----------------------------------------------------------------------

    def _fuse(self) -> FusedGraph:
        storage = self.emission.fused.storage
        carry, *others = self.body.inputs
        views = [storage[operand] for operand in self.anchor.inputs]
        self.initial = views[0]
        before, after = (1, 0) if self.op.reverse else (0, 1)
        inputs = {carry: self._at_step("carry", self.result, 0, carry.shape, before)}
        for index, (leaf, view) in enumerate(zip(others, views[1:], strict=True)):
            if index < self.op.sequences:
                inputs[leaf] = self._at_step(f"step of {leaf.name}", view, 0, leaf.shape)
            else:
                inputs[leaf] = view
        for value in self.body.literals:
            if value.size and not is_uniform_literal(value):
                raise NotYetError("compiling a scan", needed="a body without arrays of its own")
        outputs: dict[str, View] = {}
        start = 0
        for name, value in self.body.outputs.items():
            name_now = f"step of {name}"
            outputs[name] = self._at_step(name_now, self.result, start, value.shape, after)
            start += value.shape[1]
        fused = fuse(self.body, Arguments(inputs=inputs, outputs=outputs))
        for kernel in fused.kernels:
            for _, view in kernel.results:
                buffer = view.buffer
                if buffer not in self.moving and buffer not in self.own:
                    apart = view.shape[:1] == (self.batch,) or self.batch == 1
                    if buffer.size % self.batch or not apart:
                        raise _rows_meet(kernel)
                    self._take(buffer)
        return fused

    def _take(self, buffer: Buffer) -> None:
        """Take room for the rows under way."""
        llvm_type = LLVM_TYPES[buffer.dtype]
        row = buffer.size // self.batch * BYTES[llvm_type]
        self.own[buffer] = self.used, row
        self.used += -(-row * min(self.rows, self.batch) // ALIGNMENT) * ALIGNMENT

    def _at_step(
        self, name: str, view: View, start: int, shape: tuple[int, ...], first: int = 0
    ) -> View:
        """Return some columns of (batch, time, columns) at the step under way.

        `first`: where along time step 0 is.
        """
        rows, steps, columns = view.strides
        buffer = Buffer(name, view.buffer.dtype, view.size, external=True)
        part = view.slice((0, first, start), (self.batch, self.time, shape[1]), (1, 1, 1))
        self.moving[buffer] = _Moving(part, steps)
        return View(buffer, 0, shape, (rows, columns))

    def _is_fixed(self, product: Value) -> bool:
        """Tell whether a product's right operand is a constant of the scan, and a whole one."""
        leaf = product.inputs[1]
        fixed = self.body.inputs[1 + self.op.sequences :]
        return product.ndim == 2 and any(leaf is constant for constant in fixed)

    def _weight(self, product: Value) -> View:
        """Return where the constant that a product multiplies by lies."""
        index = next(
            number for number, leaf in enumerate(self.body.inputs) if leaf is product.inputs[1]
        )
        return self.emission.fused.storage[self.anchor.inputs[index]]

    def _ordered(self) -> list[Kernel]:
        """Return the kernels of a step in order; no thread may need another one's rows."""
        try:
            order = partition(self.fused, ())
        except InPlaceError as error:
            raise NotYetError("compiling a scan", got=str(error)) from error
        kernels = [kernel for region in order.regions for kernel in region]
        if self.batch == 1:  # one thread does everything, whatever the kernels share
            return kernels
        for kernel in kernels:
            if kernel.scalar or kernel.rows != self.batch or not kernel.shape:
                raise _rows_meet(kernel)
        if len(order.regions) > 1:
            raise _rows_meet(order.regions[1][0])
        return kernels

    def _bounds(self, rows: int) -> tuple[Number, Number]:
        """Return the rows under way."""
        return self.block if self.batch > 1 else (self.code.index(0), self.code.index(rows))

    # --- code -------------------------------------------------------------------------------------

    def write(self) -> None:
        """Write the loop over blocks of rows, and in it the one over time."""
        code, emission = self.code, self.emission
        scratch = emission.scratch
        self._pack(scratch)
        inner = code.address(scratch, code.index(self.used), "i8")
        low, high = emission.bounds(self.batch)
        with code.loop(low, high, self.rows, hint="block") as blocks:
            end = code.add(blocks.index, code.index(self.rows))
            end = code.select(code.less(end, high), end, high)
            self.block = blocks.index, end
            for buffer, (start, row) in self.own.items():
                # So that the rows of a block, by their numbers, lie from its start on.
                back = code.subtract(code.index(start), times(code, blocks.index, row))
                self.bases[buffer] = code.result(f"getelementptr i8, {scratch}, {back}", "ptr")
            self._write_start()
            with code.loop(0, self.time, hint="time") as steps:
                self._write_step(self._step_number(steps.index), inner)

    def _step_number(self, index: Number) -> Number:
        if not self.op.reverse:
            return index
        return self.code.subtract(self.code.index(self.time - 1), index)

    def _write_step(self, step: Number, scratch: Number) -> None:
        code, outside = self.code, self.emission
        for buffer, moving in self.moving.items():
            llvm_type = LLVM_TYPES[buffer.dtype]
            base = outside.addresses(moving.whole)
            self.bases[buffer] = code.address(base, times(code, step, moving.stride), llvm_type)
        inside = Emission(
            code,
            self.fused,
            outside.target,
            self._address,
            self._bounds,
            scratch,
            chaining=outside.chaining,
            panels=self.panels,
            take=outside.take,
        )
        for value in self.fused.graph.values:
            known = value in self.fused.scalars and not self.fused.kernels_of_scalar(value)
            if known and not value.is_literal:
                inside.work_out(value)
        for kernel in self.kernels:
            code.comment(kernel.name)
            for read in self.fused.reads(kernel):
                for scalar in read.scalars:
                    inside.work_out(scalar)
            if kernel.anchor is None:
                write_entries(inside, kernel)
            else:
                assert kernel.anchor.op is not None
                self.writers[kernel.anchor.op.kernel](inside, kernel)
        for value, view in self.fused.scalar_outputs:
            zeros = (Position(code.index(0)),) * value.ndim
            inside.elements().store(inside.work_out(value), view, zeros)
        used = self.used + inside.scratch_bytes
        outside.scratch_bytes = max(outside.scratch_bytes, used)

    def _address(self, view: View) -> Number:
        base = self.bases.get(view.buffer)
        if base is None:
            return self.emission.addresses(view)
        if not view.offset:
            return base
        llvm_type = LLVM_TYPES[view.buffer.dtype]
        address: Number = self.code.address(base, self.code.index(view.offset), llvm_type)
        return address

    def _pack(self, scratch: Number) -> None:
        """Write that this thread packs the constants that steps multiply by."""
        for product in self.products:
            leaf, view = product.inputs[1], self._weight(product)
            if leaf not in self.panels:
                self.panels[leaf] = self.code.address(scratch, self.code.index(self.used), "i8")
                size = pack_once(self.emission, product, view, self.panels[leaf])
                self.used += -(-size // ALIGNMENT) * ALIGNMENT

    def _write_start(self) -> None:
        """Write the initial carry of the rows under way where the first step looks for it."""
        code, llvm_type = self.code, LLVM_TYPES[self.anchor.dtype]
        lanes = self.emission.target.lanes(llvm_type)
        columns, width = self.initial.shape[1], self.anchor.shape[2]
        start = self.time if self.op.reverse else 0
        to = self.result.slice((0, start, 0), (self.batch, 1, width), (1, 1, 1))
        first_step = View(to.buffer, to.offset, (self.batch, width), (to.strides[0], to.strides[2]))
        with code.loop(*self.block, hint="start") as rows:
            row = Position(rows.index)

            def along(first: Number, mask: Number | None, values: list[Number]) -> list[Number]:
                elements = self.emission.elements(lanes, mask)
                here = (row, Position(first, True))
                elements.store(
                    elements.load(self.initial, here, self.anchor.dtype), first_step, here
                )
                return values

            def zeros(first: Number, mask: Number | None, values: list[Number]) -> list[Number]:
                elements = self.emission.elements(lanes, mask)
                here = (row, Position(plus(code, first, code.index(columns)), True))
                elements.store(code.constant(0, llvm_type, lanes), first_step, here)
                return values

            self.emission.lanes_in(columns, lanes, [], along)
            self.emission.lanes_in(width - columns, lanes, [], zeros)


def _rows_meet(kernel: Kernel) -> NotYetError:
    return NotYetError(
        f"compiling the kernel {kernel.name} of a scan",
        needed="rows of the batch that need no other rows",
    )
