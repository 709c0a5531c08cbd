"""Writing whole files or nothing: write beside, flush, rename. An earlier file stays until then."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path

from misstep.errors import StorageError
from misstep.storage.unfinished import TEMPORARY, remove_abandoned, start_beside

try:
    import fcntl
except ImportError:  # a system without what is asked of it here
    fcntl = None  # type: ignore[assignment]

# A file is known as one of ours by a mark within so many bytes.
MARKED = 65_536


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write `data` to the file at `path`, replacing an earlier one at once when all is on disk.

    A name that stands for another place is followed there; a device or pipe takes the bytes itself.
    Raises StorageError; an earlier file is then as it was.
    """
    path = _possible(path)
    if path.is_dir():
        raise StorageError(f"writing {path}", needed="the name of a file", got="a folder")
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                file.write(data)
            return
        if path.is_symlink():
            path = path.resolve()
    except (OSError, RuntimeError) as error:
        reason = error if isinstance(error, OSError) else OSError(errno.ELOOP, str(error))
        raise StorageError.of_writing(f"{path}", reason) from error
    remove_abandoned(path)
    try:
        handle, name = start_beside(path)
    except OSError as error:
        raise StorageError.of_writing(f"{path}", error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            _keep_mode(file.fileno(), path)
            sync_file(file.fileno())
            # While it is locked, so that nobody takes it for one that was left over.
            os.replace(name, path)
    except BaseException as error:
        # A disk that became read-only keeps it; what went wrong first is what is told.
        with contextlib.suppress(OSError):
            Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise StorageError.of_writing(f"{path}", error) from error
        raise
    sync_folder(path.parent)


def write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8, as `write_bytes` does."""
    write_bytes(path, text.encode("utf-8"))


def write_own_text(path: Path | str, text: str, mark: str) -> None:
    """Write `text` as `write_text` does, but only where nobody else's file stands.

    `mark`: what stands near the beginning of every text of this kind, and by which an earlier one
    is known. Raises StorageError; a file without the mark is left as it is, unless it is empty.
    """
    path = _possible(path)
    try:
        if path.exists() and not path.is_file():  # who opens a pipe waits for ever
            raise StorageError(f"writing {path}", needed="a file", got="something else")
        with path.open("rb") as file:
            head = file.read(MARKED)
        foreign = bool(head) and mark.encode("utf-8") not in head
    except FileNotFoundError:
        foreign = False
    except OSError as error:
        raise StorageError.of_writing(f"{path}", error) from error
    if foreign:
        raise StorageError(
            f"writing {path}",
            needed="a place that is free, or holds an earlier one",
            got="a file of another kind",
            try_="moving it away, or another folder",
        )
    write_text(path, text)


def make_folder(path: Path | str) -> Path:
    """Make the folder and those above it, and see that one can write there. Raises StorageError."""
    path = _possible(path)
    try:
        new = [one for one in (path, *path.parents) if not one.exists()]
        path.mkdir(parents=True, exist_ok=True)
        for one in new:
            sync_folder(one.parent)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise StorageError.of_writing(f"{path}", error) from error
    return path


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left half written in `folder`, as far as that is possible."""
    with contextlib.suppress(OSError):
        for left in folder.glob(f".*{TEMPORARY}"):
            left.unlink(missing_ok=True)


def sync_file(handle: int) -> None:
    """Let what was written to an open file outlive a power cut. Raises OSError."""
    # On macOS, fsync leaves it in a memory of the disk that needs power; see its fcntl(2).
    whole = getattr(fcntl, "F_FULLFSYNC", None)
    if whole is not None:
        # Disks on the network do not know it.
        with contextlib.suppress(OSError):
            fcntl.fcntl(handle, whole)
            return
    os.fsync(handle)


def sync_folder(folder: Path) -> None:
    """Let names that were given, changed and removed in `folder` outlive a power cut.

    Not every system can do it to a folder.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        sync_file(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def _possible(path: Path | str) -> Path:
    """Return a path that a file may have. Raises StorageError."""
    words = os.fspath(path)
    if "\0" in words:
        raise StorageError(
            f"writing {words!r}", needed="the name of a file or folder", got="one with a zero byte"
        )
    return Path(path)


def _keep_mode(handle: int, path: Path) -> None:
    """Give an open file the mode of the one that it will replace, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        os.fchmod(handle, path.stat().st_mode & 0o7777)
