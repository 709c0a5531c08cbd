"""What a person gave on the command line, read: a model file, and rows from a SOURCE.

Adds to the errors of the rooms below what only a command line knows, such as the examples' names.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np

from misstep.data import (
    ColumnKind,
    Pictures,
    PictureScaling,
    Preprocessor,
    Sequences,
    SequenceScaling,
    Table,
    is_idx_folder,
    sequences_from_table,
)
from misstep.data.files import existing_path
from misstep.errors import DataError, MisstepError, StorageError
from misstep.modeling import Model, load_model, read_rows, read_source, unknown_source

# Runs have folders in here, unless --out says another place.
RUNS = Path("runs")
MODEL = "model.misstep"


Rows = Table | Pictures | Sequences | np.ndarray


def read_given(source: str) -> Table | Pictures | Sequences:
    """Return the table, pictures or sequences that `source` names. Raises MisstepError in words."""
    try:
        return read_source(source)
    except StorageError as error:
        raise _clearer(source, error) from error


def read_given_rows(source: str, model: Model) -> Rows:
    """Return rows that `model` may predict for. Raises MisstepError in words."""
    try:
        found = read_rows(source, only_text(model), model.preprocessing)
    except StorageError as error:
        raise _clearer(source, error) from error
    if isinstance(model.preprocessing, SequenceScaling):
        return _sequences(source, found, model.preprocessing, model.target.name)
    pixels = isinstance(model.preprocessing, PictureScaling)
    if not pixels and not isinstance(found, Table):
        made_of = model.preprocessing
        columns = made_of.feature_names
        if isinstance(made_of, Preprocessor):
            columns = made_of.column_names
        shown = ", ".join(columns[:6]) + (", …" if len(columns) > 6 else "")
        raise DataError(
            source, needed=f"a table with the columns of training ({shown})",
            got="sequences" if isinstance(found, Sequences) else "pictures",
        )  # fmt: skip
    if isinstance(found, Sequences):
        raise DataError(source, needed="pictures, as in training", got="sequences")
    _refuse_for_pictures(source, model, found)
    return found


def only_text(model: Model) -> str | None:
    """Return the column of texts that is all that a model needs, or None where it needs more."""
    made_of = model.preprocessing
    if not isinstance(made_of, Preprocessor):
        return None
    used = [one for one in made_of.columns if one.used]
    return used[0].name if [one.kind for one in used] == [ColumnKind.TEXT] else None


def _sequences(source: str, found: Rows, scaling: SequenceScaling, target: str) -> Sequences:
    """Return rows for a model of sequences, with answers where there are any."""
    if isinstance(found, Sequences):
        return found
    if isinstance(found, Table) and scaling.long is not None:
        known = target if target in found.frame.columns else None
        return sequences_from_table(found, scaling.long, known)
    needed = "sequences, an npz file with x (rows, steps, channels)"
    if scaling.long is not None:
        needed = f"a long table with the columns {scaling.long.identifier} and {scaling.names[0]}"
    raise DataError(
        source, needed=needed, got="a table" if isinstance(found, Table) else "pictures"
    )


def _refuse_for_pictures(source: str, model: Model, found: Rows) -> None:
    """Raise DataError where a model of pictures is given what can't be pictures."""
    scaling = model.preprocessing
    if not isinstance(scaling, PictureScaling) or isinstance(found, Pictures):
        return
    pixels = scaling.number_of_features
    needed = f"pictures of {pixels} pixels"
    if isinstance(found, Table):
        columns = len(found.frame.columns)
        if columns not in (pixels, pixels + 1):
            needed += ", or a table with a column for each pixel"
            raise DataError(source, needed=needed, got=f"a table of {columns} columns")
    elif isinstance(found, np.ndarray) and found.ndim < 2:
        raise DataError(source, needed=needed, got=f"{len(found):,} single numbers, as labels are")


def read_model(path: Path) -> Model:
    """Return the model in the file at `path`. Raises StorageError or FileFormatError."""
    known = RUNS / path / MODEL
    if not path.exists() and known.is_file():
        raise StorageError(
            str(path), needed="a model file", got="nothing of that name", try_=str(known)
        )
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
    if isinstance(rows, Sequences):
        return "sequence"
    return "row" if isinstance(rows, Table) else "picture"


def files_of(rows: Rows) -> tuple[str, ...]:
    """Return the name of each row's file where every row has one of its own, else nothing."""
    if not isinstance(rows, Pictures):
        return ()
    return rows.test_files if len(rows.test_pictures) else rows.train_files


def part_in_words(rows: Rows) -> str:
    """Return which part of a folder of pictures is meant, in words, or nothing."""
    if isinstance(rows, Pictures) and len(rows.test_pictures):
        return ", the test part"
    return ""


def quoted(word: Any) -> str:
    """Return a word as it must be written on a command line."""
    return shlex.quote(str(word))


def _clearer(source: str, error: StorageError) -> MisstepError:
    """Return the error, with what only a command line knows: examples, and folders of pictures."""
    path = Path(source)
    if source.strip() and path.is_dir() and not is_idx_folder(path):
        needed = (
            "a table, a folder with a folder of pictures or texts for each class, or MNIST's idx "
            "files"
        )
        empty = not any(one.is_file() for one in path.rglob("*"))
        return StorageError(
            source, needed=needed, got="a folder without files" if empty else "another folder",
            try_="another folder" if empty else error.try_,
        )  # fmt: skip
    near = unknown_source(source)
    if near is None or not source.replace("-", "").replace("_", "").isalnum():
        return error
    return StorageError(
        source, needed="a file, a folder or the name of an example", got="none of that name",
        try_=f"{near}, the example",
    )  # fmt: skip
