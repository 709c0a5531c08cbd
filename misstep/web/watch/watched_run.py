"""One run that is watched: its record as it grows, how it stands, and what a page gets of it.

What was made for a page is kept until the record changes. Knows one run; no thread and no socket.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from misstep.errors import MisstepError
from misstep.record import Follower, Record
from misstep.storage import folder_holder, folder_in_use
from misstep.web.answers import json_bytes
from misstep.web.watch.curves import curves_of
from misstep.web.watch.examiner import Examiner, Spelling
from misstep.web.watch.run_state import RunState, State, state_of
from misstep.web.watch.run_summary import facts_of, progress_of, scores_of, stages_of, told_events
from misstep.web.watch.strips import Strips

__all__ = ["WatchedRun"]

# Bytes of a record that are read in one turn, so that other runs have theirs: some 20 ms.
MOST_AT_ONCE = 2_000_000
# Seconds between two looks at all that was seen inside of a network at least, and the share of time
# that they may take.
STRIPS_APART, SHARE = 4.0, 0.005
FAULT = "this record can't be shown, which is a fault in misstep"
LONGEST_TROUBLE = 500
# Names that are told apart by so many bytes: no two of some dozens are taken for each other.
KEY_BYTES = 8
NO_DETAIL = b'{"curves":{},"findings":[],"outcome":"","flow":""}'


class WatchedRun:
    """The run whose record is in the folder, or the file, `path`. `name`: what a page calls it.

    `key`: by which a page asks for it. A name may hold anything and be of any length, an address
    may not.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        spelling_of: Callable[[Record], Spelling],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.key = hashlib.blake2b(name.encode(), digest_size=KEY_BYTES).hexdigest()
        self._follower = Follower(path)
        self.folder = self._follower.path.parent
        self._spelling_of, self._clock = spelling_of, clock
        self._examiner = Examiner(spelling_of, clock)
        self._begun = self._follower.begun
        self._changes = 0
        self._trouble = ""
        self._kept: dict[str, tuple[object, Any]] = {}
        self._next_strips = 0.0
        self.was_read = False
        self.state = RunState(State.WAITING, "nothing was read yet")
        self.can_stop = False

    @property
    def record(self) -> Record | None:
        """Return what was read so far."""
        return self._follower.record

    @property
    def version(self) -> tuple[int, int]:
        """Return what changes whenever the record does."""
        return self._follower.begun, self._changes

    def advance(self) -> bool:
        """Read what is new and see who is at work; return whether there is more to read."""
        try:
            changed = self._follower.advance(MOST_AT_ONCE)
            self._trouble = ""
        except MisstepError as error:
            changed, self._trouble = True, str(error)
        self._changes += changed
        self.was_read = True
        if self._begun != self._follower.begun:
            # Another run has begun in this folder.
            self._begun = self._follower.begun
            self._next_strips = 0.0
            self._examiner = Examiner(self._spelling_of, self._clock)
        # A process writes its end before it leaves: asked in this order, none looks broken off.
        in_use = folder_in_use(self.folder)
        if not in_use and self.state.state in (State.GOING, State.WAITING) and not self._trouble:
            self._changes += self._read_rest()
        self.state = state_of(self.record, in_use=in_use)
        self.can_stop = in_use and not self.state.is_over and folder_holder(self.folder) is not None
        return self._follower.is_behind

    def _read_rest(self) -> bool:
        try:
            return self._follower.advance(MOST_AT_ONCE)
        except MisstepError as error:
            self._trouble = str(error)
            return True

    def examine(self) -> bool:
        """Examine the run where it is time to; return whether that was done."""
        if self.record is None or self._follower.is_behind:
            return False
        version = self.version, self.state.is_over
        try:
            return self._examiner.consider(self.record, version, is_over=self.state.is_over)
        except Exception as error:
            self._trouble = _fault(error)
            return True

    def summary(self) -> bytes:
        """Return what a list of runs says of it, as JSON."""
        version = self.version, self.state, self.can_stop, self._examiner.findings, self._trouble
        made: bytes = self._made("summary", version, lambda: json_bytes(self._summary()), b"")
        return made

    def detail(self) -> bytes:
        """Return what a page draws of it, as JSON."""
        version = self.version, self.state, self._examiner.findings, self._examiner.outcome
        made: bytes = self._made("detail", version, lambda: json_bytes(self._detail()), NO_DETAIL)
        return made

    def strips(self) -> Strips:
        """Return what was seen inside of its network."""
        record = self.record
        if record is None:
            return Strips(())
        kept = self._kept.get("strips")
        if kept is not None and self._clock() < self._next_strips and not self.state.is_over:
            return kept[1]
        began = self._clock()
        made: Strips = self._made("strips", self.version, lambda: Strips.of(record), Strips(()))
        ended = self._clock()
        self._next_strips = ended + max(STRIPS_APART, (ended - began) / SHARE)
        return made

    def _summary(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "key": self.key,
            "state": self.state.state.value,
            "words": self._trouble or self.state.words,
            "is_over": self.state.is_over,
            "can_stop": self.can_stop,
            "progress": progress_of(self.record, self.state),
            "scores": scores_of(self.record),
            "findings": self._examiner.counts,
        }

    def _detail(self) -> dict[str, Any]:
        record = self.record
        if record is None:
            return json.loads(NO_DETAIL)
        return {
            "curves": {name: one.plain() for name, one in curves_of(record).items()},
            "findings": self._examiner.findings,
            "outcome": self._examiner.outcome,
            "stages": stages_of(record),
            "events": told_events(record),
            "facts": facts_of(record),
            "notes": record.notes,
            "flow": self.strips().mark,
        }

    def _made(self, what: str, version: object, make: Callable[[], Any], without: Any) -> Any:
        """Return what was made for this version, or make it; `without`: where that fails.

        A file of that name may say anything; one that nobody thought of must not silence others.
        """
        kept = self._kept.get(what)
        if kept is None or kept[0] != version:
            try:
                made = make()
            except Exception as error:
                made = without
                self._trouble = _fault(error)
            kept = self._kept[what] = version, made
        return kept[1]


def _fault(error: Exception) -> str:
    return f"{FAULT} ({type(error).__name__}: {error})"[:LONGEST_TROUBLE]
