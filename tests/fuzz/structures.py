"""Ways to break a file by knowing how it is made: JSON, containers, arrays, archives, pictures.

Sums are made anew, so that what is behind them is reached.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import io
import json
import lzma
import struct
import zipfile
import zlib
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from misstep.errors import MisstepError
from misstep.storage.container import container_bytes, parse_container
from tests.fuzz.mutations import NUMBERS, OTHERS, Mutation, flip_bits
from tests.fuzz.planted import PICKLES

# Of a list, so many entries may be changed: long lists of numbers would take all the chances.
MOST_ENTRIES = 12
Path = tuple[Any, ...]

# --- JSON -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Document:
    """A document as text, and the places in it."""

    text: str
    places: tuple[Path, ...]
    # Those of numbers, which a file may have others of and still be read to its end.
    numbers: tuple[Path, ...]

    @classmethod
    def of(cls, document: Any) -> Document:
        places = tuple(_places(document, ()))
        numbers = tuple(each for each in places if _is_number(_at(document, each)))
        return cls(json.dumps(document), places, numbers)

    def changed(self, random: Random, times: int) -> Any:
        """Return the document with some things in it changed."""
        document = json.loads(self.text)
        if not self.places:
            return copy.deepcopy(random.choice(OTHERS))
        gently = bool(self.numbers) and random.random() < 0.35
        for _ in range(times):
            place = random.choice(self.numbers if gently else self.places)
            if not gently and random.random() < 0.5:
                # As likely in a part that says little as in one that says much.
                first = random.choice(self.places)[0]
                place = random.choice([each for each in self.places if each[0] == first])
            # What lies there may be gone by now.
            inside = _at(document, place[:-1])
            key = place[-1]
            there = isinstance(inside, dict) and key in inside
            if there or (isinstance(inside, list) and type(key) is int and key < len(inside)):
                if gently or random.random() < 0.6:
                    inside[key] = self._nudged(document, inside[key], random)
                else:
                    self._broken(document, inside, key, random)
        return document

    def _nudged(self, document: Any, value: Any, random: Random) -> Any:
        """Return a value of the same kind, such as a stranger who knows the format would write."""
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            near = (value + 1, value - 1, 2 * value, -value, value + random.randint(-9, 9), 1, 0)
            return random.choice(near)
        if isinstance(value, float):
            return random.choice((value * 1.5, -value, 0.0, value + 1e-3, value * 1e30, 1.0))
        if isinstance(value, str):
            others = [_at(document, random.choice(self.places)) for _ in range(8)]
            texts = [each for each in others if isinstance(each, str)]
            at = random.randint(0, len(value))
            return random.choice([*texts, value[:at], value[:at] + "1" + value[at:], value.upper()])
        if isinstance(value, list) and value:
            at, way = random.randrange(len(value)), random.randrange(4)
            if way == 0:
                return value[:at] + value[at + 1 :]
            if way == 1:
                return value[: at + 1] + copy.deepcopy(value[at:])
            if way == 2:
                return value[::-1]
            return value[at:] + value[:at]
        if isinstance(value, dict) and value:
            key = random.choice(list(value))
            if random.random() < 0.5:
                return {name: one for name, one in value.items() if name != key}
            return {(f"{name}1" if name == key else name): one for name, one in value.items()}
        return random.choice((0, "", [], {}, 1.5, None))

    def _broken(self, document: Any, inside: Any, key: Any, random: Random) -> None:
        """Put something else there, of whatever kind."""
        way = random.randrange(6)
        value = inside[key]
        if way == 0:
            del inside[key]
        elif way == 1:
            inside[key] = random.choice(NUMBERS)
        elif way == 2:
            inside[key] = copy.deepcopy(random.choice(OTHERS))
        elif way == 3:
            inside[key] = copy.deepcopy(_at(document, random.choice(self.places)))
        elif way == 4 and isinstance(inside, list):
            inside[key:key] = [copy.deepcopy(value) for _ in range(random.randint(1, 60))]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            factor = random.choice((-1, 2, 1000, 10**6))
            inside[key] = value * factor
        else:
            inside[key] = [value]


def _places(document: Any, before: Path) -> Any:
    pairs: Any = ()
    if isinstance(document, dict):
        pairs = document.items()
    elif isinstance(document, list):
        pairs = enumerate(document[:MOST_ENTRIES])
    for key, value in pairs:
        yield (*before, key)
        yield from _places(value, (*before, key))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _at(document: Any, place: Path) -> Any:
    for key in place:
        if (isinstance(document, dict) and key in document) or (
            isinstance(document, list) and isinstance(key, int) and key < len(document)
        ):
            document = document[key]
        else:
            return None
    return document


@functools.lru_cache(maxsize=4096)
def _document(text: bytes) -> Document | None:
    try:
        return Document.of(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _times(random: Random) -> int:
    return random.choice((1, 1, 1, 2, 3))


def _json(document: Any) -> bytes:
    return json.dumps(document).encode("utf-8", "replace")


def deep(random: Random) -> bytes:
    """Return JSON in which something lies very deep, or that is very long."""
    times = random.choice((100, 900, 1100, 5_000, 50_000))
    return random.choice((b"[" * times + b"]" * times, b'{"a":' * times + b"1" + b"}" * times))


def change_json(content: bytes, random: Random) -> bytes:
    """Change a document of plain JSON."""
    known = _document(content)
    if known is None:
        return flip_bits(content, random)
    if random.random() < 0.02:
        return deep(random)
    return _json(known.changed(random, _times(random)))


def change_json_lines(content: bytes, random: Random) -> bytes:
    """Change what some lines of JSON say."""
    lines = content.split(b"\n")
    for _ in range(_times(random)):
        at = random.randrange(len(lines))
        known = _document(lines[at])
        if known is not None:
            lines[at] = _json(known.changed(random, _times(random)))
        if random.random() < 0.01:
            lines[at] = deep(random)
    return b"\n".join(lines)


# --- containers -----------------------------------------------------------------------------------


@functools.lru_cache(maxsize=256)
def _container(content: bytes, kind: str) -> tuple[Document, dict[str, Any]] | None:
    try:
        whole = parse_container(content, "seed", kind=kind, newest=1)
    except MisstepError:
        return None
    return Document.of(whole.document), dict(whole.arrays)


def resign(kind: str) -> Mutation:
    """Return what changes a container's document or arrays, and signs it as a stranger would."""

    def change(content: bytes, random: Random) -> bytes:
        known = _container(content, kind)
        if known is None:
            return flip_bits(content, random)
        document, arrays = known[0], dict(known[1])
        way = random.random()
        if arrays and way < 0.3:
            for _ in range(_times(random)):
                _change_arrays(arrays, random)
        plain = json.loads(document.text) if way < 0.2 else document.changed(random, _times(random))
        try:
            return container_bytes(plain, arrays, kind=kind, version=1)
        except (ValueError, OverflowError, UnicodeEncodeError, AttributeError):
            return flip_bits(content, random)

    return change


