"""What a score must be compared with: a guess without looking, and a linear model.

Each kind of data names its baselines as `Baseline`s; they learn from the rows of the network.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from misstep.data import Rows, Target, drawn_rows
from misstep.ir import Array
from misstep.modeling.metrics import Scores, class_scores, number_scores, target_scores
from misstep.storage import MappedRows, pieces_of

# A linear model learns from at most so many numbers, so that it takes a few seconds at most.
LARGEST = 4_000_000
PASSES = 100
# Which numbers a linear model is given is decided on at most so many training rows, of which one in
# four is kept from it.
MOST_TRIED, TRIED_PARTS = 5_000, 4
FEWEST_TRIED = 20


@dataclass(frozen=True)
class Baseline:
    """Something simpler that the network must beat.

    `name`: of its scores. `who`: what it is called, as in "better than a guess". `how`: what it
    does, in a few words. `score`: returns its scores on the test rows, or None where it can't be
    fitted.
    """

    name: str
    who: str
    how: str
    score: Callable[[], Scores | None]


def guess(train: Rows, test: Rows, target: Target) -> Baseline:
    """Return the baseline that always says the commonest class, or the mean."""
    how = "always the mean" if target.is_number else "always the commonest class"
    return Baseline("baseline", "a guess", how, lambda: guess_scores(train.y, test.y, target))


def linear(
    train: Rows,
    test: Rows,
    target: Target,
    names: str = "rows",
    as_they_stand: tuple[Array, Array] | None = None,
) -> Baseline:
    """Return the linear model on the features that the network gets.

    `as_they_stand`: columns of the training and of the test rows, (rows, columns), that the network
    gets bent (a logarithm, clipped) and which a line may need straight, since it can't bend them
    back. It gets them besides where that helps on training rows that it is tried on.
    """
    step = -(-train.x.size // LARGEST) or 1
    how = "learned from the same, judged on the same"
    if step > 1:
        how = f"learned from one in {step} of the {names} only, judged on the same"

    def score() -> Scores | None:
        x, test_x = train.x, test.x
        if as_they_stand is not None:
            straight, test_straight = standardized(*as_they_stand)
            more, test_more = np.hstack([x, straight]), np.hstack([test_x, test_straight])
            if _better_with(x, more, train.y, target):
                x, test_x = more, test_more
        return linear_scores(x, train.y, test_x, test.y, target)

    return Baseline("linear", "a linear model", how, score)


def standardized(train: Array, test: Array) -> tuple[Array, Array]:
    """Return columns with mean 0 and deviation 1 on the training rows, float64."""
    center, scale = train.mean(axis=0), train.std(axis=0)
    scale[scale == 0] = 1.0
    return (train - center) / scale, (test - center) / scale


def _better_with(x: Array, more: Array, y: Array, target: Target) -> bool:
    """Tell whether a linear model does better on `more` than on `x`, on training rows kept from it.

    x, more: (rows, features) each; y: encoded answers, (rows,).
    """
    drawn = np.random.default_rng(0).permutation(len(x))[:MOST_TRIED]
    kept, learned = drawn[::TRIED_PARTS], np.delete(drawn, np.s_[::TRIED_PARTS])
    if len(kept) < FEWEST_TRIED:
        return False
    few, many = (
        linear_scores(each[learned], y[learned], each[kept], y[kept], target) for each in (x, more)
    )
    if few is None or many is None:
        return False
    if target.is_number:
        return many["rmse"] < few["rmse"]
    return many["accuracy"] > few["accuracy"]


def guess_scores(train: Array, test: Array, target: Target) -> Scores:
    """Return the scores on `test` of always guessing the commonest class, or the mean, of `train`.

    train, test: encoded targets, (rows,).
    """
    if target.is_number:
        truth = target.decode(test)
        mean = np.full(truth.shape, target.decode(train).mean())
        return number_scores(mean, truth, target.logarithm)
    shares = np.bincount(train.astype(int), minlength=len(target.classes)) / max(len(train), 1)
    return class_scores(np.tile(shares, (len(test), 1)), test, target.rare)


def linear_scores(
    x: Array, y: Array, test_x: Array, test_y: Array, target: Target
) -> Scores | None:
    """Return the scores of a linear model on the same features; None when it can't be fitted.

    x, test_x: (rows, features); y, test_y: encoded targets, (rows,).
    """
    from sklearn.linear_model import LogisticRegression, Ridge

    step = -(-x.size // LARGEST) or 1
    if step > 1:
        drawn = drawn_rows(len(x), len(x) // step)
        x, y = x[drawn], y[drawn]
    x = np.asarray(x)
    if target.is_number:
        line = Ridge(1.0).fit(x.astype("float64"), y)
        predicted = _in_pieces(lambda some: line.predict(some.astype("float64")), test_x)
        return target_scores(predicted, test_y, target)
    if len(np.unique(y)) < 2:
        return None
    with warnings.catch_warnings():
        # Not having converged is no matter here: it is a yardstick.
        warnings.simplefilter("ignore")
        model = LogisticRegression(max_iter=PASSES).fit(x, y)
    probabilities = np.zeros((len(test_x), len(target.classes)))
    probabilities[:, model.classes_.astype(int)] = _in_pieces(model.predict_proba, test_x)
    return class_scores(probabilities, test_y, target.rare)


def _in_pieces(predict: Callable[[Array], Array], rows: Array) -> Array:
    """Return what is predicted for rows, of those in a file some after the others."""
    if not isinstance(rows, MappedRows):
        return predict(rows)
    return np.concatenate([predict(piece) for piece in pieces_of(rows)])
