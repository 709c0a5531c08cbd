"""The record of the run that a person named: a run's folder, its name, or a record file; its state.

Imports nothing that trains: a recorded run is read in a moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from misstep.cli.places import MODEL, RUNS
from misstep.errors import FileFormatError, StorageError
from misstep.record import Record, read_record
from misstep.storage.lock import folder_in_use
from misstep.text.counts import counted

__all__ = ["RecordedRun", "read_run"]

RECORD = "record.jsonl"


@dataclass(frozen=True)
class RecordedRun:
    """A run that was written down. `folder`: its folder, which may hold model and checkpoints."""

    path: Path
    folder: Path
    record: Record

    def state(self) -> str:
        """Return in words how far the run came, and why it ended or that it goes on."""
        record = self.record
        epochs = sum(not epoch.get("partial") for epoch in record.epochs)
        updates = record.steps["step"]
        done = [counted(epochs, "epoch")] if epochs else []
        done += [counted(int(updates[-1]), "update") if len(updates) else "no update"]
        return f"{', '.join(done)}; {self._ending()}"

    def _ending(self) -> str:
        kinds = ("finished", "stopped", "resumed")
        last = next((one for one in reversed(self.record.events) if one["kind"] in kinds), None)
        if last is not None and last["kind"] != "resumed":
            return str(last.get("words", last["kind"]))
        if folder_in_use(self.folder):
            return "it is still going"
        return "its end is not written: it was broken off"


def read_run(named: Path) -> RecordedRun:
    """Return the run that `named` is: its folder, its name below runs/, or its record.

    Raises StorageError or FileFormatError.
    """
    path = _record_path(named)
    return RecordedRun(named, path.parent, read_record(path))


def _record_path(named: Path) -> Path:
    """Return where the record should be."""
    known = RUNS / named
    try:
        if not named.exists():
            there = (known / RECORD).is_file()
            raise StorageError(
                f"{named}",
                needed="the folder of a run, or its record",
                got="nothing of that name",
                try_=f"{known}" if there else "a folder that `misstep train` or fit(folder=…) made",
            )
        if named.is_dir():
            if not (named / RECORD).exists():
                raise StorageError(
                    "this folder" if named == Path() else f"{named}",
                    needed=f"the folder of a run, which holds {RECORD}",
                    got=_without_record(named),
                    try_=_run_within(named),
                )
            return named / RECORD
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        words = error.strerror or str(error)
        raise StorageError(f"reading {named}", needed="a run", got=words.lower()) from error
    if named.name == MODEL and (named.parent / RECORD).is_file():
        raise FileFormatError(
            f"{named}", needed="the record of a run", got="a model", try_=f"{named.parent}"
        )
    return named


def _without_record(folder: Path) -> str:
    """Return in words what a folder without a record is."""
    return "a folder without one" if any(folder.iterdir()) else "an empty folder"


def _run_within(folder: Path) -> str | None:
    """Return a run in a folder of runs, the latest; None where there is none."""
    records = sorted(folder.glob(f"*/{RECORD}"), key=lambda path: path.stat().st_mtime)
    return f"{records[-1].parent}" if records else None
