"""How MNIST's idx files are read, each to an array.

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

from misstep.data.io.files import (
    MOST_BYTES,
    MOST_PACKED,
    damaged,
    existing_path,
    open_bytes,
    read_block,
)
from misstep.data.io.packed import unpacked_name
from misstep.errors import FileFormatError
from misstep.text.counts import counted

__all__ = ["is_idx_name", "read_idx"]

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
BLOCK = 2**22


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
        if size == 0 and math.prod(each for each in shape if each) > MOST_BYTES:
            # An empty axis leaves nothing of the others, yet NumPy refuses such a shape.
            got = " × ".join(map(str, shape))
            raise FileFormatError(str(path), needed="sizes of axes that can be", got=got)
        _refuse_impossible(size, shape, path, packed)
        blocks: list[bytes] = []
        left = size
        while left and (block := read_block(file, path, min(left, BLOCK))):
            blocks.append(block)
            left -= len(block)
        rest = read_block(file, path, 1)
    if left or rest:
        needed = f"{size} bytes of values, as its header says {shape}"
        raise damaged(path, needed, f"{size - left}" if left else "more")
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
        raise damaged(
            path,
            f"{counted(size, 'byte')} of values, as the header says, {' × '.join(map(str, shape))}",
            f"a{' packed' if packed else ''} file of {counted(there, 'byte')}"
            + ("" if size > bound else f", and {MOST_BYTES:,} bytes are read at most"),
        )


def is_idx_name(name: str) -> bool:
    """Tell whether a file is called as idx files are, packed or not."""
    stem = unpacked_name(name)
    return "idx" in Path(stem).name and stem.endswith("ubyte")
