"""`NativeProgram`: a graph as machine code that runs many steps in one call.

Compiles when it is made: passes, schedule, codegen, machine code. `run` fills in addresses and lets
a thread pool go; what is computed does not depend on how many threads there are. Knows arrays by
name; what they mean is its user's business.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from copy import copy
from functools import cached_property, partial
from typing import Any
from weakref import WeakSet

import numpy as np

from misstep.compiler.codegen.lower import (
    DONE,
    ENTRY,
    FIRST_SLOT,
    ROW_NUMBERS,
    STEPS,
    LoweredProgram,
    lower,
)
from misstep.compiler.codegen.target import Target
from misstep.compiler.passes import simplify
from misstep.compiler.runtime.cores import usable_cores
from misstep.compiler.runtime.lowered_programs import lowered_before
from misstep.compiler.runtime.native import compile_module
from misstep.compiler.runtime.role_checks import check_apart, check_roles
from misstep.compiler.runtime.targets import host_target
from misstep.compiler.runtime.thread_count_tuning import ThreadCountTuner
from misstep.compiler.runtime.thread_pool import CALL_ARGUMENTS, CALL_RESULT, THREAD_POOL
from misstep.compiler.runtime.workspace import Workspace, address_of, set_waiting
from misstep.compiler.schedule.kernel_classes import work_of
from misstep.compiler.schedule.partition import rows_are_independent
from misstep.compiler.schedule.roles import Roles
from misstep.compiler.schedule.scheduling import Schedule, schedule_graph
from misstep.errors import AbstractValueError, ArgumentError, NotYetError, ShapeError
from misstep.ir import Array, Graph

# Multiply-adds or entries in a step below which a second thread costs more than it brings: about 20
# microseconds of one core, against about 2 for two barriers.
WORK_FOR_TWO = 1_000_000
_NO_ROWS = np.zeros(0, np.int64)


class NativeProgram:
    """A graph as machine code.

    `roles`: what inputs and outputs are to a program of many steps. `threads`: at most so many;
    None: as many as there are cores to use. A step with little work runs on one thread, and so
    does one that was found to be faster so.
    `profiling`: with code that counts, in `ticks`, what each kernel and each barrier takes. Raises
    NotYetError for what can't be compiled, ArgumentError or ShapeError for roles that can't be.
    """

    def __init__(
        self,
        graph: Graph,
        roles: Roles | None = None,
        *,
        target: Target | None = None,
        threads: int | None = None,
        profiling: bool = False,
    ) -> None:
        self.graph = graph
        self.roles = roles if roles is not None else Roles()
        self.target = target if target is not None else host_target()
        check_roles(graph, self.roles)
        lower_it = partial(_lowered, graph, self.roles, self.target, profiling)
        # What is only looked at, kernel by kernel, is made of this very graph.
        self._lowered, self._of_another = (
            (lower_it(), False)
            if profiling
            else lowered_before(graph, self.roles, self.target, lower_it)
        )
        self.module = compile_module(self._lowered.text, self.target)
        self._function = self.module.function(ENTRY, CALL_RESULT, *CALL_ARGUMENTS)
        self._tuner = ThreadCountTuner(self._threads(threads))
        self._threads_set: int | None = None
        # Ticks of the clock by thread and by `lowered.timers`; they add up, run after run.
        self.ticks = self._no_ticks()
        self._workspace: Workspace | None = None
        self._lock = threading.Lock()
        _programs.add(self)

    @property
    def threads(self) -> int:
        """Return how many threads a run has at most; setting it makes it exactly so many."""
        return self._tuner.most if self._threads_set is None else self._threads_set

    @threads.setter
    def threads(self, count: int) -> None:
        if count < 1:
            raise ArgumentError("the threads of a program", needed="1 or more", got=repr(count))
        with self._lock:  # memory for each of them must not change under a run
            self._threads_set = count
            self.ticks = self._no_ticks()

    def on_threads(self, most: int | None) -> NativeProgram:
        """Return the same machine code for runs on at most so many threads; None: all cores."""
        other = copy(self)
        other._tuner = ThreadCountTuner(self._threads(most))
        other._threads_set = None
        other.ticks = other._no_ticks()
        other._workspace, other._lock = None, threading.Lock()
        _programs.add(other)
        return other

    def _no_ticks(self) -> Array:
        return np.zeros((self.threads, *self._lowered.timers_shape), np.int64)

    def _threads(self, requested: int | None) -> int:
        most = requested if requested is not None else usable_cores()
        return max(1, min(most, self.work() // WORK_FOR_TWO + 1))

    @cached_property
    def lowered(self) -> LoweredProgram:
        """Return the text of the machine code, and what it was made of, for those who look at it.

        The code that runs may have been made of another graph of the same structure; here stand the
        lines that made this one.
        """
        if not self._of_another:
            return self._lowered
        return _lowered(self.graph, self.roles, self.target, profiling=False)

    @property
    def schedule(self) -> Schedule:
        """Return the kernels, their order, and where everything lies."""
        return self.lowered.schedule

    @cached_property
    def rows_are_independent(self) -> bool:
        """Tell whether no row of a result depends on other rows of the stepped inputs."""
        schedule = self._lowered.schedule
        return rows_are_independent(schedule.fused, schedule.partition, self.roles.stepped)

    def work(self) -> int:
        """Return about how many multiply-adds, or entries worked out, a step takes."""
        return sum(
            work_of(kernel.shape, kernel.anchor) for kernel in self._lowered.schedule.fused.kernels
        )

    def run(
        self,
        feeds: Mapping[str, Any],
        steps: int = 1,
        *,
        row_numbers: Array | None = None,
        into: Mapping[str, Array] | None = None,
    ) -> tuple[dict[str, Array], int]:
        """Run `steps` steps; return the outputs by name and the steps that were done.

        `feeds`: inputs by name. States are arrays that change in place. A stepped input holds what
        each step takes, one after the other: (steps, *shape). A gathered input is the whole data:
        (rows, …); `row_numbers`, (steps · batch,) int64, says which rows each step takes. `into`:
        arrays for outputs, otherwise new ones; a logged output is (steps, *shape), of which only
        the steps done mean anything.

        Raises AbstractValueError when an input is missing, ShapeError when one has another shape,
        ArgumentError when what is written shares memory with another array.
        """
        with self._lock:
            return self._run(feeds, steps, row_numbers, into)

    def _run(
        self,
        feeds: Mapping[str, Any],
        steps: int,
        row_numbers: Array | None,
        into: Mapping[str, Array] | None,
    ) -> tuple[dict[str, Array], int]:
        if steps < 0:
            raise ArgumentError(
                f"the steps of {self.graph.name}", needed="0 or more", got=f"{steps}"
            )
        arrays: list[Array] = []
        outputs: dict[str, Array] = {}
        for slot in self._lowered.slots:
            if slot.literal is not None:
                arrays.append(slot.literal)
            elif slot.timers:
                arrays.append(self.ticks)
            elif slot.output:
                shape = (steps, *slot.shape) if slot.name in self.roles.logged else slot.shape
                array = None if into is None else into.get(slot.name)
                output = np.empty(shape, slot.dtype) if array is None else array
                _check(slot.name, output, shape, slot.dtype, self.graph.name)
                outputs[slot.name] = output
                arrays.append(output)
            else:
                arrays.append(self._input(slot.name, slot.dtype, slot.shape, feeds, steps))
        for name, into_name in self.roles.states.items():
            outputs[name] = feeds[into_name]
        rows = self._row_numbers(row_numbers, feeds, steps)
        states = self.roles.states.values()
        addresses = [address_of(array) for array in arrays]
        spans = [
            (address, array.nbytes, slot.output or slot.name in states, slot.name)
            for slot, array, address in zip(self._lowered.slots, arrays, addresses, strict=True)
        ]
        check_apart(
            self.graph.name, [*spans, (address_of(rows), rows.nbytes, False, "row_numbers")]
        )
        return outputs, self._call(arrays, addresses, rows, steps)

    def _row_numbers(
        self, row_numbers: Array | None, feeds: Mapping[str, Any], steps: int
    ) -> Array:
        """Return the numbers of the rows to gather, looked at before they become addresses."""
        batches = {
            slot.name: slot.shape[0]
            for slot in self._lowered.slots
            if slot.name in self.roles.gathered and slot.shape
        }
        if not batches:
            return _NO_ROWS
        rows = np.asarray(_NO_ROWS if row_numbers is None else row_numbers, np.int64, order="C")
        batch = next(iter(batches.values()))
        count = min(len(feeds[name]) for name in batches)
        if rows.shape != (steps * batch,):
            raise ShapeError(
                f"the row numbers of {self.graph.name}",
                needed=f"shape ({steps * batch},)",
                got=f"shape {rows.shape}",
            )
        if rows.size and not (rows.min() >= 0 and rows.max() < count):
            raise ShapeError(
                f"the row numbers of {self.graph.name}",
                needed=f"0 to {count - 1}",
                got=f"{rows.min()} to {rows.max()}",
            )
        return rows

    def _input(
        self, name: str, dtype: str, shape: tuple[int, ...], feeds: Mapping[str, Any], steps: int
    ) -> Array:
        array = feeds.get(name)
        if array is None:
            array = next((value.data for value in self.graph.inputs if value.name == name), None)
        if array is None:
            raise AbstractValueError(
                f"running {self.graph.name}",
                needed=f"numbers for the input {name!r}",
                got="none",
                try_=f"run({{{name!r}: ...}})",
            )
        if name in self.roles.states.values():
            _check(name, array, shape, dtype, self.graph.name)
            return np.asarray(array)
        array = np.asarray(array, dtype=dtype, order="C")
        if name in self.roles.gathered:
            if array.shape[1:] != shape[1:]:
                raise ShapeError(
                    f"the input {name!r} of {self.graph.name}",
                    needed=f"rows of shape {shape[1:]}",
                    got=f"shape {array.shape}",
                )
            return array
        expected = (steps, *shape) if name in self.roles.stepped else shape
        if array.shape != expected:
            raise ShapeError(
                f"the input {name!r} of {self.graph.name}",
                needed=f"shape {expected}",
                got=f"shape {array.shape}",
            )
        return array

    def _call(self, arrays: list[Array], addresses: list[int], rows: Array, steps: int) -> int:
        workspace = self._workspace
        if workspace is None or workspace.threads != self.threads:
            workspace = self._workspace = Workspace(self._lowered, self.threads)
        threads = self._tuner.choose() if self._threads_set is None else self._threads_set
        if threads > 1:
            set_waiting(workspace.context, threads)
        table = workspace.table
        table[STEPS] = steps
        table[DONE] = 0
        table[ROW_NUMBERS] = address_of(rows)
        table[FIRST_SLOT:] = addresses
        if steps > 0:
            began = time.perf_counter()
            THREAD_POOL.run(self._function, workspace.address, threads, (arrays, rows, workspace))
            self._tuner.record(threads, (time.perf_counter() - began) / steps)
        return int(table[DONE])

    def prepare(
        self, feeds: Mapping[str, Any], into: Mapping[str, Array] | None = None
    ) -> PreparedCall:
        """Return a call of one step on one thread that is made ready once, to be made many times.

        `feeds`: the inputs that stay; stepped ones get memory of their own. `into`: arrays for
        outputs, otherwise new ones. Raises ArgumentError for a program that gathers rows: those of
        one step are all that there is here.
        """
        if any(slot.name in self.roles.gathered for slot in self._lowered.slots):
            raise ArgumentError(
                f"preparing {self.graph.name}",
                needed="a program that is given its rows",
                got="one that gathers them by number",
                try_="run(...)",
            )
        inputs: dict[str, Array] = {}
        outputs: dict[str, Array] = {}
        arrays: list[Array] = []
        for slot in self._lowered.slots:
            if slot.literal is not None:
                arrays.append(slot.literal)
            elif slot.output or slot.name in self.roles.stepped:
                given = None if into is None or not slot.output else into.get(slot.name)
                array = np.zeros(slot.shape, slot.dtype) if given is None else given
                _check(slot.name, array, slot.shape, slot.dtype, self.graph.name)
                (outputs if slot.output else inputs)[slot.name] = array
                arrays.append(array)
            else:
                arrays.append(self._input(slot.name, slot.dtype, slot.shape, feeds, 1))
        workspace = Workspace(self._lowered, 1)
        workspace.table[STEPS] = 1
        workspace.table[FIRST_SLOT:] = [address_of(array) for array in arrays]
        return PreparedCall(self, inputs, outputs, self._function, workspace, arrays)


_programs: WeakSet[NativeProgram] = WeakSet()


def _start_anew() -> None:
    """In a child process: a thread that was in the middle of a run when it forked is not here."""
    for program in list(_programs):
        program._lock, program._workspace = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


class PreparedCall:
    """A call that is ready: write into `inputs`, call it, read `outputs`.

    For small work, where looking at every argument would take longer than the work itself. Not for
    two threads at a time.
    """

    def __init__(
        self,
        program: NativeProgram,
        inputs: dict[str, Array],
        outputs: dict[str, Array],
        function: Any,
        workspace: Workspace,
        arrays: list[Array],
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self._run = partial(function, workspace.address, 0, 1)
        self._kept = program, workspace, arrays

    def __call__(self) -> None:
        """Run the step."""
        self._run()


def _lowered(graph: Graph, roles: Roles, target: Target, profiling: bool) -> LoweredProgram:
    try:
        simple = simplify(graph, roles.passes_left_out)
        return lower(schedule_graph(simple, roles), target, profiling=profiling)
    except RecursionError as error:
        # What is worked out entry by entry is followed from a result back to what is stored.
        raise NotYetError(
            f"compiling {graph.name}",
            needed="shorter chains of operations entry by entry",
            got="one of more than a hundred, or nearly so",
            try_="the interpreter",
        ) from error


def _check(name: str, array: Any, shape: tuple[int, ...], dtype: str, program: str) -> None:
    fits = isinstance(array, np.ndarray) and array.shape == shape and array.dtype == dtype
    if not (fits and array.flags.c_contiguous and array.flags.writeable):
        raise ShapeError(
            f"the array for {name!r} of {program}",
            needed=f"a writable {dtype} array of shape {shape} in row-major order",
            got=f"{getattr(array, 'dtype', type(array).__name__)} {getattr(array, 'shape', '')}",
        )
