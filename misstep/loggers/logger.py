"""`Logger`: what all that tell others of a training have in common.

Telling must never cost a training: what fails once it goes on is said once and not tried again.
Only the first of several ranks tells. Knows trainings and their records; no destination.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from math import prod

from misstep import __version__
from misstep.exchange import world
from misstep.record import RunDescription
from misstep.train import Callback, Training

Metrics = dict[str, float]


class Logger(Callback):
    """A callback that tells somebody of settings, epochs and the end; override the four verbs.

    `layers`: whether what looks saw of each layer is told too (gradient norms, dead units …), by
    `signal/layer`, as of the latest look in the epoch.

    What `begin` raises ends the training before it begins; later errors are warned of once, are
    written into the run's record, and training goes on.

    >>> import misstep as ms
    >>> class Printing(ms.loggers.Logger):
    ...     def log(self, epoch, update, metrics):
    ...         print(epoch, update, sorted(metrics)[:2])
    >>> trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    >>> _ = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=1, callbacks=[Printing()])
    1 1 ['learning_rate', 'rows_per_second']
    """

    def __init__(self, *, layers: bool = False) -> None:
        self.layers = layers
        self._silent = False
        self._described = False
        # The update of the latest epoch that was told.
        self._told = 0

    # --- what a destination does ------------------------------------------------------------------

    def begin(self, training: Training) -> None:
        """Open the destination; `training.resumed` says whether it was told of this run before.

        What was told of later epochs than `training.epoch` is void then: they are learned again.
        """

    def describe(self, settings: Mapping[str, str]) -> None:
        """Tell the settings of the training, once, before the first epoch's numbers."""

    def log(self, epoch: int, update: int, metrics: Metrics) -> None:
        """Tell the numbers at the end of `epoch`, after `update` updates in all."""

    def finish(self, ending: str, *, failed: bool) -> None:
        """Tell why training ended, and close the destination."""

    # --- hooks ------------------------------------------------------------------------------------

    def on_training_start(self, training: Training) -> None:
        """Open the destination. Raises what it raises."""
        self._silent, self._described = not world().is_first, training.resumed
        self._told = training.update
        if not self._silent:
            self.begin(training)

    def on_epoch_end(self, training: Training) -> None:
        """Tell the numbers of the epoch, and of layers where that is wanted."""
        self._describe(training)
        metrics = {name: value for name, value in training.history[-1].items() if name != "epoch"}
        if self.layers and training.record is not None:
            measures = training.record.record.measures_since(self._told)
            metrics |= {f"{name}/{path}": value for (name, path), value in measures.items() if path}
        self._told = training.update
        self._try(training, lambda: self.log(training.epoch, training.update, metrics))

    def on_training_end(self, training: Training) -> None:
        """Tell why it ended."""
        self._describe(training)
        ending = training.ending
        failed = ending is None or ending.failed
        words = "training broke off" if ending is None else str(ending)
        self._try(training, lambda: self.finish(words, failed=failed))

    def _describe(self, training: Training) -> None:
        # A run writes down what it is after `on_training_start`.
        if self._described:
            return
        self._described = True
        described = None if training.record is None else training.record.record.description
        settings = {} if described is None else settings_of(described)
        self._try(training, lambda: self.describe(settings))

    def _try(self, training: Training, telling: Callable[[], None]) -> None:
        if self._silent:
            return
        try:
            telling()
        except Exception as error:
            self._silent = True
            words = f"{type(self).__name__} tells no more of this run: {error}"
            if training.record is not None:
                training.record.event("logging", words)
            warnings.warn(f"{words}. Training goes on", RuntimeWarning, stacklevel=2)


def settings_of(described: RunDescription) -> dict[str, str]:
    """Return what a run says of itself as settings by name, in words.

    Names are those of estimators and trainers; parts have theirs before their settings, such as
    `optimizer.weight_decay`.
    """
    layers = described.layers
    settings: dict[str, object] = {
        "misstep": __version__,
        "layers": ", ".join(f"{layer.path}: {layer.kind}" for layer in layers),
        "parameters": sum(prod(one.shape) for layer in layers for one in layer.parameters),
        "loss": described.loss.kind,
        "optimizer": described.optimizer.kind,
        "learning_rate": described.optimizer.learning_rate,
        **{
            f"optimizer.{name}": one
            for name, one in described.optimizer.settings.items()
            if name != "learning_rate"
        },
        "batch_size": described.batch_size,
        "accumulate": described.accumulate,
        "epochs": described.epochs,
        "updates_per_epoch": described.updates_per_epoch,
        "shuffle": described.shuffled,
        "seed": described.seed,
    }
    if described.schedule is not None:
        settings["schedule"] = described.schedule.kind
    for name, parts in (("clipping", described.clipping), ("penalty", described.penalties)):
        if parts:
            settings[name] = ", ".join(part.kind for part in parts)
    summaries = {"rows": described.inputs, "validation_rows": described.validation_inputs}
    settings |= {name: one.rows for name, one in summaries.items() if one is not None}
    if "source" in described.origin:
        settings["source"] = described.origin["source"]
    return {name: str(value) for name, value in settings.items()}
