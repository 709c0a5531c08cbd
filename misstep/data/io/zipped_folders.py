"""Folders in a zip archive, unpacked for as long as they are read.

Nothing is written but files of the wanted endings, under names made here of those in the archive,
below a folder of one's own. Knows names and bytes, not what is in the files.
"""

from __future__ import annotations

import lzma
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from misstep.data.io.files import MOST_BYTES, check_ratio, damaged, existing_path
from misstep.errors import DataError, FileFormatError, MisstepError, StorageError

__all__ = ["is_zip_name", "names_in_zip", "unzipped"]

MOST_FILES = 1_000_000
# What any archive may unpack to.
FREE_BYTES = 16 * 2**20
PIECE = 2**20
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError, EOFError, NotImplementedError),
    *(RuntimeError, KeyError, OverflowError),
)


def is_zip_name(name: str) -> bool:
    """Tell whether a file is called as zip archives are."""
    return name.lower().endswith(".zip")


def names_in_zip(source: str | os.PathLike[str]) -> list[str]:
    """Return the names of files in an archive; none of one that can't be read."""
    try:
        with zipfile.ZipFile(source) as archive:
            return [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    except (OSError, *BROKEN):
        return []


@contextmanager
def unzipped(source: str | os.PathLike[str], endings: tuple[str, ...]) -> Iterator[Path]:
    """Unpack files whose names end in `endings` (lower case) into a folder that goes afterwards.

    Where everything lies in one folder of the archive and that holds folders, it is that folder.
    Raises StorageError, FileFormatError or DataError: names that lead elsewhere, too much, damage.
    """
    path = existing_path(source)
    with tempfile.TemporaryDirectory(prefix="misstep-") as place:
        folder = Path(place) / (path.stem or "archive")
        folder.mkdir()
        try:
            _unpack(path, folder, endings)
        except MisstepError:
            raise
        except OSError as error:
            raise StorageError(
                str(path), needed="room to unpack it", got=error.strerror or str(error)
            ) from error
        except BROKEN as error:
            raise damaged(path, "a sound zip archive", str(error)[:200]) from error
        yield _inner(folder)


def _unpack(path: Path, folder: Path, endings: tuple[str, ...]) -> None:
    size = path.stat().st_size
    left = MOST_BYTES
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_FILES:
            raise FileFormatError(
                str(path), needed=f"at most {MOST_FILES:,} files", got=f"{len(entries):,}"
            )
        check_ratio(path, size, sum(entry.file_size for entry in entries), FREE_BYTES)
        for entry in entries:
            parts = PurePosixPath(entry.filename).parts
            hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
            if entry.filename.startswith("/") or ".." in parts or "\\" in entry.filename:
                raise FileFormatError(
                    str(path),
                    needed="names of files below the folder that it is unpacked to",
                    got=ascii(entry.filename[:80]),
                )
            if entry.is_dir() or hidden or not entry.filename.lower().endswith(endings):
                continue
            if entry.flag_bits & 1:
                raise FileFormatError(
                    str(path), needed="an archive without a password", got="one with a password"
                )
            target = folder.joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                written = target.open("xb")
            except FileExistsError as error:
                raise DataError(
                    str(path), needed="a name of its own for each file", got=ascii(entry.filename)
                ) from error
            with written, archive.open(entry) as packed:
                while piece := packed.read(PIECE):
                    left -= len(piece)
                    check_ratio(path, size, MOST_BYTES - left, FREE_BYTES)
                    if left < 0:
                        raise FileFormatError(
                            str(path), needed=f"at most {MOST_BYTES:,} bytes unpacked", got="more"
                        )
                    written.write(piece)


def _inner(folder: Path) -> Path:
    """Return the folder itself, or the only thing in it, if that is a folder of folders."""
    inside = sorted(folder.iterdir())
    if (
        len(inside) == 1
        and inside[0].is_dir()
        and any(each.is_dir() for each in inside[0].iterdir())
    ):
        return inside[0]
    return folder
