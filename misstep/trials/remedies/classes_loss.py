"""A loss of classes on raw outputs, where a loss of numbers learned the names of classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from misstep.ir import Array
from misstep.nn import Sequential
from misstep.nn.losses import BinaryCrossEntropy, CrossEntropy
from misstep.record import Task
from misstep.train.chance import task_of
from misstep.trials.carrying import rebuilt
from misstep.trials.layers import is_activation, last_place, plain
from misstep.trials.remedy import Case, Change, Remedy
from misstep.trials.setting import Judged, NotApplicableError


class ClassesLoss(Remedy):
    """Cross-entropy of answers that are 0 and 1, or one 1 among zeros."""

    name = "classes-loss"
    title = "a loss of classes, on raw outputs"
    answers = ("wrong-output", "underfitting", "slow-learning")
    rank = 6

    def changes(self, case: Case) -> Iterator[Change]:
        """Yield the run with a cross-entropy; what it predicts has the shape that it had."""
        start, rows, held = case.start, case.setting.rows, case.setting.validation
        if task_of(start.loss) is not Task.NUMBERS:
            raise NotApplicableError("its loss is one of classes already")
        layers = plain(start.network).layers
        end = last_place(layers) + 1
        module = Sequential(*layers[:end], *(one for one in layers[end:] if not is_activation(one)))
        both = [rows.y] if held is None else [rows.y, held.y]
        if not all(np.isin(y, (0.0, 1.0)).all() for y in both):
            if len(np.unique(rows.y)) <= len(rows) // 10 and not (rows.y % 1).any():
                raise NotApplicableError(
                    "its answers may be names of classes, but one output can't tell several apart: "
                    "that takes a last layer with a unit for each class"
                )
            raise NotApplicableError("its answers are numbers")
        ending = "and a last layer without an activation"
        if len(start.network.output_shape) == 1 and all(map(_is_one_hot, both)):
            yield rebuilt(
                start,
                "cross-entropy, on raw outputs",
                module,
                f"loss=ms.CrossEntropy() {ending}, with y.argmax(axis=1) as answers",
                loss=CrossEntropy(),
                rows=_positions(rows),
                validation=None if held is None else _positions(held),
            )
        yield rebuilt(
            start,
            "binary cross-entropy, on raw outputs",
            module,
            f"loss=ms.BinaryCrossEntropy() {ending}",
            loss=BinaryCrossEntropy(),
        )


def _is_one_hot(y: Array) -> bool:
    return y.ndim == 2 and y.shape[1] > 1 and bool((y.sum(axis=1) == 1).all())


def _positions(rows: Judged) -> Judged:
    """Return rows whose answers are the positions of their 1."""
    return replace(rows, y=rows.y.argmax(axis=1))
