"""`Watcher`: follows all runs below a folder in a thread, as long as a page asks.

Pages get what is there at once; what is new comes with the next turn. Where nobody asks, nothing is
read. Turns take a small share of the time, since whoever trains may need both cores. Knows folders
and runs; no requests.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import threading
import time
from collections.abc import Callable, Sequence, Set
from pathlib import Path
from types import TracebackType

from misstep.doctor import registered_rules
from misstep.errors import ArgumentError
from misstep.record import Record
from misstep.record.reader import FILE
from misstep.storage.lock import LOCK, folder_in_use
from misstep.web.answers import json_bytes
from misstep.web.watch.examiner import Spelling
from misstep.web.watch.strips import Strips
from misstep.web.watch.watched_run import WatchedRun

__all__ = ["Watcher"]

# Seconds between two turns at least and at most, and the share of time that turns may take.
APART, FARTHEST = 1.0, 5.0
SHARE = 0.005
# Seconds of a turn after which runs that nobody has seen yet are left for the next one.
LONGEST = 0.3
# Seconds without a question after which nobody is there.
ALONE = 10.0
# Seconds between two looks for new runs at least.
SCAN = 2.0
# How deep runs lie below the folder at most, how many are shown, and folders looked into.
DEPTH, MOST_RUNS, MOST_FOLDERS = 4, 60, 5_000
# Runs that a page draws at once; it has as many colors.
MOST_SHOWN = 8
# Seconds that a question may wait for a turn.
FIRST = 5.0
# Folders of a run that hold no runs.
_OTHERS = {"checkpoints", "__pycache__"}


def _as_it_is(record: Record) -> Spelling:
    return str


class Watcher:
    """Watches the run in `root`, and those below it; runs may come and go.

    `spelling_of`: how remedies are written for who reads a record. `apart`: seconds between two
    turns at least, and between two questions of a page. Within `with`, it follows.
    """

    def __init__(
        self,
        root: Path | str,
        spelling_of: Callable[[Record], Spelling] = _as_it_is,
        clock: Callable[[], float] = time.monotonic,
        apart: float = APART,
    ) -> None:
        self.root, self._apart = Path(root), apart
        self._spelling_of, self._clock = spelling_of, clock
        self._runs: dict[str, WatchedRun] = {}
        self._names: dict[str, str] = {}
        # Around everything that pages get; told after each turn.
        self._turned = threading.Condition()
        self._asked = threading.Event()
        self._over = self._is_turning = False
        self._turns, self._turned_at = 0, -math.inf
        self._last_asked = clock()
        self._next_scan = 0.0
        self._wanted: dict[str, float] = {}
        self._summaries: list[bytes] = []
        self._details: dict[str, bytes] = {}
        self._strips: dict[str, Strips] = {}
        # Drawings by run and width, with the mark of what was drawn.
        self._drawn: dict[tuple[str, int], tuple[str, bytes]] = {}
        self._thread = threading.Thread(target=self._follow, name="watcher", daemon=True)

    # --- for pages ------------------------------------------------------------------------------

    def answer(self, shown: Sequence[str], known: str) -> bytes:
        """Return all runs in short and the `shown` ones in full, as JSON.

        Beside that, after how many milliseconds to ask again. `shown`: keys or names of runs.
        `known`: the version that the page has; where that is the latest, only its name comes back.
        """
        shown = list(dict.fromkeys(map(self._called, shown)))[:MOST_SHOWN]
        waits = not self.answers_at_once(shown)
        with self._turned:
            self._last_asked = now = self._clock()
            for name in shown:
                self._wanted[name] = now
            if waits and self._thread.is_alive():
                self._asked.set()
                # A turn that goes on now began before it knew of this question.
                enough = self._turns + 1 + self._is_turning
                self._turned.wait_for(lambda: self._turns >= enough, FIRST)
            runs = b",".join(self._summaries)
            details = b",".join(
                json_bytes(name) + b":" + self._details[name]
                for name in shown
                if name in self._details
            )
        again = f'"again":{round(1000 * self._apart)},'.encode()
        content = b'"runs":[' + runs + b'],"shown":{' + details + b"}"
        version = hashlib.blake2b(content, digest_size=12).hexdigest()
        if version == known:
            return b"{" + again + b'"version":"' + version.encode() + b'"}'
        return b"{" + again + b'"version":"' + version.encode() + b'",' + content + b"}"

    def answers_at_once(self, shown: Sequence[str]) -> bool:
        """Return whether there is an answer, and not one of long ago; else asking waits."""
        is_known = all(self._called(one) in self._wanted for one in shown)
        return is_known and self._clock() - self._turned_at < 2 * FARTHEST

    def strips(self, name: str, width: int) -> bytes:
        """Return what was seen inside of a run that is shown, drawn and in words, as JSON.

        `name`: its key or name, `width`: of the drawing, in pixels.
        """
        name = self._called(name)
        with self._turned:
            strips = self._strips.get(name)
            kept = self._drawn.get((name, width))
        if strips is None:
            return json_bytes({"mark": "", "strips": []})
        if kept is None or kept[0] != strips.mark:
            drawn = {"mark": strips.mark, "strips": strips.plain(width)}
            kept = strips.mark, json_bytes(drawn)
            with self._turned:
                self._drawn[name, width] = kept
        return kept[1]

    def folder_of(self, name: str) -> Path:
        """Return the folder of a run, by its key or name. Raises ArgumentError for no run."""
        run = self._runs.get(self._called(name))
        if run is None:
            raise ArgumentError("the run", needed="one that is watched", got=repr(name[:80]))
        return run.folder

    def _called(self, asked: str) -> str:
        """Return the name of the run that a page asks for by its key; a name stays what it is."""
        return self._names.get(asked, asked)

    # --- the thread -----------------------------------------------------------------------------

    def __enter__(self) -> Watcher:
        # Now, and not while somebody trains.
        registered_rules()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over = True
        self._asked.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._over:
            began = self._clock()
            is_behind = self.turn()
            took = self._clock() - began
            apart = 0.01 if is_behind else min(max(self._apart, took / SHARE), FARTHEST)
            while not self._over:
                if self._asked.wait(apart):
                    self._asked.clear()
                    break
                if self._clock() - self._last_asked < ALONE:
                    break

    def turn(self) -> bool:
        """Read what is new of all runs; return whether there is more to read at once."""
        now = self._clock()
        self._is_turning = True
        if now >= self._next_scan:
            self._scan()
            ended = self._clock()
            # A folder of many thousands takes a while.
            self._next_scan = ended + max(SCAN, (ended - now) / SHARE)
        with self._turned:
            self._wanted = {name: at for name, at in self._wanted.items() if now - at < ALONE}
            wanted = set(self._wanted)
        is_behind = self._advance(wanted)
        shown = [run for run in self._runs.values() if run.name in wanted]
        self._publish(shown)
        # What goes wrong may come a moment later than what there is to see.
        if [run for run in shown if run.examine()]:
            self._publish(shown)
        return is_behind

    def _advance(self, wanted: Set[str]) -> bool:
        """Read what is new, of `wanted` runs first; return whether there is more to read."""
        began, is_behind, new = self._clock(), False, 0
        for run in sorted(self._runs.values(), key=lambda run: run.name not in wanted):
            if not run.was_read:
                if new and self._clock() - began > LONGEST:
                    # A folder of many runs comes bit by bit, one in each turn at least.
                    is_behind = True
                    continue
                new += 1
            is_behind = run.advance() or is_behind
        return is_behind

    def _publish(self, shown: Sequence[WatchedRun]) -> None:
        """Let pages have what there is; `shown`: runs that somebody looks at."""
        details = {run.name: run.detail() for run in shown}
        strips = {run.name: run.strips() for run in shown}
        told = [run.summary() for run in self._runs.values() if run.was_read]
        summaries = [one for one in told if one]
        with self._turned:
            self._summaries, self._details, self._strips = summaries, details, strips
            self._drawn = {key: one for key, one in self._drawn.items() if key[0] in strips}
            self._is_turning = False
            self._turns, self._turned_at = self._turns + 1, self._clock()
            self._turned.notify_all()

    def _scan(self) -> None:
        """Find the runs that there are; new ones stand first."""
        found = {self._name(path): path for path in self._found()}
        known = {name: run for name, run in self._runs.items() if name in found}
        new = {
            name: WatchedRun(path, name, self._spelling_of, self._clock)
            for name, path in found.items()
            if name not in known
        }
        # A page is read more easily where runs keep their places.
        self._runs = new | known
        self._names = {run.key: name for name, run in self._runs.items()}

    def _found(self) -> list[Path]:
        """Return the folders of runs, or the record that was asked for, the latest ones first."""
        if os.path.isfile(self.root):
            return [self.root]
        found: list[tuple[float, Path]] = []
        for folders, (name, inner, files) in enumerate(os.walk(self.root)):
            folder = Path(name)
            depth = len(folder.relative_to(self.root).parts)
            inner[:] = sorted(
                one
                for one in inner
                if depth < DEPTH and one not in _OTHERS and not one.startswith(".")
            )
            if folders > MOST_FOLDERS:
                break
            with contextlib.suppress(OSError):
                if FILE in files:
                    found.append(((folder / FILE).stat().st_mtime, folder))
                elif LOCK in files and folder_in_use(folder):
                    found.append((time.time(), folder))
        found.sort(key=lambda one: (-one[0], one[1]))
        return [folder for _, folder in found[:MOST_RUNS]]

    def _name(self, path: Path) -> str:
        if path == self.root:
            name = (path.parent if os.path.isfile(path) else path).resolve().name or "run"
        else:
            name = path.relative_to(self.root).as_posix()
        # A folder may be called by bytes that are no text.
        return os.fsencode(name).decode("utf-8", "backslashreplace")
