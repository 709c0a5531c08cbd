"""The contract of a remedy: what it changes in a run, which findings it answers, in words.

A remedy is a class in a file of its own in `remedies/`; subclassing registers it. It proposes, and
trains nothing: `rounds.py` tries what it proposes beside an unchanged control.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

import misstep.trials.remedies
from misstep.doctor import Diagnosis, Evidence, Finding, Severity
from misstep.optim import Optimizer
from misstep.record import Record
from misstep.train import Trainer
from misstep.trials.advice import optimizer_at, optimizer_options, written
from misstep.trials.experiment import Arm
from misstep.trials.pace import epochs_of
from misstep.trials.setting import Judged, NotApplicableError, Setting

__all__ = [
    "Case",
    "Change",
    "Remedy",
    "changes_of",
    "registered_remedies",
    "with_optimizer",
    "with_settings",
]


# The finding by which no row can be judged, where it is the most important one: behind others it is
# a suspicion, and in some tasks one input rightly tells the answer.
LEAKAGE = "leakage"


@dataclass(frozen=True)
class Change:
    """A run with something changed, as a remedy proposes it.

    `label`: what is changed, as in "a tenth of the learning rate". `trainer`: before it learns
    anything; it takes the rows of the run as they are, and gives answers of the same shape.
    `advice`: what to write to have it so. `rows`: the run's rows in their order, where weights or
    answers are others (as another loss wants them); `validation`: the run's validation rows, where
    their answers are written otherwise. `updates`: that it takes (None: those of the run).
    `keeps_best`: whether the weights of the best epoch are kept (None: as in the run). `goes_on`:
    whether it goes on from where the run ended; `trainer` then stands there. `carried`: parameters
    whose numbers come from the run, by name. `set_aside`: positions of rows that it does not learn
    from, counted from 0, in their order; they are left out of `rows`. `options`: the
    same as `advice`, by the names that options of training (`learning_rate`, `epochs` …) and
    hyperparameters have, where there are such. `spent`: updates that it took to find it.
    """

    label: str
    trainer: Trainer
    advice: str
    rows: Judged | None = None
    validation: Judged | None = None
    updates: int | None = None
    keeps_best: bool | None = None
    goes_on: bool = False
    carried: tuple[str, ...] = ()
    set_aside: tuple[int, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    spent: int = 0

    def rows_of(self, rows: Judged) -> Judged:
        """Return what it learns from, of the rows of the run."""
        own = rows if self.rows is None else self.rows
        if not self.set_aside:
            return own
        return own.take(np.delete(np.arange(len(own)), list(self.set_aside)))

    def taking(self, updates: int) -> Change:
        """Return this change over so many updates."""
        return replace(self, updates=updates)


@dataclass
class Case:
    """A run that something is wrong with, and all that is known of it.

    `setting`: the run, which can be done again. `record`, `diagnosis`: what was seen of it.
    `trained`: the trainer as the run left it, None where its state is not known. `keeps_best`:
    whether the run kept the weights of its best epoch.
    """

    setting: Setting
    record: Record
    diagnosis: Diagnosis
    trained: Trainer | None = None
    keeps_best: bool = False
    evidence: Evidence = field(init=False)

    def __post_init__(self) -> None:
        self.evidence = Evidence(self.record)
        before = self.setting
        if self.evidence.failed and before.taken < before.planned:
            # What broke down is to be repaired as it was planned, not as it ended.
            self.setting = replace(before, taken=before.planned)

    @property
    def start(self) -> Trainer:
        """Return a trainer as the run began."""
        return self.setting.start

    @property
    def findings(self) -> list[Finding]:
        """Return what was found, the most important first, each before what follows from it."""
        return [one for finding in self.diagnosis.findings for one in _with_consequences(finding)]

    @property
    def epochs(self) -> int:
        """Return about how many epochs the run had."""
        return epochs_of(self.start, len(self.setting.rows), self.setting.taken)

    def has_validation(self, fewest: int = 1) -> bool:
        """Return whether there are validation rows, so many at least."""
        held = self.setting.validation
        return held is not None and len(held) >= fewest

    @property
    def harms_rare_classes(self) -> bool:
        """Return whether a class was found to be lost because it is rare.

        Its harm hardly shows in a mean over rows, nearly all of which are of other classes.
        """
        return any(
            one.slug == "class-imbalance"
            and one.severity is not Severity.NOTE
            and "only_class" not in one.facts
            for one in self.findings
        )

    @property
    def has_wrong_answers(self) -> bool:
        """Return whether some of the answers were found to be wrong, as by slips of the hand."""
        return any(
            one.slug == "label-errors" and one.severity is not Severity.NOTE
            for one in self.findings
        )

    @property
    def answers_leak(self) -> bool:
        """Return whether inputs tell the answers, of validation rows too, which then prove nothing.

        Validation rows that stand among the training rows are another matter: others can judge.
        """
        if not self.diagnosis.findings:
            return False
        first = self.diagnosis.findings[0]
        harms = first.severity is not Severity.NOTE
        return harms and first.slug == LEAKAGE and "overlap" not in first.facts

    def facts(self, slug: str) -> Mapping[str, Any]:
        """Return the evidence of a finding by its numbers; empty where there is no such finding."""
        return next((one.facts for one in self.findings if one.slug == slug), {})


class Remedy(ABC):
    """Something to change in a run.

    `name`: in records and output; `title`: what it is, in words, as in "a lower learning rate".
    `answers`: slugs of the findings that name it. `rank`: the lowest come first among those of one
    finding. `is_general`: whether it is worth trying where findings name little.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    answers: ClassVar[tuple[str, ...]]
    rank: ClassVar[int] = 50
    is_general: ClassVar[bool] = False
    registry: ClassVar[dict[str, type[Remedy]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" in vars(cls):
            Remedy.registry[cls.name] = cls

    def cost(self, case: Case) -> int:
        """Return the updates that it takes to find what to change, before anything is tried."""
        return 0

    @abstractmethod
    def changes(self, case: Case) -> Iterator[Change]:
        """Yield what to try, the most promising first.

        Raises NotApplicableError, with the reason, where it means nothing for this run.
        """


def registered_remedies() -> list[Remedy]:
    """Return every remedy, in the order of their ranks."""
    for module in pkgutil.iter_modules(misstep.trials.remedies.__path__):
        importlib.import_module(f"{misstep.trials.remedies.__name__}.{module.name}")
    remedies = [one() for one in Remedy.registry.values()]
    return sorted(remedies, key=lambda one: (one.rank, one.name))


def changes_of(arms: Iterator[Arm]) -> Iterator[Change]:
    """Yield the arms of an experiment as changes: their rates become the trainer's own.

    Only for arms that leave the inputs as they are, and the optimizer but for its rate. Raises
    NotApplicableError as the arms do.
    """
    for arm in arms:
        trainer = arm.trainer
        options: dict[str, Any] = {}
        settings: dict[str, Any] = {}
        if arm.rate != 1.0:
            settings["optimizer"] = optimizer_at(trainer, arm.rate)
            options = optimizer_options(trainer.optimizer, settings["optimizer"])
        if arm.whole_rate:
            settings["schedule"] = None
        if settings:
            trainer = trainer.variant(**settings)
        yield Change(
            arm.label, trainer, arm.advice, rows=arm.rows, updates=arm.updates, options=options
        )


def with_settings(
    case: Case, label: str, settings: Mapping[str, Any], advice: str, **facts: Any
) -> Change:
    """Return the run from its first weights with other `settings`, as a Trainer takes them.

    `facts`: the other fields of the change.
    """
    return Change(label, case.start.variant(**settings), advice, **facts)


def with_optimizer(case: Case, label: str, optimizer: Optimizer, **facts: Any) -> Change:
    """Return the run from its first weights with another optimizer, or other settings of its own.

    `facts`: the other fields of the change.
    """
    options = optimizer_options(case.start.optimizer, optimizer)
    return with_settings(
        case, label, {"optimizer": optimizer}, written(optimizer), options=options, **facts
    )


def proposals(
    remedy: Remedy, case: Case, reasons: dict[str, str] | None = None, most: int = 10
) -> Sequence[Change]:
    """Return what a remedy proposes; `reasons` gets, by its name, why it proposes nothing."""
    changes: list[Change] = []
    try:
        for change in remedy.changes(case):
            changes.append(change)
            if len(changes) == most:
                break
    except NotApplicableError as reason:
        if reasons is not None and not changes:
            reasons[remedy.name] = str(reason)
    return changes


def _with_consequences(finding: Finding) -> Iterator[Finding]:
    yield finding
    for below in finding.consequences:
        yield from _with_consequences(below)
