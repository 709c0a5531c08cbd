"""Examines a run again and again as it goes on, without taking time from whoever trains.

What one look shows may pass, so a finding is told when two examinations in a row had it, when it is
certain, or when the run is over. Knows records and the doctor; nothing of pages.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from misstep.doctor import Finding, Severity, examine
from misstep.doctor.diagnosis_text import consequences_of, finding_parts, heading, outcome_of
from misstep.record import Record

__all__ = ["Examiner"]

# Seconds between two examinations at least, and the share of time that they may take together.
APART = 3.0
SHARE = 0.005
# From this confidence on, one examination is enough.
CERTAIN = 0.97

Spelling = Callable[[str], str]


class Examiner:
    """What was found in one run so far.

    `findings`: as a page shows them, plain JSON; `outcome`: what they come to, in a sentence, empty
    before the first examination. `spelling_of`: how remedies are written for who reads a record.
    """

    def __init__(
        self, spelling_of: Callable[[Record], Spelling], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._spelling_of, self._clock = spelling_of, clock
        self._next = 0.0
        self._examined: object = None
        self._before: set[str] = set()
        self._told: set[str] = set()
        self.findings: list[dict[str, Any]] = []
        self.outcome = ""

    def consider(self, record: Record, version: object, *, is_over: bool) -> bool:
        """Examine where there is something new and it is time; return whether it was done.

        `version`: whatever changes when the record does.
        """
        if version == self._examined or (self._clock() < self._next and not is_over):
            return False
        # Noted first: where it comes to an error, it is not tried again at once.
        self._examined, began = version, self._clock()
        diagnosis = examine(record)
        found = {finding.slug for finding in diagnosis.findings}
        told = [
            finding
            for finding in diagnosis.findings
            if is_over
            or finding.confidence >= CERTAIN
            or finding.slug in self._before
            or finding.slug in self._told
        ]
        spelling = self._spelling_of(record)
        self.findings = [_plain(finding, spelling) for finding in told]
        self.outcome = outcome_of(diagnosis) if len(told) == len(diagnosis.findings) else ""
        self._told = {finding.slug for finding in told}
        self._before = found
        ended = self._clock()
        self._next = ended + max(APART, (ended - began) / SHARE)
        return True

    @property
    def counts(self) -> dict[str, int]:
        """Return how many findings there are of each severity."""
        severities = [finding["severity"] for finding in self.findings]
        return {one.value: severities.count(one.value) for one in Severity}


def _plain(finding: Finding, spelling: Spelling) -> dict[str, Any]:
    (_, symptom), *parts = finding_parts(finding)
    return {
        "slug": finding.slug,
        "severity": finding.severity.value,
        "heading": heading(finding),
        "symptom": symptom,
        "parts": [[label, spelling(words)] for label, words in parts],
        "consequences": [[named, words] for named, words in consequences_of(finding)],
    }
