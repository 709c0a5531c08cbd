"""The folder of a run: its record, and the checkpoints that training can go on from."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from misstep.errors import ArgumentError, StorageError
from misstep.ir import Array
from misstep.record import RecordWriter
from misstep.storage import load_latest_checkpoint, make_folder, save_checkpoint
from misstep.train.ending import Ending
from misstep.train.state import TrainingState, Values

# Seconds between checkpoints in the middle of an epoch, when no number of updates is asked for.
CHECKPOINT_SECONDS = 30.0
# Steps that wait at most before they are written to the record.
STEPS_TOGETHER = 1000


class RunFolder:
    """Writes the record and the checkpoints of one run. Raises StorageError when it can't.

    `facts`: what the record says about the run, and what a checkpoint must agree with: nothing that
    changes the numbers of training may differ when a run goes on.
    """

    def __init__(self, folder: Path | str, facts: dict[str, Any], every: int | None) -> None:
        if every is not None and (not isinstance(every, int) or every < 1):
            raise ArgumentError(
                "checkpoint_every", needed="a number of updates, or None", got=repr(every)
            )
        self.folder = Path(folder)
        self.facts = facts
        self.every = every
        self._written = time.monotonic()
        self._writer: RecordWriter | None = None
        self._losses: list[float] = []
        self._learning_rates: list[float] = []
        self._first = 1
        make_folder(self.folder)

    @property
    def _checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    def resume(self, like: TrainingState) -> TrainingState | None:
        """Return where an earlier run of the same training was left, or None if there is none.

        Raises ArgumentError when that run was another training.
        """
        checkpoint = load_latest_checkpoint(self._checkpoints)
        if checkpoint is None:
            return None
        before = checkpoint.state.get("facts", {})
        different = [name for name, fact in self.facts.items() if before.get(name) != fact]
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

    def open(self, state: TrainingState, resumed: bool) -> RecordWriter:
        """Return the record, opened; a fresh run puts aside what an earlier one left."""
        record = self.folder / "record.jsonl"
        try:
            if not resumed:
                if record.exists():
                    record.replace(self.folder / "record.before.jsonl")
                if self._checkpoints.exists():
                    shutil.rmtree(self._checkpoints)
        except OSError as error:
            raise StorageError(f"the run folder {self.folder}", got=str(error)) from error
        make_folder(self._checkpoints)
        self._writer = RecordWriter(record, self.facts)
        if resumed:
            self._writer.resumed(state.update, state.epoch)
        self._first = state.update + 1
        return self._writer

    def steps(self, state: TrainingState, losses: Array, learning_rates: Array) -> None:
        """Keep losses and learning rates of updates; write a checkpoint when it is time."""
        self._losses += losses.tolist()
        self._learning_rates += learning_rates.tolist()
        if len(self._losses) >= STEPS_TOGETHER:
            self.flush()
        if self.every is not None:
            if state.update % self.every == 0:
                self.checkpoint(state)
        elif time.monotonic() - self._written > CHECKPOINT_SECONDS:
            self.checkpoint(state)

    def flush(self) -> None:
        """Write the steps that wait."""
        if self._losses:
            self._record.steps(self._first, self._losses, self._learning_rates)
            self._first += len(self._losses)
            self._losses, self._learning_rates = [], []

    def epoch(self, state: TrainingState, values: Values) -> None:
        """Write the numbers of an epoch; and a checkpoint, if the last one is a while ago."""
        self.flush()
        numbers = {name: value for name, value in values.items() if name != "epoch"}
        self._record.epoch(state.epoch, state.update, numbers)
        if self.every is None and time.monotonic() - self._written > CHECKPOINT_SECONDS / 30:
            self.checkpoint(state)

    def checkpoint(self, state: TrainingState) -> None:
        """Write a checkpoint."""
        self.flush()
        document = {"facts": self.facts, "training": state.document()}
        # Batches seen, not updates: with accumulation, a checkpoint may lie between two updates.
        save_checkpoint(self._checkpoints, state.draw, state.arrays(), document)
        self._written = time.monotonic()

    def close(self, state: TrainingState, ending: Ending) -> None:
        """Write why training ended, and close the record."""
        self.flush()
        event = "finished" if ending.planned else "stopped"
        self._record.event(event, str(ending), step=state.update)
        self._record.close()

    @property
    def _record(self) -> RecordWriter:
        """Return the open record."""
        assert self._writer is not None
        return self._writer


def _short(fact: Any) -> str:
    words = repr(fact)
    return words if len(words) <= 120 else words[:117] + "…"
