"""JSON: an object a line, or one list of objects; each object is a row, its keys are columns.

Numbers keep the words in which they are written, so that they are read as those of a CSV file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from misstep.data.io.files import read_text
from misstep.data.io.formats.cell_words import column_in_words
from misstep.data.io.formats.table_format import Content, TableFormat, WordTable
from misstep.errors import DataError

# Cells that are not there take memory, too: a row may have one key of its own. So many are free,
# and so many more for each byte of the file.
FREE_CELLS, CELLS_PER_BYTE = 2_000_000, 8
ADVICE = "one column for each part of it, or leaving it out"


class JsonRecords(TableFormat):
    """Objects, one for each row."""

    endings: ClassVar = (".jsonl", ".ndjson", ".json")
    called: ClassVar = "JSON"

    def read(self, content: Content) -> WordTable:
        content.refuse_part("the file")
        text, notes = read_text(content.path)
        columns: dict[str, list[Any]] = {}
        count = 0
        for row, record in enumerate(_records(text, content.name)):
            count = row + 1
            for key, value in record.items():
                cells = columns.get(key)
                if cells is None:
                    cells = columns[key] = []
                    if len(columns) * count > FREE_CELLS + CELLS_PER_BYTE * len(text):
                        raise DataError(
                            content.name,
                            needed="objects that share their keys, which are the columns",
                            got=f"{len(columns):,} different keys in {count:,} objects",
                        )
                cells += [None] * (row - len(cells))
                cells.append(value)
        for cells in columns.values():
            cells += [None] * (count - len(cells))
        names, words = list(columns), []
        for name in names:
            which = f"column {name!r} of {content.name}"
            words.append(column_in_words(columns.pop(name), which, ADVICE))
        return WordTable.of(names, words, content.name, notes)


def _records(text: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield the objects in a text. Raises DataError, with the line of what is none."""
    decoder = json.JSONDecoder(
        object_pairs_hook=_without_doubles,
        parse_float=_Number,
        parse_int=_Number,
        parse_constant=_constant,
    )
    start = text.lstrip()
    if start.startswith("["):
        whole = _parsed(decoder, start, name, name)
        if not all(isinstance(record, dict) for record in whole):
            raise DataError(
                name,
                needed="a list of objects, one for each row",
                got="a list of other values",
                try_='[{"age": 31, "city": "Bern"}, …]',
            )
        yield from whole
        return
    lines = [(at + 1, line) for at, line in enumerate(text.split("\n")) if line.strip()]
    if (len(lines) > 1 and lines[0][1].strip() in ("{", "[")) or _is_of_columns(decoder, lines):
        raise DataError(
            name,
            needed="an object a line, or a list of objects",
            got="one object over all lines",
            try_='a row a line: {"age": 31, "city": "Bern"}',
        )
    for number, line in lines:
        which = f"line {number} of {name}"
        record = _parsed(decoder, line, which, name)
        if not isinstance(record, dict):
            raise DataError(which, needed="an object", got=_shown(line))
        yield record


def _is_of_columns(decoder: json.JSONDecoder, lines: list[tuple[int, str]]) -> bool:
    """Tell whether there is a single object, whose values are columns or rows."""
    if len(lines) != 1:
        return False
    try:
        only = decoder.decode(lines[0][1].strip())
    except (ValueError, RecursionError):
        return False
    return isinstance(only, dict) and any(isinstance(each, list | dict) for each in only.values())


def _parsed(decoder: json.JSONDecoder, text: str, which: str, name: str) -> Any:
    try:
        return decoder.decode(text.strip())
    except json.JSONDecodeError as error:
        place = f" at line {error.lineno}" if which == name else ""
        raise DataError(
            which, needed="JSON", got=f"{error.msg}{place}, {_shown(text[error.pos :] or text)}"
        ) from error
    except ValueError as error:
        raise DataError(which, needed="objects with keys and values", got=str(error)) from error
    except RecursionError as error:
        raise DataError(
            which, needed="values without others in them", got="thousands within each other"
        ) from error


def _shown(text: str) -> str:
    return ascii(text.strip()[:40])


class _Number(str):
    """A number in the words of the file."""


def _constant(word: str) -> object:
    return None if word == "NaN" else _Number(word)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"{doubled!r} twice in one object"[:200])
    return record
