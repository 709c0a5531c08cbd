"""What a score must be compared with: a guess without looking, and a linear model."""

from __future__ import annotations

import warnings

import numpy as np

from misstep.data import Target
from misstep.ir import Array
from misstep.modeling.model import Scores, number_scores

# A linear model learns from at most so many numbers, so that it takes a few seconds at most.
LARGEST = 4_000_000
PASSES = 100


def guess_scores(train: Array, test: Array, target: Target) -> Scores:
    """Return the scores on `test` of always guessing the commonest class, or the mean, of `train`.

    train, test: encoded targets, (rows,).
    """
    if target.is_number:
        wanted = target.decode(test)
        return number_scores(np.full(len(wanted), target.decode(train).mean()), wanted)
    commonest = np.bincount(train.astype(int)).argmax()
    return {"accuracy": float((test == commonest).mean())}


def linear_scores(
    x: Array, y: Array, test_x: Array, test_y: Array, target: Target
) -> Scores | None:
    """Return the scores of a linear model on the same features; None when it can't be fitted.

    x, test_x: (rows, features); y, test_y: encoded targets, (rows,).
    """
    from sklearn.linear_model import LogisticRegression, Ridge

    # Every k-th row, since a file may be sorted.
    step = -(-x.size // LARGEST) or 1
    x, y = x[::step], y[::step]
    if target.is_number:
        found = Ridge(1.0).fit(x.astype("float64"), y).predict(test_x.astype("float64"))
        return number_scores(target.decode(found), target.decode(test_y))
    if len(np.unique(y)) < 2:
        return None
    with warnings.catch_warnings():
        # Not having converged is no matter here: it is a yardstick.
        warnings.simplefilter("ignore")
        model = LogisticRegression(max_iter=PASSES).fit(x, y)
    return {"accuracy": float((model.predict(test_x) == test_y).mean())}
