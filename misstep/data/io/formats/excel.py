"""Excel workbooks (.xlsx), read by openpyxl: the first sheet, or the one that is named.

Of a formula its value is read that the workbook keeps; none is computed, macros are not looked at.
A workbook is a zip archive of XML: both are checked before openpyxl sees them, since it trusts what
they declare.
"""

from __future__ import annotations

import io
import lzma
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import time
from typing import Any, ClassVar

from misstep.data.io.delimited import header_of
from misstep.data.io.extra import required
from misstep.data.io.files import MOST_BYTES, check_ratio, damaged
from misstep.data.io.formats.cell_words import column_in_words
from misstep.data.io.formats.table_format import PART, Content, TableFormat, WordTable
from misstep.errors import DataError, FileFormatError, MisstepError
from misstep.text.counts import counted
from misstep.text.lists import and_so_on
from misstep.text.names import did_you_mean

# What may stand in a cell in the place of a value, by Excel.
ERRORS = {
    *("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA"),
    *("#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#UNKNOWN!", "#CONNECT!", "#BUSY!", "#PYTHON!"),
}
# The largest sheet of Excel.
MOST_ROWS, MOST_COLUMNS = 2**20, 2**14
MOST_ENTRIES = 10_000
# What XML may unpack to however small it is packed. A cell counts as so many bytes where a sheet is
# compared with its file: empty rows and cells before one that stands far off take memory, too.
FREE_BYTES, CELL, FREE_CELLS = 8 * 2**20, 8, 2**21
PIECE = 2**20
# A cell whose formula was never computed has no value behind it.
_UNCOMPUTED = re.compile(
    rb"<(?:\w+:)?f\b[^<>]*(?:/>|>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>"
    rb"</(?:\w+:)?v>|</(?:\w+:)?c>)"
)
_MERGED = re.compile(
    rb"<(?:\w+:)?mergeCell\s[^<>]*ref=\"([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})\""
)
LONGEST_TAG = 2**16
ADVICE = "a sheet of numbers, texts and dates"
SHOWN_SHEETS = 8
BROKEN = (
    *(
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ),
    *(IndexError, EOFError, OverflowError, SyntaxError, NotImplementedError, RuntimeError),
)


class ExcelSheets(TableFormat):
    """Workbooks, of which a sheet is a table."""

    endings: ClassVar = (".xlsx", ".xlsm")
    called: ClassVar = "Excel"

    def read(self, content: Content) -> WordTable:
        openpyxl: Any = required("openpyxl", f"{content.name}, an Excel workbook")
        source: Any = content.path if content.unpacked is None else io.BytesIO(content.unpacked)
        try:
            with zipfile.ZipFile(source) as archive:
                _check_archive(archive, content)
                with warnings.catch_warnings():
                    # About styles and extensions that it does not know.
                    warnings.simplefilter("ignore")
                    book = openpyxl.load_workbook(
                        source, read_only=True, data_only=True, keep_links=False
                    )
                    try:
                        sheet, name = _sheet(book, content)
                        _check_sheet(archive, sheet, name)
                        return _table(sheet, name, content)
                    finally:
                        book.close()
        except MisstepError:
            raise
        except (OSError, MemoryError, *BROKEN) as error:
            got = " ".join(str(error).split())[:200] or type(error).__name__
            raise damaged(content.path, "a sound Excel workbook (.xlsx)", got) from error


def _check_archive(archive: zipfile.ZipFile, content: Content) -> None:
    """Raise FileFormatError for what unpacks to too much, or XML that defines words of its own."""
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MOST_ENTRIES or unpacked > MOST_BYTES:
        raise FileFormatError(
            str(content.path),
            needed=f"at most {MOST_ENTRIES:,} parts and {MOST_BYTES:,} bytes",
            got="more",
        )
    check_ratio(content.path, content.size, unpacked, FREE_BYTES)
    for entry in entries:
        if entry.flag_bits & 1:
            raise FileFormatError(
                str(content.path),
                needed="a workbook without a password",
                got="one that has a password",
            )
        for piece in _pieces(archive, entry.filename):
            if b"<!DOCTYPE" in piece or b"<!ENTITY" in piece or b"\0D\0O\0C\0T" in piece:
                raise FileFormatError(
                    str(content.path),
                    needed="XML as Excel writes it",
                    got="definitions of a document's own (DOCTYPE)",
                )
            if not entry.filename.endswith((".xml", ".rels")):
                break


