"""Tables in files that do not fit into memory: a sample that does, drawn from all of their rows.

One pass counts the rows and draws the sample by row number, always the same for a file and a size.
What is decided on all cells of a column at once (its kind, how its numbers are written, its
categories) is then decided on the sample; `prepared_tables.py` brings all rows to a network. So
that few words are not missed by chance, the first row with each word of a column of few different
words is in the sample. Knows records and words, not what they mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.io.delimited_files import (
    ENCODINGS,
    DelimitedFile,
    Layout,
    Noticed,
    OtherEncodingError,
)
from misstep.data.io.files import MOST_BYTES, existing_path
from misstep.data.io.packed import PACKED_ENDINGS
from misstep.data.preparation import Preparation, key_of, marks_of
from misstep.data.table.table import Table, table_of_words
from misstep.errors import DataError, FileFormatError, MisstepError
from misstep.storage import PreparedFiles
from misstep.text.units import bytes_in_words

__all__ = ["CHUNK", "MEMORY_OF_TABLE", "WholeTable", "sampled_table"]

# What a table takes in memory while it is read and brought to a network, as a multiple of the bytes
# of its file: measured on columns of numbers of six digits, whose words take 50 bytes each.
MEMORY_OF_TABLE = 24
# A packed table becomes about so many times larger.
UNPACKED = 5
# Bytes of rows in a sample, at most; of less memory, what half of it bears.
SAMPLE = 2**26
LEAST_SAMPLE = 2**16
# Bytes of records that are worked on together, at most.
CHUNK = 2**22
LEAST_CHUNK = 2**14
# A column of at most so many different words has a row with each of them in the sample.
FEW_WORDS = 1000
# Of such rows there are at most so many bytes, as a share of those of the sample.
SHARE_OF_FIRSTS = 0.25
# What the numbers of rows are mixed with to draw them; any fixed one does.
DRAWN_BY = np.uint64(20_261_130)
MOST_MIXED = 2**64 - 1
SAMPLE_FOLDER = "sample"
# Rows of a sample that are written together.
TOGETHER = 2**14


@dataclass(frozen=True)
class WholeTable:
    """A file of which a table is a sample.

    `rows`: that it has in all; `because`: why it is not in memory; `marks`: tell whether it was
    changed; `border`: rows whose mixed number is no larger were drawn by chance; `preparation`:
    where its rows are prepared.
    """

    file: DelimitedFile
    rows: int
    because: str
    marks: str
    border: int
    preparation: Preparation

    def are_drawn_by_chance(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which rows of the sample were, (rows,); others have a word that came first there.

        `numbers`: of rows in the file, from 1, (rows,). Only rows drawn by chance tell how good
        answers are: words that are rare are more frequent among the others.
        """
        return np.asarray(
            _mixed(numbers.astype(np.uint64) - np.uint64(1)) <= np.uint64(self.border)
        )

    @property
    def folder(self) -> Path:
        """Return where its rows are prepared."""
        return self.preparation.folder

    @property
    def chunk(self) -> int:
        """Return how many bytes of records are worked on together."""
        return _chunk(self.preparation.budget)


def sampled_table(source: str, preparation: Preparation) -> Table | None:
    """Return a sample of a table in a file; None where all of it fits into memory.

    Raises StorageError, FileFormatError or DataError.
    """
    path = existing_path(source)
    key = key_of(kind="sample of a table", file=marks_of(path, start=path.parent))
    inner = replace(preparation, folder=preparation.folder / SAMPLE_FOLDER)
    there = inner.is_there
    because = _because(path, preparation)
    if because is None and not there:
        return None
    with inner.files(key) as files:
        if _arrays(files)[1] is None:
            if because is None:
                return None
            _draw(path, preparation, files, because)
        elif files.reused:
            because = str(files.facts.get("because", ""))
        return _table(path, preparation, files)


def _because(path: Path, preparation: Preparation) -> str | None:
    size = path.stat().st_size * (UNPACKED if path.suffix.lower() in PACKED_ENDINGS else 1)
    because = preparation.because(MEMORY_OF_TABLE * size)
    if because is None and size > MOST_BYTES:
        most = bytes_in_words(MOST_BYTES)
        return f"tables of more than {most} are read some rows after the others"
    return because


