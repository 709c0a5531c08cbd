"""Tables of an SQLite database, opened to be read only, as if nobody could change it meanwhile.

A database is a stranger's program as well: it may hold views, triggers, virtual tables and columns
that are computed. Only tables that are stored are read, no function of theirs is called, and SQLite
is told to trust nothing that a schema says.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from misstep.data.io.files import damaged
from misstep.data.io.formats.cell_words import column_in_words
from misstep.data.io.formats.table_format import PART, Content, TableFormat, WordTable
from misstep.errors import DataError, FileFormatError, MisstepError, StorageError
from misstep.text.lists import and_so_on
from misstep.text.names import did_you_mean

SHOWN_TABLES = 8
ADVICE = "leaving the column out, by a table without it"
# What a statement may do: look at rows of tables.
ALLOWED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ)
# A row takes four bytes of its page or more: place, length, head, number.
BYTES_OF_ROW = 4
TOGETHER = 2**12
# Cells of columns that were added later stand in no row: so many are free, and so many more for
# each byte of the file.
FREE_CELLS, CELLS_PER_BYTE = 2_000_000, 8
MOST_COLUMNS = 2_000


class SqliteTables(TableFormat):
    """Databases, of which one table is read."""

    endings: ClassVar = (".sqlite", ".sqlite3", ".db", ".db3")
    magics: ClassVar = (b"SQLite format 3\0",)
    called: ClassVar = "SQLite"

    def read(self, content: Content) -> WordTable:
        _refuse_unfinished(content)
        try:
            with closing(_connected(content)) as database:
                return _read(database, content)
        except MisstepError:
            raise
        except (sqlite3.Error, ValueError, OverflowError, MemoryError) as error:
            got = " ".join(str(error).split())[:200] or type(error).__name__
            raise damaged(content.path, "a sound SQLite database", got) from error


def _refuse_unfinished(content: Content) -> None:
    """Raise StorageError where changes lie beside the database that it doesn't hold yet."""
    for ending in ("-wal", "-journal"):
        beside = Path(f"{content.path}{ending}")
        try:
            with beside.open("rb") as file:
                # A journal that is over is empty, or begins with zeros.
                unfinished = bool(file.read(8).strip(b"\0"))
        except OSError:
            continue
        if unfinished and content.unpacked is None:
            raise StorageError(
                str(content.path),
                needed="a database that no program is changing",
                got=f"changes in {beside.name} that are not in it yet",
                try_=f"closing that program, or: sqlite3 {content.path} \"VACUUM INTO 'copy.db'\"",
            )


def _connected(content: Content) -> sqlite3.Connection:
    if content.unpacked is None:
        # Immutable: no locks and no files beside it.
        place = quote(str(content.path.resolve()))
        database = sqlite3.connect(f"file:{place}?mode=ro&immutable=1", uri=True)
    else:
        database = sqlite3.connect(":memory:")
        # A database that kept a log beside it can't be opened in memory; its head says so.
        held = bytearray(content.unpacked)
        if held[18:20] == b"\x02\x02":
            held[18:20] = b"\x01\x01"
        try:
            database.deserialize(bytes(held))
        except BaseException:
            database.close()
            raise
    try:
        database.execute("PRAGMA query_only = 1")
        database.execute("PRAGMA trusted_schema = 0")
        database.execute("PRAGMA cell_size_check = 1")
        database.execute("PRAGMA mmap_size = 0")
        # No cell is longer than its file.
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(content.size, 10**6))

    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def _only_reading(database: sqlite3.Connection) -> Iterator[None]:
    """Let statements do nothing but look at rows: no function, no pragma, nothing attached."""
    database.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY
    )
    try:
        yield
    finally:
        database.set_authorizer(None)


def _read(database: sqlite3.Connection, content: Content) -> WordTable:
    tables = _tables(database)
    if not tables:
        raise DataError(content.name, needed="a table", got="a database without any")
    table = content.part
    if not table:
        if len(tables) > 1:
            raise DataError(
                content.name,
                needed="the name of one of its tables",
                got=f"{len(tables):,} tables: {and_so_on(tables, SHOWN_TABLES)}",
                try_=f"{content.name}{PART}{tables[0]}",
            )
        table = tables[0]
    elif table not in tables:
        raise DataError(
            f"{content.name}{PART}{table}",
            needed=f"one of its tables: {and_so_on(tables, SHOWN_TABLES)}",
            got="no table of that name; views and virtual tables are not read",
            try_=did_you_mean(table, tables),
        )
    called = f"{content.name}{PART}{table}"
    quoted = '"' + table.replace('"', '""') + '"'
    # Hidden columns are computed, or belong to virtual tables.
    shown = database.execute(f"PRAGMA table_xinfo({quoted})").fetchall()
    names = [str(row[1]) for row in shown if row[6] == 0]
    left = [str(row[1]) for row in shown if row[6] != 0]
    if not names or len(names) > MOST_COLUMNS:
        raise DataError(called, needed=f"1 to {MOST_COLUMNS:,} columns", got=f"{len(names):,}")
    notes = []
    if left:
        notes.append(f"left out, since they are computed: {and_so_on(left, SHOWN_TABLES)}")
    chosen = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    cells: list[list[Any]] = [[] for _ in names]
    rows = 0
    with _only_reading(database):
        cursor = database.execute(f"SELECT {chosen} FROM {quoted}")
        while some := cursor.fetchmany(TOGETHER):
            rows += len(some)
            # A page that leads back to itself would give rows without end.
            if rows * BYTES_OF_ROW > content.size:
                raise damaged(
                    content.path, "a sound SQLite database", "more rows than its bytes can hold"
                )
            if rows * len(names) > FREE_CELLS + CELLS_PER_BYTE * content.size:
                raise FileFormatError(
                    str(content.path),
                    needed="a table that fits its file",
                    got=f"{rows:,} rows of {len(names):,} cells, most of them absent",
                )
            for column, values in zip(cells, zip(*some, strict=True), strict=True):
                column += values
    words = []
    for place, name in enumerate(names):
        typed, cells[place] = cells[place], []
        words.append(column_in_words(typed, f"column {name!r} of {called}", ADVICE))
    return WordTable.of(names, words, called, notes)


def _tables(database: sqlite3.Connection) -> list[str]:
    """Return the names of the tables that are stored as such, in order of names."""
    rows = database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall()
    # Tables that a virtual one keeps its things in are shadows of it.
    kinds = {row[1]: row[2] for row in database.execute("PRAGMA main.table_list").fetchall()}
    return sorted(
        name
        for name, sql in rows
        if isinstance(name, str)
        and not name.lower().startswith("sqlite_")
        and not " ".join(str(sql).split()).upper().startswith("CREATE VIRTUAL")
        and kinds.get(name, "table") == "table"
    )
