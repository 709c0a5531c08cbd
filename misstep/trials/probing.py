"""`probe`: the experiments that tell the open hypotheses apart, within a budget of seconds.

Joins what the doctor suspects with forks of the training; what came of it stands in the record as
events, which rules read. Prints nothing; who asks is told of each experiment as it comes.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
import time
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

import misstep.trials.experiments
from misstep.doctor import Diagnosis, Evidence, Finding, examine
from misstep.errors import ArgumentError, MisstepError, NotFittedError
from misstep.ir.float_errors import with_own_float_errors
from misstep.record import Record
from misstep.text.experiments import outcome_words
from misstep.train import Trainer
from misstep.trials.experiment import Experiment
from misstep.trials.outcome import Outcome
from misstep.trials.setting import NotApplicableError, Setting

EVENT = "experiment"
# Seconds that probing may take.
BUDGET = 30.0
# An experiment that would take longer than what is left of the budget is not begun; compiling its
# programs takes about so long, in seconds.
COMPILING = 0.3


@dataclass(frozen=True)
class NotRun:
    """An experiment that was not done. `because`: why."""

    name: str
    because: str


@dataclass
class Probe:
    """What came of probing.

    `record`: that of the run, with what experiments showed. `diagnosis`: what the rules make of it.
    `outcomes`: in the order in which they were done. `not_run`: what was left out, and why.
    `interrupted`: whether a person ended it.
    """

    record: Record
    diagnosis: Diagnosis
    outcomes: list[Outcome] = field(default_factory=list)
    not_run: list[NotRun] = field(default_factory=list)
    interrupted: bool = False


def registered_experiments() -> list[Experiment]:
    """Return every experiment, in the order of their ranks."""
    for module in pkgutil.iter_modules(misstep.trials.experiments.__path__):
        importlib.import_module(f"{misstep.trials.experiments.__name__}.{module.name}")
    return sorted((one() for one in Experiment.registry.values()), key=lambda one: one.rank)


def probe(
    setting: Setting,
    record: Record,
    *,
    on_experiment: Callable[[Experiment], None] | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> Probe:
    """Do the experiments that open hypotheses about a run name, then others, while time is left.

    `record`: of the run; it stays as it is. `on_experiment`, `on_outcome`: called before and after
    each. Ctrl-C ends it with what was found so far.
    """
    setting.began = time.perf_counter()
    open_slugs = suspected(examine(record).findings)
    ordered = sorted(
        registered_experiments(), key=lambda one: (not open_slugs.intersection(one.tells), one.rank)
    )
    seen = copy(record)
    seen.events = list(record.events)
    outcomes: list[Outcome] = []
    not_run: list[NotRun] = []
    interrupted = False
    for place, experiment in enumerate(ordered):
        try:
            reason = _no_time(experiment, setting)
            if reason:
                not_run.append(NotRun(experiment.name, reason))
                continue
            if on_experiment is not None:
                on_experiment(experiment)
            outcome = experiment.run(setting)
        except NotApplicableError as why:
            not_run.append(NotRun(experiment.name, str(why)))
            continue
        except MisstepError as error:
            not_run.append(NotRun(experiment.name, f"it failed: {error}"))
            continue
        except KeyboardInterrupt:
            interrupted = True
            not_run += [NotRun(one.name, "you ended probing") for one in ordered[place:]]
            break
        outcomes.append(outcome)
        seen.events.append(event_of(outcome))
        if on_outcome is not None:
            on_outcome(outcome)
    return Probe(seen, examine(seen), outcomes, not_run, interrupted)


def event_of(outcome: Outcome) -> dict[str, object]:
    """Return the event that a record holds of an outcome."""
    return {"kind": EVENT, "words": words_of(outcome), "name": outcome.name} | {
        "outcome": outcome.plain()
    }


def words_of(outcome: Outcome) -> str:
    """Return in a sentence what an experiment showed, and for which causes it speaks."""
    return outcome_words(outcome.plain())


@with_own_float_errors
def probe_trainer(
    trainer: Trainer,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    validation: tuple[Any, ...] | None = None,
    budget: float = BUDGET,
) -> Diagnosis:
    """Return what goes wrong with the latest training of `trainer`, told apart by experiments.

    x, y, `sample_weight`, `validation`: what it was fitted on. The training is done again from its
    first weights, with one thing changed at a time, within `budget` seconds; the trainer stays as
    it is. Ctrl-C ends it with what was found so far. Raises NotFittedError for a Trainer that was
    not fitted, or not watched, and what `fit` raises.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(1e-6))
    >>> x, y = [[0.0], [1.0], [2.0], [3.0]], [[1.0], [3.0], [5.0], [7.0]]
    >>> run = trainer.fit(x, y, epochs=100)
    >>> print(ms.probe(trainer, x, y, budget=5).findings[0].slug)
    learning-rate-too-low
    """
    run = trainer.last_run
    if run is None or run.record is None:
        raise NotFittedError(
            "probing a Trainer",
            needed="a training that was watched",
            got="none" if run is None else "one with watch=False",
            try_="trainer.fit(x, y), and the same rows here",
        )
    if not (isinstance(budget, int | float) and budget > 0):
        raise ArgumentError("budget", needed="seconds, more than 0", got=repr(budget))
    setting = setting_of(run.record, trainer, x, y, sample_weight, validation, budget)
    return probe(setting, run.record).diagnosis


def setting_of(
    record: Record,
    trainer: Trainer,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    validation: tuple[Any, ...] | None = None,
    budget: float = BUDGET,
) -> Setting:
    """Return the setting of a recorded run, which `trainer` and the rows are those of.

    Raises what `Trainer.fit` raises.
    """
    evidence = Evidence(record)
    described = record.description
    taken = evidence.updates
    planned = taken if described is None else described.epochs * described.updates_per_epoch
    final = math.nan if evidence.failed else evidence.final_loss
    return Setting.of(
        trainer,
        x,
        y,
        sample_weight,
        validation,
        planned=max(planned, taken, 1),
        taken=max(taken, 1),
        final=final,
        budget=float(budget),
    )


def suspected(findings: Iterable[Finding]) -> set[str]:
    """Return the slugs of findings and of what stands beneath them."""
    slugs: set[str] = set()
    below: Sequence[Finding]
    for finding in findings:
        below = finding.consequences
        slugs |= {finding.slug, *suspected(below)}
    return slugs


def _no_time(experiment: Experiment, setting: Setting) -> str:
    """Return why there is no time for an experiment; empty where there is."""
    left = setting.seconds_left
    if left <= 0:
        return f"the {setting.budget:g} seconds are over"
    cost = COMPILING + experiment.updates(setting) * setting.seconds_per_update
    if cost > left:
        return f"it would take about {cost:.0f} s, and {left:.0f} s are left"
    return ""
