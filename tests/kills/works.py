"""`Work`: what is killed and begun again, what it comes to, and what must hold in between."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from misstep.record import Record, RunDescription, read_record
from misstep.storage import load_latest_checkpoint
from misstep.train.run_folder import CHECKPOINTS, RECORD, RECORD_BEFORE
from tests.kills.story import Story

__all__ = ["RUN", "Work", "require", "told"]

# The folder of the run in the place of a work.
RUN = "run"
# What a record says of the clock, which is another one in each life.
TIMES = ("seconds", "rows_per_second")
# What it notes of a line in the middle of which its writer died.
TORN = "could not be read"


class LostError(AssertionError):
    """Something that had been whole is not, or what goes on is not what it was."""


def require(holds: bool, words: str) -> None:
    """Raise LostError where something does not hold."""
    if not holds:
        raise LostError(words)


class Work(ABC):
    """A training, or a command: begun in a place of its own, and begun again there.

    `every`: updates between two checkpoints, None: as much time as `seconds` says, or as anywhere.
    """

    name: ClassVar[str]
    every: ClassVar[int | None] = None
    seconds: ClassVar[float | None] = None
    # Of the command line, or of the library.
    face: ClassVar[str]

    def prepare(self, place: Path) -> None:
        """Put into the place, which is made, what lies there before the first life."""
        place.mkdir(parents=True)

    @abstractmethod
    def live(self, place: Path, story: Story) -> int:
        """Do it, or go on; return an exit code, 0 where all is done. `story`: of the lives before.

        Runs in a process of its own, which may be killed.
        """

    @abstractmethod
    def came_to(self, place: Path) -> dict[str, Any]:
        """Return what a finished work came to, which no death may change."""

    def check(self, place: Path, story: Story) -> None:
        """Raise LostError where something that was whole is not. After each death, and the end."""
        self.check_files(place, story)

    def check_files(self, place: Path, story: Story) -> None:
        """Check that each file that was renamed into its place is as it was, old or new."""
        for name, sums in story.put.items():
            path = place / name
            if CHECKPOINTS in path.parts and path.suffix == ".misstep":
                # Which of them must be there, the manifest says.
                continue
            if path.name in (RECORD, RECORD_BEFORE):
                # They grow; what they tell is looked at in the end.
                continue
            # The last renaming was told before it was done.
            allowed = sums[-2:] if story.died else sums[-1:]
            if len(sums) > 1 or not story.died:
                require(path.is_file(), f"{name} is gone")
            if path.is_file() and not self.stood_before(name, path):
                found = hashlib.sha256(path.read_bytes()).hexdigest()
                require(found in allowed, f"{name} is neither the one before nor the new one")

    def stood_before(self, name: str, path: Path) -> bool:
        """Tell whether a file is the one that lay there before the first life."""
        return False

    def last_checkpoint(self, place: Path, story: Story) -> int | None:
        """Return the update of the checkpoint that the next life goes on from; None: anew.

        Raises LostError where it is too old, or none can be read.
        """
        latest = load_latest_checkpoint(place / RUN / CHECKPOINTS)
        update = None if latest is None else int(latest.state["training"]["update"])
        if latest is not None:
            require(not latest.notes, f"a checkpoint is damaged: {latest.notes}")
        if story.written is not None:
            require(update in story.standing, f"the checkpoint of {update}, not {story.standing}")
        if self.every is not None and not self.is_of_earlier(update, story):
            behind = story.done - (update or 0)
            require(behind <= self.every, f"{behind} updates are lost, of {story.done}")
        return update

    def note_earlier(self, place: Path) -> None:
        """Note what the place holds before the first life."""
        latest = load_latest_checkpoint(place / RUN / CHECKPOINTS)
        self._earlier = None if latest is None else int(latest.state["training"]["update"])

    def is_of_earlier(self, update: int | None, story: Story) -> bool:
        """Tell whether the checkpoint of an update is of a run before the first life."""
        return story.written is None and update is not None and update == self._earlier

    def left_behind(self, place: Path) -> list[str]:
        """Return the names of files that no finished work leaves: begun ones, and locks."""
        return [
            str(path.relative_to(place))
            for path in sorted(place.rglob("*"))
            if path.name.startswith(".") and path.is_file()
        ]


def told(folder: Path) -> dict[str, Any]:
    """Return what a record tells, apart from times, and that it went on."""
    record = read_record(folder)
    other = [note for note in record.notes if TORN not in note]
    require(not other, f"the record can't be read whole: {other}")
    told = {
        "facts": json.dumps(record.facts, sort_keys=True),
        "description": record.description and _description(record.description),
        "steps": {name: array.tobytes() for name, array in record.steps.items()},
        "epochs": [_without_times(epoch) for epoch in record.epochs],
        "snapshots": record.snapshots,
        "measures": _measures(record),
        # What a life did again stands there again; the latest of a kind holds.
        "events": {event["kind"]: _without_times(event) for event in record.events},
    }
    told["events"].pop("resumed", None)
    return told


def _description(description: RunDescription) -> str:
    plain = description.plain()
    # A life that goes on where nothing had been begun was asked to go on.
    plain.get("origin", {}).get("options", {}).pop("resume", None)
    return json.dumps(plain)


def _without_times(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_times(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if name not in TIMES
    }


def _measures(record: Record) -> dict[Any, dict[Any, float]]:
    return {step: dict(numbers) for step, numbers in record._measures.items()}
