"""What a model goes by, in its report: what is drawn is what was measured."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from trained_for_judgment import pair, trained

from misstep.modeling import (
    Options,
    forecast_importances_of,
    importances_of,
    partial_dependence_of,
    train,
    word_importances_of,
)
from misstep.report.importance_drawings import (
    dependence_drawing,
    importance_drawing,
    map_drawing,
    score_change,
    words_drawing,
)
from misstep.report.material import Material
from misstep.report.sections.importance import WhatMatters
from misstep.text.figures import three_figures


def bar_titles(svg: str) -> list[str]:
    return re.findall(r"<title>([^<]*: [^<]*)</title>", svg)


def test_every_input_has_a_bar_with_its_score() -> None:
    model, held_out = pair("houses")
    (importance,) = importances_of(model, held_out)
    drawing = importance_drawing(importance)
    assert bar_titles(drawing.svg()) == [
        f"{one.name}: RMSE {'+' if one.score >= 0 else ''}{three_figures(one.score)}"
        for one in importance.inputs
    ]
    assert f"most: area {three_figures(importance.inputs[0].loss)}" in drawing.description


def test_points_of_accuracy_fall_or_rise() -> None:
    model, held_out = pair("passengers")
    (importance,) = importances_of(model, held_out)
    assert score_change(importance, 0.123) == "accuracy −12.3 points"
    assert score_change(importance, -0.01) == "accuracy +1.0 points"
    assert score_change(importance, 0.0001) == "accuracy ±0 points"


def test_places_lie_over_the_average_picture() -> None:
    model, held_out = pair("pictures")
    (importance,) = importances_of(model, held_out)
    drawing = map_drawing(importance, np.full((8, 8), 0.5))
    shown = re.findall(r"<title>([+−][^<]*)</title>", drawing.svg())
    plain = str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")
    numbers = [float(one.translate(plain).replace("×10", "e")) for one in shown]
    measured = [float(f"{one.loss:.3g}") for one in importance.inputs if one.loss]
    assert sorted(numbers) == pytest.approx(sorted(measured))


def test_words_say_what_they_add() -> None:
    model, held_out = pair("messages")
    (importance,) = word_importances_of(model, held_out)
    drawing = words_drawing(importance, ["fine", "junk"], "kind")
    first = importance.inputs[0]
    assert first.name in ("prize", "urgent")
    assert f"{first.name}: in {first.having} texts" in bar_titles(drawing.svg())
    assert f"matter most: {first.name} +{first.moved[1]:.3g}" in drawing.description


@pytest.mark.parametrize("column", ["sex", "age", "sailed"])
def test_a_dependence_names_where_it_is_least_and_most(column: str) -> None:
    model, held_out = pair("passengers")
    number = next(
        one.number for one in importances_of(model, held_out)[0].inputs if one.name == column
    )
    found = partial_dependence_of(model, held_out, number)
    assert found is not None
    drawing = dependence_drawing(found)
    mean = found.mean[0]
    value = found.values[int(mean.argmax())]
    words = three_figures(value) if isinstance(value, float) else str(value)
    assert f"most, {round(float(mean.max()), 4):g}, at {words}; " in drawing.description
    if found.kind == "date":
        assert str(found.values[0]) in drawing.svg()


@pytest.mark.parametrize("kind", ["passengers", "houses", "messages", "pictures", "recordings"])
def test_each_kind_of_data_says_what_its_model_goes_by(kind: str) -> None:
    material = Material.of_result(trained(kind), name=kind)
    content = WhatMatters().content(material)
    assert content is not None
    assert content.html == WhatMatters().content(material).html  # type: ignore[union-attr]
    assert "<svg" in content.html
    assert " nan" not in content.html.lower()


def test_a_forecast_goes_by_inputs_and_steps_back(tmp_path: Path) -> None:
    path = tmp_path / "walk.csv"
    random = np.random.default_rng(0)
    other = random.normal(size=220)
    walk = np.concatenate([[0.0], other[:-1]]).cumsum() + 100
    lines = "\n".join(f"{one:.4f},{two:.4f}" for one, two in zip(walk, other, strict=True))
    path.write_text(f"value,other\n{lines}\n")
    result = train(path, Options(target="value", task="forecast", horizon=2, epochs=2, threads=1))  # type: ignore[arg-type]
    content = WhatMatters().content(Material.of_result(result, name="walk"))
    assert content is not None
    assert result.forecast is not None
    assert result.forecast.judged is not None
    assert result.forecast.back_test is not None
    whole, steps = forecast_importances_of(
        result.forecast.judged, result.forecast.series, result.forecast.back_test
    )
    for one in whole.inputs:
        assert f">{one.name}" in content.html
        assert score_change(whole, one.score) in content.html
    first = steps.inputs[0]
    assert f"without {first.name} by {three_figures(first.loss)}" in content.html
