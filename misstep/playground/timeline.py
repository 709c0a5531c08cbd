"""`Timeline`: a training that goes by single updates, forth and back, with changes on its way.

Going back is exact: states are kept at intervals, in bounded memory, and what lies between is done
again; the engine gives the same bits. Ctrl-C leaves it behind a whole update. Knows trainers,
states and settings; nothing of what is seen.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from misstep.ir import Array
from misstep.playground.problems.problem import Problem
from misstep.playground.settings import Settings
from misstep.train import Fork, Trainer, TrainingState
from misstep.train.fork import copied
from misstep.train.interruption import Interruption

__all__ = ["Change", "Timeline"]

# States that are kept, at most, and the memory that they may take: going back replays at most one
# 256th of the way, some milliseconds for a network that can be looked at.
MOST_STATES = 256
MOST_BYTES = 32 * 2**20
FEWEST_STATES = 8


@dataclass(frozen=True)
class Change:
    """Settings that are others from `update` on: between it and the next one."""

    update: int
    settings: Settings


@dataclass
class _Stretch:
    """A part of the way with the same settings."""

    begins: int
    settings: Settings
    trainer: Trainer
    fork: Fork


class _Losses:
    """Losses of updates, one after the other. `count`: how many there are."""

    def __init__(self, losses: Array | None = None) -> None:
        self._numbers: Array = np.zeros(64) if losses is None else np.array(losses)
        self.count = 0 if losses is None else len(losses)

    def write(self, at: int, losses: Array) -> None:
        """Write losses from a place on, over those that stand there."""
        end = at + len(losses)
        if end > len(self._numbers):
            self._numbers = np.concatenate([self._numbers, np.zeros(end + 64)])
        self._numbers[at:end] = losses
        self.count = max(self.count, end)

    def first(self, count: int) -> Array:
        """Return the first of them, (count,), which nobody else writes into."""
        return self._numbers[:count].copy()


class Timeline:
    """A training with `settings` on the rows of `problem`, at its beginning.

    `first`: the state before the first update. `update`: how many updates are done. `failed`:
    whether the next one can't be: its loss is no finite number. `losses`: of every update that was
    done so far, with those ahead after going back; of the batch, before the update.
    """

    def __init__(self, settings: Settings, problem: Problem) -> None:
        self.problem = problem
        self._stretches = [_beginning(settings, problem)]
        self._at = 0
        self._losses = _Losses()
        self.first = copied(self.state)
        self._kept: dict[int, TrainingState] = {0: self.first}
        self._stride = 1
        # The update that can't be done, once it was tried.
        self._end: int | None = None

    # --- where it stands --------------------------------------------------------------------------

    @property
    def update(self) -> int:
        """Return how many updates are done."""
        return self.state.update

    @property
    def furthest(self) -> int:
        """Return how many updates were ever done on this way."""
        return self._losses.count

    @property
    def failed(self) -> bool:
        """Return whether the next update can't be done."""
        return self._end is not None and self.update >= self._end

    @property
    def settings(self) -> Settings:
        """Return the settings that the next update goes by."""
        return self._now.settings

    @property
    def begins(self) -> Settings:
        """Return the settings at the beginning."""
        return self._stretches[0].settings

    @property
    def changes(self) -> list[Change]:
        """Return what is changed on the way, those ahead too, in their order."""
        return [Change(one.begins, one.settings) for one in self._stretches[1:]]

    @property
    def trainer(self) -> Trainer:
        """Return the trainer of the settings now; its network has the numbers of now."""
        return self._now.trainer

    @property
    def fork(self) -> Fork:
        """Return what takes the updates; not to be moved by others."""
        return self._now.fork

    @property
    def state(self) -> TrainingState:
        """Return where training stands; not to be written into."""
        return self._now.fork.state

    @property
    def epoch_loss(self) -> float:
        """Return the mean loss of the epoch that ended last on the way here, or NaN."""
        return self._now.fork.epoch_loss

    @property
    def losses(self) -> Array:
        """Return the losses of the updates done, (updates,) float64, those ahead not among them."""
        return self._losses.first(self.update)

    @property
    def learning_rates(self) -> Array:
        """Return the learning rate of each update done, (updates,)."""
        rates = np.empty(self.update)
        for stretch in self._stretches:
            rates[stretch.begins :] = stretch.settings.learning_rate
        return rates

    @property
    def _now(self) -> _Stretch:
        return self._stretches[self._at]

    # --- moving -----------------------------------------------------------------------------------

    def advance(self, updates: int) -> int:
        """Take so many updates, fewer where one can't be; return how many were taken."""
        goal, before = self.update + updates, self.update
        with Interruption() as interruption:
            while self.update < goal and not self.failed and not interruption.requested:
                self._learn(min(goal, self._next_change(), self._next_kept()) - self.update)
            self._show()
        if interruption.requested:
            # Where it stands is a whole update, and all of it is written down.
            raise KeyboardInterrupt(interruption.signal)
        return self.update - before

    def seek(self, update: int) -> int:
        """Go to where `update` updates are done, back or forth; return where it stands then."""
        self.rewind(update)
        self.advance(max(update, 0) - self.update)
        return self.update

    def rewind(self, update: int) -> None:
        """Go back to the latest state that is kept before `update`, where that lies behind."""
        if update < self.update:
            self._restore(max(update, 0))
            self._show()

    def change(self, settings: Settings) -> None:
        """Go on with other settings, that keep weights; what was ahead is no more."""
        update = self.update
        self._forget_ahead()
        if self._at and self._now.begins == update:
            # What was changed at this very update is changed otherwise.
            del self._stretches[self._at]
            self._kept.pop(update, None)
            self._restore(update)
            self.advance(update - self.update)
        now = self._now
        if settings != now.settings:
            if update == 0:
                # Nothing was learned: it begins as if it had been so from the first.
                self._stretches[0] = _beginning(settings, self.problem)
                self.first = copied(self.state)
            else:
                self._stretches.append(self._stretch(update, settings, now))
                self._at += 1
        self._keep(update, self.state)
        self._show()

    def plan(self, changes: Sequence[tuple[int, Settings]]) -> None:
        """Say which settings hold from which update on, all of them ahead of where it stands."""
        self._forget_ahead()
        for update, settings in changes:
            self._stretches.append(self._stretch(update, settings, self._stretches[-1]))

    def again(self, settings: Settings | None = None) -> Timeline:
        """Return one that stands where this one does and goes its own way, nothing ahead.

        `settings`: others that keep weights, which it goes on with. It keeps no states of before.
        """
        other = Timeline.__new__(Timeline)
        other.problem, other.first = self.problem, self.first
        stretch = replace(self._now, fork=self._now.fork.again())
        other._stretches = [*(replace(one) for one in self._stretches[: self._at]), stretch]
        other._at = self._at
        other._losses = _Losses(self.losses)
        other._kept = {self.update: copied(stretch.fork.state)}
        other._stride, other._end = self._stride, self._end if self.failed else None
        if settings is not None and settings != stretch.settings:
            other._stretches.append(other._stretch(self.update, settings, stretch))
            other._at += 1
            other._end = None
        return other

    def _learn(self, updates: int) -> None:
        now = self._now
        done = self.update
        rates = np.full(updates, now.settings.learning_rate)
        losses = now.fork.learn(rates)
        now.fork.losses.clear()
        taken = self.update - done
        self._losses.write(done, losses[:taken])
        if now.fork.failed:
            self._end = self.update
            return
        if self.update == self._next_change():
            following = self._stretches[self._at + 1]
            carry(now, following)
            self._at += 1
        if self.update % self._stride == 0:
            self._keep(self.update, self.state)

    def _next_change(self) -> int:
        """Return where the settings change next; far away where they do not."""
        ahead = self._at + 1
        return self._stretches[ahead].begins if ahead < len(self._stretches) else 2**62

    def _next_kept(self) -> int:
        return (self.update // self._stride + 1) * self._stride

    def _show(self) -> None:
        """Let the network have the numbers of now, for whoever looks at it."""
        now = self._now
        now.trainer.network.parameters = now.fork.state.parameters
        now.trainer.network.buffers = now.fork.state.buffers

    # --- what is kept -----------------------------------------------------------------------------

    def _keep(self, update: int, state: TrainingState) -> None:
        self._kept[update] = copied(state)
        size = sum(array.nbytes for array in state.arrays().values())
        most = min(MOST_STATES, max(FEWEST_STATES, MOST_BYTES // max(size, 1)))
        while len(self._kept) > most:
            self._stride *= 2
            begun = {one.begins for one in self._stretches}
            kept = {at: one for at, one in self._kept.items() if at % self._stride == 0}
            if len(kept) <= most // 2:
                # Where there is room, what begins a stretch spares a replay from before it.
                kept |= {at: one for at, one in self._kept.items() if at in begun}
            self._kept = kept

    def _forget_ahead(self) -> None:
        """Forget all that lies ahead: what comes will be otherwise."""
        update = self.update
        del self._stretches[self._at + 1 :]
        self._losses.count = update
        self._kept = {at: one for at, one in self._kept.items() if at <= update}
        self._end = None
        self._now.fork.failed = False

    def _restore(self, update: int) -> None:
        """Go back to the latest state that is kept of `update` updates or fewer."""
        start = max(one for one in self._kept if one <= update)
        self._at = bisect.bisect_right([one.begins for one in self._stretches], start) - 1
        self._now.fork.state = copied(self._kept[start])
        self._now.fork.failed = False

    def _stretch(self, begins: int, settings: Settings, before: _Stretch) -> _Stretch:
        """Return a stretch that goes on from where another one stands."""
        trainer = before.trainer
        problem = self.problem
        now, then = (one.module(problem) for one in (settings, before.settings))
        if now.configuration() == then.configuration():
            # The programs stay where only the rate is another.
            trainer = before.trainer.variant(**settings.training())
        else:
            trainer = settings.trainer(problem)
        fork = trainer.fork(problem.train.x, problem.train.y, problem.train.weights)
        after = _Stretch(begins, settings, trainer, fork)
        carry(before, after)
        return after


def _beginning(settings: Settings, problem: Problem) -> _Stretch:
    """Return the first stretch of a way."""
    trainer, train = settings.trainer(problem), problem.train
    return _Stretch(0, settings, trainer, trainer.fork(train.x, train.y, train.weights))


def carry(before: _Stretch, after: _Stretch) -> None:
    """Let a stretch go on from where the one before stands.

    Another kind of optimizer begins with a state of its own; with another size of batches an epoch
    begins.
    """
    state = copied(before.fork.state)
    old, new = before.trainer.optimizer, after.trainer.optimizer
    if type(old) is not type(new) or old.used_slots() != new.used_slots():
        state.optimizer_state, state.scalars = first_of_optimizer(after)
    if before.settings.batch_size != after.settings.batch_size and state.batch:
        state.epoch += 1
        state.batch, state.loss_sum, state.weight_sum = 0, 0.0, 0.0
    fork, same = after.fork, state.epoch == before.fork.state.epoch
    fork.state, fork.failed = state, False
    # Of an epoch that was cut short there is no loss.
    fork.epoch_loss = before.fork.epoch_loss if same else math.nan


def first_of_optimizer(stretch: _Stretch) -> tuple[Array, Array]:
    """Return the state and scalars of a stretch's optimizer before any update."""
    return stretch.fork.stepper.programs.first_state()


def plain_changes(
    changes: Sequence[Change], begins: Settings
) -> list[tuple[int, Mapping[str, Any]]]:
    """Return for each change at which update it is, and which settings are others then."""
    made: list[tuple[int, Mapping[str, Any]]] = []
    before = begins
    for one in changes:
        made.append((one.update, before.differences(one.settings)))
        before = one.settings
    return made
