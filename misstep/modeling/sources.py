"""What a person means by SOURCE: the name of an example, a table, or a folder of idx pictures.

Returns what was read; decides nothing about training.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from misstep.data import (
    EXAMPLES,
    Pictures,
    PictureScaling,
    Table,
    holds_pictures,
    is_picture_folder,
    pictures_from_arrays,
    pixels_of,
    read_class_folders,
    read_example,
    read_idx,
    read_picture_files,
    read_pictures,
    read_table,
)
from misstep.data.idx import NAMES
from misstep.data.names import nearest_name
from misstep.data.npz import ALONE, is_npz, read_arrays
from misstep.data.picture_files import is_picture_name
from misstep.data.pictures import is_pictures, no_labels
from misstep.errors import FileFormatError, StorageError


def read_source(source: str | os.PathLike[str]) -> Table | Pictures:
    """Return the table or the labeled pictures that `source` names.

    `source`: an example such as "digits" (a file or a folder with pictures of that name goes
    first), a CSV or TSV file, a folder with idx files, or one of these files, a folder that holds a
    folder of pictures for each class, or an npz file with pictures. Raises StorageError,
    FileFormatError, DataError.
    """
    path = Path(os.fspath(source))
    if is_picture_folder(path):
        return read_pictures(path)
    if holds_pictures(path):
        return read_class_folders(path)
    if path.is_file() and is_picture_name(path.name):
        raise FileFormatError(
            str(path), needed="many pictures to learn from", got="a single one",
            try_="the folder that holds a folder of pictures for each class",
        )  # fmt: skip
    if path.is_file() and is_npz(path):
        return _from_arrays(path)
    # A folder such as that of an earlier run holds no rows, so it can't be meant.
    file_first = path.exists() and not path.is_dir()
    if not file_first and path.name == str(source) and str(source) in EXAMPLES:
        return _example(str(source))
    if path.is_file() and _is_idx_name(path):
        if is_picture_folder(path.parent):
            return read_pictures(path.parent)
        raise FileFormatError(
            str(path), needed="pictures and their labels side by side",
            got="a folder without " + NAMES["train_pictures"][0],
            try_="a folder with MNIST's four files under their usual names",
        )  # fmt: skip
    return read_table(source)


def read_rows(
    source: str | os.PathLike[str], preprocessing: object = None
) -> Table | Pictures | np.ndarray:
    """Return rows to predict for: like `read_source`; an idx file of pictures stands alone.

    A folder of pictures gives its test part where there is one. `preprocessing`: of the model; one
    of pictures takes single pictures, and any folder of them, in its own size.
    """
    path = Path(os.fspath(source))
    if isinstance(preprocessing, PictureScaling) and not is_picture_folder(path):
        height, width, channels = preprocessing.shape
        if holds_pictures(path) or (path.is_file() and is_picture_name(path.name)):
            return read_picture_files(path, (height, width), channels)
        if path.is_file() and is_npz(path):
            return _from_arrays(path, alone=True)
    if path.is_file() and _is_idx_name(path):
        return read_idx(path)
    return read_source(source)


def unknown_source(source: str) -> str | None:
    """Return the example whose name is nearest to `source`, if it looks like one."""
    return None if Path(source).exists() else nearest_name(source, EXAMPLES)


def _from_arrays(path: Path, alone: bool = False) -> Pictures:
    """Return the pictures in a file of arrays; `alone`: without labels too."""
    arrays = read_arrays(path)
    found = pictures_from_arrays(arrays, path.name)
    if found is not None:
        return found
    lone = [name for name in (ALONE, "x", "X", "images") if is_pictures(arrays.get(name))]
    if alone and lone:
        pixels = pixels_of(arrays[lone[0]], f"{lone[0]} of {path.name}")
        nothing = no_labels(0)
        return Pictures(pixels, no_labels(len(pixels)), pixels[:0], nothing)
    shapes = ", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:6])
    raise FileFormatError(
        str(path),
        needed="pictures x (rows, height, width) or (rows, height, width, 3) of bytes and labels y "
        "(rows,), or x_train, y_train, x_test and y_test",
        got=shapes,
    )


def _is_idx_name(path: Path) -> bool:
    stem = path.name.removesuffix(".gz")
    return "idx" in stem and stem.endswith("ubyte")


def _example(name: str) -> Table | Pictures:
    table = read_example(name)
    known = EXAMPLES[name]
    if known.shape is None or known.largest is None:
        return table
    if table.target is None:
        raise StorageError(f"the example {name}", needed="a target", got="none")
    labels = table.frame[known.target].to_numpy().astype("uint8")
    pixels = table.frame.drop(columns=known.target).to_numpy()
    pictures = pixels.reshape(len(pixels), *known.shape).astype("uint8")
    nothing = pictures[:0], labels[:0]
    return Pictures(pictures, labels, *nothing, notes=list(table.notes), largest=known.largest)
