"""Judging a network on rows, in chunks, so that memory stays small however many rows there are.

A compiled program has a fixed number of rows. Few sizes do for any number of rows: full chunks, and
a smallest size that holds the rest, filled up with rows of zeros whose results are dropped. That is
right where no row's result depends on other rows, which the program itself tells. Where it can't
tell, as for sequences that are taken apart into steps, programs have just the rows there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from misstep.compiler import NativeProgram
from misstep.data import Rows
from misstep.ir import Array, one_blas_thread
from misstep.nn.network import CHUNK
from misstep.train.programs import Program, Programs

# Rows that compiled programs take at once.
SIZES = (8, 64, CHUNK)
# Other numbers of rows whose programs are kept; that of the size used longest ago is forgotten.
MOST_OTHER_SIZES = 8


def evaluate_rows(
    programs: Programs, held: Mapping[str, Array], rows: Rows, threads: int | None = None
) -> tuple[dict[str, float], Array]:
    """Return loss and score by name, and the predictions, for `rows`.

    `held`: the network's flat buffers by name. Loss and score are means over the rows, weighted if
    they have weights or their classes do.
    """
    out = _run(programs, programs.evaluate, held, {"x": rows.x, "y": rows.y}, threads)
    each, predicted = out["losses"].astype("float64"), out["prediction"]
    balance = None if rows.weights is None else rows.weights.astype("float64")
    loss_weights = balance
    if "class_weights" in out:
        by_class = out["class_weights"].astype("float64")
        loss_weights = by_class if balance is None else by_class * balance
    found = {"loss": _mean(each, loss_weights)}
    usable = balance if balance is not None and balance.sum() > 0 else None
    found[programs.loss.score_name] = programs.loss.score(predicted, rows.y, usable)
    return found, predicted


def predict_rows(
    programs: Programs, held: Mapping[str, Array], x: Array, threads: int | None = None
) -> Array:
    """Return the predictions for rows `x`: probabilities for classes, else the outputs."""
    if len(x) == 1:
        found = programs.predict_one(held, x)
        if found is not None:
            return found
    return _run(programs, programs.predict, held, {"x": x}, threads)["prediction"]


def _run(
    programs: Programs,
    make: Callable[[int], Program],
    held: Mapping[str, Array],
    rows: Mapping[str, Array],
    threads: int | None,
) -> dict[str, Array]:
    """Return the outputs of the program that `make` makes for a number of rows, for all rows."""
    count = len(rows["x"])
    if programs.rows_unclear:
        return _run_exactly(programs, make, held, rows, threads)
    parts = []
    start = 0
    while start < count:
        left = count - start
        size = next((one for one in SIZES if one >= left), CHUNK)
        native = make(size).compiled(threads)
        if native is None:
            return _interpret(make, held, rows)
        if not native.rows_are_independent:
            programs.rows_unclear = True
            return _run_exactly(programs, make, held, rows, threads)
        chunks = max(left // size, 1)
        taken = min(chunks * size, left)
        part = {name: array[start : start + taken] for name, array in rows.items()}
        parts.append(_run_chunks(native, held, part, chunks, size))
        start += taken
    return _joined(parts) if parts else _interpret(make, held, rows)


def _run_chunks(
    native: NativeProgram,
    held: Mapping[str, Array],
    rows: Mapping[str, Array],
    chunks: int,
    size: int,
) -> dict[str, Array]:
    feeds: dict[str, object] = dict(held)
    count = len(rows["x"])
    for name, array in rows.items():
        if count < chunks * size:
            filled = np.zeros((chunks * size, *array.shape[1:]), array.dtype)
            filled[:count] = array
            array = filled
        feeds[name] = array.reshape(chunks, size, *array.shape[1:])
    out, _ = native.run(feeds, chunks)
    return {
        name: array.reshape(chunks * size, *array.shape[2:])[:count] for name, array in out.items()
    }


def _run_exactly(
    programs: Programs,
    make: Callable[[int], Program],
    held: Mapping[str, Array],
    rows: Mapping[str, Array],
    threads: int | None,
) -> dict[str, Array]:
    """Return what `_run` does, by programs for full chunks and for just the rows that are left."""
    count = len(rows["x"])
    parts = []
    for start in range(0, max(count, 1), CHUNK):
        part = {name: array[start : start + CHUNK] for name, array in rows.items()}
        size = len(part["x"])
        if size != CHUNK:
            programs.remember_size(size, MOST_OTHER_SIZES)
        native = make(size).compiled(threads) if size else None
        if native is None:
            parts.append(_interpret(make, held, part))
            continue
        parts.append(_run_chunks(native, held, part, 1, size))
    return _joined(parts)


def _interpret(
    make: Callable[[int], Program], held: Mapping[str, Array], rows: Mapping[str, Array]
) -> dict[str, Array]:
    count = len(rows["x"])
    parts = []
    with one_blas_thread():
        for start in range(0, max(count, 1), CHUNK):
            part = {name: array[start : start + CHUNK] for name, array in rows.items()}
            feeds: dict[str, object] = {**held, **part}
            parts.append(make(len(part["x"])).run(feeds))
    return _joined(parts)


def _joined(parts: list[dict[str, Array]]) -> dict[str, Array]:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _mean(numbers: Array, weights: Array | None) -> float:
    if weights is None:
        return float(numbers.mean())
    whole = weights.sum()
    return float((numbers * weights).sum() / whole) if whole else 0.0
