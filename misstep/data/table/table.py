"""One way in for everything that is a table: files, pandas and polars frames, columns, arrays.

Holds `Table`, a pandas frame with a name and notes on what was noticed while reading. Knows nothing
of targets or networks; `column_types.py` says what each column is, `delimited.py` splits text.
"""

from __future__ import annotations

import datetime
import decimal
import os
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from misstep.data.copies import Traits
from misstep.data.dataset import Dataset
from misstep.data.io.delimited import split_fields
from misstep.data.io.files import existing_path, read_text
from misstep.data.io.formats import format_of, read_words
from misstep.data.table.cell_values import MOST_EXACT, category_words, objects, sound_text
from misstep.data.table.number_forms import decimal_mark_of_columns
from misstep.data.table.row_traits import table_traits
from misstep.data.table.word_columns import WordColumn, words_of
from misstep.errors import DataError, MisstepError
from misstep.ir.masks import without_mask
from misstep.text.counts import counted
from misstep.text.lists import and_so_on
from misstep.text.names import did_you_mean, missing_names

if TYPE_CHECKING:
    import pandas

    from misstep.data.table.whole_tables import WholeTable

__all__ = [
    "ROWS",
    "Table",
    "read_columns",
    "read_table",
    "require_column",
    "require_columns",
    "table_of_words",
    "table_or_refuse",
]

# What the index of a column is called that tells the rows' numbers in their file.
ROWS = "row in the file"
# Different words of each column that are looked at for the decimal mark of a file.
FEW_WORDS = 200


@dataclass
class Table(Dataset):
    """A table in memory.

    `frame`: pandas, one row per example, columns named by distinct texts; missing cells are NaN,
    None or NaT. `name`: what messages call it. `notes`: sentences on what was noticed. `files`:
    where each row is a file of its own, their names. `texts`: columns that are texts whatever they
    look like. `zones`: of columns whose dates, which stand here in UTC, came with a time zone.
    `written`: the columns that came as words, as `words_of` read them; `numbers`: what the rows are
    numbered in the file, (rows,), None: from 1. `moments`: dates that stood beside the columns, in
    the index of a frame, (rows,), or None. `whole`: the file that these rows are a sample of, if
    they are.
    """

    frame: pandas.DataFrame
    name: str = "the table"
    notes: list[str] = field(default_factory=list)
    target: str | None = None
    files: list[str] | None = None
    texts: tuple[str, ...] = ()
    zones: dict[str, str] = field(default_factory=dict)
    written: Mapping[str, WordColumn] = field(default_factory=dict)
    numbers: NDArray[np.int64] | None = None
    moments: NDArray[np.datetime64] | None = None
    whole: WholeTable | None = None

    description: ClassVar[str] = "a table"
    sample_name: ClassVar[str] = "row"

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, indices: NDArray[np.integer[Any]]) -> Table:
        files = None if self.files is None else [self.files[index] for index in indices]
        frame = self.frame.iloc[indices].reset_index(drop=True)
        written = {
            name: column if column.words is None else replace(column, words=column.words[indices])
            for name, column in self.written.items()
        }
        numbers = self.row_numbers[indices]
        moments = None if self.moments is None else self.moments[indices]
        return replace(
            self,
            frame=frame,
            notes=[],
            files=files,
            written=written,
            numbers=numbers,
            moments=moments,
            whole=None,
        )

    @property
    def is_sample(self) -> bool:
        return self.whole is not None

    @property
    def row_numbers(self) -> NDArray[np.int64]:
        """Return the number of each row in the file, counted from 1, (rows,)."""
        return np.arange(1, len(self) + 1) if self.numbers is None else self.numbers

    def column(self, name: str) -> pandas.Series:
        """Return a column as it came, (rows,), its rows called by their numbers.

        Texts are as they were written, None where nothing stands; other values are those of the
        frame.
        """
        import pandas

        values: Any = self.frame[name].to_numpy()
        known = self.written.get(name)
        if known is not None:
            words = known.words
            values = objects(category_words(values.tolist())) if words is None else words
        return pandas.Series(values, index=self.index, name=name, dtype=values.dtype)

    @cached_property
    def index(self) -> pandas.Index:
        """The numbers of the rows, as columns have them."""
        import pandas

        return pandas.Index(self.row_numbers, name=ROWS)

    def form(self, name: str) -> str:
        """Return the form in which the numbers of a column are written; empty: it is words."""
        known = self.written.get(name)
        return "plain" if known is None else known.form

    def answers(self, target: str) -> Any:
        return self.column(target) if target in self.frame.columns else None

    def cells(self, target: str) -> list[Any]:
        return [self.frame[name].iloc[0] for name in self.frame.columns if name != target]

    def named_cells(self, target: str) -> dict[str, Any]:
        # All at once: a table may have thousands of columns.
        first = self.frame.iloc[:1].astype(object).to_numpy()[0].tolist()
        return {
            name: cell
            for name, cell in zip(self.frame.columns, first, strict=True)
            if name != target
        }

    def describe(self) -> str:
        rows, columns = self.frame.shape
        if self.whole is not None:
            there = f"{counted(self.whole.rows, 'row')} of {counted(columns, 'column')}"
            return f"{there}, {rows:,} of them in memory"
        return f"{counted(rows, 'row')} of {counted(columns, 'column')}"

    def fingerprints(self) -> NDArray[np.uint64]:
        """Return a hash of the cells of each row, (rows,)."""
        from pandas.util import hash_pandas_object

        return np.asarray(hash_pandas_object(self.frame, index=False), np.uint64)

    def traits(self, without: Container[str] = ()) -> Traits:
        """Return the cells of each row, but for columns of `without` and numberings."""
        return table_traits(self.frame, without)

    def row_names(self) -> tuple[str, Sequence[Any]]:
        return super().row_names() if self.files is None else ("file", self.files)


