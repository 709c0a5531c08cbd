"""How text becomes rows of fields: which delimiter, which quoting, which line is the header.

Knows text only, no files and no data frames; `table/table.py` gives the fields their types. Every
choice leaves a sentence in the notes that says what it rests on.

Python's csv splits the lines. What goes on top of it, neither csv.Sniffer nor pandas.read_csv does:
the first takes a blank for the delimiter of reviews and short messages (IMDB, SMS Spam) and gives
up on one single column; the second fills rows that are too short, and names no other lines.
"""

from __future__ import annotations

import csv
import itertools
import math
import re
from collections import Counter
from dataclasses import dataclass, field

from misstep.errors import DataError
from misstep.text.counts import counted, plural

__all__ = ["LONGEST_FIELD", "Fields", "delimiter_of", "header_of", "split_fields"]

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
# How other kinds of text begin, in lower case.
OTHER_KINDS = {
    r"<!doctype html|<html": "a web page",
    r"<\?xml|<!doctype": "XML",
    r'[\[{]\s*[\[{"](?=.*"\s*:)': "JSON",
    r"{\\rtf": "a word processor's file",
    r"version https://git-lfs": "a placeholder that stands for the real file (Git LFS)",
}


@dataclass
class Fields:
    """A header, rows of equally many fields, the delimiter, and what was noticed."""

    names: list[str]
    rows: list[list[str]]
    delimiter: str
    notes: list[str] = field(default_factory=list)


def split_fields(text: str, name: str, tabs: bool = False) -> Fields:
    """Split the text of a table into fields.

    `text`: lines ended by newline; `name`: what errors call it; `tabs`: the file's name says tab.
    Raises DataError: header only, ragged rows, unclosed quotes, duplicate names, not a table.
    """
    delimiter, reason, text = delimiter_of(text, name, tabs)
    records, quoting_notes = _records(text, delimiter, name)
    names, rows, header_notes = header_of(records, name)
    if not rows:
        raise DataError(
            name,
            needed="a header and at least one row",
            got=f"a header of {len(names)} names and no rows",
        )
    notes = [*filter(None, [reason]), *quoting_notes, *header_notes]
    return Fields(names, rows, delimiter, notes)


def delimiter_of(text: str, name: str, tabs: bool = False) -> tuple[str, str, str]:
    """Return the delimiter, the reason for it or "", and the text without a line that says it.

    `text`, `name`, `tabs`: as for `split_fields`; of a long text its beginning says as much. Raises
    DataError for other kinds of text.
    """
    _refuse_other_kinds(text, name)
    first, _, rest = text.partition("\n")
    if re.fullmatch(r"sep=.\s*", first) and rest.strip():
        return first[4], f"delimiter {SPOKEN.get(first[4], first[4])} because line 1 says so", rest
    if tabs and "\t" in first:
        return "\t", "", text
    return *_sniff(text), text


def header_of(records: list[list[str]], name: str) -> tuple[list[str], list[list[str]], list[str]]:
    """Return the names of columns, the records that are rows, and notes.

    Names are made up where there is no header. Raises DataError for a name that stands twice.
    """
    names, rows, notes = _header(records)
    doubled = [word for word, count in Counter(names).items() if count > 1]
    if doubled:
        numbers = [str(i + 1) for i, word in enumerate(names) if word == doubled[0]]
        more = f" (and {len(doubled) - 1} more such names)" if len(doubled) > 1 else ""
        raise DataError(
            f"the header of {name}",
            needed="a different name for each column",
            got=f"{doubled[0]!r} at columns {' and '.join(numbers)}{more}",
            try_="renaming one of them",
        )
    return names, rows, notes


def _refuse_other_kinds(text: str, name: str) -> None:
    start = text[:2000].lstrip().lower()
    for pattern, description in OTHER_KINDS.items():
        if re.match(pattern, start, re.DOTALL):
            raise DataError(
                name,
                needed="a table as text (CSV or TSV)",
                got=description,
                try_="exporting or downloading the table itself as CSV",
            )


