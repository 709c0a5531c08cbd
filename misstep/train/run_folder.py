"""The folder of a run: where its record lies, and the checkpoints that training can go on from.

It belongs to one run at a time, and nothing in it that is not of runs is ever touched.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Any

from misstep.errors import ArgumentError, FileFormatError, MisstepError, StorageError
from misstep.record import RecordWriter, is_record, read_record, start_line
from misstep.storage import (
    Checkpoint,
    folder_lock,
    foreign_files,
    load_latest_checkpoint,
    make_folder,
    save_checkpoint,
    sync_folder,
    write_text,
)
from misstep.storage.unfinished import TEMPORARY, remove_abandoned
from misstep.train.run_record import RunRecord
from misstep.train.state import TrainingState

# Seconds between checkpoints in the middle of an epoch, when no number of updates is asked for.
CHECKPOINT_SECONDS = 30.0
RECORD, RECORD_BEFORE, CHECKPOINTS = "record.jsonl", "record.before.jsonl", "checkpoints"


def check_run_folder(folder: Path | str, called: str) -> None:
    """Raise StorageError where a run in `folder`, which is `called` so, would destroy things."""
    folder = Path(folder)
    got = None
    try:
        for name in (RECORD, RECORD_BEFORE):
            if (folder / name).exists() and not is_record(folder / name):
                got = f"one whose {name} is not of a run"
        foreign = foreign_files(folder / CHECKPOINTS)
    except OSError as error:
        words = error.strerror or str(error)
        raise StorageError(called, needed="a folder to write to", got=words.lower()) from error
    if foreign:
        got = f"one whose {CHECKPOINTS}/ holds files of others ({foreign[0]})"
    if got is not None:
        raise StorageError(called, needed="a folder of its own", got=got, try_="another folder")


# What runs of earlier versions did without saying so.
EARLIER_FACTS: dict[str, Any] = {"shuffle": True, "frozen": [], "shards": 1, "precision": "float32"}


class RunFolder:
    """Holds the record and the checkpoints of one run. Raises StorageError when it can't.

    Within `with`, the folder is this run's alone. `facts`: what the record says about the run, and
    what a checkpoint must agree with: nothing that changes the numbers of training may differ when
    a run goes on; there before `open`.
    """

    facts: dict[str, Any]
    # How many are planned in all; a run that goes on may be given another number.
    epochs: int | None = None

    def __init__(self, folder: Path | str, every: int | None) -> None:
        if every is not None and (not isinstance(every, int) or every < 1):
            raise ArgumentError(
                "checkpoint_every", needed="a number of updates, or None", got=repr(every)
            )
        # Where it is now, also when the program goes to another folder amid training.
        self.folder = Path(folder).absolute()
        self._called = folder
        self.facts = {}
        self.every = every
        self._written = time.monotonic()
        self._record: RunRecord | None = None
        # Whether the checkpoints in the folder are of this run; those of the run before it stay
        # until it has one of its own.
        self._own = False
        self._trouble: StorageError | None = None
        self._lock = contextlib.ExitStack()

    def __enter__(self) -> RunFolder:
        """Have the folder for this run alone. Raises StorageError where another run works there."""
        check_run_folder(self.folder, f"the run folder {self._called}")
        make_folder(self.folder)
        self._lock.enter_context(folder_lock(self.folder))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._record is not None:
            self._record.writer.close()
        self._lock.close()

    @property
    def _checkpoints(self) -> Path:
        return self.folder / CHECKPOINTS

    def resume(self, like: TrainingState) -> TrainingState | None:
        """Return where an earlier run of the same training was left, or None if there is none.

        Raises ArgumentError when that run was another training.
        """
        checkpoint = self._left()
        if checkpoint is None:
            return None
        return TrainingState.restored(like, checkpoint.arrays, checkpoint.state["training"])

    def fact(self, name: str) -> Any:
        """Return what the run that was left here says of itself; None where there is no such run.

        Raises FileFormatError where all checkpoints are damaged.
        """
        checkpoint = load_latest_checkpoint(self._checkpoints)
        facts = None if checkpoint is None else checkpoint.state.get("facts")
        return (EARLIER_FACTS | facts).get(name) if isinstance(facts, dict) else None

    def planned_epochs(self) -> int | None:
        """Return how many epochs the run that is to go on was planned for; None: not known.

        Raises ArgumentError when that run was another training.
        """
        # The schedule may follow from the epochs.
        checkpoint = self._left(without=("schedule",))
        epochs = None if checkpoint is None else checkpoint.state.get("epochs")
        return epochs if isinstance(epochs, int) and epochs > 0 else None

    def _left(self, without: Collection[str] = ()) -> Checkpoint | None:
        """Return what an earlier run of the same training left, or None if there is none.

        `without`: facts that may differ.
        """
        checkpoint = load_latest_checkpoint(self._checkpoints)
        if checkpoint is None:
            return None
        facts, training = checkpoint.state.get("facts", {}), checkpoint.state.get("training")
        if not isinstance(facts, dict) or not isinstance(training, dict):
            raise FileFormatError(
                f"the checkpoint in {self._checkpoints}",
                needed="facts and the state of a training",
                got="something else",
                try_="removing it; training starts anew then",
            )
        before = EARLIER_FACTS | facts
        different = [
            name
            for name, fact in self.facts.items()
            if before.get(name) != fact and name not in without
        ]
        if different and self._latest_facts() == self.facts:
            # The last run was this one, and ended before it had a checkpoint of its own.
            return None
        if different:
            name = different[0]
            needed = f"the same {name.replace('_', ' ')} as before ({_short(before.get(name))})"
            got = _short(self.facts[name])
            if name == "data":
                # Two long sums of bytes would tell nobody anything.
                needed, got = "the very rows that it learned from", "rows that differ"
            raise ArgumentError(
                f"going on with the run in {self._called}",
                needed=needed,
                got=got,
                try_="the same data and settings, or another folder",
            )
        return checkpoint

    def _latest_facts(self) -> dict[str, Any] | None:
        """Return what the record says about the last run here; None where it says nothing."""
        with contextlib.suppress(MisstepError):
            return read_record(self.folder / RECORD).facts
        return None

    def open(self, state: TrainingState, resumed: bool) -> RunRecord:
        """Return the record, opened; a fresh run puts aside what an earlier one left."""
        record, before = self.folder / RECORD, self.folder / RECORD_BEFORE
        # Of a run that was killed, or had no disk any more, as it began.
        remove_abandoned(record)
        try:
            _beside(before).unlink(missing_ok=True)
            if resumed:
                self._bring_back(state.update)
            elif record.exists() and (not before.exists() or self._has_checkpoint(record)):
                # That of a run which ended before it had a checkpoint must not replace another's.
                _put_aside(record, before)
        except OSError as error:
            raise StorageError.of_writing(f"{self._called}", error) from error
        make_folder(self._checkpoints)
        self._own = resumed
        if not resumed:
            # Whole at once in the place of another's: whose run is the latest is always known.
            write_text(record, start_line(self.facts))
        writer = RecordWriter(record, self.facts)
        writer.sync()
        # No checkpoint outlives a power cut without the record that it belongs to.
        sync_folder(self.folder)
        self._record = RunRecord(writer, state.update, state.epoch)
        if resumed:
            if "record" in state.watching:
                self._record.restore(state.watching["record"])
            writer.resumed(state.update, state.epoch)
        return self._record

    def _bring_back(self, update: int) -> None:
        """Take the record of the run before again, if the checkpoint at `update` is of that one.

        So it is when the run since then ended before it had a checkpoint.
        """
        record, before = self.folder / RECORD, self.folder / RECORD_BEFORE
        if not before.exists() or not update:
            return
        if record.exists() and record.samefile(before):
            # A run that was killed when it began had just put it aside.
            before.unlink()
        elif not _reaches(record, update) and _reaches(before, update):
            before.replace(record)

    def _has_checkpoint(self, record: Path) -> bool:
        """Return whether the latest checkpoint is of the run that wrote `record`."""
        with contextlib.suppress(MisstepError, KeyError, TypeError):
            latest = load_latest_checkpoint(self._checkpoints)
            if latest is not None:
                same = read_record(record).facts == latest.state["facts"]
                return same and _reaches(record, int(latest.state["training"]["update"]))
        return False

    def updates(self, state: TrainingState) -> None:
        """Write a checkpoint, when it is time."""
        if self.every is not None:
            if state.update % self.every == 0:
                self.checkpoint(state)
        elif time.monotonic() - self._written > CHECKPOINT_SECONDS:
            self.checkpoint(state)

    def epoch(self, state: TrainingState) -> None:
        """Write a checkpoint after an epoch, if the last one is a while ago."""
        if self.every is None and time.monotonic() - self._written > CHECKPOINT_SECONDS / 30:
            self.checkpoint(state)

    def checkpoint(self, state: TrainingState) -> None:
        """Write a checkpoint; where there is no room for one, training goes on without."""
        if self._record is not None:
            self._record.flush_whole()
            self._record.writer.sync()
        document = {"facts": self.facts, "training": state.document(), "epochs": self.epochs}
        # Batches seen, not updates: with accumulation, a checkpoint may lie between two updates.
        arrays = state.arrays()
        self._written = time.monotonic()
        try:
            save_checkpoint(self._checkpoints, state.draw, arrays, document, first=not self._own)
        except StorageError as error:
            self._trouble = error
        else:
            self._own, self._trouble = True, None

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be written: the latest checkpoint, or the end of the record."""
        told = []
        if self._trouble is not None:
            told.append(f"the latest checkpoint could not be written: {self._trouble}")
        trouble = None if self._record is None else self._record.writer.trouble
        if trouble is not None:
            told.append(f"the end of the record could not be written: {trouble}")
        return tuple(told)


def _beside(before: Path) -> Path:
    return before.with_name(f".{before.name}{TEMPORARY}")


def _put_aside(record: Path, before: Path) -> None:
    """Let a record stand in the place of the one before, too, until another is in its own."""
    beside = _beside(before)
    try:
        beside.hardlink_to(record)
    except OSError:
        # A disk without links.
        record.replace(before)
        return
    beside.replace(before)
    # Where both were the same file already, it is still there.
    beside.unlink(missing_ok=True)


def _reaches(record: Path, update: int) -> bool:
    """Return whether a record tells of so many updates."""
    with contextlib.suppress(MisstepError):
        return len(read_record(record).steps["step"]) >= update
    return False


def _short(fact: Any) -> str:
    words = repr(fact)
    return words if len(words) <= 120 else words[:117] + "…"
