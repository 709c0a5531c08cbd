"""Rows that somebody holds, by kind: told apart by contents, prepared, and given a recipe.

What `fitting.py` needs to know of each kind of rows, and nothing else does. A new kind is a class
here and a line in `held`.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import ImageScaling, MatrixScaling, Preprocessing, Sequences, Table, Target
from misstep.data.image.flip_invariance import FlipInvariance, flip_invariance_of
from misstep.ir import Array, one_blas_thread
from misstep.modeling.preparing import prepare_columns, prepare_sequences
from misstep.modeling.recipes import (
    RecipeMaker,
    columns_recipe,
    image_recipe,
    reads_in_order,
    sequence_recipe,
)
from misstep.modeling.settings import Choices, Settings

__all__ = ["Held", "LearningRows", "held"]


@dataclass(frozen=True)
class LearningRows:
    """Which of the rows are learned from, and what they answer.

    `present`: numbers of all rows that take part, `learned`: of those to learn from, (rows,), in
    their order. `answers`: of the rows `learned`, as given, and `encoded`. `weights`: theirs, or
    None.
    """

    present: Array
    learned: Array
    answers: Array
    encoded: Array
    weights: Array | None
    target: Target


class Held(ABC):
    """Rows of one kind that somebody holds."""

    # Whether parts are encoded one by one: as numbers, a large set then fits into memory once.
    by_parts = False

    @abstractmethod
    def fingerprints(self) -> Array:
        """Return a number for each row, (rows,) uint64, that depends on its contents only."""

    @abstractmethod
    def prepared(self, rows: LearningRows, settings: Settings, choices: Choices) -> Preprocessing:
        """Return the preprocessing fitted on the rows to learn from; tell `choices` why."""

    @abstractmethod
    def encoded(self, numbers: Array, preprocessing: Any) -> Array:
        """Return the rows of these numbers as a network takes them, (rows, features)."""

    @abstractmethod
    def recipe(
        self, rows: LearningRows, preprocessing: Any, settings: Settings, features: Array | None
    ) -> RecipeMaker:
        """Return what makes the recipe.

        `features`: of all rows to learn from, or None where they come in parts: members of an
        ensemble would have to share each part, and learn less from it each.
        """


class _HeldTable(Held):
    def __init__(self, table: Table) -> None:
        self.table = table

    def fingerprints(self) -> Array:
        from pandas.util import hash_pandas_object

        found: Array = hash_pandas_object(self.table.frame, index=False).to_numpy()
        return found

    def prepared(self, rows: LearningRows, settings: Settings, choices: Choices) -> Preprocessing:
        frame = self.table.frame
        present = Table(
            frame.iloc[np.unique(rows.present)],
            self.table.name,
            self.table.notes,
            self.table.target,
            texts=self.table.texts,
        )
        return prepare_columns(
            present,
            frame.iloc[rows.learned],
            choices,
            weights=rows.weights,
            answers=rows.encoded,
            in_order=reads_in_order(settings.network),
        )

    def encoded(self, numbers: Array, preprocessing: Any) -> Array:
        found: Array = preprocessing.transform(self.table.frame.iloc[numbers])
        return found

    def recipe(
        self, rows: LearningRows, preprocessing: Any, settings: Settings, features: Array | None
    ) -> RecipeMaker:
        return columns_recipe(preprocessing, features)


class _HeldMatrix(Held):
    def __init__(self, matrix: Array) -> None:
        self.matrix = matrix

    def fingerprints(self) -> Array:
        return _of_numbers(self.matrix)

    def prepared(self, rows: LearningRows, settings: Settings, choices: Choices) -> Preprocessing:
        scaling = MatrixScaling.fit(self.matrix[rows.learned], rows.weights)
        choices.add("columns", "each brought to mean 0 and deviation 1", "all are numbers")
        return scaling

    def encoded(self, numbers: Array, preprocessing: Any) -> Array:
        # Picked afterwards, when the numbers take half the memory.
        found: Array = preprocessing.transform(self.matrix)[numbers]
        return found

    def recipe(
        self, rows: LearningRows, preprocessing: Any, settings: Settings, features: Array | None
    ) -> RecipeMaker:
        return columns_recipe(preprocessing, features)


class _HeldSequences(Held):
    def __init__(self, sequences: Sequences) -> None:
        self.sequences = sequences

    def fingerprints(self) -> Array:
        values = self.sequences.values
        return _of_numbers(values.reshape(len(values), -1), length=self.sequences.lengths)

    def prepared(self, rows: LearningRows, settings: Settings, choices: Choices) -> Preprocessing:
        return prepare_sequences(self.sequences.take(rows.learned), choices)

    def encoded(self, numbers: Array, preprocessing: Any) -> Array:
        found: Array = preprocessing.transform(self.sequences.take(numbers))
        return found

    def recipe(
        self, rows: LearningRows, preprocessing: Any, settings: Settings, features: Array | None
    ) -> RecipeMaker:
        return sequence_recipe(preprocessing.steps, preprocessing.channels)


class _HeldImages(Held):
    by_parts = True

    def __init__(self, images: Array) -> None:
        self.images = images

    def fingerprints(self) -> Array:
        return np.array([_digest(image) for image in self.images], np.uint64)

    def prepared(self, rows: LearningRows, settings: Settings, choices: Choices) -> Preprocessing:
        height, width, *channels = self.images.shape[1:]
        choices.add("pixels", "divided by 255", "networks learn best from 0 to 1")
        return ImageScaling(height, width, *channels)

    def encoded(self, numbers: Array, preprocessing: Any) -> Array:
        found: Array = preprocessing.transform(self.images[numbers])
        return found

    def recipe(
        self, rows: LearningRows, preprocessing: Any, settings: Settings, features: Array | None
    ) -> RecipeMaker:
        mirroring = FlipInvariance(False, "a number may depend on left and right")
        if not rows.target.is_number:
            with one_blas_thread():
                mirroring = flip_invariance_of(
                    self.images[rows.learned], rows.answers, settings.seed
                )
        return image_recipe(preprocessing.shape, mirroring)


def held(source: Table | Sequences | Array) -> Held:
    """Return the rows of `source` as what they are; arrays of more than two axes are images."""
    if isinstance(source, Table):
        return _HeldTable(source)
    if isinstance(source, Sequences):
        return _HeldSequences(source)
    return _HeldImages(source) if source.ndim > 2 else _HeldMatrix(source)


def _of_numbers(matrix: Array, **columns: Array) -> Array:
    import pandas
    from pandas.util import hash_pandas_object

    frame = pandas.DataFrame(matrix, copy=False).assign(**columns)
    found: Array = hash_pandas_object(frame, index=False).to_numpy()
    return found


def _digest(image: Array) -> int:
    return int.from_bytes(hashlib.blake2b(image.tobytes(), digest_size=8).digest(), "little")
