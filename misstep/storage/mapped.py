"""Arrays that lie in files: whether the file is still as long as the array needs.

What reads beyond the end of a mapped file is killed by the system (SIGBUS), without a word. Knows
arrays and files, not who reads.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.errors import StorageError

__all__ = ["check_mapped"]


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


def _mapped(array: npt.NDArray[Any] | None) -> np.memmap[Any, Any] | None:
    """Return the mapped array that an array is a view of, or None."""
    found = None
    while array is not None:
        if isinstance(array, np.memmap) and array.filename is not None:
            # Views have the class, and the place of the whole; the innermost is the whole.
            found = array
        array = array.base if isinstance(array.base, np.ndarray) else None
    return found
