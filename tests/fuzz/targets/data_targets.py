"""Files that people learn from: tables, series, texts, arrays, pictures, and folders of them."""

from __future__ import annotations

import io
import json
import os
import shutil
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

import misstep as ms
from misstep.data import read_lines, read_source, read_table
from misstep.data.io.idx import read_idx
from misstep.data.text.word_vectors import read_vectors
from misstep.errors import MisstepError
from misstep.modeling import Options, recognize
from tests.fuzz.mutations import (
    BYTES,
    change_cells,
    flip_bits,
    other_characters,
    overwrite,
    pack,
    swap_lines,
    within_gzip,
)
from tests.fuzz.structures import change_archive, change_array, change_chunks, change_json
from tests.fuzz.targets.small import PICTURES, STEPS, WAVE, table_text
from tests.fuzz.targets.target import Target

CELLS = change_cells(b",")
TABLE = (*BYTES, swap_lines, *(CELLS,) * 10, other_characters)


def unpacked(content: bytes) -> int:
    """Return how many bytes a file packed by gzip unpacks to, as far as it can be; or nothing."""
    if content[:2] != b"\x1f\x8b":
        return 0
    try:
        return len(zlib.decompressobj(31).decompress(content, 2**24))
    except zlib.error:
        return 0


class Tables(Target):
    """Tables, read, recognized, split and prepared as before training."""

    name = "table"
    weight = 1
    ending = ".csv"
    mutations = (*TABLE, pack)

    def make(self) -> list[bytes]:
        money = ["price,size,sold"]
        money += [f'"${row},{row:03d}",{row}%,{"yes" if row % 3 else "no"}' for row in range(40)]
        tabs = ["a\tb\tc"] + [f"{row}\t{row % 3}\tword {row % 2}" for row in range(40)]
        return [text.encode() for text in (table_text(), "\n".join(money), "\n".join(tabs))]

    def attempt(self, path: Path) -> None:
        table = read_table(path)
        target = str(table.frame.columns[-1])
        modality = recognize(table, Options(target=target, epochs=1))
        split = modality.split()
        modality.prepare(split)

    def size(self, content: bytes) -> int:
        return max(len(content), unpacked(content))

    def is_open(self, content: bytes) -> bool:
        return self._reads(content, lambda path: read_table(path))

    def _reads(self, content: bytes, read: object) -> bool:
        path = self.folder / f"opened-{os.getpid()}{self.ending}"  # others have the same folder
        path.write_bytes(content)
        try:
            read(path)  # type: ignore[operator]
        except MisstepError:
            return False
        return True


class PackedTables(Tables):
    """Tables packed by gzip, broken within."""

    name = "table-gz"
    ending = ".csv.gz"
    mutations = (*BYTES, *(within_gzip(CELLS),) * 4, *(within_gzip(each) for each in BYTES))


class SeriesTables(Tables):
    """Tables of a series in time, to forecast from."""

    name = "series"
    weight = 1
    ending = ".csv"
    mutations = TABLE

    def make(self) -> list[bytes]:
        days = np.datetime64("2024-01-01") + np.arange(60)
        lines = ["day,value,other"]
        lines += [
            f"{day},{number:.3f},{at % 7}"
            for at, (day, number) in enumerate(zip(days, WAVE, strict=True))
        ]
        hours = ["time;load".replace(";", ",")]
        hours += [f"2024-03-{1 + at // 24:02d} {at % 24:02d}:00,{at % 24}" for at in range(72)]
        return ["\n".join(lines).encode(), "\n".join(hours).encode()]

    def attempt(self, path: Path) -> None:
        table = read_table(path)
        columns = [str(name) for name in table.frame.columns]
        asked = Options(target=columns[1] if len(columns) > 1 else columns[0], horizon=2, epochs=1)
        modality = recognize(table, asked)
        split = modality.split()
        modality.prepare(split)


