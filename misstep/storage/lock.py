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
from dataclasses import dataclass
from pathlib import Path

from misstep.errors import StorageError
from misstep.storage.processes import process_mark

try:
    import fcntl
except ImportError:  # a system without such locks
    fcntl = None  # type: ignore[assignment]

__all__ = ["LOCK", "FolderInUseError", "Holder", "folder_holder", "folder_in_use", "folder_lock"]

# Hidden, since it is nothing to read; gone when its holder ends in order.
LOCK = ".misstep-lock"
# Who looks whether a folder is in use needs some microseconds; so often and so long, in seconds, it
# is tried again before a folder counts as in use.
LOOKS, LOOK = 3, 0.01
# A lock that is a link would lock, empty and believe a file elsewhere; who opens a pipe in its
# place waits for ever.
PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
# What a disk says that has no locks, as some network disks do.
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
# The folders that the work going on has locked: what it calls may work there too, a thread beside
# it may not.
_held: ContextVar[frozenset[Path]] = ContextVar("held folders", default=frozenset())


class FolderInUseError(StorageError):
    """Another process works in a folder."""


@dataclass(frozen=True)
class Holder:
    """The process that works in a folder, as it said itself.

    `host`: its machine. `started`: when it began to, in seconds as `time.time` counts them. `mark`:
    what tells it from others of its number (`processes.py`); empty where that is not known. `user`:
    whose file the lock is, as the system counts users: nobody else's word for it can be relied on.
    """

    pid: int
    host: str
    started: float
    mark: str = ""
    user: int = -1


@contextlib.contextmanager
def folder_lock(folder: Path | str, *, shared: bool = False) -> Iterator[None]:
    """Have `folder`, which exists, for oneself; whoever comes second is refused at once.

    Within it, the same thread may ask again. `shared`: several may have it so at once, and nobody
    alone meanwhile. Raises FolderInUseError, which names the process that works there and since
    when, or StorageError.
    """
    path = Path(folder).resolve()
    if fcntl is None or path in _held.get():
        yield
        return
    handle = _locked(path, Path(folder), shared=shared)
    token = _held.set(_held.get() | {path})
    try:
        yield
    finally:
        _held.reset(token)
        if handle is not None:
            # Removed while it is still locked: who waits for it finds that it is another file. Of
            # several who share it, the last one does so.
            with contextlib.suppress(OSError):
                if shared:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                (path / LOCK).unlink(missing_ok=True)
            os.close(handle)


def folder_in_use(folder: Path | str) -> bool:
    """Return whether a process has `folder` for itself now; it is left as it is."""
    with _locked_by_another(folder) as handle:
        return handle is not None


def folder_holder(folder: Path | str) -> Holder | None:
    """Return who works in `folder` now; None where nobody does, or it does not say so."""
    with _locked_by_another(folder) as handle:
        return None if handle is None else _read_holder(handle)


@contextlib.contextmanager
def _locked_by_another(folder: Path | str) -> Iterator[int | None]:
    """Give the open file of a lock that somebody has; None where nobody has one."""
    if fcntl is None:
        yield None
        return
    try:
        handle = os.open(Path(folder) / LOCK, os.O_RDONLY | PLAIN)
    except OSError:
        yield None
        return
    try:
        taken = False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            taken = error.errno not in _NO_LOCKS
        yield handle if taken else None
    finally:
        os.close(handle)


def _locked(path: Path, called: Path, *, shared: bool) -> int | None:
    """Return the open, locked file in the folder `path`; None where there are no locks."""
    file = path / LOCK
    while True:
        try:
            handle = os.open(file, os.O_RDWR | os.O_CREAT | PLAIN, 0o666)
        except OSError as error:
            raise StorageError.of_writing(f"{called}", error) from error
        try:
            _lock_open_file(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        except OSError as error:
            words = _holder(handle)
            os.close(handle)
            if error.errno in _NO_LOCKS:
                return None
            raise FolderInUseError(
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
    facts = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "started": time.time(),
        "mark": process_mark(os.getpid()) or "",
    }
    # A full disk may have no room for words about the holder; the lock holds all the same.
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(facts).encode(), 0)
    return handle


def _lock_open_file(handle: int, how: int) -> None:
    """Lock an open file, which who only looks has for a moment. Raises OSError."""
    for turn in range(LOOKS + 1):
        try:
            return fcntl.flock(handle, how | fcntl.LOCK_NB)
        except OSError as error:
            if turn == LOOKS or error.errno in _NO_LOCKS:
                raise
            time.sleep(LOOK)
    return None


def _holder(handle: int) -> str:
    """Return in words who has the lock, as far as its file says so."""
    holder = _read_holder(handle)
    if holder is None:
        return "one that another process works in"
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.started))
    where = "" if holder.host == socket.gethostname() else f" on {holder.host}"
    return f"one that process {holder.pid}{where} works in since {started}"


def _read_holder(handle: int) -> Holder | None:
    """Return what the file of a lock says about who has it."""
    try:
        facts = json.loads(os.pread(handle, 4096, 0))
        started = float(facts["started"])
        time.localtime(started)
        mark, user = str(facts.get("mark", "")), os.fstat(handle).st_uid
        return Holder(int(facts["pid"]), str(facts["host"]), started, mark, user)
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError):
        return None
    except RecursionError:
        # As many brackets as fit.
        return None
