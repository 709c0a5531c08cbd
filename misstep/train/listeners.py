"""Who is told how training goes: callbacks, the progress bar, and the folder of the run.

Tells each of them in a fixed order, and says how many updates may pass until the next one must be
told. Knows their contracts, no particular callback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from misstep.ir import Array
from misstep.train.callbacks import Callback
from misstep.train.progress import Progress
from misstep.train.run import Run
from misstep.train.run_folder import RunFolder
from misstep.train.state import Values
from misstep.train.training import Training


@dataclass(frozen=True)
class Listeners:
    """Those who are told. `probe_every`: updates between two looks into the layers; 0: never."""

    callbacks: Sequence[Callback]
    progress: Progress
    folder: RunFolder | None
    probe_every: int

    @property
    def restore_best(self) -> bool:
        """Return whether one of them wants the best weights in the end."""
        return any(callback.restore_best for callback in self.callbacks)

    def probes(self, update: int) -> bool:
        """Return whether the step behind so many updates is looked into."""
        return self.probe_every > 0 and update % self.probe_every == 0

    @property
    def every_update(self) -> bool:
        """Return whether one of them must be told of every update."""
        return any(type(each).on_update is not Callback.on_update for each in self.callbacks)

    def updates_until_next(self, update: int) -> list[int]:
        """Return how many updates may pass until each of those must be told who plan ahead."""
        planned = [callback.planned_update(update) for callback in self.callbacks]
        limits = [next_update - update for next_update in planned if next_update is not None]
        periods = [self.probe_every, None if self.folder is None else self.folder.every]
        return limits + [period - update % period for period in periods if period]

    def start(self, training: Training, epochs: int, batches: int) -> None:
        """Tell that training starts or goes on, for `epochs` in all, of `batches` each."""
        for callback in self.callbacks:
            callback.on_training_start(training)
        if self.folder is not None:
            training.record = self.folder.open(training.state, training.resumed)
        state = training.state
        self.progress.start(state.epoch + 1, epochs, batches, state.epoch * batches + state.batch)

    def batches(self, training: Training, rows: int) -> None:
        """Tell of batches of so many rows together."""
        state = training.state
        self.progress.batch(state.epoch + 1, state.batch, rows, state.mean_loss)

    def measures(self, training: Training, measures: dict[tuple[str, str], float] | None) -> None:
        """Write down what the probes of the update going on measured."""
        if training.record is not None and measures:
            training.record.measures(training.update + 1, measures)

    def updates(self, training: Training, losses: Array, learning_rates: Array) -> None:
        """Tell of updates, the last ones up to `training.update`."""
        before = training.update - len(losses)
        if self.folder is not None:
            self.folder.remember(losses, learning_rates)
        for callback in self.callbacks:
            callback.on_update(training)
            if callback.planned_update(before) == training.update:
                callback.on_planned_update(training)
        if self.folder is not None:
            self._remember(training)
            self.folder.updates(training.state)

    def failure(self, losses: Array, learning_rates: Array) -> None:
        """Write down the loss that was no finite number, (1,), of an update that was not done."""
        if self.folder is not None:
            self.folder.remember(losses, learning_rates)

    def epoch(self, training: Training, values: Values) -> None:
        """Tell of an epoch's end."""
        self.progress.epoch(training.epoch, values)
        for callback in self.callbacks:
            callback.on_epoch_end(training)
        self._remember(training)
        if self.folder is not None:
            self.folder.epoch(training.state, values)

    def checkpoint(self, training: Training) -> None:
        """Write down all that training could go on from."""
        if self.folder is not None:
            self.folder.checkpoint(training.state)

    def end(self, training: Training) -> None:
        """Tell that training is over, with the weights that it ended with."""
        for callback in self.callbacks:
            callback.on_training_end(training)
        self.close(training)

    def close(self, training: Training) -> None:
        """Write down why training ended, and close the record."""
        if self.folder is not None and training.ending is not None:
            self.folder.close(training.state, training.ending)

    def complete(self, run: Run) -> Run:
        """Return the run with what callbacks add to it."""
        for callback in self.callbacks:
            run = callback.contribute(run)
        return run

    def _remember(self, training: Training) -> None:
        training.state.callbacks = [callback.state() for callback in self.callbacks]
