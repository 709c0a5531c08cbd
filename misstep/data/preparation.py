"""`Preparation`: where rows that do not fit into memory are prepared, and how much memory there is.

Whoever reads rows asks whether they fit, and if not, gets files to write them into once; from then
on they are read from there. Knows bytes and folders, no kind of data.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from misstep.errors import ArgumentError, StorageError
from misstep.storage import PreparedFiles, available_memory, folder_lock, make_folder
from misstep.storage.lock import FolderInUseError
from misstep.text.units import bytes_from_words, bytes_in_words

__all__ = ["FOLDER", "Preparation", "key_of", "marks_of"]

# The folder of prepared rows in that of a run.
FOLDER = "prepared"
# Of the memory that is available, rows may take so much without a word: what a network, its
# training and other programs need is left.
SHARE = 0.5
# Bytes of rows that are worked on and written together.
PIECE = 2**26
# Seconds between two words on how far it is.
WORDS_EVERY = 5.0
# Seconds between two looks whether another process is done.
WAITING = 0.2
# Where systems keep temporary files that may be large, on a disk.
LARGE = Path("/var/tmp")
# Of how rows are made; another one makes all anew.
VERSION = 2


def _silent(words: str) -> None:
    """Say nothing."""


@dataclass
class Preparation:
    """What there is for rows that may not fit.

    `folder`: where they are prepared. `memory`: bytes that rows may take; None: a share of what is
    available. `say`: gets a line now and then.
    """

    folder: Path
    memory: int | None = None
    say: Callable[[str], None] = _silent
    _said: float = field(default=0.0, repr=False)

    @classmethod
    def of(
        cls,
        folder: str | os.PathLike[str],
        memory: str | int | None = None,
        say: Callable[[str], None] = _silent,
    ) -> Preparation:
        """Return that of a folder, and memory as people write it. Raises ArgumentError."""
        size = bytes_from_words(str(memory)) if memory is not None else None
        if memory is not None and size is None:
            raise ArgumentError("memory", needed="a size such as 4GB", got=repr(memory))
        return cls(Path(os.fspath(folder)), size, say)

    @classmethod
    @contextlib.contextmanager
    def passing(
        cls, memory: str | int | None = None, say: Callable[[str], None] = _silent
    ) -> Iterator[Preparation]:
        """Have a place for rows that are read once, which is gone when this ends.

        In the folder that TMPDIR names, else one for large files. Raises ArgumentError, or
        StorageError where there is no such place.
        """
        # The usual place may lie in memory.
        large = None if "TMPDIR" in os.environ or not os.access(LARGE, os.W_OK) else LARGE
        try:
            place = tempfile.mkdtemp(prefix="misstep-rows-", dir=large)
        except OSError as error:
            raise StorageError.of_writing("a folder for rows that are read once", error) from error
        try:
            yield cls.of(place, memory, say)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def because(self, need: float) -> str | None:
        """Return why rows that need so many bytes in memory are prepared; None: they fit."""
        budget = self.budget
        whose = "they may take {}"
        if self.memory is None:
            whose = "{} of what is available are for them"
        if budget is None or need <= budget:
            return None
        most = whose.format(bytes_in_words(budget))
        return f"they would take about {bytes_in_words(need)} of memory, and {most}"

    @property
    def budget(self) -> int | None:
        """Return the bytes that rows may take; None where nothing tells how much there is."""
        if self.memory is not None:
            return self.memory
        available = available_memory()
        return None if available is None else int(SHARE * available)

    @property
    def is_there(self) -> bool:
        """Tell whether anything was prepared here before."""
        return (self.folder / PreparedFiles.manifest).is_file()

    @contextlib.contextmanager
    def files(self, key: str) -> Iterator[PreparedFiles]:
        """Have the files of a key for oneself, once another process that prepares them has done so.

        Raises StorageError or FileFormatError.
        """
        make_folder(self.folder)
        with contextlib.ExitStack() as held:
            while True:
                try:
                    held.enter_context(folder_lock(self.folder))
                    break
                except FolderInUseError:
                    self.tell_waiting()
                    time.sleep(WAITING)
            yield PreparedFiles(self.folder, key)

    def tell_waiting(self) -> None:
        """Say that another process prepares rows here, if it was not said just now."""
        now = time.monotonic()
        if now - self._said >= WORDS_EVERY:
            self._said = now
            self.say(f"waiting for another process that prepares rows in {self.folder}")

    def tell(self, done: int, of: int, what: str) -> None:
        """Say how far it is, if it was not said just now."""
        now = time.monotonic()
        if now - self._said >= WORDS_EVERY:
            self._said = now
            self.say(f"preparing {what}: {done:,} of {of:,}")


def key_of(**parts: Any) -> str:
    """Return a key of plain parts: what rows are made of, and how."""
    plain = json.dumps({"version": VERSION, **parts}, sort_keys=True, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()


def marks_of(*paths: Path, start: Path | None = None) -> str:
    """Return a digest of names, sizes and times of files, which tells whether any was changed."""
    digest = hashlib.sha256()
    for path in paths:
        about = os.stat(path)
        name = path if start is None else path.relative_to(start)
        digest.update(f"{name}\0{about.st_size}\0{about.st_mtime_ns}\n".encode(errors="replace"))
    return digest.hexdigest()
