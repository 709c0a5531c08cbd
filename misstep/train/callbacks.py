"""Callbacks: objects with a few named hooks, called while training goes on.

A callback that remembers something says so in `state()`, as plain JSON, so that a resumed run goes
on as if it had never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from misstep.errors import ArgumentError, FileFormatError
from misstep.train.ending import Cause, Ending
from misstep.train.run import Run
from misstep.train.training import Training


class Callback:
    """What others may do while training goes on; override the hooks you need.

    Each hook gets the `Training`: its `epoch`, `update`, `history`, `network` and `stop(why)`.

    >>> import misstep as ms
    >>> class Telling(ms.Callback):
    ...     def on_epoch_end(self, training):
    ...         print(training.epoch, sorted(training.history[-1])[:2])
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    >>> _ = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=1, callbacks=[Telling()])
    1 ['epoch', 'learning_rate']
    """

    # Whether training is to end with the weights of the epoch with the lowest validation loss.
    restore_best: bool = False

    def on_training_start(self, training: Training) -> None:
        """Do something when training starts, or goes on after a stop."""

    def on_update(self, training: Training) -> None:
        """Do something when the weights changed."""

    def planned_update(self, update: int) -> int | None:
        """Return the next update above `update` to call `on_planned_update` after, or None.

        Who overrides `on_update` is called after each one, for which training must stop each time;
        this plans a few.
        """
        return None

    def on_planned_update(self, training: Training) -> None:
        """Do something after the update that `planned_update` named."""

    def on_epoch_end(self, training: Training) -> None:
        """Do something when an epoch is over; its values are `training.history[-1]`."""

    def on_training_end(self, training: Training) -> None:
        """Do something when training is over; `training.ending` says why."""

    def contribute(self, run: Run) -> Run:
        """Return what came of training with what this adds to it."""
        return run

    def state(self) -> dict[str, Any]:
        """Return what must outlive a stop, as plain JSON."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state()` returned."""


def restore_callbacks(callbacks: Sequence[Callback], states: Sequence[dict[str, Any]]) -> None:
    """Let callbacks take back what they were in a checkpoint, in their order.

    Raises FileFormatError for states that they can't have said.
    """
    for callback, state in zip(callbacks, states, strict=False):
        try:
            callback.restore(state)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise FileFormatError(
                f"the state of {type(callback).__name__} in a checkpoint",
                needed="what it said there itself",
                got=repr(error)[:100],
            ) from error


class EarlyStopping(Callback):
    """Stops when the validation loss has not fallen for `patience` epochs.

    `minimum_change`: a fall smaller than this does not count. `restore_best`: whether training ends
    with the weights of the epoch with the lowest validation loss. Needs validation rows.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    >>> x, y = [[0.0], [1.0], [2.0]], [[1.0], [3.0], [5.0]]
    >>> run = trainer.fit(x, y, validation=(x, y), epochs=3, early_stopping=ms.EarlyStopping(5))
    >>> print(run.ending)
    all 3 epochs are done
    """

    def __init__(
        self, patience: int = 10, *, minimum_change: float = 0.0, restore_best: bool = True
    ) -> None:
        if not isinstance(patience, int) or patience < 1:
            raise ArgumentError(
                "patience of EarlyStopping", needed="1 or more epochs", got=repr(patience)
            )
        if not minimum_change >= 0.0:
            raise ArgumentError(
                "minimum_change of EarlyStopping", needed="0 or more", got=repr(minimum_change)
            )
        self.patience = patience
        self.minimum_change = minimum_change
        self.restore_best = restore_best
        self._best = math.inf
        self._waited = 0

    def on_training_start(self, training: Training) -> None:
        """Refuse to work without validation rows; start counting."""
        if training.validation is None:
            raise ArgumentError(
                "EarlyStopping",
                needed="validation rows",
                got="none",
                try_="fit(..., validation=(x, y)), or ms.train.Converged(), of training loss",
            )
        if not training.resumed:
            self._best, self._waited = math.inf, 0
        self._stop_if_over(training)

    def on_epoch_end(self, training: Training) -> None:
        """Count the epochs without a fall."""
        loss = training.history[-1]["validation_loss"]
        if loss < self._best - self.minimum_change:
            self._best, self._waited = loss, 0
            return
        self._waited += 1
        self._stop_if_over(training)

    def _stop_if_over(self, training: Training) -> None:
        # At the start, too: the run that goes on may have been killed when it had just ended.
        if self._waited >= self.patience:
            training.stop(Ending(Cause.EARLY_STOPPING, {"patience": self.patience}))

    def state(self) -> dict[str, Any]:
        """Return the best loss so far and how long it has stood."""
        return {"best": self._best, "waited": self._waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on counting where a stopped run was."""
        self._best, self._waited = float(state["best"]), int(state["waited"])


class Converged(Callback):
    """Stops when the training loss no longer falls: "until convergence".

    Converged means: for `patience` epochs in a row no epoch's loss was below the best before it by
    more than the share `tolerance` of that best.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.1))
    >>> x, y = [[0.0], [1.0], [2.0]], [[1.0], [3.0], [5.0]]
    >>> run = trainer.fit(x, y, epochs=10_000, callbacks=[ms.train.Converged()])
    >>> run.epochs < 10_000
    True
    """

    def __init__(self, tolerance: float = 1e-4, patience: int = 10) -> None:
        if not tolerance >= 0.0:
            raise ArgumentError("tolerance of Converged", needed="0 or more", got=repr(tolerance))
        if not isinstance(patience, int) or patience < 1:
            raise ArgumentError(
                "patience of Converged", needed="1 or more epochs", got=repr(patience)
            )
        self.tolerance = tolerance
        self.patience = patience
        self._best = math.inf
        self._waited = 0

    def on_training_start(self, training: Training) -> None:
        """Start counting."""
        if not training.resumed:
            self._best, self._waited = math.inf, 0
        self._stop_if_over(training)

    def on_epoch_end(self, training: Training) -> None:
        """Count the epochs without a fall that matters."""
        loss = training.history[-1]["training_loss"]
        margin = self.tolerance * abs(self._best) if math.isfinite(self._best) else 0.0
        fell = loss < self._best - margin
        self._best = min(self._best, loss)
        self._waited = 0 if fell else self._waited + 1
        self._stop_if_over(training)

    def _stop_if_over(self, training: Training) -> None:
        if self._waited >= self.patience:
            facts = {"tolerance": self.tolerance, "patience": self.patience}
            training.stop(Ending(Cause.CONVERGED, facts))

    def state(self) -> dict[str, Any]:
        """Return the best loss so far and how long it has stood."""
        return {"best": self._best, "waited": self._waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on counting where a stopped run was."""
        self._best, self._waited = float(state["best"]), int(state["waited"])
