"""How steps are taken: many in one call of a compiled program, or one by one in the interpreter.

Both do the same to a `TrainingState`; the interpreter is the definition, and what runs where a
program can't be compiled. Knows programs and states, not when an epoch ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from misstep.data import Rows
from misstep.ir import Array
from misstep.train.programs import Programs, StepProgram
from misstep.train.state import TrainingState


@dataclass(frozen=True)
class Taken:
    """What steps left behind: loss and weight of each, (steps,) float64.

    `failed`: the loss that was not finite and before which the steps ended, or None. `measures`:
    what the probes of the last step said, by signal and place.
    """

    losses: Array
    weights: Array
    failed: float | None = None
    measures: dict[tuple[str, str], float] | None = None

    def __len__(self) -> int:
        return len(self.losses)


class Stepper:
    """Takes steps on `rows`: changes the state's parameters, optimizer state and gradients.

    `seed`: of random numbers. `threads`: at most so many.
    """

    def __init__(self, programs: Programs, rows: Rows, seed: int, threads: int | None) -> None:
        self._programs = programs
        self._rows = rows
        self._seed = seed
        self.threads = threads

    def update(
        self, state: TrainingState, chosen: Array, batch: int, rates: Array, probing: bool
    ) -> Taken:
        """Take a step for each of `rates`, on batches of `batch` of the rows `chosen`."""
        program = self._programs.step(batch, weighted=self._weighted, probing=probing)
        return self._take(program, state, chosen, batch, rates)

    def accumulate(self, state: TrainingState, chosen: Array, batch: int, probing: bool) -> Taken:
        """Add up the gradients of batches of `batch` of the rows `chosen`."""
        program = self._programs.accumulate(batch, weighted=self._weighted, probing=probing)
        if state.gradients is None:
            state.gradients = np.zeros_like(state.parameters)
        return self._take(program, state, chosen, batch, np.zeros(len(chosen) // batch))

    def apply(
        self, state: TrainingState, rates: Array, probing: bool
    ) -> dict[tuple[str, str], float] | None:
        """Update the parameters by the gradients that were added up, and forget those.

        `rates`: the learning rate, (1,).
        """
        program = self._programs.apply(probing=probing)
        # Rows that all weigh nothing have gradients 0: 0 / 1 leaves them so.
        weight = state.gradient_weight or 1.0
        feeds = self._feeds(state, rates) | {
            "gradients": state.gradients,
            "gradient_weight": np.asarray(weight, state.parameters.dtype),
        }
        native = program.compiled(self.threads)
        if native is not None:
            out, _ = native.run(feeds)
        else:
            out = program.run(feeds | {"rate": rates[0], "update": state.update})
            self._adopt(state, out)
        state.gradients, state.gradient_weight, state.accumulated = None, 0.0, 0
        return program.measures(out)

    @property
    def _weighted(self) -> bool:
        return self._rows.weights is not None

    def _feeds(self, state: TrainingState, rates: Array) -> dict[str, object]:
        count = len(rates)
        return {
            **state.held(),
            "optimizer_state": state.optimizer_state,
            "scalars": state.scalars,
            "rate": rates,
            "update": state.update + np.arange(count),
            "draw": state.draw + np.arange(count),
            "seed": np.asarray(self._seed),
        }

    def _take(
        self, program: StepProgram, state: TrainingState, chosen: Array, batch: int, rates: Array
    ) -> Taken:
        native = program.compiled(self.threads)
        if native is None:
            return self._interpret(program, state, chosen, batch, rates)
        data = {"x": self._rows.x, "y": self._rows.y, "weights": self._rows.weights}
        weight = np.array(state.gradient_weight, state.parameters.dtype)
        sums = {"gradients": state.gradients, "gradient_weight": weight}
        feeds = {**self._feeds(state, rates), **data, **sums}
        out, done = native.run(feeds, len(rates), row_numbers=chosen)
        state.gradient_weight = float(weight)
        losses = out["loss"].astype("float64")
        failed = None if done == len(rates) else float(losses[done])
        return Taken(
            losses[:done],
            out["weight"][:done].astype("float64"),
            failed,
            program.measures(out) if failed is None else None,
        )

    def _interpret(
        self, program: StepProgram, state: TrainingState, chosen: Array, batch: int, rates: Array
    ) -> Taken:
        losses: list[float] = []
        weights: list[float] = []
        out: dict[str, Array] = {}
        for step, rate in enumerate(rates):
            part = chosen[step * batch : (step + 1) * batch]
            feeds: dict[str, object] = {
                **state.held(),
                "optimizer_state": state.optimizer_state,
                "scalars": state.scalars,
                "x": self._rows.x[part],
                "y": self._rows.y[part],
                "seed": self._seed,
                "draw": state.draw + step,
                "update": state.update + step,
                "rate": rate,
                "gradients": state.gradients,
                "gradient_weight": state.gradient_weight,
            }
            if self._rows.weights is not None:
                feeds["weights"] = self._rows.weights[part]
            out = program.run(feeds)
            if not math.isfinite(float(out["loss"])):
                return Taken(np.array(losses), np.array(weights), float(out["loss"]))
            self._adopt(state, out)
            losses.append(float(out["loss"]))
            weights.append(float(out["weight"]))
        return Taken(np.array(losses), np.array(weights), None, program.measures(out))

    def _adopt(self, state: TrainingState, out: dict[str, Array]) -> None:
        state.parameters = out.get("parameters", state.parameters)
        state.buffers = out.get("buffers", state.buffers)
        state.optimizer_state = out.get("optimizer_state", state.optimizer_state)
        state.scalars = out.get("scalars", state.scalars)
        if "gradients" in out:
            state.gradients = out["gradients"]
            state.gradient_weight = float(out["gradient_weight"])
