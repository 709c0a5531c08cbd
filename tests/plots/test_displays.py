"""Every display that is written: it draws, on given axes too, and its artists hold the facts."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trained_for_judgment import pair, trained

from misstep.doctor.flow import gradient_flow
from misstep.modeling import (
    FitResult,
    Options,
    importances_of,
    partial_dependences_of,
    train,
    word_importances_of,
)
from misstep.modeling.judgment.confusion import confusion_of
from misstep.modeling.judgment.reliability import reliability_of
from misstep.modeling.judgment.residuals import residuals_of
from misstep.plots import Display, plot_model, plot_run
from misstep.plots.plotting import model_kinds, run_kinds

KINDS = ["passengers", "houses", "messages", "pictures", "recordings"]


@cache
def series() -> FitResult:
    import pandas

    walk = np.random.default_rng(0).normal(size=200).cumsum() + 100
    dates = pandas.date_range("2024-01-01", periods=200, freq="D")
    frame = pandas.DataFrame({"day": dates.strftime("%Y-%m-%d"), "value": walk.round(4)})
    options = Options(target="value", task="forecast", horizon=3, epochs=1, threads=1)  # type: ignore[arg-type]
    from misstep.data import read_table

    return train(read_table(frame), options)


def confusion(display: Any) -> None:
    model, held_out = pair("passengers")
    facts = confusion_of(held_out, model.target)
    shares = facts.counts / facts.counts.sum(axis=1, keepdims=True)
    assert np.allclose(display.image_.get_array(), shares)
    written = {one.get_position()[::-1]: one.get_text() for one in display.ax_.texts}
    for line in range(2):
        for column in range(2):
            if facts.counts[line, column]:
                assert written[line, column] == str(facts.counts[line, column])
    assert [one.get_text() for one in display.ax_.get_yticklabels()] == ["no", "yes"]


def reliability(display: Any) -> None:
    model, held_out = pair("passengers")
    facts = reliability_of(held_out, model.target)
    assert facts is not None
    line, _, (bars,) = display.errorbar_
    assert line.get_xdata().tolist() == [one.predicted for one in facts.bins]
    assert line.get_ydata().tolist() == [one.observed for one in facts.bins]
    ends = [[segment[0][1], segment[1][1]] for segment in bars.get_segments()]
    assert np.allclose(ends, [[one.low, one.high] for one in facts.bins])


def residuals(display: Any) -> None:
    model, held_out = pair("houses")
    facts = residuals_of(held_out, model.target)
    assert np.allclose(display.scatter_.get_offsets(), np.c_[facts.truth, facts.predicted])


def importance(display: Any) -> None:
    model, held_out = pair("passengers")
    (facts,) = importances_of(model, held_out)
    assert [bar.get_width() for bar in display.bars_] == [one.loss for one in facts.inputs]
    assert [one.get_text() for one in display.ax_.get_yticklabels()] == [
        one.name for one in facts.inputs
    ]


def words(display: Any) -> None:
    model, held_out = pair("messages")
    (facts,) = word_importances_of(model, held_out)
    shown = facts.inputs[:20]
    assert [bar.get_width() for bar in display.bars_] == [one.moved[-1] for one in shown]


def partial_dependence(display: Any) -> None:
    model, held_out = pair("houses")
    (facts,) = partial_dependences_of(model, held_out, importances_of(model, held_out)[0], most=1)
    (line,) = display.lines_
    assert line.get_xdata().tolist() == list(facts.numbers)
    assert line.get_ydata().tolist() == facts.mean[0].tolist()
    (band,) = display.ax_.collections
    ys = band.get_paths()[0].vertices[:, 1]
    assert ys.min() == facts.low.min()
    assert ys.max() == facts.high.max()


def forecast(display: Any) -> None:
    result = series()
    frame = result.model.forecast()  # type: ignore[attr-defined]
    drawn = display.line_.get_ydata()
    assert drawn[1:].tolist() == frame["prediction"].tolist()
    assert drawn[0] == result.forecast.series.target[-1]  # type: ignore[union-attr]
    test = result.forecast.back_test  # type: ignore[union-attr]
    assert test is not None
    last = display.tested_[-1].get_ydata()
    assert last[1:].tolist() == test.predicted[-1].tolist()


def losses(display: Any) -> None:
    run = trained("houses").run
    assert display.lines_["training"].get_ydata().tolist() == run.losses
    validation = [one["validation_loss"] for one in run.history]
    assert display.lines_["validation"].get_ydata().tolist() == validation
    assert display.lines_["training"].get_xdata().tolist() == [one["epoch"] for one in run.history]


def flow(display: Any) -> None:
    run = trained("houses").run
    assert run.record is not None
    strip = gradient_flow(run.record)
    assert strip is not None
    assert list(display.lines_) == list(strip.names)
    for name, numbers in zip(strip.names, strip.numbers, strict=True):
        assert np.array_equal(display.lines_[name].get_ydata(), numbers, equal_nan=True)


def story(display: Any) -> None:
    run = trained("houses").run
    assert display.line_.get_xdata().tolist() == [one.update for one in run.snapshots]
    assert display.line_.get_ydata().tolist() == [one.score for one in run.snapshots]


# By kind: what is drawn for the check, and the check of its artists.
CHECKS: dict[str, tuple[str, Callable[[Any], None]]] = {
    "confusion": ("passengers", confusion),
    "reliability": ("passengers", reliability),
    "residuals": ("houses", residuals),
    "importance": ("passengers", importance),
    "words": ("messages", words),
    "partial_dependence": ("houses", partial_dependence),
    "forecast": ("series", forecast),
    "losses": ("houses", losses),
    "gradient_flow": ("houses", flow),
    "story": ("houses", story),
}


def drawn(kind: str, of: str, ax: Any = None) -> Display:
    result = series() if of == "series" else trained(of)
    if kind in run_kinds(result.run):
        return plot_run(result.run, kind, ax)
    if of == "series":
        assert result.forecast is not None
        more = {"back_test": result.forecast.back_test}
        return plot_model(result.model, kind, result.forecast.series, ax, **more)
    return plot_model(result.model, kind, result.held_out, ax)


def test_every_display_has_a_check_here() -> None:
    assert set(CHECKS) == set(Display.registry)


@pytest.mark.parametrize("kind", CHECKS)
def test_artists_hold_the_facts(kind: str) -> None:
    of, check = CHECKS[kind]
    display = drawn(kind, of)
    check(display)
    assert display.figure_ is display.ax_.figure


@pytest.mark.parametrize("of", [*KINDS, "series"])
def test_whatever_suits_is_drawn_without_a_warning(of: str, tmp_path: Path) -> None:
    result = series() if of == "series" else trained(of)
    kinds = [*model_kinds(result.model), *run_kinds(result.run)]
    assert "losses" in kinds
    for kind in kinds:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            drawn(kind, of).figure_.savefig(tmp_path / f"{kind}.png", dpi=30)  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", CHECKS)
def test_given_axes_are_drawn_on_and_nothing_shared_is_changed(kind: str) -> None:
    import matplotlib
    from matplotlib import pyplot
    from matplotlib.figure import Figure

    of, check = CHECKS[kind]
    before, figures = dict(matplotlib.rcParams), pyplot.get_fignums()
    axes = Figure().subplots()
    display = drawn(kind, of, axes)
    assert display.ax_ is axes
    check(display)
    again = Figure().subplots()
    assert display.plot(again) is display
    assert display.ax_ is again
    check(display)
    assert dict(matplotlib.rcParams) == before
    assert pyplot.get_fignums() == figures
