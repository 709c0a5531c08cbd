"""Word vectors from text files: both formats, odd words, bad lines by number, words missing."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misstep.data import read_vectors
from misstep.errors import ArgumentError, DataError, FileFormatError, StorageError

GLOVE = b"the 0.1 0.2 -0.3\ncat 1 2 3\n. . . 4 5 6\ndog 7e-1 8 9\n"


def written(folder: Path, content: bytes, name: str = "vectors.txt") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("header", [b"", b"4 3\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_both_formats_are_read(tmp_path: Path, header: bytes, packed: bool) -> None:
    content = header + GLOVE
    path = written(tmp_path, gzip.compress(content) if packed else content)
    found = read_vectors(path, ["dog", ". . .", "the"])
    np.testing.assert_allclose(found.array, [[0.7, 8, 9], [4, 5, 6], [0.1, 0.2, -0.3]], rtol=1e-7)
    assert found.array.dtype == np.float32
    assert found.missing == found.notes == ()


def test_trailing_blanks_and_ends_of_lines_do_not_matter(tmp_path: Path) -> None:
    path = written(tmp_path, b"2 2\r\ncat 1 2 \r\n\r\ndog 3 4")
    np.testing.assert_array_equal(read_vectors(path, ["dog", "cat"]).array, [[3, 4], [1, 2]])


def test_words_may_hold_what_looks_like_the_end_of_a_line(tmp_path: Path) -> None:
    words = ["a\x85b", "a\u2028b", "a\xa0b", "na\u00efve", "\u732b"]
    lines = "".join(f"{word} {place} 1\n" for place, word in enumerate(words))
    found = read_vectors(written(tmp_path, b"x 9 9\n" + lines.encode()), words)
    np.testing.assert_array_equal(found.array[:, 0], range(5))


def test_missing_words_are_drawn_and_reported(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = random.normal([5, -5], [0.1, 2], (300, 2))
    lines = "".join(f"w{k} {a:.6f} {b:.6f}\n" for k, (a, b) in enumerate(rows))
    words = [f"w{k}" for k in range(300)] + [f"new{k}" for k in range(300)]
    path = written(tmp_path, lines.encode())
    found = read_vectors(path, words)
    assert found.missing == tuple(words[300:])
    assert "300 of 600 words are not in vectors.txt: new0, new1" in found.notes[0]
    drawn = found.array[300:]
    np.testing.assert_allclose(drawn.mean(0), [5, -5], atol=0.5)
    np.testing.assert_allclose(drawn.std(0), [0.1, 2], rtol=0.2)
    np.testing.assert_array_equal(read_vectors(path, words).array, found.array)
    assert (read_vectors(path, words, seed=1).array[300:] != drawn).any()
    padded = read_vectors(path, {"<filler>": 0, "w3": 2}, padding=0)
    assert padded.missing == ()
    assert (padded.array[0] == 0).all()
    np.testing.assert_allclose(padded.array[2], rows[3], rtol=1e-5, atol=1e-6)


def test_of_a_word_that_stands_twice_the_first_line_counts(tmp_path: Path) -> None:
    found = read_vectors(written(tmp_path, b"cat 1 2\ncat 3 4\n"), ["cat"])
    np.testing.assert_array_equal(found.array, [[1, 2]])
    assert "1 lines of words it had before" in found.notes[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"cat 1 2\ndog 3\n", "line 2 of vectors.txt: needed a word and 2 numbers"),
        (b"cat 1 2\n\ndog 3\n", "line 3 of vectors.txt"),
        (b"2 3\ncat 1 2\n", "line 2 of vectors.txt: needed a word and 3 numbers"),
        (b"cat 1 x\n", r"line 1 of vectors.txt, the word 'cat': needed numbers"),
        (b"cat 1 nan\n", "line 1 of vectors.txt, the word 'cat': needed finite numbers"),
        (b"cat 1 1e999\n", "needed finite numbers"),
        (b"3 2\ncat 1 2\ndog 3 4\n", "vectors of 3 words.*got 2.*cut off"),
        (b"dog 1 2\n", "none of them"),
        (b"", "none of them"),
        (b"cat\n", "line 1 of vectors.txt: needed a word and 1 numbers"),
        (b"\x00\xff\x80binary", "line 1 of vectors.txt.*binary word2vec"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_vectors(written(tmp_path, content), ["cat"])


def test_where_no_file_is(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        read_vectors(tmp_path / "none.txt", ["cat"])


@pytest.mark.parametrize(
    "vocabulary", ["cat", [], ["cat", "cat"], {"cat": 0, "dog": 0}, {"cat": -1}, [1, 2], None, 3]
)
def test_a_vocabulary_is_words(tmp_path: Path, vocabulary: Any) -> None:
    with pytest.raises(ArgumentError, match="vocabulary"):
        read_vectors(written(tmp_path, GLOVE), vocabulary)


def test_padding_is_a_row(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="padding"):
        read_vectors(written(tmp_path, GLOVE), ["cat"], padding=1)


def test_a_line_without_end_and_a_bomb_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lines of at most 1,048,576 bytes"):
        read_vectors(written(tmp_path, GLOVE + b"cat" + b" 1" * 2**20), ["cat"])
    bomb = gzip.compress(GLOVE + b"\n" * 2**23)
    with pytest.raises(FileFormatError, match="250 times"):
        read_vectors(written(tmp_path, bomb), ["cat"])
