"""`EpochLines`: a text file with a line for each epoch that grows as training goes on.

A run that goes on takes away the lines of epochs that it learns again, and keeps the rest: written
beside and renamed. Knows lines; what stands in them, `csv_file.py` and `json_lines.py` know.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from misstep.errors import StorageError
from misstep.storage import write_text


class EpochLines:
    """The file at `path`. `epoch_of`: from a line to the epoch it is of, None for one of no epoch.

    Raises StorageError where the file can't be read or written.
    """

    def __init__(self, path: Path | str, epoch_of: Callable[[str], int | None]) -> None:
        self._path = Path(path).absolute()
        self._epoch_of = epoch_of

    def begin(self, *, resumed: bool, epoch: int) -> list[str]:
        """Empty the file, or keep of it what a run that goes on from `epoch` said; return that."""
        kept: list[str] = []
        if resumed and self._path.is_file():
            lines = self._path.read_text(encoding="utf-8", errors="replace").split("\n")
            # What stands behind the last end of a line was torn off.
            epochs = [(line, self._epoch_of(line)) for line in lines[:-1]]
            kept = [line for line, of in epochs if of is None or of <= epoch]
        self.rewrite(kept)
        return kept

    def rewrite(self, lines: list[str]) -> None:
        """Let the file hold these lines."""
        write_text(self._path, "".join(f"{line}\n" for line in lines))

    def add(self, line: str) -> None:
        """Add a line; it is in the system's hands when this returns."""
        try:
            with self._path.open("a", encoding="utf-8", newline="") as file:
                file.write(f"{line}\n")
        except OSError as error:
            raise StorageError.of_writing(str(self._path), error) from error
