"""Tables in text files, read record by record from anywhere in the file, in bounded memory.

What `delimited.py` decides by looking at all of a text, this decides by its beginning and holds
every later line to it: a line that contradicts is told with its number, never read as it may come.
Where a record ends is a place in the file, so that reading goes on there. Knows files and fields,
not what cells mean.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from misstep.data.io.delimited import END, LONGEST_FIELD, delimiter_of, header_of
from misstep.data.io.files import (
    CONTROL_BYTES,
    CONTROL_SHARE,
    KNOWN_KINDS,
    check_ratio,
    open_bytes,
    read_block,
    wide_encoding,
)
from misstep.errors import DataError, FileFormatError, StorageError
from misstep.text.counts import counted

__all__ = ["DelimitedFile", "Layout", "Noticed", "OtherEncodingError", "Piece"]

# Bytes that are read at once: as much as the second-level cache of common processors holds once
# they are lines. Blocks of 4 MiB took 40 MB of memory, and were no quicker.
BLOCK = 2**18
# By the beginning of a file its delimiter, its quotes and its header are told.
HEAD = 2**20
# Rows without a value at the end of a file are no rows; of so many bytes of them, they are.
MOST_EMPTY = 2**24
# The kinds of text that are tried, one after the other, until one has no byte that it can't read.
ENCODINGS = ("utf-8", "cp1252", "latin-1")
SPOKEN_ENCODINGS = {"cp1252": "Windows Latin-1", "latin-1": "Latin-1"}


@dataclass(frozen=True)
class Layout:
    """How the text of a file is laid out.

    `returns`: whether lines end by carriage returns alone, as of old. `start`, `line`: the byte,
    from 0, and the line, from 1, where the first row begins, once bytes of a wide encoding have
    become those of UTF-8.
    """

    encoding: str
    delimiter: str
    quotes: bool
    names: tuple[str, ...]
    start: int
    line: int
    returns: bool = False

    def plain(self) -> dict[str, Any]:
        """Return it as plain facts."""
        return {**asdict(self), "names": list(self.names)}

    @classmethod
    def of_plain(cls, plain: Any) -> Layout:
        """Rebuild what `plain` gave. Raises ValueError or TypeError for anything else."""
        kinds = {"encoding": str, "delimiter": str, "quotes": bool, "names": list, "start": int}
        kinds |= {"line": int, "returns": bool}
        if not isinstance(plain, dict) or set(plain) != set(kinds):
            raise ValueError("no layout")
        if any(type(plain[name]) is not kind for name, kind in kinds.items()):
            raise ValueError("no layout")
        names = plain["names"]
        if not names or any(type(name) is not str for name in names):
            raise ValueError("no names")
        if len(plain["delimiter"]) != 1 or plain["start"] < 0 or plain["line"] < 1:
            raise ValueError("no layout")
        codecs.lookup(plain["encoding"])
        return cls(**{**plain, "names": tuple(names)})


@dataclass(frozen=True)
class Piece:
    """Some records, each as wide as the header.

    `start`: how many rows come before. `place`, `line`: the byte and the line where the next record
    begins. `rows_after`: how many rows there are up to there.
    """

    records: list[list[str]]
    start: int
    place: int
    line: int

    @property
    def rows_after(self) -> int:
        """Return how many rows there are up to the end of this piece."""
        return self.start + len(self.records)


@dataclass
class Noticed:
    """What was noticed while records were read: empty lines, surplus delimiters, empty rows."""

    blank: int = 0
    longer: int = 0
    empty_at_end: int = 0

    def notes(self) -> list[str]:
        """Return it in sentences."""
        found = []
        if self.blank:
            found.append(f"{counted(self.blank, 'line')} without anything counted as no row")
        if self.longer:
            found.append(
                f"{counted(self.longer, 'row')} with more delimiters than the header; the surplus "
                "is empty"
            )
        if self.empty_at_end:
            found.append(
                f"left out at the end: {counted(self.empty_at_end, 'row')} without any value"
            )
        return found


@dataclass(frozen=True)
class DelimitedFile:
    """A file of records, all of the same layout. `notes`: how it is read, and why."""

    path: Path
    name: str
    layout: Layout
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, path: Path, name: str, encoding: str = "", quotes: bool = True) -> DelimitedFile:
        """Return a file with the layout that its beginning tells.

        `encoding`: where its bytes are known to be of another kind than UTF-8; `quotes`: whether
        they set fields apart. Raises StorageError, FileFormatError or DataError.
        """
        file, _ = open_bytes(path)
        with file:
            start = read_block(file, path, HEAD)
        for magic, description in KNOWN_KINDS.items():
            if start.startswith(magic):
                raise _no_text(path, description)
        notes = []
        wide = wide_encoding(start)
        if wide is not None:
            encoding = wide
            notes.append(f"read as {wide.upper()}")
        elif encoding:
            notes.append(
                f"read as {SPOKEN_ENCODINGS[encoding]} because there are bytes that are not UTF-8"
            )
        encoding = encoding or "utf-8"
        if wide is None and _is_odd(start):
            raise _no_text(path, "binary data")
        returns = wide is None and b"\n" not in start and b"\r" in start
        layout = Layout(encoding, ",", quotes, ("",), 0, 1, returns)
        whole = cls(path, name, layout)
        head = b""
        for block in whole.blocks(0):
            head += block
            if len(head) >= HEAD:
                break
        marked = head.startswith(codecs.BOM_UTF8)
        place = len(codecs.BOM_UTF8) if marked else 0
        # Of the last line there may be only a part.
        end = head.rfind(b"\n") + 1 if len(head) >= HEAD else len(head)
        text = _unified(_decoded(head[place:end] or head[place:], encoding))
        if not text.strip():
            raise DataError(str(path), needed="a header and at least one row", got="blanks")
        tabs = ".tsv" in path.name.lower() or path.suffix == ".tab"
        delimiter, reason, rest = delimiter_of(text, name, tabs)
        if reason:
            notes.append(reason)
        line = 1
        if rest != text:
            first = head.find(b"\n", place) + 1
            place, line = first, 2
        layout = replace(layout, delimiter=delimiter, start=place, line=line)
        reader = replace(whole, layout=layout)
        feeder = _Lines(reader, place, line)
        first_records: list[tuple[list[str], int, int]] = []
        for one in reader._records(feeder, Noticed(), width=0):
            first_records.append(one)
            if len(first_records) == 2:
                break
            if not feeder.is_between_lines:
                raise DataError(
                    f"line {line} of {name}",
                    needed="lines that all end alike",
                    got="a carriage return within the first one",
                    try_="saving the table again",
                )
        if len(first_records) < 2:
            raise DataError(name, needed="a header and at least one row", got="a single line")
        names, rows, header_notes = header_of([record for record, _, _ in first_records], name)
        if len(rows) == 1:
            _, place, line = first_records[0]
        notes += header_notes
        if not quotes:
            notes.append("quotes are read as plain characters because they are not balanced")
        return replace(
            reader,
            layout=replace(layout, names=tuple(names), start=place, line=line),
            notes=tuple(notes),
        )

    def pieces(self, size: int, noticed: Noticed, start: Piece | None = None) -> Iterator[Piece]:
        """Yield all records behind those of `start`, about `size` bytes of them together.

        `noticed` gets what is to be told. Raises StorageError, FileFormatError, or DataError with
        the line of a record that is not as wide as the header.
        """
        place, line, rows = self.layout.start, self.layout.line, 0
        if start is not None:
            place, line, rows = start.place, start.line, start.rows_after
        records: list[list[str]] = []
        # Rows without a value, which are rows only if others follow.
        empty: list[list[str]] = []
        begun = place
        feeder = _Lines(self, place, line)
        for record, where, next_line in self._records(feeder, noticed, len(self.layout.names)):
            empty.append(record)
            full = where - begun >= size
            if record[0].strip() or any(map(str.strip, record)) or where - place > MOST_EMPTY:
                records += empty
                empty = []
                place, line = where, next_line
            if full and records and not empty and feeder.is_between_lines:
                yield Piece(records, rows, where, next_line)
                rows, records, begun = rows + len(records), [], where
        noticed.empty_at_end += len(empty)
        if records:
            yield Piece(records, rows, place, line)

    def _records(
        self, feeder: _Lines, noticed: Noticed, width: int
    ) -> Iterator[tuple[list[str], int, int]]:
        """Yield each record with the byte and the line where the next one begins.

        `width`: how many fields it must have; 0: as many as the first one.
        """
        plain = not self.layout.quotes
        delimiter = self.layout.delimiter
        limit = csv.field_size_limit(LONGEST_FIELD)
        reader = csv.reader(
            feeder,
            delimiter=delimiter,
            quoting=csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL,
            quotechar=None if plain else '"',
            skipinitialspace=not plain and delimiter not in "\t ",
            strict=False,
        )
        begun = feeder.line
        try:
            while True:
                try:
                    record = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    raise DataError(
                        f"line {begun} of {self.name}", needed="fields", got=str(error)
                    ) from error
                if feeder.is_over:
                    if record == [END]:
                        return
                    # The last line can only come out alone if every quote before it was closed.
                    raise DataError(
                        f"line {begun} of {self.name}",
                        needed="a closing quote for each opening one",
                        got='a " that is never closed',
                        try_='removing it, or writing "" for a quote inside quotes',
                    )
                if len(record) < 2 and not (record and record[0].strip()):
                    noticed.blank += 1
                    begun = feeder.line
                    continue
                if len(record) != width:
                    width = width or len(record)
                    if len(record) > width and not any(map(str.strip, record[width:])):
                        del record[width:]
                        noticed.longer += 1
                    elif len(record) != width:
                        raise DataError(
                            f"line {begun} of {self.name}",
                            needed=f"{counted(width, 'field')}, as in the header",
                            got=str(len(record)),
                            try_=f"mending line {begun}",
                        )
                yield record, feeder.place, feeder.line
                begun = feeder.line
        finally:
            csv.field_size_limit(limit)

    def blocks(self, place: int) -> Iterator[bytes]:
        """Yield the bytes of the text from `place` on, those of wide encodings as UTF-8.

        Raises StorageError or FileFormatError.
        """
        file, packed = open_bytes(self.path)
        wide = self.layout.encoding not in ENCODINGS
        size = self.path.stat().st_size if packed else 0
        with file:
            if not packed and not wide and place:
                try:
                    file.seek(place)
                except OSError as error:
                    raise StorageError(
                        str(self.path), needed="a file that can be read", got=str(error)
                    ) from error
                place = 0
            decoder = codecs.getincrementaldecoder(self.layout.encoding)() if wide else None
            unpacked, marked = 0, wide
            while block := read_block(file, self.path, BLOCK):
                unpacked += len(block)
                if packed:
                    check_ratio(self.path, size, unpacked)
                if decoder is not None:
                    try:
                        text = decoder.decode(block)
                    except UnicodeError as error:
                        raise FileFormatError(
                            str(self.path),
                            needed=f"text in {self.layout.encoding.upper()}",
                            got="bytes that are not",
                            try_="saving it as UTF-8",
                        ) from error
                    # Only the first character of a file is a mark; elsewhere it is of a text.
                    if marked and text:
                        text, marked = text.removeprefix("\ufeff"), False
                    block = text.encode()
                if place:
                    skipped = min(place, len(block))
                    block, place = block[skipped:], place - skipped
                if self.layout.returns:
                    block = block.replace(b"\r", b"\n")
                if block:
                    yield block


class _Lines:
    """Lines of a file for csv.reader, which count the bytes and lines that it took."""

    def __init__(self, file: DelimitedFile, place: int, line: int) -> None:
        self._file = file
        self.place = place
        self.line = line
        self._lines = self._all(place)
        self.is_over = False
        self.is_between_lines = True

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def _all(self, place: int) -> Iterator[str]:
        encoding = self._file.layout.encoding
        encoding = encoding if encoding in ENCODINGS else "utf-8"
        rest = b""
        for block in self._file.blocks(place):
            block = rest + block
            rest = block[block.rfind(b"\n") + 1 :]
            if len(rest) > LONGEST_FIELD:
                raise DataError(
                    f"line {self.line} of {self._file.name}",
                    needed=f"at most {LONGEST_FIELD:,} bytes",
                    got="more without an end of line",
                )
            if b"\0" in block:
                raise FileFormatError(
                    str(self._file.path),
                    needed="a table as text",
                    got=f"a NUL byte behind line {self.line}",
                    try_="exporting it again; NUL bytes come from damaged or binary files",
                )
            whole = block[: len(block) - len(rest)]
            if not whole:
                continue
            text = _decoded(whole, encoding)
            if len(text) == len(whole) and "\r" not in text:
                # A byte to a sign, which is the quick way.
                for line in io.StringIO(text, newline="\n"):
                    self.place += len(line)
                    self.line += 1
                    yield line
                continue
            for raw in whole.split(b"\n")[:-1]:
                yield from self._line(raw, encoding, 1)
        rest = rest.rstrip(b"\x1a")
        if rest:
            yield from self._line(rest, encoding, 0)
        self.is_over = True
        yield END + "\n"

    def _line(self, raw: bytes, encoding: str, ended: int) -> Iterator[str]:
        text = _decoded(raw, encoding)
        self.place += len(raw) + ended
        self.line += 1
        if "\r" in text:
            parts = _unified(text + "\n").removesuffix("\n").split("\n")
            self.is_between_lines = False
            for part in parts[:-1]:
                yield part + "\n"
            self.is_between_lines = True
            text = parts[-1]
        yield text + "\n"


def _is_odd(start: bytes) -> bool:
    """Tell whether there are more control bytes than a text has."""
    odd = len(start) - len(start.translate(None, CONTROL_BYTES))
    return odd > CONTROL_SHARE * len(start)


class OtherEncodingError(Exception):
    """Bytes that are none of an encoding, of which another one is to be tried."""


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding if encoding in ENCODINGS else "utf-8")
    except UnicodeDecodeError as error:
        raise OtherEncodingError(encoding) from error


def _unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _no_text(path: Path, got: str) -> FileFormatError:
    return FileFormatError(
        str(path), needed="a table as text (CSV or TSV)", got=got, try_="exporting the table as CSV"
    )
