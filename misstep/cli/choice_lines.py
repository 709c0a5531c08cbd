"""The choices of a training as they are made, each with its because; columns grouped.

A table with hundreds of columns must not print hundreds of lines. Knows choices, not their makers.
"""

from __future__ import annotations

from collections import Counter

from misstep.cli.option_words import in_options
from misstep.cli.page import Page
from misstep.data import Decision
from misstep.text.counts import counted
from misstep.text.lists import listed, shortened

# As many as fit a window beside all the rest.
MOST_COLUMNS = 12
MOST_LEFT_OUT = 6
LONGEST_NAME = 24

_COLUMN = "column "
_LEFT_OUT = "left out"


class ChoiceLines:
    """Hears of choices one by one and prints them; columns are held until the last of them."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._titled = False
        self._columns: list[Decision] = []

    def __call__(self, choice: Decision) -> None:
        """Print a choice, or hold it if it is about a column."""
        if not self._titled:
            self._page.title("Choices")
            self._titled = True
        if choice.what.startswith(_COLUMN):
            self._columns.append(choice)
            return
        self.flush()
        self._page.fact(choice.what, choice.choice, in_options(choice.reason))

    def flush(self) -> None:
        """Print the columns that were held."""
        columns, self._columns = self._columns, []
        if not columns:
            return
        used = [one for one in columns if one.choice != _LEFT_OUT]
        left_out = [one for one in columns if one.choice == _LEFT_OUT]
        kinds = _kinds(used)
        beside = f"; {len(left_out):,} left out" if left_out else ""
        self._page.fact("columns", f"{kinds}{beside}")
        shown, more = used[:MOST_COLUMNS], used[MOST_COLUMNS:]
        rows = [[_name(one), one.choice, one.reason] for one in shown]
        if more:
            rows.append([f"… and {counted(len(more), 'more column')}", "", f"({_kinds(more)})"])
        shown, more = left_out[:MOST_LEFT_OUT], left_out[MOST_LEFT_OUT:]
        rows += [[_name(one), _LEFT_OUT, one.reason] for one in shown]
        if more:
            names = listed([_name(one) for one in more])
            rows.append([f"… and {len(more):,} more", _LEFT_OUT, names])
        self._page.table(rows, indent=4)


def _name(choice: Decision) -> str:
    return shortened(choice.what.removeprefix(_COLUMN), LONGEST_NAME)


def _kinds(columns: list[Decision]) -> str:
    """Return how many there are of each kind, such as 5 numbers, 2 categories."""
    several = {"category": "categories"}
    return ", ".join(
        counted(count, kind, several.get(kind))
        for kind, count in Counter(one.choice for one in columns).items()
    )
