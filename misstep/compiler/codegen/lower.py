"""From a schedule to the text of one native function that runs many steps of it.

Puts the parts together: addresses, barriers (`barrier.py`) between regions, the code of each kernel
(`kernels/`) as a function of its own (`outlining.py`), timers where a profile is wanted. The
function is called by every thread with the address of a context, its number and the number of
threads; the context begins with a barrier's block, then comes a table of addresses and counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from misstep.compiler.codegen.barrier import CONTEXT_BYTES, write_barrier
from misstep.compiler.codegen.entry import write_entry
from misstep.compiler.codegen.kernels import (
    STORED_TYPES,
    WRITERS,
    Emission,
    write_entries,
    write_gather,
)
from misstep.compiler.codegen.outlining import Functions
from misstep.compiler.codegen.target import Target
from misstep.compiler.codegen.timers import Timers
from misstep.compiler.language.code import LLVM_TYPES, Number
from misstep.compiler.language.element_code import ElementCode
from misstep.compiler.language.elements import Position
from misstep.compiler.language.views import Buffer, View
from misstep.compiler.schedule.arguments import Slot
from misstep.compiler.schedule.kernel import Kernel
from misstep.compiler.schedule.partition import ROWS_TOGETHER
from misstep.compiler.schedule.scheduling import Schedule
from misstep.ir import Value

# The table in the context, in entries of 8 bytes.
ARENA, SCRATCH, SCRATCH_BYTES, STEPS, DONE, ROW_NUMBERS, FIRST_SLOT = range(7)
# What the module calls the way in, and the steps themselves.
ENTRY = "misstep_run"
BODY = "misstep_steps"
# What a timer of a profile is about that is no kernel: the waiting for other threads before a
# region (by its number) or between two steps, and all the rest, such as scalars.
BARRIER, REST = "barrier", "rest"


@dataclass(frozen=True)
class LoweredProgram:
    """The text of a module, and what must be known to call it.

    `slots`: those of the schedule, and one for the timers of a profile. `timers`: what each of them
    is about: a kernel, (BARRIER, region) or REST.
    """

    text: str
    schedule: Schedule
    slots: tuple[Slot, ...]
    scratch_bytes: int
    timers: tuple[object, ...] = ()

    @property
    def timers_shape(self) -> tuple[int, ...]:
        """Return the shape of the timers of one thread in memory; (0,) where there are none."""
        return next((slot.shape for slot in self.slots if slot.timers), (0,))


def lower(schedule: Schedule, target: Target, *, profiling: bool = False) -> LoweredProgram:
    """Return the function for a schedule. Raises NotYetError for ops that can't be compiled.

    `profiling`: with code that reads the clock around each kernel and each barrier.
    """
    return _Lowering(schedule, target, profiling=profiling).run()


class _Lowering:
    def __init__(self, schedule: Schedule, target: Target, *, profiling: bool) -> None:
        self.schedule = schedule
        self.fused = schedule.fused
        self.states = schedule.arguments.states
        self.slots = list(schedule.arguments.slots)
        self.target = target
        self.code = ElementCode()
        self.functions = Functions(target)
        self.entry: list[str] = []
        self._bounds: dict[int, tuple[Number, Number]] = {}
        self._addresses: dict[Buffer, Number] = {}
        self.timers = Timers(self.code, Number("%timers", "ptr")) if profiling else None

    def run(self) -> LoweredProgram:
        scratch = self._write()
        timers = () if self.timers is None else tuple(self.timers.subjects)
        return LoweredProgram(self._text(), self.schedule, tuple(self.slots), scratch, timers)

    # --- code ---------------------------------------------------------------------------------

    def _at_entry(self, write: Callable[[], Number]) -> Number:
        """Return a number that is worked out where the function begins."""
        lines, self.code.lines = self.code.lines, self.entry
        number = write()
        self.code.lines = lines
        return number

    def _field(self, number: int, llvm_type: str) -> Number:
        code = self.code

        def write() -> Number:
            at = CONTEXT_BYTES + 8 * number
            return code.load(
                code.address(Number("%context", "ptr"), code.index(at), "i8"), llvm_type
            )

        return self._at_entry(write)

    def _address(self, view: View) -> Number:
        """Return where the first entry of a view is, worked out here."""
        base = self._addresses[view.buffer]
        if not view.offset:
            return base
        return self.code.address(base, self.code.index(view.offset), LLVM_TYPES[view.buffer.dtype])

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

    def _write(self) -> int:
        """Write everything; return the bytes of scratch memory that each thread needs."""
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
        for buffer, start in self.schedule.arena.starts.items():
            at = code.index(start)
            self._addresses[buffer] = self._at_entry(partial(code.address, arena_base, at, "i8"))
        emission = Emission(
            code,
            self.fused,
            self.target,
            self._address,
            self.bounds,
            own_scratch,
            chaining=not self.schedule.roles.row_wise,
        )
        before = "entry.end"
        code.start_block("round")
        step = Number("%step", "i64")
        phi_line = len(code.lines)
        code.lines.append("")
        for buffer, number in self.schedule.arguments.buffers.items():
            slot = self.slots[number]
            base = bases[number]
            if slot.stride:
                moved = code.multiply(step, code.index(slot.stride))
                base = code.address(base, moved, LLVM_TYPES[slot.dtype])
            self._addresses[buffer] = base
        gathered = {slot.name: bases[number] for number, slot in enumerate(self.slots)}
        self._start_timers()
        self._write_step(emission, gathered, numbers, step)
        self._stop_timers()
        following = code.add(step, code.index(1))
        code.emit(f"br {code.less(following, steps)}, label %round, label %finished")
        code.lines[phi_line] = (
            f"  %step = phi i64 [ 0, %{before} ], [ {following.text}, %{code.block} ]"
        )
        self._write_end(steps)
        return emission.scratch_bytes

    def _write_step(
        self, emission: Emission, gathered: Mapping[str, Number], numbers: Number, step: Number
    ) -> None:
        code, fused, order = self.code, self.fused, self.schedule.partition
        context, threads = Number("%context", "ptr"), Number("%threads", "i64")
        for value in self.schedule.graph.values:
            known = value in fused.scalars and not fused.kernels_of_scalar(value)
            if known and not value.is_literal:
                emission.work_out(value)
        stored_guard = False
        for region_number, region in enumerate(order.regions):
            if region_number:
                self._time(REST)
                write_barrier(code, context, threads, self.target)
                self._time((BARRIER, region_number))
            for kernel in region:
                code.comment(kernel.name)
                for read in fused.reads(kernel):
                    for scalar in read.scalars:
                        emission.work_out(scalar)
                if order.guard is not None and not stored_guard and self._changes(kernel):
                    self._write_guard(emission, order.guard, step)
                    stored_guard = True
                self._time(REST)
                self._write_kernel(emission, kernel, gathered, numbers)
                self._time(kernel)
        changing = any(view.buffer in self.states for _, view in fused.scalar_outputs)
        if order.guard is not None and not stored_guard and changing:
            self._write_guard(emission, order.guard, step)
        if fused.scalar_outputs:
            if len(order.regions) < 2 and changing:
                self._time(REST)
                write_barrier(code, context, threads, self.target)
                self._time((BARRIER, len(order.regions)))
            scalars = [emission.work_out(value) for value, _ in fused.scalar_outputs]
            with code.when(code.equal(Number("%thread", "i64"), code.index(0)), hint="first"):
                for (value, view), number in zip(fused.scalar_outputs, scalars, strict=True):
                    where = (Position(code.index(0)),) * value.ndim
                    emission.elements().store(number, view, where)
        if order.closing or changing:
            self._time(REST)
            write_barrier(code, context, threads, self.target)
            self._time((BARRIER, len(order.regions)))

    def _changes(self, kernel: Kernel) -> bool:
        return any(view.buffer in self.states for _, view in kernel.results)

    def _write_guard(self, emission: Emission, guard: Value, step: Number) -> None:
        """Write that every thread leaves where the guard is not finite."""
        code = self.code
        number = emission.work_out(guard)
        with code.when(code.equal(Number("%thread", "i64"), code.index(0)), hint="first"):
            for value, view in self.fused.scalar_outputs:
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
        self, emission: Emission, kernel: Kernel, gathered: Mapping[str, Number], numbers: Number
    ) -> None:
        data = index = emission.scratch
        whole: tuple[str, Number] | None = None
        if kernel.gathered is not None:
            moved = self.code.multiply(
                Number("%step", "i64"), self.code.index(kernel.gathered.shape[0])
            )
            index = self.code.address(numbers, moved, "i64")
            name = kernel.gathered.name or ""
            data = gathered[name]
            stored = self.schedule.roles.stored.get(name)
            if stored is not None:
                whole = STORED_TYPES[stored], gathered[self.schedule.roles.scale_of(name)]

        def write(inside: Emission) -> None:
            anchor, take = kernel.anchor, inside.take
            if kernel.gathered is not None:
                stored_as = None if whole is None else (whole[0], take(whole[1]))
                write_gather(inside, kernel, take(data), take(index), stored_as)
            elif anchor is None:
                write_entries(inside, kernel)
            else:
                assert anchor.op is not None
                WRITERS[anchor.op.kernel](inside, kernel)

        self.functions.call(emission, write, kernel.anchor if kernel.scalar else None)

    # --- timers of a profile ----------------------------------------------------------------------

    def _start_timers(self) -> None:
        if self.timers is not None:
            self.timers.start()

    def _time(self, subject: object) -> None:
        if self.timers is not None:
            self.timers.stop(subject)

    def _stop_timers(self) -> None:
        """Make the slot of the timers, whose number is known now, and write where they lie."""
        if self.timers is None:
            return
        self._time(REST)
        all_threads = self._field(FIRST_SLOT + len(self.slots), "ptr")
        self.slots.append(Slot("timers", "int64", (self.timers.words,), timers=True))
        code, thread = self.code, Number("%thread", "i64")

        def write() -> Number:
            own = code.multiply(thread, code.index(self.slots[-1].shape[0]))
            return code.address(all_threads, own, "i64")

        own = self._at_entry(write)
        self.entry.append(f"  %timers = getelementptr i8, {own}, i64 0")

    def _write_end(self, steps: Number) -> None:
        code = self.code
        code.start_block("finished")
        with code.when(code.equal(Number("%thread", "i64"), code.index(0)), hint="first"):
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


__all__ = ["BARRIER", "ENTRY", "FIRST_SLOT", "REST", "LoweredProgram", "lower"]
