"""A single row given by name gives the very bits, notes and errors that a table of it gives."""

from __future__ import annotations

import numpy as np
import pytest

from misstep.data import Preprocessor, read_table, recognize_columns
from misstep.data.table.single_cells import single_cells
from misstep.errors import MisstepError

WORDS = [
    "good",
    "bad",
    "fine",
    "awful",
    "great",
    "poor",
    "lovely",
    "a",
    "movie",
    "of",
    "the",
    "plot",
    "is",
    "NA",
]
COLUMNS = {
    "age": [str(i % 70) if i % 9 else "" for i in range(60)],
    "price": [f"{i},{i % 10}5" for i in range(60)],
    "rent": [f"{i * 37 % 900}.{i % 10}" for i in range(60)],
    "share": [f"{i} %" for i in range(60)],
    "size": [f"{i * i * i}" for i in range(60)],
    "town": [("Ulm", "Bonn", "3", "1.10")[i % 4] for i in range(60)],
    "maybe": [("yes", "no", "")[i % 3] for i in range(60)],
    "Straße": [("Tal", "Weg")[i % 2] for i in range(60)],
    "when": [f"2020-{i % 12 + 1:02d}-{i % 28 + 1:02d}" for i in range(60)],
    "then": [f"{i % 28 + 1}.{i % 12 + 1}.2021" for i in range(60)],
    "code": [f"2020{i % 12 + 1:02d}{i % 28 + 1:02d}" for i in range(60)],
    "said": [" ".join(WORDS[(i * k) % 12] for k in range(2, 9)) for i in range(60)],
    "flag": [str(i % 2 == 0) for i in range(60)],
}
CELLS = [
    *("", " ", "NA", "?", "nan", "none", "3", "3.0", "03", "-4", "+4", "1.234", "1,5", "1e5"),
    *("1_0", "12 %", "7 m", "abc", "Ulm", " Ulm ", "1.10", "yes", "True", "2020-03-04", "4.3.2021"),
    *("20200304", "2020", "2020-13-40", "ü", "u\u0308", "good movie of the plot", "\ud800", "inf"),
    *(0, 1, -7, 3, 20200304, 2**53, 2**53 + 1, 10**30, 0.0, -0.0, 1.1, 3.0, 1e300, 1e-300),
    *(float("nan"), float("inf"), True, False, None, "999999999999999", "12345678901234567"),
]


def encoded(preprocessor: Preprocessor, data: object) -> object:
    try:
        features, notes = preprocessor.encode(data, "answer")
    except MisstepError as error:
        return str(error)
    return features.tobytes(), features.shape, notes


@pytest.mark.parametrize("name", COLUMNS)
def test_every_cell_in_every_kind_of_column(name: str) -> None:
    table = read_table({name: COLUMNS[name], "other": list(range(60))})
    preprocessor = Preprocessor.fit(table, recognize_columns(table))
    quick = 0
    for cell in CELLS:
        columns = {name: [cell], "other": [3]}
        quick += preprocessor._single_row(columns, "answer") is not None
        try:
            expected = encoded(preprocessor, read_table(columns))
        except MisstepError as error:
            expected = str(error)
        assert encoded(preprocessor, columns) == expected, cell
    # Numbers with units, and dates that came as numbers, need a table.
    assert (quick > 8) is (name != "code")


def test_columns_that_are_not_there_or_were_not(preprocessor: Preprocessor) -> None:
    row = {name: [values[1]] for name, values in preprocessor_columns().items()}
    assert preprocessor._single_row(row, "") is not None
    for change in ({"answer": [3]}, {"further": ["x"], "more": [None]}):
        data = {**row, **change}
        try:
            expected = encoded(preprocessor, read_table(data))
        except MisstepError as error:
            expected = str(error)
        assert encoded(preprocessor, data) == expected
    del row["town"]
    assert "town" in str(encoded(preprocessor, row))


def preprocessor_columns() -> dict[str, list[str]]:
    return {name: COLUMNS[name] for name in ("age", "rent", "town", "when", "said", "Straße")}


@pytest.fixture(scope="module")
def preprocessor() -> Preprocessor:
    table = read_table(preprocessor_columns())
    return Preprocessor.fit(table, recognize_columns(table))


def test_what_is_no_single_row() -> None:
    assert single_cells({"a": [1, 2]}) is None
    assert single_cells({"a": []}) is None
    assert single_cells({1: [1]}) is None
    assert single_cells({"a": np.array([1])}) is None
    assert single_cells({"a": [np.float64(1)]}) is None
    assert single_cells({"a": "x"}) is None
    assert single_cells({"a": [1], "b": ["x"]}) == {"a": 1, "b": "x"}
