"""Charts: numbers land where they belong, words are only words, nothing asks for more than SVG."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misstep.drawing import Axis, Canvas, Drawing, Frame, span, style_sheet
from misstep.drawing.charts import (
    Band,
    Bar,
    Line,
    Link,
    Points,
    ProbabilityBin,
    Station,
    Unit,
    UnitColumn,
    backward_pass,
    bar_chart,
    chain_chart,
    heat_strip,
    histogram,
    line_chart,
    matrix_chart,
    places_chart,
    reliability_chart,
    scatter_chart,
)

WORDS = {"title": "A <title>", "description": 'says "something" & more'}


def charts() -> dict[str, Drawing]:
    rising = np.arange(1.0, 6.0)
    return {
        "lines": line_chart(
            [
                Line("first", rising, rising**2, low=rising, high=rising**3),
                Line("<second>", rising, [1, np.nan, 3, 4, np.inf], dots=True),
            ],
            marks=[(3, "best")],
            bands=[Band(1, 4, "healthy")],
            across="epoch",
            up="loss",
            **WORDS,
        ),
        "no lines": line_chart([], **WORDS),
        "bars": bar_chart([Bar("a<b", 0.5, "0.5", 0.1), Bar("b", -0.25)], across="share", **WORDS),
        "no bars": bar_chart([], **WORDS),
        "marked bars": bar_chart([Bar("a", 2.0, "100")], marks=[(1, "10"), (2, "100")], **WORDS),
        "chain": chain_chart(
            [Station("w", "0.4", "∂L/∂w = −0.05"), Station("L < 1", "0.09")], ["−0.42"], **WORDS
        ),
        "histogram": histogram([1, 0, 3], [0, 1, 2, 3], **WORDS),
        "strip": heat_strip(
            ["one", "two"], [0, 10, 20], [[1, 1e-9, 0], [5, np.nan, 1e9]], band=(0.1, 10), **WORDS
        ),
        "scatter": scatter_chart(
            [Points("a", rising, rising), Points("b", rising, [1, 2, np.nan, 4, 5])],
            diagonal="as predicted",
            **WORDS,
        ),
        "matrix": matrix_chart(
            ["a<b", "c"], [[3, 1], [0, 12_345]], behind=["75 %", "100 %"], **WORDS
        ),
        "matrix of many": matrix_chart([f"class {at}" for at in range(26)], np.eye(26), **WORDS),
        "reliability": reliability_chart(
            [ProbabilityBin(0, 0.5, 0.2, 0.1, 0, 0.3, 5), ProbabilityBin(1, 1, 1, 1, 0.9, 1, 9)],
            **WORDS,
        ),
        "no reliability": reliability_chart([], **WORDS),
        "places": places_chart(b"png", (4, 6), [[1, -0.5, 0], [np.nan, 0.1, np.inf]], **WORDS),
        "backward pass": backward_pass(
            [
                UnitColumn("in<puts", [Unit("<x>", 0.5), Unit("y", -2, value=1.5)], 2.1, 7),
                UnitColumn("output", [Unit("a", np.nan, "said <a>"), Unit("b", 0)], np.inf),
            ],
            [Link(0, 0, 1, 0.5, "w < 0"), Link(0, 1, 0, -0.25)],
            **WORDS,
        ),
    }


CHARTS = charts()


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_whole_svg_with_words_and_without_styles_or_scripts(name: str) -> None:
    drawing = CHARTS[name]
    for text in (drawing.svg(), drawing.svg(standalone=True)):
        root = ElementTree.fromstring(text)
        assert root.get("role") == "img"
        assert root.get("aria-label") == 'A <title>. says "something" & more'
        for element in root.iter():
            assert "style" not in element.attrib
            assert not element.tag.endswith("script")
            assert not any("nan" in value or "inf" in value for value in element.attrib.values())
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_every_class_that_is_drawn_with_has_looks() -> None:
    sheet = style_sheet()
    used = {
        one
        for drawing in CHARTS.values()
        for element in ElementTree.fromstring(drawing.svg()).iter()
        for one in element.get("class", "").split()
    }
    plain = {"drawing", "wide"}
    missing = [one for one in used - plain if not re.search(rf"\.{one}\b", sheet)]
    assert missing == []


def test_light_and_dark_name_the_same_colors_with_enough_contrast() -> None:
    from misstep.drawing.theme import _COLORS

    def light(color: str) -> float:
        parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    # WCAG 2.2: 4.5 for words, 3 for graphics.
    asked = {"words": 4.5, "quiet": 4.5, "grid": 1.0, "axis": 3.0, "ground": 1.0, "surface": 1.0}
    for name, pair in _COLORS.items():
        for at, ground in enumerate(_COLORS["ground"]):
            brighter, darker = sorted((light(pair[at]), light(ground)), reverse=True)
            assert (brighter + 0.05) / (darker + 0.05) >= asked.get(name, 4.5), (name, at)


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12), st.floats(0, 1))
def test_numbers_lie_in_proportion(low: float, extent: float, share: float) -> None:
    high = low + extent
    if not high > low:
        return
    frame = Frame(Canvas(100, 100), 10, 5, 90, 85, Axis(low, high), Axis(low, high))
    number = low + share * (high - low)
    expected = (number - low) / (high - low)
    assert frame.x(number) == pytest.approx(10 + 80 * expected, abs=1e-6)
    assert frame.y(number) == pytest.approx(85 - 80 * expected, abs=1e-6)


def test_a_logarithmic_axis_marks_powers_of_ten() -> None:
    axis = Axis(0.5, 2000.0, logarithmic=True)
    assert [words for _, words in axis.ticks()] == ["10⁰", "10¹", "10²", "10³"]
    assert axis.share([0.5, 2000.0]).tolist() == [0.0, 1.0]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), max_size=20))
def test_a_span_holds_every_finite_number(numbers: list[float]) -> None:
    low, high = span(numbers)
    finite = [one for one in numbers if np.isfinite(one)]
    assert all(low <= one <= high for one in finite) or not np.isfinite([low, high]).all()


def test_bars_are_as_long_as_their_numbers() -> None:
    drawing = bar_chart([Bar("a", 0.5), Bar("b", 0.25)], **WORDS)
    root = ElementTree.fromstring(drawing.svg())
    widths = [
        float(element.attrib["width"])
        for element in root.iter()
        if element.tag.endswith("rect") and "fill" in element.get("class", "")
    ]
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)


def test_a_thinned_curve_keeps_its_peaks_and_no_quick_wave_becomes_a_slow_one() -> None:
    from misstep.drawing.charts.lines import MOST_POINTS, _thinned

    x = np.arange(20_000.0)
    y = np.sin(x * 2 * np.pi / 24)
    y[7_777] = 9.0
    y[12_000:12_400] = np.nan
    thin = _thinned(Line("hours", x, y))
    kept, numbers = np.asarray(thin.x), np.asarray(thin.y)
    assert len(kept) <= MOST_POINTS
    assert (kept[0], kept[-1]) == (0, 19_999)
    assert (np.diff(kept) > 0).all()
    assert np.nanmax(numbers) == 9.0
    assert np.isnan(numbers).any()
    # In every stretch of a picture the wave goes all the way up and down.
    for start in range(0, 12_000, 1_000):
        inside = numbers[(kept >= start) & (kept < start + 1_000)]
        assert inside.min() == pytest.approx(-1.0)
        assert inside.max() >= 1.0 - 1e-9


def test_words_are_cut_by_what_is_shown_of_them() -> None:
    from misstep.drawing.svg import shortened, text_width

    hostile = "\u202e\x00" * 20
    assert text_width(hostile) > text_width("x" * 40)
    cut = shortened(hostile, 100)
    assert text_width(cut) <= 100
    assert cut.startswith("\\u202e")


def test_words_below_an_axis_neither_collide_nor_leave_the_picture() -> None:
    from misstep.drawing.svg import text_width

    bars = [Bar("n" * 60, 0.33, "accuracy −12.3 points"), Bar("m", -0.1, "w" * 20)]
    drawing = bar_chart(bars, title="t", description="d", across="rise of " + "x" * 200, width=320)
    root = ElementTree.fromstring(drawing.svg())
    texts = list(root.iter("{http://www.w3.org/2000/svg}text"))
    below = max(float(one.get("y", "0")) for one in texts)
    ends = []
    for one in texts:
        if one.get("text-anchor") != "middle":
            continue
        words = "".join(one.itertext()) if one.find("{*}title") is None else str(one[0].tail)
        x, y = float(one.get("x", "0")), float(one.get("y", "0"))
        half = text_width(words, 11 if y < below else 12) / 2
        assert x - half >= -0.1
        assert x + half <= 320.1
        if y < below:
            ends.append((x - half, x + half))
    assert len(ends) >= 2
    assert all(left > right for (_, right), (left, _) in pairwise(ends))
