"""Whether a number is learned better on the logarithm: tried out of fold, by a linear model.

Answers over decades (incomes, populations, concentrations) lie so far apart that a few of them make
nearly all of the squared error. Knows features and answers as arrays, no networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from misstep.data.logarithm import Logarithm
from misstep.ir import Array, one_blas_thread

# Answers of the middle 98% must lie two decades apart, and ...
DECADES, TAIL = 2.0, 0.01
# ... fewer rows than this, or features times rows beyond that, are not tried.
FEWEST_ROWS, MOST_ROWS, MOST_NUMBERS = 40, 5_000, 4_000_000
FOLDS = 4
PENALTY = 1.0


@dataclass(frozen=True)
class LogarithmTrial:
    """What a linear model errs in the mean on rows kept from it, in the unit of the answers.

    `plain`: learning the answers as they are; `logarithm`: learning their logarithm. `decades`:
    that the middle 98% of the answers span.
    """

    decades: float
    plain: float
    logarithm: float

    @property
    def better(self) -> bool:
        """Tell whether the logarithm is the better one."""
        return self.logarithm < self.plain


def try_logarithm(x: Array, values: Array) -> LogarithmTrial | None:
    """Return how a linear model does with and without the logarithm; None where none is in place.

    x: (rows, features), encoded; values: answers in their own unit, (rows,), both of training rows.
    """
    rows = min(len(values), MOST_ROWS, MOST_NUMBERS // max(x.shape[1], 1))
    if rows < FEWEST_ROWS or values.min() < 0 or not (values > 0).any():
        return None
    low, high = np.quantile(values[values > 0], (TAIL, 1 - TAIL))
    decades = float(np.log10(high) - np.log10(low))
    if decades < DECADES:
        return None
    drawn = np.random.default_rng(0).permutation(len(values))[:rows]
    x, values = x[drawn].astype(np.float64), values[drawn]
    errors = np.zeros(2)
    with one_blas_thread():
        for fold in range(FOLDS):
            kept = np.arange(rows) % FOLDS == fold
            scale = Logarithm.fit(values[~kept])
            plain = _line(x[~kept], values[~kept], x[kept])
            bent = _line(x[~kept], scale.apply(values[~kept]), x[kept])
            bent = scale.invert(np.minimum(bent, scale.highest))
            errors += [np.abs(each - values[kept]).sum() for each in (plain, bent)]
    return LogarithmTrial(decades, *(errors / rows).tolist())


def _line(x: Array, y: Array, other: Array) -> Array:
    """Return what ridge regression of y on x says of other rows."""
    from sklearn.linear_model import Ridge

    predicted: Array = Ridge(PENALTY).fit(x, y).predict(other)
    return predicted
