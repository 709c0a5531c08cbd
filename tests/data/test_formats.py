"""Tables in files of other kinds give the very table, and the very model, of their CSV file."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import misstep as ms
from misstep.data import read_source, read_table
from misstep.errors import DataError, FileFormatError, MisstepError, StorageError
from misstep.modeling import Options

ROWS = 60


def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d"),
            "size": random.normal(size=ROWS).round(3),
            "rooms": random.integers(1, 9, ROWS),
            "small": random.normal(size=ROWS).astype("float32"),
            "city": random.choice(["Bern, CH", "Basel", 'a "b"', "Chur"], ROWS),
            "ok": random.choice([True, False], ROWS),
            "sold": random.choice(["yes", "no"], ROWS),
        }
    )
    table.loc[3, "size"] = np.nan
    table.loc[5, "city"] = None
    return table


def _sqlite(table: pd.DataFrame, path: Path) -> None:
    rows = [
        tuple(str(cell) if isinstance(cell, bool) else cell for cell in row)
        for row in json.loads(
            table.assign(small=_short(table)).to_json(orient="values", double_precision=15)
        )
    ]
    with sqlite3.connect(path) as database:
        kinds = "day TEXT, size REAL, rooms INT, small REAL, city TEXT, ok TEXT, sold TEXT"
        database.execute(f"CREATE TABLE orders ({kinds})")
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    database.close()


def _short(table: pd.DataFrame) -> list[float]:
    # As CSV files say them: in the shortest words of their own precision.
    return [float(word) for word in table.small.to_numpy().astype(str)]


def _arff(table: pd.DataFrame, path: Path) -> None:
    def cell(value: Any) -> str:
        if value is None or value != value:
            return "?"
        return "'" + str(value).replace("'", "\\'").replace('"', '\\"') + "'"

    lines = ["% a comment", "@relation 'the rows'", "@attribute day date yyyy-MM-dd"]
    lines += ["@attribute size numeric", "@ATTRIBUTE rooms INTEGER", "@attribute small real"]
    lines += ["@attribute city string", "@attribute ok {True, False}", "@attribute sold {yes,no}"]
    lines += [
        "@data",
        *(
            ",".join(map(cell, row))
            for row in table.assign(small=_short(table)).itertuples(index=False)
        ),
    ]
    path.write_text("\n".join(lines))


def _excel(table: pd.DataFrame, path: Path) -> None:
    pytest.importorskip("openpyxl", reason="openpyxl, which reads Excel, is not installed")
    table.assign(day=pd.to_datetime(table.day), small=_short(table)).to_excel(path, index=False)


def _parquet(table: pd.DataFrame, path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow, which reads Parquet, is not installed")
    typed = table.assign(day=pd.to_datetime(table.day), city=table.city.astype("category"))
    typed.to_parquet(path, row_group_size=17)


def _feather(table: pd.DataFrame, path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow, which reads Feather, is not installed")
    table.to_feather(path)


WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    "jsonl": lambda table, path: table.assign(small=_short(table)).to_json(
        path, orient="records", lines=True, double_precision=15
    ),
    "json": lambda table, path: table.assign(small=_short(table)).to_json(
        path, orient="records", double_precision=15
    ),
    "arff": _arff,
    "sqlite": _sqlite,
    "xlsx": _excel,
    "parquet": _parquet,
    "feather": _feather,
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    frame().to_csv(path, index=False)
    return path


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_gives_the_table_of_the_csv_file(kind: str, csv: Path, tmp_path: Path) -> None:
    path = tmp_path / f"table.{kind}"
    WRITERS[kind](frame(), path)
    known = read_table(csv)
    there = read_table(path)
    pd.testing.assert_frame_equal(known.frame, there.frame, check_exact=True)
    assert {name: known.form(name) for name in known.frame} == {
        name: there.form(name) for name in there.frame
    }
    for packing, pack in PACKERS.items():
        packed = tmp_path / f"table.{kind}.{packing}"
        packed.write_bytes(pack(path.read_bytes()))
        pd.testing.assert_frame_equal(known.frame, read_table(packed).frame)


@pytest.fixture(scope="module")
def parameters(csv: Path) -> bytes:
    return _parameters(csv)


def _parameters(source: Path) -> bytes:
    result = ms.modeling.train(str(source), Options(target="sold", epochs=2, seed=3))
    return bytes(result.model.network.parameters.tobytes())


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_gives_the_model_of_the_csv_file(
    kind: str, parameters: bytes, tmp_path: Path
) -> None:
    path = tmp_path / f"table.{kind}"
    WRITERS[kind](frame(), path)
    assert _parameters(path) == parameters


@pytest.mark.parametrize("packing", PACKERS)
def test_a_packed_csv_file_is_read(packing: str, csv: Path, tmp_path: Path) -> None:
    packed = tmp_path / f"table.csv.{packing}"
    content = csv.read_bytes()
    # In two streams, one after the other, as tools that use several threads write them.
    pack = PACKERS[packing]
    packed.write_bytes(pack(content[:700]) + pack(content[700:]))
    pd.testing.assert_frame_equal(read_table(csv).frame, read_table(packed).frame)
    packed.write_bytes(pack(content)[:-20])
    with pytest.raises(FileFormatError, match=r"too early|damaged"):
        read_table(packed)
    middle = bytearray(pack(content))
    middle[len(middle) // 2] ^= 0xFF
    packed.write_bytes(bytes(middle))
    with pytest.raises(MisstepError):
        read_table(packed)


@pytest.mark.parametrize("packing", ["bz2", "xz"])
def test_what_unpacks_to_very_much_is_refused(packing: str, tmp_path: Path) -> None:
    path = tmp_path / f"bomb.csv.{packing}"
    path.write_bytes(PACKERS[packing](b"a,b\n" + b"1,2\n" * 2**20))
    with pytest.raises(FileFormatError, match="250 times"):
        read_table(path)


def test_xz_may_not_take_the_memory_that_it_asks_for(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.xz"
    packer = lzma.LZMACompressor(filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 2**20}])
    content = bytearray(packer.compress(b"a,b\n1,2\n3,4\n") + packer.flush())
    # The size of the dictionary stands in one byte of the head, whose sum is behind it.
    place = content.index(b"\x21\x01") + 2
    content[place] = 36
    end = 12 + (content[12] + 1) * 4
    content[end - 4 : end] = zlib.crc32(bytes(content[12 : end - 4])).to_bytes(4, "little")
    path.write_bytes(bytes(content))
    with pytest.raises(FileFormatError, match="xz"):
        read_table(path)


# --- databases ----------------------------------------------------------------------------------


def _database(path: Path, *statements: str) -> Path:
    with sqlite3.connect(path) as database:
        for statement in statements:
            database.execute(statement)
    database.close()
    return path


TWO = (
    'CREATE TABLE "my ""rows""" (a INT, y TEXT)',
    "INSERT INTO \"my \"\"rows\"\"\" VALUES (1, 'u'), (2, 'v'), (NULL, 'u')",
    "CREATE TABLE other (b INT)",
    "INSERT INTO other VALUES (1)",
    "CREATE VIEW seen AS SELECT b FROM other",
)


