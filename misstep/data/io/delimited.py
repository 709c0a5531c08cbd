"""How text becomes rows of fields: which delimiter, which quoting, which line is the header.

Knows text only, no files and no data frames; `table.py` gives the fields their types. Every
choice leaves a sentence in the notes that says what it rests on.
"""

from __future__ import annotations

import csv
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from misstep.errors import DataError

__all__ = ["Fields", "split_fields"]

DELIMITERS = (",", ";", "\t", "|")
SPOKEN = {",": "comma", ";": "semicolon", "\t": "tab", "|": "|", " ": "blank"}
# Enough lines to see through a few odd ones, few enough to cost nothing.
SNIFFED_LINES = 200
# A wrong delimiter rarely gives the header's number of fields on most lines.
LEAST_AGREEMENT = 0.6
# Whole documents can sit in one field; Python's own limit is 128 KiB.
LONGEST_FIELD = 2**27
SHOWN_LINES = 3
END = "\x01end\x01"


@dataclass
class Fields:
    """A header, rows of equally many fields, the delimiter, and what was noticed."""

    names: list[str]
    rows: list[list[str]]
    delimiter: str
    notes: list[str] = field(default_factory=list)


class _RaggedError(Exception):
    """Rows do not fit the header under one way of reading; another way may be tried."""

    def __init__(self, error: DataError) -> None:
        self.error = error
        super().__init__(str(error))


def split_fields(text: str, name: str, tabs: bool = False) -> Fields:
    """Split the text of a table into fields.

    `text`: lines ended by newline; `name`: what errors call it; `tabs`: the file's name says tab.
    Raises DataError: header only, ragged rows, unclosed quotes, duplicate names, not a table.
    """
    _refuse_other_kinds(text, name)
    notes: list[str] = []
    first, _, rest = text.partition("\n")
    if re.fullmatch(r"sep=.\s*", first) and rest.strip():
        delimiter, text = first[4], rest
        notes.append(f"delimiter {SPOKEN.get(delimiter, delimiter)} because line 1 says so")
    elif tabs and "\t" in first:
        delimiter = "\t"
    else:
        delimiter, reason = _sniff(text)
        notes += [reason] if reason else []
    records, quoting_notes = _records(text, delimiter, name)
    notes += quoting_notes
    names, rows, header_notes = _header(records)
    notes += header_notes
    if not rows:
        raise DataError(
            name,
            needed="a header and at least one row",
            got=f"a header of {len(names)} names and no rows",
        )
    doubled = [word for word, count in Counter(names).items() if count > 1]
    if doubled:
        places = [str(i + 1) for i, word in enumerate(names) if word == doubled[0]]
        raise DataError(
            f"the header of {name}",
            needed="a different name for each column",
            got=f"{doubled[0]!r} at columns {' and '.join(places)}"
            + (f" (and {len(doubled) - 1} more such names)" if len(doubled) > 1 else ""),
            try_="renaming one of them",
        )
    return Fields(names, rows, delimiter, notes)


def _refuse_other_kinds(text: str, name: str) -> None:
    start = text[:2000].lstrip().lower()
    kind = None
    if start.startswith(("<!doctype html", "<html")):
        kind = "a web page"
    elif start.startswith(("<?xml", "<!doctype")):
        kind = "XML"
    elif re.match(r'[\[{]\s*[\[{"]', start) and re.search(r'"\s*:', start):
        kind = "JSON"
    elif start.startswith("{\\rtf"):
        kind = "a word processor's file"
    elif start.startswith("version https://git-lfs"):
        kind = "a placeholder that stands for the real file (Git LFS)"
    if kind is not None:
        raise DataError(
            name,
            needed="a table as text (CSV or TSV)",
            got=kind,
            try_="exporting or downloading the table itself as CSV",
        )


