"""Object code on disk, so that what one process compiled the next one only loads.

What is read here is *executed*, so the question that matters is who could have written it. The
sum over each entry finds damage, not malice: who can write a file can write its sum. What keeps
strangers out is the owner. The folder and the folder that holds it must be real folders (no links)
that belong to the user whose rights this process has, and that nobody else may write to; each
entry must be a plain file under the same rules. All are looked at through the handle by which they
are then used, so that nothing can be exchanged in between. Hence

- a home folder that is open to all, or `/tmp` for a home: what another user prepared there belongs
  to that user, and is not read;
- `sudo` with the home of the user who typed it: that user's entries are not run with root's rights,
  and root leaves no folder of its own in a stranger's home;
- a program that runs with more rights than who started it (set-user-ID): no cache at all, since
  the environment that says where it is comes from the one with less;
- a system that can't answer these questions (Windows): no cache.

Root, and whoever can act as this user, could write there, as they could to the library itself.

Any trouble (no space, no rights, a read-only disk, a broken entry) means compiling again, never an
error. Entries are written beside and renamed, so that readers see a whole one or none; they are not
forced to the disk, since one that a power cut leaves half written fails its sum. The folder may be
deleted at any time. MISSTEP_CACHE names another folder, `off` does without. Knows bytes and keys;
`native.py` says what a key is made of.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["FORMAT", "MOST_BYTES", "folder", "object_key", "read", "why_unused", "write"]

# Where people say otherwise, and the word for "nowhere".
ENVIRONMENT_VARIABLE = "MISSTEP_CACHE"
OFF = "off"

# A change to the head below, or to what a key covers, gets a new number.
FORMAT = 1
_MAGIC = b"misstep object\r\n"  # a transfer that changes line ends is found at once
# Magic, format, bytes of code, key. The SHA-256 of all that and of the code comes next, then code.
_HEAD = struct.Struct("<16sIQ32s")
_SUM_BYTES = 32

# All entries together; the oldest go until a quarter is free again. A program of a few layers is
# about 50 kB.
MOST_BYTES = 256 * 1024 * 1024
# One entry; far above any program, and far below what would push all others out.
MOST_ENTRY_BYTES = 32 * 1024 * 1024

_ENDING = ".object"
_UNFINISHED = ".unfinished"
# A writer needs milliseconds; what is older was left by a process that died.
_UNFINISHED_SECONDS = 3600
# An entry that is used counts as new again, at most this often, so that reading rarely writes.
_FRESH_SECONDS = 24 * 3600

# Whether files can be opened by a folder's handle, whatever its name means by then.
_OPENS_WITHIN = os.open in os.supports_dir_fd
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class _UnusedError(Exception):
    """Why the cache can't be used, in words."""


def object_key(*parts: str) -> bytes:
    """Return a key of 32 bytes that differs when any part, or their division, differs."""
    key = hashlib.sha256()
    for part in (f"misstep object {FORMAT}", *parts):
        data = part.encode("utf-8", "surrogatepass")
        key.update(struct.pack("<Q", len(data)))
        key.update(data)
    return key.digest()


def read(key: bytes) -> bytes | None:
    """Return the object code kept under `key`, or None; whatever is wrong is as if not there."""
    try:
        with _opened_folder(make=False) as folder_handle:
            return _read_entry(folder_handle, key)
    except (_UnusedError, OSError, ValueError):
        return None


def write(key: bytes, code: bytes) -> None:
    """Keep object code under `key` if that is possible."""
    if len(code) > MOST_ENTRY_BYTES:
        return
    try:
        with _opened_folder(make=True) as folder_handle:
            _write_entry(folder_handle, key, code)
            _make_room(folder_handle)
    except (_UnusedError, OSError, ValueError):
        return


def why_unused() -> str | None:
    """Return in words why nothing is kept on disk, or None if all is well."""
    try:
        with _opened_folder(make=True):
            return None
    except (_UnusedError, ValueError) as reason:
        return str(reason)
    except OSError as error:
        return f"{folder()}: {error.strerror or error}"


def folder() -> Path | None:
    """Return where object code is kept, whether or not it can be; None: nowhere."""
    try:
        return _root() / "objects"
    except _UnusedError:
        return None


# --- the place ------------------------------------------------------------------------------------


