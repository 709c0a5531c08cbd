"""`Ledger`: writes the record of a training loop that somebody else runs, framework aside.

Keeps losses until some can be written together, counts epochs, describes the run again as more
becomes known of it, and says in the end why it ended. Knows records and folders; no framework.
"""

from __future__ import annotations

import contextlib
import math
import time
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from misstep.doctor import Diagnosis, examine
from misstep.errors import MisstepError, StorageError
from misstep.offers import ask
from misstep.record import (
    SIGNALS,
    PartDescription,
    Record,
    RecordWriter,
    RunDescription,
    is_record,
    read_record,
)
from misstep.storage import folder_lock, make_folder
from misstep.text.endings import ending_words

# Steps that are written together, at most.
STEPS_TOGETHER = 200
# With fewer, the end of an epoch is written without them: epochs of some updates are many.
STEPS_OF_EPOCH = 100
RECORD, RECORD_BEFORE = "record.jsonl", "record.before.jsonl"
# At how many places of a run its learning rate is told, both ends among them.
PLACES = 11


class Ledger:
    """The record of one run, in `folder`, or in memory alone where that is None.

    `facts`: what its first line says. Raises StorageError for a folder that another run works in,
    or that holds files of others under the record's name; a record of an earlier run is put aside,
    unless it tells of nothing.
    """

    def __init__(self, folder: Path | str | None, facts: dict[str, Any]) -> None:
        self._lock = contextlib.ExitStack()
        self._folder = path = None if folder is None else Path(folder)
        if path is not None:
            make_folder(path)
            self._lock.enter_context(folder_lock(path))
        try:
            if path is not None:
                _put_aside(path)
            self._writer = RecordWriter(None if path is None else path / RECORD, facts)
        except BaseException:
            self._lock.close()
            raise
        self.updates = 0
        self.epochs = 0
        self.description: RunDescription | None = None
        self._losses: list[float] = []
        self._rates: list[float] = []
        self._all_rates: list[float] = []
        self._epoch_began = 0, time.perf_counter()
        self._epoch_losses: list[float] = []
        self._first_bad: tuple[int, float, float] | None = None
        self._last_loss = math.nan

    @property
    def record(self) -> Record:
        """Return all that is known so far."""
        self._flush()
        return self._writer.record

    def diagnose(self) -> Diagnosis:
        """Return what goes wrong, as far as it can be seen by now."""
        self._flush()
        return examine(self.record)

    def describe(self, description: RunDescription) -> None:
        """Write what the run says of itself, where that is not what it said before."""
        if description != self.description:
            self.description = description
            self._writer.describe(description)

    def step(self, loss: float, rate: float) -> None:
        """Count an update that was learned from a batch of this loss at this learning rate."""
        self.updates += 1
        self._losses.append(loss)
        self._rates.append(rate)
        self._all_rates.append(rate)
        self._epoch_losses.append(loss)
        self._last_loss = loss
        if not math.isfinite(loss) and self._first_bad is None:
            self._first_bad = self.updates, loss, rate
        elif math.isfinite(loss):
            self._first_bad = None
        if len(self._losses) >= STEPS_TOGETHER:
            self._flush()

    def _flush(self) -> None:
        if self._losses:
            first = self.updates - len(self._losses) + 1
            self._writer.steps(first, self._losses, self._rates)
            self._losses, self._rates = [], []

    def measures(self, update: int, measures: Mapping[tuple[str, str], float]) -> None:
        """Write what was seen after `update` updates; what is no number is left out."""
        numbers = {key: float(number) for key, number in measures.items()}
        if numbers:
            self._flush()
            self._writer.measures(update, numbers)

    def epoch(self, values: Mapping[str, float], rows: int = 0, ended: float | None = None) -> None:
        """Write that an epoch is over. `values`: what is known of it; `rows`: learned from in it.

        `ended`: when, by `time.perf_counter`; None for now.
        Without `training_loss` among them, that is the mean of the losses of its updates.
        """
        if len(self._losses) >= STEPS_OF_EPOCH:
            self._flush()
        self.epochs += 1
        began, at = self._epoch_began
        ended = time.perf_counter() if ended is None else ended
        seconds = ended - at
        numbers = {name: float(value) for name, value in values.items() if name in SIGNALS}
        if "training_loss" not in numbers and self._epoch_losses:
            numbers["training_loss"] = float(np.mean(self._epoch_losses))
        numbers["seconds"] = seconds
        if rows:
            numbers["rows_per_second"] = rows / max(seconds, 1e-9)
        if self._all_rates:
            numbers["learning_rate"] = self._all_rates[-1]
        if self.updates > began or values:
            self._writer.epoch(self.epochs, self.updates, numbers)
        self._epoch_began = self.updates, ended
        self._epoch_losses = []

    @property
    def updates_of_epoch(self) -> int:
        """Return the updates since the last epoch ended."""
        return self.updates - self._epoch_began[0]

    def close(self, error: type[BaseException] | None = None) -> None:
        """Write why training ended: an error, a loss that is no number, or that it was done."""
        self._flush()
        if self.description is not None:
            self.describe(_with_rates(self.description, self._all_rates))
        kind, cause, facts = "finished", "epochs_done", {"epochs": max(self.epochs, 1)}
        step = self.updates
        if self._first_bad is not None:
            step, loss, rate = self._first_bad
            kind, cause = "stopped", "loss_not_finite"
            facts = {"loss": loss, "update": step, "learning_rate": rate}  # type: ignore[dict-item]
        elif error is KeyboardInterrupt:
            kind, cause, facts = "stopped", "interrupted", {}
        elif error is not None:
            kind, cause = "stopped", "error"
            facts = {"name": error.__name__}  # type: ignore[dict-item]
        if self.epochs and self.updates_of_epoch and self._epoch_losses:
            values = {"training_loss": float(np.mean(self._epoch_losses))}
            self._writer.epoch(self.epochs + 1, self.updates, values, partial=True)
        words = ending_words(cause, **facts)
        self._writer.event(kind, words, step=step, facts={"cause": cause, **facts})
        self._writer.close()
        try:
            if self._writer.trouble is not None:
                words = f"the end of the record could not be written: {self._writer.trouble}"
                warnings.warn(words, RuntimeWarning, stacklevel=3)
            if self._folder is not None:
                _leave_report(self._writer.record, self._folder)
        finally:
            self._lock.close()


