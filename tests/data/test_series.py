"""A table becomes a series: its order, its gaps, and tables that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest

from misstep.data import (
    Series,
    Table,
    only_rows,
    plan_series,
    read_series,
    read_table,
    series_hint,
    series_reason,
)
from misstep.errors import DataError


def months(rows: int = 60) -> pandas.DataFrame:
    dates = pandas.date_range("2001-01-01", periods=rows, freq="MS").strftime("%Y-%m")
    numbers = np.random.default_rng(0)
    return pandas.DataFrame(
        {"month": dates, "sold": 50.0 + np.arange(rows), "price": numbers.normal(5, 1, rows)}
    )


def read(frame: pandas.DataFrame, target: str = "sold") -> Series:
    table = Table(frame.reset_index(drop=True), "sales.csv")
    return read_series(table, plan_series(table, target)[0])


def test_dates_that_rise_make_a_series() -> None:
    because = series_reason(Table(months()), "sold")
    assert because == "the dates in month rise by one month from row to row"
    series = read(months())
    assert series.plan.inputs == ("price",)
    assert series.following(2).astype(str).tolist()[0] == "2006-01-01T00:00:00"  # type: ignore[union-attr]


def test_rows_that_may_be_a_series_give_a_hint() -> None:
    shuffled = Table(months().sample(frac=1.0, random_state=0))
    assert series_hint(shuffled, "sold") == (
        "the dates in month would rise by an even step in another order"
    )
    pasted = Table(pandas.concat([months(), months()[-2:]]))
    assert series_reason(pasted, "sold") is None
    assert "2 stand more than once" in str(series_hint(pasted, "sold"))
    assert series_hint(Table(pandas.concat([months(), months()])), "sold") is None
    assert series_hint(Table(months().drop(columns="month")), "sold") is None


def test_missing_values_are_told_once() -> None:
    gaps = months()
    gaps.loc[[3, 9], "sold"] = np.nan
    assert read(gaps).notes == ["sold: 2 values missing; each got the latest known one"]
    notes = read(gaps.drop(index=[20, 21])).notes
    assert len(notes) == 2
    assert "2 of" in notes[0]
    assert notes[1] == "sold: 2 values missing; each got the latest known one"


def test_rows_without_an_order_in_time_make_none() -> None:
    shuffled = months().sample(frac=1.0, random_state=0)
    assert series_reason(Table(shuffled), "sold") is None
    assert series_reason(Table(months().drop(columns="month")), "sold") is None
    assert series_reason(Table(months(20)), "sold") is None


def test_the_order_of_rows_does_not_matter_where_there_are_dates() -> None:
    straight = read(months())
    for other in (months()[::-1], months().sample(frac=1.0, random_state=0)):
        found = read(other)
        assert np.array_equal(found.values, straight.values)
        assert found.notes
    assert not straight.notes


def test_missing_rows_and_values_get_what_was_known_before() -> None:
    frame = months()
    frame.loc[30, "sold"] = np.nan
    frame.loc[40, "price"] = np.nan
    series = read(frame.drop(index=[10, 11]))
    assert len(series) == 60
    assert series.target[[9, 10, 11, 12]].tolist() == [59.0, 59.0, 59.0, 62.0]
    assert series.target[30] == 79.0
    assert series.values[40, 1] == series.values[39, 1]
    assert "2 of 60 dates are missing" in series.notes[0]
    assert not np.isnan(series.values).any()


def test_a_gap_too_wide_is_said() -> None:
    frame = months(100)
    with pytest.raises(DataError, match="40 of 100 missing, most of them between 2004-0"):
        read(frame.drop(index=range(40, 80)))


def test_a_date_twice_is_said_with_the_date() -> None:
    frame = pandas.concat([months(), months()[7:8]])
    with pytest.raises(DataError, match="2001-08-01 in 2 rows"):
        read(frame)


def test_several_series_in_one_table() -> None:
    both = pandas.concat([months().assign(shop="north"), months().assign(shop="south")])
    table = Table(both.reset_index(drop=True), "shops.csv")
    with pytest.raises(DataError, match=r"2 series .* shop tells them apart .*--only"):
        series_reason(table, "sold")
    one = only_rows(table, ("shop", "south"))
    assert series_reason(one, "sold")
    plan, left_out = plan_series(one, "sold", ("shop", "south"))
    assert [decision.what for decision in left_out] == ["column shop"]
    # The plan picks them again from the whole table.
    assert len(read_series(table, plan)) == 60
    with pytest.raises(DataError, match="'north'"):
        only_rows(table, ("shop", "nord"))
    with pytest.raises(DataError, match="'shop'"):
        only_rows(table, ("shp", "north"))


def test_what_can_not_be_forecast() -> None:
    frame = months().assign(name=[f"a long name {row}" for row in range(60)])
    with pytest.raises(DataError, match="numbers that go on in time"):
        plan_series(Table(frame), "name")
    with pytest.raises(DataError, match="'sold'"):
        plan_series(Table(frame), "solt")


def test_a_series_of_different_things_can_not_be_forecast(tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    for words in (["12 %", "-$5"], ["50%", "7"], ["$7", "3 lb"]):
        path.write_text("y\n" + "\n".join(words * 30) + "\n", encoding="utf-8")
        with pytest.raises(DataError, match="numbers that are all written alike"):
            plan_series(read_table(path), "y")


def test_another_table_must_have_the_columns_and_the_step() -> None:
    table = Table(months())
    plan, _ = plan_series(table, "sold")
    with pytest.raises(DataError, match="'price' is missing"):
        read_series(Table(months().drop(columns="price")), plan)
    weeks = months().assign(month=pandas.date_range("2001-01-01", periods=60, freq="W"))
    with pytest.raises(DataError, match="dates one month apart"):
        read_series(Table(weeks), plan)
