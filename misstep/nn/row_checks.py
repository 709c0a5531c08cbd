"""Rows as people hand them over, checked and brought to arrays that a network and its loss take.

All that can be wrong is told in words before anything is computed. Knows losses, no network.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from misstep.errors import DataError, ShapeError
from misstep.ir import Array, make_input
from misstep.ir.masks import FILLED, refuse_mask
from misstep.nn.losses import Loss
from misstep.storage import MappedRows, pieces_of

# Numbers that are looked at together.
CHECKED_TOGETHER = 2**22


def finite_rows(x: Any, name: str, dtype: str) -> Array:
    """Return `x` as one row or more of finite numbers. Raises DataError for anything else."""
    if isinstance(x, MappedRows) and x.scale is not None and dtype == "float32" and len(x):
        # Whole numbers by a scale of finite numbers; they are worked out where they are read.
        return x  # type: ignore[return-value]
    if isinstance(x, MappedRows) and x.dtype == dtype and x.through is None and len(x):
        start = 0
        for piece in pieces_of(x):
            index = _first_not_finite(piece)
            if index is not None:
                got = str(piece[tuple(index)])
                raise DataError(
                    f"{name}{[start + index[0], *index[1:]]}", needed="finite numbers", got=got
                )
            start += len(piece)
        return x  # type: ignore[return-value]
    rows = _finite_numbers(x, name, dtype)
    if rows.ndim == 0 or len(rows) == 0:
        raise DataError(f"training data {name}", needed="one row or more", got="none")
    return rows


def checked_targets(
    y: Any,
    rows: int,
    loss: Loss,
    output_shape: tuple[int, ...],
    dtype: str,
    names: tuple[str, str] = ("x", "y"),
) -> Array:
    """Return `y` as the targets of so many rows that `loss` takes.

    `output_shape`: of one row of the network. `names`: of rows and targets, for errors. Raises
    ShapeError or DataError.
    """
    x_name, name = names
    target_dtype = "int64" if loss.target_dtype == "int" else dtype
    target = _finite_numbers(y, name, None)
    if len(target.shape) == 0 or len(target) != rows:
        raise ShapeError(
            f"{x_name} and {name}",
            needed="as many targets as rows",
            got=f"{rows} rows and targets of shape {target.shape}",
        )
    if target_dtype == "int64" and target.dtype.kind == "f" and (target == np.floor(target)).all():
        raise DataError(
            name,
            needed="class positions as whole numbers 0, 1, 2 …",
            got=str(target.dtype),
            try_=f'{name.split()[-1]}.astype("int64")',
        )
    prediction = make_input("prediction", (rows, *output_shape), dtype)
    shown_dtype = dtype
    if target_dtype == "int64":
        shown_dtype = "int64" if target.dtype.kind in "iub" else "float64"
    loss.check(prediction, make_input(name, target.shape, shown_dtype))
    loss.check_answers(target, prediction.shape, name)
    # What lies in a file stays there.
    copied = not isinstance(y, np.memmap)
    return np.ascontiguousarray(target.astype(target_dtype, copy=copied))


def checked_weights(weights: Any, rows: int, dtype: str) -> Array | None:
    """Return what each row weighs, (rows,), or None where none is said.

    Raises ShapeError or DataError.
    """
    if weights is None:
        return None
    shares = _finite_numbers(weights, "sample_weight", dtype)
    if shares.shape != (rows,):
        raise ShapeError("sample_weight", needed=f"shape ({rows},)", got=str(shares.shape))
    if (shares < 0).any():
        raise DataError("sample_weight", needed="weights of 0 or more", got=str(shares.min()))
    return shares


def refuse_kind(array: Array, name: str) -> None:
    """Raise DataError for numbers of which a network would lose a part without a word."""
    kinds = {
        "c": ("complex numbers", "real and imaginary part as two columns"),
        "M": ("dates", "numbers such as days since a fixed date, or ms.Classifier on a frame"),
        "m": ("spans of time", "numbers such as seconds"),
        "V": ("records of several fields", "one column for each field"),
    }
    if array.dtype.kind in kinds:
        got, way = kinds[array.dtype.kind]
        raise DataError(name, needed="real numbers", got=f"{got} ({array.dtype})", try_=way)


def _finite_numbers(data: Any, name: str, dtype: str | None) -> Array:
    data = refuse_mask(data, name, FILLED)
    try:
        array = np.asarray(data)
        refuse_kind(array, name)
        if array.dtype.kind not in "iubf":
            array = array.astype("float64")
        # Judged before it is narrowed: a number too large for float32 is found below.
        with np.errstate(over="ignore"):
            numbers = array if dtype is None else array.astype(dtype, copy=False)
    except DataError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(name, needed="numbers, as many in each row", got=str(error)) from error
    index = _first_not_finite(numbers)
    if index is not None:
        raise DataError(
            f"{name}{index}",
            needed="finite numbers",
            got=str(array[tuple(index)]),
            try_="filling or leaving out missing values; `misstep train` and ms.Classifier do so",
        )
    return numbers


def _squares_are_finite(numbers: Array) -> bool:
    """Tell whether the sum of squares is finite: no NaN and no infinity can be in it then.

    One pass at the speed of memory, five times as fast as asking each number.
    """
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.dot(numbers, numbers)))


def _first_not_finite(numbers: Array) -> list[int] | None:
    """Return the index of the first number that is not finite; None: all are.

    Some rows at a time: data may be a file that is larger than memory.
    """
    if numbers.dtype.kind != "f":
        return None
    if numbers.ndim == 0:
        return None if np.isfinite(numbers) else []
    rows = max(CHECKED_TOGETHER // max(numbers[:1].size, 1), 1)
    for start in range(0, len(numbers), rows):
        some = numbers[start : start + rows]
        if some.flags.c_contiguous and _squares_are_finite(some.reshape(-1)):
            continue
        finite = np.isfinite(some)
        if not finite.all():
            first = [int(at) for at in np.argwhere(~finite)[0]]
            return [start + first[0], *first[1:]]
    return None
