"""Where labeled images come from: MNIST's idx files, folders of classes, files of arrays.

Looks at what is there and hands it to whoever reads that.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from misstep.data.image.class_folders import holds_images, read_class_folders
from misstep.data.image.decoding import is_image_name
from misstep.data.image.images import (
    Images,
    images_from_arrays,
    is_images,
    note_on_repeats,
    pixels_of,
)
from misstep.data.io.files import existing_path
from misstep.data.io.idx import read_idx
from misstep.data.io.npz import is_npz, read_arrays
from misstep.errors import FileFormatError, StorageError

__all__ = ["IDX_NAMES", "is_idx_folder", "is_image_source", "read_images", "read_unlabeled"]

# MNIST's four files, as people call them.
IDX_NAMES = {
    "train_images": ("train-images-idx3-ubyte", "train-images.idx3-ubyte"),
    "train_labels": ("train-labels-idx1-ubyte", "train-labels.idx1-ubyte"),
    "test_images": ("t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"),
    "test_labels": ("t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"),
}


def is_image_source(source: str | os.PathLike[str]) -> bool:
    """Tell whether a path looks like images: a folder with some, idx files, one image."""
    path = Path(source)
    if path.is_file():
        return is_image_name(path.name)
    return is_idx_folder(path) or holds_images(path)


def read_images(source: str | os.PathLike[str]) -> Images:
    """Read labeled images.

    `source`: a folder that holds a folder of images for each class, perhaps in "train" and
    "test"; a folder with MNIST's four idx files; or an .npz file with x and y, or x_train, y_train,
    x_test and y_test. Images in files of different sizes are brought to one that suits them.

    Raises StorageError, FileFormatError or DataError.

    >>> import misstep as ms
    >>> import numpy as np
    >>> np.savez("two.npz", x=np.zeros((2, 8, 8), "uint8"), y=["dark", "dark"])
    >>> ms.read_images("two.npz").train_images.shape
    (2, 8, 8)
    """
    path = Path(os.fspath(source))
    if is_idx_folder(path):
        return read_idx_folder(path)
    if path.is_file() and is_image_name(path.name):
        raise FileFormatError(
            str(path),
            needed="many images to learn from",
            got="a single one",
            try_="the folder that holds a folder of images for each class",
        )
    if not path.is_file():
        return read_class_folders(path)
    if not is_npz(path):
        raise FileFormatError(
            str(path), needed="a folder of images, or an .npz file", got="another file"
        )
    arrays = read_arrays(path)
    images = images_from_arrays(arrays, path.name)
    if images is None:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:6])
        raise FileFormatError(
            str(path),
            needed="images x (rows, height, width) or (rows, height, width, 3) of bytes and "
            "labels y (rows,), or x_train, y_train, x_test and y_test",
            got=shapes,
        )
    return images


def read_unlabeled(path: Path) -> Images | None:
    """Return the images of an .npz file that holds one array and nothing else; else None.

    Raises StorageError, FileFormatError or DataError.
    """
    arrays = list(read_arrays(path).values())
    if len(arrays) != 1 or not is_images(arrays[0]):
        return None
    return Images.alone(pixels_of(arrays[0], path.name))


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
