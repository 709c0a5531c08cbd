"""Examinations: a training is examined a few times as it goes on, and each finding told once.

What one look shows may pass, so a finding is told when two examinations in a row had it, or when it
is certain. Examining takes a small share of the time of training, and has no say in its numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from misstep.doctor import Finding, Severity, examine, registered_rules
from misstep.doctor.diagnosis_text import heading
from misstep.record import Record
from misstep.text.plain import printable
from misstep.train.progress import Progress

# Share of the time of training that examinations may take.
SHARE = 0.02
# What the first one is expected to take, in seconds; the others what the one before took.
EXPECTED = 0.02
# Each comes when training has gone on so many times as long as at the one before: ten in an hour.
APART = 2.0
# From this confidence on, one examination is enough.
CERTAIN = 0.97


class Examinations:
    """Examines what `record` holds, now and then, and tells `progress` of findings.

    `clock`: what tells the time, in seconds.
    """

    def __init__(
        self, record: Record, progress: Progress, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._record, self._progress, self._clock = record, progress, clock
        # They are loaded once, before there is any time to take a share of.
        registered_rules()
        self._began = clock()
        self._next = 0.0
        self._spent, self._expected = 0.0, EXPECTED
        self._before: set[str] = set()
        self._told: set[str] = set()

    @property
    def is_due(self) -> bool:
        """Return whether it is time to examine."""
        return self._is_due_after(self._clock() - self._began)

    def _is_due_after(self, passed: float) -> bool:
        return passed >= self._next and self._spent + self._expected <= SHARE * passed

    def consider(self) -> None:
        """Examine, if it is time."""
        passed = self._clock() - self._began
        if self._is_due_after(passed):
            self._examine()
            self._expected = self._clock() - self._began - passed
            self._spent += self._expected
            self._next = APART * passed

    def _examine(self) -> None:
        found = [
            finding
            for finding in examine(self._record).findings
            if finding.severity in (Severity.CRITICAL, Severity.WARNING)
        ]
        for finding in found:
            held = finding.slug in self._before or finding.confidence >= CERTAIN
            if held and finding.slug not in self._told:
                self._told |= {finding.slug, *(below.slug for below in finding.consequences)}
                self._progress.note(_line(finding))
        self._before = {finding.slug for finding in found}


def _line(finding: Finding) -> str:
    # Names of columns and classes come from data.
    return printable(f"{heading(finding)}: {finding.symptom}")
