"""Reading tables: all that comes in, and every way in which it can be wrong."""

from __future__ import annotations

import datetime
import decimal
import gzip
import os
import sys
from pathlib import Path

import numpy as np
import pandas
import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from misstep.data import Table, read_table
from misstep.errors import DataError, MisstepError, StorageError

GOOD = b"a,b\n1,x\n2,y\n"


def written(folder: Path, content: bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_plain(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, GOOD))
    assert table.name == "table.csv"
    assert list(table.frame.columns) == ["a", "b"]
    assert table.frame["a"].tolist() == [1, 2]
    assert table.frame["a"].dtype == np.int64
    assert table.notes == []
    assert len(table) == 2
    assert read_table(table) is table


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (GOOD, "t.csv"),
        (GOOD.replace(b"\n", b"\r\n"), "t.csv"),
        (GOOD.replace(b"\n", b"\r"), "t.csv"),
        (b"\xef\xbb\xbf" + GOOD, "t.csv"),
        (GOOD.decode().encode("utf-16"), "t.csv"),
        (GOOD.decode().encode("utf-16-le"), "t.csv"),
        (GOOD.decode().encode("utf-16-be"), "t.csv"),
        (GOOD.decode().encode("utf-32"), "t.csv"),
        (gzip.compress(GOOD, mtime=0), "t.csv.gz"),
        (gzip.compress(GOOD, mtime=0), "t.csv"),
        (GOOD, "t.csv.gz"),
        (GOOD.replace(b",", b";"), "t.csv"),
        (GOOD.replace(b",", b"\t"), "t.tsv"),
        (GOOD.replace(b",", b"\t"), "t.csv"),
        (GOOD.replace(b",", b"|"), "t.txt"),
        (GOOD.replace(b",", b" , "), "t.csv"),
        (GOOD.replace(b",", b", "), "t.csv"),
        (b"sep=;\n" + GOOD.replace(b",", b";"), "t.csv"),
        (b'"a","b"\n"1","x"\n"2","y"\n', "t.csv"),
        (b'"a"\t"b"\n"1"\t"x"\n"2"\t"y"\n', "t.tsv"),
        (GOOD + b"\n\n", "t.csv"),
        (b"\n\n" + GOOD, "t.csv"),
        (GOOD + b",\n,\n", "t.csv"),
        (GOOD[:-1], "t.csv"),
        (GOOD + b"\x1a", "t.csv"),
        (b"a,b\n1,x,,\n2,y,\n", "t.csv"),
    ],
)
def test_one_table_in_many_clothes(tmp_path: Path, content: bytes, name: str) -> None:
    frame = read_table(written(tmp_path, content, name)).frame
    assert list(frame.columns) == ["a", "b"]
    assert frame["a"].tolist() == [1, 2]
    assert frame["b"].tolist() == ["x", "y"]


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty file"),
    "blanks": (b"  \n\n \t\n", "blanks"),
    "mark only": (b"\xef\xbb\xbf", "blanks"),
    "header only": (b"a,b\n", "no rows"),
    "header without end": (b"a,b", "no rows"),
    "NUL": (b"a,b\n1,\x002\n", "NUL"),
    "ragged longer": (b"a,b\n1,2\n1,2,3\n", "line 3"),
    "ragged shorter": (b"a,b\n1,2\n1\n3,4\n", "line 3"),
    "ragged after quotes": (b'a,b\n"1\n1",2\n1,2,3\n', "line 4"),
    "doubled": (b"a,b,a\n1,2,3\n", "'a'"),
    "doubled blanks": (b"a, a\n1,2\n", "'a'"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PNG"),
    "zip": (b"PK\x03\x04" + bytes(range(256)), "Excel"),
    "parquet": (b"PAR1" + bytes(range(256)), "Parquet"),
    "noise": (bytes(range(1, 256)) * 8, "binary"),
    "cut gzip": (gzip.compress(GOOD * 100, mtime=0)[:-12], "gzip"),
    "cut gzip head": (gzip.compress(GOOD, mtime=0)[:5], "gzip"),
    "broken gzip": (gzip.compress(GOOD, mtime=0)[:12] + b"xxxxxxxxxxxxxxxxxxxx", "gzip"),
    "wrong sum": (gzip.compress(GOOD, mtime=0)[:-8] + b"\0" * 8, "gzip"),
    "unclosed": (b'a,b\n1,"x,1\n2,y\n', "quote"),
    "web page": (b"<!DOCTYPE html>\n<html><body>404</body></html>\n", "web page"),
    "xml": (b"<?xml version='1.0'?>\n<a/>\n", "XML"),
    "json": (b'[{"a": 1}, {"a": 2}]\n', "JSON"),
    "cut utf-16": (GOOD.decode().encode("utf-16")[:-1], "UTF-16"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "placeholder"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files(tmp_path: Path, case: str) -> None:
    content, words = BAD[case]
    with pytest.raises(MisstepError) as caught:
        read_table(written(tmp_path, content))
    assert words in str(caught.value)
    assert "table.csv" in str(caught.value)


def test_ragged_rows_tell_both_numbers(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 3 of table.csv: needed 2 fields.*got 3") as caught:
        read_table(written(tmp_path, b"a,b\n1,2\n1,2,3\n"))
    assert "quoting" in str(caught.value)


def test_a_title_above_the_names_is_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("Report of 2026\na,b,y\n1,2,3\n4,5,6\n")
    with pytest.raises(DataError, match=r"needed 1 field, as in line 1.*leaving line 1 out"):
        read_table(path)
    path.write_text("a,b,y\n1,2,3\n4,5\n")
    with pytest.raises(DataError, match=r"needed 3 fields, as in line 1.*mending line 3"):
        read_table(path)


def test_missing_file_names_the_nearest(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "titanic.csv")
    with pytest.raises(StorageError, match=r"titanic\.csv"):
        read_table(tmp_path / "titanik.csv")
    with pytest.raises(StorageError, match="not there either"):
        read_table(tmp_path / "nowhere" / "x.csv")


@pytest.mark.parametrize(
    "source", ["", "x\0y", "a" * 5000, "a,b\n1,2\n", "https://example.com/x.csv", "~nobody9/x.csv"]
)
def test_odd_paths(source: str) -> None:
    with pytest.raises(StorageError):
        read_table(source)


def test_folder_pipe_and_forbidden(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "inside.csv")
    with pytest.raises(StorageError, match=r"folder.*inside\.csv"):
        read_table(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(StorageError, match="pipe"):
            read_table(tmp_path / "pipe")
    if os.geteuid() != 0:
        path = written(tmp_path, GOOD, "secret.csv")
        path.chmod(0)
        with pytest.raises(StorageError, match="secret"):
            read_table(path)


def test_latin_1_is_noted(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a,b\n1,x\n2,é\n".encode("latin-1")))
    assert table.frame["b"].tolist() == ["x", "é"]
    assert table.notes == ["read as Windows Latin-1 because byte 0xE9 at line 3 is not UTF-8"]


def test_no_header(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b"1,2,3\n4,5,6\n"))
    assert table.frame.shape == (2, 3)
    assert list(table.frame.columns) == ["column_1", "column_2", "column_3"]
    assert "no header" in table.notes[0]
    table = read_table(written(tmp_path, b"5.1,3.5,setosa\n4.9,3.0,setosa\n"))
    assert len(table) == 2


@pytest.mark.parametrize("header", ["country,1990,1995", ",0,1", "label,1x1,1x2", "a,b,3"])
def test_names_may_be_numbers(tmp_path: Path, header: str) -> None:
    assert len(read_table(written(tmp_path, f"{header}\nx,2,3\ny,5,6\n".encode()))) == 2


def test_blank_names(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b",b,,column_3\n1,2,3,4\n"))
    assert list(table.frame.columns) == ["column_1", "b", "column_3_", "column_3"]
    assert "column_1" in table.notes[0]


def test_one_single_column_is_noted(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b"word\nx\ny\n"))
    assert table.frame.shape == (2, 1)
    assert "single column" in table.notes[0]


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b"a;b\n1,5;x,y\n-2;z\n"))
    assert table.frame["a"].tolist() == [1.5, -2.0]
    assert any("decimal commas" in note for note in table.notes)


