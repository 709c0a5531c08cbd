"""`Fork`: a training that branches off, takes some updates of its own, and leaves nothing behind.

It has a copy of the weights and of all that an update depends on, and takes the very updates that
training would take with the same rates. Knows steps and batches; no epochs' ends, no callbacks.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from dataclasses import dataclass, field

import numpy as np

from misstep.data import Rows
from misstep.ir import Array, one_blas_thread
from misstep.train.ordering import epoch_indices
from misstep.train.state import TrainingState
from misstep.train.stepping import Stepper, Steps


@dataclass
class Fork:
    """A training on `rows` from `state` on, which is its own.

    `losses`: of each update so far. `failed`: whether a loss was no finite number; nothing can be
    learned any more then. `epoch_loss`: the mean of the latest epoch that was done, NaN before one
    was. The rest as in `Loop`.
    """

    rows: Rows
    stepper: Stepper
    state: TrainingState
    batch_size: int
    accumulate: int
    repeats_per_epoch: int
    seed: int
    shuffle: bool
    losses: list[float] = field(default_factory=list)
    failed: bool = False
    epoch_loss: float = math.nan
    _order: tuple[int, Array] | None = None

    def again(self) -> Fork:
        """Return another one that stands where this one does."""
        return dataclasses.replace(self, state=copied(self.state), losses=list(self.losses))

    @property
    def batches(self) -> int:
        """Return the batches in an epoch."""
        return -(-len(self.rows) * self.repeats_per_epoch // self.batch_size)

    def learn(self, learning_rates: Array) -> Array:
        """Update the weights with each of the rates; return the losses, (rates,) float64.

        Each is of the batch that the update learned from, before it. NaN from the update on that
        would have been of a loss that is not finite.
        """
        before = len(self.losses)
        with one_blas_thread():
            while len(self.losses) - before < len(learning_rates) and not self.failed:
                self._advance(learning_rates[len(self.losses) - before :])
        losses = np.full(len(learning_rates), np.nan)
        losses[: len(self.losses) - before] = self.losses[before:]
        return losses

    def _advance(self, learning_rates: Array) -> None:
        """Take the next updates that can be taken together."""
        state, order = self.state, self._indices()
        start = state.batch * self.batch_size
        size = min(self.batch_size, len(order) - start)
        together = (len(order) - start) // size
        if self.accumulate == 1:
            count = min(together, len(learning_rates))
            rates = learning_rates[:count]
            steps = self.stepper.update(state, order[start : start + count * size], rates)
            self._learned(steps)
            state.update += len(steps)
            self.losses += steps.losses.tolist()
        else:
            count = min(together, self.accumulate - state.accumulated)
            steps = self.stepper.accumulate(state, order[start : start + count * size], count)
            self._learned(steps)
            state.accumulated += len(steps)
            enough = state.accumulated >= self.accumulate or state.batch >= self.batches
            if enough and not self.failed:
                self.stepper.apply(state, learning_rates[:1])
                state.update += 1
                self.losses.append(float(steps.losses[-1]))
        if state.batch >= self.batches:
            self.epoch_loss = state.mean_loss
            state.epoch += 1
            state.batch, state.loss_sum, state.weight_sum = 0, 0.0, 0.0

    def _indices(self) -> Array:
        epoch = self.state.epoch
        if self._order is None or self._order[0] != epoch:
            order = epoch_indices(
                len(self.rows), self.seed, epoch, self.repeats_per_epoch, shuffle=self.shuffle
            )
            self._order = epoch, order
        return self._order[1]

    def _learned(self, steps: Steps) -> None:
        self.state.add_batches(steps.losses, steps.weights)
        self.failed = steps.not_finite is not None


def copied(state: TrainingState) -> TrainingState:
    """Return a state of its own, whose arrays nobody else writes into."""
    other = copy.copy(state)
    for name, array in state.arrays().items():
        if hasattr(other, name):
            setattr(other, name, np.array(array))
    other.memory = dict(state.memory)
    return other
