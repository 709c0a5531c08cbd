"""Rows in words. Knows positions only."""

from __future__ import annotations

from collections.abc import Sequence

from misstep.text.counts import counted
from misstep.text.lists import listed

MOST_NAMED = 5


def rows_words(count: int, positions: Sequence[int] = ()) -> str:
    """Return how many rows there are, and the first ones, of positions from 0.

    >>> rows_words(2), rows_words(2, [3, 17])
    ('2 rows', '2 rows: 3, 17 (counted from 0)')
    """
    words = counted(count, "row")
    if not positions:
        return words
    return f"{words}: {listed([str(row) for row in positions], MOST_NAMED)} (counted from 0)"
