"""`ReadyUpdate`: the update by a sum of gradients as a call that is made ready once.

Looking at each argument takes as long as the update of a small network. Knows programs and states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.compiler import PreparedCall
from misstep.ir import Array
from misstep.train.programs import StepProgram
from misstep.train.state import TrainingState


@dataclass(frozen=True)
class ReadyUpdate:
    """An update of a state by gradients, on one thread, whose arrays all stay where they are."""

    program: StepProgram
    arrays: tuple[Array, ...]
    call: PreparedCall
    weight: Array

    @classmethod
    def of(
        cls, program: StepProgram, state: TrainingState, gradients: Array, feeds: dict[str, Any]
    ) -> ReadyUpdate | None:
        """Return that of a state, from what a step of it takes; None where it is not compiled."""
        native = program.compiled(1)
        if native is None:
            return None
        weight = np.ones((), state.parameters.dtype)
        call = native.prepare({**feeds, "gradients": gradients, "gradient_weight": weight})
        return cls(program, _arrays(state, gradients), call, weight)

    def is_for(self, program: StepProgram, state: TrainingState, gradients: Array) -> bool:
        """Tell whether it is that of a program, a state and gradients."""
        arrays = _arrays(state, gradients)
        same = all(one is other for one, other in zip(self.arrays, arrays, strict=True))
        return same and self.program is program

    def __call__(self, learning_rate: Array, weight: float, update: int) -> float | None:
        """Make the update of a number, by gradients that weigh `weight`.

        Returns 1 where they were clipped, else 0; None where that is not found out.
        """
        inputs = self.call.inputs
        # Rows that all weigh nothing have gradients 0: 0 / 1 leaves them so.
        self.weight[...] = weight or 1.0
        if "learning_rate" in inputs:
            inputs["learning_rate"][...] = learning_rate[0]
        if "update" in inputs:
            inputs["update"][...] = update
        self.call()
        clipped = self.call.outputs.get("clipped")
        return None if clipped is None else float(clipped.reshape(-1)[0])


def _arrays(state: TrainingState, gradients: Array) -> tuple[Array, ...]:
    return state.parameters, state.optimizer_state, state.scalars, gradients
