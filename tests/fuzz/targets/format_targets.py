"""Tables in files that are not text with delimiters: Parquet, Feather, Excel, JSON, ARFF, SQLite.

Targets whose package isn't installed are not there.
"""

from __future__ import annotations

import bz2
import io
import json
import lzma
import os
import sqlite3
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from misstep.data import Table, read_source
from misstep.data.io.formats import format_of
from misstep.modeling import Options, recognize
from tests.fuzz.mutations import BYTES, change_cells, other_characters, overwrite, pack, swap_lines
from tests.fuzz.structures import change_archive, change_json, change_json_lines
from tests.fuzz.targets.data_targets import Tables
from tests.fuzz.targets.small import mixed_frame
from tests.fuzz.targets.target import Target

CELLS = change_cells(b",")


def _rows() -> list[dict[str, Any]]:
    frame = mixed_frame()
    return [
        {
            "n": None if row.n != row.n else row.n,
            "word": row.word,
            "day": row.day,
            "flag": bool(row.flag),
            "y": at % 2,
        }
        for at, row in enumerate(frame.itertuples())
    ]


class Formats(Target):
    """What all of them have in common."""

    weight = 1

    def attempt(self, path: Path) -> None:
        self._attempt(path, self.sometimes(path, 4))

    def _attempt(self, path: Path, prepared: bool) -> None:
        table = read_source(path)
        assert isinstance(table, Table)
        target = next((name for name in ("y", *table.frame.columns) if name in table.frame), "")
        modality = recognize(table, Options(target=target, epochs=1))
        if prepared:
            modality.prepare(modality.split())

    def is_open(self, content: bytes) -> bool:
        path = self._own("opened")
        path.write_bytes(content)
        return format_of(path) is not None

    def _own(self, name: str) -> Path:
        # Other processes have the same folder.
        return self.folder / f"{name}-{os.getpid()}{self.ending}"

    def begin(self) -> None:
        # What a package takes by itself is not the file's.
        for seed in sorted(self.folder.glob("seed-*")):
            path = self._own("whole")
            path.write_bytes(seed.read_bytes())
            self._attempt(path, True)


class JsonLists(Formats):
    """A list of objects."""

    name = "json"
    ending = ".json"
    mutations = (*BYTES, *(change_json,) * 6, other_characters, pack)

    def make(self) -> list[bytes]:
        return [json.dumps(_rows()).encode(), json.dumps(_rows()[:3], indent=1).encode()]


class JsonLines(Formats):
    """An object a line."""

    name = "jsonl"
    ending = ".jsonl"
    mutations = (*BYTES, *(change_json_lines,) * 6, swap_lines, other_characters, pack)

    def make(self) -> list[bytes]:
        return ["\n".join(map(json.dumps, _rows())).encode()]


class ArffFiles(Formats):
    """Dense and sparse rows."""

    name = "arff"
    ending = ".arff"
    mutations = (*BYTES, swap_lines, *(CELLS,) * 6, other_characters, pack)

    def make(self) -> list[bytes]:
        head = "@relation r\n@attribute n numeric\n@attribute 'a word' {red,'light blue',green}\n"
        head += "@attribute s string\n@attribute d date yyyy-MM-dd\n@attribute y {0,1}\n@data\n"
        dense = "\n".join(
            f"{at},{'red' if at % 3 else chr(39) + 'light blue' + chr(39)},'it\\'s {at}',"
            f"2024-01-{at:02d},{at % 2}"
            for at in range(1, 25)
        )
        sparse = "\n".join(f'{{0 {at}, 2 "text {at}", 4 {at % 2}}}' for at in range(1, 25))
        return [(head + dense).encode(), (head + sparse).encode()]


def _database(build: Callable[[sqlite3.Connection], None]) -> bytes:
    database = sqlite3.connect(":memory:")
    with database:
        build(database)
    content = database.serialize()
    database.close()
    return content


def _one_table(database: sqlite3.Connection) -> None:
    database.execute('CREATE TABLE "the rows" (n REAL, word TEXT, day TEXT, flag INT, y INT)')
    database.executemany('INSERT INTO "the rows" VALUES (:n, :word, :day, :flag, :y)', _rows())


