"""Numbers as readers find them, of any size and sign."""

from __future__ import annotations

import math

import pytest

from misstep.text.figures import (
    amount,
    figure,
    four_figures,
    in_full,
    percent,
    some_figures,
    three_figures,
)


@pytest.mark.parametrize(
    ("number", "said"),
    [(0.0, "0"), (-0.25, "−0.25"), (452600.4, "452,600"), (-1234.5, "−1,234"), (math.nan, "NaN")],
)
def test_amounts(number: float, said: str) -> None:
    assert amount(number) == said


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0.30000000000000004, "0.3"),
        (-0.0520123, "−0.0520"),
        (-3.1e-7, "−3.1×10⁻⁷"),
        (1e6, "1000000"),
        (1234567.5, "1.235×10⁶"),
        (-math.inf, "−∞"),
    ],
)
def test_a_figure_is_as_in_a_textbook(number: float, words: str) -> None:
    assert figure(number) == words


def test_in_full_no_digit_is_lost() -> None:
    assert float(in_full(-0.1).replace("−", "-")) == -0.1
    assert in_full(math.nan) == "NaN"


def test_so_many_figures() -> None:
    assert [four_figures(each) for each in (0.5, 12.3456, 999.96, 51353.2)] == [
        *("0.5000", "12.35", "1000.", "51,353")
    ]
    assert [three_figures(each) for each in (9.996, 99.96, 999.6)] == ["10.00", "100.0", "1,000"]
    assert [three_figures(each) for each in (4e-4, -6.79e-7)] == ["4×10⁻⁴", "−6.79×10⁻⁷"]
    assert [some_figures(each, 4) for each in (0, -1.5, 13254.2, 2e13)] == [
        *("0", "−1.5", "13,254", "2×10¹³")
    ]
    assert percent(1.0) == "100.0%"
