"""What lives of one training have done, as their log tells it: what is known after each death."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Story", "read_story"]


@dataclass
class Story:
    """What all lives in one folder came to.

    `lives`: how many there were. `opened`: whether one has begun its record. `done`: the latest
    update that the latest life which did any is known to have done. `begun`: updates of checkpoints
    whose writing began, since the latest that was written, `written`. `resumed`: from which update
    the latest life went on, None where it began anew. `put`: sums of what was renamed to a name, in
    their order, by name. `died`: moments of deaths. `moments`: of a life that came to its end.
    `resumptions`: for each life that trained after another, what it should have gone on from, and
    what it did go on from; None: it began anew.
    """

    lives: int = 0
    opened: bool = False
    done: int = 0
    written: int | None = None
    begun: list[int] = field(default_factory=list)
    resumed: int | None = None
    put: dict[str, list[str]] = field(default_factory=dict)
    died: list[str] = field(default_factory=list)
    moments: int = 0
    resumptions: list[tuple[int | None, int | None]] = field(default_factory=list)
    # When the training stood at an update for the first time.
    _reached: dict[int, float] = field(default_factory=dict)
    _last_moment: float = 0.0
    _expecting: bool = False
    _expected: int | None = None

    @property
    def standing(self) -> set[int]:
        """Return the updates that a checkpoint may be of, if there must be one."""
        return {*self.begun, *([] if self.written is None else [self.written])}

    def seconds_behind(self, update: int) -> float:
        """Return the seconds of learning that are lost by going on from `update`."""
        later = [when for at, when in self._reached.items() if at > update]
        return self._last_moment - min(later) if later else 0.0

    def take(self, line: str) -> None:
        """Take in a line of the log."""
        kind, *words = line.split(" ")
        if kind == "life":
            self.lives += 1
            self.resumed = None
            self._reached = {}
        elif kind == "opened":
            self.opened = True
            if self._expecting:
                self.resumptions.append((self._expected, self.resumed))
        elif kind == "update":
            self.done, self._last_moment = int(words[0]), float(words[1])
            self._reached.setdefault(self.done, self._last_moment)
        elif kind == "begin":
            self.begun.append(int(words[0]))
        elif kind == "written":
            self.written, self.begun = int(words[0]), []
        elif kind == "resumed":
            self.resumed = int(words[0])
        elif kind == "put":
            self.put.setdefault(" ".join(words[1:]), []).append(words[0])
        elif kind == "died":
            self.died.append(" ".join(words))
        elif kind == "expected":
            self._expecting = True
            self._expected = None if words[0] == "None" else int(words[0])
        elif kind == "moments":
            self.moments = int(words[0])


def read_story(log: Path) -> Story:
    """Return what the log at a path tells; nothing where there is none."""
    story = Story()
    if log.exists():
        for line in log.read_text().splitlines():
            story.take(line)
    return story
