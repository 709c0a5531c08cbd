"""Which rows of a batch a sum over it is mostly made of: a gradient, a mean, a weight update.

Looks where the batch is summed up on the way to a Value. What is summed there is a product of
numbers that each row has (‖x‖·‖δ‖ of a dense layer's gradient), or one such number: the largest of
each, multiplied, is a row's share. Knows graphs and batch axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from misstep.ir import Array, Graph, Interpreter, Value
from misstep.train.batch_axes import BatchAxes

# Rows count as a cause from this part of the largest share on: sums of a few such terms are as
# large as the largest, and what is a tenth of it changes no order of magnitude.
PART = 0.1


class Blame:
    """Finds shares of rows in Values of `graph`."""

    def __init__(self, graph: Graph, axes: BatchAxes) -> None:
        self._graph = graph
        self._axes = axes

    def shares(self, feeds: Mapping[str, Any], values: Sequence[Value]) -> Array:
        """Return each row's share in `values`, which have no batch axis, (rows,) float64.

        0 throughout where no row has a part in them.
        """
        sums = self._sums(values)
        shares = np.zeros(self._axes.rows)
        if not sums:
            return shares
        part = Graph({f"sum{number}": value for number, value in enumerate(sums)})
        for value, operands, _ in Interpreter(part).walk(feeds):
            if value not in sums:
                continue
            product = np.ones(self._axes.rows)
            for operand, array in zip(value.inputs, operands, strict=True):
                rows = self._axes.by_row(operand, array) if operand.type.is_float else None
                if rows is not None and rows.size:
                    with np.errstate(all="ignore"):
                        product = product * np.abs(rows).max(axis=1).astype("float64")
            shares = np.maximum(shares, np.nan_to_num(product, nan=np.inf, posinf=np.inf))
        return shares

    def _sums(self, values: Sequence[Value]) -> set[Value]:
        """Return where the batch is summed up on the way to `values`."""
        sums: set[Value] = set()
        seen: set[Value] = set()
        waiting = list(values)
        while waiting:
            value = waiting.pop()
            if value in seen or value.op is None:
                continue
            seen.add(value)
            if any(
                self._axes.axis(operand) is not None
                for operand in value.inputs
                if operand.type.is_float
            ):
                sums.add(value)
            else:
                waiting.extend(value.inputs)
        return sums

    @staticmethod
    def positions(shares: Array) -> Array:
        """Return the positions of the rows with the largest shares; none where all are 0."""
        if not shares.size or not shares.max() > 0:
            return np.zeros(0, "int64")
        if np.isinf(shares).any():
            return np.flatnonzero(np.isinf(shares))
        return np.flatnonzero(shares >= PART * shares.max())
