"""What experiments say about findings: a cause that one confirms comes first, others fall back.

An experiment takes a cause away and looks whether the harm goes. Knows outcomes as a record holds
them and findings; no rule by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import CONFIRMED, Finding, Severity
from misstep.doctor.rule import Rule

# From here on experiments speak against a cause.
CONTRADICTED = -0.4
# How far the strongest verdict moves the confidence of a finding; and its bounds.
WEIGHT, LEAST, MOST = 0.4, 0.05, 0.98
# A cause that no rule names is named by an experiment where at least this share of the loss of
# chance was left with it; it is said as surely as the cause is supported, up to this.
HARM, SUREST = 0.3, 0.85
# A run that left no more of the loss of chance learned well.
LEARNED = 0.5
# Two causes whose support differs by less are supported alike.
ALIKE = 0.1


def weighed(
    evidence: Evidence, findings: Iterable[Finding], rules: Mapping[str, Rule]
) -> list[Finding]:
    """Return findings as experiments leave them, and what experiments found that no rule did.

    A cause that is confirmed is as severe as anything that was found, for it is what harms. One
    that experiments speak against becomes a note where they confirm another, or where the run
    learned well with it; else it is but less sure, since of two faults at once neither helps alone.
    """
    findings = list(findings)
    supports = evidence.supports
    if not supports:
        return findings
    strongest = max(supports.values())
    lefts = [_left(one) for one in evidence.outcomes.values() if one.get("control")]
    explained = strongest >= CONFIRMED or (bool(lefts) and max(lefts) <= LEARNED)
    worst = min((one.severity for one in findings), key=lambda one: one.rank, default=None)
    after = []
    for one in findings:
        support = supports.get(one.slug, 0.0)
        confidence = float(np.clip(one.confidence + WEIGHT * support, LEAST, MOST))
        severity = one.severity
        if support >= CONFIRMED and worst is not None:
            severity = min(severity, worst, Severity.WARNING, key=lambda each: each.rank)
        elif support <= CONTRADICTED and explained:
            severity = Severity.NOTE
        after.append(
            replace(
                one,
                severity=severity,
                confidence=confidence,
                support=support,
                experiments=tuple(evidence.experiments_about(one.slug)),
            )
        )
    named = _by_experiment(evidence, after, rules)
    return [*after, named] if named is not None else after


def _by_experiment(
    evidence: Evidence, findings: Iterable[Finding], rules: Mapping[str, Rule]
) -> Finding | None:
    """Return the cause that experiments confirm most, where no rule named it or one as likely."""
    slug, support = max(evidence.supports.items(), key=lambda pair: pair[1])
    if support < CONFIRMED or slug not in rules:
        return None
    if any(one.support > support - ALIKE or one.slug == slug for one in findings):
        return None
    outcomes = evidence.experiments_about(slug)
    outcome = max(outcomes, key=lambda one: float(one["verdicts"].get(slug, 0.0)))
    left = _left(outcome)
    if left < HARM or not outcome.get("advice"):
        return None
    return Finding(
        rules[slug],
        Severity.CRITICAL,
        {"share_left": left},
        min(support, SUREST),
        support=support,
        experiments=(outcome,),
        by_experiment=True,
    )


def _left(outcome: Mapping[str, Any]) -> float:
    """Return the share of the loss of chance that was left without the change."""
    control = outcome.get("control")
    return float(np.median(control["left"])) if isinstance(control, Mapping) else 0.0
