"""A diagnosis as people read it: each finding in labelled parts, and all of it as one text.

The parts are what every face shows; how they are laid out on a terminal, the face knows.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from misstep.doctor.finding import Finding, Severity
from misstep.text.diagnosis import certainty, outcome, place, together
from misstep.text.lists import listed

if TYPE_CHECKING:
    from misstep.doctor.examine import Diagnosis

__all__ = [
    *("consequences_of", "diagnosis_text", "finding_parts", "heading", "outcome_of", "reasons_of")
]

WIDTH = 100
LABEL = 10
# Causes named beside the reason why they were not examined; machines get all of them.
MOST_NAMES = 8


def heading(finding: Finding) -> str:
    """Return how bad a finding is and what it is called, with the name of its cause."""
    title = finding.rule.title
    # A name such as ReLU stays as it is.
    first = title.split(" ")[0]
    words = title if first[1:] != first[1:].lower() else title[:1].lower() + title[1:]
    return f"{finding.severity.value.capitalize()}: {words} ({finding.slug})"


def finding_parts(finding: Finding) -> list[tuple[str, str]]:
    """Return what is said of a finding: pairs of a label and words, the first without a label."""
    symptom = finding.symptom
    parts = [("", symptom)]
    where = place(finding.facts, said=symptom)
    if where:
        parts.append(("where", where))
    parts.append(("try", finding.remedy))
    if not finding.by_experiment:
        parts += [("tried", words) for words in finding.shown]
    parts.append(("how sure", certainty(finding.confidence)))
    return parts


def consequences_of(finding: Finding) -> list[tuple[str, str]]:
    """Return heading and symptom of what follows from a finding; what was said is left out."""
    said = set(_sentences(finding.symptom))
    told = []
    for below in finding.consequences:
        fresh = [sentence for sentence in _sentences(below.symptom) if sentence not in said]
        said.update(fresh)
        told.append((heading(below), " ".join(fresh)))
    return told


def _sentences(words: str) -> list[str]:
    return re.split(r"(?<=[.!?])\s+(?=[A-Z`])", words)


def outcome_of(diagnosis: Diagnosis, name: int = 0) -> str:
    """Return in a sentence what came of it, consequences not counted.

    `name`: if so many or fewer causes could not be examined, they are named.
    """
    unknown = [one.slug for one in diagnosis.not_examined]
    found = [finding.severity for finding in diagnosis.findings]
    return outcome(
        found.count(Severity.CRITICAL),
        found.count(Severity.WARNING),
        found.count(Severity.NOTE),
        len(diagnosis.examined),
        len(unknown),
        unknown if len(unknown) <= name else (),
    )


def reasons_of(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    """Return why causes were not examined: pairs of their names and the reason."""
    pairs = ((one.slug, one.because) for one in diagnosis.not_examined)
    return [(listed(slugs, MOST_NAMES), because) for because, slugs in together(pairs)]


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """Return all of it, in lines of at most `WIDTH` letters."""
    return "\n".join(_lines(diagnosis))


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    for finding in diagnosis.findings:
        yield heading(finding)
        for label, words in finding_parts(finding):
            yield from _labelled(label, words, "  ")
        if finding.consequences:
            yield "  what follows from it"
            for named, words in consequences_of(finding):
                yield from _labelled("", f"{named}: {words}" if words else named, "    ")
        yield ""
    for words in diagnosis.experiments.values():
        yield from _labelled("tried", words, "  ")
    yield outcome_of(diagnosis)
    for slugs, because in reasons_of(diagnosis):
        yield from _labelled("", f"Not examined, because {because}: {slugs}.", "  ")


def _labelled(label: str, words: str, indent: str) -> Iterator[str]:
    """Yield a paragraph behind its label, wrapped; lines of its own stay lines."""
    first = f"{indent}{label:<{LABEL}}" if label else indent
    for line in words.split("\n"):
        yield from textwrap.wrap(
            line,
            WIDTH,
            initial_indent=first,
            subsequent_indent=" " * len(first),
            break_long_words=False,
            break_on_hyphens=False,
        )
        first = " " * len(first)
