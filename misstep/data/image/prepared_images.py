"""Images of class folders that do not fit into memory: decoded once, into a file that is mapped.

Each split is decoded in pieces, each whole on disk before the next one, so that a killed process
goes on where it was. The images, their order and what is left out are those that come of decoding
all at once. Knows names of files; `decoding.py` decodes them, `preparation.py` says where to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from misstep.data.image.decoding import (
    Broken,
    chosen_size,
    decoded_images,
    looks_of,
    refuse_many_broken,
)
from misstep.data.image.depth import DTYPES, Depth, common_depth
from misstep.data.image.images import Images, note_on_repeats
from misstep.data.preparation import PIECE, Preparation, key_of, marks_of
from misstep.errors import FileFormatError
from misstep.storage import MappedRows, PreparedFiles
from misstep.text.counts import counted

__all__ = ["MEMORY_OF_IMAGES", "Split", "prepared_images", "prepared_split"]

# What images take in memory, as a multiple of their own bytes: as they are read, as they are dealt
# out, and four bytes for each of theirs as a network takes them.
MEMORY_OF_IMAGES = 6
# A side that a manifest may name.
LARGEST_SIDE = 2**16
# Files of a piece at most.
MOST_FILES = 4096


@dataclass(frozen=True)
class Split:
    """Files of images and the class of each."""

    paths: Sequence[Path]
    labels: Sequence[str]


def prepared_images(
    folder: Path,
    train: Split,
    test: Split,
    wanted: tuple[tuple[int, int] | None, int | None],
    preparation: Preparation,
    notes: list[str],
) -> Images | None:
    """Return the images of class folders in a file; None where they fit into memory.

    `folder`: that they lie in. `wanted`: size and channels, or None for each, chosen from them.
    `notes` gets what was noticed. Raises StorageError, FileFormatError, or DataError for too many
    broken files.
    """
    paths = [*train.paths, *test.paths]
    key = key_of(kind="class folders", wanted=wanted, files=marks_of(*paths, start=folder))
    if preparation.is_there:
        with preparation.files(key) as files:
            if files.facts:
                notes.append(
                    f"rows that were prepared in {files.folder} are read again, because none of "
                    "the files was changed since"
                )
                return _images(folder, train, test, files, preparation, notes)
    size, channels = wanted
    looks, _ = looks_of([(str(path), path) for path in train.paths])
    if not looks:
        return None
    sizing = ""
    if size is None:
        size, sizing = chosen_size(looks)
    if channels is None:
        channels = 1 if all(look.grey for look in looks) else 3
    depth = common_depth({look.depth for look in looks})
    each = math.prod(size) * channels * np.dtype(DTYPES[depth]).itemsize
    because = preparation.because(MEMORY_OF_IMAGES * each * len(paths))
    if because is None:
        return None
    with preparation.files(key) as files:
        files.facts = {"size": list(size), "channels": channels, "depth": depth, "sizing": sizing}
        notes.append(
            f"{counted(len(paths), 'image')} prepared in {files.folder}, from where they are read, "
            f"because {because}"
        )
        return _images(folder, train, test, files, preparation, notes)


def prepared_split(
    folder: Path, split: Split, wanted: tuple[tuple[int, int], int, Depth], preparation: Preparation
) -> Images | None:
    """Return the images in some files of a folder, in a file; None where they fit into memory.

    `wanted`: size, channels and depth. Raises as `prepared_images` does.
    """
    size, channels, depth = wanted
    each = math.prod(size) * channels * np.dtype(DTYPES[depth]).itemsize
    because = preparation.because(MEMORY_OF_IMAGES * each * len(split.paths))
    if because is None:
        return None
    key = key_of(kind="images", wanted=wanted, files=marks_of(*split.paths, start=folder))
    notes: list[str] = []
    with preparation.files(key) as files:
        files.facts = {"size": list(size), "channels": channels, "depth": depth, "sizing": ""}
        pixels, labels, names = _split(folder, split, "train", files, preparation, notes)
    told = f"{counted(len(names), 'image')} decoded into a file first, because {because}"
    read = Images.alone(pixels, labels, depth=depth)
    return replace(read, notes=[told, *notes], train_files=names)


def _images(
    folder: Path,
    train: Split,
    test: Split,
    files: PreparedFiles,
    preparation: Preparation,
    notes: list[str],
) -> Images:
    facts = _checked(files)
    pixels, labels, names = _split(folder, train, "train", files, preparation, notes)
    read = replace(
        Images.alone(pixels, labels, depth=facts["depth"]),
        notes=notes,
        train_files=names,
        sizing=facts["sizing"],
    )
    if not test.paths:
        return read
    tested, labels, names = _split(folder, test, "test", files, preparation, notes)
    notes += note_on_repeats(pixels, tested)
    return replace(read, test_images=tested, test_labels=labels, test_files=names, notes=notes)


def _split(
    folder: Path,
    split: Split,
    name: str,
    files: PreparedFiles,
    preparation: Preparation,
    notes: list[str],
) -> tuple[Any, Any, tuple[str, ...]]:
    """Return images, labels and names of files of a split, decoded now or before."""
    names = [str(path.relative_to(folder)) for path in split.paths]
    facts = files.facts
    (height, width), channels, depth = facts["size"], facts["channels"], facts["depth"]
    shape = (height, width, *((3,) if channels == 3 else ()))
    dtype = np.dtype(DTYPES[depth])
    stored = files.array(f"{name}_images")
    if stored is None:
        count = max(1, min(MOST_FILES, PIECE // (math.prod(shape) * dtype.itemsize)))
        with files.writer(f"{name}_images", dtype.name, shape) as writer:
            for start in range(writer.pieces * count, len(names), count):
                some = slice(start, start + count)
                listed = list(zip(names[some], split.paths[some], strict=True))
                images, kept, broken = decoded_images(listed, (height, width), channels, depth)
                gone = set(range(len(listed))) - set(kept.tolist())
                at = {listed[place][0]: start + place for place in gone}
                writer.add(images, sorted([at[each.name], each.why] for each in broken))
                preparation.tell(min(start + count, len(names)), len(names), "images")
            writer.finish()
        stored = files.array(f"{name}_images")
    assert stored is not None
    # What another one wrote is looked at before it is believed.
    left_out = _broken(files, name, len(names))
    if stored.shape != (len(names) - len(left_out), *shape) or stored.dtype != dtype:
        raise _others(files, f"{stored.dtype} of shape {stored.shape} for {len(names):,} images")
    notes += refuse_many_broken(
        [Broken(names[place], why) for place, why in left_out], len(names), str(folder)
    )
    whole = np.ones(len(names), bool)
    whole[[place for place, _ in left_out]] = False
    labels = np.asarray(split.labels, dtype=object)[whole].astype(str)
    kept_names = tuple(each for each, is_whole in zip(names, whole, strict=True) if is_whole)
    return MappedRows(stored), labels, kept_names


def _checked(files: PreparedFiles) -> dict[str, Any]:
    """Return what the images are like. Raises FileFormatError for anything that can't be."""
    facts = files.facts
    known = (facts.get(name) for name in ("size", "channels", "depth", "sizing"))
    size, channels, depth, sizing = known
    sides: list[Any] = size if isinstance(size, list) and len(size) == 2 else [0, 0]
    if any(type(side) is not int or not 0 < side <= LARGEST_SIDE for side in sides):
        raise _others(files, f"the size {size!r:.80}")
    if type(channels) is not int or channels not in (1, 3):
        raise _others(files, f"{channels!r:.20} channels")
    if not isinstance(depth, str) or depth not in DTYPES:
        raise _others(files, f"the depth {depth!r:.20}")
    if not isinstance(sizing, str):
        raise _others(files, f"{sizing!r:.20} for why they have this size")
    return facts


def _broken(files: PreparedFiles, name: str, count: int) -> list[tuple[int, str]]:
    """Return place and reason of each of `count` files that is no image, in their order.

    Raises StorageError, or FileFormatError for what can't be.
    """
    broken: list[tuple[int, str]] = []
    last = -1
    for piece in files.pieces(f"{name}_images"):
        several: list[Any] = piece if isinstance(piece, list) else [None]
        for each in several:
            types = [type(one) for one in each] if isinstance(each, list) else []
            # In order, so that there are no more of them than files.
            if types != [int, str] or not last < each[0] < count:
                raise _others(files, "facts on pieces that can't be read")
            last = each[0]
            broken.append((last, each[1]))
    return broken


def _others(files: PreparedFiles, got: str) -> FileFormatError:
    return FileFormatError(
        f"the prepared images in {files.folder}",
        needed="what this version of misstep wrote about them",
        got=got,
        try_=f"removing the folder {files.folder}: they are then prepared anew",
    )
