"""`Decision`: what was chosen, and the reason for it.

Whoever chooses makes one, whoever shows them makes the sentence. Knows nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Decision"]


@dataclass(frozen=True)
class Decision:
    """What was decided on, such as "column Age" or "epochs", what was chosen, and why."""

    what: str
    choice: str
    reason: str