def _chunk(budget: int | None) -> int:
    if budget is None:
        return CHUNK
    return int(np.clip(budget // (4 * MEMORY_OF_TABLE), LEAST_CHUNK, CHUNK))


def _size_of_sample(budget: int | None) -> int:
    if budget is None:
        return SAMPLE
    return int(np.clip(budget // (2 * MEMORY_OF_TABLE), LEAST_SAMPLE, SAMPLE))


def _draw(path: Path, preparation: Preparation, files: PreparedFiles, because: str) -> None:
    """Go through a file once and keep a sample of its rows in `files`."""
    budget = preparation.budget
    file, drawn, noticed = _gone_through(path, preparation, budget)
    numbers, records = drawn.chosen()
    if not numbers:
        raise DataError(str(path), needed="a header and at least one row", got="no rows")
    size = drawn.size
    files.facts = {
        "layout": file.layout.plain(),
        "rows": drawn.rows,
        "because": because,
        "notes": [*file.notes, *noticed.notes()],
        "size": size,
        "border": drawn.border,
    }
    # A process may have ended here before; of the same size, it drew the same.
    with files.writer(f"cells_{size}", "uint8", ()) as writer:
        for start in range(writer.pieces * TOGETHER, len(records), TOGETHER):
            text = "\0".join([*records[start : start + TOGETHER], ""])
            writer.add(np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8))
        writer.finish()
    with files.writer(f"numbers_{size}", "int64", ()) as writer:
        if not writer.pieces:
            writer.add(np.asarray(numbers, np.int64))
        writer.finish()


def _arrays(files: PreparedFiles) -> tuple[Any, Any]:
    """Return the cells and the numbers of rows that were drawn; None: they are not there."""
    size = files.facts.get("size")
    if type(size) is not int or size < 0:
        return None, None
    return files.array(f"cells_{size}"), files.array(f"numbers_{size}")


def _gone_through(
    path: Path, preparation: Preparation, budget: int | None
) -> tuple[DelimitedFile, _Drawn, Noticed]:
    """Return a file in the first way in which all of it can be read, and what was drawn."""
    encodings, quotes = ["", *ENCODINGS[1:]], True
    problem: MisstepError | None = None
    while True:
        try:
            file = DelimitedFile.of(path, path.name, encodings[0], quotes)
            drawn, noticed = _Drawn(_size_of_sample(budget)), Noticed()
            size = path.stat().st_size
            unit, bytes_each = ("MB", 10**6) if size >= 10**7 else ("kB", 10**3)
            for piece in file.pieces(_chunk(budget), noticed):
                drawn.add(piece.start, piece.records)
                packed = path.suffix.lower() in PACKED_ENDINGS
                done = piece.place if packed else min(piece.place, size)
                preparation.tell(
                    done // bytes_each,
                    max(size, done) // bytes_each,
                    f"{unit} of {path.name}, looked through",
                )
        except OtherEncodingError:
            encodings.pop(0)
            continue
        except DataError as error:
            # Quotes that are not balanced are characters like others, if that goes on better.
            told = f"{error.needed} {error.got}"
            if not quotes or ('"' not in told and "field" not in told):
                raise problem or error from None
            problem, quotes = error, False
            continue
        return file, drawn, noticed


class _Drawn:
    """Rows drawn from a file as it goes by: about half of `size` bytes of them, or more."""

    def __init__(self, size: int) -> None:
        self.rows = 0
        self.size = size
        self._bytes = 0
        # A row is drawn whose mixed number is no larger.
        self.border = MOST_MIXED
        self._kept: dict[int, str] = {}
        # Of each column that has few words, the row where each came first; None: it has many.
        self._firsts: list[dict[str, int] | None] = []
        self._first_records: dict[int, str] = {}
        self._most_words = FEW_WORDS

    def add(self, start: int, records: Sequence[Sequence[str]]) -> None:
        """Draw from the next rows; `start`: how many there were before."""
        count = len(records)
        self.rows += count
        mixed = _mixed(np.arange(start, start + count, dtype=np.uint64))
        for at in np.flatnonzero(mixed <= np.uint64(self.border)).tolist():
            record = "\0".join(records[at])
            self._kept[start + at] = record
            self._bytes += len(record) + 1
        while self._bytes > self.size and len(self._kept) > 1:
            self.border //= 2
            kept = np.fromiter(self._kept, np.uint64, len(self._kept))
            for row in kept[_mixed(kept) > np.uint64(self.border)].tolist():
                self._bytes -= len(self._kept.pop(row)) + 1
        self._look_for_words(start, records)

    def _look_for_words(self, start: int, records: Sequence[Sequence[str]]) -> None:
        if not self._firsts and records:
            self._firsts = [{} for _ in records[0]]
        for place, known in enumerate(self._firsts):
            if known is None:
                continue
            words = [record[place] for record in records]
            new = set(words) - known.keys()
            if not new:
                continue
            if len(known) + len(new) > self._most_words:
                self._firsts[place] = None
                continue
            for word in new:
                at = words.index(word)
                known[word] = start + at
                self._first_records.setdefault(start + at, "\0".join(records[at]))
        most = SHARE_OF_FIRSTS * self.size
        if len(self._first_records) > self._most_words:
            self._forget()
        while sum(map(len, self._first_records.values())) > most and self._most_words > 1:
            self._most_words //= 2
            self._firsts = [
                None if known is None or len(known) > self._most_words else known
                for known in self._firsts
            ]
            self._forget()

    def _forget(self) -> None:
        """Let go of rows that only columns of many words asked for."""
        wanted = {row for known in self._firsts if known is not None for row in known.values()}
        self._first_records = {
            row: record for row, record in self._first_records.items() if row in wanted
        }

    def chosen(self) -> tuple[list[int], list[str]]:
        """Return the numbers of the rows of the sample, from 1, rising, and their cells."""
        self._forget()
        both = {**self._first_records, **self._kept}
        rows = sorted(both)
        return [row + 1 for row in rows], [both[row] for row in rows]


def _mixed(rows: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a number from 0 to 2⁶⁴ - 1 for each row number, as if drawn by chance.

    The mixing of SplitMix64 (Steele, Lea and Flood, 2014, "Fast splittable pseudorandom number
    generators").
    """
    with np.errstate(over="ignore"):
        z = (rows + DRAWN_BY) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def _table(path: Path, preparation: Preparation, files: PreparedFiles) -> Table:
    """Return the sample in files, which may be somebody's who is not trusted, as a table."""
    cells, numbers = _arrays(files)
    facts: dict[str, Any] = files.facts
    try:
        if cells is None or numbers is None:
            raise ValueError("no rows")
        layout = Layout.of_plain(facts.get("layout"))
        rows, notes, because = facts.get("rows"), facts.get("notes"), facts.get("because")
        border = facts.get("border")
        if type(rows) is not int or type(because) is not str or not isinstance(notes, list):
            raise ValueError("no facts")
        if type(border) is not int or not 0 <= border <= MOST_MIXED:
            raise ValueError("no border of what was drawn")
        if cells.dtype != np.uint8 or numbers.dtype != np.int64 or numbers.ndim != 1:
            raise ValueError(f"{cells.dtype} and {numbers.dtype}")
        words = bytes(cells).decode("utf-8", "surrogatepass").split("\0")[:-1]
        own = np.array(numbers)
        width = len(layout.names)
        if len(words) != len(own) * width:
            raise ValueError(f"{len(words):,} cells of {len(own):,} rows of {width}")
        if not len(own) or own[0] < 1 or own[-1] > rows or (np.diff(own) <= 0).any():
            raise ValueError("numbers of rows that are not in the file")
    except (ValueError, TypeError, LookupError) as error:
        raise FileFormatError(
            f"the sample of rows in {files.folder}",
            needed="what this version of misstep wrote about it",
            got=str(error)[:100],
            try_=f"removing the folder {files.folder}: it is then drawn anew",
        ) from error
    file = DelimitedFile(path, path.name, layout)
    columns = {name: words[at::width] for at, name in enumerate(layout.names)}
    notes = [str(note) for note in notes]
    weak = layout.delimiter == ";"
    table = table_of_words(columns, path.name, notes, weak_comma=weak, numbers=own)
    marks = marks_of(path, start=path.parent)
    whole = WholeTable(file, rows, because, marks, border, preparation)
    if files.reused:
        table.notes.append(
            f"what is known of {path.name} from before is used again: it was not changed since"
        )
    return replace(table, whole=whole)