def _leave_report(record: Record, folder: Path) -> None:
    """Leave a page about the run beside its record; where that can't be, the loop goes on."""
    trouble = ask("report left by a watched loop")(record, folder)
    if trouble:
        warnings.warn(trouble, RuntimeWarning, stacklevel=3)


def _put_aside(folder: Path) -> None:
    """Let the record of an earlier run in `folder` be called another name."""
    record, before = folder / RECORD, folder / RECORD_BEFORE
    for path in (record, before):
        if path.exists() and not is_record(path):
            raise StorageError(
                f"watching a training into {folder}",
                needed="a folder of its own",
                got=f"one whose {path.name} is not of a run",
                try_="another folder",
            )
    try:
        if record.exists():
            # One of a loop that was killed as it began must not take the place of another.
            if before.exists() and _tells_nothing(record):
                record.unlink()
            else:
                record.replace(before)
    except OSError as error:
        raise StorageError.of_writing(f"{folder}", error) from error


def _tells_nothing(record: Path) -> bool:
    """Return whether a record has no more than the lines that a run begins with."""
    with record.open("rb") as file:
        # Nothing, or the zeros that a power cut leaves.
        if file.read(1) in (b"", b"\0"):
            return True
    with contextlib.suppress(MisstepError):
        told = read_record(record)
        return not (len(told.steps["step"]) or told.epochs or told.events)
    return False


def _with_rates(description: RunDescription, rates: list[float]) -> RunDescription:
    """Return a description that says how the learning rate went, where it moved."""
    moved = [rate for rate in rates if math.isfinite(rate)]
    if not moved or min(moved) == max(moved) or description.schedule is not None:
        return description
    base = description.optimizer.learning_rate or max(moved)
    places = [min(len(moved) - 1, place * len(moved) // (PLACES - 1)) for place in range(PLACES)]
    return replace(
        description,
        schedule=PartDescription("observed"),
        schedule_factors=tuple(moved[place] / base for place in places),
    )
