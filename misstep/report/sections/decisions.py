"""What was chosen for a person, each choice with its reason; those about columns in one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from misstep.data import Decision
from misstep.report.markup import Markup, folded, joined, table, tag
from misstep.report.material import Material
from misstep.report.section import Section
from misstep.text.counts import counted

# How choices about columns are called, and one that is not used.
COLUMN, LEFT_OUT = "column ", "left out"
# Columns that have a line of their own; a table may have thousands.
MOST_COLUMNS = 300
# The plurals that are not just one letter longer.
SEVERAL = {"category": "categories"}


class Decisions(Section):
    """Choices and their because."""

    slug: ClassVar[str] = "decisions"
    title: ClassVar[str] = "What was chosen, and why"
    place: ClassVar[int] = 5

    def content(self, material: Material) -> Markup | None:
        """Return a table of the choices; None where none are known."""
        columns = [one for one in material.decisions if one.what.startswith(COLUMN)]
        others = [one for one in material.decisions if not one.what.startswith(COLUMN)]
        if not others and not columns:
            return None
        rows = [
            (tag("th", one.what, scope="row"), tag("td", one.choice), tag("td", one.reason))
            for one in others
        ]
        chosen = tag(
            "table",
            tag("caption", "Choices and their reasons", class_="hidden"),
            tag("thead", tag("tr", *(_head(one) for one in ("about", "choice", "because")))),
            tag("tbody", *(tag("tr", *row) for row in rows)),
            class_="choices",
        )
        return joined([chosen if rows else None, _columns(columns) if columns else None])


def _head(words: str) -> Markup:
    return tag("th", words, scope="col")


def _columns(columns: Sequence[Decision]) -> Markup:
    kinds = Counter(one.choice for one in columns)
    words = ", ".join(
        f"{count:,} {LEFT_OUT}" if kind == LEFT_OUT else counted(count, kind, SEVERAL.get(kind))
        for kind, count in kinds.items()
    )
    shown = columns[:MOST_COLUMNS]
    rows = [(one.what.removeprefix(COLUMN), one.choice, one.reason) for one in shown]
    if len(columns) > len(shown):
        more = counted(len(columns) - len(shown), "more column")
        rows.append((f"… and {more}", "", ""))
    heads = ("column", "taken as", "because")
    return folded(f"Columns: {words}", table(heads, rows, caption="What each column was taken as"))
