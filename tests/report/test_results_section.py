"""How right a model is, in its report: counted from what it says of rows it did not learn from."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from trained_for_judgment import pair, trained

import misstep as ms
from misstep.modeling import Options, train
from misstep.report.material import Material
from misstep.report.sections.overview import Overview
from misstep.report.sections.results import Results
from misstep.report.sections.story import Story
from misstep.text.figures import three_figures


def words_of(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))


def content_of(kind: str) -> str:
    content = Results().content(Material.of_result(trained(kind), name=kind))
    assert content is not None
    return content.html


@pytest.mark.parametrize("kind", ["passengers", "messages", "pictures", "recordings"])
def test_classes_are_counted(kind: str) -> None:
    _, held_out = pair(kind)
    html = content_of(kind)
    right = int((held_out.outputs.argmax(axis=1) == held_out.answers).sum())
    assert f"{right:,} are right: {right / len(held_out):.1%}" in words_of(html)
    counts = [int(one) for one in re.findall(r"is [^,<]*, said [^:<]*: (\d+)<", html)]
    assert sum(counts) == len(held_out)
    assert html == content_of(kind)


def test_numbers_are_measured_in_their_own_unit() -> None:
    model, held_out = pair("houses")
    truth = np.asarray(model.target.decode(held_out.answers), float)
    off = np.abs(model.decide(held_out.outputs) - truth)
    words = words_of(content_of("houses"))
    half, most = np.quantile(off, [0.5, 0.9])
    assert f"within {three_figures(half)}, nine of ten to within {three_figures(most)}" in words


def test_a_forecast_stands_beside_what_came(tmp_path: Path) -> None:
    path = tmp_path / "walk.csv"
    walk = np.random.default_rng(0).normal(size=200).cumsum() + 100
    path.write_text("value\n" + "\n".join(f"{one:.4f}" for one in walk) + "\n")
    result = train(path, Options(target="value", task="forecast", horizon=2, epochs=1, threads=1))  # type: ignore[arg-type]
    content = Results().content(Material.of_result(result, name="walk"))
    assert content is not None
    assert result.forecast is not None
    test = result.forecast.back_test
    assert test is not None
    words = words_of(content.html)
    assert f"{len(test.origins)} forecasts of what came after" in words
    assert f"off by {three_figures(float(test.by_step().mean()))} in the mean" in words
    assert "An interval made from the errors of the earlier half" in words


def test_of_a_forecast_the_page_says_whose_weights_forecast(tmp_path: Path) -> None:
    path = tmp_path / "walk.csv"
    walk = np.random.default_rng(0).normal(size=120).cumsum() + 100
    path.write_text("value\n" + "\n".join(f"{one:.4f}" for one in walk) + "\n")
    result = train(path, Options(target="value", task="forecast", horizon=2, epochs=2, threads=1))  # type: ignore[arg-type]
    assert result.forecast is not None
    words = words_of(str(Overview().content(Material.of_result(result))))
    assert "The weights are those of epoch" not in words
    kept = "The line it started from was not clearly worse" in words
    assert kept == (result.forecast.epochs == 0)
    assert kept != ("learned anew, in" in words)
    story = words_of(str(Story().content(Material.of_result(result))))
    if result.learning_curve is not None:
        assert f"Of the same {result.learning_curve.rows} forecasts" in story
        assert kept == ("None of it was kept" in story)
        assert kept != (" kept" in story.replace("None of it was kept", ""))


def test_a_run_without_a_model_has_nothing_to_be_judged() -> None:
    run = ms.Trainer(ms.Dense(1), loss=ms.SquaredError()).fit([[0.0]], [[1.0]], epochs=2)
    assert Results().content(Material.of_run(run)) is None


def test_rows_that_were_learned_from_are_not_called_unseen() -> None:
    model, held_out = pair("passengers")
    result = trained("passengers")
    material = replace(
        Material.of_result(result, name="x"), held_out=replace(held_out, split="data", learned=3)
    )
    content = Results().content(material)
    assert content is not None
    words = words_of(content.html)
    assert f"Of {len(held_out)} rows, 3 of which it learned from, " in words
    assert "did not learn from" not in words
    assert model is result.model
