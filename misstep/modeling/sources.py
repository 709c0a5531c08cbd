"""What a person means by SOURCE: an example's name, a table, arrays, or a folder of idx images.

Returns what was read; decides nothing about training.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from misstep.data import (
    EXAMPLES,
    Dataset,
    Images,
    Preprocessing,
    Sequences,
    Table,
    holds_sequences,
    is_idx_folder,
    is_image_source,
    is_text_folder,
    read_example,
    read_idx,
    read_images,
    read_table,
    read_text_folder,
    sequences_from_arrays,
)
from misstep.data.image.images import images_from_arrays
from misstep.data.io.idx import NAMES
from misstep.data.io.npz import is_npz, read_arrays
from misstep.errors import DataError, FileFormatError, StorageError
from misstep.text.names import nearest_name


def read_source(source: str | os.PathLike[str]) -> Table | Images | Sequences:
    """Return the table, the labeled images or the recorded sequences that `source` names.

    `source`: an example such as "digits" (a file or a folder with images of that name goes
    first), a CSV or TSV file, an npz file, a folder with idx files, or one of these files; or class
    folders of images or of .txt files. Raises StorageError, FileFormatError, DataError.
    """
    path = Path(os.fspath(source))
    if is_text_folder(path):
        return read_text_folder(path)
    if is_image_source(path):
        return read_images(path)
    # A folder such as that of an earlier run holds no rows, so it can't be meant.
    file_first = path.exists() and not path.is_dir()
    if not file_first and path.name == str(source) and str(source) in EXAMPLES:
        return _example(str(source))
    if path.is_file() and _is_idx_name(path):
        if is_idx_folder(path.parent):
            return read_images(path.parent)
        raise FileFormatError(
            str(path),
            needed="images and their labels side by side",
            got="a folder without " + NAMES["train_images"][0],
            try_="a folder with MNIST's four files under their usual names",
        )
    if path.is_file() and is_npz(path):
        arrays = read_arrays(path)
        images = images_from_arrays(arrays, path.name)
        return _sequences(arrays, path) if images is None else images
    return read_table(source)


def read_rows(
    source: str | os.PathLike[str], preprocessing: Preprocessing, target: str = ""
) -> Dataset:
    """Return rows to predict for: like `read_source`, but of the kind that was learned from.

    Where there are several parts, the test part. An idx file of images stands alone.
    `preprocessing`: of the model; some kinds take more, such as single images, or texts one a
    line. `target`: name of the answers, which may be there. Raises DataError for another kind, and
    what `read_source` raises.
    """
    path = Path(os.fspath(source))
    found = preprocessing.read_path(path)
    if found is None and path.is_file() and _is_idx_name(path):
        found = _idx_images(path)
    if found is None:
        found = read_source(source)
    return preprocessing.accept(found.test_split, str(source), target)


def unknown_source(source: str) -> str | None:
    """Return the example whose name is nearest to `source`, if it looks like one."""
    return None if Path(source).exists() else nearest_name(source, EXAMPLES)


def _idx_images(path: Path) -> Images:
    array = read_idx(path)
    if array.ndim < 2:
        raise DataError(
            str(path), needed="images", got=f"{len(array):,} single numbers, as labels are"
        )
    return Images.alone(array)


def _sequences(arrays: dict[str, np.ndarray], path: Path) -> Sequences:
    if not holds_sequences(arrays):
        shown = ", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:8])
        raise DataError(
            str(path),
            needed="recorded sequences x (rows, steps, channels), or images x (rows, "
            "height, width) of bytes, and y (rows,)",
            got=shown,
            try_="x[..., None] where there is one channel alone",
        )
    return sequences_from_arrays(arrays, path.name)


def _is_idx_name(path: Path) -> bool:
    stem = path.name.removesuffix(".gz")
    return "idx" in stem and stem.endswith("ubyte")


def _example(name: str) -> Table | Images:
    table = read_example(name)
    known = EXAMPLES[name]
    if known.shape is None or known.largest is None:
        return table
    if table.target is None:
        raise StorageError(f"the example {name}", needed="a target", got="none")
    labels = table.frame[known.target].to_numpy().astype("uint8")
    pixels = table.frame.drop(columns=known.target).to_numpy()
    images = pixels.reshape(len(pixels), *known.shape).astype("uint8")
    return replace(Images.alone(images, labels, known.largest), notes=list(table.notes))
