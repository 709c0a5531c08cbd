"""The training loop: epochs of batches, each batch one run of the step program.

Reads top to bottom: `Training.run` goes through epochs, `_epoch` through batches, `_batch` makes
one step. Everything that the next step depends on is in `TrainingState`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from misstep.ir import Array, one_blas_thread
from misstep.nn import Loss, Network
from misstep.optim import Place, Schedule
from misstep.train.callbacks import Callback
from misstep.train.evaluation import evaluate_rows
from misstep.train.interruption import Interruption
from misstep.train.ordering import epoch_order
from misstep.train.programs import Program, Programs
from misstep.train.progress import Progress
from misstep.train.run import Run
from misstep.train.run_folder import RunFolder
from misstep.train.state import Best, TrainingState, Values


@dataclass(frozen=True)
class Rows:
    """Rows to learn from or to be judged by: x (rows, …), y (rows, …), weights (rows,) or None."""

    x: Array
    y: Array
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Plan:
    """How to train: what a person chose, resolved to numbers.

    `epochs`: in all, those behind us too. `probe_every`: updates between two probes; 0: never.
    """

    epochs: int
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

    `state`: where it stands. `reason`: why it ended, once it has. `resumed`: whether it goes on
    from a checkpoint.
    """

    network: Network
    loss: Loss
    programs: Programs
    rows: Rows
    plan: Plan
    state: TrainingState
    validation: Rows | None = None
    callbacks: Sequence[Callback] = ()
    progress: Progress = field(default_factory=Progress)
    folder: RunFolder | None = None
    reason: str = ""
    finished: bool = True
    resumed: bool = False

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
        return -(-len(self.rows) // self.plan.batch_size)

    def stop(self, reason: str) -> None:
        """End training after what is going on now, for `reason`."""
        self.reason = self.reason or reason

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
                while state.epoch < plan.epochs and not self.reason:
                    self._epoch()
                self.reason = self.reason or f"all {plan.epochs} epochs are done"
                if self.folder is not None:
                    self.folder.checkpoint(state)
        except BaseException:
            self.finished = False
            raise
        finally:
            best = self._settle()
            self.progress.finish()
        for callback in self.callbacks:
            callback.on_training_end(self)
        if self.folder is not None:
            self.folder.writer.event(
                "finished" if self.finished else "stopped", self.reason, step=state.update
            )
            self.folder.close()
        return Run(
            history=[dict(values) for values in state.history],
            reason=self.reason,
            finished=self.finished,
            updates=state.update,
            seconds=state.seconds,
            best_epoch=best,
            folder=None if self.folder is None else self.folder.folder,
        )

    def _epoch(self) -> None:
        state, plan = self.state, self.plan
        began = time.perf_counter()
        order = epoch_order(len(self.rows), plan.seed, state.epoch)
        while state.batch < self.batches:
            start = state.batch * plan.batch_size
            loss = self._batch(order[start : start + plan.batch_size])
            if self._interruption.wanted:
                self.stop("interrupted with Ctrl-C")
                self.finished = False
            if self.reason and (state.batch < self.batches or not math.isfinite(loss)):
                state.seconds += time.perf_counter() - began
                return
        values = self._close_epoch(time.perf_counter() - began)
        self.progress.epoch(state.epoch, values)
        for callback in self.callbacks:
            callback.on_epoch_end(self)
        self._remember_callbacks()
        if self.folder is not None:
            self.folder.epoch(state, values)

    def _batch(self, chosen: Array) -> float:
        """Learn from the rows `chosen`; return their loss."""
        state, plan = self.state, self.plan
        last = state.batch + 1 == self.batches
        probing = plan.probe_every > 0 and state.update % plan.probe_every == 0
        rate = plan.learning_rate * plan.schedule.factor(self._place(), state.memory)
        feeds: dict[str, object] = {
            "parameters": state.parameters,
            "x": self.rows.x[chosen],
            "y": self.rows.y[chosen],
            "seed": plan.seed,
            "draw": state.draw,
        }
        if self.rows.weights is not None:
            feeds["weights"] = self.rows.weights[chosen]
        weighted = self.rows.weights is not None
        if plan.accumulate == 1:
            program = self.programs.step(len(chosen), weighted=weighted, probing=probing)
            out = program.run(feeds | self._optimizer_feeds(rate))
        else:
            program = self.programs.accumulate(len(chosen), weighted=weighted, probing=probing)
            if state.gradients is None:
                state.gradients = np.zeros_like(state.parameters)
            sums = {"gradients": state.gradients, "gradient_weight": state.gradient_weight}
            out = program.run(feeds | sums)
        loss = float(out["loss"])
        if not math.isfinite(loss):
            self._not_finite(loss)
            return loss
        weight = float(out["weight"])
        state.loss_sum += loss * weight
        state.weight_sum += weight
        state.draw += 1
        state.batch += 1
        self.progress.batch(
            state.epoch + 1,
            state.batch,
            len(chosen),
            state.loss_sum / max(state.weight_sum, 1e-300),
        )
        self._write_probes(program, out)
        if plan.accumulate == 1:
            self._take(out)
        else:
            state.gradients = out["gradients"]
            state.gradient_weight = float(out["gradient_weight"])
            state.accumulated += 1
            if state.accumulated < plan.accumulate and not last:
                return loss
            self._apply(rate, probing)
        self._updated(loss, rate)
        return loss

    def _optimizer_feeds(self, rate: float) -> dict[str, object]:
        state = self.state
        return {
            "optimizer_state": state.optimizer_state,
            "scalars": state.scalars,
            "rate": rate,
            "update": state.update,
        }

    def _apply(self, rate: float, probing: bool) -> None:
        """Update the weights by the gradients that were accumulated."""
        state = self.state
        program = self.programs.apply(probing=probing)
        # A group of rows that all weigh nothing has gradients 0: 0 / 1 leaves them so.
        weight = state.gradient_weight or 1.0
        sums = {"gradients": state.gradients, "gradient_weight": weight}
        feeds = {"parameters": state.parameters, **sums}
        out = program.run(feeds | self._optimizer_feeds(rate))
        self._write_probes(program, out)
        self._take(out)
        state.gradients, state.gradient_weight, state.accumulated = None, 0.0, 0

    def _take(self, out: dict[str, Array]) -> None:
        state = self.state
        state.parameters = self.network.parameters = out["parameters"]
        state.optimizer_state = out.get("optimizer_state", state.optimizer_state)
        state.scalars = out.get("scalars", state.scalars)

    def _updated(self, loss: float, rate: float) -> None:
        state = self.state
        state.update += 1
        for callback in self.callbacks:
            callback.on_update(self)
        if self.folder is not None:
            self._remember_callbacks()
            self.folder.step(state, loss, rate)

    def _write_probes(self, program: Program, out: dict[str, Array]) -> None:
        if self.folder is not None and program.legend:
            numbers = dict(zip(program.legend, out["probes"].tolist(), strict=True))
            self.folder.writer.measures(self.state.update + 1, numbers)

    def _place(self) -> Place:
        updates = -(-self.batches // self.plan.accumulate)
        return Place(self.state.update, updates, updates * self.plan.epochs)

    def _close_epoch(self, seconds: float) -> Values:
        """Judge the epoch that just ended and start the next one's sums."""
        state = self.state
        rate = self.plan.learning_rate * self.plan.schedule.factor(self._place(), state.memory)
        values: Values = {
            "epoch": state.epoch + 1,
            "training_loss": state.loss_sum / state.weight_sum if state.weight_sum else 0.0,
            "learning_rate": rate,
        }
        state.epoch += 1
        if self.validation is not None:
            judged = self.validation
            found, _ = evaluate_rows(
                self.programs, state.parameters, judged.x, judged.y, judged.weights
            )
            values |= {f"validation_{name}": value for name, value in found.items()}
            if state.best is None or values["validation_loss"] < state.best.loss:
                best = state.parameters.copy()
                state.best = Best(state.epoch, values["validation_loss"], best)
        heard = values.get("validation_loss", values["training_loss"])
        state.memory = self.plan.schedule.observe(heard, state.memory)
        values["seconds"] = seconds
        values["rows_per_second"] = len(self.rows) / max(seconds, 1e-9)
        state.seconds += seconds
        state.history.append(values)
        state.batch, state.loss_sum, state.weight_sum = 0, 0.0, 0.0
        return values

    def _not_finite(self, loss: float) -> None:
        words = (
            f"the loss became {loss} at update {self.state.update + 1}, learning rate "
            f"{self.plan.learning_rate:g}; training stopped before it could spoil the weights. "
            "Try: a lower learning rate, or clipping with ms.ClipNorm(1.0)"
        )
        self.stop(words)
        self.finished = False
        self.progress.note(words)

    def _remember_callbacks(self) -> None:
        self.state.callbacks = [callback.state() for callback in self.callbacks]

    def _settle(self) -> int | None:
        """Give the network its final weights; return the epoch they come from if not the last."""
        state = self.state
        parameters, epoch = state.parameters, None
        wanted = self.plan.restore_best or not self.finished
        if (
            wanted
            and state.best is not None
            and (state.best.epoch != state.epoch or state.batch > 0)
        ):
            parameters, epoch = state.best.parameters, state.best.epoch
        # The network's own copy: a person may write into it.
        self.network.parameters = np.array(parameters)
        return epoch
