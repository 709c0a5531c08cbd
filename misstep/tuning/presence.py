"""`Presence`: who a worker is, and whether another one on the same machine still lives.

Knows processes; no trials.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Presence"]

PROCESSES = Path("/proc")
# Where the start of a process stands in its line, behind its name, and what a dead one is called
# that nobody has waited for.
START, DEAD = 19, ("Z", "X")


def _place() -> str:
    """Return what tells apart machines, and rooms of one machine that see other processes."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append((PROCESSES / "sys/kernel/random/boot_id").read_text().strip())
    with contextlib.suppress(OSError):
        parts.append(str(os.stat(PROCESSES / "self/ns/pid").st_ino))
    return "/".join(parts)


def _started(pid: int) -> str | None:
    """Return when a process began, in ticks of the machine; None where it does not live.

    Empty where the machine does not tell, and the process may live.
    """
    try:
        line = (PROCESSES / str(pid) / "stat").read_text()
    except FileNotFoundError:
        return None if (PROCESSES / "self").exists() else _signaled(pid)
    except OSError:
        return ""
    state, *others = line.rpartition(")")[2].split()
    return None if state in DEAD else others[START - 1]


def _signaled(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        return ""
    return ""


@dataclass(frozen=True)
class Presence:
    """A worker. `place`: its machine. `token`: of its own, should all else be the same."""

    place: str = field(default_factory=_place)
    pid: int = field(default_factory=os.getpid)
    started: str = field(default_factory=lambda: _started(os.getpid()) or "")
    token: str = field(default_factory=lambda: secrets.token_hex(4))

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {"place": self.place, "pid": self.pid, "started": self.started, "token": self.token}

    def knows_gone(self, other: Any) -> bool:
        """Tell whether a worker, as `plain` has it, is known to be dead: one of this machine."""
        if not isinstance(other, dict) or other.get("place") != self.place:
            return False
        started = _started(int(other["pid"]))
        return started is None or (started != "" and started != other["started"])
