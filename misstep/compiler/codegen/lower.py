"""From a graph to the text of one native function that runs many steps of it.

Puts the parts together: where inputs and outputs lie, kernels (`schedule/fuse.py`), their order
(`partition.py`), memory (`plan_memory.py`), and the code of each (`kernels/`). The function is
called by every thread with the address of a context, its number and the number of threads; the
context begins with a barrier's block, then comes a table of addresses and counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from misstep.compiler.codegen.barrier import CONTEXT_BYTES, write_barrier
from misstep.compiler.codegen.entry import write_entry
from misstep.compiler.codegen.kernels import WRITERS, Emission, write_entries, write_fetch
from misstep.compiler.codegen.outlining import Functions
from misstep.compiler.codegen.target import Target
from misstep.compiler.codegen.timers import Laps
from misstep.compiler.language.code import KIND_OF_DTYPE, Number
from misstep.compiler.language.element_code import ElementCode
from misstep.compiler.language.elements import Position, is_one_number
from misstep.compiler.language.views import Buffer, View
from misstep.compiler.passes import DECIDED_BY_SIZE, Pass
from misstep.compiler.schedule.fuse import Fused, Kernel, fuse, shared_cores, single_numbers
from misstep.compiler.schedule.kernel_classes import family_of
from misstep.compiler.schedule.partition import ROWS_TOGETHER, InPlaceError, Schedule, schedule
from misstep.compiler.schedule.plan_memory import Arena, plan_memory
from misstep.errors import NotYetError
from misstep.ir import Graph, Value
from misstep.ops.reduction import Sum
from misstep.ops.shape import Reshape

# The table in the context, in entries of 8 bytes.
ARENA, SCRATCH, SCRATCH_BYTES, STEPS, DONE, ROW_NUMBERS, FIRST_SLOT = range(7)
# What the module calls the way in, and the steps themselves.
ENTRY = "misstep_run"
BODY = "misstep_steps"
# What a lap of a profile is about that is no kernel: the waiting for other threads before a region
# (by its number) or between two steps, and all the rest, such as single numbers.
BARRIER, REST = "barrier", "rest"


@dataclass(frozen=True)
class Roles:
    """What inputs and outputs are to a program of many steps, by name.

    `states`: outputs that take the place of inputs, step after step. `stepped`: inputs of which
    each step has its own, one after the other in memory. `fetched`: inputs whose rows are fetched
    from a larger array by row numbers. `logged`: outputs of which each step leaves its own.
    `guard`: an output, one number: a step where it is not finite ends the run before any state
    changes.
    """

    states: Mapping[str, str] = field(default_factory=dict)
    stepped: Collection[str] = ()
    fetched: Collection[str] = ()
    logged: Collection[str] = ()
    guard: str | None = None

    @property
    def row_wise(self) -> bool:
        """Tell whether the bits of a row must not depend on how many rows come with it.

        So it is where rows are given step by step and nothing is learned from them. What decides by
        the size of a whole array then must not be done.
        """
        return bool(self.stepped) and not self.states

    @property
    def passes_left_out(self) -> tuple[Pass, ...]:
        """Return the simplifications that must not be made."""
        return DECIDED_BY_SIZE if self.row_wise else ()


@dataclass(frozen=True)
class Slot:
    """One address in the context's table: of an input, an output or a literal.

    `stride`: entries to go on by from step to step. `counters`: of the laps of a profile, of each
    thread its own, one after the other: (threads, *shape).
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    stride: int = 0
    literal: np.ndarray | None = None
    output: bool = False
    counters: bool = False


