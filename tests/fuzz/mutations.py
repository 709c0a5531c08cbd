"""Ways to break a file without knowing what it is: bytes, lines, cells.

Each takes content and a generator, and returns other content; the same generator breaks it in the
same way.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from random import Random
from typing import Any

from tests.fuzz.planted import PICKLES, TEXTS

Mutation = Callable[[bytes, Random], bytes]

# Numbers at which code that counts, allocates or indexes goes wrong.
NUMBERS: list[Any] = [
    *(0, 1, -1, 2, 7, 255, 256, 65_535, 2**31 - 1, 2**31, 2**32, 2**53, 2**63, 2**64, 10**30),
    *(-(2**31), -(2**63), 0.5, -0.0, 1e-300, 1e300, -1e300, 1e-45),
]
# What stands where something else is expected.
OTHERS: list[Any] = [
    *(None, True, False, "", "a", "\x00", "\x1b[2J", "é" * 40, "9" * 400, [], {}, [[]], [None]),
    *({"kind": "Dense"}, {"again": 1}, {"float": "nan"}, {"float": "inf"}, [1] * 100),
    *("<script>run()</script>", "../../etc/passwd", "/dev/zero", "%s%n{0}", "\ud800", *TEXTS),
]
WORDS = [b"NaN", b"-inf", b"1e999", b'"', b",", b"\n", b"\r", b"\x00", b"\xff\xfe", b"{", b"]" * 50]
CELLS = [
    *(str(each).encode("utf-8", "replace") for each in NUMBERS + OTHERS),
    *(
        b"",
        b" ",
        b"nan",
        b"inf",
        b"1,5",
        b'"1,000"',
        b"1e5",
        b"2024-02-30",
        b"0001-01-01",
        b"12:61",
    ),
    *(
        b"9999-12-31",
        b"-5%",
        b"(3)",
        b"$7",
        b"\xc2\xa07",
        b"0x1F",
        b"1_000",
        b"True",
        b"yes",
        b"1+2j",
    ),
]
# Bytes a file grows to at most by being repeated.
MOST_REPEATED = 200_000


def flip_bits(content: bytes, random: Random) -> bytes:
    """Turn some bits around."""
    broken = bytearray(content)
    for _ in range(random.randint(1, 8)):
        if broken:
            broken[random.randrange(len(broken))] ^= 1 << random.randrange(8)
    return bytes(broken)


def cut(content: bytes, random: Random) -> bytes:
    """Take away the end, the beginning or something between."""
    first, last = sorted(random.randint(0, len(content)) for _ in range(2))
    return random.choice([content[:last], content[first:], content[:first] + content[last:]])


def insert(content: bytes, random: Random) -> bytes:
    """Put words, zeros or a piece of itself somewhere."""
    at = random.randint(0, len(content))
    way = random.randrange(4)
    if way == 0:
        piece = random.choice(WORDS)
    elif way == 1:
        piece = bytes(random.randint(1, 200))
    elif way == 2:
        first = random.randint(0, len(content))
        piece = content[first : first + random.randint(1, 4000)]
    else:
        piece = random.randbytes(random.randint(1, 60))
    return content[:at] + piece + content[at:]


def overwrite(content: bytes, random: Random) -> bytes:
    """Write a number of 1, 2, 4 or 8 bytes over what is there, often near the beginning."""
    size = random.choice((1, 2, 4, 8))
    most = 2 ** (8 * size)
    number = random.choice([0, 1, 2**7, most // 2, most - 1, random.randrange(most)])
    end = max(len(content) - size, 0)
    at = random.randint(0, min(end, 40) if random.random() < 0.5 else end)
    order = "little" if random.random() < 0.5 else "big"
    return content[:at] + number.to_bytes(size, order) + content[at + size :]


def plant(content: bytes, random: Random) -> bytes:
    """Put a pickle in its place, or into it."""
    pickled = random.choice(PICKLES)
    if random.random() < 0.3:
        return pickled
    at = random.randint(0, len(content))
    return content[:at] + pickled + content[at:]


def swap_lines(content: bytes, random: Random) -> bytes:
    """Repeat, drop or swap lines."""
    lines = content.split(b"\n")
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    way = random.randrange(3)
    if way == 0:
        lines[one], lines[other] = lines[other], lines[one]
    elif way == 1:
        times = random.randint(1, 30)
        lines[one:one] = [lines[other]] * min(times, 1 + MOST_REPEATED // (len(lines[other]) + 1))
    else:
        del lines[one]
    return b"\n".join(lines)


def change_cells(separator: bytes) -> Mutation:
    """Return what puts something else into cells of a table."""

    def change(content: bytes, random: Random) -> bytes:
        lines = content.split(b"\n")
        way = random.random()
        if way < 0.2:
            return separator.join(lines) if random.random() < 0.1 else _column(lines, random)
        for _ in range(random.randint(1, 12)):
            at = random.randrange(len(lines))
            cells = lines[at].split(separator)
            cells[random.randrange(len(cells))] = random.choice(CELLS)
            lines[at] = separator.join(cells)
        return b"\n".join(lines)

    def _column(lines: list[bytes], random: Random) -> bytes:
        """Change a whole column: all alike, one kind of cell, in some rows, or taken away."""
        column = random.randrange(lines[0].count(separator) + 1)
        chosen = random.sample(CELLS, random.randint(1, 3))
        share = random.choice((1.0, 0.5, 0.1))
        made = []
        for number, line in enumerate(lines):
            cells = line.split(separator)
            if (number or share == 1.0) and column < len(cells) and random.random() < share:
                cells[column] = random.choice(chosen)
            made.append(separator.join(cells))
        return b"\n".join(made)

    return change


def other_characters(content: bytes, random: Random) -> bytes:
    """Write a text in another set of characters, perhaps with the mark of one."""
    text = content.decode("utf-8", "replace")
    name = random.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"))
    mark = random.choice((b"", b"\xef\xbb\xbf", b"\xff\xfe"))
    return mark + text.encode(name, "replace")


def pack(content: bytes, random: Random) -> bytes:
    """Pack the content, perhaps twice or in parts, and sometimes break what came of it."""
    level = random.randint(1, 9)
    packed = gzip.compress(content, level, mtime=0)
    way = random.random()
    if way < 0.1:
        packed = gzip.compress(packed, level, mtime=0)
    elif way < 0.2:
        packed += gzip.compress(content[: random.randint(0, len(content))], level, mtime=0)
    elif way < 0.25:
        # Some megabytes in some kilobytes.
        packed += gzip.compress(bytes([random.choice(b"0\n, ")]) * 2**22, 9, mtime=0)
    return packed if random.random() < 0.7 else flip_bits(packed, random)


def within_gzip(inner: Mutation) -> Mutation:
    """Return what breaks a content and packs it."""

    def change(content: bytes, random: Random) -> bytes:
        return pack(inner(content, random), random)

    return change


BYTES: tuple[Mutation, ...] = (flip_bits, cut, insert, overwrite, plant)
