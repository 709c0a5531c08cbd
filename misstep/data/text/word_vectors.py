"""Vectors of words that others trained, from the text files of GloVe and word2vec.

A line is a word and its numbers, with blanks between; a first line of two whole numbers (words and
features) may stand before them, as word2vec writes it. Knows files and words, no network.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

import numpy as np

from misstep.data.io.files import BLOCK, check_ratio, existing_path, open_bytes, read_block
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array
from misstep.text.lists import and_so_on

__all__ = ["WordVectors", "read_vectors"]

# Bytes of a line: a word and 4,096 numbers, which is more than anybody has, are some 80,000.
LONGEST_LINE = 2**20

# What an error shows of a line, and a report of missing words.
SHOWN = 40


@dataclass(frozen=True)
class WordVectors:
    """Vectors of the words of a vocabulary.

    `array`: (words, features), float32; row k belongs to word k. `missing`: the words that the file
    does not have, in the order of the vocabulary; their rows are drawn. `notes`: what was noticed.

    >>> import misstep as ms
    >>> with open("vectors.txt", "w") as file:
    ...     _ = file.write("2 3\\ncat 1 2 3\\ndog 4 5 6\\n")  # as word2vec writes it
    >>> found = ms.data.read_vectors("vectors.txt", ["<filler>", "cat", "dog"], padding=0)
    >>> layer = ms.Embedding(3, 3, padding=0, vectors=found.array, trainable=False)
    >>> ms.Network(layer, input_shape=(2,)).predict([[2, 0]])
    array([[[4., 5., 6.],
            [0., 0., 0.]]], dtype=float32)
    """

    array: Array
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def read_vectors(
    path: str | os.PathLike[str],
    vocabulary: Sequence[str] | Mapping[str, int],
    *,
    padding: int | None = None,
    seed: int = 0,
) -> WordVectors:
    """Return the vectors of `vocabulary` from a GloVe or word2vec text file, plain or gzip.

    `vocabulary`: words in the order of their numbers, or the number of each. Only their lines are
    turned into numbers, so that large files are read quickly; the others are only counted through.
    A word may hold blanks; of a word that the file has twice, the first line counts. Rows of words
    that it lacks are drawn from `seed`, with mean and deviation of those that were found, feature
    by feature; the row `padding` is zeros.

    Raises StorageError where there is no file; DataError with the line's number for one that is cut
    off, has another number of features or holds what is no number, and for a file that has none of
    the words; ArgumentError for a vocabulary that is none.

    >>> import misstep as ms
    >>> with open("vectors.txt", "w") as file:
    ...     _ = file.write("cat 1 2\\ndog 3 4\\n")
    >>> found = ms.data.read_vectors("vectors.txt", ["dog", "bird", "cat"])
    >>> found.array[0], found.missing
    (array([3., 4.], dtype=float32), ('bird',))
    """
    numbers = _numbers_of(vocabulary)
    # Letters that are one sign here and two there are the same, where no other word says otherwise.
    composed = {normalize("NFC", word): number for word, number in numbers.items()}
    file = existing_path(path)
    vectors: dict[int, Array] = {}
    twice = 0
    for line_number, word, fields in _lines(_raw_lines(file), file.name):
        number = numbers.get(word)
        if number is None and not word.isascii():
            number = composed.get(normalize("NFC", word))
        if number in vectors:
            twice += 1
        elif number is not None:
            vectors[number] = _vector(fields, f"line {line_number} of {file.name}", word)
    if not vectors:
        raise DataError(
            f"{file.name}",
            needed="vectors of words of the vocabulary",
            got="none of them",
            try_="the same spelling as in the file: many hold lower case alone",
        )
    rows = np.stack(list(vectors.values()))
    random = np.random.default_rng(seed)
    mean, deviation = rows.mean(0), rows.std(0)
    array = np.empty((max(numbers.values()) + 1, rows.shape[1]), np.float32)
    array[:] = mean + deviation * random.standard_normal(array.shape)
    array[list(vectors)] = rows
    if padding is not None:
        if not 0 <= padding < len(array):
            needed = f"a number from 0 to {len(array) - 1}"
            raise ArgumentError("padding", needed=needed, got=repr(padding))
        array[padding] = 0.0
    known = {*vectors, padding}
    missing = tuple(word for word, number in numbers.items() if number not in known)
    notes = []
    if missing:
        shown = and_so_on(missing, 5)
        notes.append(f"{len(missing):,} of {len(numbers):,} words are not in {file.name}: {shown}")
    if twice:
        notes.append(f"{file.name} has {twice:,} lines of words it had before; the first count")
    return WordVectors(array, missing, tuple(notes))


def _numbers_of(vocabulary: Sequence[str] | Mapping[str, int]) -> dict[str, int]:
    if isinstance(vocabulary, str) or not isinstance(vocabulary, Sequence | Mapping):
        raise ArgumentError(
            "vocabulary",
            needed="words in a list, or a number for each word",
            got=type(vocabulary).__name__,
        )
    if isinstance(vocabulary, Mapping):
        numbers = dict(vocabulary)
    else:
        numbers = {word: number for number, word in enumerate(vocabulary)}
        if len(numbers) != len(vocabulary):
            raise ArgumentError("vocabulary", needed="each word once", got="a word twice")
    good = all(
        isinstance(word, str) and isinstance(number, int) and number >= 0
        for word, number in numbers.items()
    )
    if not numbers or not good or len(set(numbers.values())) != len(numbers):
        raise ArgumentError("vocabulary", needed="words, each with a number of its own from 0 on")
    return numbers


def _raw_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, as bytes: words may hold what Python takes for a line's end."""
    opened, packed = open_bytes(path)
    size, unpacked = path.stat().st_size, 0
    with opened as file:
        rest = b""
        while block := read_block(file, path, BLOCK):
            unpacked += len(block)
            if packed:
                check_ratio(path, size, unpacked)
            *whole, rest = (rest + block).split(b"\n")
            for line in [*whole, rest]:
                if len(line) > LONGEST_LINE:
                    raise DataError(
                        path.name,
                        needed=f"lines of at most {LONGEST_LINE:,} bytes",
                        got="a longer one",
                        try_="vectors as text, a line for each word",
                    )
            yield from whole
        if rest:
            yield rest