def _root() -> Path:
    requested = os.environ.get(ENVIRONMENT_VARIABLE, "")
    if requested.strip().lower() == OFF:
        raise _UnusedError(f"{ENVIRONMENT_VARIABLE} is {OFF}")
    needed = ("geteuid", "getuid", "O_NOFOLLOW", "O_DIRECTORY")
    if not _OPENS_WITHIN or not all(hasattr(os, name) for name in needed):
        raise _UnusedError("this system can't say who may write to a folder")
    if os.getuid() != os.geteuid() or os.getgid() != os.getegid():
        raise _UnusedError("this process has other rights than the user who started it")
    try:
        if requested:
            return Path(requested).expanduser()
        caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
        if not caches.is_absolute():  # the XDG Base Directory Specification says so
            inside = ("Library", "Caches") if sys.platform == "darwin" else (".cache",)
            caches = Path.home().joinpath(*inside)
    except RuntimeError as error:
        raise _UnusedError("the user has no home folder") from error
    if not caches.is_absolute():
        raise _UnusedError("the user has no home folder")
    return caches / "misstep"


@contextlib.contextmanager
def _opened_folder(make: bool) -> Iterator[int]:
    """Yield a handle of the folder, looked at; raise _UnusedError or OSError if it won't do."""
    root = _root()
    if make:
        _make_root(root)
    with _opened(root, None) as above:
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir("objects", 0o700, dir_fd=above)
        with _opened("objects", above) as folder_handle:
            yield folder_handle


@contextlib.contextmanager
def _opened(path: Path | str, above: int | None) -> Iterator[int]:
    handle = os.open(
        path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above
    )
    try:
        if not _is_ours(os.fstat(handle), stat.S_ISDIR):
            raise _UnusedError(f"others than this user may write to the folder {path}")
        yield handle
    finally:
        os.close(handle)


def _make_root(root: Path) -> None:
    """Make the folder and what is missing above it, but only in a place of ours or the system's."""
    missing = []
    while not os.path.lexists(root):
        missing.append(root)
        root = root.parent
    if missing and os.stat(root).st_uid not in (os.geteuid(), 0):
        raise _UnusedError(f"the folder {root} belongs to another user")
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)


def _is_ours(status: os.stat_result, is_type: object) -> bool:
    return (
        callable(is_type)
        and bool(is_type(status.st_mode))
        and status.st_uid == os.geteuid()
        and not status.st_mode & _OTHERS_MAY_WRITE
    )


# --- entries --------------------------------------------------------------------------------------


def _read_entry(folder_handle: int, key: bytes) -> bytes | None:
    # Without O_NONBLOCK, a pipe of that name would keep us waiting.
    how = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    handle = os.open(key.hex() + _ENDING, how, dir_fd=folder_handle)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        most = _HEAD.size + _SUM_BYTES + MOST_ENTRY_BYTES
        if not _is_ours(status, stat.S_ISREG) or status.st_size > most:
            return None
        code = _unpacked(key, file.read(most + 1))
        if code is not None and time.time() - status.st_mtime > _FRESH_SECONDS:
            with contextlib.suppress(OSError):
                os.utime(handle)
    return code


def _write_entry(folder_handle: int, key: bytes, code: bytes) -> None:
    name = f".{key.hex()}.{secrets.token_hex(8)}{_UNFINISHED}"
    how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(name, how, 0o600, dir_fd=folder_handle)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_packed(key, code))
        os.replace(name, key.hex() + _ENDING, src_dir_fd=folder_handle, dst_dir_fd=folder_handle)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=folder_handle)
        raise


def _packed(key: bytes, code: bytes) -> bytes:
    head = _HEAD.pack(_MAGIC, FORMAT, len(code), key)
    return head + hashlib.sha256(head + code).digest() + code


def _unpacked(key: bytes, data: bytes) -> bytes | None:
    """Return the code in an entry, or None if a single bit of it is not as it was written."""
    start = _HEAD.size + _SUM_BYTES
    if len(data) < start:
        return None
    code = data[start:]
    return code if data[:start] == _packed(key, code)[:start] else None


def _make_room(folder_handle: int) -> None:
    """Remove what dead writers left, and the oldest entries when all are more than MOST_BYTES."""
    entries = []
    with os.scandir(folder_handle) as scan:
        for file in scan:
            with contextlib.suppress(FileNotFoundError):
                entries.append((file.name, file.stat(follow_symlinks=False)))
    for name, state in entries:
        if name.endswith(_UNFINISHED) and time.time() - state.st_mtime > _UNFINISHED_SECONDS:
            _remove(folder_handle, name)
    kept = [(state.st_mtime, name, state.st_size) for name, state in entries if _is_entry(name)]
    total = sum(size for _, _, size in kept)
    if total <= MOST_BYTES:
        return
    for _, name, size in sorted(kept):
        if total <= MOST_BYTES - MOST_BYTES // 4:
            break
        _remove(folder_handle, name)
        total -= size


def _is_entry(name: str) -> bool:
    return name.endswith(_ENDING)


def _remove(folder_handle: int, name: str) -> None:
    # Another process may have been faster.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder_handle)
