"""Columns whose cells have several units or currencies: converted, or said that they are not."""

import pytest

from misstep.data.table.number_forms import number_in_form
from misstep.data.table.word_columns import words_of

CASES = {
    "durations": (
        [f"{h}h {m}m" for h in range(2, 12) for m in (5, 20, 45)],
        {"19h": 19.0, "45m": 0.75, "2h 5m": 2 + 5 / 60, "1 h 30 min": 1.5},
    ),
    "minutes": (
        [f"{i} min" for i in range(80, 120)],
        {"1h 30m": 90.0, "2 h": 120.0, "PT1H45M": 105.0, "45m": 45.0},
    ),
    "disk usage": (
        [f"{i}.5M" for i in range(30)],
        {"1.2G": 1.2e9, "100K": 1e5, "512M": 5.12e8, "1.1T": 1.1e12},
    ),
    "bytes": (
        [f"{i}KB" for i in range(1, 30)],
        {"512B": 0.512, "2MB": 2000.0, "4K": 4.0, "1M": 1000.0},
    ),
    "grams": ([f"{i} kg" for i in range(1, 30)], {"500 G": 0.5, "250g": 0.25}),
    "power": ([f"{i} W" for i in range(1, 30)], {"500 mW": 0.5, "2 MW": 2e6, "3kW": 3000.0}),
    "pressure": ([f"{i} kPa" for i in range(1, 30)], {"2 MPa": 2000.0, "500 mPa": 0.0005}),
    "frequency": ([f"{i} Hz" for i in range(1, 30)], {"500 mHz": 0.5, "3 MHz": 3e6}),
}


@pytest.mark.parametrize("name", CASES)
def test_cells_in_other_units_are_converted(name: str) -> None:
    plain, others = CASES[name]
    column = words_of([*plain, *others], name)
    assert column.values[len(plain) :].tolist() == pytest.approx(list(others.values()))
    assert not column.odd_rows
    for word, value in others.items():
        assert number_in_form(word, column.form) == pytest.approx(value)


def test_billions_stay_billions_where_nothing_is_bytes() -> None:
    column = words_of(["1.5B", "300M", "20K", *[f"{i}M" for i in range(30)]], "volume")
    assert column.values[:3].tolist() == [1.5e9, 3e8, 2e4]


def test_only_what_was_converted_is_called_so() -> None:
    column = words_of([*[f"{i}°C" for i in range(30)], "68°F", "70°F"], "t")
    assert "°F" not in column.reading
    assert column.odd_rows == (30, 31)


def test_several_currencies_are_said_not_to_be_converted() -> None:
    amounts = [f"${i}00" for i in range(1, 30)]
    assert words_of(amounts, "pay").notes == ()
    (note,) = words_of([*amounts, "€4,000", "¥500000"], "pay").notes
    assert note == (
        "pay: amounts with $, €, ¥ are taken as the numbers that they are; currencies are not "
        "converted"
    )


def test_codes_of_two_parts_with_zeros_in_front_are_no_spans() -> None:
    codes = [f"{i:02d}-{j:03d}" for i in range(0, 99, 9) for j in (1, 50, 230)]
    assert words_of(codes, "postcode").form == ""
