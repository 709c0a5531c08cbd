"""What every kind of data says for itself: rows that somebody gave, and what prepares them.

`Dataset` is a table, images or sequences as they were read; `Preprocessing` brings them to the
flat rows of a network. All else asks these two and need not know which kind it has. A new kind of
data is a class of each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from misstep.data.decision import Decision

__all__ = ["Dataset", "Preprocessing"]


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
    def take(self, rows: NDArray[np.integer[Any]]) -> Self:
        """Return those at `rows`, counted from 0, in their order."""

    @abstractmethod
    def answers(self, target: str) -> Any:
        """Return the answers, (rows,), that came along under the name `target`, or None."""

    @abstractmethod
    def cells(self, target: str) -> list[Any]:
        """Return what the first row holds beside its answer, one value after the other."""

    @property
    def test_split(self) -> Dataset:
        """Return the part that a model is to be judged on, where they came in parts; else all."""
        return self

    @property
    def split_name(self) -> str:
        """Return which part of what was given these are, in words; empty: all of it."""
        return ""

    def row_names(self) -> tuple[str, Sequence[Any]]:
        """Return what each row is called, (rows,), and the heading of that."""
        return "row", range(1, len(self) + 1)


class Preprocessing(ABC):
    """Brings rows as people have them to those of a network: float32, (rows, features).

    `sample_name`: what one of the rows is called. Fitted on training rows only; all of it is in
    `to_json`.
    """

    sample_name: ClassVar[str] = "row"

    @property
    @abstractmethod
    def feature_names(self) -> list[str]:
        """One name for each feature."""

    @property
    @abstractmethod
    def number_of_features(self) -> int:
        """How many features a row has."""

    @property
    def decisions(self) -> list[Decision]:
        """What was chosen as it was fitted, and why."""
        return []

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return everything fitted as plain JSON."""

    @abstractmethod
    def encode(self, data: Any, target: str) -> tuple[NDArray[np.float32], list[str]]:
        """Return `data` as (rows, features), and notes on it.

        data: `Dataset` or whatever else can be read as such. `target`: name of the answers, which
        may stand beside the rest. Raises DataError.
        """

    @abstractmethod
    def accept(self, dataset: Dataset, source: str, target: str) -> Dataset:
        """Return what was found in `source` as rows to predict for.

        Raises DataError where it is of another kind than what was learned from.
        """

    def read_path(self, path: Path) -> Dataset | None:
        """Return rows from a place that means something to this model only; else None.

        Raises StorageError, FileFormatError or DataError.
        """
        return None

    def names_in_row(self, features: NDArray[Any]) -> list[str]:
        """Return a name for each entry of one row, (features,), as people know it."""
        return self.feature_names

    def cells_of(self, row: Dataset, target: str) -> list[Any]:
        """Return what stood in the one row given for each feature; "" where nothing can be said."""
        cells = row.cells(target)
        width = self.number_of_features
        return cells if len(cells) == width else [""] * width

    def silent(self, features: NDArray[Any]) -> frozenset[int]:
        """Return which entries of one row, (features,), move nothing by themselves."""
        return frozenset()

    def drawn(self, features: NDArray[Any]) -> NDArray[Any] | None:
        """Return one row, (features,), as an image (height, width) from 0 to 1, if it is one."""
        return None
