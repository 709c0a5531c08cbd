"""`probe`: the experiments that tell the open hypotheses apart, within a budget of seconds.

Joins what the doctor suspects with forks of the training; what came of it stands in the record as
events, which rules read. Prints nothing; who asks is told of each experiment as it comes.
"""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field

import misstep.trials.experiments
from misstep.doctor import Diagnosis, Finding, examine
from misstep.errors import MisstepError
from misstep.record import Record
from misstep.text.experiments import verdict_words
from misstep.trials.experiment import Experiment
from misstep.trials.outcome import Outcome
from misstep.trials.setting import COURSES, NotApplicableError, Setting

EVENT = "experiment"
# An experiment that would take longer than what is left of the budget is not begun; compiling its
# program takes about so long, in seconds.
COMPILING = 0.5


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
    return f"{outcome.title}: {outcome.words}; that {verdict_words(outcome.verdicts)}"


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
    cost = experiment.arms_at_most * (
        COMPILING * 0.2 + COURSES * setting.updates * setting.seconds_per_update
    )
    if cost > left:
        return f"it would take about {cost:.0f} s, and {left:.0f} s are left"
    return ""
