"""`Beginning`: where a page of the playground begins: at a link, or on rows that a person brought.

Knows links and problems; no requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from misstep.playground import Link, Problem, Session, own_settings

__all__ = ["Beginning"]

# So long a first answer may go toward a link's update; the page asks for the rest of the way.
SECONDS = 1.0


@dataclass(frozen=True)
class Beginning:
    """What pages begin with. `own`: a person's rows; `link`: where a page without one begins.

    Raises what reading a link raises, when it is made: nobody has to open a page for that.
    """

    own: Problem | None = None
    link: str = ""

    def __post_init__(self) -> None:
        """Read the link, and hold it against the rows."""
        if self.link:
            self.session("")

    def session(self, link: str) -> Session:
        """Return a session that stands where a link says, or on its way there."""
        text = link or self.link
        if text:
            return Session.of_link(text, self.own, seconds=SECONDS)
        return Session() if self.own is None else Session(own_settings(self.own), self.own)

    def goal(self, link: str) -> int:
        """Return at which update a link stands."""
        text = link or self.link
        return Link.read(text).update if text else 0

    def own_problems(self) -> list[dict[str, Any]]:
        """Return the person's own rows as a problem among those that can be chosen."""
        if self.own is None:
            return []
        return [{"name": self.own.name, "title": self.own.title, "sentence": "", "noisy": False}]
