"""`Finding`: a claim about a run with its evidence in numbers; `NotExamined`: what nobody can say.

Facts and enums; the words of a finding come from its rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from misstep.text.experiments import SPEAKS, experiment_words

if TYPE_CHECKING:
    from misstep.doctor.rule import Rule


class Severity(StrEnum):
    """How bad it is; the worst first."""

    CRITICAL = "critical"  # the run is harmed now
    WARNING = "warning"  # likely harm
    NOTE = "note"  # good to know

    @property
    def rank(self) -> int:
        """Return 0 for the worst."""
        return list(Severity).index(self)


# From here on experiments confirm a cause.
CONFIRMED = 0.5


@dataclass(frozen=True)
class Finding:
    """What a rule claims about a run.

    `facts`: the evidence, plain numbers and names by what they are (layer, step, rows …).
    `confidence`: between 0 and 1, how sure the rule is that this is a cause and no accident.
    `consequences`: findings that follow from this one and stand beneath it. `support`: what
    experiments say about the cause, from −1 (against) over 0 (undecided, or none were done) to 1;
    `experiments`: their outcomes. `by_experiment`: whether it was found by one, and no rule has
    words for it.
    """

    rule: Rule
    severity: Severity
    facts: Mapping[str, Any] = field(default_factory=dict)
    confidence: float = 0.5
    consequences: tuple[Finding, ...] = ()
    support: float = 0.0
    experiments: tuple[Mapping[str, Any], ...] = ()
    by_experiment: bool = False

    @property
    def is_confirmed(self) -> bool:
        """Return whether an experiment took this cause away, and the harm with it."""
        return self.support >= CONFIRMED

    @property
    def order(self) -> tuple[int, bool, float, str]:
        """Return what findings are sorted by, the most important first."""
        return self.severity.rank, not self.is_confirmed, -self.confidence, self.slug

    @property
    def slug(self) -> str:
        """Return the cause."""
        return self.rule.slug

    @property
    def symptom(self) -> str:
        """Return in a sentence what shows, with the numbers."""
        if self.by_experiment:
            words = experiment_words(self.experiments[0])
            return f"{words[:1].upper()}{words[1:]}."
        return self.rule.symptom(self.facts)

    @property
    def remedy(self) -> str:
        """Return what to type or write, for this very run."""
        if self.by_experiment:
            return str(self.experiments[0].get("advice", ""))
        words, helped = self.rule.remedy(self.facts), self._helped
        if not helped or helped in words:
            return words
        return f"{words} Tried, and it helped: {helped}."

    @property
    def _helped(self) -> str:
        """Return what to write of the experiment that confirms the cause most; empty without."""
        confirming = [
            one
            for one in self.experiments
            if one.get("advice") and float(one["verdicts"].get(self.slug, 0.0)) >= CONFIRMED
        ]
        if not self.is_confirmed or not confirming:
            return ""
        most = max(confirming, key=lambda one: float(one["verdicts"][self.slug]))
        return str(most["advice"])

    @property
    def shown(self) -> list[str]:
        """Return in sentences what experiments that speak about the cause showed."""
        sentences = []
        for one in self.experiments:
            verdict = float(one["verdicts"].get(self.slug, 0.0))
            if abs(verdict) < SPEAKS:
                continue
            words = f"{one.get('title', 'an experiment')}: {experiment_words(one)}"
            advice = one.get("advice") if verdict > 0 else ""
            sentences.append(f"{words}; that is {advice}" if advice else words)
        return sentences

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON, for machines."""
        tried = {"support": round(self.support, 3), "experiments": self.shown}
        return {
            "slug": self.slug,
            "severity": self.severity.value,
            "title": self.rule.title,
            "symptom": self.symptom,
            "evidence": {name: _plain(value) for name, value in self.facts.items()},
            "remedy": self.remedy,
            "confidence": round(self.confidence, 3),
            "consequences": [finding.plain() for finding in self.consequences],
            **(tried if self.experiments else {}),
        }


def _plain(value: Any) -> Any:
    """Return a fact as JSON can have it: numbers that are not finite are called by their names."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


@dataclass(frozen=True)
class NotExamined:
    """A cause that could not be looked for. `because`: why, and what would make it possible."""

    slug: str
    because: str

    def plain(self) -> dict[str, str]:
        """Return it as plain JSON."""
        return {"slug": self.slug, "because": self.because}
