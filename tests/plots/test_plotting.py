"""Where people ask for a plot: models, runs, estimators; what they are told where there is none."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import pandas
import pytest
from trained_for_judgment import messages, pair, passengers, trained

import misstep as ms
from misstep.data import read_table
from misstep.errors import ArgumentError, DataError, MisstepError, NotFittedError
from misstep.modeling import Options, train
from misstep.plots import (
    ConfusionDisplay,
    ImportanceDisplay,
    PartialDependenceDisplay,
    ResidualsDisplay,
    WordsDisplay,
    plot_model,
)


def test_a_model_draws_rows_of_a_table() -> None:
    model, _ = pair("passengers")
    frame = passengers(40, seed=9)
    display = model.plot("confusion", frame)
    assert display.confusion.rows == 40
    said = model.predict(frame)
    for line, true in enumerate(["no", "yes"]):
        for column, label in enumerate(["no", "yes"]):
            count = int(((frame["saved"] == true) & (said == label)).sum())
            assert display.confusion.counts[line, column] == count


def test_an_unknown_kind_names_those_that_there_are() -> None:
    model, held_out = pair("houses")
    with pytest.raises(ArgumentError) as told:
        model.plot("residual", held_out)
    assert "importance, partial_dependence, residuals" in str(told.value)
    assert '"residuals"' in str(told.value) or "'residuals'" in str(told.value)
    with pytest.raises(ArgumentError, match="residuals"):
        model.plot("confusion", held_out)
    with pytest.raises(ArgumentError, match="gradient_flow, losses, story"):
        trained("houses").run.plot("loss")
    assert model.plot("partial-dependence", held_out).kind == "partial_dependence"


def test_data_without_answers_are_refused_in_words() -> None:
    model, _ = pair("houses")
    with pytest.raises(ArgumentError, match="rows with answers"):
        model.plot("residuals")
    with pytest.raises(DataError, match="price"):
        model.plot("residuals", {"area": [50.0], "rooms": [2], "drawn": [0.0]})


def test_displays_take_what_they_say() -> None:
    model, held_out = pair("passengers")
    found = PartialDependenceDisplay.from_model(model, held_out, input="sex")
    assert [bar.get_height() for bar in found.bars_] == found.dependence.mean[0].tolist()  # type: ignore[union-attr]
    with pytest.raises(ArgumentError, match="sex"):
        PartialDependenceDisplay.from_model(model, held_out, input="sexx")
    times = ImportanceDisplay.from_model(*pair("recordings"), noun="time")
    assert times.importance.noun == "time"
    with pytest.raises(ArgumentError, match="channel, time"):
        ImportanceDisplay.from_model(*pair("recordings"), noun="word")
    places = ImportanceDisplay.from_model(*pair("pictures"))
    assert places.bars_ is None
    table = places.image_.get_array()  # type: ignore[union-attr]
    for one in places.importance.inputs:
        assert table[one.place] == one.loss  # type: ignore[index]
    other = WordsDisplay.from_model(*pair("messages"), label="fine")
    first = other.importance.inputs[0]
    assert next(iter(other.bars_)).get_width() == first.moved[0]
    with pytest.raises(ArgumentError, match="fine, junk"):
        WordsDisplay.from_model(*pair("messages"), label="other")
    rest = ResidualsDisplay.from_model(*pair("houses"), shown="residuals")
    assert np.allclose(rest.scatter_.get_offsets()[:, 1], rest.residuals.residuals)
    with pytest.raises(ArgumentError, match="'predicted' or 'residuals'"):
        ResidualsDisplay.from_model(*pair("houses"), shown="truth")


def test_a_run_draws_its_losses_where_nothing_else_is_asked() -> None:
    run = ms.Trainer(ms.Dense(1), loss=ms.SquaredError()).fit([[0.0]], [[1.0]], epochs=2)
    assert run.plot().kind == "losses"


def test_estimators_draw_given_rows_and_those_that_they_set_apart() -> None:
    frame = messages(120)
    texts, kinds = frame["text"].tolist(), frame["kind"].tolist()
    classifier = ms.Classifier(epochs=2, random_state=0)
    with pytest.raises(NotFittedError):
        classifier.plot("confusion")
    classifier.fit(texts, kinds)
    display = classifier.plot("confusion", texts[:50], kinds[:50])
    assert display.confusion.rows == 50
    right = float((classifier.predict(texts[:50]) == np.array(kinds[:50])).mean())
    assert display.confusion.right == round(50 * right)
    assert 0 < classifier.plot("confusion").confusion.rows < 120
    assert classifier.plot("losses").lines_["training"].get_ydata().tolist() == [
        one["training_loss"] for one in classifier.history_
    ]
    with pytest.raises(ArgumentError, match=r"confusion.*losses"):
        classifier.plot("residuals")


def test_a_regressor_draws_numbers_in_their_own_unit() -> None:
    x = np.arange(60.0)[:, None]
    regressor = ms.Regressor(epochs=2, random_state=0).fit(x, 3 * x[:, 0])
    found = regressor.plot("residuals", x[:10], 3 * x[:10, 0])
    assert np.allclose(found.residuals.truth, 3 * x[:10, 0], atol=1e-4)
    assert np.allclose(found.residuals.predicted, regressor.predict(x[:10]))


def test_a_forecaster_draws_its_forecast_and_its_back_test() -> None:
    forecaster = ms.Forecaster(horizon=2, epochs=1, random_state=0)
    forecaster.fit(np.random.default_rng(0).normal(size=90).cumsum())
    drawn = forecaster.plot()
    assert drawn.line_.get_ydata()[1:].tolist() == forecaster.predict()["prediction"].tolist()
    assert len(drawn.tested_) > 0
    assert forecaster.plot("losses").kind == "losses"


def test_without_matplotlib_people_are_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MisstepError, match=r'pip install "misstep\[plot\]"'):
        ConfusionDisplay.from_model(*pair("passengers"))


def test_rows_of_a_file_can_be_drawn(tmp_path: Any) -> None:
    model, _ = pair("passengers")
    path = tmp_path / "rows.csv"
    passengers(30, seed=5).to_csv(path, index=False)
    assert model.plot("reliability", path).reliability.rows == 30


@pytest.mark.parametrize("kind", ["confusion", "importance", "partial_dependence", "reliability"])
def test_names_from_data_are_shown_as_they_stand(kind: str) -> None:
    from matplotlib import pyplot

    random = np.random.default_rng(0)
    numbers = random.normal(size=80)
    first, second = r"$\frac{1}{0$ of $", "_a\x07\u202eb" + "c" * 300
    frame = pandas.DataFrame(
        {first: numbers, second: np.where(random.random(80) > 0.5, "$x$", "_y")}
    )
    frame["said"] = np.where(numbers > 0, r"$\bad$", "_no")
    options = Options(target="said", network="dense4-relu", epochs=1, threads=1)
    result = train(read_table(frame), options)
    assert result.held_out is not None
    more = {"input": second} if kind == "partial_dependence" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        display = plot_model(result.model, kind, result.held_out, **more)
        display.figure_.canvas.draw()  # type: ignore[union-attr]
    shown = [one.get_text() for one in [*display.ax_.get_xticklabels(), display.ax_.xaxis.label]]
    assert all(len(words) < 80 for words in shown)
    pyplot.close("all")
