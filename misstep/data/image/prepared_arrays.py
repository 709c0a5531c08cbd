"""Images in files of arrays that do not fit into memory: read where they lie, or written out once.

Bytes that lie unpacked and in the usual order are mapped in the very file. What is packed, or has
to become bytes first, goes piece by piece into a file of its own. Knows arrays; `images.py` says
what they mean.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data.image.depth import DTYPES, Depth
from misstep.data.image.images import (
    Images,
    channels_last,
    depth_of_array,
    images_from_arrays,
    is_images,
    pairs_of_names,
    pixels_of_depth,
)
from misstep.data.image.prepared_images import MEMORY_OF_IMAGES
from misstep.data.io.array_heads import ArrayHead, array_heads
from misstep.data.preparation import PIECE, Preparation, key_of, marks_of
from misstep.errors import FileFormatError
from misstep.storage import MappedRows, PreparedFiles
from misstep.text.counts import counted

__all__ = ["prepared_arrays"]

Limits = tuple[float, float]


def prepared_arrays(
    path: Path, preparation: Preparation, depth: Depth | None = None
) -> Images | None:
    """Return the images in a .npz file, mapped; None: they fit into memory, or are none.

    `depth`: to read them in, as to predict for them, where they may also stand alone, without
    labels; None: as those to learn from say. Raises StorageError, FileFormatError or DataError.
    """
    if path.suffix.lower() != ".npz":
        return None
    heads = array_heads(path)
    found = [
        head for pairs in pairs_of_names() for head in [_first(heads, pairs)] if head is not None
    ]
    alone = depth is not None and len(heads) == 1
    if alone:
        found = [head for head in heads.values() if is_images(_hollow(head))]
    if not found:
        return None
    need = sum(
        math.prod(head.shape) * (MEMORY_OF_IMAGES - 1 + head.dtype.itemsize) for head in found
    )
    because = preparation.because(need)
    if because is None:
        return None
    others = {name: _read(head) for name, head in heads.items() if head not in found}
    notes: list[str] = []
    depth = depth or _depth(found[0])
    if depth == "8-bit" and all(_is_plain(head) for head in found):
        rows = {head.name: _in_place(head) for head in found}
        how = f"read from {path} where they lie"
    else:
        key = key_of(kind="arrays", depth=depth, file=marks_of(path, start=path.parent))
        with preparation.files(key) as files:
            rows = {head.name: _written(head, depth, files, preparation, notes) for head in found}
            again = " before" if files.reused else ""
            how = f"prepared{again} in {files.folder}, from where they are read"
    arrays: dict[str, Any] = {**others, **rows}
    images: Images | None
    if alone:
        images = Images.alone(next(iter(rows.values())), depth=depth)  # type: ignore[arg-type]
    else:
        images = images_from_arrays(arrays, path.name, depth)
    assert images is not None
    count = counted(len(images), "image")
    return replace(images, notes=[f"{count} {how}, because {because}", *notes, *images.notes])


def _first(heads: dict[str, ArrayHead], pairs: Any) -> ArrayHead | None:
    """Return the images of the first pair of names that is there."""
    for name, labels in pairs:
        head = heads.get(name)
        # As large as it says, of one number that takes no room.
        if head is not None and labels in heads and is_images(_hollow(head)):
            return head
    return None


def _hollow(head: ArrayHead) -> NDArray[Any]:
    return np.broadcast_to(np.zeros((), head.dtype), head.shape)


def _is_plain(head: ArrayHead) -> bool:
    """Tell whether images can be read as they lie: bytes, channels last, no alpha."""
    colors = head.shape[3:]
    return head.start is not None and head.dtype == np.uint8 and colors in ((), (1,), (3,))


def _in_place(head: ArrayHead) -> MappedRows:
    mapped = head.mapped()
    if mapped is None:
        raise FileFormatError(str(head.path), needed="at least one image", got="none")
    return MappedRows(mapped[..., 0] if head.shape[3:] == (1,) else mapped)


def _read(head: ArrayHead) -> NDArray[Any]:
    """Return an array that is small, such as labels."""
    pieces = list(head.pieces(max(PIECE // max(head.row_bytes, 1), 1)) if head.shape else ())
    return np.concatenate(pieces) if pieces else np.empty(head.shape, head.dtype)


def _limits(head: ArrayHead) -> Limits:
    """Return the smallest and largest number of all."""
    ends = [(piece.min(), piece.max()) for piece in head.pieces(_rows_of_piece(head))]
    lows, highs = zip(*ends, strict=True) if ends else ((0,), (0,))
    return np.min(lows), np.max(highs)


def _depth(head: ArrayHead) -> Depth:
    if head.dtype in (np.uint8, np.bool_):
        return "8-bit"
    # Two numbers say it as well as all.
    return depth_of_array(np.array(_limits(head), head.dtype))


def _rows_of_piece(head: ArrayHead) -> int:
    # Eight bytes for each number while it is worked on.
    return max(1, PIECE // max(head.row_bytes // head.dtype.itemsize * 8, 1))


def _written(
    head: ArrayHead, depth: Depth, files: PreparedFiles, preparation: Preparation, notes: list[str]
) -> MappedRows:
    """Return images as numbers of a depth, written now or before."""
    which, name = f"{head.name} of {head.path.name}", f"images_{head.name.lower()}"
    stored = files.array(name)
    if stored is None:
        rows, limits = _rows_of_piece(head), _limits(head)
        one = channels_last(np.zeros((1, *head.shape[1:]), head.dtype), which, notes)
        shape = pixels_of_depth(one, depth, which).shape[1:]
        with files.writer(name, np.dtype(DTYPES[depth]).name, shape) as writer:
            for piece in head.pieces(rows, writer.rows):
                pixels = channels_last(piece, which)
                writer.add(pixels_of_depth(pixels, depth, which, limits))
                preparation.tell(writer.rows, head.shape[0], "images")
            writer.finish()
        stored = files.array(name)
    assert stored is not None
    if len(stored) != head.shape[0] or stored.dtype != DTYPES[depth]:
        raise FileFormatError(
            f"the prepared images in {files.folder}",
            needed=f"{head.shape[0]:,} of {which}",
            got=f"{stored.dtype} of shape {stored.shape}",
            try_=f"removing the folder {files.folder}: they are then prepared anew",
        )
    return MappedRows(stored)
