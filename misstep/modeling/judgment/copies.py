"""What a model says of many changed copies of the same rows, by programs that are there already.

A program is compiled for a number of rows; asking for another number would compile one, which takes
longer than all the rest. Knows arrays and a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from misstep.ir import Array
from misstep.modeling.model import TrainedModel

__all__ = ["outputs_of_copies", "work_of_row"]

# Rows that are asked for together: as many as whole programs take, and no more numbers than fit
# into a few caches of a processor.
ROWS, MOST_NUMBERS = 1024, 2**22
# Fewer rows have programs of their own.
FEW_ROWS = 64
# What it costs to move a number of a row, and a row at all, beside a multiply-add of a network: a
# compiled one does some 10 of them in a nanosecond, and a number is copied twice and read once.
WORK_OF_NUMBER, WORK_OF_ROW = 40, 2_000


def work_of_row(model: TrainedModel) -> int:
    """Return what one row costs, in multiply-adds."""
    features = model.preprocessing.number_of_features
    return sum(model.network.operations.values()) + WORK_OF_NUMBER * features + WORK_OF_ROW


def outputs_of_copies(
    model: TrainedModel, x: Array, changes: Iterator[Callable[[Array], object]], asked: int
) -> Iterator[Array]:
    """Yield what the model says of each changed copy of the rows x, (rows, features).

    changes: each changes a copy of the rows in place. asked: for how many rows at once the model
    was asked before, so that there are programs for as many.
    """
    rows, features = x.shape
    whole = asked > FEW_ROWS and not model.network.inference().rows_unclear
    # A program that takes ROWS rows takes as long for fewer.
    most = max(ROWS, min(8 * ROWS, MOST_NUMBERS // features))
    together = max(1, most // rows) if whole else 1
    waiting: list[Array] = []
    for change in changes:
        copy = x.copy()
        change(copy)
        waiting.append(copy)
        if len(waiting) == together:
            yield from _outputs(model, waiting, whole)
            waiting = []
    if waiting:
        yield from _outputs(model, waiting, whole)


def _outputs(model: TrainedModel, copies: list[Array], whole: bool) -> list[Array]:
    rows, stacked = len(copies[0]), np.concatenate(copies)
    short = -len(stacked) % ROWS
    if whole and short:
        stacked = np.concatenate([stacked, np.zeros((short, stacked.shape[1]), stacked.dtype)])
    outputs = model.outputs_of(stacked)
    return [outputs[at * rows : (at + 1) * rows] for at in range(len(copies))]