def _sniff(text: str) -> tuple[str, str]:
    """Return the delimiter under which most of the first lines have as many fields as the first.

    And the reason, empty for a comma. Where none does, the header's own, or one single column.
    """
    sample = text.split("\n", SNIFFED_LINES)[:SNIFFED_LINES]
    lines = [line for line in sample if line.strip()]
    candidates: list[tuple[float, int, str, int]] = []
    for delimiter in DELIMITERS:
        try:
            rows, _ = _split(sample, delimiter, csv.QUOTE_MINIMAL)
        except csv.Error as error:
            raise DataError("the table", needed="rows of fields", got=str(error)) from error
        counts = [len(row) for row in rows if row] or [1]
        agreement = counts.count(counts[0]) / len(counts)
        if counts[0] > 1 and agreement >= LEAST_AGREEMENT:
            candidates.append((round(agreement, 2), counts[0], delimiter, len(counts)))
    if candidates:
        agreement, fields, delimiter, read = max(candidates, key=lambda candidate: candidate[:2])
        if delimiter == ",":
            return delimiter, ""
        return delimiter, (
            f"delimiter {SPOKEN[delimiter]} because it splits {agreement:.0%} of the first "
            f"{read} lines into {fields} fields"
        )
    widths = {len(line.split(" ")) for line in lines}
    if len(lines) > 1 and len(widths) == 1 and widths != {1}:
        return " ", (
            f"delimiter blank because it splits each of the first {len(lines)} lines into "
            f"{widths.pop()} fields"
        )
    header = Counter(mark for mark in lines[0] if mark in DELIMITERS)
    if header:
        return max(DELIMITERS, key=lambda mark: header[mark]), ""
    return ",", "one single column because no comma, semicolon, tab or | splits the lines alike"


def _split(lines: list[str], delimiter: str, quoting: int) -> tuple[list[list[str]], list[int]]:
    """Return the fields of all records, and the line where each begins. Raises csv.Error."""
    limit = csv.field_size_limit(LONGEST_FIELD)
    try:
        plain = quoting == csv.QUOTE_NONE
        reader = csv.reader(
            (line + "\n" for line in lines),
            delimiter=delimiter,
            quoting=quoting,  # type: ignore[arg-type]
            quotechar=None if plain else '"',
            skipinitialspace=not plain and delimiter not in "\t ",
        )
        records, starts, start = [], [], 1
        try:
            for record in reader:
                records.append(record)
                starts.append(start)
                start = reader.line_num + 1
        except csv.Error as error:
            raise csv.Error(str(error), reader.line_num) from error
        return records, starts
    finally:
        csv.field_size_limit(limit)


def _records(text: str, delimiter: str, name: str) -> tuple[list[list[str]], list[str]]:
    """Return all rows, header first, read with quotes where they are balanced, else without."""
    ways = [csv.QUOTE_MINIMAL, csv.QUOTE_NONE]
    if '"' not in text:
        ways = [csv.QUOTE_NONE]
    elif delimiter in "\t " and not _quotes_balanced(text, delimiter):
        ways.reverse()
    problem: DataError | None = None
    for quoting in ways:
        try:
            records, notes = _even_records(text, delimiter, quoting, name)
        except DataError as error:
            problem = problem or error
            continue
        if quoting == csv.QUOTE_NONE and len(ways) > 1:
            notes.append("quotes are read as plain characters because they are not balanced")
        return records, notes
    assert problem is not None
    raise problem


def _quotes_balanced(text: str, delimiter: str) -> bool:
    quoted = (cell for line in text.split("\n") if '"' in line for cell in line.split(delimiter))
    return not any(
        cell.startswith('"') and not (len(cell) > 1 and cell.endswith('"')) for cell in quoted
    )


