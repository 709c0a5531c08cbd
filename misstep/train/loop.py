"""The training loop: epochs of batches, each batch one run of the step program.

Reads top to bottom: `Training.run` goes through epochs, `_epoch` through batches, `_advance` takes
steps until somebody must be told. Everything that the next step depends on is in `TrainingState`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from misstep.data import Rows
from misstep.ir import Array, one_blas_thread
from misstep.nn import Network
from misstep.nn.losses import Loss
from misstep.optim import Schedule, ScheduleContext
from misstep.train.callbacks import Callback
from misstep.train.ending import Cause, Ending
from misstep.train.interruption import Interruption
from misstep.train.ordering import epoch_order
from misstep.train.pace import Pace
from misstep.train.programs import Programs
from misstep.train.progress import Progress
from misstep.train.run import Run
from misstep.train.run_folder import RunFolder
from misstep.train.snapshots import Snapshots
from misstep.train.state import Best, TrainingState, Values
from misstep.train.stepping import Stepper, Taken


@dataclass(frozen=True)
class Plan:
    """How to train: what a person chose, resolved to numbers.

    `epochs`: in all, those behind us too. `repeats_per_epoch`: how often an epoch goes through the
    rows. `probe_every`: updates between two probes; 0: never.
    """

    epochs: int
    repeats_per_epoch: int
    batch_size: int
    accumulate: int
    learning_rate: float
    schedule: Schedule
    seed: int
    probe_every: int
    restore_best: bool


@dataclass
class Training:
    """A training that goes on; callbacks get it.

    `state`: where it stands. `ending`: why it ended, once it has. `resumed`: whether it goes on
    from a checkpoint.

    >>> import misstep as ms
    >>> class Enough(ms.Callback):
    ...     def on_epoch_end(self, training: ms.train.Training) -> None:
    ...         if training.history[-1]["training_loss"] < 1.0:
    ...             training.stop("good enough")
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.1))
    >>> run = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=500, callbacks=[Enough()])
    >>> print(run.ending)
    good enough
    """

    network: Network
    loss: Loss
    programs: Programs
    stepper: Stepper
    rows: Rows
    plan: Plan
    state: TrainingState
    validation: Rows | None = None
    callbacks: Sequence[Callback] = ()
    progress: Progress = field(default_factory=Progress)
    folder: RunFolder | None = None
    ending: Ending | None = None
    resumed: bool = False
    pace: Pace = field(default_factory=Pace)

    @property
    def epoch(self) -> int:
        """Return the epochs completed."""
        return self.state.epoch

    @property
    def update(self) -> int:
        """Return the updates done."""
        return self.state.update

    @property
    def history(self) -> list[Values]:
        """Return the numbers of each epoch completed."""
        return self.state.history

    @property
    def validates(self) -> bool:
        """Return whether there are validation rows."""
        return self.validation is not None

    @property
    def batches(self) -> int:
        """Return the batches in an epoch."""
        return -(-self.rows_of_epoch // self.plan.batch_size)

    @property
    def rows_of_epoch(self) -> int:
        """Return the rows that an epoch learns from, each as often as the epoch meets it."""
        return len(self.rows) * self.plan.repeats_per_epoch

    def stop(self, ending: str | Ending) -> None:
        """End training after what is going on now; who says so first is the one who ended it."""
        if isinstance(ending, str):
            ending = Ending(Cause.CALLBACK, {"message": ending})
        self.ending = self.ending or ending

    def evaluate(self, rows: Rows) -> tuple[dict[str, float], Array]:
        """Return loss and score by name, and the predictions, of the network as it is now."""
        inference = self.network.inference(self.programs.compiling)
        return inference.evaluate(rows.x, rows.y, self.loss, rows.weights, self.stepper.threads)

    def run(self) -> Run:
        """Train until the epochs are done or somebody stops it; return what came of it."""
        state, plan = self.state, self.plan
        for callback in self.callbacks:
            callback.on_training_start(self)
        if self.folder is not None:
            self.folder.open(state, self.resumed)
        self.progress.start(
            state.epoch + 1, plan.epochs, self.batches, state.epoch * self.batches + state.batch
        )
        try:
            with one_blas_thread(), Interruption() as self._interruption:
                while state.epoch < plan.epochs and self.ending is None:
                    self._epoch()
                self.stop(Ending(Cause.EPOCHS_DONE, {"epochs": plan.epochs}))
                if self.folder is not None:
                    self.folder.checkpoint(state)
        except BaseException as error:
            self.ending = Ending(Cause.ERROR, {"name": type(error).__name__})
            self._close_record(self.ending)
            raise
        finally:
            best = self._settle()
            self.progress.finish()
        for callback in self.callbacks:
            callback.on_training_end(self)
        assert self.ending is not None
        self._close_record(self.ending)
        return Run(
            history=[dict(values) for values in state.history],
            ending=self.ending,
            updates=state.update,
            seconds=state.seconds,
            best_epoch=best,
            folder=None if self.folder is None else self.folder.folder,
            snapshots=[
                snapshot
                for one in self.callbacks
                if isinstance(one, Snapshots)
                for snapshot in one.snapshots
            ],
        )

    def _close_record(self, ending: Ending) -> None:
        if self.folder is not None:
            event = "finished" if ending.planned else "stopped"
            self.folder.writer.event(event, str(ending), step=self.state.update)
            self.folder.close()

    def _epoch(self) -> None:
        state = self.state
        began = time.perf_counter()
        # What is left of a training without validation rows when its loss is no longer finite.
        self._before_epoch = state.parameters.copy(), state.buffers.copy()
        repeats, seed = self.plan.repeats_per_epoch, self.plan.seed
        orders = range(state.epoch * repeats, (state.epoch + 1) * repeats)
        order = np.concatenate([epoch_order(len(self.rows), seed, number) for number in orders])
        while state.batch < self.batches:
            failed = self._advance(order)
            if self._interruption.wanted and not failed:
                self.ending = Ending(Cause.INTERRUPTED)
            if self.ending is not None and (state.batch < self.batches or failed):
                state.seconds += time.perf_counter() - began
                return
        values = self._close_epoch(time.perf_counter() - began)
        self.progress.epoch(state.epoch, values)
        for callback in self.callbacks:
            callback.on_epoch_end(self)
        self._remember_callbacks()
        if self.folder is not None:
            self.folder.epoch(state, values)

    def _advance(self, order: Array) -> bool:
        """Learn from the next batches in `order`; tell whether a loss was not finite."""
        state, plan = self.state, self.plan
        probing = plan.probe_every > 0 and state.update % plan.probe_every == 0
        began = time.perf_counter()
        start = state.batch * plan.batch_size
        batch = min(plan.batch_size, len(order) - start)
        count = self._batches_together(probing)
        chosen = order[start : start + count * batch]
        if plan.accumulate == 1:
            rates = self._rates(count)
            taken = self.stepper.update(state, chosen, batch, rates, probing)
        else:
            taken = self.stepper.accumulate(state, chosen, batch, probing)
        self._show()
        self._count(taken, batch)
        self.pace.tell(len(taken), time.perf_counter() - began)
        self._write_probes(taken.measures)
        if plan.accumulate == 1:
            self._updated(taken.losses, rates[: len(taken)])
        elif len(taken):
            self._apply_if_due(taken, probing)
        if taken.failed is not None:  # told last, since it names the update behind those done
            self._not_finite(taken.failed)
        return taken.failed is not None

    def _show(self) -> None:
        """Let the network have the numbers as they are now, for callbacks to look at."""
        self.network.parameters = self.state.parameters
        self.network.buffers = self.state.buffers

    def _batches_together(self, probing: bool) -> int:
        """Return how many batches may be learned from before somebody must be told."""
        state, plan = self.state, self.plan
        full = self.rows_of_epoch // plan.batch_size - state.batch
        if full < 1 or probing or self._callbacks_hear_updates:
            return 1
        limits = [full, self.pace.steps, *(one - state.update for one in self._planned())]
        if plan.accumulate > 1:
            return min(full, plan.accumulate - state.accumulated)
        if plan.probe_every:
            limits.append(plan.probe_every - state.update % plan.probe_every)
        if self.folder is not None and self.folder.every is not None:
            limits.append(self.folder.every - state.update % self.folder.every)
        return min(limits)

    def _planned(self) -> list[int]:
        """Return the next updates that callbacks planned to hear of."""
        found = (callback.planned_update(self.state.update) for callback in self.callbacks)
        return [one for one in found if one is not None]

    @property
    def _callbacks_hear_updates(self) -> bool:
        return any(type(one).on_update is not Callback.on_update for one in self.callbacks)

    def _count(self, taken: Taken, batch: int) -> None:
        """Add what was learned from to the sums of the epoch, one batch after the other."""
        state, count = self.state, len(taken)
        if not count:
            return
        state.loss_sum = _added(state.loss_sum, taken.losses * taken.weights)
        state.weight_sum = _added(state.weight_sum, taken.weights)
        state.draw += count
        state.batch += count
        mean = state.loss_sum / max(state.weight_sum, 1e-300)
        self.progress.batch(state.epoch + 1, state.batch, count * batch, mean)

    def _apply_if_due(self, taken: Taken, probing: bool) -> None:
        """Update the weights once enough batches were added up."""
        state, plan = self.state, self.plan
        state.accumulated += len(taken)
        if state.accumulated < plan.accumulate and state.batch < self.batches:
            return
        rates = self._rates(1)
        self._write_probes(self.stepper.apply(state, rates, probing))
        self._show()
        self._updated(taken.losses[-1:], rates)

    def _updated(self, losses: Array, rates: Array) -> None:
        """Tell of updates that were done."""
        state = self.state
        if not len(losses):
            return
        before = state.update
        state.update += len(losses)
        for callback in self.callbacks:
            callback.on_update(self)
            if callback.planned_update(before) == state.update:
                callback.on_planned_update(self)
        if self.folder is not None:
            self._remember_callbacks()
            self.folder.steps(state, losses, rates)

    def _write_probes(self, measures: dict[tuple[str, str], float] | None) -> None:
        if self.folder is not None and measures:
            self.folder.writer.measures(self.state.update + 1, measures)

    def _rates(self, count: int) -> Array:
        """Return the learning rates of the next updates, (count,) float64."""
        plan, state = self.plan, self.state
        updates = -(-self.batches // plan.accumulate)
        context = ScheduleContext(state.update, updates, updates * plan.epochs)
        return plan.learning_rate * plan.schedule.factors(context, count, state.memory)

    def _close_epoch(self, seconds: float) -> Values:
        """Judge the epoch that just ended and start the next one's sums."""
        state = self.state
        rate = float(self._rates(1)[0])
        values: Values = {
            "epoch": state.epoch + 1,
            "training_loss": state.loss_sum / state.weight_sum if state.weight_sum else 0.0,
            "learning_rate": rate,
        }
        state.epoch += 1
        if self.validation is not None:
            self._show()  # a callback may have given the network other numbers
            scores, _ = self.evaluate(self.validation)
            values |= {f"validation_{name}": score for name, score in scores.items()}
            loss = values["validation_loss"]
            # A loss that is no number must not stand as the best one.
            if math.isfinite(loss) and (state.best is None or loss < state.best.loss):
                best = state.parameters.copy(), state.buffers.copy()
                state.best = Best(state.epoch, loss, *best)
        heard = values.get("validation_loss", values["training_loss"])
        state.memory = self.plan.schedule.observe(heard, state.memory)
        values["seconds"] = seconds
        values["rows_per_second"] = self.rows_of_epoch / max(seconds, 1e-9)
        state.seconds += seconds
        state.history.append(values)
        state.batch, state.loss_sum, state.weight_sum = 0, 0.0, 0.0
        return values

    def _not_finite(self, loss: float) -> None:
        facts = {
            "loss": loss,
            "update": self.state.update + 1,
            "learning_rate": self.plan.learning_rate,
        }
        self.ending = Ending(Cause.LOSS_NOT_FINITE, facts)
        self.progress.note(str(self.ending))

    def _remember_callbacks(self) -> None:
        self.state.callbacks = [callback.state() for callback in self.callbacks]

    def _settle(self) -> int | None:
        """Give the network its final weights; return the epoch they come from if not the last."""
        state = self.state
        parameters, buffers, epoch = state.parameters, state.buffers, None
        assert self.ending is not None
        wanted = self.plan.restore_best or not self.ending.planned
        if wanted and state.best is not None:
            parameters, buffers = state.best.parameters, state.best.buffers
            if state.best.epoch != state.epoch or state.batch > 0:
                epoch = state.best.epoch
        elif self.ending.failed:
            parameters, buffers = self._before_epoch
        # The network's own copy: a person may write into it.
        self.network.parameters = np.array(parameters)
        self.network.buffers = np.array(buffers)
        return epoch


def _added(sum_: float, more: Array) -> float:
    """Return a sum with more added one after the other, the same however many come at once."""
    return float(np.cumsum(np.concatenate([[sum_], more]))[-1])
