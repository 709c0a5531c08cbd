"""How bytes and text come out of a file: paths, packing, byte order marks and character sets.

Knows nothing of tables or images; `delimited.py`, `idx.py` and `npz.py` build on it. Everything
that the operating system, `packed.py` or a codec can complain about becomes an exception of
`misstep.errors` here.
"""

from __future__ import annotations

import codecs
import errno
import gzip
import os
import stat
import unicodedata
import zlib
from pathlib import Path
from typing import BinaryIO

from misstep.data.io.packed import DamagedStreamError, packing_of, unpacking
from misstep.errors import DataError, FileFormatError, StorageError
from misstep.text.counts import counted
from misstep.text.names import nearest_name

__all__ = [
    "MOST_BYTES",
    "MOST_PACKED",
    "check_ratio",
    "damaged",
    "existing_path",
    "folders_in",
    "listed",
    "open_bytes",
    "read_block",
    "read_bytes",
    "read_text",
    "refuse_long_name",
    "wide_encoding",
]

# A table is held in memory several times over while it is read; beyond this the machine would
# suffer before any error could. It also stops small gzip files that unpack to terabytes.
MOST_BYTES = 4 * 2**30
# Deflate can't do better than 1032 to 1: what declares that it unpacks to more is wrong.
MOST_PACKED = 1040
# Tables and arrays that people pack become 3 to 100 times smaller. What unpacks to more than this
# many times its size, and to more than so many bytes, is made to fill a memory: a table takes some
# 20 bytes of memory for each byte of cells that hold nothing.
MOST_RATIO, FREE_BYTES = 250, 2 * 2**20
BLOCK = 2**22
NAMES_TO_COMPARE = 5000
# Bytes below 0x20 other than tab, line ends, form feed and escape do not occur in text.
CONTROL_BYTES = bytes(set(range(32)) - {0, 9, 10, 11, 12, 13, 26, 27})
CONTROL_SHARE = 0.01
TABLE_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".txt", ".parquet", ".xlsx", ".jsonl")

KNOWN_KINDS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "an SQLite database",
    b"\x93NUMPY": "a NumPy array file",
    b"ARROW1": "an Arrow file",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x7fELF": "a program",
}


def refuse_long_name(source: str | os.PathLike[str]) -> None:
    """Raise StorageError for a name so long that the system can't even say whether it is there."""
    try:
        os.stat(source)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            return
        words = os.fsdecode(source)
        raise StorageError(
            f"the path {words[:30]!r}...",
            needed="a name that a file can have",
            got=f"{len(words)} letters",
        ) from error
    except ValueError:
        return


def existing_path(source: str | os.PathLike[str], folder: bool = False) -> Path:
    """Return the path of a file that exists (or a folder too, where `folder` allows it).

    Raises StorageError: nothing there (with the nearest name in that folder), a folder, or
    something that is neither.
    """
    words = os.fspath(source)
    if not isinstance(words, str):
        words = os.fsdecode(words)
    if not words.strip():
        raise StorageError("the path", needed="the name of a file", got="an empty text")
    if "\n" in words:
        raise StorageError(
            f"the path {words[:30]!r}...",
            needed="the name of a file",
            got=f"a text of {len(words.splitlines())} lines",
            try_="saving the text to a file first and giving the file's name",
        )
    if words.startswith(("http://", "https://", "ftp://", "s3://")):
        raise StorageError(
            words, needed="a file on this machine", got="an address", try_="downloading it first"
        )
    path = Path(words)
    try:
        path = path.expanduser()
        mode = path.stat().st_mode
    except (OSError, ValueError, RuntimeError) as error:
        raise _nothing_there(path, error) from error
    if stat.S_ISDIR(mode) and not folder:
        inside = [name for name in _names_in(path) if name.lower().endswith(TABLE_ENDINGS)]
        raise StorageError(
            str(path),
            needed="a file",
            got="a folder",
            try_=f"a file inside it, for example {path / inside[0]}" if inside else "one file",
        )
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise StorageError(str(path), needed="a file", got="a device, pipe or socket")
    return path


