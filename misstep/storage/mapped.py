"""Arrays that lie in files: whether the file is still as long as the array needs.

What reads beyond the end of a mapped file is killed by the system (SIGBUS), without a word. Knows
arrays and files, not who reads.
"""

from __future__ import annotations

import mmap
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.errors import StorageError
from misstep.storage.memory import available_memory

__all__ = ["check_mapped", "expect_rows", "is_beyond_memory"]

# Bytes of rows that are asked for together, at most: they must still be there when they are read.
MOST_EXPECTED = 2**28
# Bytes between two rows that are rather read along than asked for apart.
BRIDGED = 2**14


def check_mapped(*arrays: npt.NDArray[Any] | None) -> None:
    """Raise StorageError where an array lies in a file that has become too short for it.

    Between this look and the reading a file may still be cut; whoever reads for long looks often.
    """
    for array in arrays:
        mapped = _mapped(array)
        if mapped is None:
            continue
        path, needed = str(mapped.filename), mapped.offset + mapped.nbytes
        try:
            there = os.stat(path).st_size
        except OSError:
            # A file that was removed stays whole for who has it open.
            continue
        if there < needed:
            raise StorageError(
                f"the rows in {path}",
                needed=f"{needed:,} bytes, as when it was opened",
                got=f"{there:,}: it was cut off meanwhile",
                try_="leaving the file as it is while it is read, or np.array(rows), a copy",
            )


def is_beyond_memory(array: npt.NDArray[Any]) -> bool:
    """Tell whether an array lies in a file that is larger than the memory that is available."""
    mapped = _mapped(array)
    available = None if mapped is None else available_memory()
    return mapped is not None and available is not None and mapped.nbytes > available


def expect_rows(array: npt.NDArray[Any], rows: npt.NDArray[np.int64]) -> None:
    """Have the system bring rows of a file near, as soon as it can, in the order of `rows`.

    Left alone, it reads megabytes around each row that is asked for out of order: measured, ten
    times as many bytes as the rows had. Told that rows come out of order, it reads no more than
    each, and waits for each; asked for all beforehand, it waits for none.
    """
    mapped = _mapped(array)
    if mapped is None or not len(rows) or not hasattr(mmap, "MADV_WILLNEED"):
        return
    whole: Any = mapped._mmap  # type: ignore[attr-defined]
    each = array[:1].nbytes
    first = mapped.ctypes.data - mapped.offset % mmap.ALLOCATIONGRANULARITY
    starts = array.ctypes.data - first + rows[: max(MOST_EXPECTED // max(each, 1), 1)] * each
    whole.madvise(mmap.MADV_RANDOM)
    # Rows that lie one behind the other, or nearly so, are one call to the system.
    gaps = np.diff(starts) - each
    breaks = np.flatnonzero((gaps < 0) | (gaps > BRIDGED)) + 1
    begins = starts[np.concatenate([[0], breaks])]
    ends = starts[np.concatenate([breaks - 1, [-1]])] + each
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        page = begin // mmap.PAGESIZE * mmap.PAGESIZE
        whole.madvise(mmap.MADV_WILLNEED, page, end - page)


def _mapped(array: npt.NDArray[Any] | None) -> np.memmap[Any, Any] | None:
    """Return the mapped array that an array is a view of, or None."""
    found = None
    while array is not None:
        if isinstance(array, np.memmap) and array.filename is not None:
            # Views have the class, and the place of the whole; the innermost is the whole.
            found = array
        array = array.base if isinstance(array.base, np.ndarray) else None
    return found
