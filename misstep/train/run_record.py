"""`RunRecord`: what one training writes down as it goes, in memory and in a file where it has one.

Knows the state of a training and the writer of records; nothing of folders and checkpoints.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from misstep.errors import FileFormatError
from misstep.ir import Array
from misstep.record import SIGNALS, Record, RecordWriter, Thinning
from misstep.train.ending import Ending
from misstep.train.state import TrainingState, Values

# Steps that wait at most before they are written, and seconds after which an epoch's end writes
# them: whoever reads the file of a run going on is so far behind.
STEPS_TOGETHER = 1000
SECONDS_TOGETHER = 0.5
# Epochs that are written one by one, before every second, every fourth … is.
EPOCHS_ONE_BY_ONE = 500


class RunRecord:
    """Writes down what becomes of a training that goes on from `update` updates, `epoch` epochs."""

    def __init__(self, writer: RecordWriter, update: int, epoch: int) -> None:
        self.writer = writer
        self._losses: list[Array] = []
        self._learning_rates: list[Array] = []
        self._waiting = 0
        self._written = time.monotonic()
        self._learning_rate = math.nan
        self._first = update + 1
        self._first_epoch = epoch
        self._epochs = Thinning(EPOCHS_ONE_BY_ONE)
        self._left_out: tuple[int, int, Values] | None = None

    def memory(self) -> dict[str, Any]:
        """Return what a run that goes on must know to write down what it would have written."""
        return {
            "first_epoch": self._first_epoch,
            "kept": self._epochs.memory(),
            "left_out": None if self._left_out is None else list(self._left_out),
        }

    def restore(self, memory: Any) -> None:
        """Take back what `memory()` returned. Raises FileFormatError for what it can't be."""
        try:
            self._first_epoch = int(memory["first_epoch"])
            self._epochs.restore(memory["kept"])
            left_out = memory["left_out"]
            if left_out is not None:
                number, update, numbers = left_out
                numbers = {str(name): float(value) for name, value in numbers.items()}
                self._left_out = int(number), int(update), numbers
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise FileFormatError(
                "what a checkpoint says of the record",
                needed="what was said there",
                got=repr(error),
            ) from error

    @property
    def record(self) -> Record:
        """Return all that is written so far."""
        return self.writer.record

    def remember(self, losses: Array, learning_rates: Array) -> None:
        """Keep losses and learning rates of updates, to be written with the next ones."""
        self._losses.append(losses)
        self._learning_rates.append(learning_rates)
        self._waiting += len(losses)
        if self._waiting >= STEPS_TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Write the steps that wait."""
        if self._waiting:
            learning_rates = np.concatenate(self._learning_rates)
            self.writer.steps(self._first, np.concatenate(self._losses), learning_rates)
            self._first += self._waiting
            self._learning_rate = float(learning_rates[-1])
        self._losses, self._learning_rates, self._waiting = [], [], 0
        self._written = time.monotonic()

    def flush_whole(self) -> None:
        """Write all that waits, as before a checkpoint."""
        self.flush()
        self.writer.flush()

    def epoch(self, state: TrainingState, values: Values) -> None:
        """Write the numbers of an epoch; of very many epochs some."""
        if time.monotonic() - self._written > SECONDS_TOGETHER:
            self.flush()
        # What a person's own metrics are, nobody who reads a record knows; the history keeps them.
        numbers = {name: value for name, value in values.items() if name in SIGNALS}
        self._left_out = None
        if self._epochs.keeps(state.epoch - self._first_epoch - 1):
            self.writer.epoch(state.epoch, state.update, numbers)
        else:
            self._left_out = state.epoch, state.update, numbers

    def close(self, state: TrainingState, ending: Ending) -> None:
        """Write why training ended, with what there is of an epoch broken off; close the record."""
        self.flush()
        if self._left_out is not None:
            number, update, numbers = self._left_out
            self.writer.epoch(number, update, numbers)
        failed = ending.failed
        step = int(ending.facts["update"]) if failed else state.update
        if state.batch or failed:
            # Before any batch was done there is but the loss that failed.
            loss = state.mean_loss if state.batch else float(ending.facts["loss"])
            values = {"training_loss": loss}
            if math.isfinite(self._learning_rate):
                values["learning_rate"] = self._learning_rate
            self.writer.epoch(state.epoch + 1, step, values, partial=True)
        event = "finished" if ending.planned else "stopped"
        facts = {"cause": ending.cause.value, **ending.facts}
        self.writer.event(event, str(ending), step=step, facts=facts)
        self.writer.close()
