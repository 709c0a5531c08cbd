"""The choices of a training as they are made, each with its because; columns grouped.

A table with hundreds of columns must not print hundreds of lines. Knows choices, not their makers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

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


class DecisionLines:
    """Prints decisions as they come; those about columns as one table.

    `every`: whether each column is shown, however many there are.
    """

    def __init__(self, page: Page, *, every: bool = False) -> None:
        self._page = page
        self._every = every
        self._titled = False

    def show(self, decisions: Sequence[Decision]) -> None:
        """Print decisions, columns that follow each other together."""
        if decisions and not self._titled:
            self._page.title("Choices")
            self._titled = True
        for about_columns, group in groupby(decisions, lambda each: each.what.startswith(_COLUMN)):
            if about_columns:
                self._show_columns(list(group))
                continue
            for decision in group:
                self._page.fact(decision.what, decision.choice, in_options(decision.reason))

    def _show_columns(self, columns: list[Decision]) -> None:
        used = [each for each in columns if each.choice != _LEFT_OUT]
        left_out = [each for each in columns if each.choice == _LEFT_OUT]
        types = _counted_types(used)
        beside = f"; {len(left_out):,} left out" if left_out else ""
        self._page.fact("columns", f"{types}{beside}")
        most = len(used) if self._every else MOST_COLUMNS
        shown, more = used[:most], used[most:]
        rows = [[_name(each), each.choice, each.reason] for each in shown]
        if more:
            hint = f"({_counted_types(more)}; --all-choices shows them)"
            rows.append([f"… and {counted(len(more), 'more column')}", "", hint])
        most = len(left_out) if self._every else MOST_LEFT_OUT
        shown, more = left_out[:most], left_out[most:]
        rows += [[_name(each), _LEFT_OUT, each.reason] for each in shown]
        if more:
            names = listed([_name(each) for each in more])
            rows.append([f"… and {len(more):,} more", _LEFT_OUT, names])
        self._page.table(rows, indent=4)


def _name(choice: Decision) -> str:
    return shortened(choice.what.removeprefix(_COLUMN), LONGEST_NAME)


def _counted_types(columns: list[Decision]) -> str:
    """Return how many there are of each kind, such as 5 numbers, 2 categories."""
    several = {"category": "categories"}
    return ", ".join(
        counted(count, kind, several.get(kind))
        for kind, count in Counter(one.choice for one in columns).items()
    )
