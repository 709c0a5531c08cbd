"""Numbers as spreadsheets, instruments and countries write them; gaps and odd words among them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from misstep.data import read_table, recognize_columns
from misstep.data.table.number_forms import is_number_form, number_in_form
from misstep.data.table.number_words import conversion, decimal_mark_of, read_number
from misstep.data.table.word_columns import words_of


@pytest.mark.parametrize(
    ("word", "value", "unit"),
    [
        ("1,234.5", 1234.5, ""),
        ("12,34,567", 1234567, ""),
        ("(1,234)", -1234, ""),
        ("$(5.50)", -5.5, ""),
        ("12 345", 12345, ""),
        ("12\u00a0345", 12345, ""),
        ("12\u202f345.5", 12345.5, ""),
        ("1\u2009234", 1234, ""),
        ("1'234", 1234, ""),
        ("1’234’567", 1234567, ""),
        ("1.234.567", 1234567, ""),
        ("−5", -5, ""),
        ("123-", -123, ""),
        ("+5", 5, ""),
        ("1E+05", 1e5, ""),
        ("1.2×10^5", 1.2e5, ""),
        ("１２", 12, ""),
        ("%12", 12, "%"),
        ("12 %", 12, "%"),
        ("USD 5", 5, ""),
        ("5 EUR", 5, ""),
        ("kr 100", 100, ""),
        ("₹1,00,000", 100000, ""),
        ("-$5", -5, ""),
        ("$1.5M", 1.5e6, ""),
        ("5 Mio. €", 5e6, ""),
        ("19M", 19e6, ""),
        ("201k", 201e3, ""),
        ("10,000+", 10000, ""),
        ("<5", 5, ""),
        ("≈ 4", 4, ""),
        ("95.0 m²", 95, "m2"),
        ("5 °C", 5, "°C"),
        ("30 km/h", 30, "km/h"),
        ("3 days", 3, "day"),
        ("½", 0.5, ""),
        ("1 1/2", 1.5, ""),
        ("22nd", 22, ""),
        ("10–20 kg", 15, "kg"),
        ("5'6\"", 5.5, "ft"),
        ("14:30", 14.5, "clock"),
        ("2:30 PM", 14.5, "clock"),
        ("1:30:00", 1.5, "hours"),
        ("1h 30m", 1.5, "hours"),
        ("PT1H30M", 1.5, "hours"),
        ("3.5*", 3.5, ""),
    ],
)
def test_words_for_numbers(word: str, value: float, unit: str) -> None:
    read = read_number(word)
    assert read is not None
    assert read.value == pytest.approx(value, rel=1e-12)
    assert read.unit == unit


@pytest.mark.parametrize(
    "word", ["V27", "A12", "120/80", "3-1", "192.168.0.1", "1-800-555", "--5", "2020-01-05", ""]
)
def test_words_that_are_no_numbers(word: str) -> None:
    assert read_number(word) is None


def test_decimal_marks() -> None:
    words = ("1,5", "1.5", "0,125", "1.234,5", "1,234.5", "1.234", "1,234", "31.12.2023", "R$ 1,5")
    assert [decimal_mark_of(word) for word in words] == [",", ".", ",", ",", ".", "", "", "", ","]
    assert read_number("1.234,50 €", ",") == read_number("1,234.50 €", ".")


def test_units_are_converted_within_their_kind() -> None:
    assert conversion("g", "kg") == pytest.approx(1e-3)
    assert conversion("min", "h") == pytest.approx(1 / 60)
    assert conversion("kg", "m") is None
    column = words_of([*(f"{i}.5 kg" for i in range(30)), "500 g", "3 m"], "weight")
    assert column.form == "written in kg"
    assert column.values[30] == 0.5
    assert math.isnan(column.values[31])
    assert any("'3 m' in row 32" in note for note in column.notes)
    assert number_in_form("250 g", column.form) == 0.25
    assert number_in_form("2 m", column.form) is None


def test_forms_have_names() -> None:
    for form in ("plain", "thousands comma", "money", "written in kg", "written comma in m2"):
        assert is_number_form(form)
    assert not is_number_form("roman")


@pytest.mark.parametrize("gap", ["-", "--", "—", "..", ":", "n/d", "k.A.", "missing", "#DIV/0!"])
def test_marks_for_gaps_keep_a_column_of_numbers(gap: str) -> None:
    column = words_of([str(i) if i % 5 else gap for i in range(1, 60)], "x")
    assert column.form == "plain"
    assert np.isnan(column.values).sum() == 11
    assert column.odd_rows == ()


def test_odd_words_are_missing_and_said_with_their_rows() -> None:
    words = [f"{i}.25" for i in range(200)]
    words[17] = "broken"
    column = words_of(words, "x")
    assert column.odd_rows == (17,)
    assert any("'broken' in row 18" in note for note in column.notes)
    assert column.words is not None
    assert column.words[17] == "broken"


@pytest.mark.parametrize(
    "words",
    [
        ["1.10", "1.20", "beta"] * 20,
        [">50K", "<=50K"] * 20,
        ["0", "1", "2", "3+"] * 20,
        ["1st", "2nd", "3rd"] * 20,
        ["18-24", "25-34", "65+"] * 20,
        ["001", "010", "120"] * 20,
        ["12A", "12B", "13C", "4D"] * 20,
        [*(f"{200 + i}.{i}" for i in range(60)), "V27", "E909", "V10"],
        ["yes", "no"] * 20,
    ],
)
def test_names_stay_names(words: list[str]) -> None:
    assert words_of(words, "x").form == ""


def test_thousands_with_dots(tmp_path: Path) -> None:
    alone = words_of([*(f"{i}" for i in (850, 90, 5)), *(f"{i}.397" for i in range(1, 30))], "x")
    assert alone.values.tolist()[:4] == [850, 90, 5, 1397]
    assert "is read as 1397" in alone.notes[0]
    # Three decimals, of which one is below 1, or numbers above 999 without a dot.
    for other in ("0.397", "1200", "3.25"):
        fixed = words_of([other, "850", *(f"{i}.397" for i in range(1, 30))], "x")
        assert fixed.values[2] == 1.397
    file = tmp_path / "de.csv"
    file.write_text("rent;area;y\n" + "850;61,5;1\n1.397;80,25;2\n2.239;99,75;3\n" * 3)
    frame = read_table(file).frame
    assert frame["rent"].tolist()[:3] == [850, 1397, 2239]
    assert frame["area"].tolist()[:2] == [61.5, 80.25]
    english = tmp_path / "en.csv"
    english.write_text('a,b\n"1,397",0.5\n850,1.25\n')
    assert read_table(english).frame["a"].tolist() == [1397, 850]


def test_a_shifted_row_is_named(tmp_path: Path) -> None:
    rows = [f"{i},{i * 2}.5,{i % 7},name{i % 3}" for i in range(1, 300)]
    rows[41] = "word,4.5,other,3"
    file = tmp_path / "t.csv"
    file.write_text("a,b,c,d\n" + "\n".join(rows) + "\n")
    table = read_table(file)
    assert [table.frame[name].dtype.kind for name in "abc"] == ["f", "f", "f"]
    assert any("row 42 holds words where a, c hold numbers" in note for note in table.notes)


def test_what_is_read_is_told_with_the_column() -> None:
    columns = recognize_columns(
        read_table({"t": [f"{h}:{m:02d}" for h in range(10) for m in range(0, 60, 7)]})
    )
    assert columns[0].form == "written in clock"
    assert "times, read as hours, for example" in columns[0].reason
