"""`Decisions`: what was decided for a person, one after the other, each with its reason.

Whoever decides something adds it here; whoever shows it listens or reads the list afterwards.
Plain data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from misstep.data import Decision

CHOSEN = "you chose it"

__all__ = ["CHOSEN", "Decision", "Decisions"]


@dataclass
class Decisions:
    """The decisions of one training in their order; `report` gets each as it is made."""

    report: Callable[[Decision], None] | None = None
    made: list[Decision] = field(default_factory=list)

    def add(self, what: str, choice: object, reason: str) -> None:
        """Keep a decision, and report it."""
        self.keep(Decision(what, str(choice), reason))

    def keep(self, decision: Decision) -> None:
        """Keep a decision that was made elsewhere, and report it."""
        self.made.append(decision)
        if self.report is not None:
            self.report(decision)

    def listen(self, report: Callable[[Decision], None] | None) -> None:
        """Let `report` get all decisions: those made so far at once."""
        self.report = report
        if report is not None:
            for decision in self.made:
                report(decision)
