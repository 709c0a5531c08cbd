"""Scores of several trainings, each judged on a part of the rows that none of its own are of.

Cross-validation: the rows are dealt out into folds, classes in proportion and groups as a whole;
each fold is the test of a training on the others. What the scores vary by from fold to fold is what
one split leaves to chance. Knows rows with an answer each; no face.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from misstep.data import Dataset
from misstep.errors import ArgumentError
from misstep.modeling.metrics import Metric, Scores
from misstep.modeling.modalities import RowModality
from misstep.modeling.options import Options
from misstep.modeling.pipeline import Walk, recognize

__all__ = ["Folds", "check_folds", "trained_folds"]


@dataclass(frozen=True)
class Folds:
    """The scores of each fold, by metric."""

    scores: tuple[Scores, ...]

    def mean(self, name: str) -> float:
        """Return the mean of a metric over folds."""
        return float(np.mean([one[name] for one in self.scores]))

    def deviation(self, name: str) -> float:
        """Return how far a metric deviates from fold to fold (n − 1), 0 for one fold."""
        found = [one[name] for one in self.scores]
        return float(np.std(found, ddof=1)) if len(found) > 1 else 0.0

    @property
    def names(self) -> list[str]:
        """Return the metrics that every fold has."""
        return [name for name in self.scores[0] if all(name in one for one in self.scores)]

    def words(self) -> str:
        """Return each metric with its deviation: RMSE 51.3 ± 2.1."""
        parts = []
        for name in self.names:
            metric = Metric.registry[name]
            deviation = metric.figure(self.deviation(name))
            parts.append(f"{metric.title} {metric.figure(self.mean(name))} ± {deviation}")
        return " · ".join(parts)

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain JSON."""
        return {
            "folds": [dict(one) for one in self.scores],
            "mean": {name: self.mean(name) for name in self.names},
            "deviation": {name: self.deviation(name) for name in self.names},
        }


def check_folds(modality: Any, count: int) -> None:
    """Raise ArgumentError where there can't be so many folds of such data."""
    rows = isinstance(modality, RowModality)
    if rows and modality.data.is_sample:
        raise ArgumentError(
            f"--folds {count}",
            needed="rows that fit into memory",
            got="more of them, which are prepared in a file for one split",
            try_="more --memory, or the command without --folds",
        )
    if not rows or modality.test is not None or modality.options.test is not None or count < 2:
        raise ArgumentError(
            f"--folds {count}",
            needed="2 or more folds, of rows with an answer each and no test of their own",
            got=modality.source.description if not rows else "another request",
            try_="--folds 5",
        )


def trained_folds(data: Dataset, options: Options, count: int) -> Iterator[Scores]:
    """Yield the scores of each fold on the rows of it. Raises what training raises."""
    quiet = replace(options, folder=None, progress=False, resume=False, prepared=None)
    for number in range(count):
        modality = recognize(data, quiet)
        assert isinstance(modality, RowModality)
        modality.fold = number, count
        walk = Walk(modality)
        for _ in walk:
            pass
        yield walk.result.scores["test"]
