"""What a training did since a moment at which all of its numbers were finite, to do it once more.

Many steps go in one call of machine code, and a loss may stay finite for a while after the first
number went bad. So a copy of the state is kept with the calls since: from there the steps are taken
again, one by one, up to the first that leaves a number which is not finite. When copies are made
depends on how long they take; what is found does not. Knows states and steppers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from misstep.ir import Array
from misstep.train.state import TrainingState
from misstep.train.stepping import Stepper, Steps

# Between two copies training goes on for so many times as long as the last copy took: 0.5 % of it.
TIMES_LONGER = 200.0
NO_LOSSES = np.zeros(0)


@dataclass
class Call:
    """A call of a `Stepper`: the method, `update`, `accumulate` or `apply`, and what it was given.

    `indices`: of the rows of all batches, none for `apply`. `update`, `draw`: where training stood
    before it. `losses`: of its steps, once they were taken.
    """

    kind: str
    indices: Array
    learning_rates: Array
    batches: int
    update: int
    draw: int
    losses: Array = field(default_factory=lambda: NO_LOSSES)

    def repeat(self, stepper: Stepper, state: TrainingState) -> Steps | None:
        """Do it again to a state; None for `apply`, which has no loss."""
        state.update, state.draw = self.update, self.draw
        if self.kind == "apply":
            stepper.apply(state, self.learning_rates)
            return None
        if self.kind == "update":
            return stepper.update(state, self.indices, self.learning_rates)
        return stepper.accumulate(state, self.indices, self.batches)

    def step(self, number: int) -> Call:
        """Return one of its steps, counted from 0, as a call."""
        if self.kind == "apply":
            return self
        rows = len(self.indices) // self.batches
        return replace(
            self,
            indices=self.indices[number * rows : (number + 1) * rows],
            learning_rates=self.learning_rates[number : number + 1],
            batches=1,
            update=self.update + (number if self.kind == "update" else 0),
            draw=self.draw + number,
            losses=self.losses[number : number + 1],
        )


@dataclass(frozen=True)
class Moment:
    """A step that leaves a number which is not finite, and the `state` before it, which has none.

    `gathered`: the accumulating steps whose gradients an `apply` uses.
    """

    state: TrainingState
    step: Call
    gathered: tuple[Call, ...] = ()


class Journal:
    """Keeps a copy of a state and the calls since.

    `begun_finite`: whether training began with finite numbers; there are no copies otherwise.
    """

    def __init__(self) -> None:
        self.begun_finite = True
        self._copy: TrainingState | None = None
        self._calls: list[Call] = []
        self._copied_at = 0.0
        self._seconds = 0.0

    def before(self, state: TrainingState, call: Call) -> None:
        """Note a call that is about to be made on `state`."""
        now = time.perf_counter()
        if now - self._copied_at > TIMES_LONGER * self._seconds and self.begun_finite:
            if all_finite(state):
                self._copy = copied(state, self._copy)
                # Batches that wait for their update belong to it.
                self._calls = self._calls[len(self._calls) - self._waiting() :]
            elif self._copy is None:
                self.begun_finite = False
            self._copied_at = time.perf_counter()
            self._seconds = self._copied_at - now
        if self._copy is None:
            self._calls = self._calls[len(self._calls) - self._waiting() :]
        self._calls.append(call)

    def stop(self) -> None:
        """Make no copies any more: what could be found has been."""
        self.begun_finite, self._copy = False, None

    def _waiting(self) -> int:
        """Return how many of the last calls added gradients that are not used yet."""
        count = 0
        for call in reversed(self._calls):
            if call.kind != "accumulate":
                break
            count += 1
        return count

    def after(self, losses: Array) -> None:
        """Note the losses of the call just made."""
        self._calls[-1].losses = losses

    def first_bad(self, stepper: Stepper, state: TrainingState) -> Moment | None:
        """Return the first step that left a number which is not finite, or was not taken for one.

        `state`: as it is now, behind the last call. Where the steps since the copy, taken again, do
        not come out as they did, since somebody wrote into the weights between them, that is the
        last step. None if that did nothing bad.
        """
        found = None if all_finite(state) else self._found_again(stepper)
        return found or self._last_step(stepper, state)

    def _last_step(self, stepper: Stepper, state: TrainingState) -> Moment | None:
        """Return the step that the last call did not do, with the state as it is."""
        call = self._calls[-1]
        if len(call.losses) == call.batches or call.kind == "apply":
            return None
        state = copied(state)
        step = call.step(len(call.losses))
        state.update, state.draw = step.update, step.draw
        return Moment(state, step)

    def _found_again(self, stepper: Stepper) -> Moment | None:
        if self._copy is None:
            return None
        state = copied(self._copy)
        gathered: list[Call] = []
        for call in self._calls:
            if call.draw < state.draw:  # gathered before the copy was made
                gathered.append(call)
                continue
            before = copied(state)
            steps = call.repeat(stepper, state)
            if steps is not None and not _as_before(steps, call.losses):
                return None
            if (steps is not None and steps.not_finite is not None) or not all_finite(state):
                return self._first_bad_step(stepper, before, call, gathered)
            gathered = [*gathered, call] if call.kind == "accumulate" else []
        return None

    @staticmethod
    def _first_bad_step(
        stepper: Stepper, state: TrainingState, call: Call, gathered: list[Call]
    ) -> Moment | None:
        for number in range(call.batches):
            before, step = copied(state), call.step(number)
            steps = step.repeat(stepper, state)
            if (steps is not None and steps.not_finite is not None) or not all_finite(state):
                before.update, before.draw = step.update, step.draw
                return Moment(before, step, tuple(gathered))
        return None


def all_finite(state: TrainingState) -> bool:
    """Tell whether all numbers that the next step depends on are finite."""
    return weights_finite(state) and all(
        finite(array) for array in (state.optimizer_state, state.scalars, state.gradients)
    )


def weights_finite(state: TrainingState) -> bool:
    """Tell whether parameters and buffers are finite numbers."""
    return finite(state.parameters) and finite(state.buffers)


def finite(array: Array | None) -> bool:
    """Tell whether all entries are finite; None has none that is not."""
    if array is None or not array.size:
        return True
    flat = array.reshape(-1)
    with np.errstate(all="ignore"):
        # One pass at the speed of memory: no NaN and no infinity is in a finite sum of squares.
        return bool(np.isfinite(np.dot(flat, flat))) or bool(np.isfinite(flat).all())


def copied(state: TrainingState, into: TrainingState | None = None) -> TrainingState:
    """Return a copy of what steps change; in the memory of an earlier copy, where one is given."""
    names = ("parameters", "buffers", "optimizer_state", "scalars", "gradients")
    arrays: dict[str, Array | None] = {}
    for name in names:
        array = getattr(state, name)
        old = None if into is None else getattr(into, name)
        if array is not None and old is not None:
            np.copyto(old, array)
            arrays[name] = old
        else:
            arrays[name] = None if array is None else array.copy()
    return TrainingState(
        **arrays,  # type: ignore[arg-type]
        update=state.update,
        draw=state.draw,
        gradient_weight=state.gradient_weight,
        accumulated=state.accumulated,
    )


def _as_before(steps: Steps, losses: Array) -> bool:
    """Tell whether steps gave the very losses that they gave before."""
    return len(steps) == len(losses) and bool((steps.losses == losses).all())
