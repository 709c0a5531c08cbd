"""`FetchedRows`: the rows of a batch that a rank works on, copied to where its shards see them.

Knows rows, not what is done with them.
"""

from __future__ import annotations

import numpy as np

from misstep.data import Rows
from misstep.ir import Array
from misstep.train.shards.programs import ShardProgram

# Bytes of inputs up to which all shards' rows are fetched at once, before threads share the work
# out; more are fetched by whoever works on them.
TOGETHER = 1 << 20


class FetchedRows:
    """Rows `start` up to `stop` of batches of `rows`, and one more where a shard mixes neighbors.

    `program`: of a shard, which says of what kind numbers are. `together`: whether `begin` fetches
    them all; otherwise each shard's are fetched by `fetch`.
    """

    def __init__(self, rows: Rows, program: ShardProgram, start: int, stop: int) -> None:
        self._start, self._stop = start, stop + program.more
        count = self._stop - start
        given = {"x": rows.x, "y": rows.y, "weights": rows.weights}
        self._given = {name: numbers for name, numbers in given.items() if numbers is not None}
        self._room = {
            name: np.zeros((count, *numbers.shape[1:]), program.dtypes[name])
            for name, numbers in self._given.items()
        }
        self._indices = np.zeros(0, np.int64)
        self.together = self._room["x"].nbytes <= TOGETHER

    def between(self, start: int, stop: int) -> dict[str, Array]:
        """Return where rows `start` up to `stop` of a batch are, by name: x, y, weights."""
        first = self._start
        return {name: room[start - first : stop - first] for name, room in self._room.items()}

    def begin(self, indices: Array) -> None:
        """Note which rows of the data are those of the next batch, (whole,)."""
        self._indices = indices
        if self.together:
            self.fetch(self._start, self._stop)

    def fetch(self, start: int, stop: int) -> None:
        """Fetch rows `start` up to `stop` of the batch."""
        indices = self._indices[start:stop]
        if stop > len(self._indices):  # the last row is mixed with the first one
            indices = np.append(indices, self._indices[:1])
        for name, room in self.between(start, stop).items():
            numbers = self._given[name]
            if isinstance(numbers, np.ndarray) and numbers.dtype == room.dtype:
                # All indices are right; "raise" would go by way of another copy.
                np.take(numbers, indices, axis=0, out=room, mode="clip")
            else:
                np.copyto(room, numbers[indices])
