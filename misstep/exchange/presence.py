"""Whether processes are still there: of this machine by their numbers, of others by their messages.

A launcher tells of a dead process soon, and ends the others; this is for those that do not, and for
naming who is gone.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# Seconds between two looks at whether the others are still there.
PRESENCE_EVERY = 0.25
# Seconds between two messages to the next rank, and of silence after which one counts as gone: a
# machine that is busy with other things keeps still for a second or two.
BEAT_EVERY = 1.0
SILENCE = 8.0


class Place(NamedTuple):
    """Where a rank is. `host`: whose processes have numbers of their own; `begun`: when, in ticks.

    `host_name`: for people.
    """

    host: str
    host_name: str
    process: int
    begun: str


def own_place() -> Place:
    """Return where this process is."""
    name = socket.gethostname()
    boot = _text("/proc/sys/kernel/random/boot_id")
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    host = f"{boot or name} {space}"
    return Place(host, name, os.getpid(), _begun(os.getpid()) or "")


def gone(places: Sequence[Place], own: int) -> Iterator[int]:
    """Yield the ranks on the machine of rank `own` whose processes have ended."""
    for rank, place in enumerate(places):
        if rank != own and place.host == places[own].host and not _is_there(place):
            yield rank


def _is_there(place: Place) -> bool:
    if place.begun:
        return _begun(place.process) == place.begun
    try:
        os.kill(place.process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _begun(process: int) -> str | None:
    """Return when a process began, in ticks since the machine did; None: it is not running.

    Of proc(5), /proc/[pid]/stat: the state is the third field, Z and X are of ended processes; the
    beginning is the 22nd. The second one, a name in parentheses, may hold blanks.
    """
    text = _text(f"/proc/{process}/stat")
    fields = text.rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in ("Z", "X"):
        return None
    return fields[19]


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


class Heartbeat:
    """Tells the next rank once a second that this one is there, and hears that of the one before.

    In a thread of its own until `stop`: whoever computes or waits for a disk does not keep still.
    `silent`: the rank before, once it was not heard for `SILENCE` seconds.
    """

    def __init__(self, MPI: Any, communicator: Any) -> None:
        self._mpi = MPI
        self._communicator = communicator
        self.silent: int | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Say nothing more; others take it as an end in good order."""
        self._stopped.set()
        self._thread.join(2 * BEAT_EVERY)

    def _beat(self) -> None:
        communicator = self._communicator
        before = (communicator.rank - 1) % communicator.size
        after = (communicator.rank + 1) % communicator.size
        beat, last_one = np.zeros(1, np.uint8), np.ones(1, np.uint8)
        heard = np.zeros(1, np.uint8)
        last, request = time.monotonic(), None
        try:
            while self.silent is None:
                if request is None or request.Test():
                    request = communicator.Isend(beat, after)
                while communicator.Iprobe(before):
                    communicator.Recv(heard, before)
                    last = math.inf if heard[0] else time.monotonic()
                if time.monotonic() - last > SILENCE:
                    self.silent = before
                if self._stopped.wait(BEAT_EVERY):
                    communicator.Isend(last_one, after).Wait()
                    return
        except self._mpi.Exception:
            self.silent = before
