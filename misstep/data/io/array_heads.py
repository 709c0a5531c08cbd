"""Arrays in .npz and .npy files without reading them: where they lie, and some rows after others.

For files that do not fit into memory. Headers are not trusted: what they declare must be there.
"""

from __future__ import annotations

import math
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.io.files import MOST_PACKED, check_ratio, damaged
from misstep.data.io.npz import BROKEN, FREE_BYTES, MOST_ARRAYS, read_head
from misstep.errors import FileFormatError, MisstepError, StorageError

__all__ = ["ArrayHead", "array_heads"]

# What stands before an entry of a zip archive: 30 bytes, then its name and more.
LOCAL_HEADER, LOCAL_MARK = 30, b"PK\x03\x04"
# No disk has more.
MOST_BYTES = 2**46


@dataclass(frozen=True)
class ArrayHead:
    """An array in a file, not yet read.

    `start`: where in the file its numbers begin, if they lie there as they are; None: packed.
    """

    path: Path
    name: str
    entry: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int | None

    @property
    def row_bytes(self) -> int:
        """Return the bytes of a row."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def mapped(self) -> NDArray[Any] | None:
        """Return the array where it lies, not to be written to; None: it can't be so."""
        if self.start is None or not math.prod(self.shape):
            return None
        if self.start + self.shape[0] * self.row_bytes > self.path.stat().st_size:
            raise damaged(self.path, f"all numbers of {self.name}", "a file that ends before them")
        return np.memmap(self.path, self.dtype, "r", self.start, self.shape)

    def pieces(self, rows: int, begin: int = 0) -> Iterator[NDArray[Any]]:
        """Yield so many rows after the others, from row `begin` on. Raises FileFormatError."""
        mapped = self.mapped()
        if mapped is not None:
            for start in range(begin, len(mapped), rows):
                yield mapped[start : start + rows]
            return
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.entry) as file:
                read_head(file)
                # Packed numbers can only be gone through from their beginning.
                for start in range(0, self.shape[0], rows):
                    count = min(rows, self.shape[0] - start)
                    content = bytearray(file.read(count * self.row_bytes))
                    if len(content) != count * self.row_bytes:
                        raise ValueError(f"{self.name} ends before its last row")
                    if start >= begin:
                        yield np.frombuffer(content, self.dtype).reshape(count, *self.shape[1:])
        except BROKEN as error:
            raise damaged(
                self.path, "a file of arrays as np.savez writes it", str(error)[:200]
            ) from error


def array_heads(path: Path) -> dict[str, ArrayHead]:
    """Return the arrays of a .npz file, by name, unread.

    Only arrays in the order of rows, of plain numbers or texts. Raises StorageError or
    FileFormatError.
    """
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as whole:
            entries = [each for each in archive.infolist() if each.filename.endswith(".npy")]
            if len(entries) > MOST_ARRAYS:
                raise ValueError(f"{len(entries):,} arrays")
            there = path.stat().st_size
            # Together, since entries may be many, or lie in the same place.
            check_ratio(path, there, sum(each.file_size for each in entries), FREE_BYTES)
            heads = {}
            for entry in entries:
                with archive.open(entry) as file:
                    shape, by_columns, dtype = read_head(file)
                    behind = file.tell()
                size = math.prod(shape) * dtype.itemsize
                # An archive may say that more is packed in it than it holds.
                packed = min(entry.compress_size, there)
                check_ratio(path, packed, min(entry.file_size, packed * MOST_PACKED), FREE_BYTES)
                most = min(entry.file_size, packed * MOST_PACKED, MOST_BYTES)
                if size > most:
                    raise ValueError(f"{entry.filename} declares {size:,} bytes")
                # An empty axis, or texts without letters, leave nothing of the others.
                spread = math.prod(max(side, 1) for side in shape) * max(dtype.itemsize, 1)
                if any(side < 0 for side in shape) or spread > MOST_BYTES:
                    raise ValueError(f"{entry.filename} declares axes of {shape}")
                if by_columns or dtype.hasobject or not dtype.isnative:
                    continue
                name = entry.filename.removesuffix(".npy")
                start = None
                if entry.compress_type == zipfile.ZIP_STORED:
                    start = _start(whole, entry) + behind
                heads[name] = ArrayHead(path, name, entry.filename, shape, dtype, start)
            return heads
    except MisstepError:
        raise
    except OSError as error:
        raise StorageError(
            str(path), needed="a file that can be read", got=error.strerror or str(error)
        ) from error
    except BROKEN as error:
        needed = "a file of arrays as np.savez writes it"
        raise damaged(path, needed, str(error)[:200]) from error


def _start(file: Any, entry: zipfile.ZipInfo) -> int:
    """Return where the bytes of an entry begin in an archive."""
    file.seek(entry.header_offset)
    header = file.read(LOCAL_HEADER)
    if len(header) != LOCAL_HEADER or header[:4] != LOCAL_MARK:
        raise FileFormatError(file.name, needed="an archive as np.savez writes it", got="another")
    name, more = struct.unpack("<HH", header[26:])
    return int(entry.header_offset) + LOCAL_HEADER + int(name) + int(more)
