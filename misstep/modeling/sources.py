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
    is_idx_folder,
    is_picture_source,
    pixels_of,
    read_example,
    read_idx,
    read_picture_files,
    read_pictures,
    read_table,
)
from misstep.data.idx import NAMES
from misstep.data.names import nearest_name
from misstep.data.npz import is_npz, read_arrays
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
    if is_picture_source(path):
        return read_pictures(path)
    if path.is_file() and is_npz(path):
        return read_pictures(path)
    # A folder such as that of an earlier run holds no rows, so it can't be meant.
    file_first = path.exists() and not path.is_dir()
    if not file_first and path.name == str(source) and str(source) in EXAMPLES:
        return _example(str(source))
    if path.is_file() and _is_idx_name(path):
        if is_idx_folder(path.parent):
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
    if isinstance(preprocessing, PictureScaling) and not is_idx_folder(path):
        height, width, channels = preprocessing.shape
        if is_picture_source(path):
            return read_picture_files(path, (height, width), channels)
        if path.is_file() and is_npz(path):
            return _unlabeled(path) or read_pictures(path)
    if path.is_file() and _is_idx_name(path):
        return read_idx(path)
    return read_source(source)


def unknown_source(source: str) -> str | None:
    """Return the example whose name is nearest to `source`, if it looks like one."""
    return None if Path(source).exists() else nearest_name(source, EXAMPLES)


def _unlabeled(path: Path) -> Pictures | None:
    """Return the pictures of a file of arrays that holds nothing else; None where it does."""
    arrays = list(read_arrays(path).values())
    if len(arrays) != 1 or not is_pictures(arrays[0]):
        return None
    pixels = pixels_of(arrays[0], path.name)
    return Pictures(pixels, no_labels(len(pixels)), pixels[:0], no_labels(0))


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
