"""What the tests of the command line work with: what a command did, tables, images, hashes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Done:
    """What a command did: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Both streams, as one text of single blanks."""
        return " ".join((self.out + " " + self.err).split())

    @property
    def json(self) -> Any:
        """The last line of standard output as strict JSON."""

        def refuse(word: str) -> None:
            raise AssertionError(f"{word} is no JSON")

        return json.loads(self.out.rstrip("\n").split("\n")[-1], parse_constant=refuse)

    @property
    def csv(self) -> list[dict[str, str]]:
        """Standard output as CSV."""
        return list(csv.DictReader(io.StringIO(self.out)))


Run = Callable[..., Done]


def flowers(rows: int = 60, seed: int = 0) -> str:
    """Return a table of three kinds of flowers, two of which are easy to tell apart."""
    numbers = np.random.default_rng(seed)
    lines = ["length,width,color,kind"]
    for row in range(rows):
        kind = ("rose", "lily", "iris")[row % 3]
        length = numbers.normal({"rose": 1.0, "lily": 3.0, "iris": 5.0}[kind], 0.4)
        color = ("red", "white", "blue")[int(numbers.integers(3))]
        lines.append(f"{length:.3f},{numbers.normal(2.0, 0.5):.3f},{color},{kind}")
    return "\n".join(lines) + "\n"


def houses(rows: int = 60, seed: int = 0) -> str:
    """Return a table of houses whose price depends on their size and age."""
    numbers = np.random.default_rng(seed)
    lines = ["size,age,garden,price"]
    for _ in range(rows):
        size, age = float(numbers.uniform(50, 200)), int(numbers.integers(0, 90))
        price = 2000 * size - 500 * age + numbers.normal(0, 5000)
        garden = ("yes", "no")[int(numbers.integers(2))]
        lines.append(f"{size:.1f},{age},{garden},{price:.2f}")
    return "\n".join(lines) + "\n"


def idx(array: Any) -> bytes:
    """Return an array of bytes as an idx file has it."""
    array = np.asarray(array, "uint8")
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_images(folder: Path, rows: int = 40) -> None:
    """Write a folder as MNIST's: 4 × 4 images that are bright above or below."""
    folder.mkdir()
    numbers = np.random.default_rng(0)
    for part, count in (("train", rows), ("t10k", 10)):
        labels = np.arange(count) % 2
        images = numbers.integers(0, 90, (count, 4, 4))
        images[labels == 0, :2] += 150
        images[labels == 1, 2:] += 150
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))


def hashes(folder: Path) -> dict[str, str]:
    """Return a sum of every file below `folder`, and the folders, by name."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "no file"
        for path in sorted(folder.rglob("*"))
        if "__pycache__" not in path.parts
    }
