"""Texts that are files: class folders of .txt files, a folder of them, a file of one text a line.

All become a `Table` with a column "text"; class folders give a column "class" as well. Knows files
and tables, not what is learned from them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from misstep.data.image.decoding import is_image_name
from misstep.data.io.files import existing_path, folders_in, listed, read_text
from misstep.data.io.packed import unpacked_name
from misstep.data.table.cell_values import sound_text
from misstep.data.table.table import Table, read_table
from misstep.errors import DataError, FileFormatError, StorageError
from misstep.text.counts import counted
from misstep.text.lists import and_so_on

__all__ = ["TEXT", "is_text_folder", "read_lines", "read_text_folder", "read_texts"]

TEXT, CLASS = "text", "class"
ENDING = ".txt"
# Enough of a folder to see what it holds.
ENTRIES = 1000
# More files that can't be read than this share are no accident.
MOST_BROKEN = 0.1
SHOWN = 5


def is_text_folder(path: Path) -> bool:
    """Tell whether a path is a folder with .txt files, in it or one level below.

    Among more images than that, such files are notes about them.
    """
    if not path.is_dir():
        return False
    entries = list(islice(_entries(path), ENTRIES))
    texts = sum(map(_is_text, entries))
    return texts > 0 and texts >= sum(is_image_name(entry.name) for entry in entries)


def read_text_folder(source: str | os.PathLike[str]) -> Table:
    """Return the .txt files of a folder as a table, one row for each, in order of their names.

    With folders inside, each is a class: columns text and class, the target. Else text alone.
    `Table.files` are their names within the folder. Files that can't be read are left out, with a
    note. Raises StorageError; DataError for a folder without such files, or with many broken ones.
    """
    import pandas

    path = existing_path(source, folder=True)
    groups = [
        (sound_text(folder.name), list(filter(_is_text, listed(folder))))
        for folder in folders_in(path)
    ]
    groups = [(name, files) for name, files in groups if files]
    classed = bool(groups)
    loose = list(filter(_is_text, listed(path)))
    notes = []
    if groups and loose:
        notes.append(f"{counted(len(loose), 'file')} beside the class folders left out")
    texts: list[str | None] = []
    classes: list[str] = []
    names: list[str] = []
    broken: list[str] = []
    for name, files in groups or [("", loose)]:
        for file in files:
            within = str(file.relative_to(path))
            try:
                texts.append(_content(file))
            except (StorageError, FileFormatError):
                broken.append(within)
                continue
            classes.append(name)
            names.append(within)
    count = len(texts) + len(broken)
    if not count:
        raise DataError(f"{path}", needed=f"files that end in {ENDING}", got="none")
    shown = and_so_on(broken, SHOWN)
    if len(broken) > MOST_BROKEN * count:
        got = f"{len(broken):,} of {count:,} files that are none ({shown})"
        raise DataError(f"{path}", needed="files of text", got=got)
    if broken:
        notes.append(f"{counted(len(broken), 'file')} that can't be read left out: {shown}")
    columns: dict[str, Any] = {TEXT: pandas.Series(texts, dtype=object)}
    if classed:
        columns[CLASS] = pandas.Series(classes, dtype=object)
    target = CLASS if classed else None
    return Table(pandas.DataFrame(columns), path.name, notes, target, names, (TEXT,))


def read_lines(source: str | os.PathLike[str], column: str = TEXT) -> Table:
    """Return a file of one text a line as a table with the one column `column`.

    An empty line is a text that is missing. Raises StorageError, FileFormatError or DataError.
    """
    import pandas

    path = existing_path(source)
    text, notes = read_text(path)
    lines: list[Any] = [line.strip() or None for line in text.removesuffix("\n").split("\n")]
    return Table(pandas.DataFrame({column: pandas.Series(lines, dtype=object)}), path.name, notes)


def read_texts(path: Path, column: str) -> Table | None:
    """Return the texts of a .txt file, one a line, or of a folder, in the column `column`.

    A .txt file may also be a table that has this column. None for other places. Raises
    StorageError, FileFormatError or DataError.
    """
    if path.is_file() and unpacked_name(path.name).lower().endswith(ENDING):
        try:
            table = read_table(path)
        except (DataError, FileFormatError):
            return read_lines(path, column)
        return table if column in table.frame else read_lines(path, column)
    if is_text_folder(path):
        table = read_text_folder(path)
        return replace(table, frame=table.frame.rename(columns={TEXT: column}), texts=(column,))
    return None


def _content(file: Path) -> str | None:
    """Return the text of a file; None for an empty one."""
    try:
        return read_text(file)[0]
    except DataError as error:
        if isinstance(error, FileFormatError):
            raise
        return None


def _is_text(path: Path) -> bool:
    return path.suffix.lower() == ENDING and not path.name.startswith(".") and path.is_file()


def _entries(folder: Path) -> Iterator[Path]:
    for entry in listed(folder):
        yield entry
        if entry.is_dir():
            yield from listed(entry)