def read_table(source: object, name: str | None = None) -> Table:
    """Read a table from wherever it is.

    `source`: path of a CSV or TSV file, of a Parquet, Feather, Excel, JSON, ARFF or SQLite file
    (also packed by gzip, bzip2, xz or Zstandard; `book.xlsx::sheet`, `shop.sqlite::orders`),
    pandas or polars frame, mapping from column names to equally long columns, array (rows,
    columns), or a Table (returned as it is). `name`: what messages should call it.

    Raises StorageError for files that are missing or can't be read; FileFormatError for damaged or
    binary files; DataError for everything that is not a table of at least one row and column.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, str | os.PathLike):
        return _from_file(source, name)
    name = name or "the table"
    try:
        if isinstance(source, Mapping):
            return _from_columns(dict(source), name, [])
        if isinstance(source, np.ndarray):
            return _from_array(without_mask(source, name), name)
        if hasattr(source, "__array__") and not hasattr(source, "columns"):
            return _from_array(np.asarray(source), name)
        if isinstance(source, Sequence) and not isinstance(source, bytes | bytearray):
            return _from_rows(source, name)
        return _from_frame(source, name)
    except MisstepError:
        raise
    except Exception as error:
        # Frames and arrays of strangers can fail in their own words at any touch.
        raise DataError(
            name,
            needed="a table: a path, a frame, a dict of columns or a 2-D array",
            got=f"{_class(source)} that can't be read ({type(error).__name__}: {error})",
        ) from error


def table_or_refuse(dataset: Dataset, source: str, columns: Sequence[str]) -> Table:
    """Return what was found in `source` if it is a table. Raises DataError, naming `columns`."""
    if isinstance(dataset, Table):
        return dataset
    shown = and_so_on(columns, 6)
    raise DataError(
        source, needed=f"a table with the columns of training ({shown})", got=dataset.description
    )


def read_columns(source: Any, names: Sequence[str]) -> Table:
    """Read a table of which only the columns `names` matter.

    Where columns can be chosen first (frames, mappings), the others are not even looked at, so they
    may hold anything. Names that are not there are left to the caller. Raises as `read_table`.
    """
    if not isinstance(source, Mapping) and type(source).__name__ != "DataFrame":
        return read_table(source)
    titles = list(source if isinstance(source, Mapping) else source.columns)
    chosen = [title for title in titles if sound_text(str(title)) in names]
    if {sound_text(str(title)) for title in chosen} != set(names):
        return read_table(source)
    if isinstance(source, Mapping):
        return read_table({title: source[title] for title in chosen})
    return read_table(source[chosen])


def require_column(frame: pandas.DataFrame, name: str, which: str) -> None:
    """Raise DataError about `which`, with the nearest name, where there is no column `name`."""
    titles = [str(title) for title in frame.columns]
    if name not in titles:
        raise DataError(
            which,
            needed="a column of the table",
            got="no column of that name",
            try_=did_you_mean(name, titles),
        )


def require_columns(
    frame: pandas.DataFrame, names: Sequence[str], table: str = "the table"
) -> None:
    """Raise DataError, with the nearest name, where a column of training is not there."""
    if all(name in frame.columns for name in names):
        return
    titles = [str(title) for title in frame.columns]
    absent = [name for name in names if name not in titles]
    if absent:
        raise DataError(
            table,
            needed=f"all {len(names)} columns that the model learned from"
            if len(names) > 1
            else "the one column that the model learned from",
            got=f"{counted(len(titles), 'column')}: {missing_names(absent, titles, names)}",
            try_="a table with those columns; their order does not matter",
        )


def _from_file(source: str | os.PathLike[str], name: str | None) -> Table:
    kind = format_of(source)
    if kind is not None:
        table = read_words(source, kind)
        name = name or Path(source).name
        return table_of_words(dict(zip(table.names, table.columns, strict=True)), name, table.notes)
    path = existing_path(source)
    name = name or path.name
    text, notes = read_text(path)
    fields = split_fields(text, name, tabs=".tsv" in path.name.lower() or path.suffix == ".tab")
    notes += fields.notes
    columns = dict(zip(fields.names, zip(*fields.rows, strict=True), strict=True))
    return table_of_words(columns, name, notes, weak_comma=fields.delimiter == ";")


def table_of_words(
    columns: Mapping[str, Sequence[str]],
    name: str,
    notes: list[str],
    *,
    weak_comma: bool = False,
    numbers: NDArray[np.int64] | None = None,
) -> Table:
    """Return columns of words as they stand in a file, (rows,) each, as a table.

    `name`, `notes`, `numbers`: of the table. `weak_comma`: as `words_of` takes it. Raises DataError
    for names that are the same in one spelling.
    """
    questioned = sum(words.count("?") for words in columns.values())
    if questioned:
        notes.append(f"{counted(questioned, 'cell')} with ? counted as missing")
    table = _from_columns(dict(columns), name, notes, True, weak_comma=weak_comma, numbers=numbers)
    return table if numbers is None else replace(table, numbers=numbers)


def _from_columns(
    columns: dict[Any, Any],
    name: str,
    notes: list[str],
    from_file: bool = False,
    weak_comma: bool = False,
    numbers: NDArray[np.int64] | None = None,
) -> Table:
    """Return columns as a table; `from_file`: that all of them are texts."""
    import pandas

    if not columns:
        raise DataError(name, needed="at least one column", got="none")
    ready: dict[str, Any] = {}
    zones: dict[str, str] = {}
    for title, values in columns.items():
        key = sound_text(str(title))
        if key in ready:
            raise DataError(
                f"the columns of {name}",
                needed="a different name for each",
                got=f"{key!r} twice",
                try_="renaming one of them",
            )
        which = f"column {key!r} of {name}"
        ready[key] = list(values) if from_file else _column(values, which)
        zone = (
            _zone_of(values) if getattr(ready[key], "dtype", np.dtype(object)).kind == "M" else ""
        )
        if zone:
            zones[key] = zone
    first, rows = next((key, len(values)) for key, values in ready.items())
    for key, values in ready.items():
        if len(values) != rows:
            raise DataError(
                f"column {key!r} of {name}",
                needed=f"{rows} values, as many as column {first!r}",
                got=str(len(values)),
            )
    if rows == 0:
        raise DataError(name, needed="at least one row", got=f"{len(ready)} columns and no rows")
    worded = {key: values for key, values in ready.items() if isinstance(values, list)}
    decimal = decimal_mark_of_columns(map(_some_of, worded.values()))
    written = {
        key: words_of(values, key, decimal, weak_comma, numbers) for key, values in worded.items()
    }
    ready |= {key: column.values for key, column in written.items()}
    notes += [note for column in written.values() for note in column.notes]
    notes += _shifted_rows(written, numbers)
    return Table(pandas.DataFrame(ready, copy=False), name, notes, zones=zones, written=written)


def _some_of(words: Sequence[str | None]) -> list[str]:
    """Return some different words of a column, spread over it."""
    spread = words[:: max(1, len(words) // FEW_WORDS)]
    return list(dict.fromkeys(word.strip() for word in spread if word))


def _shifted_rows(
    written: Mapping[str, WordColumn], numbers: NDArray[np.int64] | None
) -> list[str]:
    """Return a note where words stand among numbers in several columns of one row."""
    rows: dict[int, list[str]] = {}
    for name, column in written.items():
        for row in column.odd_rows:
            rows.setdefault(row, []).append(name)
    shifted = {row: names for row, names in rows.items() if len(names) > 1}
    if not shifted:
        return []
    row, names = next(iter(shifted.items()))
    called = row + 1 if numbers is None else numbers[row]
    more = f" (and {counted(len(shifted) - 1, 'row')} more)" if len(shifted) > 1 else ""
    return [
        f"row {called}{more} holds words where {and_so_on(names, 4)} hold numbers: perhaps a cell "
        "is missing in it, and the others are shifted"
    ]


def _from_array(array: NDArray[Any], name: str) -> Table:
    if array.dtype.names:
        return _from_columns({title: array[title] for title in array.dtype.names}, name, [])
    if array.ndim != 2:
        got = f"shape {array.shape}"
        advice = "reshape(-1, 1) for one column" if array.ndim == 1 else "reshape(len(array), -1)"
        raise DataError(name, needed="an array (rows, columns)", got=got, try_=advice)
    if array.shape[1] == 0:
        raise DataError(name, needed="at least one column", got=f"shape {array.shape}")
    return _from_columns({f"column_{i + 1}": column for i, column in enumerate(array.T)}, name, [])


def _from_rows(rows: Sequence[Any], name: str) -> Table:
    if not rows:
        raise DataError(name, needed="at least one row", got=f"an empty {type(rows).__name__}")
    if all(isinstance(row, Mapping) for row in rows):
        titles = list(dict.fromkeys(title for row in rows for title in row))
        return _from_columns({t: [row.get(t) for row in rows] for t in titles}, name, [])
    if not all(isinstance(row, Sequence | np.ndarray) and not isinstance(row, str) for row in rows):
        got = f"a {type(rows).__name__} whose first item is {_class(rows[0])}"
        raise DataError(name, needed="rows of values", got=got)
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            needed = f"{len(rows[0])} values, as row 1"
            raise DataError(f"row {i + 1} of {name}", needed=needed, got=str(len(row)))
    columns = enumerate(zip(*rows, strict=True))
    return _from_columns({f"column_{i + 1}": list(cells) for i, cells in columns}, name, [])


def _from_frame(source: object, name: str) -> Table:
    import narwhals

    try:
        frame = narwhals.from_native(source, eager_only=True)  # type: ignore[call-overload]
    except TypeError as error:
        lazy = "Lazy" in type(source).__name__
        raise DataError(
            name,
            needed="a path, a frame, a dict of columns or a 2-D array",
            got=_class(source),
            try_="calling .collect() on it first" if lazy else "pandas.DataFrame(...) of it",
        ) from error
    except ValueError as error:
        raise DataError(name, needed="columns with different names", got=str(error)) from error
    if not isinstance(frame, narwhals.DataFrame):
        raise DataError(
            name, needed="a frame", got="one column", try_="a frame of this column (to_frame())"
        )
    titles = list(frame.columns)
    if any(isinstance(title, tuple) for title in titles):
        raise DataError(
            f"the columns of {name}",
            needed="one name each",
            got=f"several levels, for example {titles[0]!r}",
            try_="joining the levels into one name",
        )
    columns = {title: _frame_column(frame.get_column(title)) for title in titles}
    table = _from_columns(columns, name, [])
    return replace(table, moments=_index_dates(getattr(source, "index", None), len(table)))


def _index_dates(index: object, rows: int) -> NDArray[np.datetime64] | None:
    """Return the dates in the index of a pandas frame, in UTC, (rows,), or None."""
    import pandas

    if isinstance(index, pandas.PeriodIndex):
        index = index.to_timestamp()
    if not isinstance(index, pandas.DatetimeIndex) or len(index) != rows or index.hasnans:
        return None
    index = index if index.tz is None else index.tz_convert("UTC").tz_localize(None)
    return np.asarray(index.to_numpy(), "datetime64[us]")


def _frame_column(series: Any) -> Any:
    """Return a narwhals column as an array or list, by ways that need no other package."""
    import narwhals

    native = series.to_native()
    if isinstance(getattr(native, "dtype", None), np.dtype):
        return native
    numeric = series.dtype.is_numeric() and series.dtype != narwhals.Decimal
    if numeric and series.null_count() == 0:
        return series.to_numpy()
    return series.to_list()


def _zone_of(values: Any) -> str:
    """Return the name of the time zone that dates came with, or their offset; "" for none."""
    known = (value for value in values if isinstance(value, datetime.datetime))
    first = next((value for value in known if value.tzinfo is not None), None)
    if first is None or first.utcoffset() is None:
        return ""
    name = getattr(first.tzinfo, "key", None) or getattr(first.tzinfo, "zone", None)
    return str(name) if name else f"{first:%z}"[:3] + ":" + f"{first:%z}"[3:5]


def _column(values: Any, which: str) -> Any:
    """Return one column as a list of texts, or an array of numbers, dates or objects.

    Missing are None, NaN and NaT; masked values are missing.
    """
    import pandas

    if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
        raise DataError(which, needed="a column of values", got=repr(values)[:60])
    if isinstance(values, Mapping | set | frozenset):
        raise DataError(which, needed="values in an order", got=_class(values))
    if isinstance(values, np.ma.MaskedArray):
        values = without_mask(values, which)
    if isinstance(values, np.ndarray | pandas.Series | pandas.Index):
        dtype: Any = values.dtype
        if isinstance(dtype, np.dtype):
            array = np.asarray(values)
            if array.ndim != 1:
                raise DataError(which, needed="one value per row", got=f"shape {array.shape}")
            if dtype.kind in "iu" or dtype == np.float64:
                return array
            if dtype.kind == "f":
                with np.errstate(over="ignore"):
                    return array.astype(np.float64)
            if dtype.kind == "M":
                return pandas.Series(array).astype("datetime64[us]").to_numpy()
            if dtype.kind not in "bOUST":
                raise DataError(which, needed="numbers, texts or dates", got=f"values of {dtype}")
    cells = values.tolist() if hasattr(values, "tolist") else list(values)
    return _typed([_cell(value, which, i) for i, value in enumerate(cells)])


def _cell(value: object, which: str, row: int) -> object:
    """Return a cell as str, bool, int, float, datetime or None; refuse everything else."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value.strip() or None
    if value is np.ma.masked:
        return None
    if isinstance(value, np.bool_ | np.integer | np.floating):
        return value.item()
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.datetime):
        return value
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    if type(value).__name__ == "Period":
        return value.to_timestamp()  # type: ignore[attr-defined]
    raise DataError(
        f"row {row + 1} of {which}",
        needed="a number, text, date or nothing",
        got=f"{_class(value)}: {repr(value)[:60]}",
        try_="one column for each part of it, or leaving the column out",
    )


