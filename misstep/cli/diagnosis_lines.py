"""What was found wrong, said on a page: findings, what it comes to, what nobody could examine.

`diagnose`, `check` and `train` say it alike. Knows diagnoses, not where they come from.
"""

from __future__ import annotations

from collections.abc import Callable

from misstep.cli.page import Page
from misstep.doctor import Diagnosis, Finding, Severity
from misstep.doctor.diagnosis_text import (
    consequences_of,
    finding_parts,
    heading,
    outcome_of,
    reasons_of,
)

__all__ = ["say_briefly", "say_diagnosis", "say_finding", "say_not_examined"]

# Causes that could not be examined, named in a line if they are so few.
MOST_NAMED = 4


def say_diagnosis(page: Page, diagnosis: Diagnosis, spelling: Callable[[str], str] = str) -> None:
    """Say the findings, the most important first, what they come to, and what is left open.

    `spelling`: of remedies, for who reads them.
    """
    for finding in diagnosis.findings:
        say_finding(page, finding, spelling)
    page.blank(always=True)
    page.say(outcome_of(diagnosis), "bold", always=True)
    say_not_examined(page, diagnosis)


def say_briefly(page: Page, diagnosis: Diagnosis, spelling: Callable[[str], str] = str) -> None:
    """Say what harms, each with what to do, and in one line what all of it comes to."""
    harmful = [one for one in diagnosis.findings if one.severity is not Severity.NOTE]
    for finding in harmful:
        page.title(heading(finding))
        page.say(finding.symptom, indent=2)
        page.fact("try", spelling(finding.remedy))
    page.blank()
    page.say(outcome_of(diagnosis, name=MOST_NAMED))


def say_finding(page: Page, finding: Finding, spelling: Callable[[str], str] = str) -> None:
    """Say one finding, and beneath it what follows from it."""
    page.title(heading(finding), always=True)
    for label, words in finding_parts(finding):
        if label:
            page.fact(label, spelling(words), always=True)
        else:
            page.say(words, indent=2, always=True)
    if finding.consequences:
        page.say("what follows from it", "cyan", indent=2, always=True)
    for named, words in consequences_of(finding):
        page.say(named, indent=4, always=True)
        if words:
            page.say(words, "dim", indent=6, always=True)


def say_not_examined(page: Page, diagnosis: Diagnosis) -> None:
    """Say what could not be looked for, causes with the same reason together."""
    reasons = reasons_of(diagnosis)
    if reasons:
        page.title("Not examined")
        for slugs, because in reasons:
            page.say(slugs, indent=2)
            page.say(f"because {because}", "dim", indent=4)
