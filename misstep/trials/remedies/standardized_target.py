"""Answers of mean 0 and deviation 1 for the layers; the last one gives them in their unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from misstep.nn import Sequential
from misstep.nn.losses import Huber, SquaredError
from misstep.nn.rescaling import Rescaling
from misstep.optim import SGD, Clipping, Optimizer
from misstep.record import Task
from misstep.train.chance import task_of
from misstep.trials.carrying import rebuilt
from misstep.trials.layers import plain
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.scaling import scaling_of
from misstep.trials.setting import NotApplicableError


class StandardizedTarget(Remedy):
    """A rescaling behind the last layer, so that layers learn numbers of size 1.

    The loss stays in the unit of the answers, and gradients with it. Where updates go by the size
    of gradients, the rate is divided by as much as they grow; limits of clipping, and the constants
    by which optimizers avoid dividing by 0, go along where gradients shrink.
    """

    name = "standardized-target"
    title = "answers standardized inside the network"
    answers = (
        "unscaled-target",
        "exploding-gradients",
        "diverging",
        "not-a-number",
        "constant-prediction",
        "slow-learning",
        "outliers",
    )
    rank = 7

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the network with a rescaling behind it."""
        start, y = case.start, case.setting.rows.y
        if task_of(start.loss) is not Task.NUMBERS:
            raise NotApplicableError("its answers are classes")
        scaling = scaling_of(y)
        if scaling.changes_little:
            raise NotApplicableError("its answers have about mean 0 and deviation 1 already")
        layers = plain(start.network).layers
        deviation = np.where(scaling.deviation > 0, scaling.deviation, 1.0)
        last = Rescaling(_plain(deviation), _plain(np.asarray(scaling.mean)))
        scale = float(np.sqrt(np.mean(np.square(deviation))))
        growth = _growth(start.loss, scale)
        settings: dict[str, Any] = {
            "optimizer": _for_growth(start.optimizer, growth),
            "clipping": _clipping_for(start.clipping, growth),
        }
        advice = (
            "y = (y - y_train.mean()) / y_train.std(), and predictions times y_train.std() plus "
            "y_train.mean()"
        )
        yield rebuilt(
            start,
            "answers standardized inside the network",
            Sequential(*layers, last),
            advice,
            **settings,
        )


def _plain(numbers: Any) -> Any:
    """Return one number, or a tuple of several."""
    flat = np.atleast_1d(numbers).astype("float64").reshape(-1)
    return float(flat[0]) if len(flat) == 1 else tuple(flat.tolist())


def _growth(loss: Any, scale: float) -> float:
    """Return how many times as large gradients are as those of standardized answers."""
    squared = isinstance(loss, SquaredError) or (isinstance(loss, Huber) and scale <= loss.delta)
    return scale * scale if squared else scale


def _for_growth(optimizer: Optimizer, growth: float) -> Optimizer:
    """Return an optimizer whose updates are those of gradients that did not grow."""
    settings: Any = optimizer
    if isinstance(optimizer, SGD):
        changed: dict[str, float] = {"learning_rate": optimizer.learning_rate / growth}
        if optimizer.weight_decay:
            changed["weight_decay"] = optimizer.weight_decay * growth
        settings = replace(settings, **changed)
    elif growth < 1.0 and any(one.name == "epsilon" for one in fields(settings)):
        settings = replace(settings, epsilon=settings.epsilon * growth)
    other: Optimizer = settings
    return other


def _clipping_for(clipping: Sequence[Clipping], growth: float) -> tuple[Clipping, ...]:
    pieces: list[Any] = list(clipping)
    return tuple(replace(piece, limit=piece.limit * growth) for piece in pieces)
