"""`Budget`: minutes for a training, and how many epochs fit into them.

How long an update takes is measured on updates of a fork of the training; nothing of the training
changes by that. The number of epochs is decided from it once, before training, so that the learning
rate falls to its end in time; whoever asks for that number gets the same bits again. Knows trainers
and plans; no kind of data.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from misstep.modeling.decisions import Decisions
from misstep.modeling.options import Options
from misstep.modeling.plans import Plan
from misstep.text.counts import counted
from misstep.text.units import duration
from misstep.train import Callback, Deadline

if TYPE_CHECKING:
    from misstep.modeling.modalities.modality import Setup

# What the decision on epochs is called.
TIME = "time"
# How often some updates are timed, and for how many seconds each time. The median counts: a program
# that is made meanwhile, or another process, lengthens a few of them only.
TIMES, FEWEST_TIMES, SECONDS_EACH = 9, 3, 0.1
# Timing ends after this share of the budget, once programs are made and it was done a few times.
TIMING_SHARE = 0.03
# Of the time that is left, this share is filled with updates and validations, but for the seconds
# in which a training begins: it describes itself, and makes the programs of its looks. The rest is
# for what is not timed: looks, checkpoints, the program for the rest of an epoch.
FILLED, BEGINNING = 0.93, 0.5


@dataclass
class Budget:
    """Wall-clock time for a training, from `begin` on. `seconds`: None: as long as it takes.

    `clock`: what tells the time, in seconds. `exceeded`: whether not even one epoch fits, so that
    nothing holds training to it.
    """

    seconds: float | None = None
    clock: Callable[[], float] = time.perf_counter
    exceeded: bool = False
    _began: float | None = field(default=None, init=False)

    @classmethod
    def of(cls, options: Options) -> Budget:
        """Return the budget that a person asked for."""
        return cls(None if options.minutes is None else 60.0 * options.minutes)

    def begin(self) -> None:
        """Let the time begin; once only."""
        self._began = self.clock() if self._began is None else self._began

    @property
    def left(self) -> float:
        """Return the seconds that are left, below 0 where it is over; inf without a budget."""
        if self.seconds is None:
            return math.inf
        self.begin()
        assert self._began is not None
        return self.seconds - (self.clock() - self._began)

    def callbacks(self, trainings: float = 1.0) -> list[Callback]:
        """Return what ends a training when its time is over; nothing without a budget.

        `trainings`: how many like this one must fit into what is left.
        """
        if self.seconds is None or self.exceeded:
            return []
        return [Deadline(max(self.left / trainings, 1e-3), self.clock, self.seconds / trainings)]


@dataclass(frozen=True)
class Pace:
    """What an epoch costs, in seconds: `updates`, each `update`, then `validation`."""

    update: float
    updates: int
    validation: float

    @property
    def epoch(self) -> float:
        """Return the seconds of an epoch."""
        return self.update * self.updates + self.validation


def measured_pace(setup: Setup, budget: Budget) -> Pace:
    """Return what an epoch of a training costs on this machine now.

    The trainer stays as it is, but for programs that it need not make again. Raises what
    `Trainer.fit` raises for its rows.
    """
    clock, trainer = budget.clock, setup.trainer

    def seconds(act: Callable[[], object]) -> float:
        began = clock()
        act()
        return clock() - began

    fork = trainer.fork(setup.x, setup.y, setup.weights)
    updates = -(-fork.batches // fork.accumulate)
    fork.learn(np.zeros(1))  # makes the program
    ends = clock() + TIMING_SHARE * (budget.seconds or math.inf)
    once = seconds(lambda: fork.learn(np.zeros(1)))
    count = min(max(int(SECONDS_EACH / max(once, 1e-9)), 1), updates)
    times: list[float] = []
    while len(times) < FEWEST_TIMES or (len(times) < TIMES and clock() < ends):
        times.append(seconds(lambda: fork.learn(np.zeros(count))) / count)
    validation = 0.0
    if setup.validation is not None:
        rows = setup.validation
        validation = seconds(lambda: trainer.evaluate(*rows))
        if validation > SECONDS_EACH:  # perhaps its program was made
            validation = min(validation, seconds(lambda: trainer.evaluate(*rows)))
    return Pace(statistics.median(times), updates, validation)


def fitting_epochs(budget: Budget, pace: Pace, trainings: float = 1.0) -> int:
    """Return how many epochs fit into what is left, 0 or more, where so many trainings must fit."""
    left = FILLED * (budget.left - BEGINNING)
    return max(int(left / (trainings * max(pace.epoch, 1e-9))), 0)


def plan_in_time(
    budget: Budget, setup: Setup, plan: Plan, options: Options, decisions: Decisions
) -> Plan:
    """Return the plan with as many epochs as fit into the budget; the same without one.

    At most those of the plan or, where more of them help, its `most_epochs`; at least one. All of
    them are done. A run that goes on keeps the number that it began with. What was decided is among
    the decisions.
    """
    if budget.seconds is None:
        return plan
    given = duration(budget.seconds) if budget.seconds >= 1 else f"{budget.seconds:.3g} s"
    before = _planned_before(setup, options)
    if before is not None:
        reason = "so many were decided on when the run began; its learning rate goes on falling"
        decisions.add(TIME, counted(before, "epoch"), reason)
        return plan if before == plan.epochs else _with_epochs(plan, before)
    pace = measured_pace(setup, budget)
    fitting = fitting_epochs(budget, pace, setup.trainings)
    most = max(plan.epochs, 0 if options.epochs else plan.most_epochs)
    epochs = min(max(fitting, 1), most)
    takes = epochs * pace.epoch * setup.trainings
    choice = f"{counted(epochs, 'epoch')}, about {_time(takes)}"
    an_epoch = f"an epoch takes {_time(pace.epoch)}"
    if setup.trainings > 1:
        an_epoch += f", and as much as {setup.trainings:.2g} trainings must fit"
    if fitting < 1:
        budget.exceeded = True
        reason = (
            f"not even one fits into the {given} that you gave: {an_epoch}"
            if pace.epoch * setup.trainings > (budget.seconds or 0)
            else f"the {given} that you gave went into reading and preparing: {an_epoch}"
        )
    elif epochs > plan.epochs:
        reason = f"more of them help, and fit into the {given} that you gave: {an_epoch}"
    elif fitting >= most:
        why = "you asked for no more" if options.epochs else "more of them would be of no use"
        reason = f"they fit into the {given} that you gave, and {why}: {an_epoch}"
    else:
        reason = (
            f"so many fit into the {given} that you gave: {an_epoch}; the learning rate falls to "
            "its end in them"
        )
    if epochs != plan.epochs:
        reason += f"; {_again(epochs, options)} does the same again, bit for bit"
    decisions.add(TIME, choice, reason)
    return plan if epochs == plan.epochs else _with_epochs(plan, epochs)


def _with_epochs(plan: Plan, epochs: int) -> Plan:
    """Return the plan as `--epochs` would have it: all of them are done."""
    return replace(plan, epochs=epochs, patience=epochs, schedule=plan.schedule.whole)


def _planned_before(setup: Setup, options: Options) -> int | None:
    """Return how many epochs were planned for the run that is to go on, if there is one."""
    if not options.resume or options.folder is None:
        return None
    return setup.trainer.planned_epochs(options.folder, setup.x, setup.y, setup.weights)


def _again(epochs: int, options: Options) -> str:
    """Return what asks for as many epochs, as a person would write it in Python or a command."""
    in_python = (options.origin or {}).get("face") == "estimator"
    return f"epochs={epochs}, patience={epochs}" if in_python else f"--epochs {epochs}"


def _time(seconds: float) -> str:
    """Return seconds in words, with a figure or two where they are few."""
    if seconds >= 10:
        return duration(seconds)
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2g} s"