def test_missing_words(tmp_path: Path) -> None:
    words = ["?", "", "NA", "NaN", "null", "None", "n/a", "#N/A"]
    text = "a,b\n" + "".join(f"{word},x\n" for word in words) + "1,y\n"
    table = read_table(written(tmp_path, text.encode()))
    assert table.frame["a"].isna().tolist() == [True] * len(words) + [False]
    assert table.frame["a"].dtype == np.float64
    assert any("?" in note for note in table.notes)


def test_types(tmp_path: Path) -> None:
    text = "code,big,grouped,under,number\n007,99999999999999999999,1_000,x,0.1\n012,1,2,y,1e-3\n"
    frame = read_table(written(tmp_path, text.encode())).frame
    assert frame["code"].tolist() == ["007", "012"]
    assert frame["big"].tolist() == [1e20, 1.0]
    assert frame["grouped"].tolist() == ["1_000", "2"]
    assert frame["number"].tolist() == [0.1, 1e-3]


def test_tabs_without_quoting(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b'a\tb\nx\t"hello\ny\tsay "no"\nz\tok"\n', "t.tsv"))
    assert table.frame["b"].tolist() == ['"hello', 'say "no"', 'ok"']
    assert any("quotes" in note for note in table.notes)


def test_quoted_newlines_delimiters_and_quotes(tmp_path: Path) -> None:
    frame = read_table(written(tmp_path, b'a,b\n"x, ""y""\nz",1\n')).frame
    assert frame["a"].tolist() == ['x, "y"\nz']


