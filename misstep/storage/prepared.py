"""`PreparedFiles`: arrays that were made once, piece by piece, and are mapped from then on.

A folder with a manifest and two files for each array: its numbers one after the other, and facts on
each piece, a line for each. What is whole and of the same key is used again; what was left
unfinished goes on behind its last whole piece; what is of another key is made anew. Nothing in it
is code, and nothing is believed: kinds and sizes are checked before a file is mapped. Knows arrays
and plain facts, not what they mean.

The manifest is what counts, and is replaced at once. Bytes are on the disk before it counts them,
and it no longer counts them before they are removed: whenever a process is killed, it says of no
row that is not there that it is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
import numpy.typing as npt

from misstep.errors import FileFormatError, StorageError
from misstep.storage.atomic import make_folder, sync_file, sync_folder, write_text
from misstep.storage.prepared_manifest import (
    DTYPES,
    Manifest,
    PreparedArray,
    fact_line,
    fact_lines,
    is_name,
    read_manifest,
)

__all__ = ["PreparedFiles", "RowWriter"]

Array = npt.NDArray[Any]

MANIFEST = "prepared.json"
ROWS, FACTS = ".rows", ".facts"


class PreparedFiles:
    """What is prepared in `folder` for `key`, which says from what and how.

    `facts`: plain, that belong to all of it; a few MB at most, as those on each piece. `reused`:
    whether anything whole was there. What is there of another key stays until the first row is to
    be written. Raises StorageError for a folder that can't be used or holds other things,
    FileFormatError for a manifest that is none.
    """

    manifest: ClassVar[str] = MANIFEST

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = make_folder(folder)
        self._manifest = Manifest(key)
        path = self.folder / MANIFEST
        if os.path.lexists(path):
            found = read_manifest(path)
            if found.key == key:
                self._manifest = found
            else:
                self._manifest.leftover = sorted({*found.arrays, *found.leftover})
        elif any(self.folder.glob(f"*{ROWS}")):
            raise StorageError(
                f"preparing rows in {self.folder}",
                needed="a folder of its own",
                got=f"one with files {ROWS} of somebody else",
                try_="another folder",
            )
        self.reused = any(one.whole for one in self._manifest.arrays.values())

    @property
    def key(self) -> str:
        """Return what says from what the rows are made, and how."""
        return self._manifest.key

    @property
    def facts(self) -> dict[str, Any]:
        """Return plain facts on all of it, which are written with the next piece."""
        return self._manifest.facts

    @facts.setter
    def facts(self, facts: dict[str, Any]) -> None:
        self._manifest.facts = facts

    def _paths(self, name: str) -> tuple[Path, Path]:
        return self.folder / f"{name}{ROWS}", self.folder / f"{name}{FACTS}"

    def array(self, name: str) -> Array | None:
        """Return an array that is whole, mapped, not to be written to; None: it is not there.

        Raises StorageError where its file is not as long as it was when it was made.
        """
        entry = self._manifest.arrays.get(name)
        if entry is None or not entry.whole:
            return None
        path = self._paths(name)[0]
        there = _size(path)
        if there != entry.bytes:
            raise self._cut(path, entry.bytes, there)
        shape = (entry.rows, *entry.row_shape)
        dtype = np.dtype(entry.dtype).newbyteorder("<")
        if not entry.bytes:
            return np.zeros(shape, entry.dtype)
        try:
            return np.memmap(path, dtype, "r", shape=shape)
        except OSError as error:
            got = error.strerror or str(error)
            raise StorageError(str(path), needed="a file that can be read", got=got) from error

    def pieces(self, name: str) -> Iterator[Any]:
        """Yield the facts on each piece of an array that is whole, one after the other.

        Raises StorageError, or FileFormatError for what was never written so.
        """
        entry, path = self._manifest.arrays[name], self._paths(name)[1]
        there = _size(path)
        if there < entry.fact_bytes:
            raise self._cut(path, entry.fact_bytes, there)
        try:
            with path.open("rb") as file:
                yield from fact_lines(file, entry)
        except OSError as error:
            got = error.strerror or str(error)
            raise StorageError(str(path), needed="a file that can be read", got=got) from error
        except (ValueError, RecursionError) as error:
            raise FileFormatError(
                str(path),
                needed="facts on prepared rows, a line for each piece",
                got=" ".join(str(error).split())[:100],
                try_=self._anew,
            ) from error

    def _cut(self, path: Path, needed: int, there: int) -> StorageError:
        return StorageError(
            f"the prepared rows in {path}",
            needed=f"a file of {needed:,} bytes, as it was written",
            got="none" if there < 0 else f"{there:,}",
            try_=self._anew,
        )

    @property
    def _anew(self) -> str:
        return f"removing the folder {self.folder}: its rows are then prepared anew"

    def writer(self, name: str, dtype: str, row_shape: tuple[int, ...]) -> RowWriter:
        """Return what goes on writing an array, behind the pieces of it that are whole.

        Raises StorageError.
        """
        if not is_name(name) or dtype not in DTYPES:
            raise ValueError(f"{name}: {dtype}")
        arrays = self._manifest.arrays
        entry = arrays.get(name)
        rows, facts = self._paths(name)
        if (
            entry is None
            or (entry.dtype, entry.row_shape) != (dtype, tuple(row_shape))
            or _size(rows) < entry.bytes
            or _size(facts) < entry.fact_bytes
        ):
            entry = arrays[name] = PreparedArray(dtype, tuple(row_shape))
        # Before the files: what bears a name of ours is then in a manifest, and ours.
        self.save()
        if not entry.pieces:
            # Others may still read from what was there, whose bytes they keep.
            _remove(rows, facts)
        return RowWriter(self, entry, rows, facts)

    def save(self) -> None:
        """Write the manifest, then remove what is of another key. Raises StorageError."""
        manifest = self._manifest
        write_text(self.folder / MANIFEST, manifest.text())
        if manifest.leftover:
            for name in manifest.leftover:
                if name not in manifest.arrays or not manifest.arrays[name].pieces:
                    _remove(*self._paths(name))
            sync_folder(self.folder)
            # Told with what is written next; until then, to remove them again does no harm.
            manifest.leftover = []


class RowWriter:
    """Writes the pieces of one array, each whole on disk before the manifest counts it."""

    def __init__(self, files: PreparedFiles, entry: PreparedArray, rows: Path, facts: Path) -> None:
        self._files = files
        self._entry = entry
        self._paths = {"rows": rows, "facts": facts}
        with contextlib.ExitStack() as opened:
            self._rows = opened.enter_context(_opened(rows, entry.bytes))
            self._facts = opened.enter_context(_opened(facts, entry.fact_bytes))
            self._open = opened.pop_all()

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._open.close()
        except OSError as error:
            # What a full disk did not take is tried once more here; that it failed was told.
            if kind is None:
                raise StorageError.of_writing(str(self._paths["rows"]), error) from error

    @property
    def pieces(self) -> int:
        """Return how many pieces are whole."""
        return self._entry.pieces

    @property
    def rows(self) -> int:
        """Return how many rows are whole."""
        return self._entry.rows

    def add(self, rows: Array, facts: Any = None) -> None:
        """Add a piece, (rows, …), and plain facts on it. Raises StorageError."""
        plain = np.ascontiguousarray(rows, np.dtype(self._entry.dtype).newbyteorder("<"))
        if plain.shape[1:] != self._entry.row_shape:
            raise ValueError(f"{plain.shape} among rows of {self._entry.row_shape}")
        line = fact_line(facts)
        _append(self._rows, plain.data if plain.size else b"", self._paths["rows"])
        _append(self._facts, line, self._paths["facts"])
        self._entry.rows += len(plain)
        self._entry.pieces += 1
        self._entry.fact_bytes += len(line)
        self._files.save()

    def finish(self) -> None:
        """Say that nothing more comes. Raises StorageError."""
        self._entry.whole = True
        self._files.save()


def _opened(path: Path, size: int) -> BinaryIO:
    """Return a file to write behind its first bytes, so many; a new one where these are none.

    Raises StorageError.
    """
    try:
        file = path.open("r+b" if size else "w+b")
    except OSError as error:
        raise StorageError.of_writing(str(path), error) from error
    try:
        file.truncate(size)
        file.seek(size)
    except OSError as error:
        file.close()
        raise StorageError.of_writing(str(path), error) from error
    return file


def _append(file: BinaryIO, content: Any, path: Path) -> None:
    """Have bytes on the disk at the end of a file. Raises StorageError."""
    try:
        file.write(content)
        file.flush()
        sync_file(file.fileno())
    except OSError as error:
        raise StorageError.of_writing(str(path), error) from error


def _size(path: Path) -> int:
    """Return the bytes of a file; -1 for anything else, as a link."""
    try:
        return path.stat().st_size if path.is_file() and not path.is_symlink() else -1
    except OSError:
        return -1


def _remove(*paths: Path) -> None:
    """Remove files that are there. Raises StorageError."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError.of_writing(str(path), error) from error
