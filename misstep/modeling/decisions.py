"""`Decisions`: what was decided for a person, one after the other, each with its reason.

Whoever decides something adds it here; faces ask what is new, or read the list afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from misstep.data import Decision

CHOSEN = "you chose it"

__all__ = ["CHOSEN", "Decision", "Decisions"]


@dataclass
class Decisions:
    """The decisions of one training, in the order in which they were made.

    `facts`: what was seen of the data on the way, plain and by name, for the record of the run.
    """

    made: list[Decision] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    _asked: int = 0

    def add(self, what: str, choice: object, reason: str) -> None:
        """Keep a decision."""
        self.keep(Decision(what, str(choice), reason))

    def keep(self, *decisions: Decision) -> None:
        """Keep decisions that were made elsewhere."""
        self.made += decisions

    def news(self) -> Sequence[Decision]:
        """Return the decisions since this was asked the last time."""
        news = self.made[self._asked :]
        self._asked = len(self.made)
        return news
