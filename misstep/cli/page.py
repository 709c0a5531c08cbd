"""How words, tables and commands look: styled to the width of a terminal, plain in a pipe.

Colors only on a terminal, and none where NO_COLOR is set. Knows no command and no model.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from misstep.cli.output import output_error, silence
from misstep.exchange.launch import is_launched
from misstep.text.plain import printable

# Without a terminal there is no width to go by; this is what people's windows show.
WIDTH = 100
LABEL = 10
# Blanks between columns, and what is left of a column of words in a narrow window.
GAP = 2
SHORTEST = 8


def _is_terminal(stream: Any) -> bool:
    """Tell whether a person's terminal is behind a stream.

    A launcher of MPI puts one of its own before wherever its output goes.
    """
    return bool(stream.isatty()) and not is_launched()


class Page:
    """Words on their way to standard output, or to standard error where output is for a machine.

    `silent`: say nothing but what is said with `always`. `steady`: go on in silence where nobody
    can read it, as words beside a result do, until `settle`; else raise at once.
    """

    def __init__(
        self, *, to_error: bool = False, silent: bool = False, steady: bool = False
    ) -> None:
        self.stream = sys.stderr if to_error else sys.stdout
        self.silent = silent
        self.steady = steady or to_error
        self._failure: OSError | None = None
        fixed = not _is_terminal(self.stream) and "COLUMNS" not in os.environ
        self._console = self._make_console(WIDTH if fixed else None)

    def _make_console(self, width: int | None) -> Console:
        """Return a console of some width, by default that of the terminal."""
        plain = bool(os.environ.get("NO_COLOR")) or is_launched()
        return Console(
            file=self.stream,
            highlight=False,
            markup=False,
            emoji=False,
            color_system=None if plain else "auto",
            width=width,
        )

    @property
    def width(self) -> int:
        """Return how many letters a line holds."""
        return self._console.width

    def blank(self, *, always: bool = False) -> None:
        """Leave a line empty."""
        self._write("", always)

    def title(self, words: str, *, always: bool = False) -> None:
        """Say what comes next, after an empty line."""
        self._write("", always)
        self._write(_text(words, "bold"), always)

    def say(self, words: str, style: str = "", *, indent: int = 0, always: bool = False) -> None:
        """Say one paragraph, wrapped to the width."""
        self._write(Padding(_text(words, style), (0, 0, 0, indent)), always)

    def fact(self, label: str, words: str, reason: str = "", *, always: bool = False) -> None:
        """Say one thing beside its label, and the reason in a line of its own."""
        grid = Table.grid(padding=(0, GAP, 0, 0))
        grid.add_column(min_width=LABEL + 2, no_wrap=True, style="cyan")
        grid.add_column(overflow="fold")
        grid.add_row(_text(f"  {label}"), _text(words))
        if reason:
            grid.add_row("", _text(f"because {reason}", "dim"))
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
        rows = [[printable(cell) for cell in row] for row in rows]
        heads = [printable(head) for head in heads]
        count = max(len(row) for row in [*rows, heads])
        heads = [*heads, *[""] * (count - len(heads))]
        longest = [
            max([0, *(cell_len(row[at]) for row in rows if at < len(row))]) for at in range(count)
        ]
        # In a narrow window heads and words are broken, numbers are not.
        least = [
            max(longest[at], *map(cell_len, heads[at].split()), 0)
            if at in numbers
            else min(longest[at], SHORTEST)
            for at in range(count)
        ]
        fixed = indent + GAP * (count - 1)
        needed = fixed + sum(max(longest[at], cell_len(heads[at])) for at in range(count))
        narrow = needed > self._console.width
        grid = Table(
            box=None,
            pad_edge=False,
            show_header=any(heads),
            padding=(0, GAP, 0, 0),
            header_style="dim",
        )
        for at in range(count):
            right = at in numbers
            grid.add_column(
                _text(heads[at]),
                justify="right" if right else "left",
                width=least[at] if narrow and right else None,
                overflow="fold",
            )
        for row in rows:
            grid.add_row(*[_text(cell) for cell in row])
        # Where even that is too wide, the terminal breaks the lines; nothing is cut off.
        narrowest = fixed + sum(least)
        wider = self._make_console(narrowest) if narrowest > self._console.width else None
        self._write(Padding(grid, (0, 0, 0, indent)), always, wider)

    def lines(self, text: str, indent: int = 0, *, style: str = "", always: bool = False) -> None:
        """Say lines that are laid out already, as they are."""
        for line in text.split("\n"):
            self._write(_text(" " * indent + line, style), always, soft_wrap=True)

    def commands(self, lines: Sequence[str], *, always: bool = False) -> None:
        """Say commands to be copied: each on one line, however long."""
        for line in lines:
            self._write(_text(f"  {line}", "green"), always, soft_wrap=True)

    def _write(
        self, content: Any, always: bool, console: Console | None = None, **how: Any
    ) -> None:
        if (self.silent and not always) or self._failure is not None:
            return
        console = console or self._console
        with console.capture() as caught:
            console.print(content, **how)
        text = caught.get()
        if not self._console.is_terminal:
            # The cells of a table are filled up with blanks, which no file needs.
            text = "\n".join(line.rstrip() for line in text.split("\n"))
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError as error:
            self._failure = error
            if self.steady:
                silence(self.stream)
            else:
                self.settle()

    def settle(self, try_: str | None = None) -> None:
        """Raise what kept words from being read: BrokenPipeError, or StorageError with `try_`.

        That there never was a reader is no failure of a page that goes on all the same.
        """
        failure = self._failure
        if failure is None or (self.steady and failure.errno == errno.EBADF):
            return
        if isinstance(failure, BrokenPipeError):
            raise failure
        raise output_error(failure, self.stream, try_) from failure


def _text(words: str, style: str = "") -> Text:
    """Return words as all of a page is made of: nothing in them steers a terminal."""
    return Text(printable(words), style)
