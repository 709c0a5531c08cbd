"""Rows of rare classes that count more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from misstep.trials.classes import alike_weights, classes_of
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError

# Weights to the power 1 make classes count alike; half of it lies between that and what they are.
MILD = 0.5
# Classes whose sizes differ by less count alike already.
EVEN = 1.5


class ClassWeights(Remedy):
    """Weights by which each class counts as much as any other, or half way there."""

    name = "class-weights"
    title = "rows of rare classes that count more"
    answers = ("class-imbalance", "constant-prediction")
    rank = 4

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield weights by which classes count alike, and milder ones."""
        rows = case.setting.rows
        classes = classes_of(case.start.loss, rows.y)
        if classes is None:
            raise NotApplicableError("its answers are no single classes")
        counts = np.bincount(classes)
        counts = counts[counts > 0]
        if len(counts) < 2 or counts.max() < EVEN * counts.min():
            raise NotApplicableError("its classes are about as large as each other")
        own = np.ones(len(rows)) if rows.weights is None else rows.weights
        for power in (1.0, MILD):
            weights = alike_weights(classes, power)
            yield Change(
                "with classes that count alike"
                if power == 1
                else "with rare classes counting more",
                case.start,
                _advice(power),
                rows=replace(rows, weights=(own * weights).astype("float32")),
            )


def _advice(power: float) -> str:
    words = f"sample_weight={_formula(power)}, of classes y from 0"
    return f'{words}, or ms.Classifier(class_weight="balanced")' if power == 1 else words


def _formula(power: float) -> str:
    if power == 1:
        return "(len(y) / len(np.unique(y)) / np.bincount(y))[y]"
    return f"(1 / np.bincount(y)[y] ** {power:g})"
