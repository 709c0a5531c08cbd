"""What each row's answer should be, by models that learned from the others only.

Two judges from scikit-learn, whose kinds err differently: a linear model on standardized features
and boosted trees. Each first takes one fold; the one that is clearly worse there goes no further,
and of two whole ones the better is believed. Knows features and answers; neither networks nor what
is made of the outcome.
"""

from __future__ import annotations

import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from misstep.ir import Array

__all__ = ["OutOfFold", "out_of_fold_answers"]

FOLDS = 5
# A judge learns from at most so many numbers (rows × features), a few seconds of one core; all rows
# are judged all the same.
MOST_NUMBERS = 4_000_000
# Strengths of the linear model's prior, the weakest first; the best on a part of the first fold's
# training rows is taken for all.
STRENGTHS = (1.0, 0.03, 0.001)
# Rows of texts are of length 1, each word a small share of it.
STRENGTHS_FOR_TEXTS = (100.0, 10.0, 1.0)
PASSES = 100
MOST_NUMBERS_OF_TREES = 1_000_000
# Trees are no match for so many features, and slow.
MOST_FEATURES_OF_TREES = 300
# Trees that all classes have together, and of each at least and at most.
TREES, FEWEST_TREES, MOST_TREES = 400, 40, 100
# Trees by which it is told how long all of them would take.
TIMED_TREES = 5
# A judge whose mean error on the first fold is more than so many standard errors above another's
# goes no further.
CLEARLY = 2.0


@dataclass(frozen=True)
class OutOfFold:
    """What is expected of each row.

    `expected`: probabilities (rows, classes), or numbers (rows,). `judged`: (rows,) whether the row
    was; all of them unless time ran out. `judge`: who, in words. `error`: its mean error: −ln p of
    the answer given, or the distance from it. `folds`: how many there were. `interrupted`: whether
    Ctrl-C ended it.
    """

    expected: Array
    judged: Array
    judge: str
    error: float
    folds: int = FOLDS
    interrupted: bool = False


class Judge(ABC):
    """A kind of model. `name`: in words. `learn` returns what predicts rows of features."""

    name: ClassVar[str]
    most_numbers: ClassVar[int] = MOST_NUMBERS

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def seconds_for(self, x: Any, y: Array) -> float:
        """Return about how long learning from such rows takes; 0 where it is next to nothing."""
        return 0.0

    @abstractmethod
    def learn(self, x: Any, y: Array) -> Callable[[Any], Array]:
        """Learn from rows; return what gives probabilities (rows, classes), or numbers (rows,)."""

    def by_class(self, model: Any) -> Callable[[Any], Array]:
        """Return what gives a probability for each class, also for those it never saw."""

        def predict(x: Any) -> Array:
            whole = np.zeros((x.shape[0], self.classes))
            whole[:, model.classes_.astype(int)] = model.predict_proba(x)
            return whole

        return predict


class LinearJudge(Judge):
    """Logistic regression, or ridge; the strength of its prior is found once."""

    name = "a linear model"
    strength: float | None = None

    def learn(self, x: Any, y: Array) -> Callable[[Any], Array]:
        """Learn from standardized columns; sparse ones are only scaled."""
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler(with_mean=isinstance(x, np.ndarray))
        if not isinstance(x, np.ndarray):
            # Of words, standardizing would make the rarest the loudest.
            scaler = StandardScaler(with_mean=False, with_std=False)
        if self.strength is None:
            self.strength = self._best_strength(x, y)
        model = make_pipeline(scaler, self._model(self.strength)).fit(x, y)
        if self.classes:
            return self.by_class(model)
        return lambda rows: np.asarray(model.predict(rows))

    def _model(self, strength: float) -> Any:
        from sklearn.linear_model import LogisticRegression, Ridge

        if self.classes:
            return LogisticRegression(C=strength, max_iter=PASSES)
        return Ridge(1.0 / strength)

    def _best_strength(self, x: Any, y: Array) -> float:
        # One row in four judges.
        drawn = np.random.default_rng(0).permutation(x.shape[0])
        kept, learned = drawn[::4], np.delete(drawn, np.s_[::4])
        strengths = STRENGTHS if isinstance(x, np.ndarray) else STRENGTHS_FOR_TEXTS
        best, least = strengths[0], np.inf
        for strength in strengths:
            self.strength = strength
            if self.classes and len(np.unique(y[learned])) < 2:
                break
            error = float(errors_of(self.learn(x[learned], y[learned])(x[kept]), y[kept]).mean())
            if error >= least:
                break
            best, least = strength, error
        return best


