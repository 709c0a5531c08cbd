"""Packed files: how gzip, bzip2, xz and Zstandard are told apart and unpacked, a piece at a time.

Knows bytes only. A stranger's file decides neither how much memory a decoder takes nor how much
comes out of one call; how much may come out in all, `files.py` bounds.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from misstep.data.io.extra import required

__all__ = ["PACKED_ENDINGS", "DamagedStreamError", "packing_of", "unpacked_name", "unpacking"]

# The first bytes of a packed file, and what it is called.
MAGICS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}
PACKED_ENDINGS = (".gz", ".bz2", ".xz", ".zst")
# What xz may take for its dictionary. Of its strongest preset it is 64 MiB, beside which a decoder
# takes little; the format itself allows 4 GiB.
MOST_XZ_MEMORY = 2**27
PIECE = 2**18


class DamagedStreamError(Exception):
    """Bytes that are not what was packed; its text says what is wrong, `kind` how it is packed."""

    def __init__(self, kind: str, got: str) -> None:
        super().__init__(got)
        self.kind = kind


def packing_of(start: bytes) -> str:
    """Return by which program bytes were packed, from the first six of them; "" for none."""
    return next((kind for magic, kind in MAGICS.items() if start.startswith(magic)), "")


def unpacked_name(name: str) -> str:
    """Return the name of a file without the ending that says how it is packed.

    >>> unpacked_name("houses.csv.xz")
    'houses.csv'
    """
    for ending in PACKED_ENDINGS:
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def unpacking(path: Path, file: BinaryIO, kind: str) -> BinaryIO:
    """Return what is packed in a file as one that is read; `kind`: as `packing_of` names it.

    `file`, opened at its start, is closed with what is returned. Reading raises DamagedStreamError,
    or what gzip raises. Raises DataError where Zstandard needs a package that isn't installed.
    """
    if kind == "gzip":
        file.close()
        return cast(BinaryIO, gzip.open(path, "rb"))
    if kind == "Zstandard":
        try:
            arrow: Any = required("pyarrow", f"{path.name}, packed by Zstandard")
        except BaseException:
            file.close()
            raise
        stream = arrow.CompressedInputStream(arrow.PythonFile(file, "r"), "zstd")
        return cast(BinaryIO, io.BufferedReader(_Zstandard(stream, file), PIECE))
    makers: dict[str, Callable[[], _Decompressor]] = {
        "bzip2": bz2.BZ2Decompressor,
        "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_XZ_MEMORY),
    }
    return cast(BinaryIO, io.BufferedReader(_Streams(file, makers[kind], kind), PIECE))


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class _Streams(io.RawIOBase):
    """The contents of streams that follow each other in a file, as if it were one."""

    def __init__(self, file: BinaryIO, make: Callable[[], _Decompressor], kind: str) -> None:
        self._file = file
        self._make = make
        self._kind = kind
        self._decoder = make()
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        try:
            content = self._next(len(view))
        except lzma.LZMAError as error:
            raise DamagedStreamError(self._kind, f"damaged bytes ({error})") from error
        except OSError as error:
            if error.errno is not None:
                raise
            # In these words bzip2 says that its stream is broken.
            raise DamagedStreamError(self._kind, f"damaged bytes ({error})") from error
        view[: len(content)] = content
        return len(content)

    def _next(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end."""
        while True:
            if self._decoder.eof:
                # Zeros may fill up the last stream to a whole block.
                rest = self._decoder.unused_data.lstrip(b"\0")
                while not rest and (rest := self._file.read(PIECE)):
                    rest = rest.lstrip(b"\0")
                if not rest:
                    return b""
                self._decoder, self._waiting = self._make(), rest
            fed = self._waiting
            self._waiting = b""
            if not fed and self._decoder.needs_input:
                fed = self._file.read(PIECE)
                if not fed:
                    raise DamagedStreamError(self._kind, "one that ends too early")
            content = self._decoder.decompress(fed, size)
            if content:
                return content

    def close(self) -> None:
        self._file.close()
        super().close()


class _Zstandard(io.RawIOBase):
    """What Arrow unpacks, with its errors as ours."""

    def __init__(self, stream: Any, file: BinaryIO) -> None:
        self._stream = stream
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        try:
            content = self._stream.read(len(view))
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) is not None:
                raise
            raise DamagedStreamError("Zstandard", f"damaged bytes ({error})"[:200]) from error
        view[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._file.close()
        super().close()
