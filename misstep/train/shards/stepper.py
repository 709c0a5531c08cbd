"""`ShardedStepper`: steps on batches that are cut into shards, each worked on by itself.

The shards of a batch, their number a power of two, are shared out among ranks, and those of a rank
among threads; sums go in one fixed tree, so that no bit depends on how many of either there are.
Does to a `TrainingState` what `Stepper` does. Knows programs and ranks, not when an epoch ends.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import Any

import numpy as np

from misstep.compiler.runtime.cores import usable_cores
from misstep.data import Rows
from misstep.exchange import ALONE, Ranks, shards_of, summed
from misstep.ir import Array
from misstep.nn import Program
from misstep.storage import check_mapped
from misstep.train.programs import Programs, StepProgram
from misstep.train.shards.cutting import Place
from misstep.train.shards.fetching import FetchedRows
from misstep.train.shards.judging import threads_here
from misstep.train.shards.programs import ShardProgram, ShardPrograms
from misstep.train.shards.updating import ReadyUpdate
from misstep.train.state import TrainingState
from misstep.train.stepping import Stepper, Steps

# Parameters from which several threads are quicker than a call of one that was made ready before.
FEW_PARAMETERS = 1 << 16


class ShardedStepper(Stepper):
    """Takes steps on `rows` in `shards` shards of each batch, among `ranks`.

    `seed`: of random numbers. `threads`: at most so many in this process. Raises ArgumentError for
    a network or a loss that can't be cut into shards.
    """

    def __init__(
        self,
        programs: Programs,
        rows: Rows,
        seed: int,
        threads: int | None,
        shards: int,
        ranks: Ranks = ALONE,
    ) -> None:
        super().__init__(programs, rows, seed, threads)
        self._shards = shards
        self._ranks = ranks
        if programs.of_shards is None:
            programs.of_shards = ShardPrograms(programs)
        self._programs_of_shards: ShardPrograms = programs.of_shards
        self._batches: dict[int, _Batch] = {}
        self._ready: ReadyUpdate | None = None

    def update(self, state: TrainingState, indices: Array, learning_rates: Array) -> Steps:
        """Update the parameters by a batch for each of the learning rates."""

        def learn(number: int, batch: _Batch) -> float | None:
            rate = learning_rates[number : number + 1]
            update, gradients = state.update + number, batch.gradients
            if state.parameters.size > FEW_PARAMETERS and self._workers.threads > 1:
                return self._apply(state, rate, gradients, batch.weight, update)
            if self._ready is None or not self._ready.is_for(self._apply_program, state, gradients):
                feeds = self._feeds(state, rate)
                self._ready = ReadyUpdate.of(self._apply_program, state, gradients, feeds)
            if self._ready is None:
                return self._apply(state, rate, gradients, batch.weight, update)
            return self._ready(rate, batch.weight, update)

        return self._steps(state, indices, len(learning_rates), learn)

    def accumulate(self, state: TrainingState, indices: Array, batches: int) -> Steps:
        """Add up the gradients of so many batches."""
        if state.gradients is None:
            state.gradients = np.zeros_like(state.parameters)
        kind = state.parameters.dtype.type

        def learn(number: int, batch: _Batch) -> float | None:
            assert state.gradients is not None
            state.gradients += batch.gradients
            state.gradient_weight = float(kind(state.gradient_weight) + kind(batch.weight))
            return None

        return self._steps(state, indices, batches, learn)

    def apply(self, state: TrainingState, learning_rate: Array) -> float | None:
        """Update the parameters by the gradients that were added up, and forget those."""
        assert state.gradients is not None
        weight = state.gradient_weight
        clipped = self._apply(state, learning_rate, state.gradients, weight, state.update)
        state.gradients, state.gradient_weight, state.accumulated = None, 0.0, 0
        return clipped

    def by_itself(self) -> ShardedStepper:
        """Return one that takes the same steps in this process alone."""
        if self._ranks.size == 1:
            return self
        return ShardedStepper(self._programs, self._rows, self._seed, self._threads, self._shards)

    @property
    def _apply_program(self) -> StepProgram:
        return self._programs.apply(penalized=True)

    def program_of(self, kind: str, rows: int) -> StepProgram:
        """Return the program of a kind of call; that of a batch takes it as a whole."""
        return self._apply_program if kind == "apply" else super().program_of(kind, rows)

    def is_compiled(self, rows: int) -> bool:
        """Tell whether all programs of a batch of so many rows are machine code."""
        return all(program.compiled(1) is not None for program in self._batch(rows).programs)

    def _steps(
        self,
        state: TrainingState,
        indices: Array,
        count: int,
        learn: Callable[[int, _Batch], float | None],
    ) -> Steps:
        """Take steps on `count` batches; `learn` from each whose loss is a finite number."""
        began = time.perf_counter()
        check_mapped(self._rows.x, self._rows.y, self._rows.weights)
        losses: list[float] = []
        weights: list[float] = []
        not_finite: float | None = None
        clipped: float | None = None
        size = len(indices) // count
        batch = self._batch(size)
        for number in range(count):
            rows = indices[number * size : (number + 1) * size]
            batch.work(state, rows, state.draw + number)
            if not math.isfinite(batch.loss):
                not_finite = batch.loss
                break
            batch.keep_buffers(state)
            told = learn(number, batch)
            clipped = clipped if told is None else (clipped or 0.0) + told
            losses.append(batch.loss)
            weights.append(batch.weight)
        seconds = time.perf_counter() - began
        return Steps(np.array(losses), np.array(weights), seconds, not_finite, clipped)

    def _batch(self, rows: int) -> _Batch:
        if rows not in self._batches:
            self._batches[rows] = _Batch(
                self._programs_of_shards,
                self._rows,
                rows,
                self._shards,
                self._ranks,
                self._workers,
                self._seed,
            )
        return self._batches[rows]

    @cached_property
    def _workers(self) -> _Workers:
        return _Workers(threads_here(self._threads, self._ranks) or usable_cores())


class _Workers:
    """So many threads, of which the caller's is one."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool: ThreadPoolExecutor | None = None

    def run(self, calls: Sequence[Callable[[], None]]) -> None:
        """Run all calls and return once they are done."""
        groups = [calls[number :: self.threads] for number in range(min(self.threads, len(calls)))]
        if len(groups) < 2:
            for call in calls:
                call()
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads - 1, "shards")
        waiting = [self._pool.submit(_run_all, group) for group in groups[1:]]
        try:
            _run_all(groups[0])
        finally:
            for one in waiting:
                one.result()


