"""What a command line may name as its SOURCE, made in a folder: tables, series, folders, arrays.

Knows files, no command. What is made depends on the random numbers given alone.
"""

from __future__ import annotations

import gzip
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from tests.fuzz.tables import PLAIN, WORDS, make_table, table_bytes, with_gaps


@dataclass
class Source:
    """One source: its name, what training on it needs besides, and what it holds.

    `needs`: options without which it can't be trained on. `columns`: names and cells, of a table.
    `rows`: how many `predict` must answer, where that is known. `odd`: what is odd about it.
    """

    kind: str
    name: str
    needs: list[str] = field(default_factory=list)
    columns: dict[str, list[str]] = field(default_factory=dict)
    rows: int | None = None
    odd: list[str] = field(default_factory=list)


def _table(random: Random, folder: Path) -> Source:
    table = make_table(random)
    content, ending = table_bytes(random, table)
    name = random.choice(["data", "houses", "my data", "größen", "a.b", "train"]) + ending
    (folder / name).write_bytes(content)
    # The same columns again, to be judged on or predicted for.
    (folder / f"other{ending}").write_bytes(content)
    target = table.names[table.target]
    columns = dict(zip(table.names, table.columns, strict=True))
    rows = None if table.odd else table.rows
    return Source("table", name, ["--target", target], columns, rows, table.odd)


def _series(random: Random, folder: Path) -> Source:
    rows = random.choice([random.randint(60, 140)] * 12 + [random.randint(1, 30)])
    period, odd = random.choice([7, 12, 24]), []
    level = [
        10 + 3 * math.sin(2 * math.pi * row / period) + 0.02 * row + random.gauss(0, 0.3)
        for row in range(rows)
    ]
    cells = [f"{value:.3f}" for value in level]
    days = np.datetime64("2024-01-01") + np.arange(rows)
    dates = [str(day) for day in days]
    columns = {"day": dates, "value": cells}
    if random.random() < 0.3:
        columns["temperature"] = [f"{random.gauss(10, 3):.1f}" for _ in range(rows)]
    if random.random() < 0.3:
        odd.append(
            random.choice(["gaps", "constant", "twice", "unsorted", "huge", "one missing day"])
        )
        _spoil_series(random, odd[0], columns)
    lines = [",".join(columns), *(",".join(row) for row in zip(*columns.values(), strict=True))]
    (folder / "series.csv").write_text("\n".join(lines) + "\n")
    (folder / "other.csv").write_text("\n".join(lines) + "\n")
    needs = ["--target", "value"]
    if random.random() < 0.7:
        needs += ["--horizon", str(random.choice([1, 2, 3, 7]))]
    else:
        needs += ["--task", "forecast"]
    return Source("series", "series.csv", needs, columns, None, odd)


def _spoil_series(random: Random, how: str, columns: dict[str, list[str]]) -> None:
    cells, dates = columns["value"], columns["day"]
    if how == "gaps":
        columns["value"] = with_gaps(random, cells)
    elif how == "constant":
        columns["value"] = ["5"] * len(cells)
    elif how == "twice":
        dates[-1] = dates[0]
    elif how == "unsorted":
        random.shuffle(dates)
    elif how == "huge":
        columns["value"] = [f"{float(cell) * 1e30:g}" for cell in cells]
    else:
        at = random.randrange(len(dates))
        for values in columns.values():
            del values[at]


def _pictures(random: Random, folder: Path) -> Source:
    numbers = np.random.default_rng(random.getrandbits(32))
    odd: list[str] = []
    for label, name in enumerate(
        ["cats", "dogs", "größe 🦄"][: random.choice([2] * 12 + [3] * 6 + [1])]
    ):
        inside = folder / "pictures" / name
        inside.mkdir(parents=True)
        for number in range(random.choice([random.randint(5, 9)] * 4 + [1])):
            pixels = numbers.integers(0, 120, (8, 8, 3), dtype="uint8")
            pixels[label * 3 : label * 3 + 3] += 120
            _write_picture(random, inside / f"{number}", pixels, odd)
    return Source("images", "pictures", [], {}, None, odd)


def _write_picture(random: Random, path: Path, pixels: np.ndarray, odd: list[str]) -> None:
    way = random.choice([""] * 60 + ["empty", "words", "size", "grey", "alpha"])
    if way:
        odd.append(way)
    if way == "empty":
        path.with_suffix(".png").write_bytes(b"")
    elif way == "words":
        path.with_suffix(".txt").write_text("notes\n")
    else:
        image = Image.fromarray(pixels)
        image = image.resize((9, 5)) if way == "size" else image
        image = image.convert({"grey": "L", "alpha": "RGBA"}.get(way, "RGB"))
        image.save(path.with_suffix(random.choice([".png", ".png", ".bmp"])))


