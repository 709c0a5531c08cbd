"""Files of recorded sequences as the UEA and UCR archives write them (.ts).

A head of @ lines, then a sequence a line: channels with colons between them, their steps with
commas, the class last. Where the name of a file ends in _TRAIN.ts and one that ends in _TEST.ts
lies beside it, that is what a model is judged on. Knows text and numbers only.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from misstep.data.io.files import existing_path, read_text
from misstep.data.io.packed import unpacked_name
from misstep.data.sequence.sequences import Sequences
from misstep.errors import DataError, NotYetError
from misstep.text.counts import counted

__all__ = ["ENDING", "is_ts_name", "read_ts"]

ENDING = ".ts"
# Numbers that fill up short sequences: so many are free, and so many more for each letter.
FREE_NUMBERS, NUMBERS_PER_LETTER = 2_000_000, 8
# In words that stand for a number that is missing.
MISSING = {"?", "", "nan"}
_SPLIT = re.compile(r"(?i)(?<=[_-])train(?=\.ts)")


@dataclass
class _File:
    """Sequences of a file: channels of each, their labels, and whether there are labels."""

    rows: list[list[list[float]]]
    labels: list[str] | None
    notes: list[str]
    letters: int


def is_ts_name(name: str) -> bool:
    """Tell whether a file is called as those of the archive are, packed or not."""
    return unpacked_name(name).lower().endswith(ENDING)


def read_ts(source: str | os.PathLike[str]) -> Sequences:
    """Return the sequences in a .ts file, and in the file of the test split beside it.

    Raises StorageError, FileFormatError or DataError with the line of what is wrong.
    """
    path = existing_path(source)
    sequences = _sequences(path)
    beside = path.with_name(_SPLIT.sub(_of_test, path.name))
    if beside == path or not beside.is_file():
        return sequences
    test = _sequences(beside)
    if test.channels != sequences.channels:
        raise DataError(
            str(beside),
            needed=f"{counted(sequences.channels, 'channel')}, as in {path.name}",
            got=str(test.channels),
        )
    notes = [*sequences.notes, f"judged on {beside.name}, which lies beside {path.name}"]
    return replace(sequences, test=test, notes=notes)


def _of_test(found: re.Match[str]) -> str:
    return "TEST" if found[0].isupper() else "test" if found[0].islower() else "Test"


def _sequences(path: Path) -> Sequences:
    file = _read(path)
    channels = max(len(row) for row in file.rows)
    lengths = [max(map(len, row)) for row in file.rows]
    steps = max(lengths)
    numbers = len(file.rows) * steps * channels
    if numbers > FREE_NUMBERS + NUMBERS_PER_LETTER * file.letters:
        raise DataError(
            path.name,
            needed="sequences of lengths that are not so different",
            got=f"up to {steps:,} steps, of which {counted(len(file.rows), 'sequence')} fill few",
        )
    values = np.full((len(file.rows), steps, channels), np.nan)
    for at, row in enumerate(file.rows):
        for channel, numbers_of_one in enumerate(row):
            values[at, : len(numbers_of_one), channel] = numbers_of_one
    labels = None if file.labels is None else np.asarray(file.labels)
    sequences = Sequences.of(values, np.asarray(lengths), labels, name=path.name)
    return replace(sequences, notes=[*file.notes, *sequences.notes])


def _read(path: Path) -> _File:
    text, notes = read_text(path)
    lines = text.split("\n")
    head, start = _head(lines, path.name)
    if head.get("timestamps") == "true":
        raise NotYetError(
            path.name,
            needed="steps without times",
            got="@timeStamps true",
            try_="a long table: a row a step, with the time and the sequence in columns",
        )
    labeled = head.get("classlabel", "").startswith("true")
    if head.get("targetlabel", "").startswith("true"):
        labeled = True
    rows: list[list[list[float]]] = []
    labels: list[str] = []
    for at in range(start, len(lines)):
        line = lines[at].strip()
        if not line or line[0] == "#":
            continue
        which = f"line {at + 1} of {path.name}"
        parts = line.split(":")
        if labeled:
            labels.append(parts.pop().strip())
        if not parts:
            raise DataError(which, needed="channels, then the class", got="no channel")
        if rows and len(parts) != len(rows[0]):
            raise DataError(
                which,
                needed=f"{counted(len(rows[0]), 'channel')}, as in the first line",
                got=str(len(parts)),
            )
        row = [_numbers(part, which) for part in parts]
        if not max(map(len, row)):
            raise DataError(which, needed="at least one step", got="none")
        rows.append(row)
    if not rows:
        raise DataError(path.name, needed="a sequence after @data", got="none")
    return _File(rows, labels if labeled else None, notes, len(text))


def _head(lines: list[str], name: str) -> tuple[dict[str, str], int]:
    """Return what the head says, in lower case, and the place of the first line of data."""
    said: dict[str, str] = {}
    for at, raw in enumerate(lines):
        line = raw.strip()
        if line.lower().startswith("@data"):
            return said, at + 1
        if line.startswith("@"):
            key, _, value = line[1:].partition(" ")
            said[key.lower()] = value.strip().lower()
        elif line and line[0] not in "#%":
            raise DataError(f"line {at + 1} of {name}", needed="@data", got=ascii(line[:40]))
    raise DataError(name, needed="a line @data, and sequences after it", got="none")


def _numbers(part: str, which: str) -> list[float]:
    part = part.strip()
    if not part:
        return []
    numbers = []
    for word in part.split(","):
        word = word.strip()
        if word.lower() in MISSING:
            numbers.append(math.nan)
            continue
        try:
            number = float(word)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or "_" in word:
            raise DataError(which, needed="numbers with commas between them", got=ascii(word[:40]))
        numbers.append(number)
    return numbers