def _pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Yield what is in a part, in pieces that begin with the end of the one before."""
    with archive.open(name) as part:
        rest = b""
        while piece := part.read(PIECE):
            yield rest + piece
            rest = piece[-LONGEST_TAG:]


def _sheet(book: Any, content: Content) -> tuple[Any, str]:
    """Return the sheet that is meant, and what it is called."""
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if not sheets:
        raise DataError(content.name, needed="a sheet of cells", got="a workbook without any")
    if not content.part:
        title = next(iter(sheets))
        return sheets[title], content.name if len(sheets) == 1 else f"{content.name}{PART}{title}"
    called = f"{content.name}{PART}{content.part}"
    if content.part not in sheets:
        raise DataError(
            called,
            needed=f"one of its sheets: {and_so_on(list(sheets), SHOWN_SHEETS)}",
            got="no sheet of that name",
            try_=did_you_mean(content.part, list(sheets)),
        )
    return sheets[content.part], called


def _check_sheet(archive: zipfile.ZipFile, sheet: Any, name: str) -> None:
    """Raise DataError for formulas without values, and for a header of merged cells."""
    part = str(getattr(sheet, "_worksheet_path", ""))
    if part not in archive.namelist():
        return
    top: int | None = None
    for piece in _pieces(archive, part):
        if _UNCOMPUTED.search(piece):
            raise DataError(
                name,
                needed="values of all formulas",
                got="formulas that were never computed, as programs write them",
                try_="opening it in a spreadsheet program, saving it, and giving that file",
            )
        if top is None and (
            found := re.search(rb"<(?:\w+:)?c\s[^<>]*r=\"[A-Z]+(\d{1,7})\"", piece)
        ):
            top = int(found[1])
        for left, first, right, _ in _MERGED.findall(piece):
            if left != right and int(first) == (top or 1):
                raise DataError(
                    name,
                    needed="a name above each column",
                    got=f"cells of the first row that are merged "
                    f"({left.decode()}{first.decode()} to {right.decode()}{first.decode()})",
                    try_="one name for each column, without a title above",
                )


def _table(sheet: Any, name: str, content: Content) -> WordTable:
    """Return a sheet in words. Raises DataError or FileFormatError."""
    # What a sheet says of its own size may be wrong.
    sheet.reset_dimensions()
    rows: list[tuple[Any, ...]] = []
    cells, seen, errors, width = 0, 0, 0, 0
    for row in sheet.iter_rows(values_only=True):
        seen += 1
        end = len(row)
        while end and (row[end - 1] is None or row[end - 1] == ""):
            end -= 1
        cells += end + 1
        if seen > MOST_ROWS or end > MOST_COLUMNS:
            raise damaged(
                content.path,
                f"at most {MOST_ROWS:,} rows and {MOST_COLUMNS:,} columns",
                "a cell beyond",
            )
        if seen % 1024 == 0 or end > 1024:
            check_ratio(content.path, content.size, CELL * cells, FREE_CELLS)
        if not end and not rows:
            # Above a table there may be empty rows.
            continue
        rows.append(row[:end])
        width = max(width, end)
    while rows and not rows[-1]:
        rows.pop()
    if not rows:
        raise DataError(name, needed="a header and at least one row", got="an empty sheet")
    check_ratio(content.path, content.size, CELL * len(rows) * width, FREE_CELLS)
    columns, notes = [], []
    empty = [at for at in range(width) if all(len(row) <= at or row[at] is None for row in rows)]
    for place in range(width):
        if place in empty:
            continue
        column = [row[place] if place < len(row) else None for row in rows]
        errors += sum(value in ERRORS for value in column if isinstance(value, str))
        known = [
            None if isinstance(value, str) and value in ERRORS else _plain(value)
            for value in column[1:]
        ]
        which = f"column {place + 1} of {name}"
        columns.append(
            column_in_words([_plain(column[0])], which, ADVICE)
            + column_in_words(known, which, ADVICE)
        )
    if empty:
        notes.append(f"left out: {counted(len(empty), 'column')} without any cell")
    if errors:
        notes.append(f"{counted(errors, 'cell')} with an error of Excel counted as missing")
    if len(rows) == 1:
        raise DataError(
            name,
            needed="a header and at least one row",
            got=f"a header of {len(columns)} names and no rows",
        )
    names, below, header_notes = header_of([[column[0] for column in columns]], name)
    if not below:
        columns = [column[1:] for column in columns]
    return WordTable.of(names, columns, name, [*notes, *header_notes])


def _plain(value: Any) -> Any:
    """Return a value without what Excel alone tells apart: whole numbers that are no integers."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    # Midnight is how Excel shows a day of nothing.
    return str(value) if isinstance(value, time) else value
