"""Drawings and pages are whole, need nothing else, and let no text in them become markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas
import pytest

import misstep as ms
from misstep.report import draw_forecast, model_summary

NAME = 'a <script>b</script> & "c"'


@pytest.fixture(scope="module")
def forecaster() -> Any:
    months = np.arange(60)
    series = pandas.Series(100 + months + np.sin(months * 2 * np.pi / 12), name=NAME)
    return ms.Forecaster(3, season=12, epochs=1, threads=1).fit(series)


def test_a_forecast_is_one_well_formed_drawing(forecaster: Any) -> None:
    model = forecaster.model_
    series = model.learned_from()
    root = ElementTree.fromstring(draw_forecast(series, None, model.forecast(), 0.8))
    assert root.tag.endswith("svg")
    assert NAME in "".join(root.itertext())
    assert "right 80% of the time" in "".join(root.itertext())
    assert not [part for part in root.iter() if part.tag.endswith(("script", "image", "use"))]


def test_curves_lie_within_the_drawing(forecaster: Any) -> None:
    model = forecaster.model_
    root = ElementTree.fromstring(draw_forecast(model.learned_from(), None, model.forecast(), 0.8))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    points = [
        tuple(map(float, point.split(",")))
        for part in root.iter()
        for point in part.attrib.get("points", "").split()
    ]
    assert len(points) > 10
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)


def test_a_summary_escapes_what_comes_from_data(forecaster: Any, tmp_path: Path) -> None:
    frame = pandas.DataFrame({NAME: np.arange(40.0), "b": np.arange(40.0) % 3})
    regressor = ms.Regressor(epochs=3, threads=1).fit(frame, frame["b"])
    page = model_summary(regressor.model_, regressor.history_, regressor.decisions_)
    assert "<script" not in page
    assert page.count("data:image/svg+xml") == 2
    assert "style=" not in page
    assert f"{regressor.network_.parameter_count:,} parameters" in page
    alone = model_summary(regressor.model_, regressor.history_[:1], [])
    assert alone.count("data:image/svg+xml") == 1
