"""ARFF files, as Weka and OpenML write them: names and types of columns, then rows of cells.

The cells are given as they stand there: what a column is, is decided as for every other table, but
for sparse rows, whose cells that are left out are zeros or the first word of a list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from misstep.data.io.files import read_text
from misstep.data.io.formats.table_format import Content, TableFormat, WordTable
from misstep.errors import DataError
from misstep.text.counts import counted

NUMBERS = ("numeric", "real", "integer")
# Of sparse rows, cells that are left out: so many are free, and so many more for a byte of text.
FREE_CELLS, CELLS_PER_BYTE = 2_000_000, 8
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True)
class _Attribute:
    name: str
    # What a cell is that a sparse row leaves out; None: there is no such thing.
    default: str | None


class Arff(TableFormat):
    """Attribute-relation files, dense or sparse."""

    endings: ClassVar = (".arff",)
    called: ClassVar = "ARFF"

    def read(self, content: Content) -> WordTable:
        content.refuse_part("the file")
        text, notes = read_text(content.path)
        lines = text.split("\n")
        attributes, start = _head(lines, content.name)
        columns: list[list[str]] = [[] for _ in attributes]
        rows, most = 0, FREE_CELLS + CELLS_PER_BYTE * len(text)
        for at in range(start, len(lines)):
            line = lines[at].strip()
            if not line or line[0] == "%":
                continue
            which = f"line {at + 1} of {content.name}"
            if line[0] == "{":
                cells = _sparse(line, attributes, which)
            else:
                cells = _cells(line, which)
            rows += 1
            if len(cells) != len(attributes):
                raise DataError(
                    which,
                    needed=f"{counted(len(attributes), 'cell')}, one for each @attribute",
                    got=str(len(cells)),
                )
            if rows * len(attributes) > most:
                raise DataError(
                    content.name,
                    needed="a table that fits its file",
                    got=f"{rows:,} rows of {len(attributes):,} cells in {len(text):,} letters",
                    try_="leaving columns out that are almost always zero",
                )
            for column, cell in zip(columns, cells, strict=True):
                column.append(cell)
        return WordTable.of([each.name for each in attributes], columns, content.name, notes)


def _head(lines: list[str], name: str) -> tuple[list[_Attribute], int]:
    """Return the attributes, and the place of the first line of data. Raises DataError."""
    attributes: list[_Attribute] = []
    for at, raw in enumerate(lines):
        line = raw.strip()
        which = f"line {at + 1} of {name}"
        word = line.split(None, 1)[0].lower() if line else ""
        if word == "@data":
            if not attributes:
                raise DataError(which, needed="an @attribute before @data", got="none")
            return attributes, at + 1
        if word == "@attribute":
            attributes.append(_attribute(line[len(word) :].strip(), which))
        elif line and line[0] != "%" and word != "@relation":
            raise DataError(which, needed="@relation, @attribute or @data", got=ascii(line[:40]))
    raise DataError(name, needed="a line @data, and rows after it", got="none")


def _attribute(line: str, which: str) -> _Attribute:
    name, end = _word(line, 0, " \t{", which)
    kind = line[end:].strip()
    if kind.startswith("{"):
        if not kind.endswith("}"):
            raise DataError(which, needed="a list of words in { }", got=ascii(kind[:40]))
        words = _cells(kind[1:-1], which)
        return _Attribute(name, words[0] if words else None)
    base = kind.split(None, 1)[0].lower() if kind else ""
    if base in NUMBERS:
        return _Attribute(name, "0")
    if base in ("string", "date"):
        return _Attribute(name, None)
    raise DataError(
        f"{which}, attribute {name!r}",
        needed="numeric, real, integer, string, date or a list of words in { }",
        got=ascii(kind[:40]) if kind else "no type",
        try_="one row a line, without tables within a cell" if base == "relational" else None,
    )


def _cells(line: str, which: str) -> list[str]:
    """Return the cells of a line, "" where none is known. Raises DataError for an open quote."""
    if "'" not in line and '"' not in line and "\\" not in line:
        parts = line.split("," if "," in line or "\t" not in line else "\t")
        return ["" if part == "?" else part for part in map(str.strip, parts)]
    cells, place = [], 0
    while True:
        while place < len(line) and line[place] in " \t":
            place += 1
        quoted = line[place : place + 1] in ("'", '"')
        cell, place = _word(line, place, ",", which)
        cells.append("" if cell == "?" and not quoted else cell)
        while place < len(line) and line[place] in " \t":
            place += 1
        if place >= len(line):
            return cells
        if line[place] != ",":
            raise DataError(which, needed="a comma between cells", got=ascii(line[place:][:40]))
        place += 1


def _word(line: str, place: int, ends: str, which: str) -> tuple[str, int]:
    """Return the word at a place, without its quotes, and the place behind it."""
    quote = line[place : place + 1]
    if quote not in ("'", '"'):
        end = place
        while end < len(line) and line[end] not in ends:
            end += 1
        return line[place:end].strip(), end
    end = place + 1
    while end < len(line) and line[end] != quote:
        end += 2 if line[end] == "\\" else 1
    if end >= len(line):
        raise DataError(which, needed="a closing quote for each opening one", got=ascii(line[:40]))
    word = line[place + 1 : end]
    if "\\" in word:
        word = _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), word)
    return word, end + 1


def _sparse(line: str, attributes: list[_Attribute], which: str) -> list[str]:
    """Return all cells of a sparse row. Raises DataError."""
    if not line.endswith("}"):
        raise DataError(which, needed="one row in { }", got=ascii(line[-40:]))
    cells: list[str | None] = [attribute.default for attribute in attributes]
    inside = line[1:-1].strip()
    place = 0
    while place < len(inside):
        found = re.compile(r"[ \t]*(\d{1,9})[ \t]+").match(inside, place)
        if found is None or int(found[1]) >= len(cells):
            raise DataError(
                which,
                needed=f"a column from 0 to {len(cells) - 1}, a blank and its cell",
                got=ascii(inside[place:][:40]),
            )
        quoted = inside[found.end() : found.end() + 1] in ("'", '"')
        word, place = _word(inside, found.end(), ",", which)
        cells[int(found[1])] = "" if word == "?" and not quoted else word
        rest = inside[place:].lstrip()
        if rest and rest[0] != ",":
            raise DataError(which, needed="a comma between cells", got=ascii(rest[:40]))
        place = len(inside) - len(rest) + 1 if rest else len(inside)
    # A text that a sparse row leaves out is not known.
    return [cell or "" for cell in cells]
