"""Which axis of each Value of a program is that of the batch.

The same program for one more row has the same assignments, and those axes are longer that belong to
the batch. Knows graphs; knows no op by name.
"""

from __future__ import annotations

import numpy as np

from misstep.ir import Array, Graph, Value


class BatchAxes:
    """The batch axes of `graph`, which takes `rows` rows; `wider`: the same for one more.

    Where the two differ in more than lengths, an axis of as many entries as there are rows, the
    first one, counts as the batch's.
    """

    def __init__(self, graph: Graph, wider: Graph, rows: int) -> None:
        self.rows = rows
        pairs = list(zip(graph.values, wider.values, strict=False))
        self._same = len(graph.values) == len(wider.values) and all(
            type(one.op) is type(other.op) and one.ndim == other.ndim for one, other in pairs
        )
        self._axes: dict[Value, int | None] = {
            one: next(
                (
                    axis
                    for axis, (length, longer) in enumerate(
                        zip(one.shape, other.shape, strict=True)
                    )
                    if longer != length and length % rows == 0
                ),
                None,
            )
            for one, other in (pairs if self._same else [])
        }

    def axis(self, value: Value) -> int | None:
        """Return the batch axis of a Value; None where it has none."""
        if self._same:
            return self._axes[value]
        return 0 if value.shape and value.shape[0] == self.rows else None

    def by_row(self, value: Value, array: Array) -> Array | None:
        """Return the numbers of a Value as (rows, …): of each row its own; None without rows.

        What several axes were made one of, the batch's before others, is of as many rows.
        """
        axis = self.axis(value)
        if axis is None:
            return None
        return np.moveaxis(array, axis, 0).reshape(self.rows, -1)

    def positions(self, value: Value, bad: Array) -> Array | None:
        """Return in which rows of the batch entries are `bad`; None where a Value has no rows."""
        rows = self.by_row(value, bad)
        return None if rows is None else np.flatnonzero(rows.any(axis=1))
