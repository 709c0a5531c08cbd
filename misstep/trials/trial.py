"""`Trial`: a training that goes on beside others, on the same batches, judged on the same rows.

It branches off from first weights, or from where a training stands, takes the very updates that
training would take, and can be held against its siblings at any share of its way: the engine is
deterministic, so that only what was changed tells them apart. Knows trainers and rows; not what is
tried, nor why.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from misstep.errors import MisstepError
from misstep.ir import Array
from misstep.optim import ScheduleContext
from misstep.train import Fork, Trainer, TrainingState
from misstep.train.fork import copied
from misstep.trials.pace import updates_per_epoch
from misstep.trials.setting import Judged

# A trial is judged at so many moments of its way at most: a curve that can be looked at. One whose
# schedule goes by what epochs come to is judged after each.
MOMENTS = 20

# From a trainer, with the weights to be judged, to one number per row, (rows,): the lower the
# better.
Judge = Callable[[Trainer], Array]


@dataclass(frozen=True)
class Moment:
    """Where a trial stood after so many updates. `loss`: the mean of what the judge said."""

    updates: int
    loss: float


@dataclass
class Trial:
    """A training from `trainer`'s weights on, which leaves that one as it is.

    `label`: what is tried. `rows`: that it learns from. `judge`: says how good weights are.
    `updates`: that it takes in all. `keeps_best`: whether the weights of the best moment count
    rather than the last ones. `seed`: of the order of rows and of dropout (None: that of the
    trainer). `begins`: where it begins (None: at the trainer's first weights). `planned`: updates
    that the schedule goes by (None: all that are taken by then). `moments`: at which it is judged
    on its way, at most.

    `curve`: what was judged so far. `seconds`: that it took. `failed`: whether its loss, or its
    weights, were no finite numbers. `ended`: whether its schedule ended it before all updates.
    """

    label: str
    trainer: Trainer
    rows: Judged
    judge: Judge
    updates: int
    keeps_best: bool = False
    seed: int | None = None
    begins: TrainingState | None = None
    planned: int | None = None
    moments: int = MOMENTS
    curve: list[Moment] = field(default_factory=list)
    seconds: float = 0.0
    failed: bool = False
    ended: bool = False
    _fork: Fork | None = None
    _best: tuple[float, Array, Array] | None = None

    @property
    def done(self) -> int:
        """Return the updates taken so far."""
        return len(self._fork.losses) if self._fork is not None else 0

    @property
    def is_over(self) -> bool:
        """Return whether it goes no further."""
        return self.failed or self.ended or self.done >= self.updates

    @property
    def stride(self) -> int:
        """Return the updates between two moments: whole epochs, so many that they are few."""
        epoch = updates_per_epoch(self.trainer, len(self.rows))
        if self.trainer.schedule.hears:
            return epoch
        return epoch * max(1, -(-self.updates // (epoch * self.moments)))

    @property
    def loss(self) -> float:
        """Return what counts now: the best moment's loss, or the last one's; infinite at first."""
        if self.failed and not self.keeps_best:
            return math.inf
        losses = [moment.loss for moment in self.curve]
        if not losses:
            return math.inf
        return min(losses) if self.keeps_best else losses[-1]

    def advance(self, share: float) -> None:
        """Go on until `share` of the way is done."""
        began = time.perf_counter()
        fork = self._fork_of()
        goal = min(max(1, round(share * self.updates)), self.updates)
        stride = self.stride
        while self.done < goal and not self.is_over:
            # At the same moments however far it is asked to go at a time.
            ahead = min(stride - self.done % stride, self.updates - self.done)
            fork.learn(self._rates(fork, ahead))
            self.failed = fork.failed or not bool(np.isfinite(fork.state.parameters).all())
            if not self.failed:
                self._look(fork)
        self.seconds += time.perf_counter() - began

    def penalties(self) -> Array:
        """Return what the judge says of the weights that count, (rows,)."""
        fork = self._fork_of()
        if self.keeps_best and self._best is not None:
            return self._with(self._best[1], self._best[2])
        return self._with(fork.state.parameters, fork.state.buffers)

    def kept(self) -> tuple[Array, Array]:
        """Return the parameters and buffers that count."""
        if self.keeps_best and self._best is not None:
            return self._best[1], self._best[2]
        state = self._fork_of().state
        return np.array(state.parameters), np.array(state.buffers)

    @property
    def last_parameters(self) -> Array:
        """Return the parameters after the latest update, (parameters,)."""
        return np.array(self._fork_of().state.parameters)

    def _fork_of(self) -> Fork:
        if self._fork is None:
            rows = self.rows
            seed = self.trainer.seed if self.seed is None else self.seed
            self._fork = self.trainer.fork(rows.x, rows.y, rows.weights, seed=seed)
            if self.begins is not None:
                self._fork.state = copied(self.begins)
        return self._fork

    def _rates(self, fork: Fork, count: int) -> Array:
        trainer = self.trainer
        return trainer.optimizer.learning_rate * trainer.schedule.factors(
            self._context(fork), count, fork.state.memory
        )

    def _context(self, fork: Fork) -> ScheduleContext:
        """Return where it stands, as schedules go by it."""
        epoch = -(-fork.batches // fork.accumulate)
        begun = 0 if self.begins is None else self.begins.update
        return ScheduleContext(fork.state.update, epoch, self.planned or begun + self.updates)

    def _look(self, fork: Fork) -> None:
        state = fork.state
        losses = self._with(state.parameters, state.buffers)
        loss = float(losses.mean())
        self.curve.append(Moment(self.done, loss))
        if self.keeps_best and math.isfinite(loss) and (self._best is None or loss < self._best[0]):
            self._best = loss, np.array(state.parameters), np.array(state.buffers)
        schedule = self.trainer.schedule
        if schedule.hears and state.batch == 0:
            epoch = {"epoch": state.epoch, "training_loss": fork.epoch_loss}
            heard = {**epoch, "validation_loss": loss}
            state.memory = schedule.hear(heard, state.memory, self._context(fork))
            self.ended = schedule.last_epoch(state.memory) == state.epoch

    def _with(self, parameters: Array, buffers: Array) -> Array:
        """Return what the judge says of other weights of the network."""
        network = self.trainer.network
        before = network.parameters, network.buffers
        network.parameters, network.buffers = np.array(parameters), np.array(buffers)
        try:
            with np.errstate(all="ignore"):
                return np.asarray(self.judge(self.trainer), "float64")
        finally:
            network.parameters, network.buffers = before

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON, as a record holds it."""
        return {
            "label": self.label,
            "updates": self.done,
            "seconds": round(self.seconds, 3),
            "failed": self.failed,
            # What counts of the curve: its best moment where that is kept, else the last one.
            "loss": round(self.loss, 6) if math.isfinite(self.loss) else None,
            "curve": [[moment.updates, round(moment.loss, 6)] for moment in self.curve],
        }


def loss_judge(rows: Judged) -> Judge:
    """Return the judge by the trainer's own loss on `rows`: each row's, times its weight."""

    def judge(trainer: Trainer) -> Array:
        try:
            losses = trainer.row_losses(rows.x, rows.y)
        except MisstepError:
            return np.full(len(rows), math.inf)
        if rows.weights is None:
            return losses
        return losses * rows.weights * (len(rows) / max(float(rows.weights.sum()), 1e-12))

    return judge
