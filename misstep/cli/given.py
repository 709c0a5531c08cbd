"""What a person gave on the command line, read: a model file, and rows from a SOURCE.

Adds to the errors of the rooms below what only a command line knows, such as the examples' names.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np

from misstep.data import Pictures, Preprocessor, Table
from misstep.data.files import existing_path
from misstep.errors import DataError, StorageError
from misstep.modeling import Model, load_model, read_rows, read_source, unknown_source

MODEL = "model.misstep"

Rows = Table | Pictures | np.ndarray


def read_given(source: str) -> Table | Pictures:
    """Return the table or pictures that `source` names. Raises MisstepError in words."""
    try:
        return read_source(source)
    except StorageError as error:
        raise _with_example(source, error) from error


def read_given_rows(source: str, model: Model) -> Rows:
    """Return rows that `model` may predict for. Raises MisstepError in words."""
    try:
        found = read_rows(source)
    except StorageError as error:
        raise _with_example(source, error) from error
    if isinstance(model.preprocessing, Preprocessor) and not isinstance(found, Table):
        columns = model.preprocessing.column_names
        shown = ", ".join(columns[:6]) + (", …" if len(columns) > 6 else "")
        raise DataError(
            source, needed=f"a table with the columns of training ({shown})", got="pictures"
        )
    return found


def read_model(path: Path) -> Model:
    """Return the model in the file at `path`. Raises StorageError or FileFormatError."""
    place = existing_path(path, folder=True)
    if place.is_dir():
        inside = place / MODEL
        raise StorageError(
            f"{place}", needed="a model file", got="a folder",
            try_=str(inside) if inside.is_file() else "the file that `misstep train` names",
        )  # fmt: skip
    return load_model(place)


def number_of_rows(rows: Rows) -> int:
    """Return how many rows there are to predict for."""
    if isinstance(rows, Pictures):
        return len(rows.test_pictures) or len(rows.train_pictures)
    return len(rows)


def kind_of_rows(rows: Rows) -> str:
    """Return what one of these rows is called."""
    return "row" if isinstance(rows, Table) else "picture"


def part_in_words(rows: Rows) -> str:
    """Return which part of a folder of pictures is meant, in words, or nothing."""
    if isinstance(rows, Pictures) and len(rows.test_pictures):
        return ", the test part"
    return ""


def quoted(word: Any) -> str:
    """Return a word as it must be written on a command line."""
    return shlex.quote(str(word))


def _with_example(source: str, error: StorageError) -> StorageError:
    """Return the error, with the nearest example where `source` could be meant as one."""
    near = unknown_source(source)
    if near is None or not source.replace("-", "").replace("_", "").isalnum():
        return error
    return StorageError(
        source, needed="a file, a folder or the name of an example", got="none of that name",
        try_=f"{near}, the example",
    )  # fmt: skip
