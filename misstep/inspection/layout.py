"""Numbers and tables as people read them: aligned columns, figures with their unit.

Knows texts and numbers only. `report.py` writes its reports with it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from textwrap import fill

__all__ = [
    "WIDTH",
    "bytes_in_words",
    "counted",
    "figure",
    "in_columns",
    "in_lines",
    "percent",
    "shape_in_words",
    "shortened",
    "wrapped",
]

# What a window of a terminal shows, as for the source of this project.
WIDTH = 100
_GAP = "  "
_LARGE = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"))
_BYTES = ((1e9, " GB"), (1e6, " MB"), (1e3, " kB"))


def figure(number: float) -> str:
    """Return a number with three figures, whole ones with all of theirs.

    >>> figure(0.12345), figure(23.456), figure(12345.6), figure(0)
    ('0.123', '23.5', '12,346', '0')
    """
    if number == 0:
        return "0"
    size = abs(number)
    return (
        f"{number:.{2 if size >= 1 else 3}f}"
        if size < 10
        else (f"{number:.1f}" if size < 100 else f"{number:,.0f}")
    )


def counted(number: float) -> str:
    """Return a large number in thousands, millions …

    >>> counted(999), counted(25_690_112), counted(32768)
    ('999', '25.7 M', '32.8 k')
    """
    return _in_units(number, _LARGE, "")


def bytes_in_words(number: float) -> str:
    """Return a number of bytes in the unit that fits.

    >>> bytes_in_words(512), bytes_in_words(401408)
    ('512 B', '401 kB')
    """
    return _in_units(number, _BYTES, " B")


def _in_units(number: float, units: Sequence[tuple[float, str]], small: str) -> str:
    for size, unit in units:
        # So that 999,999 is 1.00 M and not 1,000 k.
        if number >= 0.9995 * size:
            return figure(number / size) + unit
    return f"{number:.0f}{small}"


def percent(share: float) -> str:
    """Return a share of 1 as people write it.

    >>> percent(0.0123), percent(0.5)
    ('1.2%', '50.0%')
    """
    return f"{100 * share:.1f}%"


def shape_in_words(shape: Sequence[int]) -> str:
    """Return lengths with a sign between them.

    >>> shape_in_words((128, 10)), shape_in_words(())
    ('128 × 10', 'one number')
    """
    return " × ".join(map(str, shape)) if shape else "one number"


def shortened(words: str, most: int) -> str:
    """Return `words` in at most `most` letters."""
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def in_columns(
    rows: Sequence[Sequence[str]],
    heads: Sequence[str] = (),
    right: Collection[int] = (),
    indent: int = 2,
) -> str:
    """Return rows as lines of aligned columns; those numbered in `right` end at one place."""
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
    """Return `parts`, separated by semicolons, in lines of at most WIDTH behind a label."""
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
