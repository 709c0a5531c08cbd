"""What a person means by SOURCE: an example's name, a table, arrays, a folder; one reader for each.

A `Reader` is known by being written: a new kind of file is one class, here or beside its data.
Decides nothing about training.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from misstep.data.dataset import Dataset
from misstep.data.image.class_folders import holds_images, read_class_folders
from misstep.data.image.decoding import ENDINGS as IMAGE_ENDINGS
from misstep.data.image.decoding import is_image_name
from misstep.data.image.idx_folders import IDX_NAMES, is_idx_folder, read_idx_folder
from misstep.data.image.images import Images, images_from_arrays
from misstep.data.image.prepared_arrays import prepared_arrays
from misstep.data.io.examples import EXAMPLES, read_example
from misstep.data.io.files import refuse_long_name
from misstep.data.io.formats import format_of
from misstep.data.io.idx import is_idx_name
from misstep.data.io.npz import is_npz, read_arrays
from misstep.data.io.zipped_folders import is_zip_name, names_in_zip, unzipped
from misstep.data.preparation import Preparation
from misstep.data.preprocessing import Preprocessing
from misstep.data.sequence.sequences import holds_sequences, sequences_from_arrays
from misstep.data.sequence.ts_files import is_ts_name, read_ts
from misstep.data.table.table import read_table
from misstep.data.table.whole_tables import sampled_table
from misstep.data.text.text_files import ENDING as TEXT_ENDING
from misstep.data.text.text_files import is_text_folder, read_text_folder
from misstep.errors import DataError, FileFormatError
from misstep.text.names import nearest_name

__all__ = ["Reader", "read_images", "read_rows", "read_source", "unknown_source"]

# What is unpacked of a zip archive: what folders of classes hold.
FOLDER_ENDINGS = (*IMAGE_ENDINGS, TEXT_ENDING)
_READERS: list[Reader] = []


class Reader(ABC):
    """Reads one kind of source. Where two recognize a source, that of lower `priority` reads it."""

    priority: ClassVar[int]

    def __init_subclass__(cls) -> None:
        _READERS.append(cls())
        _READERS.sort(key=lambda reader: reader.priority)

    @abstractmethod
    def recognizes(self, source: str) -> bool:
        """Tell from a path, or what somebody wrote in its place, whether it is of this kind."""

    @abstractmethod
    def read(self, source: str) -> Dataset:
        """Return what is there. Raises StorageError, FileFormatError or DataError."""

    def read_prepared(self, source: str, preparation: Preparation) -> Dataset:
        """Return what is there, prepared in files where it does not fit into memory.

        By default all is read at once. Raises what `read` does.
        """
        return self.read(source)


def read_source(source: str | os.PathLike[str], preparation: Preparation | None = None) -> Dataset:
    """Return the table, the labeled images or the recorded sequences that `source` names.

    `preparation`: where rows are prepared that do not fit into memory; None: all are read into it.

    `source`: an example such as "digits" (a file or a folder with images of that name goes
    first), a CSV, TSV, Parquet, Feather, Excel, JSON, ARFF or SQLite file
    (`shop.sqlite::orders` where it holds several tables), a .ts file of sequences, an npz file, a
    folder with idx files, or one of these files; or class folders of images or of .txt files, also
    zipped. Raises StorageError, FileFormatError, DataError.
    """
    name = os.fspath(source)
    refuse_long_name(name)
    if _is_zipped_folder(name):
        with unzipped(name, FOLDER_ENDINGS) as folder:
            return read_source(folder, preparation)
    reader = next(reader for reader in _READERS if reader.recognizes(name))
    return reader.read(name) if preparation is None else reader.read_prepared(name, preparation)


def read_images(
    source: str | os.PathLike[str],
    prepared: str | os.PathLike[str] | None = None,
    memory: str | int | None = None,
) -> Images:
    """Read labeled images.

    `source`: a folder that holds a folder of images for each class, perhaps in "train" and
    "test"; a folder with MNIST's four idx files; or an .npz file with x and y, or x_train, y_train,
    x_test and y_test. Images in files of different sizes are brought to one that suits them.

    `prepared`: a folder where images that do not fit into memory are written once, as bytes, and
    read from; None: all are read into memory. `memory`: what they may take, such as "4GB"; None:
    half of what is available.

    Raises StorageError, FileFormatError or DataError.

    >>> import misstep as ms
    >>> import numpy as np
    >>> np.savez("two.npz", x=np.zeros((2, 8, 8), "uint8"), y=["dark", "dark"])
    >>> ms.read_images("two.npz").train_images.shape
    (2, 8, 8)
    """
    refuse_long_name(source)
    if _is_zipped_folder(source):
        with unzipped(source, FOLDER_ENDINGS) as folder:
            return read_images(folder, prepared, memory)
    path = Path(os.fspath(source))
    preparation = None if prepared is None else Preparation.of(prepared, memory)
    if path.is_dir() and not is_idx_folder(path):
        return read_class_folders(path, preparation=preparation)
    dataset = read_source(source, preparation)
    if isinstance(dataset, Images):
        return dataset
    raise FileFormatError(
        str(source),
        needed="images x (rows, height, width) or (rows, height, width, 3) of bytes and "
        "labels y (rows,), or x_train, y_train, x_test and y_test",
        got=dataset.description,
    )


def read_rows(
    source: str | os.PathLike[str],
    preprocessing: Preprocessing,
    target: str = "",
    preparation: Preparation | None = None,
) -> Dataset:
    """Return rows to predict for: like `read_source`, but of the kind that was learned from.

    Where they came with a test split, that. `preprocessing`: of the model; some kinds take more,
    such as single images, or texts one a line. `target`: name of the answers, which may be there.
    `preparation`: where rows are prepared that do not fit into memory; None: all are read into it.
    Raises DataError for another kind, and what `read_source` raises.
    """
    refuse_long_name(source)
    path = Path(os.fspath(source))
    dataset = None
    if preparation is not None:
        dataset = preprocessing.read_path_prepared(path, preparation)
    if dataset is None:
        dataset = preprocessing.read_path(path)
    if dataset is None:
        dataset = read_source(source, preparation)
        if dataset.is_sample:
            # Every row is predicted for.
            dataset = read_source(source)
    return preprocessing.accept(dataset.test_split, str(source), target)


def unknown_source(source: str) -> str | None:
    """Return the example whose name is nearest to `source`, if it looks like one."""
    return None if Path(source).exists() else nearest_name(source, EXAMPLES)


def _is_zipped_folder(source: str | os.PathLike[str]) -> bool:
    """Tell whether a file is a zip archive of images or texts."""
    path = Path(source)
    if not (is_zip_name(path.name) and path.is_file()):
        return False
    return any(name.lower().endswith(FOLDER_ENDINGS) for name in names_in_zip(path))


class TextFolderReader(Reader):
    """Folders with .txt files, in them or in a folder for each class."""

    priority = 10

    def recognizes(self, source: str) -> bool:
        return is_text_folder(Path(source))

    def read(self, source: str) -> Dataset:
        return read_text_folder(source)


class IdxReader(Reader):
    """Folders with MNIST's files, and one of these, for all in its folder."""

    priority = 20

    def recognizes(self, source: str) -> bool:
        return is_idx_folder(source) or (is_idx_name(source) and Path(source).is_file())

    def read(self, source: str) -> Dataset:
        folder = source if is_idx_folder(source) else Path(source).parent
        if is_idx_folder(folder):
            return read_idx_folder(folder)
        raise FileFormatError(
            source,
            needed="images and their labels side by side",
            got="a folder without " + IDX_NAMES["train_images"][0],
            try_="a folder with MNIST's four files under their usual names",
        )