def _even_records(
    text: str, delimiter: str, quoting: int, name: str
) -> tuple[list[list[str]], list[str]]:
    """Return all rows, header first, each as wide as that, and notes. Raises DataError."""
    try:
        # The last line can only come out alone if every quote before it was closed.
        records, starts = _split([*text.split("\n"), END], delimiter, quoting)
    except csv.Error as error:
        got, line = error.args
        raise DataError(f"line {line} of {name}", needed="fields", got=got) from error
    if records[-1] != [END]:
        raise DataError(
            f"line {starts[-1]} of {name}",
            needed="a closing quote for each opening one",
            got='a " that is never closed',
            try_='removing it, or writing "" for a quote inside quotes',
        )
    kept = [i for i, row in enumerate(records[:-1]) if len(row) > 1 or (row and row[0].strip())]
    if not kept:
        raise DataError(name, needed="a header and at least one row", got="empty lines only")
    between = [i for i in range(kept[0], kept[-1]) if not "".join(records[i]).strip()]
    blank = [i for i in between if len(records[i]) < 2]
    notes = []
    if blank and len(records[kept[0]]) == 1:
        # In a single column an empty line is a row without a value.
        kept = sorted(kept + blank)
    elif blank:
        which = f"line {starts[blank[0]]}"
        more = f" (and {len(blank) - 1:,} more)" if len(blank) > 1 else ""
        notes.append(f"{which}{more} is empty and no row")
    records, starts = [records[i] or [""] for i in kept], [starts[i] for i in kept]
    return records, notes + _even_out(records, starts, name, delimiter)


def _even_out(records: list[list[str]], starts: list[int], name: str, delimiter: str) -> list[str]:
    """Cut empty fields beyond the header's, in place; raise for rows that really differ."""
    width = len(records[0])
    longer = 0
    for row in records:
        if len(row) > width and not any(cell.strip() for cell in row[width:]):
            del row[width:]
            longer += 1
    wrong = [i for i, row in enumerate(records) if len(row) != width]
    if wrong:
        first, line = len(records[wrong[0]]), starts[wrong[0]]
        shown = ", ".join(f"{len(records[i])} at line {starts[i]}" for i in wrong[:SHOWN_LINES])
        others = {len(row) for row in records[1:]}
        if len(others) == 1 and len(records) > 2:
            # A title above the names, or names without what stands below them.
            advice = f"leaving line {starts[0]} out, if the names of the columns stand below it"
        else:
            advice = f"mending line {line}"
            if first > width:
                advice += f", or quoting fields that hold a {SPOKEN.get(delimiter, delimiter)}"
        raise DataError(
            f"line {line} of {name}",
            needed=f"{counted(width, 'field')}, as in line {starts[0]}",
            got=f"{first}" + (f" ({len(wrong)} such rows: {shown})" if len(wrong) > 1 else ""),
            try_=advice,
        )
    notes = []
    if longer:
        notes.append(
            f"{counted(longer, 'row')} {plural(longer, 'ends', 'end')} in more delimiters than the "
            "header; the surplus is empty"
        )
    rows = len(records)
    while len(records) > 2 and not any(cell.strip() for cell in records[-1]):
        records.pop()
    if len(records) < rows:
        notes.append(
            f"left out at the end: {counted(rows - len(records), 'row')} without any value"
        )
    return notes


def _header(records: list[list[str]]) -> tuple[list[str], list[list[str]], list[str]]:
    """Return names, rows and notes; names are made up where the file brings none."""
    first = [cell.strip() for cell in records[0]]
    numbers = [cell for cell in first if _is_number(cell)]
    if _is_data(first, numbers):
        names = [f"column_{i + 1}" for i in range(len(first))]
        note = (
            f"no header because {len(numbers)} of the {len(first)} fields of the first line are "
            f"numbers, for example {numbers[0]}; the columns are called column_1 to "
            f"column_{len(first)}"
        )
        return names, records, [note]
    names, unnamed = [], []
    for i, name in enumerate(first):
        if not name:
            name = f"column_{i + 1}"
            while name in first:
                name += "_"
            unnamed.append(name)
        names.append(name)
    notes = [f"columns without a name are called {', '.join(unnamed)}"] if unnamed else []
    return names, records[1:], notes


def _is_data(first: list[str], numbers: list[str]) -> bool:
    """Tell whether the first line holds values rather than names."""
    if not numbers or len(numbers) == len(first):
        return bool(numbers)
    if any("." in number or "-" in number for number in numbers):
        return True
    values = [float(number) for number in numbers]
    running = all(later == earlier + 1 for earlier, later in itertools.pairwise(values))
    years = all(1000 <= value < 3000 for value in values)
    # Columns may well be called 0, 1, 2 ... or 1990, 1995 ...; other numbers are no names.
    return len(numbers) > 1 and not running and not years


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False
