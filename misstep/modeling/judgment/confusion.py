"""How often each class was taken for which other one.

Knows class numbers and their names; what a table of them looks like is not its business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.data import Target
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.modeling.held_out import HeldOut

__all__ = ["ConfusedPair", "Confusion", "confusion_of"]

OTHERS = "others"


@dataclass(frozen=True)
class ConfusedPair:
    """A class that was taken for another: how many rows, of how many that are of the first."""

    true: str
    predicted: str
    rows: int
    of: int


@dataclass(frozen=True)
class Confusion:
    """Rows counted by what they are and what was said of them.

    `classes`: what the classes are called, in their order. `counts`: (classes, classes), by true
    class (lines) and predicted class (columns). `left_out`: rows of which nothing finite was said.
    `others`: how many classes the last line and column stand for together, 0 where it is a class
    like the rest. On the diagonal of these stand rows taken for another one of them as well;
    `right_in_others` of them were predicted rightly.
    """

    classes: tuple[str, ...]
    counts: Array
    left_out: int = 0
    others: int = 0
    right_in_others: int = 0

    @property
    def rows(self) -> int:
        """Return how many rows were counted."""
        return int(self.counts.sum())

    @property
    def right(self) -> int:
        """Return how many rows were predicted rightly."""
        diagonal = np.diagonal(self.counts)
        if self.others:
            return int(diagonal[:-1].sum()) + self.right_in_others
        return int(diagonal.sum())

    @property
    def recall(self) -> Array:
        """Return the share of each class that was recognized, (classes,); NaN for one without rows.

        Of the line of others, the share that was recognized as their own class.
        """
        return _shares(self._right_by_class(), self.counts.sum(axis=1))

    @property
    def precision(self) -> Array:
        """Return which share of those said of a class is right, (classes,); NaN where none was."""
        return _shares(self._right_by_class(), self.counts.sum(axis=0))

    def pairs(self, most: int | None = None) -> list[ConfusedPair]:
        """Return the classes that were taken for another, the most rows first, at most `most`.

        Among equals, in the order of the classes.
        """
        wrong = self.counts.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[: np.count_nonzero(wrong)]
        totals = self.counts.sum(axis=1)
        found = []
        for place in order[:most]:
            true, predicted = (int(at) for at in np.unravel_index(place, wrong.shape))
            found.append(
                ConfusedPair(
                    self.classes[true],
                    self.classes[predicted],
                    int(wrong[true, predicted]),
                    int(totals[true]),
                )
            )
        return found

    def folded(self, most: int) -> Confusion:
        """Return the same with at most `most` lines: the classes that err most, and all others.

        The classes whose rows were wrong most often, or that were said wrongly most often, stay in
        their order; the rest are added up in a last line and column.
        """
        if most < 2:
            raise ArgumentError("the lines of a confusion", needed="2 or more", got=str(most))
        count = len(self.classes)
        if count <= most or self.others:
            return self
        diagonal = np.diagonal(self.counts)
        wrong = self.counts.sum(axis=0) + self.counts.sum(axis=1) - 2 * diagonal
        kept = np.sort(np.argsort(-wrong, kind="stable")[: most - 1])
        rest = np.setdiff1d(np.arange(count), kept)
        lines = np.concatenate([self.counts[kept], self.counts[rest].sum(axis=0)[None]])
        both = np.concatenate([lines[:, kept], lines[:, rest].sum(axis=1)[:, None]], axis=1)
        names = (*(self.classes[at] for at in kept), OTHERS)
        return Confusion(names, both, self.left_out, len(rest), int(diagonal[rest].sum()))

    def _right_by_class(self) -> Array:
        right = np.diagonal(self.counts).astype(np.float64)
        if self.others:
            right[-1] = self.right_in_others
        return right

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain JSON."""
        return {
            "classes": list(self.classes),
            "counts": self.counts.tolist(),
            "left_out": self.left_out,
        }


def confusion_of(held_out: HeldOut, target: Target) -> Confusion:
    """Return how often each class was taken for which other one.

    Raises ArgumentError where a number is predicted.
    """
    if target.is_number:
        raise ArgumentError("a confusion", needed="classes", got=f"{target.name}, a number")
    said = np.isfinite(held_out.outputs).all(axis=1)
    counts = confusion_counts(held_out.outputs[said], held_out.answers[said], len(target.classes))
    names = tuple(map(str, target.classes))
    return Confusion(names, counts, int((~said).sum()))


def confusion_counts(outputs: Array, answers: Array, classes: int) -> Array:
    """Return how many rows of each class were predicted as each, (classes, classes).

    outputs: probabilities, (rows, classes); answers: class numbers, (rows,).
    """
    places = answers.astype(np.int64) * classes + outputs.argmax(axis=1)
    return np.bincount(places, minlength=classes * classes).reshape(classes, classes)


def _shares(parts: Array, wholes: Array) -> Array:
    shares: Array = np.full(len(parts), np.nan)
    np.divide(parts, wholes, out=shares, where=wholes > 0)
    return shares
