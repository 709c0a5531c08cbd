"""Which entries of a row are positions, that an Embedding looks up, and what they must be below.

Knows traces and arrays.
"""

from __future__ import annotations

import math

import numpy as np

from misstep.errors import DataError
from misstep.ir import Array, Value
from misstep.nn.tracing import Trace
from misstep.ops.pieces import Slice
from misstep.ops.shape import Reshape, Transpose
from misstep.storage import pieces_of

# Numbers around 1 times this, rounded down, fall on all small positions about alike.
STIRRED = 1000


def position_limits(trace: Trace, x: Value) -> Array | None:
    """Return what an Embedding says each entry of a row must be below, (*input_shape,) int64.

    Its input may be a part of x, in another shape or order; what is worked out from x is not looked
    at. 0 stands where no one says anything; None where no one says anything at all.
    """
    if not trace.positions:
        return None
    entries = np.arange(math.prod(x.shape)).reshape(x.shape)
    limits = np.zeros(math.prod(x.shape), np.int64)
    for value, below in trace.positions.items():
        moves = []
        while isinstance(value.op, Reshape | Transpose | Slice):
            moves.append(value.op)
            (value,) = value.inputs
        if value is not x:
            continue
        looked_up = entries
        for move in reversed(moves):
            looked_up = move.run(looked_up)
        known = limits[looked_up]
        limits[looked_up] = np.where(known > 0, np.minimum(known, below), below)
    if not limits.any():
        return None
    return limits.reshape(x.shape)[0]


def check_positions(rows: Array, limits: Array) -> None:
    """Raise DataError unless entries with a limit are whole numbers from 0 up to, not with, it."""
    start = 0
    for some in pieces_of(rows):
        _check_piece(some, limits, start)
        start += len(some)


def _check_piece(rows: Array, limits: Array, start: int) -> None:
    """Check some rows; `start`: how many come before."""
    wrong = (limits > 0) & ((rows < 0) | (rows >= limits) | (rows != np.floor(rows)))
    if wrong.any():
        index = [int(number) for number in np.argwhere(wrong)[0]]
        raise DataError(
            f"the input of the network at {[start + index[0], *index[1:]]}",
            needed=f"a whole number from 0 to {limits[tuple(index[1:])] - 1}, as the Embedding "
            "counts them",
            got=str(rows[tuple(index)]),
            try_="words numbered from 0, and an Embedding with a row for each of them",
        )


def with_positions(x: Array, limits: Array) -> Array:
    """Return rows `x` of any numbers with a whole number that is there where one is looked up."""
    looked_up = np.floor(np.abs(x) * STIRRED) % np.maximum(limits, 1)
    return np.where(limits > 0, looked_up, x).astype(x.dtype)
