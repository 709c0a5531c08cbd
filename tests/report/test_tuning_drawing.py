"""A search drawn: every trial is there, what came to nothing at the edge, names escaped."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from misstep.report import TrialPoint, draw_tuning

SVG = "{http://www.w3.org/2000/svg}"


def drawn(points: list[TrialPoint], importances: dict[str, float], less: bool = True) -> str:
    return draw_tuning(
        points, importances, title="A < B", axis="validation loss", less_is_better=less
    )


def test_each_trial_is_drawn_where_it_came_to() -> None:
    points = [TrialPoint(0, 0.6, True), TrialPoint(1, 0.5, True), TrialPoint(2, 0.7, False)]
    root = ElementTree.fromstring(drawn(points, {"dropout": 0.75, "<units>": 0.25}))
    # The first two are of the legend.
    dots = root.findall(f"{SVG}circle")[2:]
    heights = [float(dot.attrib["cy"]) for dot in dots]
    assert heights[1] > heights[0] > heights[2]
    assert ["fill" in dot.attrib["class"] for dot in dots] == [True, True, False]
    bars = [float(each.attrib["width"]) for each in root.findall(f"{SVG}rect")[-2:]]
    assert bars[0] == pytest.approx(3 * bars[1])
    assert "<units>" in [each.text for each in root.findall(f"{SVG}text")]


def test_what_came_to_nothing_does_not_press_the_rest_to_a_line() -> None:
    points = [TrialPoint(0, 0.6, True), TrialPoint(1, 0.5, True), TrialPoint(2, 1e9, True)]
    root = ElementTree.fromstring(drawn(points, {}))
    heights = [float(dot.attrib["cy"]) for dot in root.findall(f"{SVG}circle")[2:]]
    assert len(heights) == 2
    assert heights[1] - heights[0] > 100
    assert ">1,000,000,000<" not in drawn(points, {})


@pytest.mark.parametrize("less", [True, False])
@pytest.mark.parametrize("values", [[], [None], [0.5], [0.5, float("nan")], [0.0, 0.0]])
def test_however_few_there_are(values: list[float | None], less: bool) -> None:
    points = [TrialPoint(number, value, True) for number, value in enumerate(values)]
    text = drawn(points, {}, less)
    ElementTree.fromstring(text)
    assert "nan" not in text.replace("nance", "")
    assert "importance" not in text
