"""A loss that single far errors do not rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from misstep.nn.losses import Huber, SquaredError
from misstep.optim import SGD
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import NotApplicableError

# So many spreads of the errors: of normal errors, 95 % of what squares would tell (Huber, 1964).
SPREADS = 1.345
# The median distance from 0, times this, is the deviation of normal errors.
NORMAL = 1.4826


class RobustLoss(Remedy):
    """Huber's loss in place of squares, with its bound where most errors end."""

    name = "robust-loss"
    title = "a loss that far errors do not rule"
    answers = ("outliers", "label-errors")
    rank = 24

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run with Huber's loss."""
        start, rows = case.start, case.setting.rows
        if not isinstance(start.loss, SquaredError):
            raise NotApplicableError("its loss does not square errors")
        # Of the run as it ended; of answers themselves where that came to nothing.
        guess = np.median(rows.y, axis=0)
        errors = rows.y - guess
        if case.trained is not None:
            learned = np.asarray(case.trained.predict(rows.x), "float64") - rows.y
            if np.isfinite(learned).all():
                errors = min(learned, errors, key=lambda one: float(np.median(np.abs(one))))
        delta = SPREADS * NORMAL * float(np.median(np.abs(errors)))
        if not delta > 0:
            raise NotApplicableError("most of its errors are 0")
        settings: dict[str, Any] = {"loss": Huber(delta)}
        optimizer: Any = start.optimizer
        if isinstance(optimizer, SGD) and not start.loss.half:
            # Huber's loss is half of the square near 0.
            settings["optimizer"] = replace(optimizer, learning_rate=2 * optimizer.learning_rate)
        trainer = start.variant(**settings)
        names = tuple(start.network.arrays())
        yield Change("Huber's loss", trainer, f"loss=ms.losses.Huber({delta:.3g})", carried=names)
