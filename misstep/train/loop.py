"""The training loop: epochs of batches, each batch one run of the step program.

Reads top to bottom: `Loop.run` goes through epochs, `_epoch` through batches, `_advance` takes
steps until somebody must be told. Everything that the next step depends on is in `TrainingState`,
everybody who is told in `Listeners`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from misstep.data import Rows
from misstep.exchange import ALONE, Ranks
from misstep.ir import Array, one_blas_thread
from misstep.optim import Schedule, ScheduleContext
from misstep.train.agreement import Accord
from misstep.train.ending import Cause, Ending
from misstep.train.interruption import Interruption
from misstep.train.journal import Call, Journal, all_finite, weights_finite
from misstep.train.listeners import Listeners
from misstep.train.metrics import Metric, scores_by
from misstep.train.ordering import epoch_indices
from misstep.train.pace import Pace
from misstep.train.provenance import Provenance, provenance_of
from misstep.train.run import Run
from misstep.train.shards import judged_together, threads_here
from misstep.train.state import Values
from misstep.train.stepping import Stepper, Steps
from misstep.train.training import Training


@dataclass(kw_only=True)
class Loop(Training):
    """A training, with all that it needs to go on.

    `epochs`: in all, those behind us too. `repeats_per_epoch`: how often an epoch goes through the
    rows. `batch_size`: in rows. `accumulate`: batches that make one update. `mixing`: whether rows
    are mixed with others. `metrics`: what else validation rows are judged by. The rest as in
    `Trainer`, resolved to numbers.
    """

    rows: Rows
    stepper: Stepper
    listeners: Listeners
    epochs: int
    repeats_per_epoch: int
    batch_size: int
    accumulate: int
    learning_rate: float
    schedule: Schedule
    seed: int
    shuffle: bool = True
    pace: Pace = field(default_factory=Pace)
    mixing: bool = False
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    # Those who train together; all take the same steps. Into how many shards batches are cut.
    ranks: Ranks = ALONE
    shards: int = 1
    journal: Journal = field(default_factory=Journal)
    provenance: Provenance | None = None
    # What is left of a training whose loss, or weights, are no longer finite.
    _last_finite: tuple[Array, Array] | None = None

    def run(self) -> Run:
        """Train until the epochs are done or somebody stops it; return what came of it."""
        self._accord = Accord(self.ranks)
        self.listeners.start(self, self.epochs, self.batches)
        self._begun_finite = weights_finite(self.state)
        if self.resumed and self.schedule.last_epoch(self.state.memory) == self.epoch:
            self.stop(Ending(Cause.LEARNED, {"epochs": self.epoch}))
        try:
            with one_blas_thread(), Interruption() as self._interruption:
                while self.epoch < self.epochs and self.ending is None:
                    self._epoch()
                    self.ending = self._accord.ending(self.ending)
                if self._was_late():
                    self.ending = None
                self.stop(Ending(Cause.EPOCHS_DONE, {"epochs": self.epochs}))
                self.listeners.last_look(self)
                self.listeners.checkpoint(self)
        except BaseException as error:
            self.ending = Ending(Cause.ERROR, {"name": type(error).__name__})
            self.listeners.close(self)
            raise
        finally:
            best_epoch = self._settle()
            self.listeners.progress.finish()
        self.listeners.last_answers(self, self.rows, self.epoch * self.rows_per_epoch)
        self.listeners.end(self)
        return self._result(best_epoch)

    def _was_late(self) -> bool:
        """Tell whether the time was over only after the last update: nothing was cut short."""
        over = self.ending is not None and self.ending.cause is Cause.TIME_OVER
        return over and self.epoch >= self.epochs

    def _epoch(self) -> None:
        """Go through the batches of an epoch, or of what is left of it; judge it."""
        state, began = self.state, time.perf_counter()
        state.start_epoch()
        order = self._order()
        while state.batch < self.batches:
            failed = self._advance(order)
            asked = self._interruption.requested and not failed
            signal = self._interruption.signal if asked else None
            self.ending = self._accord.ending(self.ending, signal)
            if self.ending is not None and (state.batch < self.batches or failed):
                state.seconds += time.perf_counter() - began
                return
        clipped_share = state.clipped_share
        values = self._close_epoch(time.perf_counter() - began)
        self.listeners.epoch(self, values, clipped_share)

    def _advance(self, order: Array) -> bool:
        """Learn from the next batches in `order`; tell whether a loss was not finite."""
        state = self.state
        start = state.batch * self.batch_size
        size = min(self.batch_size, len(order) - start)
        looking = self.listeners.before_update(self)
        count = self._accord.batches(self._batches_together(looking=looking))
        learn = self._update if self.accumulate == 1 else self._accumulate
        steps = learn(order[start : start + count * size], count)
        if steps.not_finite is not None:  # last, since it names the update behind those done
            self._fail(Cause.LOSS_NOT_FINITE, steps.not_finite)
        elif state.batch == self.batches and not weights_finite(state) and self._begun_finite:
            self._fail(Cause.WEIGHTS_NOT_FINITE, float(steps.losses[-1]))
        elif state.batch == self.batches and not all_finite(state) and self.journal.begun_finite:
            # It learns on, but for parameters whose moments are infinite.
            self._find_provenance()
            self.journal.stop()
        return self.ending is not None and self.ending.failed

    def _update(self, indices: Array, count: int) -> Steps:
        """Update the weights by each of `count` batches of the rows at `indices`."""
        learning_rates = self._learning_rates(count)
        self._journal("update", indices, learning_rates, count)
        steps = self.stepper.update(self.state, indices, learning_rates)
        self.journal.after(steps.losses)
        self._learned(steps, indices)
        self._updated(steps.losses, learning_rates[: len(steps)], steps.clipped)
        return steps

    def _accumulate(self, indices: Array, count: int) -> Steps:
        """Add up gradients of `count` batches; update the weights once there are enough."""
        state = self.state
        self._journal("accumulate", indices, np.zeros(count), count)
        steps = self.stepper.accumulate(state, indices, count)
        self.journal.after(steps.losses)
        self._learned(steps, indices)
        state.accumulated += len(steps)
        enough = state.accumulated >= self.accumulate or state.batch >= self.batches
        if len(steps) and enough:
            learning_rates = self._learning_rates(1)
            self._journal("apply", indices[:0], learning_rates, 1)
            clipped = self.stepper.apply(state, learning_rates)
            self._show()
            self._updated(steps.losses[-1:], learning_rates, clipped)
        return steps

    def _journal(self, kind: str, indices: Array, learning_rates: Array, batches: int) -> None:
        """Note a call of the stepper that is about to be made."""
        state = self.state
        call = Call(kind, indices, learning_rates, batches, state.update, state.draw)
        self.journal.before(state, call)

    # --- between the steps ------------------------------------------------------------------------

    @property
    def batches(self) -> int:
        """Return the batches in an epoch."""
        return -(-self.rows_per_epoch // self.batch_size)

    @property
    def rows_per_epoch(self) -> int:
        """Return the rows that an epoch learns from, each as often as the epoch meets it."""
        return len(self.rows) * self.repeats_per_epoch

    def _order(self) -> Array:
        """Return the indices of the rows in the order of the epoch, (rows per epoch,)."""
        return epoch_indices(
            len(self.rows), self.seed, self.epoch, self.repeats_per_epoch, shuffle=self.shuffle
        )

    def _batches_together(self, *, looking: bool) -> int:
        """Return how many batches may be learned from before somebody must be told."""
        state = self.state
        full = self.rows_per_epoch // self.batch_size - state.batch
        if full < 1 or looking or self.listeners.every_update:
            return 1
        if self.accumulate > 1:
            return min(full, self.accumulate - state.accumulated)
        return min(full, self.pace.steps, *self.listeners.updates_until_next(state.update))

    def _learning_rates(self, count: int) -> Array:
        """Return the learning rates of the next updates, (count,) float64."""
        factors = self.schedule.factors(self._context(), count, self.state.memory)
        return self.learning_rate * factors

    def _context(self) -> ScheduleContext:
        """Return where training stands, as schedules go by it."""
        updates = -(-self.batches // self.accumulate)
        return ScheduleContext(self.update, updates, updates * self.epochs)

    def _learned(self, steps: Steps, indices: Array) -> None:
        """Add what was learned from to the sums of the epoch, and tell of it."""
        self._show()
        self.pace.record(len(steps), steps.seconds)
        if len(steps):
            self.state.add_batches(steps.losses, steps.weights)
            self.listeners.batches(self, len(indices))

    def _updated(self, losses: Array, learning_rates: Array, clipped: float | None) -> None:
        """Count updates, and those whose gradient was `clipped`, and tell of them."""
        if len(losses):
            if clipped is not None:
                self.state.count_clipped(clipped, len(losses))
            self.state.update += len(losses)
            self.listeners.updates(self, losses, learning_rates)

    def _show(self) -> None:
        """Let the network have the numbers as they are now, for callbacks to look at."""
        self.network.parameters = self.state.parameters
        self.network.buffers = self.state.buffers

    def _fail(self, cause: Cause, loss: float) -> None:
        """End training, say where the first number came from that is not finite."""
        learning_rates = self._learning_rates(1)
        # A loss that is not finite is of the update that is not done.
        lost = cause is Cause.LOSS_NOT_FINITE
        facts = {
            "loss": loss,
            "update": self.update + (1 if lost else 0),
            "learning_rate": float(learning_rates[0]),
        }
        self.ending = Ending(cause, facts)
        if lost:
            self.listeners.failure(np.array([loss]), learning_rates)
        self.listeners.progress.note(str(self.ending))
        self._find_provenance()

    def _find_provenance(self) -> None:
        """Find the first step that left a number which is not finite; keep the weights before."""
        # Each rank for itself: which steps are taken again goes by its own clock.
        stepper = self.stepper.by_itself()
        moment = self.journal.first_bad(stepper, self.state)
        if moment is None or self.provenance is not None:
            return
        if weights_finite(moment.state) and not self._was_diverging():
            self._last_finite = moment.state.parameters, moment.state.buffers
        self.provenance = provenance_of(stepper, moment, self.mixing)
        if self.provenance is not None:
            self.listeners.progress.note(str(self.provenance))
            if self.record is not None:
                words, facts = str(self.provenance), self.provenance.facts()
                self.record.event("provenance", words, **facts)

    def _was_diverging(self) -> bool:
        """Tell whether the losses before the failure were far above those that training began with.

        The weights of then are finite numbers, and worth less than those before the epoch.
        """
        recent = np.array(self.state.recent)
        recent = recent[np.isfinite(recent)]
        if not len(recent):
            return False
        before = self.history[-1]["training_loss"] if self.history else self.state.first_loss
        return float(np.median(recent)) > before + abs(before)

    # --- the end of an epoch and of training ------------------------------------------------------

    def _close_epoch(self, seconds: float) -> Values:
        """Judge the epoch that just ended and start the next one's sums."""
        state = self.state
        values: Values = {
            "epoch": state.epoch + 1,
            "training_loss": state.mean_loss,
            "learning_rate": float(self._learning_rates(1)[0]),
        }
        state.epoch += 1
        if self.validation is not None:
            self._show()  # a callback may have given the network other numbers
            scores, predicted = self._judged(self.validation)
            self.listeners.validation(self, predicted)
            scores = scores_by(self.metrics, self.validation.y, predicted) | scores
            values |= {f"validation_{name}": score for name, score in scores.items()}
            state.keep_if_best(values["validation_loss"])
        self._let_schedule_hear(values)
        values["seconds"] = seconds
        values["rows_per_second"] = self.rows_per_epoch / max(seconds, 1e-9)
        state.close_epoch(values)
        return values

    def _judged(self, rows: Rows) -> tuple[dict[str, float], Array]:
        """Return what `evaluate` returns; where batches are cut into shards, ranks share it out."""
        if self.shards == 1:
            return self.evaluate(rows)
        inference = self.network.inference(self.compiling)
        threads = threads_here(self.threads, self.ranks)
        return judged_together(inference, rows, self.loss, threads, self.shards, self.ranks)

    def _let_schedule_hear(self, values: Values) -> None:
        """Let the schedule know of an epoch; end training where it says that this was the last."""
        state, schedule = self.state, self.schedule
        before = schedule.last_epoch(state.memory)
        state.memory = schedule.hear(values, state.memory, self._context())
        last = schedule.last_epoch(state.memory)
        if last is not None and before is None:
            self.listeners.shortened(self, last)
        if last == state.epoch:
            self.stop(Ending(Cause.LEARNED, {"epochs": last}))

    def _settle(self) -> int | None:
        """Give the network its final weights; return the epoch they come from if not the last."""
        state, ending = self.state, self.ending
        assert ending is not None
        parameters, buffers, epoch = state.parameters, state.buffers, None
        if state.best is not None and (self.listeners.restore_best or ending.cut_short):
            parameters, buffers = state.best.parameters, state.best.buffers
            if state.best.epoch != state.epoch or state.batch > 0:
                epoch = state.best.epoch
        elif ending.failed:
            left = self._last_finite or state.epoch_start
            parameters, buffers = left or (parameters, buffers)
        # The network's own copy: a person may write into it.
        self.network.parameters = np.array(parameters)
        self.network.buffers = np.array(buffers)
        return epoch

    def _result(self, best_epoch: int | None) -> Run:
        assert self.ending is not None
        folder = self.listeners.folder
        run = Run(
            history=[dict(values) for values in self.history],
            ending=self.ending,
            updates=self.update,
            seconds=self.state.seconds,
            best_epoch=best_epoch,
            folder=None if folder is None else folder.folder,
            notes=() if folder is None else folder.notes,
            record=None if self.listeners.record is None else self.listeners.record.record,
            provenance=self.provenance,
        )
        return self.listeners.complete(run)
