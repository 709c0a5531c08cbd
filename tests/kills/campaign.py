"""A campaign against one work: killed at random, at each moment, or again and again.

After each death the place is looked at; the work that goes on must come to what it comes to
undisturbed, bit for bit.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from misstep.train.run_folder import RECORD_BEFORE
from tests.kills.lives import begin, ended, kill_after
from tests.kills.moments import CALLS
from tests.kills.story import Story, read_story
from tests.kills.works import RUN, Work, require

__all__ = ["Campaign"]

KILLED = -9
LOG = "log"
# Of the work that a life by the clock gets done, at most: some live longer than they need.
LONGEST_LIFE = 0.7
# One in so many lives after a death is killed as well.
AGAIN = 4


@dataclass
class Campaign:
    """Kills of one work below a folder. `calls`: whose moments they are.

    `kills`: by kind; `died`: by the moment of death. `finished`: how often it came to its end and
    was compared. `behind`: the most updates, and `seconds_behind` the most seconds, that a life
    went on behind a death.
    """

    work: Work
    folder: Path
    seed: int = 0
    calls: Sequence[str] = (*CALLS, "flock")
    kills: Counter[str] = field(default_factory=Counter)
    died: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    behind: int = 0
    seconds_behind: float = 0.0
    moments: int = 0
    _wanted: dict[str, Any] = field(default_factory=dict)
    _files: list[str] = field(default_factory=list)
    _seconds: float = 0.0

    def __post_init__(self) -> None:
        self.random = random.Random(f"{self.work.name} {self.seed}")
        self._prepared = self.folder / "prepared"
        self.work.prepare(self._prepared)
        self.work.note_earlier(self._prepared)
        # Whatever is compiled for it is in memory then, for each life to come.
        warm = self._place("warm")
        self.work.live(warm, Story())
        began = time.monotonic()
        place = self._place("undisturbed")
        require(self._life(place) == 0, self._said(place))
        self._seconds = time.monotonic() - began
        self.moments = read_story(place / LOG).moments
        self.work.check(place, read_story(place / LOG))
        self._wanted, self._files = self.work.came_to(place), _files(place)
        left = self.work.left_behind(place)
        require(not left, f"left behind: {left}")

    def at_random(self, kills: int) -> None:
        """Kill so often at moments of the clock, each time a life that goes on from before."""
        while self.kills["clock"] < kills:
            place = self._place("clock")
            while self.kills["clock"] < kills:
                code = self._life(place, seconds=self.random.uniform(0, LONGEST_LIFE))
                if code == 0:
                    break
                self._died(place, code, "clock")
            self._finish(place)

    def at_each_moment(self, most: int | None = None) -> None:
        """Kill a fresh work at each of its moments, or at `most` of them, from first to last."""
        last = stride = 1 if most is None else max(1, self.moments // most)
        while True:
            place = self._place("moment")
            code = self._life(place, last)
            if code == 0:
                self._finish(place)
                return
            self._died(place, code, "moment")
            if not self.random.randrange(AGAIN):
                code = self._life(place, self.random.randrange(1, self.moments))
                if code != 0:
                    self._died(place, code, "moment, again")
            self._finish(place)
            last += stride

    def in_chains(self, kills: int, stride: int = 1) -> None:
        """Kill so often, each life of a work a few moments later than the one before."""
        last = 1
        while self.kills["chain"] < kills:
            place = self._place("chain")
            while self.kills["chain"] < kills:
                code = self._life(place, last)
                if code == 0:
                    last = 1 + self.random.randrange(stride)
                    break
                self._died(place, code, "chain")
                last += stride
            self._finish(place)

    def facts(self) -> dict[str, Any]:
        """Return what came of it as plain JSON."""
        return {
            "face": self.work.face,
            "kills": dict(self.kills),
            "died": dict(self.died),
            "finished": self.finished,
            "moments": self.moments,
            "updates_behind": self.behind,
            "seconds_behind": self.seconds_behind,
        }

    def __str__(self) -> str:
        """Return what came of it in a line."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.kills.items())
        return (
            f"{self.work.name} ({self.work.face}): {sum(self.kills.values())} kills ({kinds}) at "
            f"{len(self.died)} kinds of moments of {self.moments}, finished {self.finished} times, "
            f"at most {self.behind} updates and {self.seconds_behind:.2f} s behind,"
        )

    def _place(self, name: str) -> Path:
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self._prepared, place)
        return place

    def _life(self, place: Path, last: int | None = None, *, seconds: float | None = None) -> int:
        """Let a life go by; return its code. `seconds`: as a share of an undisturbed one."""
        story = read_story(place / LOG)
        child = begin(
            lambda: self.work.live(place, story), place / LOG, last, self.calls, self.work.seconds
        )
        return ended(child) if seconds is None else kill_after(child, seconds * self._seconds)

    def _died(self, place: Path, code: int, kind: str) -> None:
        """Look at what a life left that was killed, and at where it had begun."""
        require(code == KILLED, f"a life ended with {code}: {self._said(place)}")
        self.kills[kind] += 1
        story = self._looked_at(place)
        if kind != "clock":
            self.died[story.died[-1]] += 1
        else:
            self.died["any"] += 1

    def _looked_at(self, place: Path) -> Story:
        """Check what lies there; note what the next life must go on from."""
        story = read_story(place / LOG)
        where = f"{place} after {story.died[-1:] or 'a kill'}"
        try:
            self._check_resumed(story)
            self.work.check(place, story)
            update = self.work.last_checkpoint(place, story)
        except Exception as error:
            raise AssertionError(f"{where}: {error}") from error
        if self.work.is_of_earlier(update, story):
            # The new one has none yet, and begins anew.
            update = None
        elif update is not None:
            self.behind = max(self.behind, story.done - update)
            self.seconds_behind = max(self.seconds_behind, story.seconds_behind(update))
        with (place / LOG).open("a") as file:
            file.write(f"expected {update}\n")
        return story

    def _check_resumed(self, story: Story) -> None:
        for expected, resumed in story.resumptions:
            require(expected == resumed, f"went on from {resumed}, not from {expected}")

    def _finish(self, place: Path) -> None:
        """Let the work come to its end, and compare what it came to."""
        story = read_story(place / LOG)
        if not story.moments:
            code = self._life(place)
            require(code == 0, f"{place}: ended with {code}: {self._said(place)}")
            story = read_story(place / LOG)
        self._check_resumed(story)
        self.work.check(place, story)
        left = self.work.left_behind(place)
        require(not left, f"{place}: left behind: {left}")
        came_to = self.work.came_to(place)
        different = [name for name in self._wanted if came_to.get(name) != self._wanted[name]]
        require(not different, f"{place}: after kills, other {different}")
        require(_files(place) == self._files, f"{place}: other files: {_files(place)}")
        self.finished += 1

    def _said(self, place: Path) -> str:
        said = place / f"{LOG}.said"
        return said.read_text(errors="replace")[-3000:] if said.exists() else ""


def _files(place: Path) -> list[str]:
    """Return the names of the files of a run; of a checkpoint the step.

    The record of a life that ended before it had a checkpoint is put aside by the next; each
    repair has a folder of its own.
    """
    return sorted(
        str(path.relative_to(place)).rpartition("-")[0]
        if path.name.startswith("checkpoint-")
        else str(path.relative_to(place))
        for path in (place / RUN).rglob("*")
        if path.name != RECORD_BEFORE and "repair-" not in str(path.relative_to(place))
    )
