"""The programs that work on a model, to be looked at: a training step, evaluation, prediction.

They are those that `misstep train` and `misstep predict` run, for some number of rows. Knows models
and recipes; how a program is put into words, `inspection` knows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from misstep.compiler import NativeProgram
from misstep.errors import ArgumentError
from misstep.inspection import Profile, profile_program
from misstep.modeling.model import TrainedModel
from misstep.modeling.plans import default_optimizer
from misstep.nn import Program
from misstep.nn.inference import CHUNK
from misstep.text.counts import counted
from misstep.train import Programs, synthetic_inputs

__all__ = ["MOST_ROWS", "PROGRAMS", "ModelProgram", "model_program"]

# What can be looked at, in words.
PROGRAMS = {
    "step": "a training step",
    "evaluate": "the evaluation of rows with answers",
    "predict": "the prediction of rows",
}
# Of one program at a time; its memory grows with them.
MOST_ROWS = 65_536
# Rows that make a step together, where a model does not say how many did.
UNKNOWN_BATCH = 32

# A round of a profile takes about so long: a moment in which a busy machine may leave us alone.
ROUND_SECONDS = 2e-3
MOST_STEPS = 256
MOST_ROUNDS = 400


@dataclass(frozen=True)
class ModelProgram:
    """A program for `rows` rows of a model. `reason`: why so many."""

    name: str
    rows: int
    reason: str
    programs: Programs
    program: Program

    @property
    def words(self) -> str:
        """Return what it does, in words."""
        words = f"{PROGRAMS[self.name]}: {counted(self.rows, 'row')}"
        if self.name == "step":
            words += f", {type(self.programs.optimizer).__name__}"
        return words

    def native(self, threads: int | None = None) -> NativeProgram | None:
        """Return it as machine code, or None where it can't be compiled; see `fallback_reason`."""
        return self.program.compiled(threads)

    @property
    def fallback_reason(self) -> str:
        """Return why it can't be compiled, once that was tried in vain."""
        return self.program.fallback_reason

    def profile(self, native: NativeProgram, seconds: float) -> Profile:
        """Return where the time of a step goes, measured on made-up rows for about `seconds`."""
        inputs = self._inputs(1)
        native.run(inputs.feeds | self._own_states(inputs.feeds), 1, row_numbers=inputs.row_numbers)
        began = time.perf_counter()
        native.run(inputs.feeds | self._own_states(inputs.feeds), 1, row_numbers=inputs.row_numbers)
        step = max(time.perf_counter() - began, 1e-6)
        steps = int(max(1, min(MOST_STEPS, ROUND_SECONDS / step)))
        rounds = int(max(2, min(MOST_ROUNDS, seconds / (2 * steps * step))))
        inputs = self._inputs(steps)
        return profile_program(
            native, inputs.feeds, inputs.steps, row_numbers=inputs.row_numbers, rounds=rounds
        )

    def _inputs(self, steps: int) -> Any:
        return synthetic_inputs(self.programs, self.program, self.rows, steps)

    def _own_states(self, feeds: Any) -> dict[str, Any]:
        states = set(self.program.roles.states.values())
        return {name: array.copy() for name, array in feeds.items() if name in states}


def model_program(model: TrainedModel, name: str = "step", rows: int | None = None) -> ModelProgram:
    """Return a program of `model`: step, evaluate or predict; `rows`: None leaves them to us.

    A step takes as many rows as in training; its optimizer is the default one of tables, since the
    model's file keeps none. Raises ArgumentError for another name or number of rows.
    """
    if name not in PROGRAMS:
        raise ArgumentError(
            "a program of a model", needed=f"one of {', '.join(PROGRAMS)}", got=name
        )
    if rows is not None and not 1 <= rows <= MOST_ROWS:
        raise ArgumentError("the rows of a program", needed=f"1 to {MOST_ROWS:,}", got=f"{rows:,}")
    reason = "you chose it"
    if rows is None and name == "step":
        known = model.facts.get("batch_size")
        if type(known) is int and 1 <= known <= MOST_ROWS:
            rows, reason = known, "as many as it was trained with"
        else:
            rows, reason = UNKNOWN_BATCH, "the model does not say how many it was trained with"
    elif rows is None:
        rows = CHUNK
        reason = "as many as are taken at once when there are many"
    programs = Programs(model.network, model.loss, default_optimizer())
    inference = model.network.inference()
    program: Program
    if name == "step":
        program = programs.step(rows, weighted=False)
    elif name == "evaluate":
        program = inference.evaluate_program(rows, model.loss)
    else:
        program = inference.predict_program(rows, model.loss)
    return ModelProgram(name, rows, reason, programs, program)