def _nothing_there(path: Path, error: Exception) -> StorageError:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        reason = getattr(error, "strerror", None) or str(error)
        return StorageError(str(path), needed="a file that can be read", got=reason)
    if path.is_symlink():
        got = f"a link to {os.readlink(path)}, which is not there"
        return StorageError(str(path), needed="a file", got=got, try_="the file itself")
    guess = nearest_name(path.name, _names_in(path.parent))
    if guess is not None and _alike(guess, path.name):
        advice = f"{path.parent / guess}, whose name is {guess!a} where {path.name!a} was asked for"
    elif guess is not None:
        advice = f"{path.parent / guess}, the nearest name there"
    elif path.parent.is_dir():
        advice = f"another name; the folder is {path.parent.resolve()}"
    else:
        advice = f"another folder; {path.parent} is not there either"
    return StorageError(str(path), needed="a file", got="nothing of that name", try_=advice)


def _alike(one: str, other: str) -> bool:
    """Tell whether two names look the same."""
    return unicodedata.normalize("NFKC", one) == unicodedata.normalize("NFKC", other)


def _names_in(folder: Path) -> list[str]:
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                names.append(entry.name)
                if len(names) >= NAMES_TO_COMPARE:
                    break
    except OSError:
        return []
    return sorted(names)


def listed(folder: Path) -> list[Path]:
    """Return what lies in a folder, in order of names. Raises StorageError."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(str(folder), needed="a folder that can be read", got=reason) from error


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder; none that are hidden, no links back to what it lies in."""
    inside = [path for path in listed(folder) if path.is_dir() and not path.name.startswith(".")]
    own = folder.resolve()
    return [
        path for path in inside if not (path.is_symlink() and own.is_relative_to(path.resolve()))
    ]


