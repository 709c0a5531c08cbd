"""Folders of MNIST's idx files: images and labels for training, and for the test.

Knows the names of the files; `io/idx.py` reads each.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from misstep.data.image.images import Images, note_on_repeats
from misstep.data.io.files import existing_path
from misstep.data.io.idx import read_idx
from misstep.errors import FileFormatError, StorageError

__all__ = ["IDX_NAMES", "is_idx_folder", "read_idx_folder"]

# MNIST's four files, as people call them.
IDX_NAMES = {
    "train_images": ("train-images-idx3-ubyte", "train-images.idx3-ubyte"),
    "train_labels": ("train-labels-idx1-ubyte", "train-labels.idx1-ubyte"),
    "test_images": ("t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"),
    "test_labels": ("t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"),
}


def is_idx_folder(source: str | os.PathLike[str]) -> bool:
    """Tell whether a path is a folder with MNIST's training files in it."""
    folder = Path(source)
    return folder.is_dir() and _find(folder, "train_images") is not None


def _find(folder: Path, which: str) -> Path | None:
    names = (name + ending for name in IDX_NAMES[which] for ending in ("", ".gz"))
    return next((folder / name for name in names if (folder / name).is_file()), None)


def read_idx_folder(source: str | os.PathLike[str]) -> Images:
    """Read a folder that holds MNIST's usual names (train-images-idx3-ubyte and so on).

    Test files may be absent, both together. Raises StorageError: a file is missing;
    FileFormatError: damaged files, or images and labels that do not fit together.
    """
    folder = existing_path(source, folder=True)
    if not folder.is_dir():
        raise StorageError(
            str(folder), needed="a folder with four idx files", got="a file", try_="its folder"
        )
    paths = {which: _find(folder, which) for which in IDX_NAMES}
    tested = paths["test_images"] is not None or paths["test_labels"] is not None
    for which, path in paths.items():
        if path is None and (tested or which.startswith("train")):
            raise StorageError(
                str(folder),
                needed=f"a file {IDX_NAMES[which][0]} or {IDX_NAMES[which][0]}.gz",
                got="none of these names",
                try_="a folder with MNIST's four files under their usual names",
            )
    images, labels = _pair(paths["train_images"], paths["train_labels"])
    if not tested:
        return replace(Images.alone(images, labels), notes=["no test files in the folder"])
    test_images, test_labels = _pair(paths["test_images"], paths["test_labels"])
    if images.shape[1:] != test_images.shape[1:]:
        raise FileFormatError(
            str(paths["test_images"]),
            needed=f"images of {images.shape[1:]}, as for training",
            got=str(test_images.shape[1:]),
        )
    notes = note_on_repeats(images, test_images)
    return Images(images, labels, test_images, test_labels, notes)


def _pair(
    images_path: Path | None, labels_path: Path | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    assert images_path is not None
    assert labels_path is not None
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != 3 or images.dtype != np.uint8:
        raise FileFormatError(
            str(images_path),
            needed="images (rows, height, width) of bytes",
            got=f"{images.dtype} of shape {images.shape}",
        )
    if labels.shape != (len(images),) or labels.dtype != np.uint8:
        raise FileFormatError(
            str(labels_path),
            needed=f"{len(images)} labels of one byte, one for each image",
            got=f"{labels.dtype} of shape {labels.shape}",
        )
    if not len(images):
        raise FileFormatError(str(images_path), needed="at least one image", got="none")
    return images.astype(np.uint8, copy=False), labels.astype(np.uint8, copy=False)