def _change_arrays(arrays: dict[str, Any], random: Random) -> None:
    if not arrays:
        return
    name = random.choice(sorted(arrays))
    array = arrays[name]
    way = random.randrange(9)
    if way == 0:
        del arrays[name]
    elif way == 1:
        arrays[name] = array.reshape(-1)[: max(array.size // 2, 1)]
    elif way == 2 and array.dtype.kind == "f":
        array = array.copy()
        worst = random.choice([np.nan, np.inf, -np.inf, 1e38, -1e38, 0.0, 1e-45])
        array.reshape(-1)[: array.size // 2 + 1] = worst
        arrays[name] = array
    elif way == 3:
        with np.errstate(all="ignore"):
            arrays[name] = array.astype(random.choice(["int8", "float64", "uint64", "bool", "f2"]))
    elif way == 4:
        arrays[f"{name}.more"] = np.zeros(random.randint(0, 8), "float32")
    elif way == 5:
        arrays[name] = array.T.copy()
    elif way == 6:
        arrays[name] = np.concatenate([array.reshape(-1), array.reshape(-1)])
    elif way == 7:
        other = random.choice(sorted(arrays))
        arrays[name], arrays[other] = arrays[other], arrays[name]
    else:
        # Any bits of the same size, which are numbers too, integers out of their range among them.
        bits = random.randbytes(array.nbytes)
        arrays[name] = np.frombuffer(bits, array.dtype).reshape(array.shape)
        if array.dtype == bool:
            arrays[name] = np.frombuffer(bits, "uint8").reshape(array.shape) % 2 == 0


def change_header(content: bytes, random: Random) -> bytes:
    """Change the header of a container, of the right length, and nothing behind it."""
    length = int.from_bytes(content[:8], "little")
    known = _document(content[8 : 8 + length])
    if known is None:
        return flip_bits(content, random)
    header = _json(known.changed(random, _times(random)))
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


# --- arrays ---------------------------------------------------------------------------------------

DESCRIPTIONS: tuple[Any, ...] = (
    *(
        "|u1",
        "<f4",
        "<f8",
        ">f4",
        "<i8",
        "|b1",
        "<U3",
        "|S5",
        "|O",
        "<M8[s]",
        "<m8[D]",
        "<c8",
        "|V7",
    ),
    *("<f2", "<U0", "|S0", "<g", "<U1000000", [("a", "<f4"), ("b", "|O")], [("a", "<f4", (2,))]),
    *("|u1,<f4", "", "nonsense", [], ("<f4", (2, 2)), [("a", [("b", "<f4")])]),
)
SHAPES = (
    *((), (0,), (1,), (40,), (-1, 8, 8), (2**31, 2**31, 4), (2**62, 2), (40, 8, 8, 1), (40, 64)),
    *((1,) * 33, (40, 8, 8, 3), (40.0, 8), (True, 8), ("a",), (10**30,), 40, None, (40, 8, 8)),
)


def change_array(content: bytes, random: Random) -> bytes:
    """Change what the header of a .npy file says, or its content."""
    if content[:6] != b"\x93NUMPY" or len(content) < 12:
        return flip_bits(content, random)
    length = int.from_bytes(content[8:10], "little")
    body = content[10 + length :]
    try:
        header = _literal(content[10 : 10 + length])
    except (ValueError, SyntaxError):
        return flip_bits(content, random)
    way = random.randrange(7)
    if way in (0, 1):
        header["descr"] = random.choice(DESCRIPTIONS)
    elif way == 2:
        header["shape"] = random.choice(SHAPES)
    elif way == 3:
        header["fortran_order"] = random.choice((True, 1, None, "no"))
    elif way == 4:
        header.pop(random.choice(sorted(header)))
    elif way == 5:
        shape = list(header["shape"])
        at = random.randrange(len(shape) + 1)
        shape[at : at + random.randrange(2)] = [random.choice((0, 1, 2, 3, 20, 40, 80))]
        header["shape"] = tuple(shape)
    else:
        body = random.choice((body[: len(body) // 2], body * 2, b"", random.choice(PICKLES)))
    text = repr(header).encode("utf-8", "replace")
    version = 1 if random.random() < 0.9 else random.randint(0, 4)
    size = 2 if version == 1 else 4
    text += b" " * (-(len(text) + 8 + size + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(size, "little") + text + body


@functools.lru_cache(maxsize=64)
def _header_text(text: bytes) -> str:
    import ast

    found = ast.literal_eval(text.decode("latin-1").strip())
    if not isinstance(found, dict) or not isinstance(found.get("shape"), tuple):
        raise ValueError
    return repr(found)


def _literal(text: bytes) -> dict[str, Any]:
    import ast

    found: dict[str, Any] = ast.literal_eval(_header_text(text))
    return found


# --- archives -------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=256)
def _members(content: bytes) -> tuple[tuple[str, bytes], ...] | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return tuple((entry.filename, archive.read(entry)) for entry in archive.infolist())
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError, EOFError, OSError):
        return None
    except RuntimeError:
        # Kinds of packing that there are not, and passwords.
        return None


def change_archive(inner: Mutation) -> Mutation:
    """Return what breaks members of a zip file, whose sums are right then."""

    def change(content: bytes, random: Random) -> bytes:
        known = _members(content)
        if not known:
            return flip_bits(content, random)
        members = list(known)
        for _ in range(_times(random)):
            at = random.randrange(len(members))
            name, body = members[at]
            way = random.randrange(10)
            if way < 6:
                members[at] = (name, inner(body, random))
            elif way == 6:
                members[at] = (random.choice(("x.npy", "../y.npy", "y_test.npy", ".npy", "")), body)
            elif way == 7:
                members.append((name, body))
            elif way == 8:
                members.append((f"{random.choice('abxy')}_train.npy", body))
            elif len(members) > 1:
                del members[at]
        packing = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
        if random.random() < 0.05:
            packing = random.choice((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", packing) as archive:
            for name, body in members:
                entry = zipfile.ZipInfo(name)
                entry.compress_type = packing
                with _quiet():
                    archive.writestr(entry, body)
        return _lie(buffer.getvalue(), random) if random.random() < 0.2 else buffer.getvalue()

    return change


def _quiet() -> Any:
    import warnings

    return warnings.catch_warnings(action="ignore")


def _lie(content: bytes, random: Random) -> bytes:
    """Change a number of the directory at an archive's end: sizes, places, kinds of packing."""
    at = content.rfind(b"PK\x01\x02")
    field, size = random.choice(((8, 2), (10, 2), (20, 4), (24, 4), (28, 2), (42, 4), (16, 4)))
    number = random.choice((0, 1, 2 ** (8 * size) - 1, random.randrange(2 ** (8 * size))))
    place = at + field
    return content[:place] + number.to_bytes(size, "little") + content[place + size :]


# --- pictures -------------------------------------------------------------------------------------

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KINDS = (b"tRNS", b"PLTE", b"gAMA", b"iCCP", b"tEXt", b"zTXt", b"iTXt", b"acTL", b"fcTL", b"eXIf")


def change_chunks(content: bytes, random: Random) -> bytes:
    """Change chunks of a PNG file, whose sums are right then."""
    chunks = _chunks(content)
    if not chunks:
        return flip_bits(content, random)
    made = list(chunks)
    for _ in range(_times(random)):
        at = random.randrange(len(made))
        kind, body = made[at]
        way = random.randrange(8)
        if (way < 3 and kind == b"IHDR") or way == 0:
            made[0] = (b"IHDR", _head(made[0][1], random))
        elif way == 1 and kind == b"IDAT":
            try:
                rows = zlib.decompress(body)
            except zlib.error:
                rows = b""
            rows = random.choice(
                (flip_bits(rows, random), rows[: len(rows) // 2], rows * 3, bytes(2**20))
            )
            made[at] = (kind, zlib.compress(rows))
        elif way == 2:
            made.insert(at, (random.choice(KINDS), random.randbytes(random.randint(0, 40))))
        elif way == 3:
            made.insert(at, made[random.randrange(len(made))])
        elif way == 4 and len(made) > 1:
            del made[at]
        elif way == 5:
            made[at] = (random.choice(KINDS), body)
        elif way == 6:
            text = b"Title\0\0" + zlib.compress(bytes(random.choice((10, 2**21))))
            made.insert(at, (random.choice((b"zTXt", b"iCCP")), text))
        else:
            made[at] = (kind, flip_bits(body, random))
    return SIGNATURE + b"".join(_chunk(*each) for each in made)


def _head(body: bytes, random: Random) -> bytes:
    if len(body) != 13:
        return body
    fields = list(struct.unpack(">IIBBBBB", body))
    at = random.randrange(7)
    if at < 2:
        fields[at] = random.choice((0, 1, 2, 9, 11, 30, 4000, 20_000, 2**31 - 1, 2**32 - 1))
    else:
        fields[at] = random.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
    return struct.pack(">IIBBBBB", *fields)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@functools.lru_cache(maxsize=64)
def _chunks(content: bytes) -> tuple[tuple[bytes, bytes], ...]:
    if content[:8] != SIGNATURE:
        return ()
    found, at = [], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    return tuple(found)


def sha256(content: bytes) -> str:
    """Return the sum that a manifest has of a file."""
    return hashlib.sha256(content).hexdigest()
