"""Answers as classes, and weights by which each class counts as much as any other.

Knows answers as losses want them; no trainers.
"""

from __future__ import annotations

import numpy as np

from misstep.ir import Array
from misstep.nn.losses import Loss
from misstep.record import Task
from misstep.train.chance import task_of

__all__ = ["alike_weights", "classes_of"]


def classes_of(loss: Loss, y: Array) -> Array | None:
    """Return the class of each row, (rows,) int64, from 0; None where answers are no single class.

    y: as the loss wants it: positions of classes, shares of classes that are 0 or 1, or for one
    output 0 or 1.

    >>> import misstep as ms
    >>> classes_of(ms.BinaryCrossEntropy(), np.array([[1.0], [0.0]]))
    array([1, 0])
    """
    task, y = task_of(loss), np.asarray(y)
    if task is Task.NUMBERS or not len(y):
        return None
    if task is Task.CLASSES:
        if y.dtype.kind in "iu" and y.ndim == 1:
            return y.astype("int64")
        certain = y.ndim == 2 and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()
        return y.argmax(axis=1).astype("int64") if certain else None
    flat = y.reshape(len(y), -1)
    if flat.shape[1] != 1 or not np.isin(flat, (0, 1)).all():
        return None
    return flat[:, 0].astype("int64")


def alike_weights(classes: Array, power: float = 1.0) -> Array:
    """Return weights of mean 1, (rows,), by which classes count alike.

    `power`: below 1, rare classes count more than they do by themselves, and less than alike.

    >>> alike_weights(np.array([0, 0, 0, 1]))
    array([0.66666667, 0.66666667, 0.66666667, 2.        ])
    """
    counts = np.bincount(classes)
    weights = 1.0 / counts[classes].astype("float64") ** power
    return np.asarray(weights / weights.mean())
