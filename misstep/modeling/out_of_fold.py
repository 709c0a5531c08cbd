"""Errors of a linear model on rows that it was not fitted on: what trials of columns compare.

Knows features and answers, neither columns nor networks.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.ir import Array

__all__ = ["Gain", "gain_of", "row_errors"]

FOLDS = 3
PASSES = 50


@dataclass(frozen=True)
class Gain:
    """By which share the mean error falls, and by how many standard errors."""

    share: float
    certain: float


def gain_of(before: Array, after: Array) -> Gain:
    """Return what was gained; `before`, `after`: the errors of the same rows, (rows,)."""
    saved = before - after
    share = float(saved.mean() / max(before.mean(), 1e-12))
    return Gain(share, float(saved.mean() / max(saved.std() / np.sqrt(len(saved)), 1e-12)))


def row_errors(x: Any, y: Array, groups: Array | None = None) -> Array:
    """Return each row's error when a linear model of the other folds predicts it, (rows,).

    x: (rows, features), dense or sparse; y: encoded answers, (rows,): squared error for numbers,
    negative logarithm of the probability for classes. `groups`: (rows,), each in one fold.
    """
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

    number = y.dtype.kind == "f"
    if groups is not None:
        parts = GroupKFold(FOLDS).split(x, y, groups)
    else:
        folds = KFold if number or np.bincount(y.astype(int)).min() < FOLDS else StratifiedKFold
        parts = folds(FOLDS, shuffle=True, random_state=0).split(x, y)
    errors = np.zeros(len(y))
    for train, test in parts:
        if number:
            predicted = Ridge(1.0).fit(x[train], y[train]).predict(x[test])
            errors[test] = np.square(predicted - y[test])
            continue
        if len(np.unique(y[train])) < 2:
            continue
        with warnings.catch_warnings():
            # Not having converged is no matter: both trials stop at the same place.
            warnings.simplefilter("ignore")
            model = LogisticRegression(max_iter=PASSES).fit(x[train], y[train])
        shares = model.predict_proba(x[test])
        index = np.searchsorted(model.classes_, y[test]).clip(0, len(model.classes_) - 1)
        known = model.classes_[index] == y[test]
        probability = np.where(known, shares[np.arange(len(test)), index], 0.0)
        errors[test] = -np.log(np.maximum(probability, 1e-6))
    return errors
