"""Purely numeric arrays: `Matrix`, `MatrixScaling`, and numbers from whatever holds nothing else.

A table counts as one where its columns are numbers and their names do not matter. Columns with
texts and gaps are the matter of `preprocessor.py`.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from misstep.data.copies import Traits
from misstep.data.dataset import Dataset, hashed_rows
from misstep.data.decision import Decision
from misstep.data.inputs import Inputs, Sweep, grid_of, nearest_counts
from misstep.data.preprocessing import Preprocessing
from misstep.data.row_parts import BaselineRow, FeatureParts, Part, RowParts
from misstep.data.standardization import FARTHEST, check_columns
from misstep.data.table.table import Table, read_table, table_or_refuse
from misstep.data.weights import checked_weights, mean_and_deviation
from misstep.errors import DataError
from misstep.ir.masks import without_mask
from misstep.text.counts import counted

__all__ = ["Matrix", "MatrixScaling", "numbers_of"]

Floats = NDArray[np.float64]

# Numbers that are worked on at a time, 256 KiB of them: as much as the second-level cache of common
# processors holds.
IN_CACHE = 2**15


@dataclass(frozen=True)
class Matrix(Dataset):
    """Rows of numbers without names, (rows, columns), as arrays hold them."""

    values: Floats
    notes: list[str] = field(default_factory=list)

    description: ClassVar[str] = "an array of numbers"
    sample_name: ClassVar[str] = "row"

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: NDArray[np.integer[Any]]) -> Matrix:
        """Return the rows of these numbers, in their order."""
        return Matrix(self.values[rows])

    def answers(self, target: str) -> Any:
        """Return None: an array of numbers has no answers among them."""
        return None

    def cells(self, target: str) -> list[Any]:
        """Return the numbers of the first row."""
        return list(self.values[0])

    def describe(self) -> str:
        return f"{counted(len(self), 'row')} of numbers"

    def fingerprints(self) -> NDArray[np.uint64]:
        """Return a hash of the numbers of each row, (rows,)."""
        return hashed_rows(self.values)

    def traits(self, without: Container[str] = ()) -> Traits:
        """Return the numbers of each row."""
        return Traits(np.empty((len(self), 0), np.int64), self.values)


@dataclass(frozen=True)
class MatrixScaling(Preprocessing):
    """Standardizes the columns of a purely numeric array; nothing may be missing.

    `transform`: (rows, features) to float32 (rows, features).
    """

    names: tuple[str, ...]
    centers: tuple[float, ...]
    scales: tuple[float, ...]

    stored_as: ClassVar[str] = "matrix"

    def __post_init__(self) -> None:
        check_columns(self.names, self.centers, self.scales)

    @classmethod
    def fit(
        cls, X: object, sample_weight: object = None, names: Sequence[str] | None = None
    ) -> MatrixScaling:
        """Learn mean and deviation of each column of X: (rows, features), weighted if asked.

        Raises DataError: not such an array, values that are NaN or inf, unfit weights.
        """
        matrix = _matrix(X)
        rows, width = matrix.shape
        titles = tuple(str(name) for name in names or (f"column_{i + 1}" for i in range(width)))
        if len(titles) != width:
            raise DataError("the names", needed=f"{width}, one per column", got=str(len(titles)))
        if rows == 0 or width == 0:
            raise DataError("the data", needed="a row and a column", got=f"shape {matrix.shape}")
        _refuse_gaps(matrix, titles)
        weights = checked_weights(sample_weight, rows)
        fitted = [mean_and_deviation(matrix[:, i], weights) for i in range(width)]
        return cls(titles, tuple(m for m, _ in fitted), tuple(d or 1.0 for _, d in fitted))

    def encode(self, data: Any, target: str = "") -> tuple[NDArray[np.float32], list[str]]:
        """Return an array, or a table by its columns in their order, as `transform` does."""
        return self.transform(numbers_of(data, self.number_of_features, target)), []

    def accept(self, dataset: Dataset, source: str, target: str) -> Dataset:
        return table_or_refuse(dataset, source, self.names)

    def rows_of(self, data: Any) -> Dataset:
        return Matrix(_matrix(data)) if isinstance(data, np.ndarray) else super().rows_of(data)

    def parts_of(
        self, row: Dataset, features: NDArray[Any], baseline_row: BaselineRow | None
    ) -> RowParts:
        if isinstance(row, Matrix):
            shown = row.values[0].tolist()
        elif isinstance(row, Table) and set(self.names) <= set(row.frame.columns):
            shown = [row.frame[name].iloc[0] for name in self.names]
        else:
            shown = (np.asarray(features) * self.scales + self.centers).tolist()
        parts = [
            Part(name, cell, center)
            for name, cell, center in zip(self.names, shown, self.centers, strict=True)
        ]
        baseline = "each number at the mean of the training rows"
        members = np.arange(len(parts))
        return FeatureParts(parts, "column", baseline, features, np.zeros_like(features), members)

    def named_cells(self, row: Dataset, target: str) -> dict[str, Any]:
        if isinstance(row, Matrix):
            return dict(zip(self.names, row.values[0].tolist(), strict=True))
        return row.named_cells(target)

    def inputs(self, baseline_row: BaselineRow | None) -> tuple[Inputs, ...]:
        return (Inputs("column", self.names, np.arange(len(self.names))),)

    def sweep(
        self, number: int, data: Dataset, features: NDArray[np.float32], points: int
    ) -> Sweep | None:
        center, scale = self.centers[number], self.scales[number]
        if isinstance(data, Matrix):
            cells = data.values[:, number]
        elif isinstance(data, Table) and self.names[number] in data.frame.columns:
            cells = data.frame[self.names[number]].to_numpy(np.float64)
        else:
            cells = features[:, number].astype(np.float64) * scale + center
        grid = grid_of(cells, points)
        if (cells == np.round(cells)).all():
            grid = np.unique(np.round(grid))
        if len(grid) < 2:
            return None
        blocks = np.clip((grid - center) / scale, -FARTHEST, FARTHEST).astype(np.float32)
        values = tuple(grid.tolist())
        counts, at = nearest_counts(grid, cells), np.array([number])
        return Sweep(self.names[number], "number", values, values, at, blocks[:, None], counts)

    def learns_from(self, name: str) -> bool:
        return name in self.names

    def transform(self, X: object) -> NDArray[np.float32]:
        """Return X: (rows, features) standardized. Raises DataError for another width, NaN, inf."""
        matrix = _matrix(X)
        if matrix.shape[1] != len(self.names):
            raise DataError(
                "the data",
                needed=f"{len(self.names)} columns, as in training",
                got=str(matrix.shape[1]),
            )
        _refuse_gaps(matrix, self.names)
        centers, scales = np.asarray(self.centers), np.asarray(self.scales)
        result = np.empty(matrix.shape, np.float32)
        # A few rows at a time stay in the processor's cache; whole matrices would go to memory and
        # back four times.
        rows = max(1, IN_CACHE // len(self.names))
        for start in range(0, len(matrix), rows):
            with np.errstate(over="ignore"):
                z = (matrix[start : start + rows] - centers) / scales
            result[start : start + rows] = np.clip(z, -FARTHEST, FARTHEST)
        return result

    @property
    def feature_names(self) -> list[str]:
        return list(self.names)

    @property
    def number_of_features(self) -> int:
        return len(self.names)

    @property
    def decisions(self) -> list[Decision]:
        return [Decision("columns", "each brought to mean 0 and deviation 1", "all are numbers")]


def numbers_of(data: Any, columns: int, target: str) -> Any:
    """Return an array as it is, or the columns of a table in their order, (rows, columns).

    `columns`: how many columns are needed; where the table has one more, `target` is left out.
    Raises DataError for texts and for other kinds of data.
    """
    if isinstance(data, Matrix):
        return data.values
    if isinstance(data, Dataset) and not isinstance(data, Table):
        raise DataError("the data", needed="a table or an array of numbers", got=data.description)
    if isinstance(data, np.ndarray):
        return without_mask(data, "the data")
    frame = read_table(data).frame
    if target in frame.columns and len(frame.columns) == columns + 1:
        frame = frame.drop(columns=target)
    words = [str(name) for name in frame.columns if frame[name].dtype.kind not in "iufb"]
    if words:
        raise DataError(
            f"column {words[0]!r}", needed="numbers, as this model was trained on", got="texts"
        )
    return frame.to_numpy()


def _matrix(X: object) -> Floats:
    try:
        array = without_mask(X, "the data")
        if array.dtype.kind == "c":
            raise DataError("the data", needed="real numbers", got="complex ones")
        with np.errstate(over="ignore"):
            matrix = array.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise DataError(
            "the data",
            needed="an array of numbers (rows, features)",
            got=str(error),
            try_="a table with named columns, which may hold texts",
        ) from error
    if matrix.ndim != 2:
        raise DataError(
            "the data",
            needed="an array (rows, features)",
            got=f"shape {matrix.shape}",
            try_="reshape(-1, 1) for one column",
        )
    return matrix


def _refuse_gaps(matrix: Floats, names: Sequence[str]) -> None:
    finite = np.isfinite(matrix)
    if finite.all():
        return
    row, column = (int(index) for index in np.argwhere(~finite)[0])
    value = "NaN" if np.isnan(matrix[row, column]) else str(matrix[row, column])
    raise DataError(
        f"column {names[column]!r}",
        needed="finite numbers, neither NaN nor inf",
        got=f"{value} at row {row + 1} ({(~finite).sum()} such values in all)",
        try_="filling them, or a table with named columns, where gaps are filled for you"
        if value == "NaN"
        else "leaving those rows out, or NaN in a table with named columns, where gaps are filled",
    )
