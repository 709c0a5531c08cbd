"""One file of arrays and one JSON document: safetensors, with the document in its header.

Reading is suspicious: a file may be cut off, damaged, of another kind or made to do harm; it then
ends in a FileFormatError. No file can run code. SHA-256 tells damage, not malice.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from misstep.errors import FileFormatError, StorageError
from misstep.storage.atomic import write_bytes
from misstep.storage.plain import json_text, read_json

Array = npt.NDArray[Any]

# The key of safetensors' metadata that holds everything but the arrays.
_KEY = "misstep"
# Headers of real files are some kilobytes; this is safetensors' own limit.
LONGEST_HEADER = 100_000_000
# With this the header begins, behind its length, since metadata come first.
_BEGINNING = b'{"__metadata__":{"misstep":'
_DTYPES = {
    "BOOL": "bool",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
}


@dataclass(frozen=True)
class Container:
    """What a file held: its document, its arrays by name and the version of its layout."""

    document: dict[str, Any]
    arrays: dict[str, Array]
    version: int


def write_container(
    path: Path | str,
    document: dict[str, Any],
    arrays: Mapping[str, Array],
    *,
    kind: str,
    version: int,
) -> None:
    """Write `document` (plain JSON) and `arrays` to `path`, whole or not at all.

    The same content gives the same bytes. Raises StorageError.
    """
    write_bytes(path, container_bytes(document, arrays, kind=kind, version=version))


def container_bytes(
    document: dict[str, Any], arrays: Mapping[str, Array], *, kind: str, version: int
) -> bytes:
    """Return the bytes of a file that holds `document` and `arrays`, the same for the same."""
    from safetensors.numpy import save

    held = {
        name: np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
        for name, array in sorted(arrays.items())
    }
    head = {
        "kind": kind,
        "version": version,
        "document": document,
        "sha256": _digest(json_text(document), held),
    }
    # One key only: safetensors does not promise the order of several.
    data: bytes = save(held, {_KEY: json_text(head)})
    return data


def read_container(path: Path | str, *, kind: str, newest: int) -> Container:
    """Return what the file of `kind` at `path` holds, of version `newest` or older.

    Raises StorageError when it can't be read, FileFormatError when it is not such a file.
    """
    _look(Path(path), kind)
    return parse_container(read_file(path), path, kind=kind, newest=newest)


def is_container(path: Path | str) -> bool:
    """Tell whether a file begins as one of this library, whole or not; an empty one does, too.

    For those who are about to replace it. Raises StorageError, FileFormatError for pipes.
    """
    with _opened(Path(path)) as file:
        start = file.read(8 + len(_BEGINNING))
    return not start or start[8:] == _BEGINNING


def _look(path: Path, kind: str) -> None:
    """Raise FileFormatError where the beginning shows that a file is no such container.

    So that a file of many gigabytes that is something else is not read as a whole first.
    """
    with _opened(path) as file:
        start = file.read(8)
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > min(size - 8, LONGEST_HEADER):
            # In the words that the whole gets.
            _head(start, f"{path}")
        if length < 2:
            raise FileFormatError(f"{path}", needed="a misstep file", got="another kind of file")
        header = read_json(file.read(length), f"{path}")
    ends = [
        one["data_offsets"][1]
        for name, one in (header.items() if isinstance(header, dict) else ())
        if name != "__metadata__" and isinstance(one, dict) and _is_offsets(one.get("data_offsets"))
    ]
    if size != 8 + length + max(ends, default=0):
        raise FileFormatError(
            f"{path}",
            needed=f"a whole misstep {kind} file",
            got="one that is cut off, or that goes on behind its end",
        )


def _is_offsets(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(one) is int for one in value)


def read_file(path: Path | str) -> bytes:
    """Return the bytes of a regular file; pipes and devices are refused. Raises StorageError."""
    with _opened(Path(path)) as file:
        try:
            return file.read()
        except (OSError, MemoryError) as error:
            raise StorageError(f"reading {path}", got=str(error)) from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file. Raises StorageError, FileFormatError for pipes and devices."""
    try:
        # Without O_NONBLOCK, opening a pipe would wait for a writer for ever.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        got = getattr(error, "strerror", None) or str(error)
        raise StorageError(f"reading {path}", needed="a file", got=got.lower()) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileFormatError(f"{path}", needed="a file", got="a folder, pipe or device")
    with os.fdopen(handle, "rb", closefd=True) as file:
        yield file


def parse_container(data: bytes, path: Path | str, *, kind: str, newest: int) -> Container:
    """Return what `data`, read from `path`, holds. Raises FileFormatError."""
    from safetensors import SafetensorError, deserialize

    what = f"{path}"
    head = _head(data, what)
    if head.get("kind") != kind:
        raise FileFormatError(
            what, needed=f"a misstep {kind} file", got=f"a {str(head.get('kind'))[:40]} file"
        )
    version = head.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise FileFormatError(what, needed="a version of 1 or more", got=repr(version)[:40])
    if version > newest:
        raise FileFormatError(
            what,
            needed=f"version {newest} or older",
            got=f"version {version}",
            try_="the newer misstep that made it",
        )
    document = head.get("document")
    if not isinstance(document, dict):
        raise FileFormatError(what, needed="a document", got=type(document).__name__)
    arrays: dict[str, Array] = {}
    try:
        for name, part in deserialize(data):
            dtype = _DTYPES.get(part["dtype"])
            if dtype is None:
                raise FileFormatError(what, needed="plain numbers", got=str(part["dtype"])[:40])
            little = np.dtype(dtype).newbyteorder("<")
            flat = np.frombuffer(part["data"], little).astype(dtype)
            arrays[name] = flat.reshape(part["shape"])
    except (SafetensorError, ValueError, OverflowError, MemoryError) as error:
        raise FileFormatError(what, needed="a whole file", got=str(error)[:200]) from error
    if head.get("sha256") != _digest(json_text(document), arrays):
        raise FileFormatError(what, needed="the content it was written with", got="damage")
    return Container(document, arrays, version)


def _head(data: bytes, what: str) -> dict[str, Any]:
    if len(data) < 8:
        raise FileFormatError(what, needed="a misstep file", got=f"{len(data)} bytes")
    length = int.from_bytes(data[:8], "little")
    if length > min(len(data) - 8, LONGEST_HEADER):
        raise FileFormatError(
            what, needed="a whole misstep file", got="one that is cut off, or another kind of file"
        )
    header = read_json(data[8 : 8 + length], what)
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get(_KEY), str):
        raise FileFormatError(what, needed="a misstep file", got="another kind of file")
    head = read_json(metadata[_KEY], what)
    if not isinstance(head, dict):
        raise FileFormatError(what, needed="a misstep file", got="another kind of file")
    return head


def _digest(document: str, arrays: Mapping[str, Array]) -> str:
    digest = hashlib.sha256(document.encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"\0{name}\0{array.dtype.name}\0{array.shape}\0".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()
