"""Reading NumPy's .npz and .npy files: arrays by name, without any code in them.

What the arrays mean is not judged here. Headers are not trusted: sizes are checked before memory is
taken.
"""

from __future__ import annotations

import lzma
import math
import os
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from misstep.data.io.files import MOST_BYTES, MOST_PACKED, check_ratio, damaged, existing_path
from misstep.errors import FileFormatError, MisstepError, StorageError

__all__ = ["is_npz", "read_arrays"]

MOST_ARRAYS = 1000
ALONE = "array"
# What an array may unpack to however small it is packed: that of an empty image is.
FREE_BYTES = 16 * 2**20
# What zipfile and NumPy raise for what they can't read.
# A header of .npy is text in the form of a Python literal, which is parsed and not evaluated.
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError, EOFError, NotImplementedError),
    *(RuntimeError, SyntaxError, tokenize.TokenError, TypeError, OverflowError),
)


def is_npz(path: Path) -> bool:
    """Tell whether a path has the name of a file of arrays."""
    return path.suffix.lower() in (".npz", ".npy")


def read_arrays(source: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays in a .npz file by their names; that of a .npy file is called "array".

    Raises StorageError: missing or unreadable; FileFormatError: another kind of file, damaged,
    too large, or arrays of Python objects, which could run code when opened.
    """
    path = existing_path(source)
    try:
        if path.suffix.lower() == ".npy":
            with path.open("rb") as file:
                return {ALONE: _array(file, path, ALONE, path.stat().st_size)}
        with zipfile.ZipFile(path) as archive:
            entries, there = archive.infolist(), path.stat().st_size
            unpacked = sum(entry.file_size for entry in entries)
            if len(entries) > MOST_ARRAYS or unpacked > MOST_BYTES:
                raise FileFormatError(
                    str(path),
                    needed=f"at most {MOST_ARRAYS} arrays and {MOST_BYTES:,} bytes",
                    got="more",
                )
            # Together, since entries may be many, or lie in the same place.
            check_ratio(path, there, unpacked, FREE_BYTES)
            arrays = {}
            for entry in entries:
                if entry.filename.endswith(".npy"):
                    name = entry.filename.removesuffix(".npy")
                    with archive.open(entry) as file:
                        # An archive may say that more is packed in it than it holds.
                        packed = min(entry.compress_size, there)
                        largest = min(entry.file_size, packed * MOST_PACKED)
                        check_ratio(path, packed, largest, FREE_BYTES)
                        arrays[name] = _array(file, path, name, largest)
    except MisstepError:
        raise
    except OSError as error:
        raise StorageError(
            str(path), needed="a file that can be read", got=error.strerror or str(error)
        ) from error
    except BROKEN as error:
        needed = "a file of arrays as np.savez writes it"
        raise damaged(path, needed, str(error)[:200]) from error
    if not arrays:
        raise FileFormatError(str(path), needed="arrays", got="none")
    return arrays


def read_head(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return an array's shape, whether its columns come first, and its dtype; `file`: at its head.

    Raises what BROKEN names.
    """
    version = npy.read_magic(file)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"version {version} of the format")
    shape, by_columns, dtype = readers[version](file)
    return tuple(shape), bool(by_columns), dtype


def _array(file: Any, path: Path, name: str, largest: int) -> NDArray[Any]:
    shape, by_columns, dtype = read_head(file)
    if dtype.hasobject:
        raise FileFormatError(
            f"{path}: {name}",
            needed="an array of numbers or texts",
            got="Python objects, which are not read because they may run code",
            try_="saving numbers, or texts as np.array(texts, dtype=str)",
        )
    size = math.prod(shape) * dtype.itemsize
    if size > largest:
        raise ValueError(f"{name} declares {size:,} bytes, more than there are")
    # Whoever has the array may write into it.
    content = bytearray(file.read(size))
    if len(content) != size:
        raise ValueError(f"{name} ends after {len(content):,} of {size:,} bytes")
    array: NDArray[Any] = np.frombuffer(content, dtype).reshape(
        shape, order="F" if by_columns else "C"
    )
    return array.astype(dtype.newbyteorder("="), copy=False)
