"""Rows that were prepared as they do not fit into memory: folders whose files a stranger made.

What is read from it is as long as the pictures are many, or it is refused, or made anew.
"""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from misstep.data import ImageScaling, read_images
from misstep.data.image.images import Images
from tests.fuzz.mutations import BYTES, overwrite, swap_lines
from tests.fuzz.structures import change_json, change_json_lines
from tests.fuzz.targets.small import PICTURES
from tests.fuzz.targets.target import Target

MANIFEST = "prepared.json"
FACTS, ROWS = "train_images.facts", "train_images.rows"


class PreparedPictures(Target):
    """The manifest of pictures out of class folders."""

    name = "prepared"
    ending = ".json"
    mutations = (*BYTES, *(change_json,) * 20)
    # Which file of the folder is broken.
    broken = MANIFEST

    def make(self) -> list[bytes]:
        source = self.folder / "pictures"
        for number, pixels in enumerate(PICTURES):
            split = "test" if number >= 12 else "train"
            place = source / split / "ab"[number % 2]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(place / f"{number}.png")
        (source / "train" / "a" / "1.png").write_text("no picture")
        self._read(self.folder / "rows")
        return [(self.folder / "rows" / self.broken).read_bytes()]

    def _read(self, rows: Path) -> Images:
        return read_images(self.folder / "pictures", prepared=rows, memory=1)

    def attempt(self, path: Path) -> None:
        rows = path.parent / "rows"
        shutil.rmtree(rows, ignore_errors=True)
        shutil.copytree(self.folder / "rows", rows)
        (rows / self.broken).write_bytes(path.read_bytes())
        images = self._read(rows)
        for pixels, labels, files in (
            (images.train_images, images.train_labels, images.train_files),
            (images.test_images, images.test_labels, images.test_files),
        ):
            assert len(np.asarray(pixels)) == len(labels) == len(files) <= len(PICTURES)
        features = np.asarray(ImageScaling.of(images).transform(images.train_images))
        assert features.shape == (len(images.train_labels), np.prod(images.shape))

    def is_open(self, content: bytes) -> bool:
        try:
            return isinstance(json.loads(content), dict)
        except (ValueError, RecursionError):
            return False


class FactsOnPieces(PreparedPictures):
    """What is known of each piece: which files were no pictures."""

    name = "prepared-facts"
    ending = ".facts"
    mutations = (*BYTES, swap_lines, *(change_json_lines,) * 10)
    broken = FACTS

    def is_open(self, content: bytes) -> bool:
        return True


class PreparedRows(FactsOnPieces):
    """The rows themselves, more or fewer bytes of them."""

    name = "prepared-rows"
    ending = ".rows"
    weight = 1
    mutations = (*BYTES, overwrite)
    broken = ROWS


class PreparedArchives(PreparedPictures):
    """The manifest of pictures out of an archive that packs them."""

    name = "prepared-npz"

    def make(self) -> list[bytes]:
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            x_train=PICTURES[:12],
            y_train=np.arange(12) % 2,
            x_test=PICTURES[12:],
            y_test=np.arange(4) % 2,
        )
        (self.folder / "pictures.npz").write_bytes(buffer.getvalue())
        self._read(self.folder / "rows")
        return [(self.folder / "rows" / self.broken).read_bytes()]

    def _read(self, rows: Path) -> Images:
        images = read_images(self.folder / "pictures.npz", prepared=rows, memory=1)
        # They have no names of files.
        train, test = len(images.train_images), len(images.test_images)
        return replace(images, train_files=("",) * train, test_files=("",) * test)
