"""One trial: hyperparameters are drawn as the plan asks for them, and a training is judged.

Knows a problem, Optuna's trial and callbacks; not whose trial it is, nor what others came to.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.errors import MisstepError
from misstep.modeling.hyperparameters import Domain
from misstep.train import Callback, Run, Training
from misstep.train.ending import Cause
from misstep.tuning.methods import STEPS
from misstep.tuning.problem import Candidate, Judge, Problem
from misstep.tuning.result import State, TrialResult
from misstep.tuning.space import Space, distribution_of, is_drawable, rounded, suggested

__all__ = ["BrokenOffError", "Ended", "Watch", "draw", "run_trial"]


# Operations of a training, a multiply-add counted as two, forward and backward: some ten seconds.
LONG = 2e11


class BrokenOffError(Exception):
    """Raised when a trial was broken off, by Ctrl-C or because time is over: it says nothing."""


@dataclass(frozen=True)
class Ended:
    """Why a trial is ended early. `because`: in words. `by_doctor`: whether the doctor did."""

    because: str
    by_doctor: bool


# Asked at the end of each step: the training, the step, and the judged loss of each step so far.
Watch = Callable[[Training, int, Mapping[int, float]], Ended | None]


class Judging(Callback):
    """Judges each epoch, reports it to the trial, and ends what a watch wants ended."""

    def __init__(
        self,
        candidate: Candidate,
        judge: Judge | None,
        watches: Sequence[Watch],
        is_over: Callable[[], bool],
        report: Callable[[int, float], None],
    ) -> None:
        self._candidate, self._judge = candidate, judge
        self._watches, self._is_over, self._report = watches, is_over, report
        self.losses: list[float] = []
        self.start = math.inf
        self.curve: dict[int, float] = {}
        self.ended: Ended | None = None
        self.broken_off = False
        self._step = 0

    def on_training_start(self, training: Training) -> None:
        """Judge the first weights, where they may be the ones that are kept."""
        if self._candidate.keeps_start:
            self.start = _judged(training, self._judge)

    def on_epoch_end(self, training: Training) -> None:
        """Judge the epoch; report once for each step of the schedule that it reaches."""
        self.losses.append(_judged(training, self._judge))
        if self._is_over():
            self.broken_off = True
            training.stop("the trial is broken off")
            return
        step = math.floor(STEPS * len(self.losses) / self._candidate.epochs)
        if step <= self._step:
            return
        self._step = step
        best = self._candidate.restores_best
        value = min(self.start, min(self.losses) if best else self.losses[-1])
        if not math.isfinite(value):
            return
        self.curve[step] = value
        self._report(step, value)
        if step >= STEPS:
            return
        for watch in self._watches:
            self.ended = self.ended or watch(training, step, self.curve)
        if self.ended is not None:
            training.stop(self.ended.because)


def draw(
    problem: Problem,
    trial: Any,
    space: Space | None,
    given: Mapping[str, Any],
    defaults: Mapping[str, Any],
    *,
    only_given: bool = False,
) -> dict[str, Any]:
    """Return values for what the plan asks for, one after the other, drawn by Optuna's trial.

    `space`: what is searched; None: all that no person chose. `given`: values that the trial begins
    with. `only_given`: whether all others are left to the plan.
    """
    chosen = problem.options.hyperparameters or {}
    values: dict[str, Any] = {}
    passed: set[str] = set()
    while True:
        asked = problem.space_at(values)
        name = next((each for each in asked if each not in values and each not in passed), None)
        if name is None:
            return values
        domain: Domain | None = asked[name].domain if space is None else space.get(name)
        if space is None and name in chosen:
            domain = None
        left = only_given and name not in given
        if domain is None or left or (name in given and not is_drawable(domain, given[name])):
            passed.add(name)
            continue
        default = defaults.get(name, asked[name].default)
        drawn = suggested(trial, name, distribution_of(domain, default))
        # What was given is taken to the last bit.
        values[name] = drawn if name in given else rounded(drawn, domain)


def run_trial(
    problem: Problem,
    trial: Any,
    number: int,
    space: Space | None,
    *,
    given: Mapping[str, Any],
    defaults: Mapping[str, Any],
    watches: Sequence[Watch] = (),
    is_over: Callable[[], bool] = lambda: False,
    attempts: int = 1,
    is_default: bool = False,
) -> TrialResult:
    """Return what came of a trial. Raises BrokenOffError where it was broken off.

    `given`: values that it begins with; `defaults`: those of trial 0. `watches`: who may end it
    early. `is_over`: whether it shall be broken off now. `is_default`: whether it is the default
    configuration, which nobody ends, and whose errors are raised.
    """
    began = time.perf_counter()
    values: dict[str, Any] = {}

    def report(step: int, loss: float) -> None:
        trial.report(loss, step)

    try:
        values = draw(problem, trial, space, given, defaults, only_given=is_default)
        candidate = problem.candidate(values)
        judging = Judging(candidate, candidate.judge, watches, is_over, report)
        run = train(candidate, judging)
    except MisstepError as error:
        if is_default:
            raise
        seconds = time.perf_counter() - began
        return TrialResult(
            number,
            values,
            state=State.FAILED,
            because=str(error),
            seconds=seconds,
            attempts=attempts,
        )
    if judging.broken_off or run.ending.cause is Cause.INTERRUPTED:
        raise BrokenOffError
    return _result(number, candidate, judging, run, time.perf_counter() - began, attempts)


def train(candidate: Candidate, judging: Judging) -> Run:
    """Train a candidate, watched by `judging`."""
    setup = candidate.setup
    return setup.trainer.fit(
        setup.x,
        setup.y,
        sample_weight=setup.weights,
        epochs=candidate.epochs,
        validation=setup.validation,
        callbacks=[judging],
        early_stopping=candidate.early_stopping,
        # A look into the layers is a program of its own, which takes as long to compile as a small
        # training takes in all.
        probe_every=None if _is_long(candidate) else 0,
    )


def _is_long(candidate: Candidate) -> bool:
    """Tell whether a training takes so long that looks into its layers cost next to nothing."""
    setup = candidate.setup
    trainer = setup.trainer.variant(input_shape=np.shape(setup.x)[1:])
    operations = sum(trainer.network.operations.values())
    rows = len(setup.x) * setup.trainer.repeats_per_epoch * candidate.epochs
    return 6 * operations * rows >= LONG


def _result(
    number: int, candidate: Candidate, judging: Judging, run: Run, seconds: float, attempts: int
) -> TrialResult:
    kept = run.best_epoch or run.epochs
    loss, metrics = math.nan, {}
    if run.history:
        loss = min(judging.losses[kept - 1], judging.start)
        metrics = {
            name.removeprefix("validation_"): value
            for name, value in run.history[kept - 1].items()
            if name.startswith("validation_")
        }
    state, because, by_doctor = State.COMPLETE, "", False
    if judging.ended is not None:
        state, because, by_doctor = State.PRUNED, judging.ended.because, judging.ended.by_doctor
    elif run.failed or not math.isfinite(loss):
        state, because, by_doctor = State.PRUNED, str(run.ending), True
    return TrialResult(
        number,
        dict(candidate.hyperparameters),
        loss,
        metrics,
        state,
        because,
        run.epochs,
        run.updates,
        seconds,
        by_doctor,
        attempts,
    )


def _judged(training: Training, judge: Judge | None) -> float:
    """Return the loss of the weights as they are, in the loss that all trials are judged by."""
    if judge is None and training.history:
        return float(training.history[-1]["validation_loss"])
    if judge is None:
        assert training.validation is not None
        return float(training.evaluate(training.validation)[0]["loss"])
    inference = training.network.inference(training.compiling)
    scores = inference.evaluate(judge.x, judge.y, judge.loss, judge.weights, training.threads)[0]
    return float(scores["loss"])
