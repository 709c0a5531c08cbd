"""`PreparedFiles`: arrays that were made once, piece by piece, and are mapped from then on.

A folder with a manifest and a file for each array, its numbers one after the other. What is whole
and of the same key is used again; what was left unfinished goes on behind its last whole piece;
what is of another key is made anew. Nothing in it is code, and nothing is believed: kinds and sizes
are checked before a file is mapped. Knows arrays and plain facts, not what they mean.
"""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from misstep.errors import FileFormatError, StorageError
from misstep.storage.atomic import make_folder, write_text

__all__ = ["PreparedFiles", "RowWriter"]

Array = npt.NDArray[Any]

MANIFEST = "prepared.json"
KIND, VERSION = "misstep prepared rows", 1
# The kinds of numbers that there may be, little-endian.
DTYPES = ("uint8", "uint16", "int32", "int64", "float32", "float64")
NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
ENDING = ".rows"
# A manifest is facts on pieces; more is no manifest.
MOST_BYTES = 2**28
MOST_AXES = 8


@dataclass
class _Entry:
    """An array as the manifest has it. `facts`: of each piece, plain."""

    dtype: str
    row_shape: tuple[int, ...]
    rows: int = 0
    facts: list[Any] = field(default_factory=list)
    whole: bool = False

    @property
    def row_bytes(self) -> int:
        return math.prod(self.row_shape) * np.dtype(self.dtype).itemsize


