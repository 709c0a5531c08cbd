"""One process at a time in a folder: a lock that the system frees when its holder ends.

Knows a folder and who works in it; nothing of what is done there. `flock` belongs to the open file,
so that a lock left by a killed process is free again, and its file means nothing by itself. Where a
disk or a system has no such locks, nothing is locked.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from misstep.errors import StorageError

try:
    import fcntl
except ImportError:  # a system without such locks
    fcntl = None  # type: ignore[assignment]

__all__ = ["LOCK", "folder_in_use", "folder_lock"]

# Hidden, since it is nothing to read; gone when its holder ends in order.
LOCK = ".misstep-lock"
# What a disk says that has no locks, as some network disks do.
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
# The folders that the work going on has locked: what it calls may work there too, a thread beside
# it may not.
_held: ContextVar[frozenset[Path]] = ContextVar("held folders", default=frozenset())


@contextlib.contextmanager
def folder_lock(folder: Path | str) -> Iterator[None]:
    """Have `folder`, which exists, for oneself; whoever comes second is refused at once.

    Within it, the same thread may ask again. Raises StorageError, which names the process that
    works there and since when.
    """
    path = Path(folder).resolve()
    if fcntl is None or path in _held.get():
        yield
        return
    handle = _locked(path, Path(folder))
    token = _held.set(_held.get() | {path})
    try:
        yield
    finally:
        _held.reset(token)
        if handle is not None:
            # Removed while it is still locked: who waits for it finds that it is another file.
            with contextlib.suppress(OSError):
                (path / LOCK).unlink(missing_ok=True)
            os.close(handle)


def folder_in_use(folder: Path | str) -> bool:
    """Return whether a process works in `folder` now; it is left as it is."""
    if fcntl is None:
        return False
    try:
        handle = os.open(Path(folder) / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _NO_LOCKS
    finally:
        os.close(handle)
    return False


def _locked(path: Path, called: Path) -> int | None:
    """Return the open, locked file in the folder `path`; None where there are no locks."""
    file = path / LOCK
    while True:
        try:
            handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise StorageError.of_writing(f"{called}", error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            words = _holder(handle)
            os.close(handle)
            if error.errno in _NO_LOCKS:
                return None
            raise StorageError(
                f"the run folder {called}",
                needed="a folder in which no other run is at work",
                got=words,
                try_="another folder, or waiting until that run is done",
            ) from error
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(handle), file.stat()):
                break
        # Its holder removed it in this very moment.
        os.close(handle)
    facts = {"pid": os.getpid(), "host": socket.gethostname(), "started": time.time()}
    # A full disk may have no room for words about the holder; the lock holds all the same.
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(facts).encode(), 0)
    return handle


def _holder(handle: int) -> str:
    """Return in words who has the lock, as far as its file says so."""
    try:
        facts = json.loads(os.pread(handle, 4096, 0))
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(facts["started"])))
        here = facts["host"] == socket.gethostname()
        where = "" if here else f" on {facts['host']}"
        return f"one that process {int(facts['pid'])}{where} works in since {started}"
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return "one that another process works in"
