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
from misstep.data.image.images import Images, no_labels, note_on_repeats
from misstep.data.io.files import existing_path
from misstep.errors import ArgumentError, DataError
from misstep.text.counts import counted
from misstep.text.lists import and_so_on
from misstep.text.names import did_you_mean

__all__ = ["holds_images", "read_class_folders", "read_image_files", "with_test_folder"]

# Names that people give to the folders of the two parts, in lower case.
TRAINING = ("train", "training", "training_set", "train_set")
TEST = ("test", "testing", "test_set", "val", "valid", "validation", "validation_set")
# What file managers leave behind; nobody wants to hear of it.
LITTER = ("thumbs.db", "desktop.ini")
# Files that are looked at to tell what a folder holds.
LOOKED_AT = 2000


@dataclass
class _Part:
    """Files of a part with the class of each, and what else lay there."""

    files: list[Path] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def holds_images(source: str | os.PathLike[str]) -> bool:
    """Tell whether a path is a folder with an image somewhere in it."""
    folder = Path(source)
    if not folder.is_dir():
        return False
    seen = 0
    for _, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if not name.startswith(".")]
        if any(is_image_name(name) and not name.startswith(".") for name in names):
            return True
        seen += len(names)
        if seen > LOOKED_AT:
            return False
    return False


def read_class_folders(
    source: str | os.PathLike[str], size: tuple[int, int] | None = None, channels: int | None = None
) -> Images:
    """Read a folder that holds a folder of images for each class, named like the class.

    `size`: height and width of the images; None: chosen from them. `channels`: 1 or 3; None: 1
    where all are grey. A folder with "train" and "test" in it holds the classes in those. Broken
    files are left out. Raises StorageError, DataError: fewer than two classes, a class in the test
    part only, too many broken files.
    """
    folder = existing_path(source, folder=True)
    train_folder, test_folder = _parts_of(folder)
    train = _classes_in(train_folder)
    _check_classes(train, train_folder)
    test = _Part() if test_folder is None else _classes_in(test_folder)
    if test_folder is not None:
        _check_known(test, train, test_folder)
    notes = _notes_on_others([*train.others, *test.others], folder)
    looks, _, _ = looks_of([(str(path), path) for path in train.files])
    sizing = ""
    if size is None and looks:
        size, sizing = chosen_size(looks)
    if channels is None:
        channels = 1 if all(one.grey for one in looks) else 3
    images, labels, files = _read(train, size, channels, folder, notes)
    found = Images(images, labels, images[:0], labels[:0], notes, train_files=files, sizing=sizing)
    return found if test_folder is None else _with_test(found, test, folder)


def with_test_folder(images: Images, source: str | os.PathLike[str]) -> Images:
    """Return `images` with another folder of class folders as their test part.

    Its images are brought to the size of those. Raises as `read_class_folders` does.
    """
    folder = existing_path(source, folder=True)
    test = _classes_in(folder)
    known = _Part(labels=sorted({str(label) for label in images.train_labels.tolist()}))
    if not test.files:
        raise DataError(
            f"the test folder {folder}", needed="a folder of images for each class", got="none"
        )
    _check_known(test, known, folder)
    more = _notes_on_others(test.others, folder)
    return _with_test(replace(images, notes=[*images.notes, *more]), test, folder)


def read_image_files(
    source: str | os.PathLike[str], size: tuple[int, int], channels: int
) -> Images:
    """Read one image, or all in a folder and the folders in it, to predict for.

    Where every image lies in a folder that lies in `source`, the name of that is its label; else
    no labels are known. All are brought to `size`, height and width, and `channels`, 1 or 3. Raises
    StorageError, or DataError: no images, or too many broken ones.
    """
    path = existing_path(source, folder=True)
    notes: list[str] = []
    if path.is_file():
        part = _Part([path], [""])
    else:
        _, test_folder = _parts_of(path)
        part = _classes_in(test_folder or path)
        if not part.files:
            inside, _ = _inside(path)
            part = _Part(inside, [""] * len(inside))
        elif any(is_image_name(one.name) for one in part.others):
            direct = [one for one in part.others if is_image_name(one.name)]
            every = sorted([*part.files, *direct])
            part = _Part(every, [""] * len(every))
        path = test_folder or path
    if not part.files:
        raise DataError(
            str(path), needed="images such as .png or .jpg in it", got="none", try_="another folder"
        )
    images, labels, files = _read(part, size, channels, path, notes)
    if not all(part.labels):
        labels = no_labels(len(images))
    return Images(images, labels, images[:0], labels[:0], notes, train_files=files)


