"""Training on rows that somebody holds: features and answers apart, perhaps weighted, no test part.

What the estimators call. What is learned depends on which rows there are and what they weigh, not
on their order; a row of weight 2 is that row twice, a row of weight 0 is not there. What kind
of rows they are is known in `held.py`; `learning.py` does the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from misstep.data import Preprocessing, Sequences, Table, Target, split_rows
from misstep.data.weights import checked_weights
from misstep.ir import Array
from misstep.modeling.held import Held, LearningRows, held
from misstep.modeling.learning import Learned, Part, begin, go_on, learn
from misstep.modeling.recipes import check_settings
from misstep.modeling.settings import Choices, Settings

# Whole weights are taken as copies as long as these make at most so many rows, or twice those
# given; beyond that, memory would pay for what weights in the loss do as well.
MOST_COPIES = 100_000
# Fewer validation rows would stop training by chance: an accuracy from 5 rows has a standard error
# of up to 22 points, √(¼ / 5).
LEAST_VALIDATION_ROWS = 5


@dataclass(frozen=True)
class Rows:
    """Rows as people have them: table, array, sequences or images, and answers (rows,).

    Arrays: (rows, columns). Images: bytes, (rows, height, width) or (rows, height, width,
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

    @cached_property
    def held(self) -> Held:
        """Return the rows as what they are."""
        return held(self.source)


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
            "split",
            f"all {len(chosen):,} rows to learn from",
            f"fewer than {LEAST_VALIDATION_ROWS} validation rows would stop training by chance",
        )
        settings = replace(settings, validation_fraction=0.0)
    answers = rows.answers[chosen]
    parts = split_rows(
        len(chosen),
        None if target.is_number else answers,
        settings.validation_fraction,
        0.0,
        settings.seed,
    )
    if len(parts.validation):
        sizes = f"{len(parts.train):,} rows to learn from, {len(parts.validation):,} to validate on"
        choices.add("split", sizes, "training must stop by rows that it does not learn from")

    def weights_of(places: Array) -> Array | None:
        return None if weights is None else weights[places]

    target = _fitted(target, answers[parts.train], weights_of(parts.train))
    learned = _learning_rows(rows, chosen, parts.train, weights_of(parts.train), target)
    preprocessing = rows.held.prepared(learned, settings, choices)
    if rows.held.by_parts:
        train, apart = (
            _part(rows, chosen[places], weights_of(places), preprocessing, target)
            for places in (parts.train, parts.validation)
        )
    else:
        whole = _part(rows, chosen, weights, preprocessing, target)
        train, apart = whole.picked(parts.train), whole.picked(parts.validation)
    validation = apart if len(apart) else None
    recipe = rows.held.recipe(learned, preprocessing, settings, train.features)
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
    learned = _learning_rows(rows, chosen, np.arange(len(chosen)), weights, target)
    preprocessing = rows.held.prepared(learned, settings, choices)
    part = _part(rows, chosen, weights, preprocessing, target)
    choose = rows.held.recipe(learned, preprocessing, settings, None)
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
        learned.trainer,
        part,
        model.preprocessing,
        model.target,
        settings,
        choices,
        rows_before=model.facts["rows"],
    )


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
    from pandas.util import hash_array

    # An odd factor loses nothing modulo 2**64 and keeps features and answer from canceling out.
    return rows.held.fingerprints() * np.uint64(0x9E3779B97F4A7C15) + hash_array(rows.answers)


def _learning_rows(
    rows: Rows, chosen: Array, train: Array, weights: Array | None, target: Target
) -> LearningRows:
    """Return the rows `chosen`, those at `train` among them to learn from, which weigh `weights`.

    `target`: fitted.
    """
    learned = chosen[train]
    answers = rows.answers[learned]
    encoded = np.asarray(target.encode(answers)) if target.is_number else answers
    return LearningRows(chosen, learned, answers, encoded, weights, target)


def _fitted(target: Target, answers: Array, weights: Array | None) -> Target:
    if target.is_number:
        return target.fit(answers, weights)
    return target.fit_codes(answers, weights)


def _part(
    rows: Rows, chosen: Array, weights: Array | None, preprocessing: Preprocessing, target: Target
) -> Part:
    answers = rows.answers[chosen]
    if rows.class_weights is not None:
        by_class = np.asarray(rows.class_weights, np.float64)[answers]
        weights = by_class if weights is None else weights * by_class
    encoded = target.encode(answers) if target.is_number else answers
    return Part(rows.held.encoded(chosen, preprocessing), encoded, weights)
