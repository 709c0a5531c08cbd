"""Which rows must stay on one side of a split, and what is said about it.

Copies of a row belong together, and so do rows of the same person where somebody says so. Knows
traits and groups of rows, no kinds of data; `data/splitting.py` deals the groups out.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from misstep.data import Dataset
from misstep.data.copies import Copies, copies_among
from misstep.errors import DataError
from misstep.ir import Array
from misstep.modeling.decisions import Decisions
from misstep.text.counts import counted
from misstep.text.lists import and_so_on

# Of fewer different rows, or groups, each part would get one or two: no score could be had of them.
FEWEST_DIFFERENT_ROWS = 10
FEWEST_GROUPS = 3
# Twins by chance are worth a word where they are so many of the rows.
WORTH_A_WORD = 0.1
MOST_NAMED = 3


def copy_groups(
    rows: Dataset, without: Container[str], decisions: Decisions, apart: Sequence[str] = ()
) -> Array | None:
    """Return a group for each row, (rows,), the same for copies; None where none is to be kept.

    `without`: columns that say nothing about whether two rows are alike; `apart`: those of them
    that tell rows apart, which is said.
    """
    copies = copies_among(rows.traits(without))
    if not copies.rows:
        return None
    name = rows.sample_name
    said = _said(copies, len(rows), name, apart)
    few = copies.different < FEWEST_DIFFERENT_ROWS
    decisions.facts["copies"] = {
        "rows": copies.rows,
        "of": len(rows),
        "different": copies.different,
        "by_chance": copies.by_chance,
        "natural": copies.natural,
        "together": not copies.natural and not few,
    }
    if copies.natural:
        if copies.rows >= WORTH_A_WORD * len(rows):
            decisions.add(
                f"equal {name}s",
                "dealt as all others",
                f"{said}; with values so few, chance alone gives about {copies.by_chance:,.0f} "
                f"{name}s their like, and so it will new ones",
            )
        return None
    if few:
        decisions.add(
            "CAREFUL",
            f"there are only {copies.different} different {name}s",
            f"{said}: copies stand in all parts, and scores say nothing about other {name}s",
        )
        return None
    decisions.add(
        f"equal {name}s",
        "copies go to the same part",
        f"{said}; what was learned by heart must not be judged on",
    )
    return copies.groups


def _said(copies: Copies, rows: int, name: str, apart: Sequence[str]) -> str:
    near = copies.rows - copies.exact
    nearly = "" if not near else " or nearly so" if copies.exact else " nearly so"
    but = f" but for {and_so_on(list(apart), MOST_NAMED)}" if apart else ""
    return (
        f"{copies.rows:,} of {rows:,} {name}s stand more than once{nearly}{but} "
        f"({copies.different:,} different in all)"
    )


def repeated_in_test(
    train: Dataset, test: Dataset, together: Dataset, without: Container[str], decisions: Decisions
) -> list[str]:
    """Return a note where rows of the test are copies of rows to learn from.

    `together`: both, the rows of `train` first. `decisions` gets how many there are.
    """
    copies = copies_among(together.traits(without))
    if copies.natural or not copies.rows:
        return []
    known = np.unique(copies.groups[: len(train)])
    repeats = int(np.isin(copies.groups[len(train) :], known).sum())
    if not repeats:
        return []
    decisions.facts["repeated_in_test"] = {"rows": repeats, "of": len(test)}
    name = train.sample_name
    return [
        f"{repeats:,} of {counted(len(test), name)} to be judged on also "
        f"{'stands' if repeats == 1 else 'stand'} among those to learn from, equal or nearly so: "
        "on them the score says nothing"
    ]


def asked_groups(
    groups: Array, copies: Array | None, what: str, name: str, decisions: Decisions
) -> Array:
    """Return the groups that somebody asked for, (rows,), joined where copies stand in several.

    `what`: what tells groups apart; `name`: what a row is called. Raises DataError for too few.
    """
    own = np.unique(groups, return_inverse=True)[1].reshape(-1)
    count = int(own.max()) + 1
    if count < FEWEST_GROUPS:
        raise DataError(
            f"the groups in {what}",
            needed=f"at least {FEWEST_GROUPS} different ones, some for each part",
            got=str(count),
            try_="another column, with more of them",
        )
    joined = _joined(own, copies)
    left = int(joined.max()) + 1
    taken = "" if left == count else f"; those with copies of each other count as one, {left:,} so"
    sizes = np.bincount(own)
    most = counted(int(sizes.max()), name)
    each = f"{sizes.min():,} to {most}" if np.ptp(sizes) else most
    decisions.add(
        "groups",
        f"{name}s of the same {what} stay together",
        f"there are {count:,} of {each} each{taken}; a score must come from groups that "
        "training never saw",
    )
    return joined


def _joined(own: Array, copies: Array | None) -> Array:
    """Return groups so that copies are in one, as long as this leaves half of them."""
    if copies is None:
        return own
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first = int(own.max()) + 1
    size = first + int(copies.max()) + 1
    links = coo_array((np.ones(len(own)), (own, first + copies)), shape=(size, size))
    found = connected_components(links, directed=False)[1][own]
    joined: Array = np.unique(found, return_inverse=True)[1].reshape(-1)
    return joined if joined.max() + 1 >= max(FEWEST_GROUPS, first / 2) else own


def group_numbers(values: Any) -> Array:
    """Return a number for each row, the same for equal values, (rows,); a missing one is alone."""
    import pandas

    numbers = np.asarray(pandas.factorize(pandas.Series(values))[0], np.int64)
    missing = numbers < 0
    numbers[missing] = numbers.max(initial=-1) + 1 + np.arange(int(missing.sum()))
    return numbers
