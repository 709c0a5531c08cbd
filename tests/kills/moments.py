"""The moments at which a process changes what lies on the disk, and its end at one of them.

Every call that changes a name or asks the disk for something has a moment before and one after; one
that writes bytes also has one in its middle, with half of them written. Knows no training.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from misstep.storage.unfinished import TEMPORARY

try:
    import fcntl
except ImportError:  # a system without such locks has no fork either
    fcntl = None  # type: ignore[assignment]

# Calls of `os` that change what is on the disk, by which everything of ours is written.
CALLS = (
    "replace",
    "rename",
    "link",
    "symlink",
    "unlink",
    "remove",
    "mkdir",
    "rmdir",
    "open",
    "write",
    "pwrite",
    "fsync",
    "fchmod",
    "ftruncate",
    "truncate",
)
# Of files opened, those that may come to be.
CREATING = os.O_CREAT | os.O_TRUNC

_real_write, _real_truncate, _real_kill = os.write, os.ftruncate, os.kill


class Log:
    """What a process has done, in lines that outlive it: each is one write to the end of a file."""

    def __init__(self, path: str) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def say(self, *words: object) -> None:
        """Write a line."""
        _real_write(self._handle, (" ".join(str(word) for word in words) + "\n").encode())


class Moments:
    """Counts the moments of this process, and ends it at the one of number `last`, if any.

    `calls`: by name, those whose moments count.
    """

    def __init__(
        self, log: Log, last: int | None = None, calls: Sequence[str] = (*CALLS, "flock")
    ) -> None:
        self.calls = calls
        self.log = log
        self.count = 0
        self.last = last

    def watch(self) -> None:
        """Have each call counted from now on."""
        for name in self.calls:
            module = fcntl if name == "flock" else os
            setattr(module, name, self._watched(name, getattr(module, name)))

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*values: Any, **more: Any) -> Any:
            if not _changes(name, values):
                return real(*values, **more)
            self._reach(f"before {name}")
            if name in ("write", "pwrite") and len(values[1]) > 1:
                half = values[1][: len(values[1]) // 2]
                self._reach(f"within {name}", lambda: real(values[0], half, *values[2:]))
            if name == "fsync" and _is_new(values[0]):
                size = os.fstat(values[0]).st_size
                self._reach("within a file", lambda: _real_truncate(values[0], size // 2))
            result = real(*values, **more)
            self._reach(f"after {name}")
            return result

        return call

    def _reach(self, words: str, at_last: Callable[[], Any] | None = None) -> None:
        self.count += 1
        if self.count == self.last:
            if at_last is not None:
                at_last()
            self.log.say("died", words)
            _real_kill(os.getpid(), signal.SIGKILL)


def _is_new(handle: int) -> bool:
    """Tell whether an open file is being written beside its place, and nothing of it counts yet."""
    try:
        return os.readlink(f"/proc/self/fd/{handle}").endswith(TEMPORARY)
    except OSError:
        return False


def _changes(name: str, values: tuple[Any, ...]) -> bool:
    """Tell whether a call changes what is on the disk."""
    if name == "open":
        return bool(values[1] & CREATING)
    if name in ("write", "pwrite"):
        # Words to people are no files of ours.
        return int(values[0]) > 2
    return True