def _much_else(database: sqlite3.Connection) -> None:
    _one_table(database)
    database.execute('CREATE VIEW seen AS SELECT randomblob(n) FROM "the rows"')
    database.execute("ALTER TABLE \"the rows\" ADD COLUMN late TEXT DEFAULT 'none'")
    database.execute('ALTER TABLE "the rows" ADD COLUMN sum INT AS (abs(n) + y) VIRTUAL')
    database.execute('CREATE INDEX quick ON "the rows" (word)')
    database.execute(
        'CREATE TRIGGER late AFTER INSERT ON "the rows" BEGIN DELETE FROM "the rows"; END'
    )


def change_schema(content: bytes, random: Random) -> bytes:
    """Put other words of the same length into the statements of a schema."""
    words = [
        b"TABLE",
        b"REAL",
        b"TEXT",
        b"VIEW",
        b"INT",
        b"CREATE",
        b"DEFAULT",
        b"the rows",
        b"abs",
    ]
    word = random.choice([each for each in words if each in content] or [b"\0"])
    other = random.choice(
        [b"VIRTUAL", b"sqlite_x", b"zeroblob(99)", b"AS (1)", b"'\"", b"randomblob"]
    )
    return content.replace(word, other[: len(word)].ljust(len(word)), random.choice([1, -1]))


class Databases(Formats):
    """Databases, with what is not to be run in some of them."""

    name = "sqlite"
    ending = ".sqlite"
    mutations = (*BYTES, *(overwrite,) * 6, *(change_schema,) * 3, pack)

    def make(self) -> list[bytes]:
        return [_database(_one_table), _database(_much_else)]


class PackedFormats(Tables):
    """Tables packed by bzip2 or xz, which their first bytes tell."""

    name = "table-xz"
    ending = ".csv.xz"
    mutations = BYTES

    def make(self) -> list[bytes]:
        texts = super().make()
        return [bz2.compress(texts[0]), lzma.compress(texts[0]), lzma.compress(texts[1])]


if find_spec("openpyxl"):

    class Workbooks(Formats):
        """Workbooks, broken in their XML."""

        name = "xlsx"
        ending = ".xlsx"
        mutations = (
            *BYTES,
            *(change_archive(change_cells(b'"')),) * 5,
            *(change_archive(change_cells(b"<")),) * 3,
            *(change_archive(each) for each in BYTES),
        )

        def make(self) -> list[bytes]:
            import datetime

            import openpyxl

            book = openpyxl.Workbook()
            sheet = book.active
            assert sheet is not None
            rows = _rows()
            sheet.append(list(rows[0]))
            for row in rows:
                row["day"] = datetime.datetime.fromisoformat(row["day"])
                sheet.append(list(row.values()))
            kept = io.BytesIO()
            book.save(kept)
            return [kept.getvalue()]


if find_spec("pyarrow"):

    class ParquetFiles(Formats):
        """Parquet with all that its pages may be packed by."""

        name = "parquet"
        ending = ".parquet"
        mutations = (*BYTES, *(overwrite,) * 6, pack)

        def make(self) -> list[bytes]:
            import pyarrow
            import pyarrow.parquet

            table = pyarrow.Table.from_pylist(_rows())
            kinds = [("none", False), ("snappy", True), ("zstd", True), ("gzip", False)]
            return [_parquet(pyarrow.parquet, table, *kind) for kind in kinds]

    def _parquet(parquet: Any, table: Any, packing: str, words: bool) -> bytes:
        kept = io.BytesIO()
        parquet.write_table(
            table, kept, compression=packing, use_dictionary=words, row_group_size=10
        )
        return kept.getvalue()

    class FeatherFiles(Formats):
        """Feather files and streams of Arrow."""

        name = "feather"
        ending = ".feather"
        mutations = (*BYTES, *(overwrite,) * 6, pack)

        def make(self) -> list[bytes]:
            import pyarrow
            import pyarrow.feather

            table = pyarrow.Table.from_pylist(_rows())
            words = table.column("word").dictionary_encode()
            table = table.set_column(1, "word", words)
            kept = []
            for packing in ("uncompressed", "lz4", "zstd"):
                file = io.BytesIO()
                pyarrow.feather.write_feather(table, file, compression=packing)
                kept.append(file.getvalue())
            file = io.BytesIO()
            with pyarrow.ipc.new_stream(file, table.schema) as stream:
                stream.write_table(table)
            return [*kept, file.getvalue()]
