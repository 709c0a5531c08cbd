"""Whether the logarithm of the answers is learned: by trial, and said."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

import misstep as ms
from misstep.data import Table
from misstep.modeling import Options, train
from misstep.modeling.target_trial import try_logarithm

ROWS = 240


def inputs() -> np.ndarray:
    return np.random.default_rng(4).normal(size=(ROWS, 3))


def over_decades(x: np.ndarray) -> np.ndarray:
    return np.exp(2.5 * x[:, 0] + 0.3 * x[:, 1])


def test_answers_over_decades_are_learned_on_their_logarithm() -> None:
    x = inputs()
    frame = pandas.DataFrame(x, columns=["a", "b", "c"]).assign(y=over_decades(x))
    found = train(Table(frame), Options(target="y", epochs=30, network="dense16"))
    chosen = next(each for each in found.decisions if each.what == "answers")
    assert chosen.choice == "their logarithm is learned"
    assert chosen.reason.startswith("the middle 98% of them span ")
    assert found.model.target.logarithm is not None
    assert found.scores["test"]["r2_log"] > 0.9
    # Scores are of what is predicted, in the unit of the answers.
    rows = frame.iloc[:40]
    predicted = found.model.predict(rows)
    scores = found.model.evaluate(rows)
    assert scores["mae"] == pytest.approx(float(np.abs(predicted - rows["y"]).mean()), rel=1e-4)
    logs = np.log(rows["y"])
    share = 1 - ((np.log(predicted) - logs) ** 2).sum() / ((logs - logs.mean()) ** 2).sum()
    assert scores["r2_log"] == pytest.approx(float(share), abs=1e-3)


def test_arrays_are_tried_as_well() -> None:
    x = inputs()
    model = ms.Regressor(network="dense16", epochs=30).fit(x, over_decades(x))
    logs = np.log(over_decades(x))
    assert np.corrcoef(np.log(model.predict(x)), logs)[0, 1] > 0.95


@pytest.mark.parametrize(
    "answers",
    [
        1 + np.abs(inputs()[:, 0]),  # within a decade
        inputs()[:, 0] * 1e4,  # below 0
        np.zeros(ROWS),
    ],
)
def test_other_answers_are_not_tried(answers: np.ndarray) -> None:
    assert try_logarithm(inputs(), answers) is None


def test_sums_stay_sums() -> None:
    # Over decades, but made by adding: the logarithm would bend what is straight.
    x = np.random.default_rng(2).lognormal(0, 2, (ROWS, 2))
    trial = try_logarithm(x, x.sum(axis=1))
    assert trial is not None
    assert not trial.better
    assert trial.decades > 2


def test_a_loss_of_ones_own_is_for_the_answers_as_they_are() -> None:
    x = inputs()
    frame = pandas.DataFrame(x, columns=["a", "b", "c"]).assign(y=over_decades(x))
    options = Options(target="y", epochs=1, network="dense4", loss="squared-error")
    assert train(Table(frame), options).model.target.logarithm is None
