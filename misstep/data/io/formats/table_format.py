"""What a kind of file is that holds tables which are not text with delimiters.

A `TableFormat` is known by being written, in any file of this folder. It gives a table in the words
in which a CSV file would hold it, so that whatever is decided about columns is decided alike. Knows
bytes and words, not what columns mean.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from misstep.errors import DataError
from misstep.text.counts import counted

__all__ = ["PART", "Content", "TableFormat", "WordTable"]

# Between a file and which of its tables is meant.
PART = "::"


@dataclass
class WordTable:
    """A table in words: `names` (columns,) and `columns`, (rows,) words each; "" where none is.

    `notes`: what was noticed while reading.
    """

    names: list[str]
    columns: list[Sequence[str]]
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls, names: Sequence[str], columns: Sequence[Sequence[str]], name: str, notes: list[str]
    ) -> WordTable:
        """Return a table as a text file would give it.

        Columns without a name get one, rows at the end without any value are left out. Raises
        DataError: no column, no row, a name that stands twice.
        """
        names, notes = [title.strip() for title in names], list(notes)
        if not names:
            raise DataError(name, needed="at least one column", got="none")
        unnamed = []
        for place, title in enumerate(names):
            if not title:
                names[place] = f"column_{place + 1}"
                while names.count(names[place]) > 1:
                    names[place] += "_"
                unnamed.append(names[place])
        if unnamed:
            notes.append(f"columns without a name are called {', '.join(unnamed)}")
        doubled = next((title for title, count in Counter(names).items() if count > 1), None)
        if doubled is not None:
            numbers = [str(at + 1) for at, title in enumerate(names) if title == doubled]
            raise DataError(
                f"the columns of {name}",
                needed="a different name for each column",
                got=f"{doubled!r} at columns {' and '.join(numbers)}",
                try_="renaming one of them",
            )
        rows = len(columns[0])
        kept = rows
        while kept > 1 and not any(column[kept - 1].strip() for column in columns):
            kept -= 1
        if kept < rows:
            notes.append(f"left out at the end: {counted(rows - kept, 'row')} without any value")
            columns = [column[:kept] for column in columns]
        if not rows:
            raise DataError(
                name, needed="at least one row", got=f"{counted(len(names), 'column')} and no rows"
            )
        return cls(names, list(columns), notes)


@dataclass(frozen=True)
class Content:
    """A file that holds tables: where it lies, what it is called, what is in it.

    `unpacked`: the bytes that were packed in it; None: it isn't packed. `part`: which of its tables
    is asked for; "": none in particular.
    """

    path: Path
    name: str
    part: str = ""
    unpacked: bytes | None = None

    @property
    def size(self) -> int:
        """How many bytes there are, unpacked."""
        return self.path.stat().st_size if self.unpacked is None else len(self.unpacked)

    def refuse_part(self, what: str) -> None:
        """Raise DataError where a table was asked for of a kind of file that holds just one."""
        if self.part:
            raise DataError(
                f"{self.name}{PART}{self.part}",
                needed=f"{what} alone, which holds one table",
                got=f"a table {self.part!r} of it",
                try_=self.name,
            )


class TableFormat(ABC):
    """One kind of file. `endings`: of its names, in lower case; `magics`: first bytes, if any."""

    registry: ClassVar[list[TableFormat]] = []
    endings: ClassVar[tuple[str, ...]]
    magics: ClassVar[tuple[bytes, ...]] = ()
    called: ClassVar[str]

    def __init_subclass__(cls) -> None:
        TableFormat.registry.append(cls())

    @abstractmethod
    def read(self, content: Content) -> WordTable:
        """Return the table in a file. Raises StorageError, FileFormatError or DataError."""
