"""Folders of images: a folder for each class, perhaps one for training and one for the test.

FOLDER/<class>/*.png, or FOLDER/train/<class>/ and FOLDER/test/<class>/, or, to predict for, any
folder with images in it. Knows names of files; `decoding.py` decodes them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from misstep.data.image.decoding import (
    chosen_size,
    decoded_images,
    is_image_name,
    looks_of,
    refuse_many_broken,
)
from misstep.data.image.depth import Depth, common_depth
from misstep.data.image.images import Images, no_labels, note_on_repeats
from misstep.data.image.prepared_images import Split, prepared_images, prepared_split
from misstep.data.io.files import existing_path, folders_in, listed
from misstep.data.preparation import Preparation
from misstep.data.table.cell_values import sound_text
from misstep.errors import ArgumentError, DataError
from misstep.text.counts import counted
from misstep.text.lists import and_so_on
from misstep.text.names import did_you_mean

__all__ = [
    "holds_images",
    "prepared_image_files",
    "read_class_folders",
    "read_image_files",
    "with_test_folder",
]

# Names that people give to the folders of the two splits, in lower case.
TRAINING = ("train", "training", "training_set", "train_set")
TEST = ("test", "testing", "test_set", "val", "valid", "validation", "validation_set")
# What file managers leave behind; nobody wants to hear of it.
LITTER = ("thumbs.db", "desktop.ini")
# Files that are looked at to tell what a folder holds.
LOOKED_AT = 2000


@dataclass
class _Files:
    """Files of a split with the class of each, and what else lay there."""

    paths: list[Path] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def holds_images(source: str | os.PathLike[str]) -> bool:
    """Tell whether a path is a folder with an image somewhere in it."""
    if "\0" in os.fspath(source):
        return False
    seen = 0
    for _, folders, names in os.walk(source):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if any(is_image_name(name) and not name.startswith(".") for name in names):
            return True
        seen += len(names)
        if seen > LOOKED_AT:
            return False
    return False


def read_class_folders(
    source: str | os.PathLike[str],
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    preparation: Preparation | None = None,
) -> Images:
    """Read a folder that holds a folder of images for each class, named like the class.

    `size`: height and width of the images; None: chosen from them. `channels`: 1 or 3; None: 1
    where all are grey. A folder with "train" and "test" in it holds the classes in those. Broken
    files are left out. `preparation`: where they are decoded to, if memory is not enough. Raises
    StorageError, DataError: fewer than two classes, a class in the test split only, too many broken
    files.
    """
    folder = existing_path(source, folder=True)
    train_folder, test_folder = _split_folders(folder)
    train = _classes_in(train_folder)
    _check_classes(train, train_folder)
    test = _Files() if test_folder is None else _classes_in(test_folder)
    if test_folder is not None:
        _check_known(test, train.labels, test_folder)
    notes = _notes_on_others([*train.others, *test.others], folder)
    if preparation is not None:
        splits = Split(train.paths, train.labels), Split(test.paths, test.labels)
        prepared = prepared_images(folder, *splits, (size, channels), preparation, notes)
        if prepared is not None:
            return prepared
    looks, _ = looks_of([(str(path), path) for path in train.paths])
    sizing = ""
    if size is None and looks:
        size, sizing = chosen_size(looks)
    if channels is None:
        channels = 1 if all(look.grey for look in looks) else 3
    depth = common_depth({look.depth for look in looks})
    images, labels, files = _read(train, size, channels, depth, folder, notes)
    read = replace(
        Images.alone(images, labels, depth=depth), notes=notes, train_files=files, sizing=sizing
    )
    return read if test_folder is None else _with_test(read, test, folder)


def with_test_folder(images: Images, source: str | os.PathLike[str]) -> Images:
    """Return `images` with another folder of class folders as their test split.

    Its images are brought to the size of those. Raises as `read_class_folders` does.
    """
    folder = existing_path(source, folder=True)
    test = _classes_in(folder)
    if not test.paths:
        raise DataError(
            f"the test folder {folder}", needed="a folder of images for each class", got="none"
        )
    _check_known(test, map(str, images.train_labels.tolist()), folder)
    notes = [*images.notes, *_notes_on_others(test.others, folder)]
    return _with_test(replace(images, notes=notes), test, folder)


def read_image_files(
    source: str | os.PathLike[str], size: tuple[int, int], channels: int, depth: Depth = "8-bit"
) -> Images:
    """Read one image, or all in a folder and the folders in it, to predict for.

    Where every image lies in a folder that lies in `source`, the name of that is its label; else
    no labels are known. All are brought to `size`, height and width, `channels`, 1 or 3, and
    `depth`. Raises StorageError, or DataError: no images, or too many broken ones.
    """
    path, files, labeled = _files_to_predict_for(existing_path(source, folder=True))
    notes: list[str] = []
    images, labels, names = _read(files, size, channels, depth, path, notes)
    read = Images.alone(images, labels if labeled else no_labels(len(images)), depth=depth)
    return replace(read, notes=notes, train_files=names)


def prepared_image_files(
    source: str | os.PathLike[str],
    size: tuple[int, int],
    channels: int,
    depth: Depth,
    preparation: Preparation,
) -> Images | None:
    """Read all images in a folder as `read_image_files` does, decoded into a file.

    None where they fit into memory. Raises what that does, and FileFormatError.
    """
    path, files, labeled = _files_to_predict_for(existing_path(source, folder=True))
    split = Split(files.paths, files.labels)
    read = prepared_split(path, split, (size, channels, depth), preparation)
    if read is None or labeled:
        return read
    return replace(read, train_labels=no_labels(len(read.train_images)))


def _files_to_predict_for(path: Path) -> tuple[Path, _Files, bool]:
    """Return the folder or file that images lie in, all of them, and whether labels are known.

    Raises DataError where there are none.
    """
    if path.is_file():
        files = _Files([path])
    else:
        path = _split_folders(path)[1] or path
        files = _classes_in(path)
        direct = [other for other in files.others if is_image_name(other.name)]
        if not files.paths:
            files = _Files(_inside(path)[0])
        elif direct:
            files = _Files(sorted([*files.paths, *direct]))
    if not files.paths:
        raise DataError(
            str(path), needed="images such as .png or .jpg in it", got="none", try_="another folder"
        )
    labeled = bool(files.labels)
    files.labels = files.labels or [""] * len(files.paths)
    return path, files, labeled


def _split_folders(folder: Path) -> tuple[Path, Path | None]:
    """Return the folders that hold the classes for training and for the test, or None."""
    inside = {path.name.lower(): path for path in folders_in(folder)}
    train = next((inside[name] for name in TRAINING if name in inside), None)
    if train is None or not any(map(holds_images, folders_in(train))):
        return folder, None
    return train, next((inside[name] for name in TEST if name in inside), None)


def _classes_in(folder: Path) -> _Files:
    """Return the files of the class folders in `folder`, by class and name."""
    files = _Files()
    for class_folder in folders_in(folder):
        images, others = _inside(class_folder)
        files.paths += images
        files.labels += [sound_text(class_folder.name)] * len(images)
        files.others += others
    files.others += [path for path in listed(folder) if path.is_file() and _counts(path)]
    return files


def _inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return images and other files anywhere in a folder, in order of their names."""
    images: list[Path] = []
    others: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (Path(parent) / name for name in sorted(names)):
            if _counts(path):
                (images if is_image_name(path.name) else others).append(path)
    return images, others


