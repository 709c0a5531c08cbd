"""Recorded sequences: several numbers at each step, some steps in each sequence, all lengths mixed.

Holds `Sequences` and how one is made of arrays, those of an npz file too. Knows arrays and names,
no network. A long table becomes one in `long_tables.py`; `sequence_scaling.py` fits and scales.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from misstep.data.copies import Traits
from misstep.data.dataset import Dataset, hashed_rows
from misstep.errors import DataError
from misstep.ir import Array
from misstep.ir.masks import without_mask
from misstep.text.counts import counted

__all__ = ["Sequences", "holds_sequences", "sequences_from_arrays"]

# What people call the arrays of a file; a split may stand before or behind: x_train, test_x.
VALUES = ("x", "values", "sequences", "data", "signals", "inputs")
ANSWERS = ("y", "label", "labels", "target", "targets", "class", "answers")
LENGTHS = ("length", "lengths", "len", "n_steps", "steps")
CHANNELS = ("channels", "channel_names", "columns", "features", "names")
# Pixels are whole numbers up to this, or shares of 1; signals hardly ever are.
LARGEST_PIXEL = 255


@dataclass(frozen=True)
class Sequences(Dataset):
    """Recorded sequences, each of its own length.

    `values`: (rows, steps, channels) float64, NaN where a gap is and beyond a sequence's end;
    `lengths`: (rows,) steps of each, 1 or more; `labels`: (rows,) answers, or None; `names`: of the
    channels. `target`: what the answers are called. `ids`: (rows,) what each sequence is called in
    the column `identifier`, where it came from a long table. `test`: a split for the test that the
    file brought.
    """

    values: NDArray[np.float64]
    lengths: NDArray[np.int64]
    labels: Array | None
    names: tuple[str, ...]
    name: str = "the sequences"
    target: str = "class"
    notes: list[str] = field(default_factory=list)
    ids: Array | None = None
    identifier: str = ""
    test: Sequences | None = None

    description: ClassVar[str] = "sequences"
    sample_name: ClassVar[str] = "sequence"

    def __len__(self) -> int:
        return len(self.values)

    @property
    def channels(self) -> int:
        """How many numbers there are at each step."""
        return int(self.values.shape[2])

    def take(self, indices: Array) -> Sequences:
        return replace(
            self,
            values=self.values[indices],
            lengths=self.lengths[indices],
            test=None,
            labels=None if self.labels is None else self.labels[indices],
            ids=None if self.ids is None else self.ids[indices],
        )

    def answers(self, target: str) -> Any:
        """Return the label of each sequence, (rows,), or None; they bear no name of their own."""
        return self.labels

    def cells(self, target: str) -> list[Any]:
        """Return nothing: what stood at a step is not what a network gets."""
        return []

    @property
    def test_split(self) -> Sequences:
        return self if self.test is None else self.test

    def describe(self) -> str:
        shortest, longest = int(self.lengths.min()), int(self.lengths.max())
        steps = f"{longest:,}" if shortest == longest else f"{shortest:,} to {longest:,}"
        size = f"{steps} steps and {counted(self.channels, 'channel')}"
        words = f"{counted(len(self), 'sequence')} of {size}"
        return words if self.test is None else f"{words}, and {len(self.test):,} to be judged on"

    def fingerprints(self) -> NDArray[np.uint64]:
        """Return a hash of the numbers and the length of each sequence, (rows,)."""
        return hashed_rows(self.values.reshape(len(self), -1), length=self.lengths)

    def traits(self, without: Container[str] = ()) -> Traits:
        """Return the numbers of each sequence, whose lengths must be the same."""
        return Traits(self.lengths[:, np.newaxis], self.values.reshape(len(self), -1))

    def row_names(self) -> tuple[str, Sequence[Any]]:
        return super().row_names() if self.ids is None else (self.identifier, self.ids.tolist())

    @classmethod
    def of(
        cls,
        values: object,
        lengths: object = None,
        labels: object = None,
        names: Sequence[str] | None = None,
        name: str = "the sequences",
        target: str = "class",
    ) -> Sequences:
        """Return sequences made of arrays.

        `values`: (rows, steps, channels), or (rows, steps) for one channel; NaN fills up short ones
        and marks gaps. `lengths`: (rows,) whole numbers; where not given, a sequence ends at its
        last step that has a number. Raises DataError.
        """
        array = _numbers(values, name)
        counts = _ends(array) if lengths is None else _checked_lengths(lengths, array, name)
        beyond = np.arange(array.shape[1]) >= counts[:, None]
        if lengths is not None and beyond.any():
            array = np.where(beyond[..., None], np.nan, array)
        notes = []
        empty = int((counts == 0).sum())
        if empty:
            notes.append(f"{empty:,} of {len(array):,} sequences have no number at all")
        inside = int((np.isnan(array) & ~beyond[..., None]).sum())
        if inside:
            notes.append(
                f"{inside:,} gaps inside sequences; each is filled from the steps around it"
            )
        titles = tuple(names or (f"channel_{i + 1}" for i in range(array.shape[2])))
        if len(titles) != array.shape[2]:
            raise DataError(
                f"the names of the channels of {name}",
                needed=f"{array.shape[2]}, one for each",
                got=str(len(titles)),
            )
        answers = None if labels is None else np.asarray(labels)
        if answers is not None and answers.shape != (len(array),):
            raise DataError(
                f"the answers of {name}",
                needed=f"one for each sequence, shape ({len(array)},)",
                got=f"shape {answers.shape}",
            )
        return cls(array, np.maximum(counts, 1), answers, titles, name, target, notes)


def holds_sequences(arrays: Mapping[str, Array]) -> bool:
    """Tell whether the arrays of a file are recorded sequences rather than images.

    They are where numbers of steps stand beside them, where numbers are missing, or where three
    axes (rows, steps, channels) hold fractions or negative numbers that no pixel has.
    """
    split = _split_of(arrays, "train") or _split_of(arrays, "")
    if split is None:
        return False
    values = split.values
    if values.dtype.kind not in "iuf" or values.ndim not in (2, 3) or not values.size:
        return False
    if split.lengths is not None:
        return True
    if values.ndim == 2 or values.dtype.kind == "u":
        return False
    if values.dtype.kind == "f" and np.isnan(values).any():
        return True
    low, high = values.min(), values.max()
    square = values.shape[1] == values.shape[2]
    whole = values.dtype.kind == "i" or bool((values == np.floor(values)).all())
    pixels = low >= 0 and (high <= 1 or (whole and high <= LARGEST_PIXEL))
    return not (square and pixels)


def sequences_from_arrays(arrays: Mapping[str, Array], name: str) -> Sequences:
    """Return the sequences that the arrays of a file are.

    Names as in x, length, y or x_train, len_train, y_train, x_test …; `classes` may name the
    classes by number, `channels` the channels. Raises DataError for arrays that don't fit.
    """
    train = _split_of(arrays, "train")
    test = _split_of(arrays, "test") if train is not None else None
    train = train or _split_of(arrays, "") or _split_of(arrays, "test")
    if train is None:
        raise DataError(
            f"the arrays of {name}",
            needed="x (rows, steps, channels), or x_train",
            got=", ".join(sorted(arrays)) or "none",
        )
    classes = arrays.get("classes", arrays.get("class_names"))
    channels = next((arrays[key] for key in CHANNELS if key in arrays), None)
    titles = None
    if channels is not None and channels.dtype.kind in "US" and channels.ndim == 1:
        titles = [str(title) for title in channels]

    def sequences_of(split: _Split) -> Sequences:
        labels = _named(split.answers, classes, name)
        return Sequences.of(split.values, split.lengths, labels, titles, name, train.target)

    sequences = sequences_of(train)
    steps = sequences.values.shape[1]
    if train.lengths is None and sequences.channels > steps > 1:
        sequences.notes.append(
            f"x is taken as (rows, steps, channels): {steps:,} steps of "
            f"{sequences.channels:,} channels; if it is the other way round, transpose its last "
            "axes"
        )
    used = train.keys | (test.keys if test is not None else set())
    left = sorted(set(arrays) - used - {"classes", "class_names", *CHANNELS})
    if left:
        sequences.notes.append(f"not used: {', '.join(left)}, of which nothing says what it means")
    if test is None:
        return sequences
    test_split = sequences_of(test)
    if test_split.channels != sequences.channels:
        raise DataError(
            f"the test part of {name}",
            needed=f"{sequences.channels} channels, as the training part",
            got=str(test_split.channels),
        )
    return replace(sequences, test=test_split)


def _named(labels: Array | None, classes: Array | None, name: str) -> Array | None:
    """Return labels by the names of their classes where they are the numbers of those."""
    if labels is None or classes is None or labels.dtype.kind not in "iu":
        return labels
    if labels.size and not (labels.min() >= 0 and labels.max() < len(classes)):
        raise DataError(
            f"the answers of {name}",
            needed=f"numbers of classes, 0 to {len(classes) - 1}",
            got=f"{labels.min()} to {labels.max()}",
        )
    return classes[labels]


@dataclass
class _Split:
    """The arrays of a split, what the answers are called, and the names of all in the file."""

    values: Array
    lengths: Array | None
    answers: Array | None
    target: str
    keys: set[str]


def _split_of(arrays: Mapping[str, Array], split: str) -> _Split | None:
    """Return values, lengths and answers of a split by their names, or None without values."""
    lower = {key.lower(): key for key in arrays}

    def find(words: Sequence[str]) -> tuple[str, str]:
        for word in words:
            for spelling in (f"{word}_{split}", f"{split}_{word}") if split else (word,):
                if spelling in lower:
                    return word, lower[spelling]
        return "y", ""

    keys = {words: find(words) for words in (VALUES, LENGTHS, ANSWERS)}
    values, lengths, answers = (
        np.asarray(arrays[key]) if key else None for _, key in keys.values()
    )
    if values is None:
        return None
    used = {key for _, key in keys.values() if key}
    return _Split(values, lengths, answers, keys[ANSWERS][0], used)


def _numbers(values: object, name: str) -> NDArray[np.float64]:
    try:
        array = without_mask(values, name)
        if array.dtype.kind not in "biuf":
            raise ValueError(f"values of kind {array.dtype}")
        array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the values of {name}",
            needed="numbers (rows, steps, channels)",
            got=str(error),
            try_="filling up short sequences with NaN, so that all have the same number of steps",
        ) from error
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or 0 in array.shape:
        raise DataError(
            f"the values of {name}",
            needed="an array (rows, steps, channels) that is not empty",
            got=f"shape {array.shape}",
        )
    infinite = np.isinf(array)
    if infinite.any():
        row, step, channel = (int(index) + 1 for index in np.argwhere(infinite)[0])
        raise DataError(
            f"{name}, sequence {row}, step {step}, channel {channel}",
            needed="a finite number",
            got=f"an infinite one ({int(infinite.sum()):,} in all)",
            try_="NaN where a value is not known",
        )
    return array


def _ends(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many steps each sequence has up to its last number, (rows,)."""
    there = ~np.isnan(values).all(axis=2)
    steps = np.arange(1, values.shape[1] + 1)
    return (there * steps).max(axis=1).astype(np.int64)


def _checked_lengths(lengths: object, values: Array, name: str) -> NDArray[np.int64]:
    counts = np.asarray(lengths)
    whole = counts.dtype.kind in "iu" or (
        counts.dtype.kind == "f" and bool((counts == np.floor(counts)).all())
    )
    if counts.shape != (len(values),) or not whole:
        raise DataError(
            f"the lengths of {name}",
            needed=f"a whole number for each of {len(values):,} rows",
            got=f"{counts.dtype} of shape {counts.shape}",
        )
    wrong = np.flatnonzero((counts < 0) | (counts > values.shape[1]))
    if wrong.size:
        raise DataError(
            f"the length of sequence {wrong[0] + 1} of {name}",
            needed=f"0 to {values.shape[1]} steps",
            got=str(counts[wrong[0]]),
        )
    return counts.astype(np.int64)
