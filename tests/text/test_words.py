"""Counts with their nouns, lists that are cut, units, and tables of text."""

from __future__ import annotations

import pytest

from misstep.text.counts import counted, plural, without_article
from misstep.text.lists import and_so_on, joined, listed, shortened
from misstep.text.tables import WIDTH, in_columns, in_lines, wrapped
from misstep.text.units import bytes_in_words, duration, in_thousands, shape_in_words


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (12_000, "12,000 rows")]
)
def test_a_noun_is_as_its_count_asks(count: int, words: str) -> None:
    assert counted(count, "row") == words


def test_nouns() -> None:
    assert plural(2, "such entry", "such entries") == "such entries"
    assert plural(1.5, "season") == "seasons"
    assert without_article("saying the last value") == "saying the last value"


def test_what_does_not_fit_is_said() -> None:
    words = [*"abcd"]
    assert listed(words, 4) == "a, b, c, d"
    assert listed(words, 3) == "a, b, c and 1 more"
    assert and_so_on(words, 4) == "a, b, c, d"
    assert and_so_on(words, 1) == "a, …"
    assert joined(words) == "a, b, c and d"
    assert shortened("12345678", 8) == "12345678"
    assert shortened("1234 6789", 6) == "1234…"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (3600, "1 h 0 min")],
)
def test_times(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_units_change_where_a_figure_would_be_too_long() -> None:
    assert [in_thousands(each) for each in (999, 1000, 999_499, 1e6)] == [
        *("999", "1.00 k", "999 k", "1.00 M")
    ]
    assert [bytes_in_words(each) for each in (0, 999, 1500)] == ["0 B", "999 B", "1.50 kB"]
    assert shape_in_words((3,)) == "3"


def test_columns_stand_below_each_other() -> None:
    assert in_columns([["a", "1", "x"], ["bcd", "10"]], right=[1]) == "  a     1  x\n  bcd  10"
    assert in_columns([]) == ""


def test_lines_are_no_wider_than_a_page() -> None:
    words = "many words " * 30
    for text in (wrapped(words, 4), in_lines(words.split(), "label", 4)):
        lines = text.splitlines()
        assert len(lines) > 1
        assert all(len(line) <= WIDTH and line.startswith("    ") for line in lines)
        assert "".join(text.split()).replace(";", "").endswith("manywords")
