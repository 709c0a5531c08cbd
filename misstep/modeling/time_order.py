"""Whether the order of rows matters: are answers next to each other alike beyond chance?

Rows drawn at random to be judged on then stand between rows that were learned from, and a score on
them says little about what comes later: a random walk looks predictable. Asked of each order that
dates give, and of that of the file. Knows tables and answers, no networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data import Table
from misstep.data.series.times import find_times, has_parts_of_times

__all__ = ["TimeOrder", "order_that_matters"]

# Fewer rows show nothing, whatever their order.
FEWEST_ROWS = 30
# The correlation of neighbors in a random order is about normal with deviation 1/√n (Bartlett,
# 1946): 4 of them come by chance once in 30,000 tries.
DEVIATIONS = 4.0
# Weaker likeness, however certain, flatters a score but little. Less is asked of rows that some
# column orders in time than of rows of which nobody said that they have an order: many files are
# sorted by place or kind, and then neighbors are alike as well (house values of California: 0.87).
# A year or an hour without a date is in between.
LEAST_BY_DATE, LEAST_BY_PARTS, LEAST_IN_FILE = 0.3, 0.5, 0.9


@dataclass(frozen=True)
class TimeOrder:
    """An order in which answers next to each other are alike.

    `by`: the column of dates, or "" for the order of the file. `likeness`: the correlation of ranks
    of numbers next to each other, or how much more often classes next to each other are the same
    than in a random order, from 0 to 1. `chance`: what chance alone rarely exceeds. `numbers`:
    whether answers are numbers. `by_chance`: how often classes would be the same then.
    """

    by: str
    likeness: float
    chance: float
    numbers: bool
    by_chance: float = 0.0

    @property
    def words(self) -> str:
        """Return what was found."""
        order = f"in the order of {self.by}" if self.by else "in the order of the file"
        if self.numbers:
            return (
                f"{order}, answers next to each other are alike (correlation {self.likeness:.2f}, "
                f"where chance alone stays below {self.chance:.2f})"
            )
        same = self.by_chance + self.likeness * (1 - self.by_chance)
        return (
            f"{order}, {same:.0%} of the answers are the same as the one before "
            f"({self.by_chance:.0%} would be by chance)"
        )

    @property
    def warning(self) -> str:
        """Return what that means for a score on rows drawn at random, and what to do."""
        start = self.words[0].upper() + self.words[1:]
        doubt = "" if self.by else "If rows follow each other in time, "
        means = (
            "the score says little about what comes later, since rows drawn at random lie "
            "between rows that were learned from"
        )
        means = f"{doubt}{means}" if doubt else means[0].upper() + means[1:]
        todo = "--task forecast takes them as a series" if self.numbers else ""
        rest = "--test with a file of later rows judges on what comes later"
        return f"{start}. {means}: {todo + '; ' if todo else ''}{rest}."


def order_that_matters(
    table: Table,
    target: str,
    rows: NDArray[np.integer[Any]],
    answers: NDArray[Any],
    *,
    numbers: bool,
    in_file: bool = True,
) -> TimeOrder | None:
    """Return the order in which neighbors are most alike, or None where no order matters.

    rows: row numbers of `table`, (examples,), that have an answer, in the order of the file;
    answers: of each of them, (examples,), class numbers unless they are `numbers`. `in_file`:
    whether the order of `rows` is one that may matter.
    """
    if len(rows) < FEWEST_ROWS or len(np.unique(answers)) < 2:
        return None
    chance = float(DEVIATIONS / np.sqrt(len(rows)))
    same = 0.0 if numbers else _same_by_chance(answers)
    found = []
    orders = [(times.column, times.dates) for times in find_times(table, target)]
    if table.moments is not None:
        orders.append(("the dates in the index", table.moments))
    for column, dates in orders:
        order = np.argsort(dates[rows], kind="stable")
        likeness = _likeness(answers[order], numbers=numbers)
        if likeness >= max(chance, LEAST_BY_DATE):
            found.append(TimeOrder(column, likeness, chance, numbers, same))
    if found or not in_file:
        return max(found, key=lambda order: order.likeness, default=None)
    likeness = _likeness(answers, numbers=numbers)
    least = LEAST_BY_PARTS if has_parts_of_times(table, target) else LEAST_IN_FILE
    if likeness >= max(chance, least) and not _sorted_by_answer(answers, numbers=numbers):
        return TimeOrder("", likeness, chance, numbers, same)
    return None


def _likeness(answers: NDArray[Any], *, numbers: bool) -> float:
    """Return how much answers resemble the one before, from 0 as by chance to 1."""
    if numbers:
        # By rank, so that a few large values do not hide it.
        _, places, counts = np.unique(answers, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
        around = ranks - ranks.mean()
        whole = float(around @ around)
        return float(around[1:] @ around[:-1]) / whole if whole else 0.0
    by_chance = _same_by_chance(answers)
    same = float((answers[1:] == answers[:-1]).mean())
    return (same - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0


def _same_by_chance(answers: NDArray[Any]) -> float:
    shares = np.unique(answers, return_counts=True)[1] / len(answers)
    return float((shares**2).sum())


def _sorted_by_answer(answers: NDArray[Any], *, numbers: bool) -> bool:
    """Tell whether the file is sorted by the very answers, as lists of kinds often are."""
    between = np.diff(answers.astype(np.float64))
    if numbers:
        return bool((between >= 0).all() or (between <= 0).all())
    return int((between != 0).sum()) + 1 <= 2 * len(np.unique(answers))
