"""Who is told how training goes: callbacks, the progress bar, the record and the folder of the run.

Tells each of them in a fixed order, and says how many updates may pass until the next one must be
told. Knows their contracts, no particular callback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from misstep.data import Rows
from misstep.ir import Array
from misstep.record import RunDescription
from misstep.text.endings import shortened_words
from misstep.train.callbacks import Callback
from misstep.train.examinations import Examinations
from misstep.train.last_answers import EVENT, answers_at_end
from misstep.train.looks import Looks, class_recall
from misstep.train.progress import Progress
from misstep.train.run import Run
from misstep.train.run_folder import RunFolder
from misstep.train.run_record import RunRecord
from misstep.train.state import Values
from misstep.train.training import Training


@dataclass
class Listeners:
    """Those who are told. `record`: what is written down, None where nothing is.

    `looks`: into the network, None where nobody watches. `description`: what the run says of
    itself, for the record. `examinations`: of the record as it grows, where progress is shown.
    """

    callbacks: Sequence[Callback]
    progress: Progress
    folder: RunFolder | None
    record: RunRecord | None = None
    looks: Looks | None = None
    description: RunDescription | None = None
    examinations: Examinations | None = field(default=None, init=False)

    @property
    def restore_best(self) -> bool:
        """Return whether one of them wants the best weights in the end."""
        return any(callback.restore_best for callback in self.callbacks)

    @property
    def every_update(self) -> bool:
        """Return whether one of them must be told of every update."""
        return any(type(each).on_update is not Callback.on_update for each in self.callbacks)

    def updates_until_next(self, update: int) -> list[int]:
        """Return how many updates may pass until each of those must be told who plan ahead."""
        planned = [callback.planned_update(update) for callback in self.callbacks]
        limits = [next_update - update for next_update in planned if next_update is not None]
        if self.looks is not None:
            limits.append(self.looks.until_next(update))
        every = None if self.folder is None else self.folder.every
        return [*limits, every - update % every] if every else limits

    def start(self, training: Training, epochs: int, batches: int) -> None:
        """Tell that training starts or goes on, for `epochs` in all, of `batches` each."""
        for callback in self.callbacks:
            callback.on_training_start(training)
        state = training.state
        if self.folder is not None:
            self.record = self.folder.open(state, training.resumed)
        if self.record is not None:
            training.record, training.run_record = self.record.writer, self.record
            if self.progress.shows:
                self.examinations = Examinations(self.record.record, self.progress)
        if self.looks is not None:
            self.looks.begin(state, training.resumed)
        if self.description is not None and training.record is not None and not training.resumed:
            training.record.describe(self._described(training))
        self.progress.start(state.epoch + 1, epochs, batches, state.epoch * batches + state.batch)

    def batches(self, training: Training, rows: int) -> None:
        """Tell of batches of so many rows together."""
        state = training.state
        self.progress.batch(state.epoch + 1, state.batch, rows, state.mean_loss)

    def _described(self, training: Training) -> RunDescription:
        """Return the description with the loss before the first update."""
        assert self.description is not None
        if self.looks is None or training.update:
            return self.description
        self.looks.look(training.state)
        return replace(self.description, start_loss=self.looks.latest["probe_loss", ""])

    def before_update(self, training: Training) -> bool:
        """Look into the network where it is time; tell whether this was done, or is due."""
        looks = self.looks
        if looks is None or training.state.accumulated:
            return looks is not None and looks.is_waiting
        if looks.due(training.update):
            looks.look(training.state)
        return looks.is_waiting

    def _write_look(self, training: Training) -> None:
        """Write down what the latest look saw, once the update behind it is done."""
        seen = None if self.looks is None else self.looks.measures(training.state)
        if seen is not None and training.record is not None:
            training.record.measures(*seen)
            self._examine()

    def _examine(self) -> None:
        """Examine what is written down, where that is shown and it is time."""
        if self.examinations is None or self.record is None:
            return
        if self.examinations.is_due:
            self.record.flush()
            self.examinations.consider()

    def validation(self, training: Training, predicted: Array) -> None:
        """Write down how validation rows of each class fared, where somebody watches."""
        judged = training.validation
        if self.looks is None or training.record is None or judged is None:
            return
        if training.loss.score_name == "accuracy" and self.looks.keeps_epoch(training.epoch):
            shares = class_recall(predicted, judged.y)
            if shares:
                training.record.measures(training.update, shares)

    def updates(self, training: Training, losses: Array, learning_rates: Array) -> None:
        """Tell of updates, the last ones up to `training.update`."""
        before = training.update - len(losses)
        if self.record is not None:
            self.record.remember(losses, learning_rates)
        self._write_look(training)
        for callback in self.callbacks:
            callback.on_update(training)
            if callback.planned_update(before) == training.update:
                callback.on_planned_update(training)
        if self.folder is not None:
            self._remember(training)
            self._remember_watching(training)
            self.folder.updates(training.state)

    def failure(self, losses: Array, learning_rates: Array) -> None:
        """Write down the loss that was no finite number, (1,), of an update that was not done."""
        if self.record is not None:
            self.record.remember(losses, learning_rates)

    def epoch(self, training: Training, values: Values, clipped_share: float | None) -> None:
        """Tell of an epoch's end. `clipped_share`: of its updates, where the steps found it out."""
        self.progress.epoch(training.epoch, values)
        for callback in self.callbacks:
            callback.on_epoch_end(training)
        self._remember(training)
        if self.record is not None:
            if clipped_share is None and self.looks is not None:
                clipped_share = self.looks.clipped_share
            more = {} if clipped_share is None else {"clipped_share": clipped_share}
            self.record.epoch(training.state, values | more)
        self._examine()
        if self.folder is not None:
            self._remember_watching(training)
            self.folder.epoch(training.state)

    def shortened(self, training: Training, epochs: int) -> None:
        """Tell that training will end after so many epochs, before those that were planned."""
        words = shortened_words(training.epoch, epochs)
        self.progress.shorten(epochs)
        self.progress.note(words)
        if training.record is not None:
            facts = {"learned": training.epoch, "epochs": epochs}
            training.record.event("shortened", words, facts=facts)

    def checkpoint(self, training: Training) -> None:
        """Write down all that training could go on from."""
        if self.folder is not None:
            self._remember_watching(training)
            self.folder.checkpoint(training.state)

    def last_look(self, training: Training) -> None:
        """Look a last time, at the weights of the last update."""
        if self.looks is None or training.record is None:
            return
        waiting = self.looks.waiting()
        if waiting is not None:
            training.record.measures(*waiting)
        elif training.update or training.ending is None or training.ending.failed:
            training.record.measures(training.update, self.looks.measured(training.state))

    def last_answers(self, training: Training, rows: Rows, learned: int) -> None:
        """Write down what the network thinks of answers, with the weights that it ended with.

        `rows`: to learn from; `learned`: how many were learned from, counted each time.
        """
        if self.looks is None or training.record is None:
            return
        facts = answers_at_end(training, rows, learned, compiling=self.looks.is_compiled)
        if facts is not None:
            training.record.event(EVENT, "what the network thinks of answers", facts=facts)

    def end(self, training: Training) -> None:
        """Tell that training is over, with the weights that it ended with."""
        for callback in self.callbacks:
            callback.on_training_end(training)
        self.close(training)

    def close(self, training: Training) -> None:
        """Write down why training ended, and close the record."""
        if self.record is not None and training.ending is not None:
            self.record.close(training.state, training.ending)

    def complete(self, run: Run) -> Run:
        """Return the run with what callbacks add to it."""
        for callback in self.callbacks:
            run = callback.contribute(run)
        return run

    def _remember(self, training: Training) -> None:
        training.state.callbacks = [callback.state() for callback in self.callbacks]

    def _remember_watching(self, training: Training) -> None:
        watching = {"looks": self.looks, "record": self.record}
        training.state.watching = {
            name: one.memory() for name, one in watching.items() if one is not None
        }
