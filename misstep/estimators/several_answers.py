"""Several answers to each row, as people hold them: columns of numbers, or of labels that hold.

Knows arrays and frames of answers, checked as scikit-learn has it; no training.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from misstep.data import JointTarget, TaskType
from misstep.errors import DataError, DtypeError
from misstep.estimators.reading import in_our_words
from misstep.ir import Array
from misstep.ir.masks import refuse_mask

__all__ = ["are_several", "several_labels", "several_numbers", "several_target"]


def are_several(y: Any) -> bool:
    """Tell whether y has a column for each of several answers, (rows, 2 or more)."""
    shape = getattr(y, "shape", None)
    if shape is None and isinstance(y, list | tuple) and y:
        return isinstance(y[0], list | tuple | np.ndarray) and np.size(y[0]) > 1
    return isinstance(shape, tuple) and len(shape) == 2 and shape[1] > 1


def several_numbers(y: Any, rows: int) -> Array:
    """Return several answers as finite numbers, (rows, outputs). Raises DataError or DtypeError."""
    y = refuse_mask(y, "y", "leaving those rows out")
    with in_our_words("y", "numbers, since a Regressor predicts numbers"):
        found = np.asarray(y)
        if found.dtype.kind in "mMV":
            raise DtypeError("y", needed="numbers", got=str(found.dtype))
        numbers = found.astype(np.float64)
    _check_rows(numbers, rows)
    wrong = np.argwhere(~np.isfinite(numbers))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise DataError(
            f"y at row {row + 1}, column {column + 1}",
            needed="a finite answer",
            got=str(numbers[row, column]),
            try_="leaving that row out",
        )
    return numbers


def several_labels(y: Any, rows: int) -> Array:
    """Return labels that hold or not as 0 and 1, (rows, labels). Raises DataError for others."""
    y = refuse_mask(y, "y", "leaving those rows out")
    found = np.asarray(y)
    if found.ndim == 2:
        _check_rows(found, rows)
    good = found.ndim == 2 and (found.dtype.kind in "biuf" or found.dtype == object)
    if not good or not np.isin(found, [0, 1]).all():
        raise DataError(
            "y",
            needed="one class for each row, (rows,); or labels that hold or not, 1 or 0, (rows, "
            "labels)",
            got=f"shape {found.shape} of other values",
            try_="an estimator for each column, as sklearn.multioutput makes them",
        )
    return np.asarray(found.astype(np.int64))


def several_target(y: Any, count: int, task: TaskType, rows: int) -> JointTarget:
    """Return what is predicted: so many numbers or labels, called as the columns of a frame."""
    columns = getattr(y, "columns", None)
    names = tuple(range(count)) if columns is None else tuple(map(str, columns))
    what = "numbers" if task is TaskType.NUMBERS else "labels"
    return JointTarget("y", task, f"y has {count} columns of {what}; {rows} rows", names=names)


def _check_rows(found: Array, rows: int) -> None:
    if len(found) != rows:
        raise DataError(
            "X and y", needed="as many answers as rows", got=f"{rows} rows, {len(found)} answers"
        )