def _run_all(calls: Sequence[Callable[[], None]]) -> None:
    for call in calls:
        call()


class _Batch:
    """This rank's shards of batches of `whole` rows, with the memory that they work in.

    After `work`: `gradients`, the sum over all rows of w · ∂l, (parameters,); `loss`, the mean, and
    `weight` of the whole batch.
    """

    def __init__(
        self,
        programs: ShardPrograms,
        rows: Rows,
        whole: int,
        shards: int,
        ranks: Ranks,
        workers: _Workers,
        seed: int,
    ) -> None:
        self._ranks, self._workers, self._number = ranks, workers, shards
        weighted = rows.weights is not None
        self._whole = whole
        own = shards_of(ranks.rank, ranks.size, shards)
        bounds = [(shard * whole // shards, (shard + 1) * whole // shards) for shard in own]
        made = {
            stop - start: programs.shard(stop - start, whole, weighted=weighted)
            for start, stop in bounds
            if stop > start
        }
        if not made:  # no rows for this rank; the shape of what all share is still to be known
            made[0] = programs.shard(1, whole, weighted=weighted)
        self._plan = next(iter(made.values()))
        self._last = programs.last(whole, weighted=weighted)
        self.programs = [*(program for one in made.values() for program in one.stages), self._last]
        fetched = FetchedRows(rows, self._plan, bounds[0][0], bounds[-1][1])
        self._fetched = fetched
        self._shards = [
            _ShardRun(made[stop - start], fetched, start) if stop > start else None
            for start, stop in bounds
        ]
        self._state: tuple[Array, Array] | None = None
        self._draw = np.zeros((), np.int64)
        self._seed = np.array(seed, np.int64)
        self.loss, self.weight = math.nan, math.nan

    def work(self, state: TrainingState, indices: Array, draw: int) -> None:
        """Work on the rows at `indices`, (whole,), with the numbers of `state`."""
        self._bind(state)
        self._draw[...] = draw
        self._fetched.begin(indices)
        for number, partials in enumerate(self._partials):
            calls = [shard.calls[number] for shard in self._shards if shard is not None]
            self._workers.run(calls)
            for arrays in partials:
                for shard, array in zip(self._shards, arrays, strict=True):
                    if shard is None:
                        array[...] = 0.0
                total = summed(list(arrays), self._number, self._ranks)
                if total is not arrays[0]:
                    np.copyto(arrays[0], total)
        self._run_last()
        self.loss, self.weight = float(self._common["loss"]), float(self._common["weight"])

    def keep_buffers(self, state: TrainingState) -> None:
        """Let the state have what the buffers became."""
        if "buffers" in self._common:
            np.copyto(state.buffers, self._common["buffers"])

    def _bind(self, state: TrainingState) -> None:
        """Make all calls ready, for the arrays of a state: where they lie is part of a call."""
        if self._state is not None and (
            self._state[0] is state.parameters and self._state[1] is state.buffers
        ):
            return
        feeds: dict[str, Array] = {**state.feeds(), "seed": self._seed, "draw": self._draw}
        totals = self._plan.cut.totals
        within = self._threads_within
        self._partials: list[list[list[Array]]] = []
        for shard in self._shards:
            if shard is not None:
                shard.begin(feeds)
        for number, stage in enumerate(self._plan.cut.stages):
            for shard in self._shards:
                if shard is not None:
                    shard.prepare(number, within)
            partials = []
            for name in stage.partials:
                total = name.replace("partial", "total")
                _, size, dtype = totals[total]
                arrays = [
                    np.zeros(size, dtype) if shard is None else shard.arrays[name]
                    for shard in self._shards
                ]
                # The sum is written into the first one.
                feeds[total] = arrays[0]
                for shard in self._shards:
                    if shard is not None:
                        shard.arrays[total] = arrays[0]
                partials.append(arrays)
            self._partials.append(partials)
        self._common = _outputs(self._last)
        self._run_last = _call(self._last, feeds, self._common, 1)
        place: Place = self._plan.cut.places["gradients"]
        self.gradients = feeds[place.total][place.start : place.stop]
        self._state = state.parameters, state.buffers

    @property
    def _threads_within(self) -> int:
        """Return how many threads work on a shard together: more than 1 where shards are few."""
        busy = sum(shard is not None for shard in self._shards)
        return max(self._workers.threads // max(busy, 1), 1)


class _ShardRun:
    """A shard of batches: rows from `start` on of each.

    `arrays`: by name all that its stages take and give; `calls`: one for each stage, made ready.
    """

    def __init__(self, program: ShardProgram, fetched: FetchedRows, start: int) -> None:
        self._program, self._fetched = program, fetched
        self._bounds = start, start + program.rows
        self._own = {**fetched.between(*self._bounds), "first": np.array(start, np.int64)}
        self.arrays: dict[str, Array] = {}
        self.calls: list[Callable[[], None]] = []

    def begin(self, feeds: dict[str, Array]) -> None:
        """Begin to make calls ready; `feeds`: what all shards are given."""
        self.arrays = {**feeds, **self._own}
        self.calls = []

    def prepare(self, number: int, threads: int) -> None:
        """Make the call of a stage ready, on so many threads."""
        program = self._program.stages[number]
        outputs = _outputs(program)
        run = _call(program, self.arrays, outputs, threads)
        self.arrays |= outputs
        first = number == 0 and not self._fetched.together
        self.calls.append(partial(self._first, run) if first else run)

    def _first(self, run: Callable[[], None]) -> None:
        """Fetch the rows, then run the first stage."""
        self._fetched.fetch(*self._bounds)
        run()


def _outputs(program: Program) -> dict[str, Array]:
    """Return memory for the outputs of a program by name."""
    return {
        name: np.zeros(value.shape, value.dtype) for name, value in program.graph.outputs.items()
    }


def _call(
    program: Program, arrays: dict[str, Array], outputs: dict[str, Array], threads: int
) -> Callable[[], None]:
    """Return a call of a program that takes `arrays` and writes into `outputs`, where they lie."""
    feeds: dict[str, Any] = {
        str(value.name): arrays[str(value.name)] for value in program.graph.inputs
    }
    native = program.compiled(threads)
    if native is None:

        def interpret() -> None:
            for name, result in program.run(feeds).items():
                np.copyto(outputs[name], result)

        return interpret
    if threads > 1:

        def run() -> None:
            native.run(feeds, into=outputs)

        return run
    return native.prepare(feeds, into=outputs)
