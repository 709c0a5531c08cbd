"""What a manifest of prepared rows says: which arrays there are, and how much of each is whole.

It stays small however many rows there are: what is known of each piece lies in a file beside it,
a line for each piece, of which the manifest holds how many count. Nothing in it is believed. Knows
sizes and names, not what they mean; `prepared.py` writes the files.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from misstep.errors import FileFormatError, StorageError

__all__ = ["Manifest", "PreparedArray", "fact_line", "fact_lines", "is_name", "read_manifest"]

KIND, VERSION = "misstep prepared rows", 2
# That of before held facts on pieces itself, without a bound: its rows are made anew.
OLDER = 1
# The kinds of numbers that there may be, little-endian.
DTYPES = ("uint8", "uint16", "int32", "int64", "float32", "float64")
NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
# Bytes of a manifest and of the facts on one piece. JSON takes some 30 times as much memory.
MOST_BYTES = 2**22
MOST_AXES = 8
# No disk has more.
MOST_COUNT = 2**48


@dataclass
class PreparedArray:
    """An array, of which so many rows in so many pieces are whole.

    `fact_bytes`: of the lines on these pieces. `whole`: whether nothing more comes.
    """

    dtype: str
    row_shape: tuple[int, ...]
    rows: int = 0
    pieces: int = 0
    fact_bytes: int = 0
    whole: bool = False

    @property
    def row_bytes(self) -> int:
        """Return the bytes of a row."""
        return math.prod(self.row_shape) * np.dtype(self.dtype).itemsize

    @property
    def bytes(self) -> int:
        """Return the bytes of all rows that are whole."""
        return self.rows * self.row_bytes


@dataclass
class Manifest:
    """Arrays by name, prepared for a key. `facts`: plain, on all of them.

    `leftover`: names of arrays of another key, whose files are still to be removed.
    """

    key: str
    facts: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, PreparedArray] = field(default_factory=dict)
    leftover: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return it as it is written. Raises ValueError for facts that are too many."""
        arrays = {
            name: {
                "dtype": one.dtype,
                "row_shape": list(one.row_shape),
                "rows": one.rows,
                "pieces": one.pieces,
                "fact_bytes": one.fact_bytes,
                "whole": one.whole,
            }
            for name, one in self.arrays.items()
        }
        plain = {
            "kind": KIND,
            "version": VERSION,
            "key": self.key,
            "facts": self.facts,
            "arrays": arrays,
            "leftover": self.leftover,
        }
        text = json.dumps(plain, allow_nan=False)
        if len(text) > MOST_BYTES:
            raise ValueError(f"{len(text):,} bytes of facts on prepared rows")
        return text


def read_manifest(path: Path) -> Manifest:
    """Return what a manifest says; of an older version, only which files there are.

    Raises StorageError, or FileFormatError for what is no manifest.
    """
    which = str(path)
    try:
        # Who opens a pipe waits for ever.
        if not path.is_file():
            raise ValueError("something else than a file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES:,} bytes")
        plain = json.loads(content)
        if plain["kind"] != KIND or plain["version"] not in (OLDER, VERSION):
            raise ValueError("another kind or version")
        if plain["version"] == OLDER:
            return Manifest("", leftover=_names(list(plain["arrays"])))
        key, facts = plain["key"], plain["facts"]
        if not isinstance(key, str) or not isinstance(facts, dict):
            raise ValueError("no key")
        arrays = {name: _array(name, one) for name, one in plain["arrays"].items()}
        return Manifest(key, facts, arrays, _names(plain["leftover"]))
    except OSError as error:
        raise StorageError(
            which, needed="a file that can be read", got=error.strerror or str(error)
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileFormatError(
            which,
            needed="what this version of misstep writes about rows that it prepared",
            got=" ".join(str(error).split())[:100],
            try_=f"removing the folder {path.parent}, or naming another one",
        ) from error


def is_name(name: object) -> bool:
    """Tell whether an array may be called so, and its files after it."""
    return isinstance(name, str) and NAME.fullmatch(name) is not None


def _names(plain: Any) -> list[str]:
    if not isinstance(plain, list) or not all(map(is_name, plain)):
        raise ValueError("names of arrays that can't be")
    return plain


def _array(name: str, plain: Any) -> PreparedArray:
    """Return an array. Raises ValueError, KeyError or TypeError for what can't be one."""
    shape = plain["row_shape"]
    rows, pieces, fact_bytes = (plain[each] for each in ("rows", "pieces", "fact_bytes"))
    sides = shape if isinstance(shape, list) and len(shape) < MOST_AXES else [-1]
    if not is_name(name) or plain["dtype"] not in DTYPES:
        raise ValueError(f"an array {name!r:.80} of {plain['dtype']!r:.80}")
    if any(
        type(one) is not int or not 0 <= one < MOST_COUNT
        for one in [rows, pieces, fact_bytes, *sides]
    ):
        raise ValueError(f"the sizes of {name}")
    # NumPy refuses shapes beyond that, even of no rows.
    if math.prod(max(one, 1) for one in [rows, *sides]) >= MOST_COUNT:
        raise ValueError(f"the sizes of {name}")
    if type(plain["whole"]) is not bool:
        raise ValueError(f"what {name} is")
    return PreparedArray(plain["dtype"], tuple(shape), rows, pieces, fact_bytes, plain["whole"])


def fact_line(facts: Any) -> bytes:
    """Return plain facts on a piece as a line. Raises ValueError for too many."""
    line = json.dumps(facts, allow_nan=False).encode() + b"\n"
    if len(line) > MOST_BYTES:
        raise ValueError(f"{len(line):,} bytes of facts on a piece")
    return line


def fact_lines(file: BinaryIO, of: PreparedArray) -> Iterator[Any]:
    """Yield the facts on each piece that counts, one after the other.

    Raises ValueError, among others that json raises, for lines that can't be.
    """
    left = of.fact_bytes
    for _ in range(of.pieces):
        line = file.readline(min(left, MOST_BYTES))
        left -= len(line)
        if not line.endswith(b"\n"):
            raise ValueError("facts on pieces that end before the last one")
        yield json.loads(line)
    if left:
        raise ValueError("facts on more pieces than there are")
