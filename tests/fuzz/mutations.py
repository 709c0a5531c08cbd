"""Ways to break a file: bytes, lines, and what a container says in JSON, signed anew.

Each takes content and a generator, and returns other content; the same generator breaks it in the
same way.
"""

from __future__ import annotations

import copy
import gzip
import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from misstep.errors import MisstepError
from misstep.storage.container import container_bytes, parse_container

Generator = np.random.Generator
Mutation = Callable[[bytes, Generator], bytes]

# Numbers at which code that counts, allocates or indexes goes wrong.
NUMBERS: list[Any] = [
    *(0, 1, -1, 2, 7, 255, 256, 65_535, 2**31 - 1, 2**31, 2**32, 2**53, 2**63, 2**64, 10**30),
    *(-(2**31), -(2**63), 0.5, -0.0, 1e-300, 1e300, -1e300, 1e-45),
]
# What stands where something else is expected.
OTHERS: list[Any] = [
    *(None, True, False, "", "a", "\x00", "\x1b[2J", "é" * 40, "9" * 400, [], {}, [[]], [None]),
    *({"kind": "Dense"}, {"again": 1}, {"float": "nan"}, {"float": "inf"}, [1] * 100),
]
WORDS = [b"NaN", b"-inf", b"1e999", b'"', b",", b"\n", b"\r", b"\x00", b"\xff\xfe", b"{", b"]" * 50]


def flip_bits(content: bytes, random: Generator) -> bytes:
    """Turn some bits around."""
    broken = bytearray(content)
    for _ in range(int(random.integers(1, 9))):
        if broken:
            broken[int(random.integers(len(broken)))] ^= 1 << int(random.integers(8))
    return bytes(broken)


def cut(content: bytes, random: Generator) -> bytes:
    """Take away the end, the beginning or something between."""
    first, last = sorted(random.integers(0, len(content) + 1, 2).tolist())
    return [content[:last], content[first:], content[:first] + content[last:]][random.integers(3)]


def insert(content: bytes, random: Generator) -> bytes:
    """Put words, zeros or a piece of itself somewhere."""
    at = int(random.integers(0, len(content) + 1))
    first, last = sorted(random.integers(0, len(content) + 1, 2).tolist())
    pieces = [
        WORDS[random.integers(len(WORDS))],
        bytes(int(random.integers(1, 200))),
        content[first : min(last, first + 4000)],
        random.bytes(int(random.integers(1, 60))),
    ]
    return content[:at] + pieces[random.integers(4)] + content[at:]


def overwrite(content: bytes, random: Generator) -> bytes:
    """Write a number of 1, 2, 4 or 8 bytes over what is there."""
    size = int(random.choice([1, 2, 4, 8]))
    number = int(
        random.choice([0, 1, 2**7, 2 ** (8 * size - 1), 2 ** (8 * size) - 1]).item()
        if size < 8
        else random.integers(0, 2**62)
    )
    at = int(random.integers(0, max(len(content) - size, 0) + 1))
    order = "little" if random.random() < 0.5 else "big"
    return content[:at] + (number % 2 ** (8 * size)).to_bytes(size, order) + content[at + size :]


def swap_lines(content: bytes, random: Generator) -> bytes:
    """Repeat, drop or swap lines."""
    lines = content.split(b"\n")
    one, other = random.integers(0, len(lines), 2).tolist()
    way = int(random.integers(3))
    if way == 0:
        lines[one], lines[other] = lines[other], lines[one]
    elif way == 1:
        lines[one:one] = [lines[other]] * int(random.integers(1, 30))
    else:
        del lines[one]
    return b"\n".join(lines)


def change_cells(content: bytes, random: Generator) -> bytes:
    """Put something else into cells of a table."""
    lines = content.split(b"\n")
    for _ in range(int(random.integers(1, 20))):
        at = int(random.integers(len(lines)))
        cells = lines[at].split(b",")
        chosen = (NUMBERS + OTHERS)[random.integers(len(NUMBERS) + len(OTHERS))]
        cells[int(random.integers(len(cells)))] = str(chosen).encode("utf-8", "replace")
        lines[at] = b",".join(cells)
    return b"\n".join(lines)


