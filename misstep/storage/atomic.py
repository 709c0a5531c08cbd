"""Writing whole files or nothing: write beside, flush, rename. An earlier file stays until then."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from misstep.errors import StorageError

# Temporary files carry it, so that those of a killed process can be told and removed.
TEMPORARY = ".misstep-unfinished"


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write `data` to the file at `path`, replacing an earlier one at once when all is on disk.

    Raises StorageError; an earlier file is then as it was.
    """
    path = Path(path)
    if path.is_dir():
        raise StorageError(f"writing {path}", needed="the name of a file", got="a folder")
    try:
        handle, name = tempfile.mkstemp(TEMPORARY, f".{path.name}.", path.parent)
    except OSError as error:
        raise write_error(f"{path}", error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), _mode(path))
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise write_error(f"{path}", error) from error
        raise
    _sync_folder(path.parent)


def write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8, as `write_bytes` does."""
    write_bytes(path, text.encode("utf-8"))


def make_folder(path: Path | str) -> Path:
    """Make the folder and those above it, and see that one can write there. Raises StorageError."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise write_error(f"{path}", error) from error
    return path


def write_error(what: str, error: OSError) -> StorageError:
    """Return what to raise where writing `what`, a place by name, met `error` of the system."""
    reasons = {
        errno.ENOENT: ("a folder that exists", "no such folder"),
        errno.ENOTDIR: ("folders above it", "a file in the way"),
        errno.EEXIST: ("a folder", "a file of that name"),
        errno.EISDIR: ("the name of a file", "a folder"),
        errno.EACCES: ("permission to write", "none"),
        errno.EPERM: ("permission to write", "none"),
        errno.EROFS: ("a place to write", "a read-only disk"),
        errno.ENOSPC: ("space on the disk", "a full one"),
        errno.EDQUOT: ("space on the disk", "none left of this account's share"),
        errno.EFBIG: ("room for a file of its size", "less, as the system limits it"),
        errno.EIO: ("a disk or device that takes it", "an error of the device"),
        errno.ENAMETOOLONG: ("a shorter name", f"{len(Path(what).name)} characters"),
    }
    needed, got = reasons.get(error.errno or 0, ("a place to write", error.strerror or str(error)))
    return StorageError(f"writing {what}", needed=needed, got=got, try_="another place")


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left half written in `folder`."""
    for left in folder.glob(f".*{TEMPORARY}"):
        left.unlink(missing_ok=True)


def _mode(path: Path) -> int:
    """Return the mode of the earlier file, or the one that a new file would get."""
    try:
        return path.stat().st_mode & 0o7777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    # So that the new name outlives a power cut; not every system can do it to a folder.
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