def test_of_several_tables_one_is_named(tmp_path: Path) -> None:
    path = _database(tmp_path / "shop.db", *TWO)
    with pytest.raises(DataError, match=r'2 tables: my "rows", other'):
        read_table(path)
    table = read_table(f'{path}::my "rows"')
    assert list(table.frame.columns) == ["a", "y"]
    assert len(table) == 3
    assert np.isnan(table.frame.a.iloc[2])
    with pytest.raises(DataError, match="other"):
        read_table(f"{path}::othr")
    with pytest.raises(DataError, match="views and virtual tables are not read"):
        read_table(f"{path}::seen")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["shop.db"]


def test_nothing_of_a_database_is_run(tmp_path: Path) -> None:
    path = _database(
        tmp_path / "shop.db",
        "CREATE TABLE t (a INT, y TEXT, b INT AS (abs(a)) VIRTUAL)",
        "INSERT INTO t VALUES (1, 'u'), (2, 'v')",
        "CREATE VIRTUAL TABLE s USING fts5(words)",
    )
    table = read_table(path)
    assert list(table.frame.columns) == ["a", "y"]
    assert "computed: b" in table.notes[0]
    with pytest.raises(DataError, match="not read"):
        read_table(f"{path}::s")


def test_changes_that_are_not_in_a_database_are_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE t (a INT)")
    database.execute("INSERT INTO t VALUES (1)")
    database.commit()
    with pytest.raises(StorageError, match=r"shop\.db-wal"):
        read_table(path)
    database.close()
    assert len(read_table(path)) == 1


