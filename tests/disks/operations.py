"""What a process asks of the disk, operation by operation, seen and refused from within Python.

Knows files below one folder and the functions by which Python changes them; nothing of what is
written. A watcher is told before each operation, and may let it fail or write less; and after it.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, Protocol


class Kind(Enum):
    """What an operation does. OPEN: a file that is there, to be written to; CREATE: a new one."""

    OPEN = "open"
    CREATE = "create"
    WRITE = "write"
    TRUNCATE = "truncate"
    SYNC = "sync"
    MODE = "mode"
    RENAME = "rename"
    LINK = "link"
    REMOVE = "remove"
    MAKE_FOLDER = "make folder"
    REMOVE_FOLDER = "remove folder"


# What needs room on the disk; a full one still removes.
NEEDS_ROOM = frozenset(
    {Kind.CREATE, Kind.WRITE, Kind.TRUNCATE, Kind.SYNC, Kind.RENAME, Kind.LINK, Kind.MAKE_FOLDER}
)


@dataclass
class Operation:
    """One of them. `path`: the file or folder; of RENAME and LINK the old name, `target` the new.

    `handle`: of what is open, by number; of OPEN and CREATE the one that came of it, once it is
    done. `offset`, `data`: of WRITE; `offset` of TRUNCATE is the new size.
    """

    kind: Kind
    path: str
    target: str = ""
    handle: int = -1
    offset: int = 0
    data: bytes = b""


class Watcher(Protocol):
    """Who is told."""

    def before(self, operation: Operation) -> int | None:
        """Raise OSError where it shall fail; return how many bytes are written, None for all."""

    def after(self, operation: Operation) -> None:
        """Learn that it was done."""


@contextlib.contextmanager
def watched(root: str | os.PathLike[str], watcher: Watcher) -> Iterator[None]:
    """Tell `watcher` of each operation below `root` that this process makes, within it."""
    real = {name: getattr(os, name) for name in _OS}
    real_open = builtins.open
    watch = _Watch(os.path.realpath(root), watcher, real, real_open)
    try:
        for name in _OS:
            setattr(os, name, getattr(watch, name))
        builtins.open = io.open = watch.io_open
        yield
    finally:
        for name, function in real.items():
            setattr(os, name, function)
        builtins.open = io.open = real_open


_OS = (
    *("open", "write", "pwrite", "writev", "truncate", "ftruncate", "posix_fallocate"),
    *("fsync", "fdatasync", "fchmod", "chmod", "rename", "replace", "link", "symlink"),
    *("unlink", "remove", "mkdir", "rmdir"),
)


class _Watch:
    """Stands for functions of `os`, and for `open`."""

    def __init__(
        self,
        root: str,
        watcher: Watcher,
        real: dict[str, Callable[..., Any]],
        real_open: Callable[..., Any],
    ) -> None:
        self.root = root
        self.watcher = watcher
        self.real = real
        self.real_open = real_open

    # --- names ------------------------------------------------------------------------------------

    def _place(self, path: Any, folder: int | None = None) -> str | None:
        """Return what a name stands for, by its folder's real one; None if not below the root."""
        if isinstance(path, int):
            return self._of_handle(path)
        words = os.fsdecode(path)
        if folder is not None and not os.path.isabs(words):
            words = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), words)
        head, tail = os.path.split(os.path.abspath(words))
        place = os.path.join(os.path.realpath(head), tail)
        return place if self._is_below(place) else None

    def _of_handle(self, handle: int) -> str | None:
        try:
            place = os.readlink(f"/proc/self/fd/{handle}")
        except OSError:
            return None
        return place.removesuffix(" (deleted)") if self._is_below(place) else None

    def _is_below(self, place: str) -> bool:
        return place == self.root or place.startswith(self.root + os.sep)

    def _do(self, operation: Operation, act: Callable[[], Any]) -> Any:
        self.watcher.before(operation)
        result = act()
        self.watcher.after(operation)
        return result

    # --- opening ----------------------------------------------------------------------------------

    def open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        changes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        place = self._place(path, dir_fd) if changes else None
        if place is None:
            return int(self.real["open"](path, flags, mode, dir_fd=dir_fd))
        nameless = flags & getattr(os, "O_TMPFILE", 0) == getattr(os, "O_TMPFILE", -1)
        new = nameless or not os.path.lexists(place)
        operation = Operation(Kind.CREATE if new else Kind.OPEN, place)
        self.watcher.before(operation)
        operation.handle = int(self.real["open"](path, flags, mode, dir_fd=dir_fd))
        if nameless:
            operation.path = ""
        self.watcher.after(operation)
        if flags & os.O_TRUNC and not new:
            self._do(Operation(Kind.TRUNCATE, place, handle=operation.handle), lambda: None)
        return operation.handle

    def io_open(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Callable[[str, int], int] | None = None,
    ) -> Any:
        if not set(mode) & set("wax+") or self._place(file) is None:
            return self.real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        if opener is None and not isinstance(file, int):

            def opener(path: str, flags: int) -> int:
                return self.open(path, flags, 0o666)

        raw = _Raw(file, "".join(each for each in mode if each not in "bt"), closefd, opener)
        raw.watch = self
        if buffering == 0:
            return raw
        whole: Any = (io.BufferedRandom if "+" in mode else io.BufferedWriter)(raw)
        return whole if "b" in mode else io.TextIOWrapper(whole, encoding, errors, newline)

    # --- what is open -----------------------------------------------------------------------------

    def write(self, handle: int, data: Any) -> int:
        place = self._of_handle(handle)
        if place is None:
            return int(self.real["write"](handle, data))
        # Nothing is asked of the disk by a write of no bytes.
        content = bytes(data)
        if not content:
            return 0
        status = os.fstat(handle)
        appends = _appends(handle)
        at = status.st_size if appends else os.lseek(handle, 0, os.SEEK_CUR)
        operation = Operation(Kind.WRITE, place, handle=handle, offset=at, data=content)
        most = self.watcher.before(operation)
        operation.data = content[:most]
        done = int(self.real["write"](handle, operation.data))
        self.watcher.after(operation)
        return done

    def pwrite(self, handle: int, data: Any, offset: int) -> int:
        place = self._of_handle(handle)
        if place is None:
            return int(self.real["pwrite"](handle, data, offset))
        operation = Operation(Kind.WRITE, place, handle=handle, offset=offset, data=bytes(data))
        operation.data = operation.data[: self.watcher.before(operation)]
        done = int(self.real["pwrite"](handle, operation.data, offset))
        self.watcher.after(operation)
        return done

    def writev(self, handle: int, buffers: Any) -> int:
        return self.write(handle, b"".join(map(bytes, buffers)))

    def _by_handle(self, kind: Kind, name: str, handle: Any, *more: int) -> Any:
        place = self._place(handle)
        act = partial(self.real[name], handle, *more)
        if place is None:
            return act()
        if kind is Kind.SYNC:
            # No power is cut but in thought, and waiting for the disk would take most of the time.
            act = partial(int)
        number = handle if isinstance(handle, int) else -1
        size = more[0] if kind is Kind.TRUNCATE else 0
        return self._do(Operation(kind, place, handle=number, offset=size), act)

    def truncate(self, path: Any, length: int) -> None:
        self._by_handle(Kind.TRUNCATE, "truncate", path, length)

    def ftruncate(self, handle: int, length: int) -> None:
        self._by_handle(Kind.TRUNCATE, "ftruncate", handle, length)

    def posix_fallocate(self, handle: int, offset: int, length: int) -> None:
        if self._of_handle(handle) is not None:
            raise NotImplementedError("nothing here allocates ahead")
        self.real["posix_fallocate"](handle, offset, length)

    def fsync(self, handle: Any) -> None:
        number = handle if isinstance(handle, int) else handle.fileno()
        self._by_handle(Kind.SYNC, "fsync", number)

    def fdatasync(self, handle: Any) -> None:
        number = handle if isinstance(handle, int) else handle.fileno()
        self._by_handle(Kind.SYNC, "fdatasync", number)

    def fchmod(self, handle: int, mode: int) -> None:
        self._by_handle(Kind.MODE, "fchmod", handle, mode)

    # --- names of files and folders ---------------------------------------------------------------

    def chmod(self, path: Any, mode: int, **more: Any) -> None:
        self._by_name(Kind.MODE, "chmod", path, mode, **more)

    def unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._by_name(Kind.REMOVE, "unlink", path, dir_fd=dir_fd)

    remove = unlink

    def mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        self._by_name(Kind.MAKE_FOLDER, "mkdir", path, mode, dir_fd=dir_fd)

    def rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._by_name(Kind.REMOVE_FOLDER, "rmdir", path, dir_fd=dir_fd)

    def _by_name(self, kind: Kind, name: str, path: Any, *more: Any, **named: Any) -> Any:
        place = self._place(path, named.get("dir_fd"))
        act = partial(self.real[name], path, *more, **named)
        if place is None or _is_vain(kind, place):
            return act()
        return self._do(Operation(kind, place), act)

    def rename(self, source: Any, target: Any, **folders: int | None) -> None:
        self._two(Kind.RENAME, "rename", source, target, **folders)

    def replace(self, source: Any, target: Any, **folders: int | None) -> None:
        self._two(Kind.RENAME, "replace", source, target, **folders)

    def link(self, source: Any, target: Any, **folders: Any) -> None:
        self._two(Kind.LINK, "link", source, target, **folders)

    def symlink(self, source: Any, target: Any, *more: Any, **named: Any) -> None:
        if self._place(target) is not None:
            raise NotImplementedError("nothing here makes such links")
        self.real["symlink"](source, target, *more, **named)

    def _two(self, kind: Kind, name: str, source: Any, target: Any, **folders: Any) -> None:
        old = self._place(source, folders.get("src_dir_fd"))
        new = self._place(target, folders.get("dst_dir_fd"))
        act = partial(self.real[name], source, target, **folders)
        if old is None or new is None or not os.path.lexists(old):
            act()
            return
        self._do(Operation(kind, old, target=new), act)


class _Raw(io.FileIO):
    """A file of Python's own, whose writes are seen."""

    watch: _Watch

    def write(self, data: Any) -> int:  # type: ignore[override]
        return self.watch.write(self.fileno(), data)

    def truncate(self, size: int | None = None) -> int:
        length = self.tell() if size is None else size
        self.watch.ftruncate(self.fileno(), length)
        return length


def _appends(handle: int) -> bool:
    import fcntl

    return bool(fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_APPEND)


def _is_vain(kind: Kind, place: str) -> bool:
    """Tell whether an operation would change nothing, so that the disk has no say in it."""
    there = os.path.lexists(place)
    if kind is Kind.MAKE_FOLDER:
        return there
    if kind is Kind.REMOVE_FOLDER:
        return not there or bool(os.listdir(place))
    return not there
