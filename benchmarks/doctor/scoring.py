"""What diagnoses are worth: how many broken runs are noticed, healthy ones spared, causes named.

Counting is strict. A run is *noticed* by a critical finding or a warning. A cause is *first* where
the first finding is one of the slugs accepted for the fault, and *among three* where one of the
first three top-level findings is; what is folded beneath another does not count as named. Notes are
not counted as findings. The measure that also looks beneath the first three stands beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.doctor.cases import Case
from benchmarks.doctor.recording import record_folder
from misstep.doctor import Finding, Severity, examine
from misstep.record import Record, read_record


@dataclass(frozen=True)
class Named:
    """A finding, plainly: slug, whether it is critical, what stands beneath it.

    `also`: other slugs that the same words may mean; only others' thresholds have any.
    """

    slug: str
    critical: bool = False
    beneath: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def names(self, accepted: frozenset[str]) -> bool:
        """Return whether it is one of these causes."""
        return not accepted.isdisjoint((self.slug, *self.also))


@dataclass(frozen=True)
class Verdict:
    """What somebody says of a run, the most important first. `seconds`: it took, with reading."""

    case: Case
    findings: tuple[Named, ...]
    seconds: float = 0.0

    @property
    def noticed(self) -> bool:
        """Return whether anything is found."""
        return bool(self.findings)

    @property
    def critical(self) -> bool:
        """Return whether the run is called harmed."""
        return any(finding.critical for finding in self.findings)

    def named_among(self, count: int, beneath: bool = False) -> bool:
        """Return whether a true cause is among the first `count` findings, or beneath one."""
        return any(
            finding.names(self.case.accepted)
            or (beneath and not self.case.accepted.isdisjoint(finding.beneath))
            for finding in self.findings[:count]
        )


Judge = Callable[[Record], Sequence[Named]]


def ours(record: Record) -> list[Named]:
    """Return what the rules of the package find, without notes."""
    return [
        Named(finding.slug, finding.severity is Severity.CRITICAL, tuple(_below(finding)))
        for finding in examine(record).findings
        if finding.severity is not Severity.NOTE
    ]


def _below(finding: Finding) -> Iterable[str]:
    for one in finding.consequences:
        yield one.slug
        yield from _below(one)


def judged(cases: Iterable[Case], judge: Judge = ours) -> list[Verdict]:
    """Return what a judge says of the recorded runs."""
    verdicts = []
    for case in cases:
        began = time.perf_counter()
        findings = tuple(judge(read_record(record_folder(case))))
        verdicts.append(Verdict(case, findings, time.perf_counter() - began))
    return verdicts


@dataclass(frozen=True)
class Measures:
    """Shares, NaN-free: None where there is nothing to count. `counts`: of how many runs."""

    noticed: float | None
    first: float | None
    among_three: float | None
    beneath_three: float | None
    healthy_critical: float | None
    healthy_any: float | None
    hard_any: float | None
    counts: dict[str, int] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return dict(vars(self))


def _share(verdicts: Sequence[Verdict], test: Callable[[Verdict], bool]) -> float | None:
    return sum(map(test, verdicts)) / len(verdicts) if verdicts else None


def measures(verdicts: Sequence[Verdict]) -> Measures:
    """Return the measures of some verdicts."""
    ill = [one for one in verdicts if one.case.kind != "healthy"]
    well = [one for one in verdicts if one.case.kind == "healthy"]
    hard = [one for one in well if one.case.hard]
    return Measures(
        noticed=_share(ill, lambda one: one.noticed),
        first=_share(ill, lambda one: one.named_among(1)),
        among_three=_share(ill, lambda one: one.named_among(3)),
        beneath_three=_share(ill, lambda one: one.named_among(3, beneath=True)),
        healthy_critical=_share(well, lambda one: one.critical),
        healthy_any=_share(well, lambda one: one.noticed),
        hard_any=_share(hard, lambda one: one.noticed),
        counts={
            "broken": sum(one.case.kind == "broken" for one in ill),
            "several": sum(one.case.kind == "several" for one in ill),
            "healthy": len(well),
            "hard": len(hard),
        },
    )