def test_a_binary_column_is_refused_by_name(tmp_path: Path) -> None:
    path = _database(
        tmp_path / "shop.db", "CREATE TABLE t (a INT, b BLOB)", "INSERT INTO t VALUES (1, x'00ff')"
    )
    with pytest.raises(DataError, match=r"column 'b' of shop\.db::t.*binary"):
        read_table(path)


# --- JSON and ARFF ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1}\n{"a": {"b": 2}}', r"row 2 of column 'a' .*an object"),
        ('{"a": 1}\n{"a": 2', "line 2 of t.json.*JSON"),
        ('{"a": 1, "a": 2}', "'a' twice"),
        ("[1, 2]", "list of objects"),
        ('{"a": [1, 2]}', "one object over all lines"),
        ("[" * 100_000, "within each other|JSON"),
        ('{"a": ' + "9" * 5000 + "}", ""),
        ("[]", "column"),
        ("{}\n{}", "column"),
    ],
)
def test_json_that_is_no_table_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(text)
    if words:
        with pytest.raises(DataError, match=words):
            read_table(path)
    else:
        assert len(read_table(path)) == 1


def test_objects_may_lack_keys(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\n\n{"b": "x", "a": null}\n{"a": 3.50}\n')
    table = read_table(path)
    assert table.column("a").tolist() == ["1", None, "3.50"]
    assert table.column("b").tolist() == [None, "x", None]


def test_sparse_rows_of_arff(tmp_path: Path) -> None:
    path = tmp_path / "t.arff"
    path.write_text(
        "@relation r\n@attribute n numeric\n@attribute 'my word' {red,blue}\n"
        "@attribute s string\n@data\n{0 2.5, 1 blue}\n{}\n{2 'a, b', 0 ?}\n"
    )
    table = read_table(path)
    assert table.column("n").tolist() == ["2.5", "0", None]
    assert table.column("my word").tolist() == ["red" if at else "blue" for at in (0, 1, 1)]
    assert table.column("s").tolist() == [None, None, "a, b"]


@pytest.mark.parametrize(
    ("line", "words"),
    [("1,'x", "closing quote"), ("1", "2 cells"), ("{7 1}", "a column from 0 to 1")],
)
def test_lines_of_arff_that_are_wrong_are_told(line: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "t.arff"
    path.write_text(f"@relation r\n@attribute n numeric\n@attribute s string\n@data\n1,a\n{line}\n")
    with pytest.raises(DataError, match=f"line 6 of t.arff.*{words}"):
        read_table(path)


# --- workbooks and Arrow ------------------------------------------------------------------------


def test_a_sheet_is_named_and_its_oddities_are_told(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    book = openpyxl.Workbook()
    first = book.active
    first.title = "sales"
    for row in (["a", "y"], [1, "u"], ["#DIV/0!", "v"], [3, "u"]):
        first.append(row)
    second = book.create_sheet("sums")
    for row in (["a", "y"], [1, "=A2+1"], [2, "=A3+1"]):
        second.append(row)
    third = book.create_sheet("titled")
    for row in (["a title", None], ["a", "y"], [1, 2]):
        third.append(row)
    third.merge_cells("A1:B1")
    path = tmp_path / "book.xlsx"
    book.save(path)
    table = read_table(path)
    assert table.column("a").tolist() == ["1", None, "3"]
    assert "1 cell with an error of Excel" in table.notes[0]
    with pytest.raises(DataError, match="never computed"):
        read_table(f"{path}::sums")
    with pytest.raises(DataError, match="merged"):
        read_table(f"{path}::titled")
    with pytest.raises(DataError, match="sales, sums, titled"):
        read_table(f"{path}::sale")


def test_a_workbook_may_not_define_words_of_its_own(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.save(tmp_path / "book.xlsx")
    path = tmp_path / "bad.xlsx"
    with zipfile.ZipFile(tmp_path / "book.xlsx") as whole, zipfile.ZipFile(path, "w") as bad:
        for name in whole.namelist():
            content = whole.read(name)
            if name.endswith("sheet1.xml"):
                content = b'<!DOCTYPE a [<!ENTITY b "c">]>' + content
            bad.writestr(name, content)
    with pytest.raises(FileFormatError, match="DOCTYPE"):
        read_table(path)


def test_columns_of_parquet_that_are_no_single_values_are_refused(tmp_path: Path) -> None:
    arrow: Any = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet

    path = tmp_path / "t.parquet"
    parquet.write_table(arrow.table({"a": [1, 2], "b": [[1], [2, 3]]}), path)
    with pytest.raises(DataError, match=r"column 'b' of t\.parquet.*list"):
        read_table(path)


def test_types_of_arrow_are_written_as_in_csv(tmp_path: Path) -> None:
    arrow: Any = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    import datetime
    import decimal

    from pyarrow import parquet

    path = tmp_path / "t.parquet"
    moment = datetime.datetime(2024, 1, 2, 3, 4, 5)
    columns = {
        "huge": arrow.array([2**64 - 1, 1], arrow.uint64()),
        "small": arrow.array([0.1, None], arrow.float32()),
        "exact": arrow.array([decimal.Decimal("12.50"), None]),
        "moment": arrow.array([moment, None], arrow.timestamp("ns")),
        "day": arrow.array([moment.date(), None], arrow.date32()),
        "nothing": arrow.nulls(2),
    }
    parquet.write_table(arrow.table(columns), path)
    from misstep.data.io.formats import format_of, read_words

    kind = format_of(path)
    assert kind is not None
    words = read_words(path, kind)
    assert dict(zip(words.names, words.columns, strict=True)) == {
        "huge": [str(2**64 - 1), "1"],
        "small": ["0.1", ""],
        "exact": ["12.50", ""],
        "moment": ["2024-01-02 03:04:05", ""],
        "day": ["2024-01-02", ""],
        "nothing": ["", ""],
    }


# --- names and packages -------------------------------------------------------------------------


def test_first_bytes_tell_a_format_where_the_name_does_not(csv: Path, tmp_path: Path) -> None:
    path = tmp_path / "table.sqlite"
    _sqlite(frame(), path)
    shutil.copy(path, tmp_path / "something")
    assert len(read_table(tmp_path / "something")) == ROWS


def test_a_file_may_be_called_with_two_colons(csv: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd::name.csv"
    shutil.copy(csv, path)
    assert len(read_source(path)) == ROWS


@pytest.mark.parametrize(
    ("name", "content", "package"),
    [("t.parquet", b"PAR1", "pyarrow"), ("t.xlsx", b"PK\3\4", "openpyxl")],
)
def test_a_package_that_is_not_there_is_told(
    name: str, content: bytes, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for module in [package, f"{package}.parquet"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DataError, match=rf'package {package}.*pip install "misstep\[formats\]"'):
        read_table(path)


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, misstep, misstep.data.io.formats; "
        "print({'pyarrow', 'openpyxl'} & set(sys.modules))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert said.stdout.strip() == "set()"
