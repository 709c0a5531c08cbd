"""Parquet and Feather (Arrow IPC) files, read by pyarrow, a batch of rows after the other.

Nothing in such a file is run: extension types are read as what they are stored as, pandas' metadata
not at all. What a footer declares is checked before memory is taken for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from misstep.data.io.extra import required
from misstep.data.io.files import MOST_BYTES, check_ratio, damaged
from misstep.data.io.formats.cell_words import column_in_words
from misstep.data.io.formats.table_format import Content, TableFormat, WordTable
from misstep.errors import DataError, FileFormatError, MisstepError

__all__ = ["ArrowTable", "ParquetTable"]

BATCH = 2**16
# Bytes of a cell, at least, by which a table is compared with its file; and what any may take.
CELL, FREE_BYTES = 8, 16 * 2**20
ADVICE = "one column for each part of it, or leaving the column out"


class ParquetTable(TableFormat):
    """Parquet files, row group by row group."""

    endings: ClassVar = (".parquet", ".pq", ".parq")
    magics: ClassVar = (b"PAR1",)
    called: ClassVar = "Parquet"

    def read(self, content: Content) -> WordTable:
        content.refuse_part("the file")
        parquet: Any = required("pyarrow.parquet", f"{content.name}, a Parquet file")
        with _in_words(content, self.called), _opened(content) as source:
            file = parquet.ParquetFile(source, memory_map=False, arrow_extensions_enabled=False)
            facts = file.metadata
            _check_size(content, facts.num_rows, facts.num_columns)
            # Groups that lie in the same place, or declare more than they can hold.
            declared = sum(
                max(0, facts.row_group(at).total_byte_size) for at in range(facts.num_row_groups)
            )
            check_ratio(content.path, content.size, declared, FREE_BYTES)
            schema = file.schema_arrow
            _refuse_kinds(schema, content.name)
            batches = file.iter_batches(BATCH, use_threads=False)
            return _table(schema, batches, content)


class ArrowTable(TableFormat):
    """Feather files of version 2, and streams of Arrow."""

    endings: ClassVar = (".feather", ".arrow", ".ipc", ".arrows")
    magics: ClassVar = (b"ARROW1", b"FEA1", b"\xff\xff\xff\xff")
    called: ClassVar = "Feather (Arrow)"

    def read(self, content: Content) -> WordTable:
        content.refuse_part("the file")
        ipc: Any = required("pyarrow.ipc", f"{content.name}, a Feather (Arrow) file")
        with _in_words(content, self.called), _opened(content) as source:
            head = source.read(6)
            source.seek(0)
            if head[:4] == b"FEA1":
                raise FileFormatError(
                    str(content.path),
                    needed="a Feather file of version 2",
                    got="one of version 1, which Arrow no longer writes",
                    try_="writing it again with pandas or polars",
                )
            # One thread, and buffers that are unpacked as they come.
            options = ipc.IpcReadOptions(use_threads=False)
            if head == b"ARROW1":
                reader = ipc.open_file(source, options=options)
                batches = (reader.get_batch(at) for at in range(reader.num_record_batches))
            else:
                reader = ipc.open_stream(source, options=options)
                batches = iter(reader)
            _refuse_kinds(reader.schema, content.name)
            return _table(reader.schema, batches, content)


@contextmanager
def _opened(content: Content) -> Iterator[Any]:
    arrow: Any = required("pyarrow", content.name)
    if content.unpacked is not None:
        source = arrow.BufferReader(content.unpacked)
    else:
        source = arrow.OSFile(str(content.path), "rb")
    try:
        yield source
    finally:
        source.close()


@contextmanager
def _in_words(content: Content, called: str) -> Iterator[None]:
    """Turn what pyarrow raises for a file that it can't read into words."""
    try:
        yield
    except MisstepError:
        raise
    except MemoryError as error:
        raise damaged(
            content.path, f"a {called} file", "one that declares more than memory holds"
        ) from error
    except Exception as error:
        # Besides its own errors, Arrow raises ValueError, KeyError, OSError, IndexError and others.
        got = " ".join(str(error).split())[:200] or type(error).__name__
        raise damaged(content.path, f"a sound {called} file", got) from error


def _check_size(content: Content, rows: int, columns: int) -> None:
    if rows < 0 or columns < 0:
        raise damaged(content.path, "a number of rows", str(min(rows, columns)))
    check_ratio(content.path, content.size, rows * columns * CELL, FREE_BYTES)


def _refuse_kinds(schema: Any, name: str) -> None:
    """Raise DataError for the first column whose cells are no single value."""
    types: Any = required("pyarrow.types", name)
    for field in schema:
        kind = _stored(field.type)
        if types.is_dictionary(kind):
            kind = _stored(kind.value_type)
        single = (
            types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind),
            types.is_string(kind) or types.is_large_string(kind) or _is_view(types, kind),
            types.is_date(kind) or types.is_timestamp(kind) or types.is_time(kind),
            types.is_decimal(kind) or types.is_null(kind) or types.is_duration(kind),
        )
        if not any(single):
            raise DataError(
                f"column {field.name!r} of {name}",
                needed="numbers, texts or dates",
                got=f"values of {str(kind)[:80]}",
                try_=ADVICE,
            )


def _is_view(types: Any, kind: Any) -> bool:
    test = getattr(types, "is_string_view", None)
    return test is not None and bool(test(kind))


def _stored(kind: Any) -> Any:
    """Return the type of which values of an extension type are stored."""
    storage = getattr(kind, "storage_type", None)
    return kind if storage is None else storage


def _table(schema: Any, batches: Iterable[Any], content: Content) -> WordTable:
    """Return batches of rows in words. Raises DataError or FileFormatError, or what Arrow does."""
    names = list(schema.names)
    values: list[list[Any]] = [[] for _ in names]
    rows, letters = 0, 0
    for batch in batches:
        rows += batch.num_rows
        _check_size(content, rows, len(names))
        batch.validate(full=True)
        letters += batch.nbytes
        if letters > MOST_BYTES:
            raise FileFormatError(
                str(content.path),
                needed=f"at most {MOST_BYTES // 2**30} GiB of cells",
                got="more",
                try_="splitting the file",
            )
        for place, cells in enumerate(values):
            cells += _cells(batch.column(place))
    words = []
    for place, name in enumerate(names):
        # What was typed is let go of, column by column.
        typed, values[place] = values[place], []
        words.append(column_in_words(typed, f"column {name!r} of {content.name}", ADVICE))
    return WordTable.of([str(name) for name in names], words, content.name, [])


def _cells(column: Any) -> Sequence[Any]:
    """Return the values of an Arrow array, those of few bits as words."""
    arrow: Any = required("pyarrow", "a column")
    types: Any = required("pyarrow.types", "a column")
    if hasattr(column, "storage"):
        column = column.storage
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
        if hasattr(column, "storage"):
            column = column.storage
    kind = column.type
    if types.is_float32(kind) or types.is_float16(kind):
        # In the shortest words of its own precision: 0.1, which is 0.10000000149 in float64.
        known = np.asarray(column.is_valid().to_numpy(zero_copy_only=False))
        words = column.to_numpy(zero_copy_only=False).astype(str).tolist()
        return [word if there else None for word, there in zip(words, known, strict=True)]
    if types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(arrow.timestamp("us", kind.tz), safe=False)
    elif types.is_time(kind) and kind.unit == "ns":
        column = column.cast(arrow.time64("us"), safe=False)
    elif types.is_duration(kind) and kind.unit == "ns":
        column = column.cast(arrow.duration("us"), safe=False)
    cells: list[Any] = column.to_pylist()
    return cells