def pack(content: bytes, random: Generator) -> bytes:
    """Pack the content, and sometimes break what came of it."""
    packed = gzip.compress(content, int(random.integers(1, 10)), mtime=0)
    return packed if random.random() < 0.3 else flip_bits(packed, random)


def change_json_lines(content: bytes, random: Generator) -> bytes:
    """Change what some lines of JSON say."""
    lines = content.split(b"\n")
    for _ in range(int(random.integers(1, 4))):
        at = int(random.integers(len(lines)))
        try:
            document = json.loads(lines[at])
        except ValueError:
            continue
        lines[at] = json.dumps(changed(document, random)).encode("utf-8", "replace")
    return b"\n".join(lines)


def resign(kind: str) -> Mutation:
    """Return what changes a container's document or arrays, and signs it as a stranger would."""

    def change(content: bytes, random: Generator) -> bytes:
        try:
            whole = parse_container(content, "seed", kind=kind, newest=1)
        except MisstepError:
            return flip_bits(content, random)
        document, arrays = whole.document, dict(whole.arrays)
        for _ in range(int(random.integers(1, 4))):
            if random.random() < 0.8 or not arrays:
                document = changed(document, random)
            else:
                _change_arrays(arrays, random)
        try:
            return container_bytes(document, arrays, kind=kind, version=1)
        except (ValueError, OverflowError, UnicodeEncodeError):
            return flip_bits(content, random)

    return change


def _change_arrays(arrays: dict[str, Any], random: Generator) -> None:
    name = sorted(arrays)[int(random.integers(len(arrays)))]
    array = arrays[name]
    way = int(random.integers(5))
    if way == 0:
        del arrays[name]
    elif way == 1:
        arrays[name] = array.reshape(-1)[: max(array.size // 2, 1)]
    elif way == 2 and array.dtype.kind == "f":
        array = array.copy()
        array.reshape(-1)[: array.size // 2 + 1] = random.choice([np.nan, np.inf, -np.inf, 1e38])
        arrays[name] = array
    elif way == 3:
        arrays[name] = array.astype(random.choice(["int8", "float64", "uint64", "bool"]))
    else:
        arrays[f"{name}.more"] = np.zeros(int(random.integers(0, 9)), "float32")


def changed(document: Any, random: Generator) -> Any:
    """Return a document of JSON with one thing in it changed."""
    document = copy.deepcopy(document)
    places = list(_places(document))
    if not places:
        return OTHERS[random.integers(len(OTHERS))]
    inside, key = places[random.integers(len(places))]
    way = int(random.integers(6))
    if way == 0:
        del inside[key]
    elif way == 1:
        inside[key] = NUMBERS[random.integers(len(NUMBERS))]
    elif way == 2:
        inside[key] = copy.deepcopy(OTHERS[random.integers(len(OTHERS))])
    elif way == 3:
        other, name = places[random.integers(len(places))]
        inside[key] = copy.deepcopy(other[name])
    elif way == 4 and isinstance(inside, list):
        inside[key:key] = [copy.deepcopy(inside[key])] * int(random.integers(1, 60))
    elif isinstance(inside[key], int | float) and not isinstance(inside[key], bool):
        inside[key] = inside[key] * int(random.choice([-1, 2, 1000, 10**6]))
    else:
        inside[key] = [inside[key]]
    return document


def _places(document: Any) -> Any:
    pairs: Any = ()
    if isinstance(document, dict):
        pairs = list(document.items())
    elif isinstance(document, list):
        # Long lists of numbers would take all the chances.
        pairs = list(enumerate(document))[:20]
    for key, value in pairs:
        yield document, key
        yield from _places(value)


def change_manifest(content: bytes, random: Generator) -> bytes:
    """Change a document of plain JSON."""
    try:
        document = json.loads(content)
    except ValueError:
        return flip_bits(content, random)
    return json.dumps(changed(document, random)).encode("utf-8", "replace")


def sha256(content: bytes) -> str:
    """Return the sum that a manifest has of a file."""
    return hashlib.sha256(content).hexdigest()


BYTES: tuple[Mutation, ...] = (flip_bits, cut, insert, overwrite)
