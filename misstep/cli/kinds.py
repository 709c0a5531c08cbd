"""Each kind of data on the command line: what may be said to it, its test rows, how it is trained.

A kind says for itself what it is and which options mean nothing for it; `train_command.py` asks it
and need not know which one it has. A new kind is a class here and a line in `training_source`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Any

from misstep.cli.given import read_given
from misstep.cli.series_command import series_looked_for, series_wished
from misstep.cli.wishes import Wishes
from misstep.data import (
    Dataset,
    Images,
    Sequences,
    Table,
    is_text_folder,
    only_rows,
    read_table,
    read_text_folder,
    with_test_folder,
)
from misstep.data.io.npz import is_npz
from misstep.errors import ArgumentError, DataError
from misstep.modeling import (
    Settings,
    Trained,
    evident_identifier,
    table_without,
    train_images,
    train_long_table,
    train_sequences,
    train_series,
    train_table,
)
from misstep.modeling.recipes import augmentation
from misstep.text.counts import counted

__all__ = ["TrainingSource", "training_source"]


class TrainingSource(ABC):
    """Data to learn from and what was wished; `test`: rows of their own to be judged on, or None.

    Raises ArgumentError for wishes that mean nothing for such data, DataError or StorageError for
    unfit test rows.
    """

    data: Dataset
    test: Dataset | None = None

    def __init__(self, wishes: Wishes) -> None:
        self.wishes = wishes

    @abstractmethod
    def in_words(self) -> str:
        """Return how much there is to learn from."""

    @abstractmethod
    def train(self, settings: Settings) -> Trained:
        """Train on the data. Raises DataError or ArgumentError."""

    @property
    def similar(self) -> str:
        """Return a source of rows to try the model on."""
        return self.wishes.test or self.wishes.source


class _TableSource(TrainingSource):
    def __init__(self, wishes: Wishes, data: Table) -> None:
        super().__init__(wishes)
        _refuse_augmenting(wishes, data)
        self.data: Table = data
        self.test: Table | None = None
        if wishes.test is not None:
            folder = is_text_folder(Path(wishes.test))
            self.test = read_text_folder(wishes.test) if folder else read_table(wishes.test)

    def in_words(self) -> str:
        rows, columns = self.data.frame.shape
        return f"{counted(rows, 'row')} of {counted(columns, 'column')}"

    def train(self, settings: Settings) -> Trained:
        """Train on rows, on the sequences of a long table, or on a series."""
        wishes = self.wishes
        target = wishes.target or self.data.target
        data = whole = table_without(self.data, wishes.without, target)
        only = () if wishes.only is None else _column_and_value(wishes.only)
        if only:
            data = only_rows(data, only)
        identifier, because = wishes.sequence_of, "you chose it"
        asked = {"--horizon": wishes.horizon, "--season": wishes.season}
        forecast = wishes.task == "forecast" or any(one is not None for one in asked.values())
        if identifier is None and not forecast:
            identifier, because = evident_identifier(data, target) or (None, "")
        if identifier is not None:
            return train_long_table(
                data,
                identifier,
                target,
                task=wishes.task,
                test=self.test,
                because=because,
                settings=settings,
            )
        series = series_wished(data, target, wishes.task, wishes.test, asked)
        if series is not None:
            return train_series(
                whole,
                str(target),
                horizon=wishes.horizon,
                season=wishes.season,
                only=only,
                because=series,
                settings=settings,
            )
        trained = train_table(
            data, wishes.target, task=wishes.task, test=self.test, settings=settings
        )
        hint = series_looked_for(data, target, wishes.task)
        return replace(trained, notes=[*trained.notes, hint]) if hint else trained


class _ImagesSource(TrainingSource):
    def __init__(self, wishes: Wishes, data: Images) -> None:
        super().__init__(wishes)
        if wishes.augment is not None:
            augmentation(wishes.augment, min(data.shape[:2]))
        task = None if wishes.task == "classification" else wishes.task
        _refuse_columns(wishes, data, task)
        self.data: Images = data
        if wishes.test is not None:
            self.data = with_test_folder(data, wishes.test)

    def in_words(self) -> str:
        height, width, channels = self.data.shape
        colors = "grey" if channels == 1 else "in color"
        words = f"{len(self.data):,} images of {height} × {width} pixels, {colors}"
        judged = len(self.data.test_images)
        return f"{words}; {judged:,} of them for the test" if judged else words

    def train(self, settings: Settings) -> Trained:
        return train_images(self.data, settings=settings)

    @property
    def similar(self) -> str:
        """Return the folder that one of MNIST's four files stands for, or what was given."""
        rows = Path(super().similar)
        return str(rows.parent) if rows.is_file() and not is_npz(rows) else super().similar


class _SequencesSource(TrainingSource):
    def __init__(self, wishes: Wishes, data: Sequences) -> None:
        super().__init__(wishes)
        _refuse_augmenting(wishes, data)
        _refuse_columns(wishes, data, wishes.task if wishes.task == "forecast" else None)
        self.data: Sequences = data
        self.test: Sequences | None = None
        if wishes.test is not None:
            found = read_given(wishes.test)
            if not isinstance(found, Sequences):
                raise DataError(
                    wishes.test, needed=f"sequences, as {wishes.source} has", got=found.description
                )
            self.test = found

    def in_words(self) -> str:
        data = self.data
        shortest, longest = int(data.lengths.min()), int(data.lengths.max())
        steps = f"{longest:,}" if shortest == longest else f"{shortest:,} to {longest:,}"
        size = f"{steps} steps and {counted(data.channels, 'channel')}"
        words = f"{counted(len(data), 'sequence')} of {size}"
        return words if data.test is None else f"{words}, and {len(data.test):,} to be judged on"

    def train(self, settings: Settings) -> Trained:
        return train_sequences(self.data, task=self.wishes.task, test=self.test, settings=settings)


def training_source(wishes: Wishes, data: Dataset) -> TrainingSource:
    """Return what is to be learned from `data`, by its kind. Raises as `TrainingSource` does."""
    if isinstance(data, Images):
        return _ImagesSource(wishes, data)
    if isinstance(data, Sequences):
        return _SequencesSource(wishes, data)
    assert isinstance(data, Table)
    return _TableSource(wishes, data)


def _column_and_value(only: str) -> tuple[str, str]:
    column, equals, value = only.partition("=")
    if not (column and equals and value):
        raise ArgumentError(
            f"--only {only}",
            needed="a column and a value",
            got=repr(only),
            try_='--only "Ticker=AAPL"',
        )
    return column.strip(), value.strip()


def _refuse_augmenting(wishes: Wishes, data: Dataset) -> None:
    if wishes.augment is not None:
        raise ArgumentError(
            f"--augment {wishes.augment}",
            needed="images",
            got=data.description,
            try_="the command without --augment",
        )


def _refuse_columns(wishes: Wishes, data: Dataset, task: str | None) -> None:
    """Raise ArgumentError for options about columns; `task`: one that such data can't have."""
    given: dict[str, Any] = {
        "--target": wishes.target,
        "--sequence-of": wishes.sequence_of,
        "--horizon": wishes.horizon,
        "--season": wishes.season,
        "--only": wishes.only,
        "--without": wishes.without[0] if wishes.without else None,
        "--task": task,
    }
    for option, value in given.items():
        if value is not None:
            raise ArgumentError(
                f"{option} {value}",
                needed=f"a table, since {data.description} bring answers of their own",
                got=data.description,
                try_=f"the command without {option}",
            )
