"""Training on rows that somebody holds: features and answers apart, perhaps weighted, no test part.

What the estimators call. What is learned depends on which rows there are and what they weigh, not
on their order; a row of weight 2 is that row twice, a row of weight 0 is not there. Knows tables
and arrays; `learning.py` does the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from misstep.data import (
    MatrixScaling,
    PictureScaling,
    Sequences,
    SequenceScaling,
    Table,
    Target,
    split_rows,
)
from misstep.data.mirrors import Mirroring, ask_about_mirrors
from misstep.data.weighted import checked_weights
from misstep.ir import Array, one_blas_thread
from misstep.modeling.learning import Learned, Part, begin, go_on, learn
from misstep.modeling.model import Preprocessing
from misstep.modeling.preparing import prepare_columns
from misstep.modeling.recipes import (
    RecipeMaker,
    check_settings,
    columns_recipe,
    picture_recipe,
    reads_in_order,
    sequence_recipe,
)
from misstep.modeling.settings import Choices, Settings

# Whole weights are taken as copies as long as these make at most so many rows, or twice those
# given; beyond that, memory would pay for what weights in the loss do as well.
MOST_COPIES = 100_000
# Fewer validation rows would stop training by chance: an accuracy from 5 rows has a standard error
# of up to 22 points, √(¼ / 5).
LEAST_VALIDATION_ROWS = 5


@dataclass(frozen=True)
class Rows:
    """Rows as people have them: table, array, sequences or pictures, and answers (rows,).

    Arrays: (rows, columns). Pictures: bytes, (rows, height, width) or (rows, height, width,
    channels).

    `answers`: class numbers, or numbers in their own unit. `weights`: (rows,) or None.
    `class_weights`: one for each class, or None.
    """

    source: Table | Array | Sequences
    answers: Array
    weights: object = None
    class_weights: Sequence[float] | None = None

    def __len__(self) -> int:
        return len(self.answers)

    def picked(self, rows: Array) -> Any:
        """Return the features of the given row numbers, in their order."""
        if isinstance(self.source, Table):
            return self.source.frame.iloc[rows]
        if isinstance(self.source, Sequences):
            return self.source.picked(rows)
        return self.source[rows]


def fit_rows(rows: Rows, target: Target, settings: Settings) -> Learned:
    """Train a model that answers `rows`; a share of them is set apart to stop by.

    `target`: recognized, not yet fitted. Raises DataError or ArgumentError.
    """
    check_settings(settings)
    choices = Choices(settings.say)
    chosen, weights = settle(rows)
    share = settings.validation_fraction
    if share and round(len(chosen) * share) < LEAST_VALIDATION_ROWS:
        choices.add(
            "split", f"all {len(chosen):,} rows to learn from",
            f"fewer than {LEAST_VALIDATION_ROWS} validation rows would stop training by chance",
        )  # fmt: skip
        settings = replace(settings, validation_fraction=0.0)
    answers = rows.answers[chosen]
    parts = split_rows(
        len(chosen), None if target.is_number else answers, settings.validation_fraction,
        0.0, settings.seed,
    )  # fmt: skip
    if len(parts.validation):
        sizes = f"{len(parts.train):,} rows to learn from, {len(parts.validation):,} to validate on"
        choices.add("split", sizes, "training must stop by rows that it does not learn from")

    def weights_of(places: Array) -> Array | None:
        return None if weights is None else weights[places]

    target = _fitted(target, answers[parts.train], weights_of(parts.train))
    preprocessing = _prepared(
        rows, chosen, parts.train, weights_of(parts.train), target, settings, choices
    )

    if isinstance(preprocessing, PictureScaling):
        # Part by part: as numbers, a large set of pictures fits into memory once.
        train, apart = (
            _part(rows, chosen[places], weights_of(places), preprocessing, target)
            for places in (parts.train, parts.validation)
        )
    else:
        whole = _part(rows, chosen, weights, preprocessing, target)
        train, apart = whole.picked(parts.train), whole.picked(parts.validation)
    validation = apart if len(apart) else None
    recipe = _recipe(rows, chosen[parts.train], preprocessing, target, settings, train)
    return learn(train, validation, preprocessing, target, settings, choices, recipe)


def begin_rows(rows: Rows, target: Target, settings: Settings) -> Learned:
    """Go once through the first of several groups of rows; nothing is set apart to stop by.

    What brings the numbers of features and answers to a common size is fitted on these rows and
    stays. Raises DataError or ArgumentError.
    """
    check_settings(settings)
    choices = Choices(settings.say)
    settings = replace(settings, validation_fraction=0.0)
    chosen, weights = settle(rows)
    target = _fitted(target, rows.answers[chosen], weights)
    everything = np.arange(len(chosen))
    preprocessing = _prepared(rows, chosen, everything, weights, target, settings, choices)
    part = _part(rows, chosen, weights, preprocessing, target)
    choose = _recipe(rows, chosen, preprocessing, target, settings)
    trainer = begin(len(part), part.features.shape[1], target, settings, choices, choose)
    return go_on(trainer, part, preprocessing, target, settings, choices)


def continue_rows(learned: Learned, rows: Rows, settings: Settings) -> Learned:
    """Go once through another group of rows, weights and optimizer as they stand."""
    check_settings(settings)
    chosen, weights = settle(rows)
    model = learned.model
    part = _part(rows, chosen, weights, model.preprocessing, model.target)
    choices = Choices(made=learned.choices)
    return go_on(
        learned.trainer, part, model.preprocessing, model.target, settings, choices,
        rows_before=model.facts["rows"],
    )  # fmt: skip


def settle(rows: Rows) -> tuple[Array, Array | None]:
    """Return row numbers in an order that depends on contents only, and what each weighs, or None.

    Rows of whole weights stand there so often; those of weight 0 never do. Raises DataError for
    unfit weights.
    """
    weights = np.ones(len(rows))
    if rows.weights is not None:
        weights = checked_weights(rows.weights, len(rows))
    weights = weights / weights.max() if not _whole(weights) else weights
    copies = weights.astype(np.int64) if _whole(weights) else (weights > 0).astype(np.int64)
    order = np.lexsort((weights, _fingerprints(rows)))
    chosen = np.repeat(order, copies[order])
    left = weights[chosen]
    return chosen, None if _whole(weights) or (left == left[0]).all() else left


def _whole(weights: Array) -> bool:
    """Tell whether weights are numbers of copies, few enough to be taken as such."""
    most = max(MOST_COPIES, 2 * len(weights))
    # The largest first: a sum of huge ones would overflow.
    few = weights.max() <= most and weights.sum() <= most
    return bool(few and (weights == np.floor(weights)).all())


def _fingerprints(rows: Rows) -> Array:
    """Return a number for each row, (rows,) uint64, that depends on its contents only."""
    import pandas
    from pandas.util import hash_array, hash_pandas_object

    if isinstance(rows.source, Table):
        features = hash_pandas_object(rows.source.frame, index=False).to_numpy()
    elif isinstance(rows.source, Sequences):
        values = rows.source.values
        frame = pandas.DataFrame(values.reshape(len(values), -1), copy=False)
        frame["length"] = rows.source.lengths
        features = hash_pandas_object(frame, index=False).to_numpy()
    elif rows.source.ndim > 2:
        features = np.array([_digest(picture) for picture in rows.source], np.uint64)
    else:
        frame = pandas.DataFrame(rows.source, copy=False)
        features = hash_pandas_object(frame, index=False).to_numpy()
    # An odd factor loses nothing modulo 2**64 and keeps features and answer from canceling out.
    return features * np.uint64(0x9E3779B97F4A7C15) + hash_array(rows.answers)


def _digest(picture: Array) -> int:
    return int.from_bytes(hashlib.blake2b(picture.tobytes(), digest_size=8).digest(), "little")


def _recipe(
    rows: Rows,
    chosen: Array,
    preprocessing: Preprocessing,
    target: Target,
    settings: Settings,
    train: Part | None = None,
) -> RecipeMaker:
    """Return what makes the recipe for such rows, of which `chosen` are learned from.

    `train`: all rows to learn from, or None: they come in parts. Members of an ensemble would have
    to share each part, and learn less from it each.
    """
    if isinstance(preprocessing, SequenceScaling):
        return sequence_recipe(preprocessing.steps, preprocessing.channels)
    if not isinstance(preprocessing, PictureScaling):
        return columns_recipe(preprocessing, None if train is None else train.features)
    assert isinstance(rows.source, np.ndarray)
    if target.is_number:
        mirroring = Mirroring(False, "a number may depend on left and right")
    else:
        with one_blas_thread():
            mirroring = ask_about_mirrors(rows.source[chosen], rows.answers[chosen], settings.seed)
    return picture_recipe(preprocessing.shape, mirroring)


def _prepared(
    rows: Rows,
    chosen: Array,
    train: Array,
    weights: Array | None,
    target: Target,
    settings: Settings,
    choices: Choices,
) -> Preprocessing:
    learned = rows.picked(chosen[train])
    if isinstance(rows.source, Table):
        present = replace(rows.source, frame=rows.picked(np.unique(chosen)))
        answers = rows.answers[chosen[train]]
        return prepare_columns(
            present, learned, choices, weights=weights,
            answers=target.encode(answers) if target.is_number else answers,
            in_order=reads_in_order(settings.network),
        )  # fmt: skip
    if isinstance(rows.source, Sequences):
        choices.add(
            "channels", f"{learned.channels}, each brought to mean 0 and deviation 1",
            "measured on the training sequences only",
        )  # fmt: skip
        return SequenceScaling.fit(learned)
    if rows.source.ndim > 2:
        height, width, *channels = rows.source.shape[1:]
        choices.add("pixels", "divided by 255", "networks learn best from 0 to 1")
        return PictureScaling(height, width, *channels)
    scaling = MatrixScaling.fit(learned, weights)
    choices.add("columns", "each brought to mean 0 and deviation 1", "all are numbers")
    return scaling


def _fitted(target: Target, answers: Array, weights: Array | None) -> Target:
    if target.is_number:
        return target.fit(answers, weights)
    return target.fit_codes(answers, weights)


def _part(
    rows: Rows,
    chosen: Array,
    weights: Array | None,
    preprocessing: Preprocessing,
    target: Target,
) -> Part:
    answers = rows.answers[chosen]
    if rows.class_weights is not None:
        by_class = np.asarray(rows.class_weights, np.float64)[answers]
        weights = by_class if weights is None else weights * by_class
    encoded = target.encode(answers) if target.is_number else answers
    if isinstance(rows.source, Table | Sequences) or rows.source.ndim > 2:
        features = preprocessing.transform(rows.picked(chosen))
    else:
        # Picked afterwards, when the numbers take half the memory.
        features = preprocessing.transform(rows.source)[chosen]
    return Part(features, encoded, weights)
