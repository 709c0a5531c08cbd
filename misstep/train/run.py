"""`Run`: what came of a training: its history, why it ended, and which weights it kept.

And `Snapshot`, what it got wrong at one moment.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from misstep.doctor import Diagnosis, examine
from misstep.errors import MisstepError
from misstep.offers import ask
from misstep.record import Record
from misstep.text.counts import counted
from misstep.train.ending import Ending
from misstep.train.provenance import Provenance


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


@dataclass(frozen=True)
class Run:
    """What came of a training.

    `history`: one dictionary for each epoch (epoch, training_loss, validation_loss, …).
    `ending`: why it ended; printed, it is a sentence. `best_epoch`: the epoch whose weights the
    network now has, if that is not the last one. `updates`: weight updates in all. `seconds`: spent
    in all. `snapshots`: what the network got wrong as it learned, where an `ms.Snapshots` watched.
    `notes`: what of the run could not be written down. `record`: what was seen of it, None where
    nobody watched. `provenance`: of a run that failed, where the first number came from that is not
    finite; None where that was not found. `repair`: what came of repairing it, an
    `ms.trials.Repair`, where `fit(repair=True)` tried something; if it adopted anything, this is
    the training with that.

    >>> import misstep as ms
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    >>> run = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=2)
    >>> run.epochs, run.finished, str(run.ending)
    (2, True, 'all 2 epochs are done')
    """

    history: list[dict[str, float]]
    ending: Ending
    updates: int
    seconds: float
    best_epoch: int | None = None
    folder: Path | None = None
    snapshots: list[Snapshot] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    record: Record | None = field(default=None, compare=False)
    provenance: Provenance | None = None
    repair: Any = field(default=None, compare=False, repr=False)

    def diagnose(self) -> Diagnosis:
        """Return what went wrong with this training, and what was not examined.

        Raises MisstepError where nobody watched it.
        """
        if self.record is None:
            raise MisstepError(
                "diagnosing a run",
                needed="its record",
                got="none: it was trained with watch=False and without a folder",
                try_="fit(..., watch=True)",
            )
        return examine(self.record)

    def report(self, path: Path | str | None = None) -> Any:
        """Return a page that shows what was seen of this training: an `ms.report.Report`.

        A notebook shows it. `path`: where to write it as well. Raises StorageError.
        """
        return ask("report of a run")(self, path)

    def plot(self, kind: str = "losses", ax: Any = None, **more: Any) -> Any:
        """Draw how this training went on matplotlib's axes; return an `ms.plots.RunDisplay`.

        kind: "losses", "gradient_flow" or "story". ax: what to draw on, by default a new figure;
        the display's `ax_` and `figure_` are what it was drawn on. Raises ArgumentError for a kind
        that there is not for this run, MisstepError without matplotlib (extra `plot`).
        """
        return ask("plot of a run")(self, kind, ax, **more)

    def _repr_html_(self) -> str:
        """Return the report for a notebook."""
        shown: str = self.report()._repr_html_()
        return shown

    @property
    def finished(self) -> bool:
        """Return whether it ended as planned; False after Ctrl-C and when it failed."""
        return self.ending.planned

    @property
    def failed(self) -> bool:
        """Return whether the loss, or the weights, were no longer finite numbers."""
        return self.ending.failed

    @property
    def usable(self) -> bool:
        """Return whether the network has weights that are worth something.

        After a failure that is so if an epoch was completed before it whose loss was finite: the
        weights are then those of the best such epoch or, without validation rows, the last ones
        before it; those before the epoch where the loss was growing already.
        """
        judged = (values.get("validation_loss", values["training_loss"]) for values in self.history)
        return not self.failed or any(math.isfinite(loss) for loss in judged)

    @property
    def epochs(self) -> int:
        """Return the number of epochs completed."""
        return len(self.history)

    @property
    def losses(self) -> list[float]:
        """Return the training loss of each epoch."""
        return [values["training_loss"] for values in self.history]

    def __repr__(self) -> str:
        last = f", training loss {self.losses[-1]:.4g}" if self.history else ""
        took = f"{counted(self.epochs, 'epoch')} in {self.seconds:.1f} s"
        return f"<Run: {took}{last}; ended: {self.ending}>"