def _sniff(text: str) -> tuple[str, str | None]:
    """Return the delimiter under which most of the first lines have as many fields as the first."""
    end, line = 0, 0
    while line < SNIFFED_LINES and (end := text.find("\n", end) + 1) > 0:
        line += 1
    sample = text[:end] if end > 0 else text
    lines = [line for line in sample.split("\n") if line.strip()]
    found: list[tuple[float, int, str, int]] = []
    for delimiter in DELIMITERS:
        counts = [len(row) for row in _parse(sample, delimiter, csv.QUOTE_MINIMAL) if row]
        counts = counts or [1]
        agreement = counts.count(counts[0]) / len(counts)
        if counts[0] > 1 and agreement >= LEAST_AGREEMENT:
            found.append((round(agreement, 2), counts[0], delimiter, len(counts)))
    if found:
        agreement, fields, delimiter, read = max(found, key=lambda one: one[:2])
        if delimiter == ",":
            return delimiter, None
        return delimiter, (
            f"delimiter {SPOKEN[delimiter]} because it splits {agreement:.0%} of the first "
            f"{read} lines into {fields} fields"
        )
    counts = [len(line.split(" ")) for line in lines]
    if len(lines) > 1 and counts[0] > 1 and set(counts) == {counts[0]}:
        return " ", (
            f"delimiter blank because it splits each of the first {len(lines)} lines into "
            f"{counts[0]} fields"
        )
    return _line_delimiter(lines)


def _line_delimiter(lines: list[str]) -> tuple[str, str | None]:
    """Choose when no delimiter splits the lines alike: the header's own, or one single column."""
    header = Counter({mark: lines[0].count(mark) for mark in DELIMITERS if mark in lines[0]})
    if header:
        delimiter = max(header, key=lambda mark: header[mark])
        return delimiter, None
    return ",", "one single column because no comma, semicolon, tab or | splits the lines alike"


def _parse(text: str, delimiter: str, quoting: int) -> Iterator[list[str]]:
    lines = (line + "\n" for line in text.split("\n"))
    with _long_fields():
        try:
            if quoting == csv.QUOTE_NONE:
                yield from csv.reader(
                    lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, quotechar=None
                )
            else:
                blanks = delimiter != "\t" and delimiter != " "
                yield from csv.reader(lines, delimiter=delimiter, skipinitialspace=blanks)
        except csv.Error as error:
            raise DataError("the table", needed="rows of fields", got=str(error)) from error


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _records(text: str, delimiter: str, name: str) -> tuple[list[list[str]], list[str]]:
    """Return all rows, header first, read with quotes where they are balanced, else without."""
    ways = [csv.QUOTE_MINIMAL, csv.QUOTE_NONE]
    if '"' not in text:
        ways = [csv.QUOTE_NONE]
    elif delimiter in "\t " and not _quotes_balanced(text, delimiter):
        ways.reverse()
    problem: _RaggedError | None = None
    for way in ways:
        try:
            records, notes = _even_records(text, delimiter, way, name)
        except _RaggedError as error:
            problem = problem or error
            continue
        if way == csv.QUOTE_NONE and len(ways) > 1:
            notes.append("quotes are read as plain characters because they are not balanced")
        return records, notes
    assert problem is not None
    raise problem.error


def _quotes_balanced(text: str, delimiter: str) -> bool:
    for line in text.split("\n"):
        if '"' in line:
            for part in line.split(delimiter):
                if part.startswith('"') and not (len(part) > 1 and part.endswith('"')):
                    return False
    return True