class Lines(Tables):
    """Texts, one a line."""

    name = "lines"
    ending = ".txt"
    mutations = (*BYTES, swap_lines, other_characters, pack, within_gzip(other_characters))

    def make(self) -> list[bytes]:
        return ["\n".join(f"the {at}th line, é ü 漢字" for at in range(30)).encode()]

    def attempt(self, path: Path) -> None:
        read_lines(path)


class Vectors(Target):
    """Vectors of words as GloVe and word2vec write them."""

    name = "vectors"
    ending = ".txt"
    mutations = (*BYTES, swap_lines, *(change_cells(b" "),) * 8, other_characters, pack)

    def make(self) -> list[bytes]:
        words = ["cat", "dog", "bird", "New York", "é"]
        lines = [f"{word} {at}.5 -{at}e-2 0.{at}" for at, word in enumerate(words)]
        return ["\n".join(lines).encode(), "\n".join(["5 3", *lines]).encode()]

    def attempt(self, path: Path) -> None:
        read_vectors(path, ["cat", "bird", "New York", "é", "none"])


class Idx(Target):
    name = "idx"
    ending = "-idx3-ubyte"
    mutations = (*BYTES, *(overwrite,) * 4, pack, within_gzip(overwrite))

    def make(self) -> list[bytes]:
        return [_idx(PICTURES[:6]), _idx(np.arange(12, dtype="uint8"))]

    def attempt(self, path: Path) -> None:
        read_idx(path)

    def is_open(self, content: bytes) -> bool:
        return content[:2] == b"\0\0" and content[2:3] in b"\x08\x09\x0b\x0c\x0d\x0e"


