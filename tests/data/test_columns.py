"""What each column is said to be, and that the reason carries its numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from misstep.data import Column, ColumnType, Table, read_table, recognize_columns
from misstep.errors import DataError

GENERATOR = np.random.default_rng(0)
ROWS = 60


def judged(values: object, name: str = "x") -> Column:
    size = len(values)  # type: ignore[arg-type]
    table = read_table({name: values, "beside": GENERATOR.normal(size=size)})
    return recognize_columns(table)[0]


LETTERS = [f"{a}{b}" for a in "abcdefgh" for b in "abcdefgh"]
SENTENCE = "this is the text number"


@pytest.mark.parametrize(
    ("values", "kind", "form"),
    [
        (GENERATOR.normal(size=ROWS), "number", "plain"),
        (GENERATOR.integers(0, 9, ROWS), "number", "plain"),
        ([0, 1] * 30, "number", "plain"),
        (["1,234", "12", "5,678,901.5"] * 20, "number", "thousands"),
        (["12%", "3.5 %", "-1%"] * 20, "number", "percent"),
        (["$5", "$1,200.50", "-$3"] * 20, "number", "money"),
        (["1", 2, 3.5] * 20, "number", "plain"),
        (["1,23", "12", "5"] * 20, "number", "plain comma"),
        (["001", "010"] * 30, "category", ""),
        (["red", "green"] * 30, "category", ""),
        ([True, False] * 30, "category", ""),
        ([True, None] * 30, "category", ""),
        (["yes", None] * 30, "category", ""),
        (LETTERS[:25] * 40, "category", ""),
        (["2020-01-01", "2020-05-07"] * 30, "date", "ISO8601"),
        (["2020-01", "2020-05"] * 30, "date", "%Y-%m"),
        (["2020-01-01T10:00:00Z", "2020-05-07T11:00:00Z"] * 30, "date", "ISO8601"),
        (["31/12/2020", "1/2/2020"] * 30, "date", "%d/%m/%Y"),
        (["12/31/2020", "1/2/2020"] * 30, "date", "%m/%d/%Y"),
        (["3.4.2020", "1.2.2020"] * 30, "date", "%d.%m.%Y"),
        (["Jan 3, 2020", "Feb 4, 2021"] * 30, "date", "%b %d, %Y"),
        (np.array(["2020-01-01", "2021-01-01"] * 30, dtype="datetime64[D]"), "date", "stored"),
        ([f"{SENTENCE} {i}" for i in range(ROWS)], "text", ""),
        ([None] * ROWS, "constant", ""),
        ([3] * ROWS, "constant", ""),
        (["a"] * ROWS, "constant", ""),
        ([None] * 299 + ["a"], "constant", ""),
        (list(range(ROWS)), "identifier", ""),
        (LETTERS[:ROWS], "identifier", ""),
        ([None if i % 2 else LETTERS[i] for i in range(ROWS)], "category", ""),
        ([5, 5, 7] * 20, "number", "plain"),
        (["32/1/2020", "1/2/2020"] * 30, "category", ""),
    ],
)
def test_kinds(values: object, kind: str, form: str) -> None:
    column = judged(values)
    assert (str(column.column_type), column.form) == (kind, form), column.reason
    assert any(sign.isdigit() for sign in column.reason)
    assert column.used == (kind in ("number", "category", "date", "text"))


@pytest.mark.parametrize("name", ["id", "ID", "PassengerId", "customer_id", "Unnamed: 0", "index"])
def test_names_that_say_identifier(name: str) -> None:
    numbers = GENERATOR.permutation(1000)[:ROWS]
    assert judged(numbers, name).column_type is ColumnType.IDENTIFIER
    assert judged(numbers, "amount").column_type is ColumnType.NUMBER
    assert judged([1, 2] * 30, name).column_type is ColumnType.NUMBER


@pytest.mark.parametrize("name", ["paid", "width", "humidity", "Madrid", "idle"])
def test_names_that_only_look_so(name: str) -> None:
    assert judged(GENERATOR.permutation(1000)[:ROWS], name).column_type is ColumnType.NUMBER


def test_open_dates_say_so() -> None:
    column = judged(["1/2/2020", "3/4/2020"] * 30)
    assert column.form == "%d/%m/%Y"
    assert "month/day/year" in column.reason


def test_a_numbering_is_used_where_nothing_else_is() -> None:
    (column,) = recognize_columns(read_table({"x": list(range(50)), "y": [1.5] * 50}).frame, "y")
    assert column.column_type is ColumnType.NUMBER
    assert "no other" in column.reason


def test_only_texts() -> None:
    texts = [f"{SENTENCE} {i}" for i in range(ROWS)]
    frame = read_table({"message": texts, "y": [0, 1] * 30}).frame
    (column,) = recognize_columns(frame, "y")
    assert column.column_type is ColumnType.TEXT
    assert column.used


def test_sentences_are_texts_though_they_come_back() -> None:
    sentences = [f"a sentence of many words that comes back, number {i % 70}" for i in range(700)]
    assert judged(sentences).column_type is ColumnType.TEXT


def test_columns_that_are_said_to_be_texts() -> None:
    frame = read_table({"said": ["yes", "no", "12"] * 20, "empty": [None] * 60}).frame
    columns = recognize_columns(Table(frame, texts=("said", "empty")))
    assert [str(column.column_type) for column in columns] == ["text", "constant"]


def test_nothing_to_learn_from() -> None:
    with pytest.raises(DataError, match="only the target"):
        recognize_columns(read_table({"y": [0, 1]}).frame, "y")
    with pytest.raises(DataError, match="same value"):
        recognize_columns(read_table({"x": [1, 1], "y": [0, 1]}).frame, "y")


def test_target_is_named_wrongly() -> None:
    with pytest.raises(DataError, match="'Price'"):
        recognize_columns(read_table({"Price": [1, 2], "x": [1, 2]}).frame, "prise")


def test_titanic(real: Path) -> None:
    columns = recognize_columns(read_table(real / "tabular/titanic.csv").frame, "Survived")
    kinds = {column.name: str(column.column_type) for column in columns}
    assert kinds == {
        "PassengerId": "identifier",
        "Pclass": "number",
        "Name": "text",
        "Sex": "category",
        "Age": "number",
        "SibSp": "number",
        "Parch": "number",
        "Ticket": "identifier",
        "Fare": "number",
        "Cabin": "category",
        "Embarked": "category",
    }
    assert "177 missing" in next(c.reason for c in columns if c.name == "Age")


def test_melbourne(real: Path) -> None:
    columns = recognize_columns(read_table(real / "nasty/melbourne_housing.csv.gz").frame, "Price")
    by_name = {column.name: column for column in columns}
    assert by_name["Date"].form == "%d/%m/%Y"
    assert by_name["Address"].column_type is ColumnType.TEXT
    assert by_name["Suburb"].column_type is ColumnType.CATEGORY


def test_messages_are_texts(real: Path) -> None:
    (column,) = recognize_columns(read_table(real / "text/sms_spam.tsv.gz").frame, "label")
    assert column.column_type is ColumnType.TEXT
    assert "15.6 words" in column.reason
