"""Small pictures of every kind of data, however many columns, classes and letters there are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import misstep as ms
from misstep.data import Images, Sequences, read_table
from misstep.report.data_pictures import class_bars, data_pictures

EVIL = '<img src=x onerror="alert(1)">'


def pictures(frame: pd.DataFrame, target: str = "") -> str:
    return str(data_pictures(read_table(frame), target))


def test_columns_of_every_kind_have_a_picture() -> None:
    numbers = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "price": numbers.lognormal(size=200),
            "rooms": numbers.integers(1, 5, 200),
            "sold": numbers.integers(0, 2, 200).astype(bool),
            "when": pd.date_range("2020-01-01", periods=200, freq="D"),
            "color": numbers.choice(["red", "blue"], 200),
            "said": [f"word {n} and {n * n}" for n in range(200)],
            "id": [f"x{n}" for n in range(200)],
            "gone": [None] * 200,
            "huge": np.where(np.arange(200) == 3, 1e308, -1e308),
        }
    )
    html = pictures(frame, "price")
    assert html.index("price") < html.index("rooms")
    for words in ("2020-01-01 to 2020-07-18", "texts of 4 to 4 words", "200 different values"):
        assert words in html
    assert html.count("<svg") == 7
    assert "empty" in html


def test_names_and_cells_are_only_words() -> None:
    frame = pd.DataFrame({EVIL: [EVIL, "x", EVIL] * 5, "b": ["\x1b[31m"] * 15})
    html = pictures(frame)
    assert "<img" not in html
    assert "\x1b" not in html


def test_a_wide_table_stays_small() -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3000)))
    frame.columns = [f"column {'long ' * 30}{at}" for at in range(3000)]
    html = pictures(frame)
    assert len(html) < 200_000
    assert "2,976 more columns" in html


@pytest.mark.parametrize("values", [[np.inf, 1.0] * 20, [5.0] * 40, [1e300, -1e300] * 20])
def test_strange_numbers_have_a_picture(values: list[float]) -> None:
    frame = pd.DataFrame({"x": [*values, *np.linspace(0, 1, 20)]})
    assert "figcaption" in pictures(frame)


def test_images_are_shown_by_class() -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 300, 200, 3)).astype("uint8")
    labels = np.array([f"<{at % 10}>" for at in range(30)])
    html = str(data_pictures(Images(images, labels, images[:0], labels[:0]), "class"))
    assert html.count("<img") == 30
    assert "<0>" not in html
    assert len(html) < 250_000


def test_sequences_are_shown_by_class() -> None:
    values = np.random.default_rng(0).normal(size=(10, 1000, 20))
    values[0, 500:] = np.nan
    lengths = np.array([500] + [1000] * 9)
    names = tuple(f"channel {at}" for at in range(20))
    data = Sequences(values, lengths, np.array(["a", "b"] * 5), names)
    html = str(data_pictures(data, "class"))
    assert html.count("<svg") == 2
    assert "500 steps of 20 channels, 12 more channels not drawn" in html
    assert len(html) < 150_000


def test_of_thousands_of_classes_the_most_frequent_are_drawn() -> None:
    svg = class_bars([f"class {at}" for at in range(5000)], range(5000), "rows").svg()
    assert "4,984 more classes" in svg
    assert "class 4999" in svg
    assert len(svg) < 20_000


def test_data_of_another_kind_have_none() -> None:
    class Other(ms.data.Dataset):  # type: ignore[misc]
        pass

    Other.__abstractmethods__ = frozenset()
    assert data_pictures(Other(), "x") is None