def _texts(random: Random, folder: Path) -> Source:
    odd = []
    for label, name in enumerate(
        ["good", "bad", "other"][: random.choice([2] * 12 + [3] * 6 + [1])]
    ):
        inside = folder / "texts" / name
        inside.mkdir(parents=True)
        own = PLAIN[label * 3 : label * 3 + 3]
        for number in range(random.choice([random.randint(6, 12)] * 5 + [1])):
            words = random.choices([*own, *PLAIN], k=random.randint(1, 12))
            if random.random() < 0.02:
                odd.append("odd text")
                words = random.choice([[], WORDS, ["x" * 5000], ["\0"], ["\x1b[31m"], ["?!"]])
            (inside / f"{number}.txt").write_text(" ".join(words), encoding="utf-8")
    return Source("texts", "texts", [], {}, None, odd)


def _arrays(random: Random, folder: Path) -> Source:
    numbers = np.random.default_rng(random.getrandbits(32))
    rows, kind = random.choice([20, 30, 40]), random.choice(["images", "sequences"])
    y = np.arange(rows) % random.choice([2, 2, 3])
    if kind == "images":
        x = numbers.integers(0, 90, (rows, 6, 6), dtype="uint8")
        x[y == 0, :2] += 120
    else:
        x = numbers.normal(size=(rows, random.choice([4, 7]), 2)).astype("float32")
        x[y == 0] += 1
    odd = []
    if random.random() < 0.2:
        odd.append(
            random.choice(["missing number", "infinite", "one class", "few answers", "flat"])
        )
        x = x.astype("float32") if odd[0] in ("missing number", "infinite") else x
        if odd[0] == "missing number":
            x[0] = np.nan
        elif odd[0] == "infinite":
            x[1, 0] = np.inf
        elif odd[0] == "one class":
            y = y * 0
        elif odd[0] == "few answers":
            y = y[:-1]
        else:
            x = x.reshape(rows, -1)
    np.savez(folder / "arrays.npz", x=x, y=y)
    return Source(kind, "arrays.npz", [], {}, None if odd else rows, odd)


def _idx(random: Random, folder: Path) -> Source:
    numbers = np.random.default_rng(random.getrandbits(32))
    (folder / "mnist").mkdir()
    for part, count in (("train", 30), ("t10k", 10)):
        labels = (np.arange(count) % 2).astype("uint8")
        images = numbers.integers(0, 90, (count, 4, 4)).astype("uint8")
        images[labels == 0, :2] += 150
        for what, array in (("images-idx3", images), ("labels-idx1", labels)):
            head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            content = head + array.tobytes()
            if random.random() < 0.02:
                content = content[: random.randrange(len(content))]
            packed = random.random() < 0.2
            path = folder / "mnist" / f"{part}-{what}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return Source("images", "mnist")


def _long_table(random: Random, folder: Path) -> Source:
    lines, columns = [], {"id": [], "step": [], "x": [], "activity": []}  # type: ignore[var-annotated]
    for one in range(random.randint(12, 24)):
        label = random.choice(["walk", "run"])
        for step in range(random.randint(3, 6)):
            x = random.gauss(2.0 if label == "run" else 0.0, 1)
            cells = [f"p{one}", str(step), f"{x:.3f}", label]
            lines.append(",".join(cells))
            for name, cell in zip(columns, cells, strict=True):
                columns[name].append(cell)
    (folder / "long.csv").write_text("\n".join([",".join(columns), *lines]) + "\n")
    needs = ["--target", "activity", "--sequence-of", "id"]
    return Source("sequences", "long.csv", needs, columns)


def _lines_of_text(random: Random, folder: Path) -> Source:
    rows = random.randint(20, 40)
    label = [random.choice(["spam", "ham"]) for _ in range(rows)]
    words = [
        " ".join(random.choices(PLAIN[:3] if one == "spam" else PLAIN[3:], k=5)) for one in label
    ]
    text = "message,spam\n" + "".join(f"{w},{x}\n" for w, x in zip(words, label, strict=True))
    (folder / "messages.csv").write_text(text)
    (folder / "other.csv").write_text(text)
    columns = {"message": words, "spam": label}
    return Source("table", "messages.csv", ["--target", "spam"], columns, rows)


def _example(random: Random, folder: Path) -> Source:
    return Source("example", random.choice(["iris", "wine", "diabetes"]))


_MAKERS: tuple[Callable[[Random, Path], Source], ...] = (
    *(_table,) * 26,
    *(_series,) * 4,
    *(_lines_of_text,) * 2,
    *(_pictures, _pictures, _texts, _texts, _arrays, _arrays, _idx, _long_table, _example),
)


def make_source(random: Random, folder: Path) -> Source:
    """Write a source into the folder, and say what it is."""
    return random.choice(_MAKERS)(random, folder)