def test_long_fields(tmp_path: Path) -> None:
    frame = read_table(written(tmp_path, b"a,b\n" + b"x" * 300_000 + b",1\n")).frame
    assert len(frame["a"][0]) == 300_000


FRAME = {
    "number": [1.5, None, 3.0],
    "whole": [1, 2, None],
    "word": ["a", None, "c"],
    "truth": [True, False, None],
    "day": [datetime.date(2020, 1, 1), None, datetime.date(2020, 1, 3)],
    "moment": [datetime.datetime(2020, 1, 1, 3), None, datetime.datetime(2020, 1, 3)],
}


def test_polars_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    frame = polars.DataFrame(FRAME).with_columns(
        polars.col("word").cast(polars.Categorical).alias("kind"),
        polars.col("number").cast(polars.Float32).alias("single"),
    )
    ours = read_table(frame).frame
    assert ours["number"].isna().tolist() == [False, True, False]
    assert ours["whole"].tolist()[:2] == [1.0, 2.0]
    assert ours["kind"].tolist()[::2] == ["a", "c"]
    assert ours["truth"].tolist() == [True, False, None]
    assert ours["day"].dtype.kind == "M"
    assert ours["moment"].isna().tolist() == [False, True, False]
    assert ours["single"].dtype == np.float64


def test_pandas() -> None:
    frame = pandas.DataFrame(FRAME)
    frame["whole"] = frame["whole"].astype("Int64")
    frame["kind"] = frame["word"].astype("category")
    frame["zone"] = pandas.to_datetime(frame["moment"]).dt.tz_localize("Europe/Berlin")
    frame["period"] = pandas.PeriodIndex(["2020-01", "2020-02", "2020-03"], freq="M")
    frame["money"] = [decimal.Decimal("1.5"), decimal.Decimal(2), None]
    frame[7] = 1.0
    ours = read_table(frame, name="mine")
    assert ours.name == "mine"
    assert "7" in ours.frame
    assert ours.frame["whole"].isna().tolist() == [False, False, True]
    assert ours.frame["zone"][0] == pandas.Timestamp("2020-01-01 02:00")
    assert ours.frame["period"].dtype.kind == "M"
    assert ours.frame["money"].tolist()[:2] == [1.5, 2.0]
    assert frame.columns[-1] == 7


def test_arrays_dicts_and_rows() -> None:
    assert read_table(np.ones((3, 2))).frame.columns.tolist() == ["column_1", "column_2"]
    assert read_table([[1, "x"], [2, "y"]]).frame["column_2"].tolist() == ["x", "y"]
    assert read_table([{"a": 1}, {"a": 2, "b": "x"}]).frame.shape == (2, 2)
    assert read_table({"a": [1, 2], "b": np.array(["x", "?"])}).frame["b"].isna().sum() == 1
    masked = np.ma.masked_array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]])
    assert read_table(masked).frame.isna().to_numpy().tolist() == [[False, True], [False, False]]
    assert isinstance(read_table(np.array([(1, 2.0)], dtype=[("a", int), ("b", float)])), Table)


