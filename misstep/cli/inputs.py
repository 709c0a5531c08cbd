"""What a person gave on the command line, read: a model file, and rows from a SOURCE.

Adds to the errors of the rooms below what only a command line knows, such as the examples' names.
"""

from __future__ import annotations

import atexit
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from misstep.cli.places import MODEL, RUNS
from misstep.data import Dataset, is_idx_folder, read_rows, read_source, unknown_source
from misstep.data.io.files import existing_path
from misstep.data.preparation import Preparation
from misstep.errors import DataError, MisstepError, StorageError
from misstep.modeling import TrainedModel, load_model

# What SOURCE is for CSV that comes on standard input, and what its file is called.
STANDARD_INPUT, STANDARD_INPUT_NAME = "-", "standard-input"
# The file of what came there, which is removed as the process ends.
_kept: list[Path] = []


def read_data(source: str, preparation: Preparation | None = None) -> Dataset:
    """Return the table, images or sequences that `source` names. Raises MisstepError in words.

    `preparation`: where rows are prepared that do not fit into memory.
    """
    source = file_of(source)
    try:
        return read_source(source, preparation)
    except StorageError as error:
        raise _clearer(source, error) from error


def read_rows_for(
    source: str, model: TrainedModel, preparation: Preparation | None = None
) -> Dataset:
    """Return rows that `model` may predict for. Raises MisstepError in words.

    `preparation`: where rows are prepared that do not fit into memory.
    """
    source = file_of(source)
    try:
        return read_rows(source, model.preprocessing, model.target.name, preparation)
    except StorageError as error:
        raise _clearer(source, error) from error


def file_of(source: str) -> str:
    """Return what names a source; of standard input, a file with what comes there.

    The file is there as long as this process is. Raises DataError where a person sits at standard
    input, StorageError where there is no room for it.
    """
    if source != STANDARD_INPUT:
        return source
    if sys.stdin is None or sys.stdin.isatty():
        raise DataError(
            "standard input",
            needed="CSV that another command writes there",
            got="nobody who does",
            try_="cat new.csv | misstep predict MODEL -",
        )
    if not _kept:
        folder = tempfile.mkdtemp(prefix="misstep-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder) / f"{STANDARD_INPUT_NAME}.csv"
        try:
            with path.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        except OSError as error:
            raise StorageError.of_writing(str(path), error) from error
        _kept.append(path)
    return str(_kept[0])


def read_model(path: Path) -> TrainedModel:
    """Return the model in the file at `path`. Raises StorageError or FileFormatError."""
    known = RUNS / path / MODEL
    if not path.exists() and known.is_file():
        raise StorageError(
            str(path), needed="a model file", got="nothing of that name", try_=str(known)
        )
    existing = existing_path(path, folder=True)
    if existing.is_dir():
        inside = existing / MODEL
        raise StorageError(
            f"{existing}",
            needed="a model file",
            got="a folder",
            try_=str(inside) if inside.is_file() else "the file that `misstep train` names",
        )
    return load_model(existing)


def split_in_words(rows: Dataset) -> str:
    """Return which part of what was given the rows are, as the end of a sentence."""
    return f", {rows.split_name}" if rows.split_name else ""


def quoted(word: Any) -> str:
    """Return a word as it must be written on a command line."""
    return shlex.quote(str(word))


def _clearer(source: str, error: StorageError) -> MisstepError:
    """Return the error, with what only a command line knows: examples, and folders of images."""
    path = Path(source)
    if source.strip() and path.is_dir() and not is_idx_folder(path):
        needed = (
            "a table, a folder with a folder of images or texts for each class, or MNIST's idx "
            "files"
        )
        empty = not any(each.is_file() for each in path.rglob("*"))
        return StorageError(
            source,
            needed=needed,
            got="a folder without files" if empty else "another folder",
            try_="another folder" if empty else error.try_,
        )
    near = unknown_source(source)
    if near is None or not source.replace("-", "").replace("_", "").isalnum():
        return error
    return StorageError(
        source,
        needed="a file, a folder or the name of an example",
        got="none of that name",
        try_=f"{near}, the example",
    )
