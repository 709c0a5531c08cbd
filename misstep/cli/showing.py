"""How words, tables and commands look: styled to the width of a terminal, plain in a pipe.

Colors only on a terminal, and none where NO_COLOR is set. Knows no command and no model.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from misstep.cli.plain_text import printable

# Without a terminal there is no width to go by; this is what people's windows show.
WIDTH = 100
LABEL = 10


class Page:
    """Words on their way to standard output, or to standard error where output is for a machine.

    `silent`: say nothing but what is said with `always`.
    """

    def __init__(self, *, to_error: bool = False, silent: bool = False) -> None:
        self.stream = sys.stderr if to_error else sys.stdout
        self.silent = silent
        plain = bool(os.environ.get("NO_COLOR"))
        fixed = not self.stream.isatty() and "COLUMNS" not in os.environ
        self._console = Console(
            file=self.stream, highlight=False, markup=False, emoji=False,
            color_system=None if plain else "auto", width=WIDTH if fixed else None,
        )  # fmt: skip

    def blank(self, *, always: bool = False) -> None:
        """Leave a line empty."""
        self._write("", always)

    def title(self, words: str, *, always: bool = False) -> None:
        """Say what comes next, after an empty line."""
        self._write("", always)
        self._write(Text(printable(words), style="bold"), always)

    def say(self, words: str, style: str = "", *, indent: int = 0, always: bool = False) -> None:
        """Say one paragraph, wrapped to the width."""
        self._write(Padding(Text(printable(words), style=style), (0, 0, 0, indent)), always)

    def fact(self, label: str, words: str, because: str = "", *, always: bool = False) -> None:
        """Say one thing beside its label, and because of what in a line of its own."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(min_width=LABEL + 2, no_wrap=True, style="cyan")
        grid.add_column(overflow="fold")
        grid.add_row(Text(f"  {printable(label)}"), Text(printable(words)))
        if because:
            grid.add_row("", Text(f"because {printable(because)}", style="dim"))
        self._write(grid, always)

    def table(
        self,
        rows: Sequence[Sequence[str]],
        heads: Sequence[str] = (),
        numbers: Sequence[int] = (),
        *,
        indent: int = 2,
        always: bool = False,
    ) -> None:
        """Say a table; the columns `numbers` are aligned to the right, the last one may wrap."""
        width = max(len(row) for row in [*rows, heads])
        # A narrow column's cells are cut into the next line rather than lost.
        grid = Table(
            box=None, pad_edge=False, show_header=bool(heads), padding=(0, 2, 0, 0),
            header_style="dim",
        )  # fmt: skip
        for place in range(width):
            head = heads[place] if place < len(heads) else ""
            right = place in numbers
            grid.add_column(
                Text(" " * (0 if place else indent) + head),
                justify="right" if right else "left",
                no_wrap=right, overflow="fold",
            )  # fmt: skip
        for row in rows:
            cells = [printable(cell) for cell in row]
            grid.add_row(*[Text(" " * (0 if at else indent) + one) for at, one in enumerate(cells)])
        self._write(grid, always)

    def lines(self, text: str, indent: int = 0, *, always: bool = False) -> None:
        """Say lines that are laid out already, as they are."""
        for line in text.split("\n"):
            self._write(Text(" " * indent + printable(line)), always, soft_wrap=True)

    def commands(self, lines: Sequence[str], *, always: bool = False) -> None:
        """Say commands to be copied: each on one line, however long."""
        for line in lines:
            self._write(Text(f"  {printable(line)}", style="green"), always, soft_wrap=True)

    def _write(self, thing: Any, always: bool, **how: Any) -> None:
        if self.silent and not always:
            return
        with self._console.capture() as caught:
            self._console.print(thing, **how)
        text = caught.get()
        if not self._console.is_terminal:
            # The cells of a table are filled up with blanks, which no file needs.
            text = "\n".join(line.rstrip() for line in text.split("\n"))
        self.stream.write(text)
        self.stream.flush()


def shortened(words: str, most: int) -> str:
    """Return `words` in at most `most` letters."""
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def listed(words: Sequence[str], most: int = 12) -> str:
    """Return words joined by commas, the rest beyond `most` counted.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    if len(words) <= most:
        return ", ".join(words)
    return f"{', '.join(words[:most])} and {len(words) - most:,} more"


def counted(count: int, one: str, several: str | None = None) -> str:
    """Return a count with its noun.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {one if count == 1 else several or one + 's'}"
