"""Charts of results: counts, probabilities and gradients are drawn as large as they are."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from misstep.drawing import Drawing
from misstep.drawing.charts import (
    Link,
    ProbabilityBin,
    Unit,
    UnitColumn,
    backward_pass,
    matrix_chart,
    places_chart,
    reliability_chart,
)

WORDS = {"title": "A title", "description": "words"}


def elements(drawing: Drawing, name: str, kind: str = "") -> list[ElementTree.Element]:
    root = ElementTree.fromstring(drawing.svg())
    return [
        one
        for one in root.iter()
        if one.tag.endswith(f"}}{name}") and kind in [*one.get("class", "").split(), ""]
    ]


def titled(drawing: Drawing) -> dict[str, ElementTree.Element]:
    """Return shapes by what is shown when somebody points at them."""
    root = ElementTree.fromstring(drawing.svg())
    return {child.text or "": one for one in root.iter() for child in one if _is_title(child)}


def _is_title(element: ElementTree.Element) -> bool:
    return element.tag.endswith("}title")


def test_every_count_stands_in_the_cell_of_its_line_and_column() -> None:
    counts = np.array([[5, 2, 0], [1, 9, 0], [0, 3, 1]])
    drawing = matrix_chart(["a", "b", "c"], counts, **WORDS)
    cells = {
        name: one
        for name, one in titled(drawing).items()
        if re.fullmatch(r"is ., said .: .*", name)
    }
    assert len(cells) == np.count_nonzero(counts)
    for line, true in enumerate("abc"):
        for column, said in enumerate("abc"):
            if not counts[line, column]:
                continue
            cell = cells[f"is {true}, said {said}: {counts[line, column]}"]
            share = counts[line, column] / counts[line].sum()
            assert float(cell.get("fill-opacity", 0)) == pytest.approx(
                0.06 + 0.44 * np.sqrt(share), abs=6e-3
            )
            assert ("accent" in cell.get("class", "")) == (line == column)
    lines = {name[3]: float(one.get("y", 0)) for name, one in cells.items()}
    columns = {name[11]: float(one.get("x", 0)) for name, one in cells.items()}
    assert sorted(lines, key=lines.get) == ["a", "b", "c"]  # type: ignore[arg-type]
    assert sorted(columns, key=columns.get) == ["a", "b", "c"]  # type: ignore[arg-type]


def test_large_counts_fit_into_small_cells() -> None:
    counts = np.diag(np.full(26, 123_456))
    drawing = matrix_chart([f"{at}" for at in range(26)], counts, **WORDS)
    written = [one.text for one in elements(drawing, "text", "small")]
    assert written == ["123k"] * 26


def test_a_bin_is_as_high_as_its_rows_and_its_dot_where_it_was_observed() -> None:
    bins = [
        ProbabilityBin(0, 0.5, 0.25, 0.5, 0.4, 0.6, 30),
        ProbabilityBin(0.5, 1, 0.75, 0.75, 0.7, 0.8, 60),
    ]
    drawing = reliability_chart(bins, **WORDS)
    bars = [one for name, one in titled(drawing).items() if name.startswith("rows from")]
    assert [float(one.get("height", 0)) for one in bars] == [27, 54]
    below, on = elements(drawing, "circle", "series-1")
    (diagonal,) = elements(drawing, "polyline", "mark")
    start, end = (
        tuple(map(float, point.split(","))) for point in diagonal.get("points", "").split()
    )

    def at(x: float, y: float) -> tuple[float, float]:
        return start[0] + x * (end[0] - start[0]), start[1] + y * (end[1] - start[1])

    assert (float(below.get("cx", 0)), float(below.get("cy", 0))) == pytest.approx(at(0.25, 0.5))
    assert (float(on.get("cx", 0)), float(on.get("cy", 0))) == pytest.approx(at(0.75, 0.75))


def test_a_place_says_by_sign_and_strength_what_it_did() -> None:
    drawing = places_chart(b"png", (10, 20), [[2.0, -1.0], [0.0, 0.1]], **WORDS)
    shapes = titled(drawing)
    assert set(shapes) == {"+2", "−1", "+0.1"}
    assert [float(one.get("fill-opacity", 0)) for one in shapes.values()] == pytest.approx(
        [0.65, 0.325, 0.0325], abs=6e-3
    )
    # A plus has two strokes, a minus one, what is weak none.
    assert len(elements(drawing, "line", "sign")) == 3
    assert (drawing.width, drawing.height) == (400, 100)


def test_neurons_are_as_large_as_their_gradients_and_point_where_they_should_go() -> None:
    columns = [
        UnitColumn("inputs", [Unit("x", 4.0), Unit("y", -1.0), Unit("z", 0.0)], 4.2, left_out=5),
        UnitColumn("output", [Unit("a", -0.5, "a: right")], 0.5),
    ]
    links = [Link(0, 0, 0, -1.0, "strongest"), Link(0, 1, 0, 0.25, "weaker")]
    drawing = backward_pass(columns, links, **WORDS)
    shapes = titled(drawing)
    largest = shapes["x: gradient 4.00; it should be smaller"]
    smaller = shapes["y: gradient −1.00; it should be larger"]
    assert "z: gradient 0; nothing was handed back to it" in shapes

    def half_and_tip(shape: ElementTree.Element) -> tuple[float, float]:
        points = [tuple(map(float, one.split(","))) for one in shape.get("points", "").split()]
        return (points[1][0] - points[0][0]) / 2, points[2][1] - points[0][1]

    wide, tip = half_and_tip(largest)
    assert wide == pytest.approx(10)
    assert tip > 0
    wide, tip = half_and_tip(smaller)
    # √(1/4) of the way from 3 to 10.
    assert wide == pytest.approx(6.5)
    assert tip < 0
    strong, weak = shapes["strongest"], shapes["weaker"]
    assert float(strong.get("stroke-width", 0)) == 5.0
    assert float(weak.get("stroke-width", 0)) == pytest.approx(0.5 + 4.5 / 4, abs=0.01)
    assert "dashed" in strong.get("class", "")
    assert "dashed" not in weak.get("class", "")
    words = [list(one.itertext())[-1] for one in elements(drawing, "text")]
    assert "and 5 more" in words
    assert "a: right" in words
