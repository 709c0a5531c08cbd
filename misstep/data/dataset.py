"""`Dataset`: rows that somebody gave, and what they say for themselves whatever they are.

A table, images or sequences as they were read. Who asks need not know which of them it has; a new
kind of data is a class here and one beside it in `preprocessing.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from misstep.data.copies import Traits

__all__ = ["Dataset", "hashed_rows"]


class Dataset(ABC):
    """Rows as somebody gave them, read but not yet prepared.

    `description`: what they are in all, such as "a table"; `sample_name`: what one of them is
    called. `notes`: what was noticed as they were read.
    """

    description: ClassVar[str]
    sample_name: ClassVar[str]
    notes: list[str]

    @abstractmethod
    def __len__(self) -> int:
        """Return how many there are."""

    @abstractmethod
    def describe(self) -> str:
        """Return how much there is, in words."""

    @abstractmethod
    def take(self, indices: NDArray[np.integer[Any]]) -> Self:
        """Return those at `indices`, counted from 0, in their order."""

    @abstractmethod
    def answers(self, target: str) -> Any:
        """Return the answers, (rows,), that came along under the name `target`, or None."""

    @abstractmethod
    def cells(self, target: str) -> list[Any]:
        """Return what the first row holds beside its answer, one value after the other."""

    def named_cells(self, target: str) -> dict[str, Any]:
        """Return what the first row holds beside its answer, by column; nothing without columns."""
        return {}

    @abstractmethod
    def fingerprints(self) -> NDArray[np.uint64]:
        """Return a hash of each row, (rows,), that depends on its contents only."""

    def traits(self, without: Container[str] = ()) -> Traits:
        """Return what rows are compared by to find copies; `without`: columns that take no part.

        By default their contents: only rows that are equal are copies then.
        """
        marks = self.fingerprints().view(np.int64).reshape(-1, 1)
        return Traits(marks, np.empty((len(self), 0)), free=frozenset({0}))

    @property
    def is_sample(self) -> bool:
        """Tell whether these are a sample of rows in a file, all of which are to be learned."""
        return False

    @property
    def test_split(self) -> Dataset:
        """Return the rows for the test, where they came with some; else all."""
        return self

    @property
    def split_name(self) -> str:
        """Return which split of what was given these are, in words; empty: all of it."""
        return ""

    def row_names(self) -> tuple[str, Sequence[Any]]:
        """Return the heading for what rows are called, and the name of each, (rows,)."""
        return "row", range(1, len(self) + 1)


def hashed_rows(matrix: NDArray[Any], **columns: NDArray[Any]) -> NDArray[np.uint64]:
    """Return a hash of each row of numbers, (rows,); `columns`: further ones of each row."""
    import pandas
    from pandas.util import hash_pandas_object

    frame = pandas.DataFrame(matrix, copy=False).assign(**columns)
    return np.asarray(hash_pandas_object(frame, index=False), np.uint64)
