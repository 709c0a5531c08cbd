"""The loss of the best constant prediction: what a network that has learned nothing gets.

Knows losses and answers.
"""

from __future__ import annotations

import numpy as np

from misstep.ir import Array, Graph, Interpreter, make_literal
from misstep.nn.losses import BinaryCrossEntropy, Loss
from misstep.record import Task

# Rows that are enough: the loss of a constant is then right to some percent.
MOST_ROWS = 4096
# The least share that a class is given, so that its logarithm is a number.
LEAST_SHARE = 1e-9


def task_of(loss: Loss) -> Task:
    """Return what the answers of a loss are."""
    if loss.target_dtype == "int":
        return Task.CLASSES
    return Task.BINARY if isinstance(loss, BinaryCrossEntropy) else Task.NUMBERS


def chance_loss(loss: Loss, y: Array, output_shape: tuple[int, ...], dtype: str) -> float | None:
    """Return the loss of the best constant output for answers `y` (rows, …).

    The shares of classes, or the mean or the median of numbers, whichever is better. None where
    the loss can't be told so.
    """
    if not len(y):
        return None
    y = y[np.arange(min(len(y), MOST_ROWS)) * len(y) // min(len(y), MOST_ROWS)]
    task = task_of(loss)
    wide = "float64"
    if task is Task.CLASSES:
        classes = output_shape[-1]
        counts = np.bincount(y.reshape(-1).astype("int64"), minlength=classes)[:classes]
        constants = [np.log(np.maximum(counts / max(counts.sum(), 1), LEAST_SHARE))]
    elif task is Task.BINARY:
        share = np.clip(y.astype(wide).mean(axis=0), LEAST_SHARE, 1 - LEAST_SHARE)
        constants = [np.log(share / (1 - share))]
    else:
        constants = [y.astype(wide).mean(axis=0), np.median(y.astype(wide), axis=0)]
    losses = []
    for constant in constants:
        raw = np.broadcast_to(constant, (len(y), *output_shape)).astype(wide)
        target = y if task is Task.CLASSES else y.astype(wide)
        value = loss(make_literal(raw.copy(), wide), make_literal(target, str(target.dtype)))
        losses.append(float(Interpreter(Graph({"loss": value}, [])).run({})["loss"]))
    finite = [one for one in losses if np.isfinite(one)]
    return min(finite) if finite else None
