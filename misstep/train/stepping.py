"""How steps are taken: many in one call of a compiled program, or one by one in the interpreter.

Both do the same to a `TrainingState`; the interpreter is the definition, and what runs where a
program can't be compiled. Knows programs and states, not when an epoch ends.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from misstep.compiler import Roles
from misstep.data import Rows
from misstep.ir import Array
from misstep.storage import MappedRows, check_mapped, expect_rows
from misstep.train.programs import Programs, StepProgram
from misstep.train.state import TrainingState


@dataclass(frozen=True)
class Steps:
    """What steps left behind: loss and weight of each, (steps,) float64, and the `seconds` of all.

    `not_finite`: the loss that was no finite number and before which the steps ended, or None.
    `clipped`: of how many updates the gradient was clipped; None where that was not found out.
    """

    losses: Array
    weights: Array
    seconds: float
    not_finite: float | None = None
    clipped: float | None = None

    def __len__(self) -> int:
        return len(self.losses)


@dataclass(frozen=True)
class _Source:
    """Rows as a compiled step gathers them: arrays, and where in them the rows lie.

    Rows of a file lie there among others, and as whole numbers perhaps; their answers and weights
    then lie at the same places. `more`: what else the step takes for that.
    """

    x: Array
    y: Array
    weights: Array | None
    order: Array | None = None
    stored_as: str | None = None
    more: Mapping[str, Array] = field(default_factory=dict)
    beyond_memory: bool = False

    @classmethod
    def of(cls, rows: Rows) -> _Source:
        x = rows.x
        if not isinstance(x, MappedRows):
            return cls(x, rows.y, rows.weights)
        stored = x.stored.reshape(len(x.stored), -1) if x.flat else x.stored
        stored_as = None if x.scale is None else stored.dtype.name
        more = {} if x.scale is None else {Roles.scale_of("x"): x.scale.numbers}
        if x.order is None:
            return cls(stored, rows.y, rows.weights, None, stored_as, more, x.is_beyond_memory)

        def spread(values: Array) -> Array:
            # A row that stands in several places has the same answer and weight in each.
            room = np.zeros((len(stored), *values.shape[1:]), values.dtype)
            room[x.order] = values
            return room

        weights = None if rows.weights is None else spread(rows.weights)
        y = spread(rows.y)
        return cls(stored, y, weights, x.order, stored_as, more, x.is_beyond_memory)

    def numbers_of(self, indices: Array) -> Array:
        """Return where the rows at `indices` lie; they are about to be read."""
        numbers = indices if self.order is None else self.order[indices]
        if self.beyond_memory:
            expect_rows(self.x, numbers)
        return numbers


class Stepper:
    """Takes steps on `rows`: changes the state's parameters, optimizer state and gradients.

    `seed`: of random numbers. `threads`: at most so many. Batches are of the rows at `indices`, the
    same number of rows in each.
    """

    def __init__(self, programs: Programs, rows: Rows, seed: int, threads: int | None) -> None:
        self._programs = programs
        self._rows = rows
        self._seed = seed
        self._threads = threads
        self._source = _Source.of(rows)

    def update(self, state: TrainingState, indices: Array, learning_rates: Array) -> Steps:
        """Update the parameters by a batch for each of the learning rates."""
        rows = len(indices) // len(learning_rates)
        program = self.program_of("update", rows)
        return self._run(program, state, indices, learning_rates)

    def accumulate(self, state: TrainingState, indices: Array, batches: int) -> Steps:
        """Add up the gradients of so many batches."""
        rows = len(indices) // batches
        program = self.program_of("accumulate", rows)
        if state.gradients is None:
            state.gradients = np.zeros_like(state.parameters)
        return self._run(program, state, indices, np.zeros(batches))

    def apply(self, state: TrainingState, learning_rate: Array) -> float | None:
        """Update the parameters by the gradients that were added up, and forget those.

        `learning_rate`: (1,). Returns 1 where they were clipped, else 0; None as in `Steps`.
        """
        assert state.gradients is not None
        weight = state.gradient_weight
        clipped = self._apply(state, learning_rate, state.gradients, weight, state.update)
        state.gradients, state.gradient_weight, state.accumulated = None, 0.0, 0
        return clipped

    def _apply(
        self,
        state: TrainingState,
        learning_rate: Array,
        gradients: Array,
        weight: float,
        update: int,
    ) -> float | None:
        """Make the update of the number `update` by a sum of gradients that weighs `weight`."""
        program = self._apply_program
        # Rows that all weigh nothing have gradients 0: 0 / 1 leaves them so.
        feeds = self._feeds(state, learning_rate) | {
            "update": np.array([update]),
            "gradients": gradients,
            "gradient_weight": np.asarray(weight or 1.0, state.parameters.dtype),
        }
        native = program.compiled(self._threads)
        if native is not None:
            out, _ = native.run(feeds)
        else:
            out = program.run(feeds | {"learning_rate": learning_rate[0], "update": update})
            _adopt(state, out)
        return _clipped(out, 1)

    @property
    def _apply_program(self) -> StepProgram:
        return self._programs.apply()

    def by_itself(self) -> Stepper:
        """Return one that takes the same steps in this process alone."""
        return self

    @property
    def programs(self) -> Programs:
        """Return what makes the programs."""
        return self._programs

    def program_of(self, kind: str, rows: int) -> StepProgram:
        """Return the program of a kind of call, named as the methods above, for so many rows."""
        if kind == "apply":
            return self._programs.apply()
        make = self._programs.step if kind == "update" else self._programs.accumulate
        return make(rows, weighted=self._weighted, stored=self._source.stored_as)

    @property
    def _weighted(self) -> bool:
        return self._rows.weights is not None

    def _feeds(self, state: TrainingState, learning_rates: Array) -> dict[str, object]:
        """Return what compiled steps take beside rows and sums of gradients."""
        count = len(learning_rates)
        return {
            **state.feeds(),
            "optimizer_state": state.optimizer_state,
            "scalars": state.scalars,
            "learning_rate": learning_rates,
            "update": state.update + np.arange(count),
            "draw": state.draw + np.arange(count),
            "seed": np.asarray(self._seed),
        }

    def feeds_of_step(
        self, state: TrainingState, batch: Array, learning_rate: float, step: int = 0
    ) -> dict[str, object]:
        """Return what a single step on the rows at `batch` takes in the interpreter.

        `step`: which one it is of several that begin at `state`, counted from 0.
        """
        rows = self._rows.take(batch)
        feeds: dict[str, object] = {
            **state.feeds(),
            "optimizer_state": state.optimizer_state,
            "scalars": state.scalars,
            "x": rows.x,
            "y": rows.y,
            "seed": self._seed,
            "draw": state.draw + step,
            "update": state.update + step,
            "learning_rate": learning_rate,
            "gradients": state.gradients,
            "gradient_weight": state.gradient_weight,
        }
        return feeds if rows.weights is None else feeds | {"weights": rows.weights}

    def _run(
        self, program: StepProgram, state: TrainingState, indices: Array, learning_rates: Array
    ) -> Steps:
        began = time.perf_counter()
        native = program.compiled(self._threads)
        if native is None:
            return self._interpret(program, state, indices, learning_rates)
        source = self._source
        check_mapped(source.x, source.y, source.weights)
        count = len(learning_rates)
        data = {"x": source.x, "y": source.y, "weights": source.weights, **source.more}
        weight = np.array(state.gradient_weight, state.parameters.dtype)
        sums = {"gradients": state.gradients, "gradient_weight": weight}
        feeds = {**self._feeds(state, learning_rates), **data, **sums}
        out, done = native.run(feeds, count, row_numbers=source.numbers_of(indices))
        state.gradient_weight = float(weight)
        # Behind the step that failed there are no numbers, whatever the memory holds.
        losses = out["loss"][: done + 1].astype("float64")
        not_finite = None if done == count else float(losses[done])
        return Steps(
            losses[:done],
            out["weight"][:done].astype("float64"),
            time.perf_counter() - began,
            not_finite,
            _clipped(out, done),
        )

    def _interpret(
        self, program: StepProgram, state: TrainingState, indices: Array, learning_rates: Array
    ) -> Steps:
        began = time.perf_counter()
        losses: list[float] = []
        weights: list[float] = []
        not_finite: float | None = None
        clipped: float | None = None
        batches = np.split(indices, len(learning_rates))
        for step, (batch, learning_rate) in enumerate(zip(batches, learning_rates, strict=True)):
            out = program.run(self.feeds_of_step(state, batch, learning_rate, step))
            loss = float(out["loss"])
            if not math.isfinite(loss):
                not_finite = loss
                break
            _adopt(state, out)
            losses.append(loss)
            weights.append(float(out["weight"]))
            told = _clipped(out, 1)
            clipped = clipped if told is None else (clipped or 0.0) + told
        seconds = time.perf_counter() - began
        return Steps(np.array(losses), np.array(weights), seconds, not_finite, clipped)


def _clipped(out: dict[str, Array], steps: int) -> float | None:
    """Return of how many of the first `steps` updates the gradient was clipped; None: not told."""
    return float(out["clipped"].reshape(-1)[:steps].sum()) if "clipped" in out else None


def _adopt(state: TrainingState, out: dict[str, Array]) -> None:
    """Let the state have what a step of the interpreter gave."""
    state.parameters = out.get("parameters", state.parameters)
    state.buffers = out.get("buffers", state.buffers)
    state.optimizer_state = out.get("optimizer_state", state.optimizer_state)
    state.scalars = out.get("scalars", state.scalars)
    if "gradients" in out:
        state.gradients = out["gradients"]
        state.gradient_weight = float(out["gradient_weight"])
