"""`Yardstick`: how wrong predictions are, row by row, whatever loss they were trained with.

Trials may change the loss, so that losses can't be compared; what people get are predictions, and
those can. Knows arrays; no trainers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from misstep.ir import Array
from misstep.nn.losses import AbsoluteError, Huber, Loss

# What a prediction that is no finite number costs, in penalties of the best constant.
NOT_FINITE = 10.0


@dataclass(frozen=True)
class Yardstick:
    """Measures predictions against answers.

    Classes: the squared distance between probabilities and the answer, 0 for certain and right, 2
    for certain and wrong (Brier, 1950). Numbers: squared error, or the absolute one (`power` 1)
    where the run was to learn medians. A penalty of 1 is that of the best constant (`unit`).
    """

    power: int
    unit: float

    @classmethod
    def of(cls, loss: Loss, y: Array, outputs: tuple[int, ...]) -> Yardstick:
        """Return the yardstick of a run with this loss. y: answers; `outputs`: shape for a row."""
        power = 1 if isinstance(loss, AbsoluteError | Huber) else 2
        answers = _as_numbers(y, (len(y), *outputs))
        middle = np.median(answers, axis=0) if power == 1 else answers.mean(axis=0)
        unit = float((np.abs(answers - middle) ** power).reshape(len(answers), -1).sum(1).mean())
        return cls(power, unit if unit > 0 else 1.0)

    def penalties(self, predictions: Array, y: Array) -> Array:
        """Return how wrong each row is, (rows,), float64; 1 is what the best constant costs.

        predictions: (rows, …), as `Trainer.predict` gives them; y: as the loss wants it.
        """
        away = np.asarray(predictions, "float64") - _as_numbers(y, np.shape(predictions))
        with np.errstate(over="ignore", invalid="ignore"):
            sums = (np.abs(away) ** self.power).reshape(len(away), -1).sum(axis=1) / self.unit
        return np.asarray(np.where(np.isfinite(sums), sums, NOT_FINITE))


def _as_numbers(y: Array, shape: tuple[int, ...]) -> Array:
    """Return answers as predictions have them: positions of classes become 0s and a 1."""
    y = np.asarray(y)
    if y.dtype.kind in "iu" and y.ndim == len(shape) - 1:
        return np.eye(shape[-1])[y]
    return y.astype("float64").reshape(shape)
