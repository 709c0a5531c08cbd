"""Files that are being written beside the one that they will replace, and those that are left over.

Who writes has the file locked, and the system frees that lock when its holder is killed: what
nobody has locked was left by a dead process. Knows names and locks, not what is written.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from pathlib import Path

try:
    import fcntl
except ImportError:  # a system without such locks
    fcntl = None  # type: ignore[assignment]

__all__ = ["TEMPORARY", "remove_abandoned", "start_beside"]

# Temporary files carry it, so that those of a killed process can be told and removed.
TEMPORARY = ".misstep-unfinished"


def start_beside(path: Path) -> tuple[int, str]:
    """Return a new, locked file beside `path`, open to be written, and its name. Raises OSError.

    Closing it frees the lock.
    """
    while True:
        handle, name = tempfile.mkstemp(TEMPORARY, _start(path), path.parent)
        if fcntl is None:
            return handle, name
        # Some disks have no locks; what is left over stays there.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(name):
            return handle, name
        # Before it was locked, another process took it for one that was left over.
        os.close(handle)


def remove_abandoned(path: Path) -> None:
    """Remove what killed processes left that had been writing `path`, as far as possible."""
    if fcntl is None:
        return
    # What `mkstemp` puts between has no dot.
    name = re.compile(rf"{re.escape(_start(path))}[^.]+{re.escape(TEMPORARY)}")
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if name.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _remove_unlocked(entry.path)


def _remove_unlocked(name: str) -> None:
    """Remove a file if nobody has it locked. Raises OSError where somebody has, or it can't be."""
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(name)
    finally:
        os.close(handle)


def _start(path: Path) -> str:
    return f".{path.name}."
