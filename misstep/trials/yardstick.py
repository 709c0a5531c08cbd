"""`Yardstick`: how wrong predictions are, row by row, whatever loss they were trained with.

Trials may change the loss, so that losses can't be compared; what people get are predictions, and
those can. Knows arrays; no trainers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from misstep.ir import Array
from misstep.nn.losses import AbsoluteError, Huber, Loss
from misstep.record import Task
from misstep.train.chance import task_of
from misstep.trials.classes import classes_of
from misstep.trials.outlying import FAR_SPREADS, is_few, spread_and_far

# What a prediction that is no finite number costs, in penalties of the best constant.
NOT_FINITE = 10.0


@dataclass(frozen=True)
class Yardstick:
    """Measures predictions against answers.

    Classes: the squared distance between probabilities and the answer, 0 for certain and right, 2
    for certain and wrong (Brier, 1950). Numbers: squared error, or the absolute one (`power` 1)
    where the run was to learn medians. A penalty of 1 is that of the best constant (`unit`).
    `most`: the distance that counts at most. Where a few answers are far out from all others, as
    mistakes are, they would else be all that is measured.

    `by_margin`: of classes, only by how much the answer is likelier than the likeliest other, from
    0 where by a half or more to 1 where less likely by a half or more. Where some of the answers
    are wrong, this is fair: a loss whose value for one class and for all others have a constant sum
    ranks by wrong answers as by right ones (Ghosh, Kumar and Sastry, 2017), while Brier's rewards
    whoever has learned to be unsure.
    """

    power: int
    unit: float
    most: float = math.inf
    by_margin: bool = False

    @classmethod
    def of(
        cls,
        loss: Loss,
        y: Array,
        outputs: tuple[int, ...],
        weights: Array | None = None,
        *,
        wrong_answers: bool = False,
    ) -> Yardstick:
        """Return the yardstick of a run with this loss.

        y: answers; `outputs`: shape for a row; `weights`: how much each row counts, (rows,).
        `wrong_answers`: whether some of them are known to be wrong: sizes of errors, or how sure
        of a class a prediction is, then count less.
        """
        power = 1 if wrong_answers or isinstance(loss, AbsoluteError | Huber) else 2
        answers = _as_numbers(y, (len(y), *outputs))
        numbers, most = task_of(loss) is Task.NUMBERS, math.inf
        within = answers
        if numbers:
            spread, far = spread_and_far(answers.reshape(-1))
            if is_few(far, answers.size):
                most, median = FAR_SPREADS * spread, float(np.median(answers))
                within = np.clip(answers, median - most, median + most)
        if numbers and power == 1:
            middle: Array = np.median(within, axis=0)
        else:
            middle = np.average(within, axis=0, weights=weights)
        by_margin = wrong_answers and classes_of(loss, y) is not None
        yardstick = cls(2 if by_margin else power, 1.0, most, by_margin)
        constant = np.broadcast_to(middle, answers.shape)
        unit = float(np.average(yardstick.penalties(constant, y), weights=weights))
        return replace(yardstick, unit=unit if unit > 0 else 1.0)

    def penalties(self, predictions: Array, y: Array) -> Array:
        """Return how wrong each row is, (rows,), float64; 1 is what the best constant costs.

        predictions: (rows, …), as `Trainer.predict` gives them; y: as the loss wants it.
        """
        predicted = np.asarray(predictions, "float64")
        answers = _as_numbers(y, np.shape(predictions))
        with np.errstate(over="ignore", invalid="ignore"):
            if self.by_margin:
                sums = np.clip(0.5 - _margins(predicted, answers), 0.0, 1.0) / self.unit
            else:
                away = np.abs(predicted - answers)
                lost = np.where(np.isfinite(away), np.minimum(away, self.most), math.nan)
                sums = (lost**self.power).reshape(len(away), -1).sum(axis=1) / self.unit
        return np.asarray(np.where(np.isfinite(sums), sums, NOT_FINITE))


def _margins(predicted: Array, answers: Array) -> Array:
    """Return the probability of the answer less that of the likeliest other class, (rows,)."""
    shares, right = (one.reshape(len(one), -1) for one in (predicted, answers))
    if shares.shape[1] == 1:
        shares, right = (np.concatenate([1.0 - one, one], axis=1) for one in (shares, right))
    others = np.where(right > 0, -math.inf, shares).max(axis=1)
    return np.asarray((shares * right).sum(axis=1) - others)


def _as_numbers(y: Array, shape: tuple[int, ...]) -> Array:
    """Return answers as predictions have them: positions of classes become 0s and a 1."""
    y = np.asarray(y)
    if y.dtype.kind in "iu" and y.ndim == len(shape) - 1:
        return np.eye(shape[-1])[y]
    return y.astype("float64").reshape(shape)
