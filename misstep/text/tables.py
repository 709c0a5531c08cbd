"""Rows laid out as lines of text: columns that stand below each other, paragraphs, labeled lists.

For a page that is as wide as a file; `cli/page.py` lays out for a window of any width.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from textwrap import fill

__all__ = ["WIDTH", "in_columns", "in_lines", "wrapped"]

# What a window of a terminal shows, as for the source of this project.
WIDTH = 100
_GAP = "  "


def in_columns(
    rows: Sequence[Sequence[str]],
    heads: Sequence[str] = (),
    right: Collection[int] = (),
    indent: int = 2,
) -> str:
    """Return rows as lines of aligned columns; those numbered in `right` end at one place.

    >>> print(in_columns([["iris", "12"], ["rose", "3"]], ["flower", "rows"], right=[1], indent=0))
    flower  rows
    iris      12
    rose       3
    """
    table = [heads, *rows] if heads else rows
    count = max(map(len, table), default=0)
    wide = [max(len(row[at]) for row in table if at < len(row)) for at in range(count)]
    lines = []
    for row in table:
        cells = [
            cell.rjust(wide[at]) if at in right else cell.ljust(wide[at])
            for at, cell in enumerate(row)
        ]
        lines.append((" " * indent + _GAP.join(cells)).rstrip())
    return "\n".join(lines)


def wrapped(words: str, indent: int) -> str:
    """Return a paragraph in lines of at most WIDTH."""
    blank = " " * indent
    return fill(words, WIDTH, initial_indent=blank, subsequent_indent=blank)


def in_lines(parts: Sequence[str], label: str, indent: int) -> str:
    """Return `parts`, separated by semicolons, in lines of at most WIDTH behind a label.

    >>> in_lines(["a by b", "c by d"], "reads ", 2)
    '  reads a by b; c by d'
    """
    lines = []
    line = " " * indent + label
    start = len(line)
    for place, part in enumerate(parts):
        more = part + (";" if place + 1 < len(parts) else "")
        if len(line) > start and len(line) + 1 + len(more) > WIDTH:
            lines.append(line)
            line = " " * start
        line += (" " if len(line) > start else "") + more
    return "\n".join([*lines, line])