@dataclass(frozen=True)
class Lowered:
    """The text of a module, and what must be known to call it.

    `laps`: what each counter of a profile is about: a kernel, (BARRIER, region) or REST.
    """

    text: str
    slots: list[Slot]
    arena: Arena
    scratch_bytes: int
    fused: Fused
    schedule: Schedule
    laps: tuple[object, ...] = ()

    @property
    def counters(self) -> tuple[int, ...]:
        """Return the shape of the counters of one thread; there are none without laps."""
        return next((slot.shape for slot in self.slots if slot.counters), (0,))

    @property
    def barriers(self) -> int:
        """Return how often threads wait for each other in a step."""
        return len(self.schedule.regions) - 1 + self.schedule.closing


def lower(graph: Graph, roles: Roles, target: Target, *, profiling: bool = False) -> Lowered:
    """Return the function for `graph`. Raises NotYetError for ops that can't be compiled.

    `profiling`: with code that reads the clock around each kernel and each barrier.
    """
    try:
        return _Lowering(graph, roles, target, in_place=True, profiling=profiling).run()
    except InPlaceError:
        try:
            return _Lowering(graph, roles, target, in_place=False, profiling=profiling).run()
        except InPlaceError as error:
            raise NotYetError(f"compiling {graph.name}", got=str(error)) from error


def _with_guard_for_each(graph: Graph, roles: Roles) -> Graph:
    """Return `graph` with a guard that every thread works out for itself.

    The loss of a single row is an entry that one thread makes; summed, it is a number for all.
    """
    guard = graph.outputs.get(roles.guard or "")
    if guard is None or guard.size != 1 or not guard.type.is_float:
        return graph
    inputs = {value for value in graph.inputs if value.name not in roles.fetched}
    if guard in single_numbers(graph, inputs):
        return graph
    entries = guard if guard.ndim else Reshape((1,))(guard)
    summed = Sum(tuple(range(entries.ndim)), bool(guard.ndim))(entries)
    outputs = {name: summed if value is guard else value for name, value in graph.outputs.items()}
    return Graph(outputs, graph.inputs, graph.name)


