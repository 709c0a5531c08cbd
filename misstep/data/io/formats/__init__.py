"""Tables in files that are not text with delimiters: which kind a file is of, and its table.

A kind is one class in a file of this folder. What it needs beside the core is imported when a file
of it is read, not before.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from pathlib import Path

from misstep.data.io.files import existing_path, open_bytes, read_block, read_bytes
from misstep.data.io.formats.table_format import PART, Content, TableFormat, WordTable
from misstep.data.io.packed import unpacked_name
from misstep.errors import MisstepError

for _found in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_found.name}")

__all__ = ["PART", "WordTable", "format_of", "read_words", "split_part"]

# Bytes at the beginning that tell one kind from the others.
HEAD = 16


def split_part(source: str | os.PathLike[str]) -> tuple[str, str]:
    """Return a file and which of its tables is meant, "" for none in particular.

    >>> split_part("shop.sqlite::orders")
    ('shop.sqlite', 'orders')
    """
    words = os.fsdecode(source)
    if PART not in words or os.path.lexists(words):
        return words, ""
    file, _, part = words.partition(PART)
    return (file, part) if file and part else (words, "")


def format_of(source: str | os.PathLike[str]) -> TableFormat | None:
    """Return the kind of a file by its name or first bytes; None: text, or no file at all."""
    file = split_part(source)[0]
    if "\n" in file:
        return None
    try:
        path = Path(file).expanduser()
        if not path.is_file():
            return None
    except (OSError, ValueError, RuntimeError):
        return None
    name = unpacked_name(path.name).lower()
    for kind in TableFormat.registry:
        if name.endswith(kind.endings):
            return kind
    try:
        opened, _ = open_bytes(path)
        with opened:
            head = read_block(opened, path, HEAD)
    except MisstepError:
        # It is told by whoever reads it.
        return None
    return next((kind for kind in TableFormat.registry if head.startswith(kind.magics)), None)


def read_words(source: str | os.PathLike[str], kind: TableFormat) -> WordTable:
    """Return the table in a file of a kind. Raises StorageError, FileFormatError or DataError."""
    file, part = split_part(source)
    path = existing_path(file)
    opened, packed = open_bytes(path)
    opened.close()
    content = Content(path, path.name, part, read_bytes(path) if packed else None)
    return kind.read(content)
