"""`examine`: every rule on one record; what they found, in order, with consequences folded.

Pure: reads a record, prints nothing, trains nothing.
"""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import misstep.doctor.rules
from misstep.doctor.diagnosis_text import diagnosis_text
from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, NotExamined, Severity
from misstep.doctor.rule import CannotTellError, Rule
from misstep.doctor.weighing import weighed
from misstep.errors import MisstepError
from misstep.ir.float_errors import with_own_float_errors
from misstep.record import SIGNALS, Record, read_record
from misstep.text.experiments import outcome_words
from misstep.text.plain import printable

# One rule that meets what nobody thought of, as in a damaged record, must not silence the others.
RULE_FAILED = "its rule failed on this record, which is a fault in misstep"


@dataclass(frozen=True)
class Diagnosis:
    """What came of an examination; printed, it is words.

    `findings`: the most important first. `not_examined`: causes that could not be looked for, and
    why. `seconds`: how long it took. `examined`: the causes that were looked for, by their slugs.
    `experiments`: what was tried, by name, and what that showed, in sentences.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.1))
    >>> run = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=200)
    >>> [finding.slug for finding in run.diagnose().findings]
    []
    """

    findings: Sequence[Finding]
    not_examined: Sequence[NotExamined]
    seconds: float
    examined: Sequence[str] = ()
    experiments: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return printable(diagnosis_text(self))

    @property
    def is_critical(self) -> bool:
        """Return whether the run is harmed."""
        return any(finding.severity is Severity.CRITICAL for finding in self.findings)

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "findings": [finding.plain() for finding in self.findings],
            "not_examined": [one.plain() for one in self.not_examined],
            "seconds": round(self.seconds, 3),
            **({"experiments": dict(self.experiments)} if self.experiments else {}),
        }


def registered_rules() -> dict[str, Rule]:
    """Return every rule by its slug, sorted."""
    for module in pkgutil.iter_modules(misstep.doctor.rules.__path__):
        importlib.import_module(f"{misstep.doctor.rules.__name__}.{module.name}")
    return {slug: rule() for slug, rule in sorted(Rule.registry.items())}


def diagnose(path: Path | str) -> Diagnosis:
    """Return what goes wrong in the run that was recorded in a folder, or in the record at `path`.

    It may be over, still going, or broken off. Raises StorageError where there is none, and
    FileFormatError for something else.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.1))
    >>> _ = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=200, folder="runs/mine")
    >>> ms.diagnose("runs/mine").is_critical
    False
    """
    return examine(read_record(path))


@with_own_float_errors
def examine(record: Record) -> Diagnosis:
    """Let every rule examine `record`."""
    began = time.perf_counter()
    evidence = Evidence(record)
    findings: list[Finding] = []
    not_examined: list[NotExamined] = []
    examined: list[str] = []
    rules = registered_rules()
    for slug, rule in rules.items():
        lacking = _lacking(rule, evidence)
        if lacking:
            not_examined.append(NotExamined(slug, lacking))
            continue
        if not all(evidence.may_have(name) for name in rule.needs):
            # There is nothing that could have it, so nobody has it.
            examined.append(slug)
            continue
        try:
            # Numbers of a record may be anything; a rule judges what comes of them.
            with np.errstate(all="ignore"):
                found = list(rule.check(evidence))
                # Words that fail must do so here, where the other rules are safe from them.
                for one in found:
                    assert one.symptom
                    assert one.remedy
        except (CannotTellError, MisstepError) as reason:
            not_examined.append(NotExamined(slug, str(reason)))
        except Exception as error:
            not_examined.append(
                NotExamined(slug, f"{RULE_FAILED} ({type(error).__name__}: {error})")
            )
        else:
            findings += found
            examined.append(slug)
    findings = weighed(evidence, findings, rules)
    seconds = time.perf_counter() - began
    tried = {name: outcome_words(one) for name, one in evidence.outcomes.items()}
    return Diagnosis(folded(findings), not_examined, seconds, examined, tried)


def _lacking(rule: Rule, evidence: Evidence) -> str:
    """Return why a rule can't be examined; empty where it can."""
    if rule.needs_description and evidence.record.description is None:
        return "the record does not say what network was trained, and on what"
    if rule.judges_end and not evidence.is_over:
        return "the run is not over, so what it comes to is not known"
    for name in rule.needs:
        if evidence.may_have(name) and not evidence.has(name):
            if name.startswith("validation_") and not evidence.has("validation_loss"):
                return "there were no validation rows to judge by"
            words = SIGNALS[name].words
            what = f"{words[0].lower()}{words[1:].removesuffix('.')}"
            return f"the record has no {name.replace('_', ' ')} ({what})"
    return ""


def folded(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with each that another one leads to beneath that, the most important first.

    A consequence is beneath the surest of its causes; a cause takes over a worse severity of what
    follows from it, for it is what harms. What is but good to know harms nobody. What an experiment
    confirms stands beneath nothing that none confirms.
    """
    ordered = sorted(findings, key=lambda one: one.order)
    causes = {
        id(one): next(
            (
                other
                for other in sorted(ordered, key=lambda other: -other.confidence)
                if one.slug in other.rule.leads_to
                and not _follows(other, one)
                and _may_cause(other, one)
            ),
            None,
        )
        for one in ordered
    }

    def root(one: Finding) -> Finding:
        """Return where the causes of causes end; of several in a circle, the surest."""
        passed = [one]
        while (cause := causes[id(one)]) is not None:
            if any(cause is other for other in passed):
                circle = passed[next(at for at, other in enumerate(passed) if cause is other) :]
                return min(circle, key=lambda other: (-other.confidence, other.slug, id(other)))
            passed.append(cause)
            one = cause
        return one

    beneath: dict[int, list[Finding]] = {}
    roots = []
    for one in ordered:
        top = root(one)
        if top is one:
            roots.append(one)
        else:
            beneath.setdefault(id(top), []).append(one)
    whole = []
    for one in roots:
        below = tuple(beneath.get(id(one), ()))
        severity = min((one.severity, *(each.severity for each in below)), key=lambda s: s.rank)
        whole.append(replace(one, severity=severity, consequences=below))
    return sorted(whole, key=lambda one: one.order)


def _may_cause(cause: Finding, other: Finding) -> bool:
    """Return whether a finding is grave enough to be the cause of another, and confirmed enough."""
    grave = cause.severity is not Severity.NOTE or other.severity is Severity.NOTE
    return grave and (cause.is_confirmed or not other.is_confirmed)


def _follows(cause: Finding, other: Finding) -> bool:
    """Return whether two findings lead to each other, and the surer one is `other`."""
    return cause.slug in other.rule.leads_to and (
        (other.confidence, other.slug) > (cause.confidence, cause.slug)
    )