class TreeJudge(Judge):
    """Boosted trees; of numbers they expect the middle, which wrong answers hardly move."""

    name = "boosted trees"
    most_numbers = MOST_NUMBERS_OF_TREES

    def learn(self, x: Any, y: Array) -> Callable[[Any], Array]:
        """Learn from columns as they are."""
        return self._learn(x, y, self._trees)

    def seconds_for(self, x: Any, y: Array) -> float:
        """Return about how long it takes, by a few trees, as if nothing else ran."""
        began = time.process_time()
        self._learn(x, y, 1)
        first = time.process_time() - began
        self._learn(x, y, 1 + TIMED_TREES)
        each = (time.process_time() - began - 2 * first) / TIMED_TREES
        return first + max(each, 0.0) * self._trees

    @property
    def _trees(self) -> int:
        """How many trees there are for each class."""
        if not self.classes:
            return MOST_TREES
        return int(np.clip(TREES // max(self.classes - 1, 1), FEWEST_TREES, MOST_TREES))

    def _learn(self, x: Any, y: Array, trees: int) -> Callable[[Any], Array]:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        if self.classes:
            boosted = HistGradientBoostingClassifier(
                max_iter=trees, early_stopping=False, random_state=0
            )
            return self.by_class(boosted.fit(x, y))
        model = HistGradientBoostingRegressor(
            loss="absolute_error", max_iter=trees, early_stopping=False, random_state=0
        ).fit(x, y)
        return lambda rows: np.asarray(model.predict(rows))


def errors_of(expected: Array, answers: Array) -> Array:
    """Return each row's error, (rows,): −ln p of its class, or the distance of its number."""
    if expected.ndim == 1:
        return np.asarray(np.abs(expected - answers))
    given = expected[np.arange(len(answers)), answers.astype(int)]
    return np.asarray(-np.log(np.maximum(given, 1e-9)))


def out_of_fold_answers(
    x: Any,
    answers: Array,
    classes: int,
    *,
    groups: Array | None = None,
    seconds: float = 30.0,
    progress: Callable[[float, str], None] | None = None,
) -> OutOfFold | None:
    """Return what is expected of each row by models that did not learn from it.

    x: (rows, features), dense or sparse; answers: (rows,) class numbers, or numbers where `classes`
    is 0. `groups`: (rows,), each in one fold. `seconds`: when it should be done. `progress`: called
    with the share that is done, and who judges. None where no fold could be judged.
    """
    judges: list[Judge] = [LinearJudge(classes)]
    if isinstance(x, np.ndarray) and x.shape[1] <= MOST_FEATURES_OF_TREES:
        judges.append(TreeJudge(classes))
    folds = list(_folds(answers, classes, groups))
    ends = time.monotonic() + seconds
    best: OutOfFold | None = None
    for number, judge in enumerate(judges if folds else ()):
        expected = np.zeros((len(answers), classes) if classes else len(answers))
        judged, interrupted = np.zeros(len(answers), bool), False
        for at, (learned, kept) in enumerate(folds):
            if progress is not None:
                share = (number + at / len(folds)) / len(judges)
                progress(share, f"{judge.name}, fold {at + 1} of {len(folds)}")
            few = _few(learned, x, judge.most_numbers)
            if classes and len(np.unique(answers[few])) < 2:
                continue
            try:
                if at == 0 and best is not None:
                    # The first judge stands; another one is asked where there is time.
                    needed = judge.seconds_for(x[few], answers[few]) * len(folds)
                    if time.monotonic() + needed > ends:
                        break
                with warnings.catch_warnings():
                    # Not having converged is no matter: the judge is compared as it stands.
                    warnings.simplefilter("ignore")
                    expected[kept] = judge.learn(x[few], answers[few])(x[kept])
            except KeyboardInterrupt:
                interrupted = True
                break
            judged[kept] = True
            if at == 0 and _hopeless(expected, best, answers, kept):
                break
            # What can't be whole in time is of use only where there is nothing else.
            if time.monotonic() > ends:
                break
        if judged.any() and (best is None or judged.all()):
            error = float(errors_of(expected, answers)[judged].mean())
            if best is None or (error < best.error and best.judged.all()):
                best = OutOfFold(expected, judged, judge.name, error, len(folds))
        if interrupted:
            return None if best is None else replace(best, interrupted=True)
    return best


def _hopeless(expected: Array, best: OutOfFold | None, answers: Array, kept: Array) -> bool:
    """Tell whether a judge is clearly worse than the best one on the rows `kept`."""
    if best is None:
        return False
    worse = errors_of(expected[kept], answers[kept]) - errors_of(best.expected[kept], answers[kept])
    return bool(worse.mean() > CLEARLY * worse.std() / np.sqrt(len(worse)))


def _few(learned: Array, x: Any, numbers: int) -> Array:
    """Return the rows to learn from, or as many of them drawn at random as can be."""
    each = x.shape[1] if isinstance(x, np.ndarray) else x.nnz / max(x.shape[0], 1)
    most = max(int(numbers / max(each, 1)), 1000)
    if len(learned) <= most:
        return learned
    return np.random.default_rng(0).choice(learned, most, replace=False)


def _folds(answers: Array, classes: int, groups: Array | None) -> Iterator[tuple[Array, Array]]:
    """Yield which rows are learned from and which are judged; nothing where there are too few."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

    rows = np.zeros((len(answers), 1))
    if groups is not None and len(np.unique(groups)) >= FOLDS:
        yield from GroupKFold(FOLDS).split(rows, answers, groups)
        return
    if len(answers) < 2 * FOLDS:
        return
    alike = classes and np.bincount(answers.astype(int))[np.unique(answers.astype(int))].min()
    folds = StratifiedKFold if alike >= FOLDS else KFold
    yield from folds(FOLDS, shuffle=True, random_state=0).split(rows, answers)
