"""Metrics: what predictions are worth beside the answers; one class each.

Writing a subclass is enough: every result, every table of scores and every model file has it from
then on. Knows predictions and answers as arrays, not where they came from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from misstep.data import Logarithm, Target
from misstep.ir import Array
from misstep.text.figures import four_figures, percent, true_minus

Scores = dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """Predictions beside answers.

    For numbers `predicted` and `truth` are in the unit of the target, (rows,) or (rows, steps); for
    classes `predicted` are probabilities, (rows, classes), and `truth` class numbers, (rows,).
    `rare`: of two classes, the number of the one with fewer training rows. `logarithm`: the scale
    that numbers were learned on, if any.
    """

    predicted: Array
    truth: Array
    is_number: bool
    rare: int = 1
    logarithm: Logarithm | None = None


class Metric(ABC):
    """A score of predictions.

    `name`: in files and results. `title`: at the head of a column. `of_numbers`: whether it is for
    numbers or for classes. `is_error`: whether less is better.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    of_numbers: ClassVar[bool]
    is_error: ClassVar[bool] = False
    registry: ClassVar[dict[str, Metric]] = {}

    def __init_subclass__(cls, **more: Any) -> None:
        """Register the metric under its name."""
        super().__init_subclass__(**more)
        Metric.registry[cls.name] = cls()

    @abstractmethod
    def compute(self, outcome: Outcome) -> float | None:
        """Return the score; None where it means nothing for such predictions."""

    @abstractmethod
    def figure(self, score: float) -> str:
        """Return the score as it stands in a table."""

    def words(self, score: float) -> str:
        """Return the score with its name, as it stands in a sentence."""
        return f"{self.title} {self.figure(score)}"


class Accuracy(Metric):
    """The share of rows whose class is predicted rightly."""

    name, title, of_numbers = "accuracy", "accuracy", False

    def compute(self, outcome: Outcome) -> float:
        return float((outcome.predicted.argmax(axis=1) == outcome.truth).mean())

    def figure(self, score: float) -> str:
        return percent(score)

    def words(self, score: float) -> str:
        return f"accuracy {score:.2%}"


class F1(Metric):
    """The harmonic mean of precision and recall of the rarer of two classes."""

    name, title, of_numbers = "f1", "F1", False

    def compute(self, outcome: Outcome) -> float | None:
        if outcome.predicted.shape[1] != 2:
            return None
        predicted = outcome.predicted.argmax(axis=1) == outcome.rare
        truth = outcome.truth == outcome.rare
        either = np.count_nonzero(predicted) + np.count_nonzero(truth)
        # Without a row of the class, in truth or said, there is neither precision nor recall.
        return 2 * np.count_nonzero(predicted & truth) / either if either else None

    def figure(self, score: float) -> str:
        return f"{score:.3f}"


class AreaUnderCurve(Metric):
    """The area under the ROC curve of the second of two classes, where both are there."""

    name, title, of_numbers = "auc", "area under curve", False

    def compute(self, outcome: Outcome) -> float | None:
        second = outcome.truth == 1
        pairs = np.count_nonzero(second) * np.count_nonzero(~second)
        if outcome.predicted.shape[1] != 2 or not pairs:
            return None
        # The share of pairs, one row of each class, whose order is right; equal ones count a half.
        _, place, count = np.unique(
            outcome.predicted[:, 1], return_inverse=True, return_counts=True
        )
        others = np.bincount(place[~second], minlength=len(count))
        below = np.cumsum(others) - others / 2
        return float(below[place[second]].sum() / pairs)

    def figure(self, score: float) -> str:
        return f"{score:.3f}"

    def words(self, score: float) -> str:
        return f"area under the curve {score:.3f}"


class RootMeanSquaredError(Metric):
    """The root of the mean squared error, in the unit of the target."""

    name, title, of_numbers, is_error = "rmse", "RMSE", True, True

    def compute(self, outcome: Outcome) -> float:
        return float(np.sqrt((_errors(outcome) ** 2).mean()))

    def figure(self, score: float) -> str:
        return four_figures(score)

    def words(self, score: float) -> str:
        return f"RMSE {score:,.5g}"


# From here on a coefficient is told in four figures.
VAST_COEFFICIENT = 1e6


def _coefficient(score: float) -> str:
    """Return an R²; where training blew up it has more digits than a line has room for."""
    return true_minus(f"{score:.3f}") if abs(score) < VAST_COEFFICIENT else four_figures(score)