def open_bytes(path: Path) -> tuple[BinaryIO, bool]:
    """Open a file for reading, unpacked when its first bytes say so; also return whether they do.

    Raises StorageError when it can't be opened; DataError where unpacking needs a package that
    isn't installed. Reading may raise what unpacking raises: `read_block` turns that into words.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        kind = packing_of(file.read(6))
        file.seek(0)
    except OSError as error:
        file.close()
        raise _unreadable(path, error) from error
    return (unpacking(path, file, kind), True) if kind else (file, False)


def read_block(file: BinaryIO, path: Path, size: int) -> bytes:
    """Read at most `size` bytes; raise FileFormatError for damaged packing, StorageError otherwise.

    None are read at the end only.
    """
    try:
        return file.read(size)
    except DamagedStreamError as error:
        raise damaged(path, f"a sound {error.kind} file", str(error)) from error
    except EOFError as error:
        raise damaged(path, "a whole gzip file", "one that ends too early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise damaged(path, "a sound gzip file", f"damaged bytes ({error})") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def check_ratio(path: Path, packed: int, unpacked: int, free: int = FREE_BYTES) -> None:
    """Raise FileFormatError where few packed bytes unpack to more than is to be believed.

    `free`: bytes that anything may unpack to.
    """
    if unpacked > free and unpacked > MOST_RATIO * packed:
        raise FileFormatError(
            str(path),
            needed=f"at most {MOST_RATIO} times its {packed:,} bytes when it is unpacked",
            got=f"{unpacked:,} or more",
            try_="unpacking it yourself, if it is really so, and giving what came of it",
        )


def damaged(path: Path, needed: str, got: str) -> FileFormatError:
    """Return the error for a file that is not as it was written."""
    return FileFormatError(
        str(path), needed=needed, got=got, try_="copying or downloading it again"
    )


def _unreadable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        str(path),
        needed="a file that can be read",
        got=error.strerror or str(error),
        try_="checking who may read it",
    )


def read_bytes(path: Path) -> bytes:
    """Return the whole content, unpacked. Raises FileFormatError beyond `MOST_BYTES`."""
    file, packed = open_bytes(path)
    blocks: list[bytes] = []
    left, size = MOST_BYTES, path.stat().st_size if packed else 0
    with file:
        while block := read_block(file, path, BLOCK):
            left -= len(block)
            if packed:
                check_ratio(path, size, MOST_BYTES - left)
            if left < 0:
                unpacked = " unpacked" if packed else ""
                raise FileFormatError(
                    str(path),
                    needed=f"at most {MOST_BYTES // 2**30} GiB{unpacked}",
                    got="more",
                    try_="splitting the file",
                )
            blocks.append(block)
    return b"".join(blocks)


def read_text(path: Path) -> tuple[str, list[str]]:
    """Return a file's text, lines ended by a single newline, and notes about how it was read.

    UTF-8 first, UTF-16 and UTF-32 by their byte order mark, else Windows Latin-1 with a note.
    Raises FileFormatError for NUL bytes and for files that are not text; DataError when empty.
    """
    content = read_bytes(path)
    if not content.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        got = "an empty file" if not content else f"{len(content)} bytes of blanks"
        raise DataError(str(path), needed="a header and at least one row", got=got)
    for magic, description in KNOWN_KINDS.items():
        if content.startswith(magic):
            raise _no_text(path, description)
    text, notes = _decoded(content, path)
    if "\x00" in text:
        line, zeros = text.count("\n", 0, text.index("\x00")) + 1, text.count("\x00")
        raise FileFormatError(
            str(path),
            needed="a table as text",
            got=f"{counted(zeros, 'NUL byte')}, {'the first ' if zeros > 1 else ''}at line {line}",
            try_="exporting it again; NUL bytes come from damaged or binary files",
        )
    # Old DOS programs end a file with Ctrl-Z.
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\x1a")
    if not text.strip():
        raise DataError(str(path), needed="a header and at least one row", got="nothing but blanks")
    return text, notes


def _no_text(path: Path, got: str) -> FileFormatError:
    return FileFormatError(
        str(path), needed="a table as text (CSV or TSV)", got=got, try_="exporting the table as CSV"
    )


def _decoded(content: bytes, path: Path) -> tuple[str, list[str]]:
    wide = wide_encoding(content)
    if wide is not None:
        try:
            return content.decode(wide).removeprefix("\ufeff"), [f"read as {wide.upper()}"]
        except UnicodeDecodeError as error:
            raise FileFormatError(
                str(path),
                needed=f"text in {wide.upper()}, as its first bytes say",
                got=f"bytes that are not, at byte {error.start}",
                try_="saving it as UTF-8",
            ) from error
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        wrong, line = content[error.start], content.count(b"\n", 0, error.start) + 1
    start = content[:BLOCK]
    odd = len(start) - len(start.translate(None, CONTROL_BYTES))
    if odd > CONTROL_SHARE * len(start):
        share = f"{odd} of the first {len(start)} bytes are control bytes"
        raise _no_text(path, f"binary data ({share})")
    try:
        text, name = content.decode("cp1252"), "Windows Latin-1"
    except UnicodeDecodeError:
        text, name = content.decode("latin-1"), "Latin-1"
    return text, [f"read as {name} because byte 0x{wrong:02X} at line {line} is not UTF-8"]


def wide_encoding(content: bytes) -> str | None:
    """Return the name of UTF-16 or UTF-32 where the first bytes look like it."""
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # UTF-16 of mostly Western text without a mark has a zero in every second byte.
    start = content[:1024]
    half = len(start) // 2
    if half >= 4 and len(content) % 2 == 0:
        if start[1::2].count(0) > 0.9 * half and start[0::2].count(0) == 0:
            return "utf-16-le"
        if start[0::2].count(0) > 0.9 * half and start[1::2].count(0) == 0:
            return "utf-16-be"
    return None
