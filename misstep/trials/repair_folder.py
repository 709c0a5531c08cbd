"""Where a repair trains what it adopts: a folder of its own; nothing of the run is touched.

What an earlier round adopted stays too, in `round-1` and so on; the last one stands in the folder
itself, as any run does. Knows folders and the names of what a run has in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from misstep.errors import StorageError
from misstep.storage import make_folder, sync_folder
from misstep.train.run_folder import CHECKPOINTS, RECORD

__all__ = ["RepairFolder", "next_folder"]


def next_folder(run: Path) -> Path:
    """Return the first folder repair-1, repair-2 … in that of a run that is not there yet."""
    number = 1
    while (run / f"repair-{number}").exists():
        number += 1
    return run / f"repair-{number}"


class RepairFolder:
    """The folder of a repair: says where a round trains, and puts what came of it in its place.

    `more`: names of files that a run has there besides its record and checkpoints.
    """

    def __init__(self, folder: Path, more: Sequence[str] = ()) -> None:
        self.folder = folder
        self.names = (RECORD, CHECKPOINTS, *more)
        # Which round stands in the folder itself.
        self.stands: int | None = None

    def of_round(self, number: int) -> Path:
        """Return where the training with what a round adopted writes."""
        return self.folder if self.stands is None else self._beside(number)

    def settle(self, number: int) -> None:
        """Let the run of a round, which is whole, stand in the folder; an earlier one makes room.

        Raises StorageError; each file is then in the folder or in that of its round.
        """
        if self.stands is not None:
            try:
                before, after = make_folder(self._beside(self.stands)), self._beside(number)
                for name in self.names:
                    self._exchange(name, before, after)
                # What was removed from one is on the disk before what removes the other.
                for folder in (before, self.folder, after):
                    sync_folder(folder)
                after.rmdir()
            except OSError as error:
                raise StorageError.of_writing(f"{self.folder}", error) from error
        self.stands = number

    def _beside(self, number: int) -> Path:
        return self.folder / f"round-{number}"

    def _exchange(self, name: str, before: Path, after: Path) -> None:
        """Put aside what the folder has of a name, and let that of the next round stand there."""
        here = self.folder / name
        if here.exists():
            # A file keeps both names until the next one takes its place, so that there always is
            # one; folders, and disks without links, have none in between.
            try:
                (before / name).hardlink_to(here)
            except OSError:
                here.rename(before / name)
        if (after / name).exists():
            (after / name).replace(here)
        elif here.exists():
            here.unlink()