class PreparedFiles:
    """What is prepared in `folder` for `key`, which says from what and how.

    `facts`: plain, that belong to all of it. `reused`: whether anything whole was there.
    Raises StorageError for a folder that can't be used or holds other things, FileFormatError for a
    manifest that is none.
    """

    manifest: ClassVar[str] = MANIFEST

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = make_folder(folder)
        self.key = key
        self.facts: dict[str, Any] = {}
        self._entries: dict[str, _Entry] = {}
        path = self.folder / MANIFEST
        if path.exists():
            self._load(path)
        elif any(self.folder.glob(f"*{ENDING}")):
            raise StorageError(
                f"preparing rows in {self.folder}",
                needed="a folder of its own",
                got=f"one with files {ENDING} of somebody else",
                try_="another folder",
            )
        self.reused = any(entry.whole for entry in self._entries.values())

    def _load(self, path: Path) -> None:
        which = str(path)
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ValueError("too many bytes")
            plain = json.loads(path.read_text("utf-8"))
            if plain["kind"] != KIND or plain["version"] != VERSION:
                raise ValueError("another kind or version")
            entries = {name: _entry(name, one) for name, one in plain["arrays"].items()}
            key, facts = plain["key"], plain["facts"]
            if not isinstance(key, str) or not isinstance(facts, dict):
                raise ValueError("no key")
        except OSError as error:
            raise StorageError(
                which, needed="a file that can be read", got=error.strerror or str(error)
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise FileFormatError(
                which,
                needed="what this version of misstep writes about rows that it prepared",
                got=str(error)[:100],
                try_=f"removing the folder {self.folder}, or naming another one",
            ) from error
        if key != self.key:
            for name in entries:
                _remove(self._path(name))
            return
        self._entries, self.facts = entries, facts

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{ENDING}"

    def array(self, name: str) -> Array | None:
        """Return an array that is whole, mapped, not to be written to; None: it is not there.

        Raises StorageError where its file is not as long as it was when it was made.
        """
        entry = self._entries.get(name)
        if entry is None or not entry.whole:
            return None
        path, needed = self._path(name), entry.rows * entry.row_bytes
        there = path.stat().st_size if path.is_file() and not path.is_symlink() else -1
        if there != needed:
            raise StorageError(
                f"the prepared rows in {path}",
                needed=f"a file of {needed:,} bytes, as it was written",
                got="none" if there < 0 else f"{there:,}",
                try_=f"removing the folder {self.folder}: its rows are then prepared anew",
            )
        shape = (entry.rows, *entry.row_shape)
        dtype = np.dtype(entry.dtype).newbyteorder("<")
        if not needed:
            return np.zeros(shape, entry.dtype)
        return np.memmap(path, dtype, "r", shape=shape)

    def pieces(self, name: str) -> list[Any]:
        """Return the facts of each piece of an array that is whole."""
        return list(self._entries[name].facts)

    def writer(self, name: str, dtype: str, row_shape: tuple[int, ...]) -> RowWriter:
        """Return what goes on writing an array, behind the pieces of it that are whole.

        Raises StorageError.
        """
        if not NAME.fullmatch(name) or dtype not in DTYPES:
            raise ValueError(f"{name}: {dtype}")
        entry = self._entries.get(name)
        if entry is None or (entry.dtype, entry.row_shape) != (dtype, tuple(row_shape)):
            entry = self._entries[name] = _Entry(dtype, tuple(row_shape))
        path = self._path(name)
        there = path.stat().st_size if path.is_file() else 0
        if there < entry.rows * entry.row_bytes or path.is_symlink():
            _remove(path)
            entry = self._entries[name] = _Entry(dtype, tuple(row_shape))
        # Before the file: what bears a name of ours is then in a manifest, and ours.
        self.save()
        return RowWriter(self, entry, path)

    def save(self) -> None:
        """Write the manifest. Raises StorageError."""
        arrays = {
            name: {
                "dtype": one.dtype,
                "row_shape": list(one.row_shape),
                "rows": one.rows,
                "facts": one.facts,
                "whole": one.whole,
            }
            for name, one in self._entries.items()
        }
        plain = {
            "kind": KIND,
            "version": VERSION,
            "key": self.key,
            "facts": self.facts,
            "arrays": arrays,
        }
        write_text(self.folder / MANIFEST, json.dumps(plain, allow_nan=False))


class RowWriter:
    """Writes the pieces of one array, each whole on disk before the manifest counts it."""

    def __init__(self, files: PreparedFiles, entry: _Entry, path: Path) -> None:
        self._files = files
        self._entry = entry
        self._path = path
        try:
            self._file = path.open("r+b" if path.exists() else "w+b")
        except OSError as error:
            raise StorageError.of_writing(str(path), error) from error
        try:
            self._file.truncate(entry.rows * entry.row_bytes)
            self._file.seek(0, os.SEEK_END)
        except OSError as error:
            self._file.close()
            raise StorageError.of_writing(str(path), error) from error

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._file.close()
        except OSError as error:
            # What a full disk did not take is tried once more here; that it failed was told.
            if kind is None:
                raise StorageError.of_writing(str(self._path), error) from error

    @property
    def pieces(self) -> int:
        """Return how many pieces are whole."""
        return len(self._entry.facts)

    @property
    def rows(self) -> int:
        """Return how many rows are whole."""
        return self._entry.rows

    @property
    def facts(self) -> list[Any]:
        """Return the facts of each piece that is whole."""
        return list(self._entry.facts)

    def add(self, rows: Array, facts: Any = None) -> None:
        """Add a piece, (rows, …), and plain facts on it. Raises StorageError."""
        plain = np.ascontiguousarray(rows, np.dtype(self._entry.dtype).newbyteorder("<"))
        if plain.shape[1:] != self._entry.row_shape:
            raise ValueError(f"{plain.shape} among rows of {self._entry.row_shape}")
        try:
            self._file.write(plain.data if plain.size else b"")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StorageError.of_writing(str(self._path), error) from error
        self._entry.rows += len(plain)
        self._entry.facts.append(facts)
        self._files.save()

    def finish(self) -> None:
        """Say that nothing more comes. Raises StorageError."""
        self._entry.whole = True
        self._files.save()


def _remove(path: Path) -> None:
    """Remove a file if it is there. Raises StorageError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError.of_writing(str(path), error) from error


def _entry(name: str, plain: Any) -> _Entry:
    """Return an entry of a manifest. Raises ValueError, KeyError or TypeError for anything else."""
    shape, rows = plain["row_shape"], plain["rows"]
    counts = [rows, *shape] if isinstance(shape, list) and len(shape) < MOST_AXES else [-1]
    if not NAME.fullmatch(name) or plain["dtype"] not in DTYPES:
        raise ValueError(f"an array {name!r:.80} of {plain['dtype']!r:.80}")
    if any(type(one) is not int or not 0 <= one < 2**48 for one in counts):
        raise ValueError(f"the sizes of {name}")
    if type(plain["whole"]) is not bool or not isinstance(plain["facts"], list):
        raise ValueError(f"what {name} is")
    return _Entry(plain["dtype"], tuple(shape), rows, plain["facts"], plain["whole"])
