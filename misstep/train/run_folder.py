"""The folder of a run: its record, and the checkpoints that training can go on from.

It belongs to one run at a time, and nothing in it that is not of runs is ever touched.
"""

from __future__ import annotations

import contextlib
import math
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from misstep.errors import ArgumentError, MisstepError, StorageError
from misstep.ir import Array
from misstep.record import RecordWriter, is_record, read_record
from misstep.storage import (
    folder_lock,
    foreign_files,
    load_latest_checkpoint,
    make_folder,
    save_checkpoint,
)
from misstep.train.ending import Ending
from misstep.train.state import TrainingState, Values

# Seconds between checkpoints in the middle of an epoch, when no number of updates is asked for.
CHECKPOINT_SECONDS = 30.0
# Steps that wait at most before they are written to the record.
STEPS_TOGETHER = 1000
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
EARLIER_FACTS: dict[str, Any] = {"shuffle": True, "frozen": []}


class RunFolder:
    """Writes the record and the checkpoints of one run. Raises StorageError when it can't.

    Within `with`, the folder is this run's alone. `facts`: what the record says about the run, and
    what a checkpoint must agree with: nothing that changes the numbers of training may differ when
    a run goes on; there before `open`.
    """

    facts: dict[str, Any]

    def __init__(self, folder: Path | str, every: int | None) -> None:
        if every is not None and (not isinstance(every, int) or every < 1):
            raise ArgumentError(
                "checkpoint_every", needed="a number of updates, or None", got=repr(every)
            )
        self.folder = Path(folder)
        self.facts = {}
        self.every = every
        self._written = time.monotonic()
        self._writer: RecordWriter | None = None
        self._losses: list[float] = []
        self._learning_rates: list[float] = []
        self._learning_rate = math.nan
        self._first = 1
        # Whether the checkpoints in the folder are of this run; those of the run before it stay
        # until it has one of its own.
        self._own = False
        self._trouble: StorageError | None = None
        self._lock = contextlib.ExitStack()

    def __enter__(self) -> RunFolder:
        """Have the folder for this run alone. Raises StorageError where another run works there."""
        check_run_folder(self.folder, f"the run folder {self.folder}")
        make_folder(self.folder)
        self._lock.enter_context(folder_lock(self.folder))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        self._lock.close()

    @property
    def _checkpoints(self) -> Path:
        return self.folder / CHECKPOINTS

    def resume(self, like: TrainingState) -> TrainingState | None:
        """Return where an earlier run of the same training was left, or None if there is none.

        Raises ArgumentError when that run was another training.
        """
        checkpoint = load_latest_checkpoint(self._checkpoints)
        if checkpoint is None:
            return None
        before = EARLIER_FACTS | checkpoint.state.get("facts", {})
        different = [name for name, fact in self.facts.items() if before.get(name) != fact]
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
                f"going on with the run in {self.folder}",
                needed=needed,
                got=got,
                try_="the same data and settings, or another folder",
            )
        return TrainingState.restored(like, checkpoint.arrays, checkpoint.state["training"])

    def _latest_facts(self) -> dict[str, Any] | None:
        """Return what the record says about the last run here; None where it says nothing."""
        with contextlib.suppress(MisstepError):
            return read_record(self.folder / RECORD).facts
        return None

    def open(self, state: TrainingState, resumed: bool) -> RecordWriter:
        """Return the record, opened; a fresh run puts aside what an earlier one left."""
        record, before = self.folder / RECORD, self.folder / RECORD_BEFORE
        try:
            if resumed:
                self._bring_back(state.update)
            elif record.exists():
                # That of a run which ended before it had a checkpoint must not replace another's.
                if before.exists() and not self._has_checkpoint(record):
                    record.unlink()
                else:
                    record.replace(before)
        except OSError as error:
            raise StorageError(f"the run folder {self.folder}", got=str(error)) from error
        make_folder(self._checkpoints)
        self._own = resumed
        self._writer = RecordWriter(record, self.facts)
        if resumed:
            self._writer.resumed(state.update, state.epoch)
        self._first = state.update + 1
        return self._writer

    def _bring_back(self, update: int) -> None:
        """Take the record of the run before again, if the checkpoint at `update` is of that one.

        So it is when the run since then ended before it had a checkpoint.
        """
        record, before = self.folder / RECORD, self.folder / RECORD_BEFORE
        if not before.exists() or not update:
            return

        if not _reaches(record, update) and _reaches(before, update):
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
        """Write the steps, and a checkpoint, when it is time."""
        if len(self._losses) >= STEPS_TOGETHER:
            self.flush()
        if self.every is not None:
            if state.update % self.every == 0:
                self.checkpoint(state)
        elif time.monotonic() - self._written > CHECKPOINT_SECONDS:
            self.checkpoint(state)

    def remember(self, losses: Array, learning_rates: Array) -> None:
        """Keep losses and learning rates of updates, to be written with the next ones."""
        self._losses += losses.tolist()
        self._learning_rates += learning_rates.tolist()

    def flush(self) -> None:
        """Write the steps that wait."""
        if self._losses:
            self._record.steps(self._first, self._losses, self._learning_rates)
            self._first += len(self._losses)
            self._learning_rate = self._learning_rates[-1]
            self._losses, self._learning_rates = [], []

    def epoch(self, state: TrainingState, values: Values) -> None:
        """Write the numbers of an epoch; and a checkpoint, if the last one is a while ago."""
        self.flush()
        numbers = {name: value for name, value in values.items() if name != "epoch"}
        self._record.epoch(state.epoch, state.update, numbers)
        if self.every is None and time.monotonic() - self._written > CHECKPOINT_SECONDS / 30:
            self.checkpoint(state)

    def checkpoint(self, state: TrainingState) -> None:
        """Write a checkpoint; where there is no room for one, training goes on without."""
        self.flush()
        document = {"facts": self.facts, "training": state.document()}
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
        if self._writer is not None and self._writer.trouble is not None:
            told.append(f"the end of the record could not be written: {self._writer.trouble}")
        return tuple(told)

    def close(self, state: TrainingState, ending: Ending) -> None:
        """Write why training ended, with what there is of an epoch broken off; close the record."""
        self.flush()
        failed = ending.failed
        step = int(ending.facts["update"]) if failed else state.update
        if state.batch or failed:
            # Before any batch was done there is but the loss that failed.
            loss = state.mean_loss if state.batch else float(ending.facts["loss"])
            values = {"training_loss": loss}
            if math.isfinite(self._learning_rate):
                values["learning_rate"] = self._learning_rate
            self._record.epoch(state.epoch + 1, step, values, partial=True)
        event = "finished" if ending.planned else "stopped"
        facts = {"cause": ending.cause.value, **ending.facts}
        self._record.event(event, str(ending), step=step, facts=facts)
        self._record.close()

    @property
    def _record(self) -> RecordWriter:
        """Return the open record."""
        assert self._writer is not None
        return self._writer


def _reaches(record: Path, update: int) -> bool:
    """Return whether a record tells of so many updates."""
    with contextlib.suppress(MisstepError):
        return len(read_record(record).steps["step"]) >= update
    return False


def _short(fact: Any) -> str:
    words = repr(fact)
    return words if len(words) <= 120 else words[:117] + "…"
