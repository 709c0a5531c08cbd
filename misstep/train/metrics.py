"""Metrics of a person's own, computed on validation rows after each epoch.

Knows functions of answers and predictions; no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from misstep.errors import ArgumentError
from misstep.ir import Array

__all__ = ["Metric", "checked_metrics", "scores_by"]

# From answers and what `Trainer.predict` says of the same rows to a number.
Metric = Callable[[Array, Array], Any]


def checked_metrics(given: Iterable[Metric] | Mapping[str, Metric]) -> dict[str, Metric]:
    """Return metrics by name; functions are called as they are. Raises ArgumentError."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise _unfit(given)
    pairs = given.items() if isinstance(given, Mapping) else [(None, each) for each in given]
    found: dict[str, Metric] = {}
    for name, metric in pairs:
        own = getattr(metric, "__name__", type(metric).__name__) if name is None else name
        if not callable(metric) or not isinstance(own, str):
            raise _unfit(metric)
        if own in found or own == "loss":
            raise ArgumentError(
                "metrics of a Trainer",
                needed="a name of its own for each",
                got=f"{own} twice" if own in found else "loss, which is there anyhow",
                try_=f"metrics={{'another name': …}} for {own}",
            )
        found[own] = metric
    return found


def scores_by(metrics: Mapping[str, Metric], answers: Array, predicted: Array) -> dict[str, float]:
    """Return what each metric makes of answers and predictions. Raises ArgumentError."""
    scores = {}
    for name, metric in metrics.items():
        said = metric(np.array(answers), np.array(predicted))
        try:
            scores[name] = float(said)
        except (TypeError, ValueError) as error:
            raise ArgumentError(
                f"the metric {name}", needed="one number", got=repr(said)[:100]
            ) from error
    return scores


def _unfit(got: Any) -> ArgumentError:
    return ArgumentError(
        "metrics of a Trainer",
        needed="functions of answers and predictions, or such by name",
        got=repr(got)[:100],
        try_="metrics=[sklearn.metrics.r2_score]",
    )
