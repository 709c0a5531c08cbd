"""An estimator's report: a page about its latest training, the same for the same training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import misstep as ms

EVIL = "<script>alert(1)</script>"
NUMBERS = np.random.default_rng(0)
FRAME = pandas.DataFrame({EVIL: NUMBERS.normal(size=60), "b": NUMBERS.choice(["x", "y"], 60)})


def classifier() -> ms.Classifier:
    return ms.Classifier(epochs=2, threads=1, random_state=0)


def test_a_table_without_a_folder(tmp_path: Path) -> None:
    answers = np.where(FRAME[EVIL] > 0, EVIL, "no")
    fitted = classifier().fit(FRAME, answers)
    report = fitted.report(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == report.html
    assert report.html == fitted.report().html == classifier().fit(FRAME, answers).report().html
    assert "<script>alert" not in report.html
    assert report._repr_html_().startswith("<iframe sandbox")


def test_before_fit_and_after_parts_there_is_none() -> None:
    with pytest.raises(ms.NotFittedError):
        classifier().report()
    parts = classifier().partial_fit(np.ones((4, 2)), [0, 1, 0, 1], classes=[0, 1])
    with pytest.raises(ms.MisstepError, match="partial_fit"):
        parts.report()


@pytest.mark.parametrize("kind", ["numbers", "images", "texts", "sequences", "series"])
def test_every_kind_of_data_has_a_page(kind: str) -> None:
    rows = 60
    estimator: Any = classifier()
    answers: Any = np.arange(rows) % 2
    if kind == "numbers":
        estimator = ms.Regressor(epochs=2, threads=1)
        data: Any = NUMBERS.normal(size=(rows, 2))
        answers = data[:, 0] * 3
    elif kind == "images":
        data = NUMBERS.integers(0, 256, (rows, 8, 8, 3)).astype("uint8")
        estimator.set_params(network="dense4")
    elif kind == "texts":
        data = [f"{'good' if one % 2 else 'bad'} words number {one}" for one in range(rows)]
    elif kind == "sequences":
        data = NUMBERS.normal(size=(rows, 12, 2))
        estimator.set_params(network="dense4")
    else:
        estimator = ms.Forecaster(2, epochs=2, threads=1)
        data = np.sin(np.arange(80.0)) + 5
    fitted = estimator.fit(data) if kind == "series" else estimator.fit(data, answers)
    page = fitted.report().html
    assert len(page.encode()) < 600_000
    for slug in ("overview", "decisions", "data", "network", "curves", "flow", "reproduction"):
        assert f'<section id="{slug}">' in page
    assert "could not be drawn" not in page
