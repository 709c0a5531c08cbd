"""`MappedRows`: some rows of a file, in an order, as numbers that are worked out as they are read.

The file holds each row once, as bytes where bytes are enough; a split, an order or a scale is a few
numbers beside it. What asks for few rows gets an array; what goes through all of them does so in
pieces. Knows arrays, not what they mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.storage.mapped import check_mapped, expect_rows, is_beyond_memory

__all__ = [
    "MappedRows",
    "Scale",
    "column_means",
    "joined_rows",
    "limits_and_entries",
    "pieces_of",
    "some_rows",
    "spaced_rows",
    "taken_rows",
]

Array = npt.NDArray[Any]

# Bytes of numbers that are worked out together: small beside any memory, large beside a call.
PIECE = 2**24
# Bytes of a slice that is read at once.
FEW = 2**18
# Entries of rows that are looked at in the place of all.
MOST_LOOKED_AT = 4_000_000


@dataclass(frozen=True)
class Scale:
    """How whole numbers become float32: (number - low) / span, kept between two numbers."""

    low: float = 0.0
    span: float = 1.0
    smallest: float = -math.inf
    largest: float = math.inf

    def apply(self, stored: Array) -> npt.NDArray[np.float32]:
        """Return whole numbers as floats, bit for bit as a compiled step does."""
        result = np.subtract(stored, np.float32(self.low), dtype=np.float32, casting="unsafe")
        np.divide(result, np.float32(self.span), out=result)
        if math.isinf(self.smallest) and math.isinf(self.largest):
            return result
        smallest, largest = np.float32(self.smallest), np.float32(self.largest)
        return np.clip(result, smallest, largest, out=result)

    @property
    def numbers(self) -> npt.NDArray[np.float32]:
        """Return the four numbers, as a compiled step takes them."""
        return np.array([self.low, self.span, self.smallest, self.largest], np.float32)


@dataclass(frozen=True)
class MappedRows:
    """Rows of `stored`, (rows, …), those at `order`, or all in their own order.

    `scale`: what makes float32 of them; None: they are read as they are. `flat`: whether each row
    is read as one vector. `through`: what rows go through when they are read, and the shape of each
    behind it. An index of several rows gives an array, a slice of many gives `MappedRows`.
    """

    stored: Array
    order: npt.NDArray[np.int64] | None = None
    scale: Scale | None = None
    flat: bool = False
    through: tuple[Callable[[Array], Array], tuple[int, ...]] | None = None

    def __len__(self) -> int:
        return len(self.stored if self.order is None else self.order)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape as an array would have it."""
        if self.through is not None:
            return (len(self), *self.through[1])
        each = self.stored.shape[1:]
        return (len(self), math.prod(each)) if self.flat else (len(self), *each)

    @cached_property
    def is_beyond_memory(self) -> bool:
        """Tell whether the file is larger than the memory that is available."""
        return is_beyond_memory(self.stored)

    @property
    def ndim(self) -> int:
        """Return the number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Return the number of entries."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the type of the numbers that are read."""
        return self.stored.dtype if self.scale is None else np.dtype(np.float32)  # as passed on

    @property
    def base(self) -> Array:
        """Return the array in the file, so that who looks for it finds it."""
        return self.stored

    def at(self, indices: Array) -> npt.NDArray[np.int64]:
        """Return where in `stored` the rows at `indices` lie. Raises IndexError."""
        whole = np.asarray(indices)
        if whole.dtype == np.bool_:
            if len(whole) != len(self):
                raise IndexError(f"{len(whole)} truth values for {len(self)} rows")
            whole = np.flatnonzero(whole)
        whole = whole.astype(np.int64, copy=False)
        if whole.size and whole.min() < 0:
            whole = np.where(whole < 0, whole + len(self), whole)
        if whole.size and not (whole.min() >= 0 and whole.max() < len(self)):
            raise IndexError(f"row {whole.min()} or {whole.max()} of {len(self)}")
        return whole if self.order is None else self.order[whole]

    def take(self, indices: Array) -> MappedRows:
        """Return the rows at `indices`, in their order; nothing of them is read yet."""
        return replace(self, order=self.at(_positions(indices, len(self))))

    def scaled(self, scale: Scale) -> MappedRows:
        """Return the rows flat, as floats of `scale`."""
        return replace(self, scale=scale, flat=True)

    def read(self, indices: Array | slice) -> Array:
        """Return the rows at `indices` as an array of its own. Raises StorageError."""
        check_mapped(self.stored)
        if isinstance(indices, slice):
            start, stop, step = indices.indices(len(self))
            if self.order is None and not self.is_beyond_memory:
                rows = self.stored[start:stop:step]
            elif self.order is None:
                places = np.arange(start, stop, step)
                expect_rows(self.stored, places)
                rows = self.stored[places]
            else:
                places = self.order[start:stop:step]
                if self.is_beyond_memory:
                    expect_rows(self.stored, places)
                rows = self.stored[places]
        else:
            rows = self.stored[self.at(_positions(indices, len(self)))]
        numbers = np.array(rows) if self.scale is None else self.scale.apply(rows)
        if self.through is not None:
            numbers = self.through[0](numbers.reshape(len(numbers), *self._bare.shape[1:]))
        return numbers.reshape(len(numbers), *self.shape[1:])

    def is_alike(self, other: object) -> bool:
        """Tell whether other rows lie in the same file, and are read in the same way."""
        return (
            isinstance(other, MappedRows)
            and other.stored is self.stored
            and (other.scale, other.flat, other.through) == (self.scale, self.flat, self.through)
        )

    @property
    def _bare(self) -> MappedRows:
        return replace(self, through=None)

    def passed(self, function: Callable[[Array], Array]) -> MappedRows:
        """Return rows that go through a function of rows when they are read."""
        one = function(np.zeros((1, *self.shape[1:]), self.dtype))
        return replace(self, through=(function, one.shape[1:]))

    def __getitem__(self, key: Any) -> Any:
        """Return rows as an array; of a slice `MappedRows`; behind a comma, entries of each row."""
        if isinstance(key, tuple):
            rows, *within = key
            return self._within(rows, tuple(within))
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            some = self.take(np.arange(start, stop, step))
            # Few are read at once, as whoever looks at a row or two wants them.
            return np.asarray(some) if some.size * 4 <= FEW else some
        if isinstance(key, int | np.integer):
            return self.read(np.array([key]))[0]
        return self.read(np.asarray(key))

    def _within(self, rows: Any, within: tuple[Any, ...]) -> Array:
        chosen = self if isinstance(rows, slice) and rows == slice(None) else self[rows]
        # Copies: a view of a piece would keep all of it.
        everything = [np.array(piece[(slice(None), *within)]) for piece in pieces_of(chosen)]
        if not everything:
            return np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *within)]
        return np.concatenate(everything)

    def __iter__(self) -> Iterator[Array]:
        for piece in pieces_of(self):
            yield from piece

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return all rows in memory: for who needs them at once and knows that they fit."""
        rows = self.read(slice(None))
        return rows if dtype is None else rows.astype(dtype, copy=False)

    def reshape(self, *shape: Any) -> Any:
        """Return the rows flat where that is asked for; in another shape, all of them in memory."""
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        each = math.prod(self.shape[1:])
        rows = len(self)
        flat = wanted in ((rows, -1), (rows, each), (-1, each))
        if flat and rows and self.through is None:
            return self if self.ndim == 2 else replace(self, flat=True)
        return np.asarray(self).reshape(wanted)

    def min(self, axis: int | None = None) -> Any:
        """Return the smallest entry, or of each column, in pieces."""
        return self._least(np.min, axis)

    def max(self, axis: int | None = None) -> Any:
        """Return the largest entry, or of each column, in pieces."""
        return self._least(np.max, axis)

    def _least(self, of: Any, axis: int | None) -> Any:
        # Of what is stored: scaling keeps the order.
        bare = replace(self, scale=None)
        found = of(np.stack([of(piece, axis=0) for piece in pieces_of(bare)]), axis=0)
        found = found if axis == 0 else np.array([of(found)])
        if self.scale is not None:
            found = self.scale.apply(found)
        return found if axis == 0 else found[0]


def pieces_of(rows: Array | MappedRows, entry_bytes: int = 8) -> Iterator[Array]:
    """Yield some rows after the other as arrays, few enough to work on at once.

    `entry_bytes`: what an entry takes while it is worked on.
    """
    each = max(math.prod(rows.shape[1:]), 1) * entry_bytes
    count = max(PIECE // each, 1)
    for start in range(0, len(rows), count):
        some = slice(start, start + count)
        yield rows.read(some) if isinstance(rows, MappedRows) else rows[some]


def _positions(indices: Any, rows: int) -> npt.NDArray[np.int64]:
    """Return which of so many rows an index means, counted from the first one."""
    given = np.asarray(indices)
    if given.dtype.kind == "i" and given.size and given.min() >= 0 and given.max() < rows:
        return given.astype(np.int64, copy=False)  # as training gives them; rows may be millions
    return np.arange(rows)[indices]


def taken_rows(rows: Any, indices: Array) -> Any:
    """Return the rows at `indices`: of mapped ones without reading them."""
    return rows.take(indices) if isinstance(rows, MappedRows) else rows[indices]


def some_rows(rows: Any, indices: Array) -> Any:
    """Return the rows at `indices`; of mapped ones an array only where it is small."""
    taken = taken_rows(rows, indices)
    if isinstance(taken, MappedRows) and taken.size * taken.dtype.itemsize <= PIECE:
        return np.asarray(taken)
    return taken


def spaced_rows(rows: MappedRows) -> Array:
    """Return the indices of rows evenly spaced that are looked at in the place of all, (rows,).

    All of them where they have few entries.
    """
    count = min(len(rows), max(MOST_LOOKED_AT // max(math.prod(rows.shape[1:]), 1), 1))
    return np.arange(count) * len(rows) // max(count, 1)


def joined_rows(parts: Sequence[Any]) -> Any:
    """Return rows one part after the other: those of one file without reading them."""
    first = parts[0]
    if not isinstance(first, MappedRows) or not all(map(first.is_alike, parts)):
        return np.concatenate(parts)
    places = [part.at(np.arange(len(part))) for part in parts]
    return replace(first, order=np.concatenate(places))


def limits_and_entries(rows: Array | MappedRows, step: int) -> tuple[Any, Any, Array]:
    """Return the smallest and the largest entry, and one in `step` of all, as `ravel()[::step]`.

    Those of a file are read once. `rows`: not empty.
    """
    if not isinstance(rows, MappedRows):
        return rows.min(), rows.max(), rows.reshape(-1)[::step]
    lows, highs, found, start = [], [], [], 0
    for piece in pieces_of(rows):
        lows.append(piece.min())
        highs.append(piece.max())
        # Copied: a view of a piece would keep all of it.
        found.append(np.array(piece.reshape(-1)[-start % step :: step]))
        start += piece.size
    return np.min(lows), np.max(highs), np.concatenate(found)


def column_means(rows: Array | MappedRows) -> npt.NDArray[np.float64]:
    """Return the mean of each column of rows (rows, columns), summed row after row."""
    if not isinstance(rows, MappedRows):
        return np.asarray(rows.mean(axis=0, dtype=np.float64))
    total = np.zeros(rows.shape[1])
    for piece in pieces_of(rows):
        # Sums go on with the next row, as over all rows at once.
        total = np.add.reduce(np.concatenate([total[None], piece]), axis=0, dtype=np.float64)
    return total / len(rows)
