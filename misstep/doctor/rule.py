"""The contract of a rule: one cause, what it needs to see, and when it speaks.

A rule is a class in a file of its own in `rules/`; subclassing registers it. It reads evidence and
returns findings, and prints nothing. Its words are made here from a finding's facts, its examples
are run by a sweep: each of its sick ones must make it speak, no healthy one of any rule may.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity


@dataclass(frozen=True)
class Example:
    """A small program that trains, in text: it is run, and is shown on the page of its rule.

    `program`: Python with `ms` and `np` imported; it calls `trainer.fit(...)`, whose run is left in
    the variable `run`. It must take less than a second. `also`: slugs of other rules that may speak
    about it.
    """

    name: str
    program: str
    also: frozenset[str] = frozenset()


class CannotTellError(Exception):
    """Raised inside of `check` where the record says too little; its text is the reason."""


class Rule(ABC):
    """One cause of trouble.

    `slug`: what it is called in output; `title`: in words, a noun. `needs`: names of signals
    without which it can't be examined. `needs_description`: whether the run must say what it is.
    `judges_end`: whether it judges what training came to, which nobody knows before it is over.
    `leads_to`: slugs of what this cause makes happen: found together, they stand beneath it.
    `explanation`: what it is and why it harms, for its page, some sentences.
    """

    slug: ClassVar[str]
    title: ClassVar[str]
    explanation: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    needs_description: ClassVar[bool] = True
    judges_end: ClassVar[bool] = False
    leads_to: ClassVar[frozenset[str]] = frozenset()
    sick: ClassVar[tuple[Example, ...]]
    healthy: ClassVar[tuple[Example, ...]] = ()
    registry: ClassVar[dict[str, type[Rule]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "slug" in vars(cls):
            Rule.registry[cls.slug] = cls

    @abstractmethod
    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield what is the matter: symptom and harm, never one alone.

        Raises CannotTellError, with the reason, where the record says too little.
        """

    @abstractmethod
    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return in a sentence what shows, with the numbers of a finding."""

    @abstractmethod
    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return what to type or write."""

    def finding(self, severity: Severity, confidence: float, **facts: Any) -> Finding:
        """Return a finding of this rule."""
        return Finding(self, severity, facts, confidence)
