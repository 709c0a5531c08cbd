"""Files that are being written beside the one that they will replace, and those that are left over.

Who writes has the file locked, and the system frees that lock when its holder is killed: what
nobody has locked was left by a dead process. Knows names and locks, not what is written.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from pathlib import Path

try:
    import fcntl
except ImportError:  # a system without such locks
    fcntl = None  # type: ignore[assignment]

__all__ = ["TEMPORARY", "remove_abandoned", "start_beside"]

# Temporary files carry it, so that those of a killed process can be told and removed.
TEMPORARY = ".misstep-unfinished"
# Bytes of chance in a name, so that two who write the same file beside each other never meet.
CHANCE = 6
# Nobody else's file, no link, and nothing for a program that is started meanwhile.
NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def start_beside(path: Path) -> tuple[int, str]:
    """Return a new, locked file beside `path`, open to be written, and its name. Raises OSError.

    Nobody may do more with it than with the earlier file; where there is none, it has the rights
    of any new file. Closing it frees the lock.
    """
    while True:
        name = os.path.join(path.parent, f"{_start(path)}{secrets.token_hex(CHANCE)}{TEMPORARY}")
        # The system takes away what the process's mask says: to ask for that mask is to change it
        # for a moment, under the hands of other threads.
        handle = os.open(name, NEW, _mode(path))
        if fcntl is None:
            return handle, name
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = os.path.exists(name)
        except BlockingIOError:
            is_ours = False
        except OSError:
            # Some disks have no locks; what is left over stays there.
            is_ours = True
        if is_ours:
            return handle, name
        # Before it was locked, another process took it for one that was left over. Nobody is
        # waited for: whoever may read the file could hold its lock for ever.
        os.close(handle)
        with contextlib.suppress(OSError):
            os.unlink(name)


def remove_abandoned(path: Path) -> None:
    """Remove what killed processes left that had been writing `path`, as far as possible."""
    if fcntl is None:
        return
    # What stands between has no dot.
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


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return 0o666