class ImageReader(Reader):
    """Folders with images in them, and single images, which are too few."""

    priority = 30

    def recognizes(self, source: str) -> bool:
        path = Path(source)
        return is_image_name(path.name) if path.is_file() else holds_images(path)

    def read_prepared(self, source: str, preparation: Preparation) -> Dataset:
        if Path(source).is_dir():
            return read_class_folders(source, preparation=preparation)
        return self.read(source)

    def read(self, source: str) -> Dataset:
        if Path(source).is_dir():
            return read_class_folders(source)
        raise FileFormatError(
            source,
            needed="many images to learn from",
            got="a single one",
            try_="the folder that holds a folder of images for each class",
        )


class ExampleReader(Reader):
    """Examples by name. A folder such as that of an earlier run holds no rows: it isn't meant."""

    priority = 40

    def recognizes(self, source: str) -> bool:
        path = Path(source)
        return source in EXAMPLES and path.name == source and not path.is_file()

    def read(self, source: str) -> Dataset:
        table, example = read_example(source), EXAMPLES[source]
        if example.shape is None or example.largest is None:
            return table
        labels = table.frame[example.target].to_numpy().astype("uint8")
        pixels = table.frame.drop(columns=example.target).to_numpy()
        images = pixels.reshape(len(pixels), *example.shape).astype("uint8")
        return replace(Images.alone(images, labels, example.largest), notes=list(table.notes))


class ArraysReader(Reader):
    """Files of arrays: images, or recorded sequences."""

    priority = 50

    def recognizes(self, source: str) -> bool:
        path = Path(source)
        return is_npz(path) and path.is_file()

    def read_prepared(self, source: str, preparation: Preparation) -> Dataset:
        images = prepared_arrays(Path(source), preparation)
        return self.read(source) if images is None else images

    def read(self, source: str) -> Dataset:
        arrays, name = read_arrays(source), Path(source).name
        images = images_from_arrays(arrays, name)
        if images is not None:
            return images
        if holds_sequences(arrays):
            return sequences_from_arrays(arrays, name)
        raise DataError(
            source,
            needed="recorded sequences x (rows, steps, channels), or images x (rows, "
            "height, width) of bytes, and y (rows,)",
            got=", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:8]),
            try_="x[..., None] where there is one channel alone",
        )


class TsReader(Reader):
    """Recorded sequences in files of the UEA and UCR archives."""

    priority = 60

    def recognizes(self, source: str) -> bool:
        path = Path(source)
        return is_ts_name(path.name) and path.is_file()

    def read(self, source: str) -> Dataset:
        return read_ts(source)


class TableReader(Reader):
    """Everything else: files of tables, and names of nothing, of which errors say so."""

    priority = 100

    def recognizes(self, source: str) -> bool:
        return True

    def read_prepared(self, source: str, preparation: Preparation) -> Dataset:
        if format_of(source) is not None:
            return self.read(source)
        sample = sampled_table(source, preparation)
        return self.read(source) if sample is None else sample

    def read(self, source: str) -> Dataset:
        return read_table(source)