class CoefficientOfDetermination(Metric):
    """R²: the share of the variance that is predicted; 0 for always the mean.

    Where all answers are the same there is no variance, and it means nothing.
    """

    name, title, of_numbers = "r2", "R²", True

    def compute(self, outcome: Outcome) -> float | None:
        truth = np.asarray(outcome.truth, "float64")
        if not truth.size or np.ptp(truth) == 0:
            return None
        around = float(((truth - truth.mean()) ** 2).sum())
        return 1 - float((_errors(outcome) ** 2).sum()) / around

    def figure(self, score: float) -> str:
        return _coefficient(score)

    def words(self, score: float) -> str:
        return f"R² {self.figure(score)}"


class DeterminationOfLogarithm(Metric):
    """R² of the logarithms, where those were learned: what counts is by which factor one errs."""

    name, title, of_numbers = "r2_log", "R² of log", True

    def compute(self, outcome: Outcome) -> float | None:
        scale = outcome.logarithm
        if scale is None:
            return None
        truth, predicted = scale.apply(outcome.truth), scale.apply(outcome.predicted)
        around = float(((truth - truth.mean()) ** 2).sum())
        return 1 - float(((predicted - truth) ** 2).sum()) / around if around else 0.0

    def figure(self, score: float) -> str:
        return _coefficient(score)

    def words(self, score: float) -> str:
        return f"R² of the logarithm {self.figure(score)}"


class MeanAbsoluteError(Metric):
    """The mean absolute error, in the unit of the target."""

    name, title, of_numbers, is_error = "mae", "MAE", True, True

    def compute(self, outcome: Outcome) -> float:
        return float(np.abs(_errors(outcome)).mean())

    def figure(self, score: float) -> str:
        return four_figures(score)

    def words(self, score: float) -> str:
        return f"MAE {score:,.5g}"


def _errors(outcome: Outcome) -> Array:
    errors: Array = np.asarray(outcome.predicted, "float64") - np.asarray(outcome.truth, "float64")
    return errors


def compute_scores(outcome: Outcome) -> Scores:
    """Return the score of every metric that means something for such predictions, by name."""
    scores = {}
    for metric in Metric.registry.values():
        score = metric.compute(outcome) if metric.of_numbers == outcome.is_number else None
        if score is not None:
            scores[metric.name] = score
    return scores


def class_scores(probabilities: Array, truth: Array, rare: int = 1) -> Scores:
    """Return the scores of probabilities (rows, classes) beside class numbers (rows,)."""
    return compute_scores(Outcome(probabilities, truth, is_number=False, rare=rare))


def number_scores(predicted: Array, truth: Array, logarithm: Logarithm | None = None) -> Scores:
    """Return the scores of predicted numbers beside true ones, both (rows,) or (rows, steps).

    `logarithm`: the scale that they were learned on, if any.
    """
    return compute_scores(Outcome(predicted, truth, is_number=True, logarithm=logarithm))


def target_scores(outputs: Array, truth: Array, target: Target) -> Scores:
    """Return the scores of encoded outputs, (rows, classes) or (rows,), beside encoded answers."""
    if target.is_number:
        predicted = target.decode_outputs(outputs.reshape(-1))
        return number_scores(predicted, target.decode(truth), target.logarithm)
    return class_scores(outputs, truth, target.rare)


def row_errors(outputs: Array, truth: Array, target: Target) -> Array:
    """Return how wrong each row is, (rows,): squared error in the target's unit, or 0 and 1.

    Their mean is the squared RMSE, or 1 less the accuracy. outputs, truth: as in `target_scores`.
    """
    if target.is_number:
        predicted = target.decode_outputs(outputs.reshape(-1))
        errors = np.asarray(predicted, "float64") - np.asarray(target.decode(truth), "float64")
        return np.asarray(errors**2)
    return np.asarray(outputs.argmax(axis=1) != truth, "float64")


def score_words(scores: Mapping[str, float]) -> str:
    """Return scores as people write them: accuracy 97.2 %, RMSE 51,000, R² 0.81."""
    # In the order people say them, whichever order a file has kept.
    ordered = sorted(scores, key=lambda name: [*Metric.registry, name].index(name))
    return " · ".join(
        Metric.registry[name].words(scores[name])
        if name in Metric.registry
        else f"{name} {scores[name]:.4g}"
        for name in ordered
    )
