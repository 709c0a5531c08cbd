"""`EpochLines`: a text file with a line for each epoch that grows as training goes on.

A run that goes on takes away the lines of epochs that it learns again, and keeps the rest: written
beside and renamed. A file that somebody else wrote is never written over. Knows lines; what stands
in them, `csv_file.py` and `json_lines.py` know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from misstep.errors import StorageError
from misstep.storage import write_own_text
from misstep.storage.container import read_file


class EpochLines:
    """The file at `path`. `mark`: what its first line begins with, by which it is known.

    Raises StorageError where the file can't be read or written, or is another kind of file.
    """

    def __init__(self, path: Path | str, mark: str) -> None:
        self._path = Path(path).absolute()
        self._mark = mark

    def begin(self, *, resumed: bool, stays: Callable[[str], bool]) -> None:
        """Empty the file; of a run that goes on, keep the lines that may stay."""
        here = resumed and self._path.is_file()
        self.rewrite(filter(stays, self.read()) if here else ())

    def read(self) -> list[str]:
        """Return the lines; what stands behind the last end of a line was torn off."""
        return read_file(self._path).decode("utf-8", errors="replace").split("\n")[:-1]

    def rewrite(self, lines: Iterable[str]) -> None:
        """Let the file hold these lines."""
        write_own_text(self._path, "".join(f"{line}\n" for line in lines), self._mark)

    def add(self, line: str) -> None:
        """Add a line; it is in the system's hands when this returns."""
        try:
            with self._path.open("a", encoding="utf-8", newline="") as file:
                file.write(f"{line}\n")
        except OSError as error:
            raise StorageError.of_writing(str(self._path), error) from error