def _lines(lines: Iterable[bytes], name: str) -> Iterator[tuple[int, str, list[bytes]]]:
    """Yield line number, word and the fields of its numbers; the header is taken at its word."""
    features: int | None = None
    promised: tuple[int, int] | None = None
    count = 0
    for line_number, line in enumerate(lines, start=1):
        fields = line.rstrip().split(b" ")
        if fields == [b""]:
            continue
        if line_number == 1 and len(fields) == 2 and all(map(bytes.isdigit, fields)):
            promised = int(fields[0]), int(fields[1])
            features = promised[1]
            continue
        if features is None:
            features = len(fields) - 1
        if features < 1 or len(fields) <= features:
            raise DataError(
                f"line {line_number} of {name}",
                needed=f"a word and {max(features, 1)} numbers",
                got=_shown(line),
                try_="the whole file: this one may have been cut off"
                if count
                else "vectors as text; a binary word2vec file must be converted first",
            )
        count += 1
        word = b" ".join(fields[: len(fields) - features]).decode("utf-8", "replace")
        yield line_number, word, fields[len(fields) - features :]
    if promised is not None and count != promised[0]:
        raise DataError(
            f"{name}",
            needed=f"vectors of {promised[0]:,} words, as its first line says",
            got=f"{count:,}",
            try_="the whole file: this one may have been cut off",
        )


def _vector(fields: list[bytes], where: str, word: str) -> Array:
    which = f"{where}, the word {word[:SHOWN]!r}"
    try:
        vector = np.array([float(field) for field in fields], np.float32)
    except ValueError as error:
        raise DataError(which, needed="numbers", got=str(error)) from error
    if not np.isfinite(vector).all():
        raise DataError(which, needed="finite numbers", got="others")
    return vector


def _shown(line: bytes) -> str:
    text = line.rstrip().decode("utf-8", "replace")
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")