def _counts(path: Path) -> bool:
    return not path.name.startswith(".") and path.name.lower() not in LITTER


def _check_classes(files: _Files, folder: Path) -> None:
    classes = sorted(set(files.labels))
    if len(classes) >= 2:
        return
    direct = sum(is_image_name(other.name) for other in files.others)
    got = f"one, {classes[0]!r}" if classes else "none"
    if direct and not classes:
        got = f"{direct:,} images that lie in it side by side, so that their classes are unknown"
    raise DataError(
        f"the folder {folder}",
        needed="a folder of images for each of two or more classes, named like the class",
        got=got,
        try_=f"folders such as {folder}/cats and {folder}/dogs",
    )


def _check_known(test: _Files, labels: Any, folder: Path) -> None:
    known = sorted(set(labels))
    for label in sorted(set(test.labels) - set(known))[:1]:
        raise DataError(
            f"the test folder {folder}",
            needed="classes that are learned, and no others",
            got=repr(label),
            try_=did_you_mean(label, known),
        )


def _notes_on_others(others: Sequence[Path], folder: Path) -> list[str]:
    if not others:
        return []
    shown = and_so_on([str(path.relative_to(folder)) for path in others[:4]], 3)
    if all(is_image_name(path.name) for path in others):
        return [f"{counted(len(others), 'image')} in no class's folder left out: {shown}"]
    many = "1 file that is" if len(others) == 1 else f"{len(others):,} files that are"
    return [f"{many} no image of a class left out: {shown}"]


def _read(
    files: _Files,
    size: tuple[int, int] | None,
    channels: int,
    depth: Depth,
    folder: Path,
    notes: list[str],
) -> tuple[Any, Any, tuple[str, ...]]:
    """Return images, labels and names of files of a split; broken ones become a note."""
    if channels not in (1, 3):
        raise ArgumentError("channels of images", needed="1 or 3", got=str(channels))
    start = folder if folder.is_dir() else folder.parent
    names = [str(path.relative_to(start)) for path in files.paths]
    images, kept, broken = decoded_images(
        list(zip(names, files.paths, strict=True)), size, channels, depth
    )
    notes += refuse_many_broken(broken, len(names), str(folder))
    labels = np.asarray(files.labels, dtype=object)[kept].astype(str)
    return images, labels, tuple(names[index] for index in kept.tolist())


def _with_test(images: Images, test: _Files, folder: Path) -> Images:
    height, width, channels = images.shape
    notes = list(images.notes)
    read, labels, files = _read(test, (height, width), channels, images.depth, folder, notes)
    notes += note_on_repeats(images.train_images, read)
    return replace(images, test_images=read, test_labels=labels, test_files=files, notes=notes)
