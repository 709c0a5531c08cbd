"""How MNIST's idx files are read: one file to an array, or a folder of four to images and labels.

Knows the idx format (LeCun's page on MNIST): two zero bytes, a byte for the type, a byte for the
number of axes, each axis as a big-endian 32-bit number, then the values. Headers are not trusted:
what they declare is checked before memory is taken for it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.image.images import Images, note_on_repeats
from misstep.data.io.files import existing_path, open_bytes, read_block
from misstep.errors import FileFormatError, StorageError

__all__ = ["is_idx_folder", "read_idx", "read_idx_folder"]

Header = tuple[tuple[int, ...], np.dtype[Any]]

TYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
# The format leaves a byte for it; no known file has more than 4 axes, NumPy allows 64.
MOST_AXES = 8
MOST_BYTES = 4 * 2**30
# Deflate can't do better than 1032 to 1, so a header that declares more is wrong.
MOST_PACKED = 1040
BLOCK = 2**22

NAMES = {
    "train_images": ("train-images-idx3-ubyte", "train-images.idx3-ubyte"),
    "train_labels": ("train-labels-idx1-ubyte", "train-labels.idx1-ubyte"),
    "test_images": ("t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"),
    "test_labels": ("t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"),
}


def read_idx(source: str | os.PathLike[str]) -> NDArray[Any]:
    """Read one idx file, gzipped or not, in this machine's byte order.

    Raises StorageError: missing or unreadable; FileFormatError: another kind of file, truncated,
    too long, or declaring a size that can't be.
    """
    path = existing_path(source)
    file, packed = open_bytes(path)
    with file:
        shape, dtype = _header(read_block(file, path, 4), path, lambda n: read_block(file, path, n))
        size = math.prod(shape) * dtype.itemsize
        _refuse_impossible(size, shape, path, packed)
        blocks: list[bytes] = []
        left = size
        while left and (block := read_block(file, path, min(left, BLOCK))):
            blocks.append(block)
            left -= len(block)
        rest = read_block(file, path, 1)
    if left:
        raise FileFormatError(
            str(path),
            needed=f"{size} bytes of values, as its header says {shape}",
            got=f"{size - left}",
            try_="copying or downloading it again",
        )
    if rest:
        raise FileFormatError(
            str(path), needed=f"{size} bytes of values, as its header says {shape}", got="more"
        )
    values = np.frombuffer(b"".join(blocks), dtype=dtype).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def _header(start: bytes, path: Path, more: Callable[[int], bytes]) -> Header:
    axes = start[3] if len(start) == 4 else 0
    if start[:2] != b"\x00\x00" or start[2:3] == b"" or start[2] not in TYPES:
        raise FileFormatError(
            str(path),
            needed="an idx file, which starts with two zero bytes and a type from 8 to 14",
            got=f"the bytes {start.hex(' ') or '(none)'}",
            try_="the original files, for example train-images-idx3-ubyte.gz",
        )
    if not 1 <= axes <= MOST_AXES:
        raise FileFormatError(
            str(path), needed=f"an idx file of 1 to {MOST_AXES} axes", got=f"{axes}"
        )
    sizes = more(4 * axes)
    if len(sizes) != 4 * axes:
        raise FileFormatError(
            str(path), needed=f"{axes} sizes of axes", got="a file that ends before them"
        )
    return tuple(int(n) for n in np.frombuffer(sizes, dtype=">u4")), TYPES[start[2]]


def _refuse_impossible(size: int, shape: tuple[int, ...], path: Path, packed: bool) -> None:
    there = path.stat().st_size
    bound = there * MOST_PACKED if packed else there
    if size > min(bound, MOST_BYTES):
        raise FileFormatError(
            str(path),
            needed=f"at most {min(bound, MOST_BYTES)} bytes of values in a file of {there} bytes",
            got=f"a header that declares {size} ({' x '.join(map(str, shape))})",
            try_="copying or downloading it again",
        )


def is_idx_folder(source: str | os.PathLike[str]) -> bool:
    """Tell whether a path is a folder with MNIST's training files in it."""
    folder = Path(source)
    return folder.is_dir() and _find(folder, "train_images") is not None


def _find(folder: Path, part: str) -> Path | None:
    for name in NAMES[part]:
        for ending in ("", ".gz"):
            if (folder / (name + ending)).is_file():
                return folder / (name + ending)
    return None


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
    found = {part: _find(folder, part) for part in NAMES}
    tested = found["test_images"] is not None or found["test_labels"] is not None
    for part, path in found.items():
        if path is None and (tested or part.startswith("train")):
            raise StorageError(
                str(folder),
                needed=f"a file {NAMES[part][0]} or {NAMES[part][0]}.gz",
                got="none of these names",
                try_="a folder with MNIST's four files under their usual names",
            )
    train = _pair(found["train_images"], found["train_labels"])
    if not tested:
        empty = np.empty((0, *train[0].shape[1:]), np.uint8), np.empty(0, np.uint8)
        return Images(*train, *empty, notes=["no test files in the folder"])
    test = _pair(found["test_images"], found["test_labels"])
    if train[0].shape[1:] != test[0].shape[1:]:
        raise FileFormatError(
            str(found["test_images"]),
            needed=f"images of {train[0].shape[1:]}, as for training",
            got=str(test[0].shape[1:]),
        )
    return Images(*train, *test, notes=note_on_repeats(train[0], test[0]))


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
