"""The sections about the run itself: what they say is what the record and the outcome hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

import misstep as ms
from misstep.data import Decision
from misstep.modeling import Baseline
from misstep.modeling.learning_curve import CurveExample, LearningCurve
from misstep.modeling.outcome import Outcome
from misstep.record import LayerDescription, Role
from misstep.report import Material, report_page
from misstep.report.sections.decisions import Decisions
from misstep.report.sections.flow import MOST_STRIPS, Flow, strip_drawing, strips_of
from misstep.report.sections.network import TheNetwork, layer_boxes, settings_words
from misstep.report.sections.overview import Overview
from misstep.report.sections.reproduction import Reproduction
from misstep.report.sections.story import Story

EVIL = '<script>alert(1)</script>"'


@pytest.fixture(scope="module")
def run() -> ms.train.Run:
    network = ms.Sequential(
        ms.Dense(4), ms.ReLU(), ms.Residual(ms.Dense(4), ms.Sigmoid()), ms.Dense(2)
    )
    trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.05), batch_size=8)
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(64, 3))
    y = (x[:, 0] > 0).astype(int)
    watching = [ms.Snapshots()]
    return trainer.fit(x, y, validation=(x[:16], y[:16]), epochs=10, callbacks=watching)


def outcome(**more: object) -> Outcome:
    scores = {"test": {"accuracy": 0.9}, "baseline": {"accuracy": 0.5}}
    guess = Baseline("baseline", "a guess", "always the commonest class", lambda: None)
    whole = {
        "purpose": "classification",
        "target": "kind",
        "described": "60 rows",
        "tested": 200,
        "scores": scores,
        "baselines": [guess],
    }
    return Outcome(**{**whole, **more})  # type: ignore[arg-type]


def text(material: Material, section: type) -> str:
    return str(section().content(material))


def test_scores_stand_beside_baselines_with_what_they_mean() -> None:
    shown = text(Material("x", outcome=outcome(), source="flowers.csv"), Overview)
    for words in ("90.0%", "50.0%", "a guess", "Better than guessing", "flowers.csv", "60 rows"):
        assert words in shown


def test_without_rows_to_judge_on_there_is_no_score() -> None:
    material = Material("x", outcome=outcome(tested=0, scores={}, baselines=[]))
    assert "there is no score" in text(material, Overview)


def test_decisions_come_with_their_reasons_columns_folded() -> None:
    decisions = [
        Decision("loss", "CrossEntropy", f"two {EVIL}"),
        *(Decision(f"column {at}", "category" if at else "left out", "so") for at in range(5000)),
    ]
    shown = text(Material("x", outcome=outcome(decisions=decisions)), Decisions)
    assert "Columns: 1 left out, 4,999 categories" in shown
    assert "… and 4,700 more columns" in shown
    assert "<script" not in shown
    assert len(shown) < 60_000


def test_the_network_of_a_run_is_drawn(run: ms.train.Run) -> None:
    shown = text(Material.of_run(run), TheNetwork)
    assert run.record is not None
    assert run.record.description is not None
    assert f"{run.record.description.parameter_count:,} parameters in 3 layers" in shown
    boxes = layer_boxes(run.record.description)
    assert [one.kind for one in boxes] == ["Dense", "ReLU", "Residual", "Dense"]
    assert [one.kind for one in boxes[2].inside] == ["Dense", "Sigmoid"]
    assert sum(one.parameters for one in (*boxes, *boxes[2].inside)) == 16 + 20 + 10


def test_a_network_without_containers_is_drawn_too() -> None:
    from dataclasses import replace

    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    record = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=1).record
    assert record is not None
    assert record.description is not None
    lone = (LayerDescription("", EVIL, Role.AFFINE, settings={"<units>": [1, 2]}),)
    record.description = replace(record.description, layers=lone)
    assert [one.kind for one in layer_boxes(record.description)] == [EVIL]
    assert "<script>alert" not in report_page(Material.of_record(record))


def test_settings_that_say_nothing_are_left_out() -> None:
    assert settings_words({"units": 8, "stride": 1, "bias": True, "rate": 0.25}) == (
        "units 8, rate 0.25"
    )
    assert settings_words({"window": [2, 2], "stride": [2, 2], "epsilon": 1e-5}) == (
        "window 2 × 2, stride 2 × 2"
    )


def test_the_story_says_what_it_said_of_the_same_rows() -> None:
    curve = LearningCurve(
        256,
        (1, 10, 100),
        "error",
        (0.7, 0.2, 0.05),
        (CurveExample(f"row {EVIL}", "rose", ("iris", "rose", "rose")),),
    )
    shown = text(Material("x", outcome=outcome(learning_curve=curve)), Story)
    for words in ("70.0% were wrong", "5.0% were wrong", "✗ iris", "✓ rose", "100, kept"):
        assert words in shown
    assert "<script" not in shown


def test_the_story_of_numbers_says_how_far_off_it_was() -> None:
    curve = LearningCurve(
        9, (1, 10), "rmse", (math.inf, 2.5), (CurveExample("row 1", 3.5, (math.nan, 3.25)),)
    )
    shown = text(Material("x", outcome=outcome(learning_curve=curve)), Story)
    for words in ("root mean squared error was 2.500", "no number", "3.250", "3.500"):
        assert words in shown


def test_snapshots_of_a_record_are_drawn_alone(run: ms.train.Run) -> None:
    shown = text(Material.of_run(run), Story)
    assert "Share wrong as it learned" in shown


def test_the_flow_of_a_run_is_drawn_beside_its_band(run: ms.train.Run) -> None:
    shown = text(Material.of_run(run), Flow)
    for words in ("vanishing (below 0.01)", "hardly moves (below 1×10⁻⁴)", "healthy"):
        assert words in shown
    assert run.record is not None
    strip = strips_of(run.record)[0]
    for name in strip.names:
        assert name in strip_drawing(strip).description


def test_of_very_many_layers_the_unhealthy_ones_are_drawn(run: ms.train.Run) -> None:
    from dataclasses import replace

    assert run.record is not None
    strip = strips_of(run.record)[0]
    numbers = np.full((300, 120), 1.0)
    numbers[250] = 1e-9
    numbers[251] = np.nan
    names = tuple(f"dense{at}" for at in range(300))
    many = replace(strip, names=names, numbers=numbers, steps=np.arange(120), looks=5000)
    svg = strip_drawing(many).svg()
    assert "dense250" in svg
    assert f"{300 - MOST_STRIPS} more lie nearer" in svg
    assert len(svg) < 60_000


def test_the_same_again_names_command_seed_and_settings(run: ms.train.Run) -> None:
    shown = text(Material.of_run(run), Reproduction)
    assert "<dt>seed</dt><dd>0</dd>" in shown
    assert ms.__version__ in shown
    material = Material("x", record=run.record, command="misstep train a --minutes 1")
    assert "only --epochs 10 repeats" in text(material, Reproduction)


@pytest.mark.parametrize("rate", [1e30, 0.1])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_run_that_failed_has_a_page(rate: float) -> None:
    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(rate))
    x, y = np.ones((8, 2)), np.full((8, 1), 1e20 if rate == 0.1 else 1.0)
    run = trainer.fit(x, y, epochs=5)
    page = report_page(Material.of_run(run))
    assert "nan" not in page.lower().replace("not-a-number", "")
    assert 'd="M' not in page or "NaN" not in page


def test_no_sum_of_seconds_stands_on_a_page(run: ms.train.Run) -> None:
    """Of two runs with the same seed the pages are the same, whatever the clock said."""
    from dataclasses import replace

    assert run.record is not None
    slower = replace(run.record, epochs=[{**one, "seconds": 9e9} for one in run.record.epochs])
    assert report_page(Material.of_record(slower)) == report_page(Material.of_record(run.record))
