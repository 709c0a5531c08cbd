"""What a score must be compared with: a guess without looking, and a linear model."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from misstep.ir import Array
from misstep.modeling.model import number_scores

# A linear model learns from at most so many numbers, so that it takes a few seconds at most.
LARGEST = 4_000_000


def guess_scores(train: Array, test: Array, target: Any) -> dict[str, float]:
    """Return the scores of always guessing the commonest class, or the mean."""
    if target.is_number:
        wanted = np.asarray(target.decode(test.reshape(-1)))
        mean = np.asarray(target.decode(train.reshape(-1))).mean()
        return number_scores(np.full(len(wanted), mean), wanted)
    commonest = np.bincount(train.reshape(-1).astype(int)).argmax()
    return {"accuracy": float((test.reshape(-1) == commonest).mean())}


def linear_scores(
    x: Array, y: Array, test_x: Array, test_y: Array, target: Any
) -> dict[str, float] | None:
    """Return the scores of a linear model on the same features; None when it can't be fitted."""
    from sklearn.linear_model import LogisticRegression, Ridge

    rows = max(min(len(x), LARGEST // max(x.shape[1], 1)), 1)
    x, y = x[:rows], y[:rows].reshape(-1)
    if target.is_number:
        found = Ridge(1.0).fit(x.astype("float64"), y).predict(test_x.astype("float64"))
        wanted = np.asarray(target.decode(test_y.reshape(-1)))
        return number_scores(np.asarray(target.decode(found)), wanted)
    if len(np.unique(y)) < 2:
        return None
    with warnings.catch_warnings():
        # Not having converged is no matter here: it is a yardstick.
        warnings.simplefilter("ignore")
        model = LogisticRegression(max_iter=100).fit(x, y)
    return {"accuracy": float((model.predict(test_x) == test_y.reshape(-1)).mean())}
