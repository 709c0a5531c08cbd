"""A person's own data as a problem of the playground, by the walk that `misstep train` takes.

Read, recognized, split and prepared as for training; what is judged on there is held out here. Only
inputs that are plain numbers can be played with: no texts in order, no series. Knows modeling.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from misstep.data import Column, ColumnType, Dataset, Rows, Split, Target, read_source
from misstep.errors import DataError
from misstep.ir import Array
from misstep.modeling.examples import rows_for
from misstep.modeling.modalities.rows import Prepared, RowModality
from misstep.modeling.options import Options
from misstep.modeling.pipeline import recognize
from misstep.modeling.plans.plan import default_loss
from misstep.nn import Network
from misstep.playground.draws import Draws
from misstep.playground.problems.problem import OWN, Kind, Problem
from misstep.playground.settings import Settings
from misstep.text.lists import joined

__all__ = ["own_problem", "own_settings"]

# Rows that are learned from and held out, at most, and inputs: an update of a page that shows all
# of them must take some milliseconds.
MOST_TRAIN, MOST_HELD_OUT, MOST_INPUTS = 2_000, 1_000, 1_024
# Rows of a batch to begin with, and the batches that an epoch has at least.
BATCH, FEWEST_BATCHES = 32, 8
# How far a window reaches beyond the rows, as a share of their span.
MARGIN = 0.08


def own_problem(
    source: Dataset | str | os.PathLike[str], options: Options | None = None
) -> Problem:
    """Return the problem that a file, a folder or a data set is; `options`: as for training.

    Of many rows some are taken at random, the same ones each time, which its notes say. Raises
    StorageError, FileFormatError, DataError or ArgumentError as training does, and DataError for
    data that can't be played with.
    """
    data = source if isinstance(source, Dataset) else read_source(source)
    called = data.description if isinstance(source, Dataset) else os.path.basename(source)
    asked = options or Options()
    walked = _walked(data, asked)
    notes: list[str] = []
    if walked.looks_up and (texts := walked.texts):
        # What else there is can be played with all the same.
        notes.append(f"{joined(texts)} left out: words that are looked up are no inputs here")
        walked = _walked(data, replace(asked, without=(*asked.without, *texts)))
    if walked.looks_up:
        raise _unfit("inputs that are numbers", f"{data.description}, whose words are looked up")
    prepared = walked.prepared
    train, train_names = prepared.portions, walked.train_names
    if train.x.shape[1] > MOST_INPUTS:
        raise _unfit(f"at most {MOST_INPUTS:,} inputs", f"{train.x.shape[1]:,}")
    names = prepared.preprocessing.feature_names
    held_out, held_out_names = _held_out(prepared)
    loss, outputs, _ = default_loss(prepared.target)
    notes += walked.modality.notes
    train, train_names = _some(train, train_names, MOST_TRAIN, "learned from", notes)
    held_out, held_out_names = _some(held_out, held_out_names, MOST_HELD_OUT, "held out", notes)
    target = prepared.target
    image = prepared.preprocessing.image_of(train.x[0])
    problem = Problem(
        OWN,
        f"{target.name} of {called}",
        Kind.TABLE if image is None else Kind.PICTURES,
        _as_learned(train, loss),
        _as_learned(held_out, loss),
        loss,
        outputs,
        tuple(names),
        tuple(str(label) for label in target.classes),
        target.name,
        shape=None if image is None else (image.shape[0], image.shape[1]),
        middle=target.center if _is_plain(target) else 0.0,
        unit=target.scale if _is_plain(target) else 1.0,
        decode=target.decode_outputs if target.is_number else None,
        train_rows=tuple(train_names),
        held_out_rows=tuple(held_out_names),
        notes=tuple(notes),
    )
    return _with_window(problem)


def own_settings(problem: Problem) -> Settings:
    """Return settings to begin with on a person's own rows."""
    batch = max(1, min(BATCH, len(problem.train) // FEWEST_BATCHES))
    pictures = problem.kind is Kind.PICTURES
    return Settings(
        problem=OWN,
        layers=(16,) if pictures else (8, 8),
        activation="relu" if pictures else "tanh",
        optimizer="adam",
        learning_rate=0.01,
        batch_size=batch,
    )


@dataclass(frozen=True)
class _Walked:
    """Data as far as training brings them before it plans."""

    modality: RowModality
    split: Split
    prepared: Prepared

    @property
    def looks_up(self) -> bool:
        """Return whether inputs are positions that an embedding looks up."""
        modality, prepared = self.modality, self.prepared
        plan = modality.plan_network(modality.planner(prepared), prepared)
        network = Network(plan.module, prepared.train.x.shape[1:])
        return network.position_limits is not None

    @property
    def texts(self) -> list[str]:
        """Return the columns that are texts; none where there are no others."""
        columns: Sequence[Column] = getattr(self.modality, "columns", ())
        used = [one for one in columns if one.used]
        texts = [one.name for one in used if one.column_type is ColumnType.TEXT]
        return texts if len(texts) < len(used) else []

    @property
    def train_names(self) -> list[str]:
        """Return what the rows to learn from are called; none where heavy ones stand repeatedly."""
        if self.prepared.portions is not self.prepared.train:
            return []
        return list(self.modality.names_of(self.modality.examples.order[self.split.train]))


def _walked(data: Dataset, options: Options) -> _Walked:
    """Go the walk until rows are as a network takes them. Raises DataError for other data."""
    modality = recognize(data, options)
    if not isinstance(modality, RowModality):
        raise _unfit("rows with an answer each", modality.source.description)
    split = modality.split()
    prepared = modality.prepare(split)
    x = prepared.train.x
    if x.ndim != 2 or not np.isfinite(x).all():
        raise _unfit("rows of as many numbers each", data.description)
    return _Walked(modality, split, prepared)


def _unfit(needed: str, got: str) -> DataError:
    return DataError(
        "data for the playground",
        needed=needed,
        got=got,
        try_="misstep train with --watch, which shows any training as it goes",
    )


def _held_out(prepared: Prepared) -> tuple[Rows, list[str]]:
    """Return all rows that training would not learn from, and what they are called."""
    parts = [(prepared.validation, list(prepared.validation_names))]
    kept = prepared.held_out
    # Where no rows are left for a test, those of validation are shown in its place.
    if kept is not None and not np.array_equal(prepared.test.x, prepared.validation.x):
        parts.append((prepared.test, list(kept.names)))
    parts = [(rows, names) for rows, names in parts if len(rows)]
    if not parts:
        raise _unfit("rows to hold out", "none")
    whole = Rows(
        np.concatenate([rows.x for rows, _ in parts]), np.concatenate([rows.y for rows, _ in parts])
    )
    names = [name for _, some in parts for name in some]
    return whole, names if len(names) == len(whole) else []


def _some(
    rows: Rows, names: list[str], most: int, what: str, notes: list[str]
) -> tuple[Rows, list[str]]:
    """Return so many of the rows at most, taken at random; a note says so."""
    if len(rows) <= most:
        return rows, names
    chosen = np.sort(Draws(0).order(len(rows))[:most])
    notes.append(f"{most:,} of {len(rows):,} rows are {what}, taken at random")
    return rows.take(chosen), [names[at] for at in chosen] if names else []


def _as_learned(rows: Rows, loss: Any) -> Rows:
    """Return rows as the loss takes them."""
    x, y, weights = rows_for(loss, rows)
    narrow = None if weights is None else np.asarray(weights, "float32")
    return Rows(np.ascontiguousarray(x, "float32"), y, narrow)


def _is_plain(target: Target) -> bool:
    """Tell whether answers are numbers that are learned as they are, but for their unit."""
    return target.is_number and target.logarithm is None


def _with_window(problem: Problem) -> Problem:
    """Return a problem of one or two inputs as a curve or a plane, with the window of its rows."""
    count = len(problem.features)
    is_curve = count == 1 and not problem.classes
    if problem.shape is not None or not (is_curve or (count == 2 and problem.classes)):
        return problem
    columns: Sequence[Array] = list(problem.train.x.T)
    if is_curve:
        columns = [*columns, problem.train.y.reshape(-1)]
    note = "inputs are drawn as the network takes them: in deviations from their mean"
    return replace(
        problem,
        kind=Kind.CURVE if is_curve else Kind.PLANE,
        window=tuple(_span(column) for column in columns),
        notes=(*problem.notes, note),
    )


def _span(column: Array) -> tuple[float, float]:
    low, high = float(column.min()), float(column.max())
    room = MARGIN * (high - low) or 1.0
    return low - room, high + room