class _Lowering:
    def __init__(
        self, graph: Graph, roles: Roles, target: Target, *, in_place: bool, profiling: bool
    ) -> None:
        self.graph = _with_guard_for_each(graph, roles)
        self.roles = roles
        self.target = target
        self.in_place = in_place
        self.slots: list[Slot] = []
        self.moved: dict[str, View] = {}
        self.buffers: dict[Buffer, int] = {}
        self.code = ElementCode()
        self.functions = Functions(target)
        self.entry: list[str] = []
        self._bounds: dict[int, tuple[Number, Number]] = {}
        self._addresses: dict[Buffer, Number] = {}
        self._step: Number = Number("0", "i64")
        self.laps = Laps(self.code, Number("%laps", "ptr")) if profiling else None

    def run(self) -> Lowered:
        inputs, outputs, fed = self._places()
        fused = fuse(self.graph, inputs, outputs, fed, self.moved)
        states = {
            one
            for one, slot in self.buffers.items()
            if self.slots[slot].name in self.roles.states.values()
        }
        guard = self.graph.outputs[self.roles.guard] if self.roles.guard else None
        if guard is not None and guard not in fused.singles:
            raise NotYetError(
                f"compiling the guard {self.roles.guard}",
                needed="one number that every thread can work out, as the mean of losses is",
                got=f"the result of {guard.op.name}" if guard.op is not None else "an input",
            )
        try:
            order = schedule(fused, states, guard)
        except InPlaceError:
            shared = shared_cores(fused)
            if not shared:
                raise
            fused = fuse(self.graph, inputs, outputs, fed, self.moved, shared)
            order = schedule(fused, states, guard)
        arena = plan_memory(fused, order)
        scratch = self._write(fused, order, arena, states)
        text = self._text()
        laps = () if self.laps is None else tuple(self.laps.kinds)
        return Lowered(text, self.slots, arena, scratch, fused, order, laps)

    # --- where inputs and outputs lie -----------------------------------------------------------

    def _slot(self, slot: Slot) -> Buffer:
        size = int(np.prod(slot.shape, dtype=np.int64))
        buffer = Buffer(slot.name, slot.dtype, size, external=True)
        self.buffers[buffer] = len(self.slots)
        self.slots.append(slot)
        return buffer

    def _places(self) -> tuple[dict[Value, View], dict[str, View], dict[Value, View]]:
        inputs: dict[Value, View] = {}
        fed: dict[Value, View] = {}
        by_name: dict[str, Buffer] = {}
        for value in self.graph.inputs:
            name = value.name or f"input{value.serial}"
            if name in self.roles.fetched:
                self._slot(Slot(name, value.dtype, value.shape))
                fed[value] = View.whole(Buffer(name, value.dtype, value.size), value.shape)
                continue
            stride = value.size if name in self.roles.stepped else 0
            by_name[name] = self._slot(Slot(name, value.dtype, value.shape, stride))
            inputs[value] = View.whole(by_name[name], value.shape)
        for value in self._stored_literals():
            name = value.name or f"literal{value.serial}"
            literal = np.asarray(value.data, dtype=value.dtype, order="C")
            buffer = self._slot(Slot(name, value.dtype, value.shape, literal=literal))
            inputs[value] = View.whole(buffer, value.shape)
        outputs: dict[str, View] = {}
        for name, value in self.graph.outputs.items():
            into = self.roles.states.get(name)
            if into is not None:
                outputs[name] = View.whole(by_name[into], value.shape)
                if not self.in_place:
                    self.moved[name] = outputs[name]
                    beside = Buffer(f"next {name}", value.dtype, value.size)
                    outputs[name] = View.whole(beside, value.shape)
                continue
            stride = value.size if name in self.roles.logged else 0
            slot = Slot(name, value.dtype, value.shape, stride, output=True)
            outputs[name] = View.whole(self._slot(slot), value.shape)
        return inputs, outputs, fed

    def _stored_literals(self) -> list[Value]:
        """Return the literals that must lie in memory: arrays, and operands of matrix products."""
        operands: set[Value] = set()
        for value in self.graph.values:
            family = family_of(value)
            if family is not None and family.in_memory:
                for given in value.inputs:
                    base = given
                    while base.op is not None and base.op.moves:
                        base = base.inputs[0]
                    operands.add(base)
        return [
            value
            for value in self.graph.literals
            if value in operands or (value.size and not is_one_number(value))
        ]

    # --- code ---------------------------------------------------------------------------------

    def _at_entry(self, write: Callable[[], Number]) -> Number:
        """Return a number that is worked out where the function begins."""
        lines, self.code.lines = self.code.lines, self.entry
        found = write()
        self.code.lines = lines
        return found

    def _field(self, number: int, kind: str) -> Number:
        code = self.code

        def write() -> Number:
            at = CONTEXT_BYTES + 8 * number
            return code.load(code.address(Number("%context", "ptr"), code.index(at), "i8"), kind)

        return self._at_entry(write)

    def _address(self, view: View) -> Number:
        """Return where the first entry of a view is, worked out here."""
        base = self._addresses[view.buffer]
        if not view.offset:
            return base
        return self.code.address(
            base, self.code.index(view.offset), KIND_OF_DTYPE[view.buffer.dtype]
        )

    def bounds(self, rows: int) -> tuple[Number, Number]:
        """Return the rows of this thread: from the first up to the one behind the last."""
        if rows not in self._bounds:
            code = self.code
            blocks = -(-rows // ROWS_TOGETHER)

            def bound(thread: Number) -> Number:
                share = code.binary(
                    "udiv", code.multiply(code.index(blocks), thread), Number("%threads", "i64")
                )
                row = code.multiply(share, code.index(ROWS_TOGETHER))
                return code.select(code.less(row, code.index(rows)), row, code.index(rows))

            thread = Number("%thread", "i64")
            low = self._at_entry(lambda: bound(thread))
            high = self._at_entry(lambda: bound(code.add(thread, code.index(1))))
            self._bounds[rows] = low, high
        return self._bounds[rows]

    def _write(self, fused: Fused, order: Schedule, arena: Arena, states: set[Buffer]) -> int:
        code = self.code
        arena_base = self._field(ARENA, "ptr")
        scratch = self._field(SCRATCH, "ptr")
        apart = self._field(SCRATCH_BYTES, "i64")
        steps = self._field(STEPS, "i64")
        own_scratch = self._at_entry(
            lambda: code.address(scratch, code.multiply(apart, Number("%thread", "i64")), "i8")
        )
        bases = [self._field(FIRST_SLOT + number, "ptr") for number in range(len(self.slots))]
        numbers = self._field(ROW_NUMBERS, "ptr")
        for buffer, start in arena.starts.items():
            at = code.index(start)
            self._addresses[buffer] = self._at_entry(partial(code.address, arena_base, at, "i8"))
        emission = Emission(
            code,
            fused,
            self.target,
            self._address,
            self.bounds,
            own_scratch,
            chaining=not self.roles.row_wise,
        )
        before = "entry.end"
        code.start_block("round")
        step = Number("%step", "i64")
        place = len(code.lines)
        code.lines.append("")
        for buffer, number in self.buffers.items():
            slot = self.slots[number]
            base = bases[number]
            if slot.stride:
                moved = code.multiply(step, code.index(slot.stride))
                base = code.address(base, moved, KIND_OF_DTYPE[slot.dtype])
            self._addresses[buffer] = base
        fetched = {slot.name: bases[number] for number, slot in enumerate(self.slots)}
        self._begin_laps()
        self._write_step(emission, order, fetched, numbers, step, states)
        self._end_laps()
        following = code.add(step, code.index(1))
        code.emit(f"br {code.less(following, steps)}, label %round, label %finished")
        code.lines[place] = (
            f"  %step = phi i64 [ 0, %{before} ], [ {following.text}, %{code.block} ]"
        )
        self._write_end(steps)
        return emission.scratch_bytes

    def _write_step(
        self,
        emission: Emission,
        order: Schedule,
        fetched: Mapping[str, Number],
        numbers: Number,
        step: Number,
        states: set[Buffer],
    ) -> None:
        code, fused = self.code, emission.fused
        context, threads = Number("%context", "ptr"), Number("%threads", "i64")
        for value in self.graph.values:
            known = value in fused.singles and not fused.kernels_of_single(value)
            if known and not value.is_literal:
                emission.work_out(value)
        stored_guard = False
        for place, region in enumerate(order.regions):
            if place:
                self._lap(REST)
                write_barrier(code, context, threads, self.target)
                self._lap((BARRIER, place))
            for kernel in region:
                code.comment(kernel.name)
                for read in fused.reads(kernel):
                    for single in read.singles:
                        emission.work_out(single)
                if order.guard is not None and not stored_guard and self._changes(kernel, states):
                    self._write_guard(emission, order.guard, step)
                    stored_guard = True
                self._lap(REST)
                self._write_kernel(emission, kernel, fetched, numbers)
                self._lap(kernel)
        changing = any(view.buffer in states for _, view in fused.single_outputs)
        if order.guard is not None and not stored_guard and changing:
            self._write_guard(emission, order.guard, step)
        if fused.single_outputs:
            if len(order.regions) < 2 and changing:
                self._lap(REST)
                write_barrier(code, context, threads, self.target)
                self._lap((BARRIER, len(order.regions)))
            found = [emission.work_out(value) for value, _ in fused.single_outputs]
            with code.when(code.equal(Number("%thread", "i64"), code.index(0)), hint="single"):
                for (value, view), number in zip(fused.single_outputs, found, strict=True):
                    where = (Position(code.index(0)),) * value.ndim
                    emission.elements().store(number, view, where)
        if order.closing or changing:
            self._lap(REST)
            write_barrier(code, context, threads, self.target)
            self._lap((BARRIER, len(order.regions)))

    def _changes(self, kernel: Kernel, states: set[Buffer]) -> bool:
        return any(view.buffer in states for _, view in kernel.results)

    def _write_guard(self, emission: Emission, guard: Value, step: Number) -> None:
        """Write that every thread leaves where the guard is not finite."""
        code = self.code
        number = emission.work_out(guard)
        with code.when(code.equal(Number("%thread", "i64"), code.index(0)), hint="single"):
            for value, view in emission.fused.single_outputs:
                if value is guard:
                    where = (Position(code.index(0)),) * value.ndim
                    emission.elements().store(number, view, where)
            done = CONTEXT_BYTES + 8 * DONE
            at = code.address(Number("%context", "ptr"), code.index(done), "i8")
            code.store(step, at)
        finite = code.compare("olt", code.absolute(number), code.like(float("inf"), number))
        onward = code.label("finite")
        code.emit(f"br {finite}, label %{onward}, label %stopped")
        code.start_block(onward)

    def _write_kernel(
        self, emission: Emission, kernel: Kernel, fetched: Mapping[str, Number], numbers: Number
    ) -> None:
        data = index = emission.scratch
        if kernel.fed is not None:
            moved = self.code.multiply(Number("%step", "i64"), self.code.index(kernel.fed.shape[0]))
            index = self.code.address(numbers, moved, "i64")
            data = fetched[kernel.fed.name or ""]

        def write(inside: Emission) -> None:
            core, take = kernel.core, inside.take
            if kernel.fed is not None:
                write_fetch(inside, kernel, take(data), take(index))
            elif core is None:
                write_entries(inside, kernel)
            else:
                assert core.op is not None
                WRITERS[core.op.kernel](inside, kernel)

        self.functions.call(emission, write, kernel.core if kernel.single else None)

    # --- laps of a profile ----------------------------------------------------------------------

    def _begin_laps(self) -> None:
        if self.laps is not None:
            self.laps.begin()

    def _lap(self, kind: object) -> None:
        if self.laps is not None:
            self.laps.end(kind)

    def _end_laps(self) -> None:
        """Make the slot of the counters, whose number is known now, and write where they lie."""
        if self.laps is None:
            return
        self._lap(REST)
        all_threads = self._field(FIRST_SLOT + len(self.slots), "ptr")
        self.slots.append(Slot("laps", "int64", (self.laps.words,), counters=True))
        code, thread = self.code, Number("%thread", "i64")

        def write() -> Number:
            own = code.multiply(thread, code.index(self.slots[-1].shape[0]))
            return code.address(all_threads, own, "i64")

        own = self._at_entry(write)
        self.entry.append(f"  %laps = getelementptr i8, {own}, i64 0")

    def _write_end(self, steps: Number) -> None:
        code = self.code
        code.start_block("finished")
        with code.when(code.equal(Number("%thread", "i64"), code.index(0)), hint="single"):
            done = CONTEXT_BYTES + 8 * DONE
            at = code.address(Number("%context", "ptr"), code.index(done), "i8")
            code.store(steps, at)
        code.emit("ret i32 0")
        code.start_block("stopped")
        code.emit("ret i32 0")

    def _text(self) -> str:
        head = f"define internal i32 @{BODY}(ptr %context, i64 %thread, i64 %threads) noinline "
        body = "\n".join(
            [
                head + self.target.function_attributes + " {",
                "entry:",
                *self.entry,
                "  br label %entry.end",
                "entry.end:",
                "  br label %round",
                *self.code.lines,
                "}",
            ]
        )
        entry = write_entry(ENTRY, BODY, self.target)
        return "\n".join([*sorted(self.code.declarations), *self.functions.texts, body, entry, ""])


__all__ = ["BARRIER", "ENTRY", "FIRST_SLOT", "REST", "Lowered", "Roles", "Slot", "lower"]