def _idx(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.tobytes()


class IdxFolders(Idx):
    """Folders of MNIST's files, one of which is broken."""

    name = "idx-folder"
    ending = ".idx"

    def make(self) -> list[bytes]:
        return [_idx(PICTURES), _idx(np.arange(16, dtype="uint8") % 2)]

    def attempt(self, path: Path) -> None:
        folder = path.parent / "four"
        folder.mkdir(exist_ok=True)
        whole = [(self.folder / f"seed-{number:02d}").read_bytes() for number in (0, 1)]
        content = path.read_bytes()
        # By its fourth byte, the number of axes, it stands for the images or the labels.
        images, labels = (whole[0], content) if content[3:4] == b"\1" else (content, whole[1])
        (folder / "train-images-idx3-ubyte").write_bytes(images)
        (folder / "train-labels-idx1-ubyte").write_bytes(labels)
        read_source(folder)


class Arrays(Target):
    """Archives of arrays: images or sequences."""

    name = "npz"
    ending = ".npz"
    mutations = (*BYTES, *(change_archive(change_array),) * 10, change_archive(flip_bits))

    def make(self) -> list[bytes]:
        kept = []
        for save in (np.savez, np.savez_compressed):
            for x in (PICTURES, STEPS):
                buffer = io.BytesIO()
                save(buffer, x=x, y=np.arange(16) % 2)
                kept.append(buffer.getvalue())
        return kept

    def attempt(self, path: Path) -> None:
        data = read_source(path)
        modality = recognize(data, Options(epochs=1))
        split = modality.split()
        modality.prepare(split)

    def is_open(self, content: bytes) -> bool:
        import zipfile

        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return archive.testzip() is None
        except Exception:
            return False


class SingleArrays(Target):
    """A single array."""

    name = "npy"
    ending = ".npy"
    mutations = (*BYTES, *(change_array,) * 10)

    def make(self) -> list[bytes]:
        kept = []
        for array in (PICTURES, STEPS, np.array(["a", "bc"])):
            buffer = io.BytesIO()
            np.save(buffer, array)
            kept.append(buffer.getvalue())
        return kept

    def attempt(self, path: Path) -> None:
        # Without answers it is refused at last; behind that, as a table.
        from misstep.data.io.npz import read_arrays

        read_arrays(path)

    def is_open(self, content: bytes) -> bool:
        return content[:6] == b"\x93NUMPY"


class Pictures(Target):
    """PNG files, with sums that are right, in a folder of a class, beside whole ones."""

    name = "png"
    weight = 1
    ending = ".png"
    mutations = (*BYTES, *(change_chunks,) * 10)
    forms: tuple[tuple[str, str], ...] = (
        ("PNG", "RGB"),
        ("PNG", "L"),
        ("PNG", "P"),
        ("PNG", "I;16"),
    )

    def make(self) -> list[bytes]:
        pixels = np.random.default_rng(0).integers(0, 255, (9, 8, 3), dtype="uint8")
        kept = []
        for form, mode in self.forms:
            buffer = io.BytesIO()
            picture = Image.fromarray(pixels)
            if mode == "I;16":
                picture = Image.fromarray(pixels[..., 0].astype("uint16") * 200)
            else:
                picture = picture.convert(mode)
            picture.save(buffer, form)
            kept.append(buffer.getvalue())
        return kept

    def begin(self) -> None:
        self._whole = (self.folder / "seed-00").read_bytes()
        self._size = len(self._whole)

    def attempt(self, path: Path) -> None:
        folder = path.parent / "classes"
        for label in ("a", "b"):
            (folder / label).mkdir(parents=True, exist_ok=True)
        content = path.read_bytes()
        broken, whole = folder / "a" / f"one{self.ending}", folder / "b" / "one.png"
        broken.write_bytes(content)
        whole.write_bytes(self._whole)
        images = ms.read_images(folder)
        if self.sometimes(path, 8):
            split = recognize(images, Options(epochs=1))
            split.split()

    def is_open(self, content: bytes) -> bool:
        try:
            Image.open(io.BytesIO(content))
        except Exception:
            return False
        return True


class OtherPictures(Pictures):
    """Pictures of other kinds."""

    name = "picture"
    weight = 1
    ending = ".jpg"
    mutations = BYTES
    forms = (
        *(("JPEG", "RGB"), ("JPEG", "L"), ("GIF", "P"), ("BMP", "RGB"), ("WEBP", "RGB")),
        *(("TIFF", "RGB"), ("TIFF", "I;16"), ("BMP", "1")),
    )


class Names(Target):
    """Folders of texts and pictures whose names are a stranger's, as a JSON list of them."""

    name = "names"
    ending = ".json"
    mutations = (change_json,)

    def make(self) -> list[bytes]:
        picture = Image.fromarray(PICTURES[0])
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        (self.folder / "whole.png").write_bytes(buffer.getvalue())
        texts = {f"{label}/{at}.txt": f"text {at}" for label in "ab" for at in range(3)}
        pictures = {
            f"{split}/{label}/{at}.png": ""
            for split in ("train", "test")
            for label in "ab"
            for at in range(2)
        }
        mixed = {"a/1.png": "", "a/2.txt": "words", "b/.hidden.png": "", "c": "", "b/3.PNG": ""}
        listed = [
            [[name, text] for name, text in each.items()] for each in (texts, pictures, mixed)
        ]
        return [json.dumps(each).encode() for each in listed]

    def begin(self) -> None:
        self._picture = (self.folder / "whole.png").read_bytes()

    def attempt(self, path: Path) -> None:
        folder = path.parent / "named"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            listed = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            return
        for each in listed if isinstance(listed, list) else []:
            name, text = each if isinstance(each, list) and len(each) == 2 else (each, "")
            self._put(folder, str(name), str(text))
        read_source(folder)

    def _put(self, folder: Path, name: str, text: str) -> None:
        """Make a file of that name, where the disk has such names."""
        parts = [each for each in name.split("/") if each not in ("", ".", "..")][:4]
        if not parts:
            return
        file = folder.joinpath(*parts)
        try:
            if text == "/dev/zero":
                file.parent.mkdir(parents=True, exist_ok=True)
                file.symlink_to(text)
                return
            file.parent.mkdir(parents=True, exist_ok=True)
            content = text.encode("utf-8", "replace")
            file.write_bytes(content or self._picture)
        except (OSError, ValueError):
            return

    def is_open(self, content: bytes) -> bool:
        return True
