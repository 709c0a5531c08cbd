"""Snapshots: what the network got wrong after the first, tenth, hundredth … and last update.

The same held-out rows are judged each time, so that snapshots can be compared row by row. Training
comes back to Python for these few updates only. Knows arrays; what they mean to people is said in
`modeling/stages.py`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from misstep.data import Rows
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.train.callbacks import Callback

if TYPE_CHECKING:
    from misstep.train.loop import Training

# Held-out rows that are judged: a share of errors among so many has a standard error of at most 3
# points, √(¼ / 256), and judging them five or six times costs next to nothing.
ROWS = 256


@dataclass(frozen=True)
class Snapshot:
    """What a network got wrong at one moment of its training.

    `update`: updates done. `score_name`: "error", the share of rows whose class was wrong, or
    "rmse", in the unit of the target. `score`: that number. `predicted`: of each row, (rows,), the
    class or the number; empty where a network has several numbers for a row. `last`: whether these
    are the weights that training ended with, which may be those of an earlier, better epoch.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(2), loss=ms.CrossEntropy(), optimizer=ms.Adam(0.1))
    >>> x, y = [[-1.0], [1.0]], [0, 1]
    >>> run = trainer.fit(x, y, validation=(x, y), epochs=50, callbacks=[ms.Snapshots()])
    >>> last = run.snapshots[-1]
    >>> last.update, last.score_name, last.score, last.predicted
    (50, 'error', 0.0, (0, 1))
    """

    update: int
    score_name: str
    score: float
    predicted: tuple[float, ...] = ()
    last: bool = False


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
        self._judged: Rows | None = None

    def on_training_start(self, training: Training) -> None:
        """Choose the rows; forget the snapshots of another training."""
        if not training.resumed:
            self.snapshots = []
        self._judged, held = None, training.validation
        if held is None:
            return
        count = min(self.rows, len(held))
        self.indices = np.arange(count) * len(held) // count
        self._judged = held.take(self.indices)

    def planned_update(self, update: int) -> int | None:
        """Return the next power of ten above `update`."""
        if self._judged is None:
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
        if self._judged is None:
            return
        scores, predicted = training.evaluate(self._judged)
        name = training.loss.score_name
        score = scores[name]
        if name == "accuracy":
            name, score = "error", 1.0 - score
        snapshot = Snapshot(training.update, name, score, _plain(predicted, name == "error"), last)
        self.snapshots.append(snapshot)
        if training.folder is not None:
            training.folder.writer.snapshot(
                snapshot.update, len(self._judged), {name: score}, last=last
            )

    def state(self) -> dict[str, Any]:
        """Return the snapshots so far, without the end: training that goes on has another."""
        return {"snapshots": [asdict(one) for one in self.snapshots if not one.last]}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back the snapshots of a stopped run."""
        self.snapshots = [
            Snapshot(**{**one, "predicted": tuple(one["predicted"])}) for one in state["snapshots"]
        ]


def _plain(predicted: Array, classes: bool) -> tuple[float, ...]:
    """Return the class or the number of each row; nothing for several numbers a row."""
    columns = predicted.reshape(len(predicted), -1)
    if classes and columns.shape[1] == 1:
        return tuple((columns[:, 0] > 0.5).astype(int).tolist())
    if classes and predicted.ndim == 2:
        return tuple(columns.argmax(axis=1).tolist())
    return tuple(columns[:, 0].tolist()) if not classes and columns.shape[1] == 1 else ()
