"""Everything that training goes on from: what a checkpoint holds and a resumed run starts with.

Plain arrays and plain JSON. Knows no files and no loop.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from misstep.errors import FileFormatError
from misstep.ir import Array

Values = dict[str, float]
# More updates than any run has; what counts them must fit an int64.
MOST = 2**53
# What checkpoints of earlier versions do not say.
EARLIER: dict[str, Any] = {
    "clipped": 0.0,
    "clipping_updates": 0,
    "watching": {},
    "first_loss": math.nan,
    "recent": [],
}
# Losses before a failure that tell whether training was diverging.
RECENT = 10


@dataclass
class Best:
    """The weights with the lowest validation loss so far, and the buffers beside them."""

    epoch: int
    loss: float
    parameters: Array
    buffers: Array


@dataclass
class TrainingState:
    """Where training stands.

    `parameters`: flat, (parameters,). `buffers`: flat, of layers that keep some; empty for other
    networks. `optimizer_state`: (slots, parameters). `scalars`: (scalars,), float64. `update`:
    updates done. `draw`: batches seen, which random numbers follow. `epoch`: epochs completed.
    `batch`: batches done in the epoch going on. `loss_sum`, `weight_sum`: of its batches.
    `gradients`, `gradient_weight`, `accumulated`: batches that wait for their update. `memory`: of
    the schedule. `callbacks`: their states, in their order. `clipped`: how many of the epoch's
    updates clipping changed, of `clipping_updates` that found it out. `watching`: what those know
    who write down how it goes, by their names. `first_loss`, `recent`: of the first batch, and of
    the latest ones. `epoch_start`: parameters and buffers before the epoch going on.
    """

    parameters: Array
    buffers: Array
    optimizer_state: Array
    scalars: Array
    update: int = 0
    draw: int = 0
    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    weight_sum: float = 0.0
    gradients: Array | None = None
    gradient_weight: float = 0.0
    accumulated: int = 0
    seconds: float = 0.0
    memory: dict[str, Any] = field(default_factory=dict)
    history: list[Values] = field(default_factory=list)
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    clipped: float = 0.0
    clipping_updates: int = 0
    watching: dict[str, Any] = field(default_factory=dict)
    first_loss: float = math.nan
    recent: list[float] = field(default_factory=list)
    epoch_start: tuple[Array, Array] | None = None
    best: Best | None = None

    @property
    def mean_loss(self) -> float:
        """Return the mean loss of the batches so far of the epoch going on."""
        return self.loss_sum / self.weight_sum if self.weight_sum else 0.0

    def add_batches(self, losses: Array, weights: Array) -> None:
        """Count batches that were learned from, (batches,) each, one after the other."""
        self.loss_sum = _added(self.loss_sum, losses * weights)
        self.weight_sum = _added(self.weight_sum, weights)
        self.draw += len(losses)
        self.batch += len(losses)
        if math.isnan(self.first_loss) and len(losses):
            self.first_loss = float(losses[0])
        self.recent = [*self.recent, *losses[-RECENT:].tolist()][-RECENT:]

    def start_epoch(self) -> None:
        """Keep the weights of before the epoch, unless it has begun before."""
        if self.batch == 0 or self.epoch_start is None:
            self.epoch_start = self.parameters.copy(), self.buffers.copy()

    def keep_if_best(self, loss: float) -> None:
        """Keep the weights if no epoch had a lower validation loss; one that is no number never."""
        if math.isfinite(loss) and (self.best is None or loss < self.best.loss):
            self.best = Best(self.epoch, loss, self.parameters.copy(), self.buffers.copy())

    def close_epoch(self, values: Values) -> None:
        """Keep the numbers of the epoch that ended, and start the sums of the next one."""
        self.seconds += values["seconds"]
        self.history.append(values)
        self.batch, self.loss_sum, self.weight_sum = 0, 0.0, 0.0
        self.clipped, self.clipping_updates = 0.0, 0

    def count_clipped(self, clipped: float, updates: int) -> None:
        """Count updates, and those whose gradient was clipped."""
        self.clipped += clipped
        self.clipping_updates += updates

    @property
    def clipped_share(self) -> float | None:
        """Return which share of the epoch's updates clipping changed; None: none found it out."""
        return self.clipped / self.clipping_updates if self.clipping_updates else None

    def arrays(self) -> dict[str, Array]:
        """Return the arrays by name."""
        arrays = {**self.feeds(), "optimizer_state": self.optimizer_state, "scalars": self.scalars}
        if self.gradients is not None:
            arrays["gradients"] = self.gradients
        if self.best is None and self.batch and self.epoch_start is not None:
            # What is left of a training without validation rows when its loss is no longer finite.
            arrays["epoch_parameters"] = self.epoch_start[0]
            if self.buffers.size:
                arrays["epoch_buffers"] = self.epoch_start[1]
        if self.best is not None:
            arrays["best_parameters"] = self.best.parameters
            if self.buffers.size:
                arrays["best_buffers"] = self.best.buffers
        return arrays

    def feeds(self) -> dict[str, Array]:
        """Return the network's flat arrays by name, as its programs take them."""
        flat = {"parameters": self.parameters}
        return flat | ({"buffers": self.buffers} if self.buffers.size else {})

    def document(self) -> dict[str, Any]:
        """Return the rest as plain JSON."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        if self.best is not None:
            plain["best"] = {"epoch": self.best.epoch, "loss": self.best.loss}
        return plain

    @classmethod
    def restored(
        cls, like: TrainingState, arrays: dict[str, Array], document: dict[str, Any]
    ) -> TrainingState:
        """Return the state that `arrays()` and `document()` gave.

        `like`: a first state of the same training, whose shapes the arrays must have. Raises
        FileFormatError when something is missing or does not fit.
        """
        document = EARLIER | document
        has_buffers = like.buffers.size > 0
        if not has_buffers:
            none = dict.fromkeys(("buffers", "best_buffers", "epoch_buffers"), like.buffers)
            arrays = {**arrays, **none}
        for name, like_name in _LIKE.items():
            model = getattr(like, like_name)
            array = arrays.get(name)
            if array is None and name in _ARRAYS:
                raise FileFormatError(f"the array {name} of a checkpoint", needed="it", got="none")
            if array is not None and (array.shape, array.dtype) != (model.shape, model.dtype):
                raise FileFormatError(
                    f"the array {name} of a checkpoint",
                    needed=f"{model.dtype} {model.shape}",
                    got=f"{array.dtype} {array.shape}",
                )
        for name, plain in _PLAIN.items():
            allowed = (int, float) if plain is float else plain
            value = document.get(name)
            if not isinstance(value, allowed) or isinstance(value, bool):
                raise FileFormatError(f"{name} of a checkpoint", needed=plain.__name__)
            if plain is int and not 0 <= value <= MOST:
                raise FileFormatError(f"{name} of a checkpoint", needed=f"a count up to {MOST}")
            if plain is float and not _is_number(value):
                raise FileFormatError(f"{name} of a checkpoint", needed="a number that float64 has")
        _check_lists(document)
        best = document.get("best")
        if best is not None:
            _check_best(best)
        of_best = ("best_parameters", "best_buffers") if has_buffers else ("best_parameters",)
        if any((best is None) != (name not in arrays) for name in of_best):
            raise FileFormatError("the best weights of a checkpoint", needed="loss and weights")
        values: dict[str, Any] = {name: arrays[name] for name in _ARRAYS}
        values |= {name: plain(document[name]) for name, plain in _PLAIN.items()}
        return cls(
            **values,
            gradients=arrays.get("gradients"),
            epoch_start=(arrays["epoch_parameters"], arrays["epoch_buffers"])
            if {"epoch_parameters", "epoch_buffers"} <= arrays.keys()
            else None,
            best=None
            if best is None
            else Best(
                int(best["epoch"]),
                float(best["loss"]),
                arrays["best_parameters"],
                arrays["best_buffers"],
            ),
        )


_ARRAYS = ("parameters", "buffers", "optimizer_state", "scalars")
# Each array that a checkpoint may hold, and the one of a first state whose shape it must have.
_LIKE = {name: name for name in _ARRAYS} | {
    "gradients": "parameters",
    "best_parameters": "parameters",
    "best_buffers": "buffers",
    "epoch_parameters": "parameters",
    "epoch_buffers": "buffers",
}
# The other fields, and the class that plain JSON has for each.
_CLASSES: dict[str, type] = {"int": int, "float": float}
_PLAIN: dict[str, Any] = {
    item.name: _CLASSES.get(str(item.type), list if str(item.type).startswith("list") else dict)
    for item in dataclasses.fields(TrainingState)
    if item.name not in (*_ARRAYS, "gradients", "best", "epoch_start")
}


def _is_number(value: Any) -> bool:
    # A whole number can be too large for a float.
    return isinstance(value, float) or (type(value) is int and abs(value) <= sys.float_info.max)


def _check_lists(document: dict[str, Any]) -> None:
    """Raise FileFormatError where history or callbacks are no lists of what they hold."""
    for values in document["history"]:
        if not isinstance(values, dict) or not all(map(_is_number, values.values())):
            raise FileFormatError(
                "history of a checkpoint", needed="numbers by name for each epoch"
            )
    if not all(map(_is_number, document["recent"])):
        raise FileFormatError("recent losses of a checkpoint", needed="numbers")
    if not all(isinstance(memory, dict) for memory in document["callbacks"]):
        raise FileFormatError("callbacks of a checkpoint", needed="an object for each")


def _check_best(best: Any) -> None:
    """Raise FileFormatError where it does not say which epoch was best, and its loss."""
    good = (
        isinstance(best, dict)
        and isinstance(best.get("epoch"), int)
        and not isinstance(best["epoch"], bool)
        and 0 <= best["epoch"] <= MOST
        and _is_number(best.get("loss"))
    )
    if not good:
        raise FileFormatError("best of a checkpoint", needed="an epoch and its loss")


def _added(sum_: float, more: Array) -> float:
    """Return a sum with more added one after the other, the same however many come at once."""
    return float(np.cumsum(np.concatenate([[sum_], more]))[-1])
