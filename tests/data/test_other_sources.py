"""Sequences in .ts files, and folders of classes in zip archives."""

from __future__ import annotations

import io
import lzma
import zipfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from misstep.data import read_images, read_source
from misstep.data.image.images import Images
from misstep.data.sequence.sequences import Sequences
from misstep.data.table.table import Table
from misstep.errors import DataError, FileFormatError, MisstepError

HEAD = "# a comment\n@problemName waves\n@timeStamps false\n@classLabel true up down\n@data\n"
LINES = ["1,2,3:4,5,6:up", "1,?,3,4:NaN,5,6,7:down", "0:1:up"]


def _ts(path: Path, *lines: str, head: str = HEAD) -> Path:
    path.write_text(head + "\n".join(lines) + "\n")
    return path


def test_sequences_of_a_ts_file(tmp_path: Path) -> None:
    sequences = read_source(_ts(tmp_path / "waves.ts", *LINES))
    assert isinstance(sequences, Sequences)
    assert sequences.values.shape == (3, 4, 2)
    assert sequences.lengths.tolist() == [3, 4, 1]
    assert sequences.labels is not None
    assert sequences.labels.tolist() == ["up", "down", "up"]
    assert sequences.values[0].T[:, :3].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert np.isnan(sequences.values[1, 1, 0])
    packed = tmp_path / "packed.ts.xz"
    packed.write_bytes(lzma.compress((tmp_path / "waves.ts").read_bytes()))
    again = read_source(packed)
    assert isinstance(again, Sequences)
    assert np.array_equal(again.values, sequences.values, equal_nan=True)


def test_the_test_split_lies_beside(tmp_path: Path) -> None:
    _ts(tmp_path / "Waves_TEST.ts", LINES[0])
    sequences = read_source(_ts(tmp_path / "Waves_TRAIN.ts", *LINES))
    assert len(sequences) == 3
    assert len(sequences.test_split) == 1
    assert any("Waves_TEST.ts" in note for note in sequences.notes)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["1,2:3,4:up", "1,2:up"], "line 7 of t.ts: needed 2 channels"),
        (["1,x:up"], "line 6 of t.ts.*'x'"),
        (["1e999:up"], "line 6 of t.ts"),
        ([":up"], "at least one step"),
        (["up"], "no channel"),
        ([], "a sequence after @data"),
        (["1," * 30_000 + "1:up", *["1:up"] * 1000], "lengths that are not so different"),
    ],
)
def test_what_is_wrong_in_a_ts_file_is_told(lines: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words):
        read_source(_ts(tmp_path / "t.ts", *lines))


def test_times_in_a_ts_file_are_refused(tmp_path: Path) -> None:
    head = HEAD.replace("@timeStamps false", "@timeStamps true")
    with pytest.raises(DataError, match="timeStamps"):
        read_source(_ts(tmp_path / "t.ts", "(0,1),(2,3):up", head=head))


# --- folders in zip archives --------------------------------------------------------------------


def _picture(value: int) -> bytes:
    kept = io.BytesIO()
    PIL.Image.fromarray(np.full((8, 8), value, "uint8")).save(kept, "PNG")
    return kept.getvalue()


def _zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _pictures(before: str = "") -> dict[str, bytes]:
    return {
        f"{before}{label}/{at}.png": _picture(40 * at + (label == "dark"))
        for label in ("dark", "light")
        for at in range(4)
    }


@pytest.mark.parametrize("before", ["", "pets/"])
def test_images_in_a_zip_archive_are_those_of_the_folder(before: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for name, content in _pictures().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    files = {**_pictures(before), f"{before}__MACOSX/._0.png": b"", f"{before}readme.md": b"x"}
    zipped = read_source(_zip(tmp_path / "pets.zip", files))
    plain = read_images(folder)
    assert isinstance(zipped, Images)
    assert zipped.train_images.tobytes() == plain.train_images.tobytes()
    assert zipped.train_labels.tolist() == plain.train_labels.tolist()


def test_texts_in_a_zip_archive(tmp_path: Path) -> None:
    files = {f"{label}/{at}.txt": f"{label} {at}".encode() for label in "ab" for at in range(3)}
    table = read_source(_zip(tmp_path / "texts.zip", files))
    assert isinstance(table, Table)
    assert len(table) == 6


@pytest.mark.parametrize("name", ["../a/0.png", "/a/0.png", "a/../../b/0.png"])
def test_no_archive_writes_elsewhere(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="below the folder"):
        read_source(_zip(tmp_path / "bad.zip", {**_pictures(), name: _picture(1)}))


def test_an_archive_that_unpacks_to_very_much_is_refused(tmp_path: Path) -> None:
    files = {**_pictures(), "dark/big.png": b"\0" * 2**25}
    with pytest.raises(FileFormatError, match="250 times"):
        read_source(_zip(tmp_path / "bomb.zip", files))


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path / "pets.zip", _pictures())
    content = bytearray(path.read_bytes())
    content[60:90] = bytes(30)
    path.write_bytes(bytes(content))
    with pytest.raises(MisstepError):
        read_source(path)
