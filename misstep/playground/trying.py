"""Remedies tried: what the doctor's findings name, each beside an unchanged control, and adopted.

The remedies are those of `trials`; of what they propose, what settings of the playground say is
tried, from where training stands. What needs other weights begins anew, and gets as many updates in
all as the control has. Knows timelines; shows nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from misstep.doctor import Diagnosis
from misstep.ir import Array
from misstep.playground.curves import Curves
from misstep.playground.examining import Examination
from misstep.playground.packing import finite
from misstep.playground.problems.problem import Problem
from misstep.playground.remedy_settings import settings_of
from misstep.playground.settings import Settings
from misstep.playground.timeline import Timeline
from misstep.record import Record
from misstep.trials import Case, Change, Remedy, Setting, registered_remedies
from misstep.trials.proof import difference
from misstep.trials.remedy import proposals

__all__ = ["Attempt", "Remedies"]

# Changes that one remedy brings, and attempts in all.
MOST_CHANGES, MOST_ATTEMPTS = 2, 8
# Remedies that there should be: where findings name fewer, general ones are among them.
FEW = 3
# Moments at which attempts are judged on their way.
MOMENTS = 12
# Updates that an attempt takes in all, at most, where it begins anew.
MOST_ANEW = 5_000
# Remedies that change how long, or by which rate along the way, training goes: the playground does
# that by going on.
LEFT_OUT = (
    "more-epochs",
    "early-stopping",
    "cosine",
    "slower-schedule",
    "constant-rate",
    "warm-up",
)
# Seconds that finding out what to try may take; it takes some hundredths here.
BUDGET = 10.0
# Seconds of updates after which whoever asked may go another way, about.
BETWEEN_LOOKS = 0.05


@dataclass
class Attempt:
    """A remedy, or the control, and what came of it.

    `number`: by which it is adopted, 0 is the control. `settings`: that it has. `anew`: whether it
    begins with new weights. `answers`: the finding that names it, or "". `curve`: updates in all,
    loss on training rows and on held-out rows, at some moments. `losses`: of each held-out row in
    the end.
    """

    number: int
    remedy: str
    title: str
    label: str
    advice: str
    answers: str
    settings: Settings
    anew: bool
    curve: list[tuple[int, float, float]] = field(default_factory=list)
    scores: tuple[float, float] = (math.nan, math.nan)
    losses: Array | None = None
    failed: bool = False


@dataclass
class Remedies:
    """What can be tried for a training as it stood when they were made.

    `timeline`: a copy that stands there, whatever becomes of the training. `diagnosis`, `record`:
    of then. `updates`: that each attempt takes. `control`, `attempts`: done so far. `others`:
    remedies that no settings of the playground say, {remedy, title, label, advice}.
    """

    timeline: Timeline
    diagnosis: Diagnosis
    record: Record
    updates: int
    control: Attempt | None = None
    attempts: list[Attempt] = field(default_factory=list)
    others: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, timeline: Timeline, examination: Examination, updates: int) -> Remedies:
        """Return what can be tried for a training as it stands now."""
        diagnosis, record = examination.diagnosis(), examination.record()
        return cls(timeline.again(), diagnosis, record, updates)

    @property
    def problem(self) -> Problem:
        """Return the problem."""
        return self.timeline.problem

    def tried(self, *, seconds: float | None = None) -> Iterator[dict[str, Any]]:
        """Yield what came of the control and of each attempt, as plain JSON, one after the other.

        Nothing of it moves the training. Whoever has seen enough may stop asking. With `seconds`,
        an empty dictionary comes whenever about so long went by on the way.
        """
        settings = self.timeline.settings
        self.control = Attempt(0, "", "unchanged", "unchanged", "", "", settings, anew=False)
        yield from self._tried(self.control, seconds)
        for attempt in self._proposed():
            yield from self._tried(attempt, seconds)

    def _tried(self, attempt: Attempt, seconds: float | None) -> Iterator[dict[str, Any]]:
        began = time.perf_counter()
        for _ in self._go(attempt):
            if seconds is not None and time.perf_counter() - began >= seconds:
                yield {}
                began = time.perf_counter()
        if attempt is not self.control:
            self.attempts.append(attempt)
        yield self.plain(attempt)

    # --- what is tried ----------------------------------------------------------------------------

    def _proposed(self) -> Iterator[Attempt]:
        case = self._case()
        before, met = self.timeline.settings, [self.timeline.settings]
        found: list[tuple[int, int, Remedy, Change, str, Settings]] = []
        for slug, remedy in _named(case):
            for place, change in enumerate(proposals(remedy, case, None, MOST_CHANGES)):
                settings = self._settings(change, before)
                if settings is None:
                    self.others.append(_words(remedy, change))
                elif settings not in met:
                    met.append(settings)
                    found.append((place, len(found), remedy, change, slug, settings))
        # The first change of each remedy before the second of any.
        for _, _, remedy, change, slug, settings in sorted(found, key=lambda one: one[:2])[
            :MOST_ATTEMPTS
        ]:
            yield Attempt(
                len(self.attempts) + 1,
                remedy.name,
                remedy.title,
                change.label,
                change.advice,
                slug,
                settings,
                anew=not before.keeps_weights(settings),
            )

    def _settings(self, change: Change, before: Settings) -> Settings | None:
        """Return the settings that a change comes to; None where it changes what none say."""
        others = change.rows, change.validation
        if any(one is not None for one in others) or change.set_aside or change.goes_on:
            return None
        if change.trainer.loss != self.problem.loss:
            return None
        return settings_of(change.trainer, before, self.problem)

    def _case(self) -> Case:
        """Return the training as repair looks at one."""
        timeline, problem = self.timeline, self.problem
        train, held_out = problem.train, problem.held_out
        trainer = timeline.trainer.variant()
        trainer.network.parameters = np.array(timeline.first.parameters)
        trainer.network.buffers = np.array(timeline.first.buffers)
        setting = Setting.of(
            trainer,
            train.x,
            train.y,
            train.weights,
            (held_out.x, held_out.y, held_out.weights),
            planned=max(timeline.update, self.updates),
            taken=max(timeline.update, 1),
            final=float(timeline.losses[-1]) if timeline.update else math.nan,
            budget=BUDGET,
        )
        return Case(setting, self.record, self.diagnosis)

    # --- trying -----------------------------------------------------------------------------------

    def _go(self, attempt: Attempt) -> Iterator[None]:
        """Take the updates of an attempt, a few at a time; keep what they come to."""
        now = self.timeline.update
        if attempt.anew:
            way, goal = Timeline(attempt.settings, self.problem), now + self.updates
            goal = max(min(goal, MOST_ANEW), self.updates)
        else:
            way, goal = self.timeline.again(attempt.settings), now + self.updates
        begins, most = way.update, 1
        for moment in range(MOMENTS + 1):
            end = begins + (goal - begins) * moment // MOMENTS
            while way.update < end and not way.failed:
                began = time.perf_counter()
                way.advance(min(end - way.update, most))
                most = (
                    most * 2 if time.perf_counter() - began < BETWEEN_LOOKS else max(most // 2, 1)
                )
                yield
            train, held_out = self._losses(way)
            attempt.curve.append((way.update, float(train.mean()), float(held_out.mean())))
            attempt.losses = held_out
        attempt.failed = way.failed
        moment_of_end = Curves(self.problem).measure(way.trainer.network, way.state)
        attempt.scores = moment_of_end.train_score, moment_of_end.held_out_score

    def _losses(self, way: Timeline) -> tuple[Array, Array]:
        """Return the loss of each training row and of each held-out row; infinite where failed."""
        network, problem = way.trainer.network, self.problem
        network.parameters, network.buffers = way.state.parameters, way.state.buffers
        both, inference = [], network.inference(compiling=False)
        for rows in (problem.train, problem.held_out):
            with np.errstate(all="ignore"):
                losses = inference.row_losses(rows.x, rows.y, problem.loss, 1)
            lost = way.failed or not np.isfinite(losses).all()
            both.append(np.full(len(rows), math.inf) if lost else losses)
        return both[0], both[1]

    def plain(self, attempt: Attempt) -> dict[str, Any]:
        """Return an attempt as plain JSON, with its effect beside the control."""
        updates, train, held_out = zip(*attempt.curve, strict=True)
        told = {
            "number": attempt.number,
            "remedy": attempt.remedy,
            "title": attempt.title,
            "label": attempt.label,
            "advice": attempt.advice,
            "answers": attempt.answers,
            "begins_anew": attempt.anew,
            "settings": _lists(self.timeline.settings.differences(attempt.settings)),
            "updates": self.updates,
            "failed": attempt.failed,
            "curve": {
                "updates": list(updates),
                "train_loss": list(train),
                "held_out_loss": list(held_out),
            },
            "train_loss": train[-1],
            "held_out_loss": held_out[-1],
            "train_score": attempt.scores[0],
            "held_out_score": attempt.scores[1],
            "score": self.problem.loss.score_name,
            "effect": None if attempt is self.control else self._effect(attempt),
        }
        plain: dict[str, Any] = finite(told)
        return plain

    def _effect(self, attempt: Attempt) -> dict[str, Any]:
        """Return by how much the loss on held-out rows is lower than the control's.

        `low`, `high`: the interval of 95 % of that mean, over rows. `helps`, `harms`: beyond that.
        """
        assert self.control is not None
        control, losses = self.control.losses, attempt.losses
        assert control is not None
        assert losses is not None
        ends = bool(np.isfinite(control).all()), bool(np.isfinite(losses).all())
        if ends != (True, True):
            # Where only one comes to numbers, that is the difference.
            helps, harms = ends == (False, True), ends == (True, False)
            return {"mean": None, "low": None, "high": None, "helps": helps, "harms": harms}
        found = difference(control[None], losses[None])
        return {
            "mean": found.mean,
            "low": found.low,
            "high": found.high,
            "helps": found.is_proven,
            "harms": found.is_refuted,
        }


def _named(case: Case) -> Iterator[tuple[str, Remedy]]:
    """Yield each finding with the remedies that answer it, and then those of general use."""
    met: set[str] = set(LEFT_OUT)
    remedies = registered_remedies()
    for slug in dict.fromkeys(one.slug for one in case.findings):
        for remedy in remedies:
            if slug in remedy.answers and remedy.name not in met:
                met.add(remedy.name)
                yield slug, remedy
    if len(met) - len(LEFT_OUT) < FEW:
        for remedy in remedies:
            if remedy.is_general and remedy.name not in met:
                yield "", remedy


def _words(remedy: Remedy, change: Change) -> dict[str, str]:
    return {
        "remedy": remedy.name,
        "title": remedy.title,
        "label": change.label,
        "advice": change.advice,
    }


def _lists(changed: dict[str, Any]) -> dict[str, Any]:
    return {name: list(one) if isinstance(one, tuple) else one for name, one in changed.items()}