def _even_records(
    text: str, delimiter: str, quoting: int, name: str
) -> tuple[list[list[str]], list[str]]:
    with _long_fields():
        dialect: dict[str, object] = {"delimiter": delimiter, "quoting": quoting}
        if quoting != csv.QUOTE_NONE:
            dialect["skipinitialspace"] = delimiter not in "\t "
        # The last line can only come out alone if every quote before it was closed.
        lines = itertools.chain(text.split("\n"), [END])
        reader = csv.reader((line + "\n" for line in lines), **dialect)  # type: ignore[arg-type]
        records: list[list[str]] = []
        starts: list[int] = []
        before = 0
        try:
            for row in reader:
                if row and not (len(row) == 1 and not row[0].strip()):
                    records.append(row)
                    starts.append(before + 1)
                before = reader.line_num
        except csv.Error as error:
            raise _RaggedError(
                DataError(f"line {reader.line_num} of {name}", needed="fields", got=str(error))
            ) from error
    if records[-1] != [END]:
        raise _RaggedError(
            DataError(
                f"line {starts[-1]} of {name}",
                needed="a closing quote for each opening one",
                got='a " that is never closed',
                try_='removing it, or writing "" for a quote inside quotes',
            )
        )
    records.pop()
    if not records:
        raise _RaggedError(
            DataError(name, needed="a header and at least one row", got="empty lines only")
        )
    return records, _even_out(records, starts, name, delimiter)


def _even_out(records: list[list[str]], starts: list[int], name: str, delimiter: str) -> list[str]:
    """Cut empty fields beyond the header's, in place; raise for rows that really differ."""
    notes: list[str] = []
    width = len(records[0])
    wrong: list[int] = []
    longer = 0
    for i, row in enumerate(records):
        if len(row) > width and not any(part.strip() for part in row[width:]):
            del row[width:]
            longer += 1
        elif len(row) != width:
            wrong.append(i)
    if wrong:
        shown = ", ".join(f"{len(records[i])} at line {starts[i]}" for i in wrong[:SHOWN_LINES])
        first = records[wrong[0]]
        advice = f"mending line {starts[wrong[0]]}"
        if len(first) > width:
            advice += f", or quoting fields that hold a {SPOKEN.get(delimiter, delimiter)}"
        raise _RaggedError(
            DataError(
                f"line {starts[wrong[0]]} of {name}",
                needed=f"{width} fields, as in line {starts[0]}",
                got=f"{len(first)}"
                + (f" ({len(wrong)} such rows: {shown})" if len(wrong) > 1 else ""),
                try_=advice,
            )
        )
    if longer:
        notes.append(f"{longer} rows end in more delimiters than the header; the surplus is empty")
    blank = 0
    while len(records) > 2 and not any(part.strip() for part in records[-1]):
        records.pop()
        blank += 1
    if blank:
        notes.append(f"{blank} rows without any value at the end were left out")
    return notes


def _header(records: list[list[str]]) -> tuple[list[str], list[list[str]], list[str]]:
    """Return names, rows and notes; names are made up where the file brings none."""
    first = [part.strip() for part in records[0]]
    numbers = [part for part in first if _is_number(part)]
    if _is_data(first, numbers):
        names = [f"column_{i + 1}" for i in range(len(first))]
        note = (
            f"no header because {len(numbers)} of the {len(first)} fields of the first line are "
            f"numbers, for example {numbers[0]}; the columns are called column_1 to "
            f"column_{len(first)}"
        )
        return names, records, [note]
    names, blank = [], []
    for i, name in enumerate(first):
        made_up = name
        if not name:
            made_up = f"column_{i + 1}"
            while made_up in first:
                made_up += "_"
            blank.append(made_up)
        names.append(made_up)
    notes = [f"columns without a name are called {', '.join(blank)}"] if blank else []
    return names, records[1:], notes


def _is_data(first: list[str], numbers: list[str]) -> bool:
    """Tell whether the first line holds values rather than names."""
    if not numbers:
        return False
    if len(numbers) == len(first):
        return True
    if any("." in number or "-" in number for number in numbers):
        return True
    values = [float(number) for number in numbers]
    running = all(later == earlier + 1 for earlier, later in itertools.pairwise(values))
    years = all(1000 <= value < 3000 for value in values)
    # Columns may well be called 0, 1, 2 ... or 1990, 1995 ...; other numbers are no names.
    return len(numbers) > 1 and not running and not years


def _is_number(part: str) -> bool:
    try:
        return math.isfinite(float(part))
    except ValueError:
        return False