def _parts_of(folder: Path) -> tuple[Path, Path | None]:
    """Return the folders that hold the classes for training and for the test, or None."""
    inner = {path.name.lower(): path for path in _folders_in(folder)}
    train = next((inner[name] for name in TRAINING if name in inner), None)
    if train is None or not any(holds_images(one) for one in _folders_in(train)):
        return folder, None
    return train, next((inner[name] for name in TEST if name in inner), None)


def _folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder; no links that lead back to it or to what it lies in."""
    place = folder.resolve()
    return sorted(
        one
        for one in folder.iterdir()
        if one.is_dir()
        and not one.name.startswith(".")
        and not (one.is_symlink() and place.is_relative_to(one.resolve()))
    )


def _classes_in(folder: Path) -> _Part:
    """Return the files of the class folders in `folder`, by class and name."""
    part = _Part()
    for one in _folders_in(folder):
        files, others = _inside(one)
        part.files += files
        part.labels += [one.name] * len(files)
        part.others += others
    part.others += [one for one in sorted(folder.iterdir()) if one.is_file() and _counts(one)]
    return part


def _inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return images and other files anywhere in a folder, in order of their names."""
    files: list[Path] = []
    others: list[Path] = []
    for place, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            path = Path(place) / name
            if _counts(path):
                (files if is_image_name(name) else others).append(path)
    return files, others


def _counts(path: Path) -> bool:
    return not path.name.startswith(".") and path.name.lower() not in LITTER


def _check_classes(part: _Part, folder: Path) -> None:
    classes = sorted(set(part.labels))
    if len(classes) >= 2:
        return
    direct = sum(is_image_name(one.name) for one in part.others)
    got = "none" if not classes else f"one, {classes[0]!r}"
    if direct and not classes:
        got = f"{direct:,} images that lie in it side by side, so that their classes are unknown"
    raise DataError(
        f"the folder {folder}",
        needed="a folder of images for each of two or more classes, named like the class",
        got=got,
        try_=f"folders such as {folder}/cats and {folder}/dogs",
    )


def _check_known(test: _Part, train: _Part, folder: Path) -> None:
    known = sorted(set(train.labels))
    for label in sorted(set(test.labels)):
        if label not in known:
            raise DataError(
                f"the test folder {folder}",
                needed="classes that are learned, and no others",
                got=repr(label),
                try_=did_you_mean(label, known),
            )


def _notes_on_others(others: Sequence[Path], folder: Path) -> list[str]:
    if not others:
        return []
    shown = and_so_on([str(path.relative_to(folder)) for path in others], 3)
    images = sum(is_image_name(path.name) for path in others)
    if images == len(others):
        return [f"{images:,} images that lie in no class's folder left out: {shown}"]
    many = counted(len(others), "file that is", "files that are")
    return [f"{many} no image of a class left out: {shown}"]


def _read(
    part: _Part, size: tuple[int, int] | None, channels: int, folder: Path, notes: list[str]
) -> tuple[Any, Any, tuple[str, ...]]:
    """Return images, labels and names of files of a part; broken ones become a note."""
    if channels not in (1, 3):
        raise ArgumentError("channels of images", needed="1 or 3", got=str(channels))
    start = folder if folder.is_dir() else folder.parent
    names = [str(path.relative_to(start)) for path in part.files]
    files = list(zip(names, part.files, strict=True))
    images, kept, broken = decoded_images(files, size, channels)
    notes += refuse_many_broken(broken, len(files), str(folder))
    labels = np.asarray(part.labels, dtype=object)[kept].astype(str)
    return images, labels, tuple(names[place] for place in kept.tolist())


def _with_test(images: Images, test: _Part, folder: Path) -> Images:
    height, width, channels = images.shape
    notes = list(images.notes)
    shown, labels, files = _read(test, (height, width), channels, folder, notes)
    notes += note_on_repeats(images.train_images, shown)
    return replace(images, test_images=shown, test_labels=labels, test_files=files, notes=notes)
