"""What tools around estimators ask of them: importances, frames, notebooks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectFromModel

import misstep as ms
from misstep.errors import ArgumentError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(200, 3))
Y = 5 * X[:, 1] + 0.5 * X[:, 2]
FRAME = pd.DataFrame(X, columns=["useless", "much", "little"], index=np.arange(200) + 1000)


@pytest.fixture(scope="module")
def regressor() -> ms.Regressor:
    fitted = ms.Regressor("dense8-tanh", epochs=30, learning_rate=0.02)
    return fitted.fit(X[:150], Y[:150], validation=(X[150:], Y[150:]))


def test_importances_are_those_of_permuted_held_out_rows(regressor: ms.Regressor) -> None:
    found = regressor.feature_importances_
    assert found.shape == (3,)
    held_out, answers, scale = X[150:], Y[150:], Y[:150].std()
    before = (((regressor.predict(held_out) - answers) / scale) ** 2).mean()
    for column in range(3):
        rises = []
        for seed in range(100):
            permuted = held_out.copy()
            permuted[:, column] = np.random.default_rng(seed).permutation(permuted[:, column])
            rises.append((((regressor.predict(permuted) - answers) / scale) ** 2).mean() - before)
        # Of 5 permutations beside 100.
        error = 4 * np.std(rises) / np.sqrt(5)
        assert found[column] == pytest.approx(np.mean(rises), abs=error + 1e-4)
    found[0] = 99
    assert regressor.feature_importances_[0] != 99


def test_importances_choose_features() -> None:
    estimator = ms.Regressor("dense8-tanh", epochs=15, learning_rate=0.02)
    chosen = SelectFromModel(estimator, max_features=1).fit(FRAME, Y)
    assert chosen.get_feature_names_out().tolist() == ["much"]


def test_where_there_are_no_importances() -> None:
    with pytest.raises(NotFittedError):
        _ = ms.Regressor().feature_importances_
    assert not hasattr(ms.Regressor(), "feature_importances_")
    fitted = ms.Regressor("dense2", epochs=1, validation_fraction=0).fit(X, Y)
    with pytest.raises(AttributeError, match="rows that were set apart are needed"):
        _ = fitted.feature_importances_


def test_predictions_come_as_frames_where_asked(regressor: ms.Regressor) -> None:
    plain = regressor.predict(X)
    frames = ms.Regressor("dense8-tanh", epochs=3).fit(FRAME, pd.Series(Y, name="price"))
    assert isinstance(frames.predict(FRAME), np.ndarray)
    series = clone(frames).set_output(transform="pandas").fit(FRAME, Y).predict(FRAME)
    assert isinstance(series, pd.Series)
    frames.set_output(transform="pandas").set_output()
    series = frames.predict(FRAME)
    assert (series.name, series.index.tolist()) == ("price", FRAME.index.tolist())
    interval = frames.predict_interval(FRAME)
    assert interval.columns.tolist() == ["lower", "upper"]
    assert frames.predict_quantiles(FRAME, [0.5]).columns.tolist() == ["quantile_0.5"]
    assert frames.score(FRAME, Y) == pytest.approx(frames.score(FRAME, Y.tolist()))
    frames.set_output(transform="polars")
    assert isinstance(frames.predict(pl.DataFrame(X, schema=list(FRAME.columns))), pl.Series)
    assert isinstance(frames.predict_interval(FRAME), pl.DataFrame)
    with pytest.raises(ArgumentError, match="transform of set_output: needed default or pandas"):
        frames.set_output(transform="excel")
    assert isinstance(plain, np.ndarray)


def test_probabilities_come_as_frames_by_class() -> None:
    classifier = ms.Classifier("dense4", epochs=1).set_output(transform="pandas")
    classifier.fit(FRAME, np.where(Y > 0, "up", "down"))
    shares = classifier.predict_proba(FRAME)
    assert shares.columns.tolist() == ["down", "up"]
    np.testing.assert_allclose(np.exp(classifier.predict_log_proba(FRAME)), shares, rtol=1e-4)
    assert set(classifier.predict(FRAME)) <= {"down", "up"}
    labels = ms.Classifier("dense4", epochs=1).fit(X, (X > 0).astype(int))
    assert labels.set_output(transform="pandas").predict(X).shape == (200, 3)


def test_a_notebook_shows_models_and_explanations(regressor: ms.Regressor) -> None:
    shown = regressor.model_._repr_html_()
    assert "Predicts y: number" in shown
    assert "3 layers, 41 parameters" in shown
    found = regressor.explain(X, 0)
    assert found._repr_html_().startswith("<pre>Prediction of y for row 0")
    w = ms.parameter(0.4, name="w")
    explanation = ms.explain((1.0 - w) ** 2, wrt=w)
    assert "<math" in explanation._repr_html_()
    assert explanation._repr_latex_().startswith("\\begin{align*}")
    assert repr(regressor.model_).startswith("<Model: predicts y (number) from 3 features")


def test_a_probability_next_to_nothing_is_not_rounded_to_nothing() -> None:
    x = np.linspace(-2, 2, 80)[:, None]
    classifier = ms.Classifier(network="dense4", epochs=40, random_state=0).fit(x, x[:, 0] > 0)
    network = classifier.model_.network
    last = [each.specification.name for each in network.parameter_slices[-2:]]
    network.load(network.arrays() | {name: 12 * network.arrays()[name] for name in last})
    shares, logarithms = classifier.predict_proba(x), classifier.predict_log_proba(x)
    # What 1 − p rounds to 0 is there.
    assert ((1.0 - shares[:, 1]) == 0.0).any()
    assert (shares > 0.0).all()
    # Just above 0 it is right to half of a float32's last place next to 1, 3e-8.
    np.testing.assert_allclose(shares, np.exp(logarithms), atol=7e-8)
    network.load(network.arrays() | {name: 12 * network.arrays()[name] for name in last})
    assert (classifier.predict_proba(x) == 0.0).any()
    assert np.isfinite(classifier.predict_log_proba(x)).all()
