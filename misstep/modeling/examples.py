"""`Examples`: rows with their answers, in the order in which they are learned; weights as copies.

What is learned from rows that somebody holds, perhaps weighted, depends on which rows there are and
what they weigh, not on their order: a row of weight 2 is that row twice, a row of weight 0 is not
there. Knows arrays, not kinds of data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from misstep.data import Dataset, Preprocessing, Rows, Target
from misstep.data.weights import checked_weights
from misstep.errors import DataError
from misstep.ir import Array
from misstep.nn.losses import Loss

# Whole weights are taken as copies as long as these make at most so many rows, or twice those
# given; beyond that, memory would pay for what weights in the loss do as well.
MOST_COPIES = 100_000


@dataclass(frozen=True)
class Examples:
    """Rows of `data` with their answers.

    `order`: row numbers of those that take part, (examples,), with repeats. `answers`: of each of
    them, (examples,) or (examples, outputs): class numbers, or numbers as the target encodes them.
    `target`: recognized, not yet fitted. `weights`: (examples,) or None. `class_weights`: one for
    each class, or None. `context`: the rows by which columns are recognized. `groups`: (examples,)
    which of them belong together, or None. `validation`: others that training is judged by, where
    somebody brought them.
    """

    data: Dataset
    order: Array
    answers: Any
    target: Target
    weights: Array | None = None
    class_weights: Sequence[float] | None = None
    context: Dataset | None = None
    groups: Any = None
    validation: Examples | None = None

    def __len__(self) -> int:
        return len(self.order)

    def take(self, indices: Array) -> Examples:
        """Return the examples at `indices`, in their order, with their rows alone."""
        weights = None if self.weights is None else self.weights[indices]
        data = self.data.take(self.order[indices])
        order = np.arange(len(indices))
        groups = None if self.groups is None else pick(self.groups, indices)
        answers = pick(self.answers, indices)
        return replace(
            self,
            data=data,
            order=order,
            answers=answers,
            weights=weights,
            groups=groups,
            validation=None,
        )

    @property
    def classes(self) -> Array | None:
        """Return the class numbers, (examples,), or None for numbers and for several labels."""
        if self.target.is_number or self.target.is_joint:
            return None
        return np.asarray(self.answers)


def answered(
    data: Dataset, labels: Any, target: Target, notes: list[str] | None = None
) -> tuple[Array, Any]:
    """Return which rows of `data` have an answer, and those answers as `Examples` hold them.

    `labels`: of all rows, (rows,). `notes` gets what was noticed of answers that had to be matched.
    """
    order = np.flatnonzero(np.asarray(target.present(labels)))
    answers = pick(labels, order)
    if target.is_number:
        return order, answers
    codes, noticed = target.encode_with_notes(answers)
    if notes is not None:
        notes += [note for note in noticed if note not in notes]
    return order, np.asarray(codes)


def pick(values: Any, indices: Array) -> Any:
    """Return the entries of an array or a column of a frame at `indices`."""
    return values.iloc[indices] if hasattr(values, "iloc") else np.asarray(values)[indices]


def weighted_examples(
    data: Dataset,
    answers: Array,
    target: Target,
    weights: object = None,
    class_weights: Sequence[float] | None = None,
    groups: Array | None = None,
) -> Examples:
    """Return the rows of `data` as examples, in an order that depends on their contents only.

    `answers`: class numbers, or numbers in their own unit, (rows,). `weights`: (rows,) or None.
    `groups`: (rows,), or None.
    Raises DataError for unfit weights.
    """
    order, shares = settle(data, answers, weights)
    context = data.take(np.unique(order))
    own = None if groups is None else groups[order]
    return Examples(data, order, answers[order], target, shares, class_weights, context, own)


def settle(data: Dataset, answers: Array, weights: object) -> tuple[Array, Array | None]:
    """Return row numbers in an order that depends on contents only, and what each weighs, or None.

    Rows of whole weights stand there so often; those of weight 0 never do. Raises DataError for
    unfit weights.
    """
    from pandas.util import hash_array

    shares = np.ones(len(answers))
    if weights is not None:
        shares = checked_weights(weights, len(answers))
    shares = shares if _whole(shares) else shares / shares.max()
    copies = shares.astype(np.int64) if _whole(shares) else (shares > 0).astype(np.int64)
    # An odd factor loses nothing modulo 2**64 and keeps features and answer from canceling out.
    contents = data.fingerprints()
    for column in [answers] if answers.ndim == 1 else answers.T.copy():
        contents = contents * np.uint64(0x9E3779B97F4A7C15) + hash_array(column)
    order = np.lexsort((shares, contents))
    chosen = np.repeat(order, copies[order])
    left = shares[chosen]
    return chosen, None if _whole(shares) or (left == left[0]).all() else left


def _whole(weights: Array) -> bool:
    """Tell whether weights are numbers of copies, few enough to be taken as such."""
    most = max(MOST_COPIES, 2 * len(weights))
    # The largest first: a sum of huge ones would overflow.
    few = weights.max() <= most and weights.sum() <= most
    return bool(few and (weights == np.floor(weights)).all())


def fitted_target(examples: Examples) -> Target:
    """Return the target with mean and deviation, or the rarer class, of the examples."""
    target = examples.target
    if target.is_number or target.is_joint:
        return target.fit(examples.answers, examples.weights)
    return target.fit_codes(np.asarray(examples.answers), examples.weights)


def encoded_answers(examples: Examples, target: Target) -> Array:
    """Return the answers as a network learns them, (examples,); `target`: fitted."""
    answers = examples.answers
    return np.asarray(target.encode(answers) if target.is_number or target.is_joint else answers)


def encoded_rows(
    examples: Examples, preprocessing: Preprocessing, target: Target
) -> tuple[Rows, list[str]]:
    """Return the examples as a network takes them, and notes on them; `target`: fitted."""
    features, notes = preprocessing.encode(examples.data, target.name)
    answers = encoded_answers(examples, target)
    return Rows(features, answers, weights_with_classes(examples)), notes


def weights_with_classes(examples: Examples) -> Array | None:
    """Return what each example weighs in the loss, (examples,); None where all weigh the same."""
    if examples.class_weights is None:
        return examples.weights
    by_class = np.asarray(examples.class_weights, np.float64)[np.asarray(examples.answers)]
    return by_class if examples.weights is None else examples.weights * by_class


def in_portions(rows: Rows) -> Rows:
    """Return the rows with those that weigh more than the mean dealt in several equal portions.

    The loss of a batch is divided by what the batch weighs, so that one heavy row would drown in
    its batch whatever it weighs, and light rows that meet no heavy one would count too much. In
    portions of at most the mean weight all batches weigh about the same. At most twice the rows;
    rows without weight are left out.
    """
    if rows.weights is None:
        return rows
    if not rows.weights.any():
        raise DataError(
            "the rows to learn from",
            needed="one that weighs more than 0",
            got="none",
            try_="other weights of rows or classes",
        )
    shares = rows.weights / rows.weights.mean()
    # The tolerance keeps a row of exactly the mean weight in one piece.
    portions = np.ceil(shares * (1 - 1e-9)).astype(np.int64)
    indices = np.repeat(np.arange(len(rows)), portions)
    weights = shares[indices] / portions[indices]
    even = bool(np.ptp(weights) <= 1e-9 * weights.max())
    return replace(rows.take(indices), weights=None if even else weights)


def rows_for(loss: Loss, rows: Rows) -> tuple[Array, Array, Array | None]:
    """Return x, y in the shape and dtype of `loss`, and weights, as a Trainer takes them."""
    if loss.target_dtype == "int":
        return rows.x, rows.y.reshape(-1).astype("int64", copy=False), rows.weights
    return rows.x, rows.y.reshape(len(rows), -1).astype("float32", copy=False), rows.weights
