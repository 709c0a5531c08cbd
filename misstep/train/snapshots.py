"""Snapshots: what the network got wrong after the first, tenth, hundredth … and last update.

The same held-out rows are judged each time, so that snapshots can be compared row by row. Training
comes back to Python for these few updates only. Knows arrays; what they mean to people is said in
`modeling/learning_curve.py`.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from misstep.data import Rows
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.train.callbacks import Callback
from misstep.train.run import Run, Snapshot
from misstep.train.training import Training

# Held-out rows that are judged: a share of errors among so many has a standard error of at most 3
# points, √(¼ / 256), and judging them five or six times costs next to nothing.
ROWS = 256


class Snapshots(Callback):
    """Judges the same held-out rows after 1, 10, 100, 1,000 … updates and at the end.

    `rows`: at most so many of the validation rows, evenly spaced among them. Without validation
    rows there is nothing to judge and `snapshots` stays empty. After training, `indices` says which
    validation rows were judged, (rows,), and `Run.snapshots` has the snapshots too. A run with a
    folder writes them into its record; one that goes on keeps those it had.

    Raises ArgumentError for a number of rows below 1.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), batch_size=1)
    >>> x, y = [[0.0], [1.0]], [[1.0], [3.0]]
    >>> run = trainer.fit(x, y, validation=(x, y), epochs=60, callbacks=[ms.Snapshots()])
    >>> [snapshot.update for snapshot in run.snapshots]
    [1, 10, 100, 120]
    """

    def __init__(self, rows: int = ROWS) -> None:
        if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
            raise ArgumentError("rows of Snapshots", needed="1 or more", got=repr(rows))
        self.rows = rows
        self.snapshots: list[Snapshot] = []
        self.indices: Array = np.empty(0, np.int64)
        self._sample: Rows | None = None

    def on_training_start(self, training: Training) -> None:
        """Choose the rows; forget the snapshots of another training."""
        if not training.resumed:
            self.snapshots = []
        self._sample, validation = None, training.validation
        if validation is not None:
            count = min(self.rows, len(validation))
            self.indices = np.arange(count) * len(validation) // count
            self._sample = validation.take(self.indices)

    def planned_update(self, update: int) -> int | None:
        """Return the next power of ten above `update`."""
        if self._sample is None:
            return None
        return int(10 ** len(str(update))) if update else 1

    def on_planned_update(self, training: Training) -> None:
        """Judge the rows with the weights as they are now."""
        self._judge(training, last=False)

    def on_training_end(self, training: Training) -> None:
        """Judge the rows with the weights that training ended with."""
        if training.update:
            self._judge(training, last=True)

    def _judge(self, training: Training, *, last: bool) -> None:
        if self._sample is None:
            return
        scores, predicted = training.evaluate(self._sample)
        name = training.loss.score_name
        score = scores[name]
        if name == "accuracy":
            name, score = "error", 1.0 - score
        snapshot = Snapshot(training.update, name, score, _plain(predicted, name == "error"), last)
        self.snapshots.append(snapshot)
        if training.record is not None:
            rows = len(self._sample)
            training.record.snapshot(snapshot.update, rows, {name: score}, last=last)

    def contribute(self, run: Run) -> Run:
        """Return the run with the snapshots."""
        return replace(run, snapshots=[*run.snapshots, *self.snapshots])

    def state(self) -> dict[str, Any]:
        """Return the snapshots so far, without the end: training that goes on has another."""
        return {"snapshots": [asdict(snapshot) for snapshot in self.snapshots if not snapshot.last]}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back the snapshots of a stopped run."""
        self.snapshots = [
            Snapshot(**{**plain, "predicted": tuple(plain["predicted"])})
            for plain in state["snapshots"]
        ]


def _plain(predicted: Array, classes: bool) -> tuple[float, ...]:
    """Return the class or the number of each row; nothing for several numbers a row."""
    columns = predicted.reshape(len(predicted), -1)
    if classes and columns.shape[1] == 1:
        return tuple((columns[:, 0] > 0.5).astype(int).tolist())
    if classes and predicted.ndim == 2:
        return tuple(columns.argmax(axis=1).tolist())
    return tuple(columns[:, 0].tolist()) if not classes and columns.shape[1] == 1 else ()
