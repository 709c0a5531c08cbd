"""How dates are read: in words, in numbers, with the day or the month first, with zones."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from misstep.data.table.column_transformers import as_dates
from misstep.data.table.column_types import recognize_columns
from misstep.data.table.dates import date_format_of, parse_dates, parse_moments
from misstep.data.table.number_dates import number_date_form, number_dates
from misstep.errors import DataError


def read(*words: str) -> list[str] | None:
    """Return the moments of words, as text, with what the offset says in minutes."""
    found = date_format_of(words)
    if found is None:
        return None
    moments = parse_moments(words, found[0])
    assert moments is not None
    texts = [str(moment) for moment in moments.local.astype("datetime64[ms]")]
    return [text.removesuffix(".000").removesuffix("T00:00:00") for text in texts]


@pytest.mark.parametrize(
    ("word", "moment"),
    [
        ("31.12.2023 14:00", "2023-12-31T14:00:00"),
        ("31.12.23", "2023-12-31"),
        ("2023-W05", "2023-01-30"),
        ("2023-W05-3", "2023-02-01"),
        ("W05 2020", "2020-01-27"),
        ("KW 5/2020", "2020-01-27"),
        ("1970Q1", "1970-01-01"),
        ("Q2 1970", "1970-04-01"),
        ("1970-Q3", "1970-07-01"),
        ("4. Quartal 1970", "1970-10-01"),
        ("1Q20", "2020-01-01"),
        ("2020-K2", "2020-04-01"),
        ("T2 2020", "2020-04-01"),
        ("2020-S2", "2020-07-01"),
        ("2020-01", "2020-01-01"),
        ("2020M02", "2020-02-01"),
        ("2020:03", "2020-03-01"),
        ("03/2020", "2020-03-01"),
        ("Jan 2020", "2020-01-01"),
        ("Jan-20", "2020-01-01"),
        ("2020 MAY", "2020-05-01"),
        ("mai 2020", "2020-05-01"),
        ("März 2020", "2020-03-01"),
        ("août 2020", "2020-08-01"),
        ("20200131T1400", "2020-01-31T14:00:00"),
        ("2020-01-31 24:00", "2020-02-01"),
        ("2020-01-31 10:00:00.250", "2020-01-31T10:00:00.250"),
        ("2020-01-31 10:00:00,250", "2020-01-31T10:00:00.250"),
        ("01/31/2020 02:30 PM", "2020-01-31T14:30:00"),
        ("01/31/2020 12:00 AM", "2020-01-31"),
        ("1/31/20", "2020-01-31"),
        ("Mon, 05 Jan 2020", "2020-01-05"),
        ("Monday, January 5, 2020", "2020-01-05"),
        ("So, 5. Januar 2020", "2020-01-05"),
        ("5 de enero de 2020", "2020-01-05"),
        ("1er janvier 2020", "2020-01-01"),
        ("2020/1/5", "2020-01-05"),
        ("2020年1月5日", "2020-01-05"),
        ("01JAN2020:06:00:00", "2020-01-01T06:00:00"),
        ("10/Oct/2000:13:55:36 -0700", "2000-10-10T13:55:36"),
        ("Mon Jan  5 14:00:00 2020", "2020-01-05T14:00:00"),
        ("2024-05-10T23:00:00+02:00", "2024-05-10T23:00:00"),
        ("31.01.2020 00:00 - 31.01.2020 01:00", "2020-01-31"),
        ("2020-045", "2020-02-14"),
        ("2019/20", "2019-01-01"),
    ],
)
def test_words_name_a_moment(word: str, moment: str) -> None:
    assert read(word) == [moment]


@pytest.mark.parametrize(
    "words",
    [
        ("10-20", "20-30"),
        ("1.10.2", "1.2.3"),
        ("4711-1", "4712-2"),
        ("2019/21",),
        ("2020-13",),
        ("30.02.2020",),
        ("12:30",),
        ("18.00.00",),
        ("Thu 1 Oct",),
        ("1/5",),
        ("R2 D2",),
        ("2020-W60",),
        ("31/12/2020", "2020-12-31"),
    ],
)
def test_other_words_are_no_dates(words: tuple[str, ...]) -> None:
    assert date_format_of(words) is None


def test_a_time_of_day_may_be_left_away() -> None:
    # Spreadsheets do so at midnight, programs where seconds are whole.
    assert read("31.12.2023 23:00", "01.01.2024") == ["2023-12-31T23:00:00", "2024-01-01"]
    words = "2020-01-01T00:00:00.5", "2020-01-01T00:00:01"
    assert read(*words) == ["2020-01-01T00:00:00.500", "2020-01-01T00:00:01"]


def test_an_even_step_tells_whether_the_month_stands_first() -> None:
    months = [f"{month}/1/{year}" for year in (2010, 2011) for month in range(1, 13)]
    assert date_format_of(months) == ("%m/%d/%Y", "%d/%m/%Y")
    assert date_format_of(months[::-1]) == ("%m/%d/%Y", "%d/%m/%Y")
    days = [f"1.{month}.{year}" for year in (2010, 2011) for month in range(1, 13)]
    assert date_format_of(days) == ("%d.%m.%Y", "%m.%d.%Y")
    quarters = [f"{month}/1/{year}" for year in range(2010, 2014) for month in (1, 4, 7, 10)]
    assert date_format_of(quarters) == ("%m/%d/%Y", "%d/%m/%Y")
    # Nothing tells: the day first.
    assert date_format_of(["3/4/2020", "1/2/2020", "5/1/2020"]) == ("%d/%m/%Y", "%m/%d/%Y")


def test_offsets_are_kept_beside_the_instants() -> None:
    moments = parse_moments(["2024-03-31T01:00+01:00", "2024-03-31T03:00+02:00"], "ISO8601")
    assert moments is not None
    assert moments.offsets is not None
    assert moments.offsets.tolist() == [60, 120]
    assert np.diff(moments.instants) == np.timedelta64(1, "h")
    assert np.diff(moments.local) == np.timedelta64(2, "h")


def test_forms_of_older_model_files_are_read() -> None:
    for form, word in (
        ("%d/%m/%Y %H:%M", "31/12/2020 10:30"),
        ("%Y/%m/%d %H:%M:%S", "2020/12/31 10:30:00"),
        ("%d-%b-%Y", "31-Dec-2020"),
        ("%B %d, %Y", "December 31, 2020"),
        ("ISO8601", "2020-12"),
    ):
        dates = parse_dates([word], form)
        assert dates is not None
        assert dates[0].year == 2020
        assert dates[0].month == 12


@pytest.mark.parametrize(
    ("numbers", "name", "form"),
    [
        ([20200130, 20200131, 20200201, 20200202], "x", "%Y%m%d"),
        ([2020013023, 2020013100, 2020013101, 2020013102], "x", "%Y%m%d%H"),
        ([202001312350, 202002010000], "time", "%Y%m%d%H%M"),
        ([202011, 202012, 202101], "period", "%Y%m"),
        ([1.6e9, 1.6e9 + 60], "timestamp", "unix seconds"),
        ([1.6e12, 1.6e12 + 250], "ts", "unix milliseconds"),
        ([43831, 43832.5], "Date", "serial days"),
        # Without a name that speaks of dates these are amounts.
        ([43831, 43832], "price", None),
        ([1.6e9, 1.6e9 + 60], "income", None),
        ([202011, 202012, 202101], "price", None),
        ([20200130, 20200131, 20200232, 20200202], "date", None),
        ([1999, 2000, 2001], "year", None),
    ],
)
def test_numbers_that_are_dates(numbers: list[float], name: str, form: str | None) -> None:
    assert number_date_form(np.array(numbers), name) == form


def test_dates_of_numbers() -> None:
    def first(value: float, form: str) -> str:
        return str(number_dates(np.array([value]), form).astype("datetime64[s]")[0])

    assert first(20200131, "%Y%m%d") == "2020-01-31T00:00:00"
    assert first(20200131140530, "%Y%m%d%H%M%S") == "2020-01-31T14:05:30"
    assert first(202002, "%Y%m") == "2020-02-01T00:00:00"
    assert first(43861.75, "serial days") == "2020-01-31T18:00:00"
    assert first(1580479200000, "unix milliseconds") == "2020-01-31T14:00:00"
    assert first(1958.203, "decimal year") == "1958-03-01T00:00:00"
    assert first(1749.083, "decimal year") == "1749-02-01T00:00:00"
    assert first(20200230, "%Y%m%d") == "NaT"
    assert first(np.nan, "%Y%m%d") == "NaT"


def test_years_and_rising_moments_are_dates_where_rows_stand_in_time() -> None:
    assert number_date_form(np.arange(1950, 2000), "n", ordered=True) == "%Y"
    assert number_date_form(1_600_000_000 + 60 * np.arange(40), "n", ordered=True) == "unix seconds"
    assert number_date_form(1958 + np.arange(48) / 12, "n", ordered=True) == "decimal year"


def test_a_column_of_such_numbers_is_a_date_in_a_table() -> None:
    days = pandas.date_range("2020-01-01", periods=60).strftime("%Y%m%d").astype(int)
    frame = pandas.DataFrame({"when": days, "y": np.arange(60.0)})
    column = recognize_columns(frame, "y")[0]
    assert (str(column.column_type), column.form) == ("date", "%Y%m%d")
    assert "year, month and day" in column.reason


def test_dates_that_fit_alone_but_not_together_are_told() -> None:
    months = pandas.Series(["2024-01", "2024-02-03", "2024-05"])
    with pytest.raises(DataError, match=r"column 'when', row 2: .*got '2024-02-03'"):
        as_dates(months, "when", "ISO8601")
