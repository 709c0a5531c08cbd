"""`Follower`: reads the record of a run that goes on, line by line as they come.

Reads only bytes that it has not read; a last line without an end waits for it. Another file in its
place, or one that was cut, is noticed, and reading begins anew. Knows files and records; not who
writes them.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from misstep.errors import FileFormatError, StorageError
from misstep.record.reader import FILE, LONGEST_LINE, Record, add_line, begun_record, passed_over

__all__ = ["Follower"]

# Bytes that are read at once, so that a long record comes in pieces.
PIECE = 1 << 20
# So many bytes of what was read first and last must still stand where they stood; else the file was
# written anew, even if it is longer by now. The first line holds what the run was.
REMEMBERED = 512


class Follower:
    """Follows the record in a run's folder, or the file at `path`, which need not be there yet.

    `record`: all that was read, None before its first line. `begun`: how many times reading began;
    whoever keeps what came of a record looks whether it is still the same one.

    >>> import misstep as ms
    >>> follower = ms.record.Follower("runs/mine")
    >>> follower.advance(), follower.record
    (False, None)
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    >>> _ = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=2, folder="runs/mine")
    >>> follower.advance(), len(follower.record.epochs)
    (True, 2)
    """

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        self.path = path if path.suffix == ".jsonl" else path / FILE
        self.begun = 0
        self._begin()

    def _begin(self) -> None:
        self.begun += 1
        self.record: Record | None = None
        self._place = self._end = 0
        self._file: tuple[int, int] | None = None
        self._first = self._last = b""
        # What came of a line without an end yet; whether it is too long to be one of a record.
        self._rest = b""
        self._is_too_long = False
        self._unreadable = 0

    @property
    def is_behind(self) -> bool:
        """Return whether there was more to read when it was read last."""
        return self._place < self._end

    def advance(self, most: int | None = None) -> bool:
        """Read what is new, `most` bytes of it at most; return whether the record has changed.

        Raises StorageError where the file can't be read, and FileFormatError where it is something
        else; it may have become a record when it is asked for again.
        """
        try:
            handle = os.open(self.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except (FileNotFoundError, NotADirectoryError):
            was_there = self.record is not None
            if self._file is not None:
                self._begin()
            return was_there
        except (OSError, ValueError) as error:
            got = getattr(error, "strerror", None) or str(error)
            raise StorageError(f"reading {self.path}", needed="a file", got=got.lower()) from error
        try:
            return self._read(handle, most)
        except OSError as error:
            got = error.strerror or str(error)
            raise StorageError(f"reading {self.path}", got=got.lower()) from error
        finally:
            os.close(handle)

    def _read(self, handle: int, most: int | None) -> bool:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise FileFormatError(f"{self.path}", needed="a file", got="a folder, pipe or device")
        changed = False
        if self._file is not None and not self._is_same(handle, facts):
            changed = self.record is not None
            self._begin()
        self._file = facts.st_dev, facts.st_ino
        self._end = facts.st_size
        end = facts.st_size if most is None else min(facts.st_size, self._place + most)
        while self._place < end:
            piece = os.pread(handle, min(PIECE, end - self._place), self._place)
            if not piece:
                break
            self._place += len(piece)
            self._first = (self._first + piece[:REMEMBERED])[:REMEMBERED]
            self._last = (self._last + piece)[-REMEMBERED:]
            changed = self._take(piece) or changed
        return changed

    def _is_same(self, handle: int, facts: os.stat_result) -> bool:
        """Tell whether what was read still stands in the file."""
        if (facts.st_dev, facts.st_ino) != self._file or facts.st_size < self._place:
            return False
        last = os.pread(handle, len(self._last), self._place - len(self._last))
        return last == self._last and os.pread(handle, len(self._first), 0) == self._first

    def _take(self, piece: bytes) -> bool:
        """Take in the lines that end in a piece; return whether there were any."""
        *lines, rest = piece.split(b"\n")
        if lines:
            lines[0] = self._rest + lines[0]
            if self._is_too_long:
                self._note_unreadable()
                lines = lines[1:]
            self._rest, self._is_too_long = rest, False
        elif not self._is_too_long:
            self._rest += rest
        if len(self._rest) > LONGEST_LINE:
            self._rest, self._is_too_long = b"", True
        for line in lines:
            if self.record is None:
                self.record = begun_record(line, self.path)
            elif not add_line(self.record, line, self.path):
                self._note_unreadable()
        return bool(lines)

    def _note_unreadable(self) -> None:
        if self.record is None:
            return
        if self._unreadable:
            self.record.notes.remove(passed_over(self._unreadable))
        self._unreadable += 1
        self.record.notes.append(passed_over(self._unreadable))