def _typed(values: list[Any]) -> NDArray[Any] | list[str | None]:
    """Return cells as texts, or the narrowest of int64, float64, bool, datetime64 or object."""
    import pandas

    present = [value for value in values if value is not None and value == value]
    classes = {type(value) for value in present}
    whole = len(present) == len(values)
    if not present:
        return np.full(len(values), np.nan)
    if classes == {bool} and whole:
        return np.asarray(values, dtype=bool)
    if classes <= {int, float}:
        if classes == {int} and whole and all(abs(value) < 2**63 for value in values):
            return np.asarray(values, dtype=np.int64)
        if any(type(value) is int and abs(value) > MOST_EXACT for value in present):
            # As floats such numbers would become others.
            return category_words(values)
        return np.asarray([np.nan if v is None else _bounded(v) for v in values], dtype=np.float64)
    if str in classes and classes <= {str, int, float}:
        return [
            value if isinstance(value, str) else word
            for value, word in zip(values, category_words(values), strict=True)
        ]
    if all(isinstance(value, datetime.datetime) for value in present):
        stamps = pandas.to_datetime(pandas.Series(values, dtype=object), utc=True, errors="coerce")
        return stamps.dt.tz_localize(None).astype("datetime64[us]").to_numpy()
    return objects([None if value is None or value != value else value for value in values])


def _bounded(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _class(value: object) -> str:
    """Return what an object is in words, such as "a numpy.ndarray"."""
    cls = type(value)
    module = "" if cls.__module__ == "builtins" else cls.__module__.split(".")[0] + "."
    return f"{'an' if cls.__name__[0].lower() in 'aeiou' else 'a'} {module}{cls.__name__}"