@pytest.mark.parametrize(
    "source",
    [
        None,
        5,
        b"a,b",
        {},
        [],
        {"a": []},
        {"a": 5},
        {"a": "text"},
        {"a": [1], "b": [1, 2]},
        {"a": {1, 2}},
        {"a": [[1], [2]]},
        {"a": [{"x": 1}]},
        {"a": [1j, 2]},
        {"a": np.ones((2, 2))},
        {"a": np.array([1j])},
        {1: [1], "1": [2]},
        np.ones(3),
        np.ones((2, 2, 2)),
        np.ones((0, 2)),
        np.ones((2, 0)),
        np.float64(3),
        [1, 2, 3],
        ["a", "b"],
        [[1, 2], [3]],
        object(),
        pandas.DataFrame(),
        pandas.DataFrame({"a": []}),
        pandas.DataFrame([[1, 2]], columns=["a", "a"]),
        pandas.DataFrame([[1, 2]], columns=pandas.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
        pandas.Series([1, 2]),
        polars.DataFrame(),
        polars.DataFrame({"a": [1]}).lazy(),
        polars.Series([1]),
        polars.DataFrame({"a": [[1, 2]]}),
        polars.DataFrame({"a": [{"x": 1}]}),
        read_table,
        iter([1, 2]),
    ],
    ids=lambda source: type(source).__name__,
)
def test_no_tables(source: object) -> None:
    with pytest.raises(DataError):
        read_table(source)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=200), st.text('ab01,;\t|"\n\r ?.-', max_size=80)))
def test_nothing_foreign_leaks(tmp_path: Path, content: bytes | str) -> None:
    raw = content if isinstance(content, bytes) else content.encode()
    try:
        table = read_table(written(tmp_path, raw))
    except MisstepError:
        return
    assert len(table) >= 1
    assert len(set(table.frame.columns)) == table.frame.shape[1]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 200), flip=st.integers(0, 200), byte=st.integers(0, 255))
def test_damaged_gzip(tmp_path: Path, cut: int, flip: int, byte: int) -> None:
    packed = bytearray(gzip.compress(b"".join(b"%d,%d\n" % (i, i * i) for i in range(60)), mtime=0))
    packed[flip % len(packed)] = byte
    try:
        read_table(written(tmp_path, bytes(packed[: len(packed) - cut]), "t.csv.gz"))
    except MisstepError:
        return


SHAPES = {
    "tabular/adult_test.csv.gz": (16281, 15),
    "tabular/adult_train.csv.gz": (32561, 15),
    "tabular/boston_housing.csv": (506, 14),
    "tabular/breast_cancer_wdbc.csv": (569, 32),
    "tabular/california_housing.csv.gz": (20640, 10),
    "tabular/iris.csv": (150, 5),
    "tabular/pima_diabetes.csv": (768, 9),
    "tabular/titanic.csv": (891, 12),
    "tabular/wine_quality_red.csv": (1599, 12),
    "tabular/wine_quality_white.csv": (4898, 12),
    "text/sms_spam.tsv.gz": (5574, 2),
    "text/imdb_train.csv.gz": (4000, 4),
    "text/imdb_test.csv.gz": (2000, 4),
    "text/glove_twitter_25d_12k.txt.gz": (11925, 26),
    "timeseries/ETTh1.csv.gz": (17420, 8),
    "timeseries/airline_passengers.csv": (144, 2),
    "timeseries/stock_AAPL.csv": (1258, 7),
    "timeseries/stocks_daily_ohlcv.csv.gz": (12580, 8),
    "nasty/melbourne_housing.csv.gz": (13580, 21),
    "nasty/spam_latin1.csv.gz": (5572, 5),
}


@pytest.mark.parametrize("file", SHAPES)
def test_real_files(real: Path, file: str) -> None:
    assert read_table(real / file).frame.shape == SHAPES[file]


def test_real_spam(real: Path) -> None:
    frame = read_table(real / "text/sms_spam.tsv.gz").frame
    assert frame["label"].value_counts().to_dict() == {"ham": 4827, "spam": 747}
    frame = read_table(real / "nasty/spam_latin1.csv.gz").frame
    assert frame["class_label"].value_counts().to_dict() == {"ham": 4825, "spam": 747}


def test_real_missing(real: Path) -> None:
    frame = read_table(real / "nasty/melbourne_housing.csv.gz").frame
    assert frame.columns[0] == "Suburb"
    assert frame["BuildingArea"].isna().sum() == 6450
    assert frame["CouncilArea"].isna().sum() == 1369
    titanic = read_table(real / "tabular/titanic.csv").frame
    assert titanic[["Age", "Cabin", "Embarked"]].isna().sum().tolist() == [177, 687, 2]
