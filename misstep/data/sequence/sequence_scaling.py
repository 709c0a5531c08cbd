"""Sequences as rows of one length, fitted on the training rows: gaps filled, channels standardized.

A row is flat, (steps · channels + 1,): the steps one after the other, 0 where a shorter sequence is
filled up, then which share of the steps counts. Knows sequences, no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from misstep.data.dataset import Dataset
from misstep.data.decision import Decision
from misstep.data.inputs import Inputs
from misstep.data.preprocessing import Preprocessing
from misstep.data.row_parts import BaselineRow, RowParts
from misstep.data.sequence.long_tables import LongForm, sequences_from_table
from misstep.data.sequence.sequence_json import sequence_schema, sequences_of_json
from misstep.data.sequence.sequence_parts import sequence_inputs, sequence_parts
from misstep.data.sequence.sequences import Sequences
from misstep.data.standardization import FARTHEST, check_columns
from misstep.data.stored_json import check
from misstep.data.table.table import Table, read_table
from misstep.errors import DataError
from misstep.ir import Array

__all__ = ["SequenceScaling"]

# Longer sequences are made shorter by the mean of neighbors: the time that a network takes grows
# with the steps, and what tells classes apart seldom needs more of them.
MOST_STEPS = 512


@dataclass(frozen=True)
class SequenceScaling(Preprocessing):
    """Standardizes the channels of sequences and lays each sequence out as a row.

    `steps`: of a row; `pooled`: so many neighbors are averaged into one step. `names`, `centers`,
    `scales`: one for each channel. `long`: how a long table is read, where one was trained on.
    `transform`: sequences, an array (rows, steps, channels) or a long table to float32
    (rows, features).
    """

    names: tuple[str, ...]
    centers: tuple[float, ...]
    scales: tuple[float, ...]
    steps: int
    pooled: int = 1
    long: LongForm | None = None

    stored_as: ClassVar[str] = "sequences"
    sample_name: ClassVar[str] = "sequence"

    def __post_init__(self) -> None:
        check_columns(self.names, self.centers, self.scales)
        check(
            (1 <= self.steps <= MOST_STEPS, "steps must be 1 to the most that there may be"),
            (self.pooled >= 1, "pooled must be 1 or more"),
        )

    @classmethod
    def fit(cls, sequences: Sequences, long: LongForm | None = None) -> SequenceScaling:
        """Learn mean and deviation of each channel over all steps of the training sequences.

        Raises DataError where there is not a single number.
        """
        if np.isnan(sequences.values).all():
            raise DataError(
                sequences.name,
                needed="numbers in the sequences",
                got=f"none in all {len(sequences):,} of them",
            )
        longest = int(sequences.lengths.max())
        pooled = -(-longest // MOST_STEPS)
        values = sequences.values.reshape(-1, sequences.channels)
        centers, scales = [], []
        for channel in range(sequences.channels):
            numbers = values[~np.isnan(values[:, channel]), channel]
            center = float(numbers.mean()) if numbers.size else 0.0
            deviation = float(numbers.std()) if numbers.size else 0.0
            flat = deviation <= 1e-12 * max(1.0, abs(center))
            centers.append(center)
            scales.append(1.0 if flat or not np.isfinite(deviation) else deviation)
        steps = -(-longest // pooled)
        return cls(sequences.names, tuple(centers), tuple(scales), steps, pooled, long)

    @property
    def channels(self) -> int:
        """How many numbers there are at each step."""
        return len(self.names)

    def transform(self, data: object) -> NDArray[np.float32]:
        """Return the sequences as rows, (rows, steps · channels + 1). Raises DataError."""
        return self.encode(data)[0]

    def encode(self, data: Any, target: str = "") -> tuple[NDArray[np.float32], list[str]]:
        sequences = self.read(data)
        if sequences.channels != self.channels:
            raise DataError(
                "the sequences",
                needed=f"{self.channels} channels, as in training",
                got=str(sequences.channels),
            )
        notes = list(sequences.notes)
        values = (sequences.values - np.asarray(self.centers)) / np.asarray(self.scales)
        values = _without_gaps(np.clip(values, -FARTHEST, FARTHEST), sequences.lengths)
        values, lengths = _pooled(values, sequences.lengths, self.pooled)
        longer = int((lengths > self.steps).sum())
        if longer:
            most = self.steps * self.pooled
            notes.append(
                f"{longer:,} of {len(values):,} sequences are longer than any that was learned "
                f"from; their last {most:,} steps are used"
            )
        return _rows(values, lengths, self.steps), notes

    def accept(self, dataset: Dataset, source: str, target: str) -> Dataset:
        """Return sequences, put together from a long table where one was learned from.

        Raises DataError for others.
        """
        if isinstance(dataset, Sequences):
            return dataset
        if isinstance(dataset, Table) and self.long is not None:
            known = target if target in dataset.frame.columns else None
            return sequences_from_table(dataset, self.long, known)
        needed = "sequences, an npz file with x (rows, steps, channels)"
        if self.long is not None:
            needed = f"a long table with the columns {self.long.identifier} and {self.names[0]}"
        raise DataError(source, needed=needed, got=dataset.description)

    def read(self, data: object) -> Sequences:
        """Return `data` as sequences: arrays as they are, a long table put together by its id."""
        if isinstance(data, Sequences):
            return data
        if isinstance(data, np.ndarray) and data.ndim != 2:
            return Sequences.of(
                data,
                names=self.names if data.ndim == 3 and data.shape[2] == self.channels else None,
            )
        if self.long is not None:
            return sequences_from_table(read_table(data), self.long)
        if isinstance(data, np.ndarray):
            return Sequences.of(data)
        raise DataError(
            "the data",
            needed="sequences, as this model was trained on",
            got="a table" if data is not None else "nothing",
            try_="an npz file with x (rows, steps, channels), or such an array",
        )

    def rows_of(self, data: Any) -> Dataset:
        return self.read(data)

    def row_schema(self) -> dict[str, Any]:
        return sequence_schema(self.names)

    def rows_of_json(self, rows: Sequence[Any]) -> Sequences:
        return sequences_of_json(rows, self.names)

    def parts_of(
        self, row: Dataset, features: NDArray[Any], baseline_row: BaselineRow | None
    ) -> RowParts:
        return sequence_parts(
            self.names, self.centers, self.scales, features, self.steps, self.pooled
        )

    def inputs(self, baseline_row: BaselineRow | None) -> tuple[Inputs, ...]:
        """Return the channels, each over its whole time, and the times, each of all channels."""
        return sequence_inputs(self.names, self.steps, self.pooled)

    @property
    def feature_names(self) -> list[str]:
        entries = [f"{name} at {step + 1}" for step in range(self.steps) for name in self.names]
        return [*entries, "share of steps"]

    @property
    def number_of_features(self) -> int:
        return self.steps * self.channels + 1

    @property
    def decisions(self) -> list[Decision]:
        decisions = [
            Decision(
                "channels",
                f"{self.channels}, each brought to mean 0 and deviation 1",
                "measured on the training sequences only",
            )
        ]
        if self.pooled > 1:
            reason = f"more than {MOST_STEPS} steps would take long and add little"
            decisions.append(Decision("steps", f"means of {self.pooled} each", reason))
        return decisions


def _without_gaps(values: Array, lengths: Array) -> Array:
    """Return standardized values with gaps filled along a line, and 0 beyond each end.

    A gap at either end takes the nearest number; a channel without any number its mean, 0.
    """
    values = np.array(values)
    inside = np.arange(values.shape[1]) < lengths[:, None]
    gaps = np.isnan(values)
    for row, channel in np.argwhere((gaps & inside[..., None]).any(axis=1)):
        length = int(lengths[row])
        line = values[row, :length, channel]
        known = np.flatnonzero(~np.isnan(line))
        if known.size:
            values[row, :length, channel] = np.interp(np.arange(length), known, line[known])
    values[np.isnan(values) | ~inside[..., None]] = 0.0
    return values


def _pooled(values: Array, lengths: Array, by: int) -> tuple[Array, Array]:
    """Return means of `by` steps each, and the lengths that are left; the last may be of fewer."""
    if by == 1:
        return values, lengths
    rows, steps, channels = values.shape
    whole = -(-steps // by)
    filled = np.zeros((rows, whole * by, channels))
    filled[:, :steps] = values
    sums = filled.reshape(rows, whole, by, channels).sum(axis=2)
    counts = np.clip(lengths[:, None] - np.arange(whole) * by, 1, by)
    return sums / counts[..., None], -(-lengths // by)


def _rows(values: Array, lengths: Array, steps: int) -> NDArray[np.float32]:
    """Return flat rows of `steps` steps and the share that counts; of longer ones the last."""
    count, _, channels = values.shape
    kept = np.minimum(lengths, steps)
    first = lengths - kept
    indices = np.minimum(first[:, None] + np.arange(steps), values.shape[1] - 1)
    last = np.take_along_axis(values, indices[..., None], axis=1)
    last[np.arange(steps) >= kept[:, None]] = 0.0
    rows = np.empty((count, steps * channels + 1), np.float32)
    rows[:, :-1] = last.reshape(count, -1)
    rows[:, -1] = kept / steps
    return rows
