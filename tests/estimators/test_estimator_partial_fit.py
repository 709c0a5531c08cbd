"""Learning from rows that come in groups."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest

import misstep as ms
from misstep.data import Matrix
from misstep.modeling.examples import settle
from misstep.nn import Network

Array = np.ndarray[Any, Any]


def rows(count: int = 200, seed: int = 0) -> tuple[Array, Array]:
    x = np.random.default_rng(seed).normal(size=(count, 4))
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)


def test_each_call_goes_once_through_its_rows() -> None:
    x, y = rows()
    classifier = ms.Classifier("dense8", batch_size=50)
    for times in (1, 2, 3):
        assert classifier.partial_fit(x, y, classes=[0, 1]) is classifier
        assert classifier.n_iter_ == times == len(classifier.history_)
        assert classifier.model_.facts["updates"] == 4 * times
        assert classifier.model_.facts["rows"] == 200 * times
    told = {one.what: one for one in classifier.decisions_}
    assert "throughout" in told["optimizer"].choice
    assert not {"epochs", "split"} & told.keys()


def test_it_is_training_that_goes_on_with_the_state_of_the_optimizer() -> None:
    # By hand: one Trainer over the same rows in the same order, for as many epochs.
    x, y = rows()
    regressor = ms.Regressor("dense8-tanh", batch_size=32, learning_rate=0.01)
    for _ in range(5):
        regressor.partial_fit(x, y)
    order, _ = settle(Matrix(x), y.astype(float), None)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    trainer = ms.Trainer(
        Network(regressor.network_.module, (4,)),
        loss=ms.SquaredError(),
        optimizer=ms.AdamW(0.01),
        batch_size=32,
    )
    trainer.fit(z[order], ((y - y.mean()) / y.std())[order].reshape(-1, 1), epochs=5)
    assert regressor.network_.parameters == pytest.approx(trainer.network.parameters, abs=1e-4)
    # Five fresh starts of one epoch each would end elsewhere.
    fresh = ms.Regressor("dense8-tanh", batch_size=32, learning_rate=0.01).partial_fit(x, y)
    assert not np.allclose(fresh.network_.parameters, regressor.network_.parameters, atol=1e-2)


def test_many_groups_are_learned() -> None:
    classifier = ms.Classifier("dense32-tanh", learning_rate=0.03, batch_size=32)
    for seed in range(100):
        classifier.partial_fit(*rows(100, seed), classes=[0, 1])
    assert classifier.score(*rows(500, 99)) > 0.9


def test_a_class_may_come_later() -> None:
    x, y = rows()
    labels = np.where(y > 0, "up", "down")
    classifier = ms.Classifier("dense8", learning_rate=0.02)
    classifier.partial_fit(x[labels == "up"], labels[labels == "up"], classes=["up", "down"])
    assert classifier.classes_.tolist() == ["down", "up"]
    for _ in range(60):
        classifier.partial_fit(x, labels)
    assert classifier.score(x, labels) > 0.9
    with pytest.raises(ms.DataError, match="needed one of the 2 classes given at first"):
        classifier.partial_fit(x[:1], ["sideways"])
    with pytest.raises(ms.ArgumentError, match="those of the first call"):
        classifier.partial_fit(x, labels, classes=["up", "down", "sideways"])


def test_the_first_call_needs_the_classes() -> None:
    x, y = rows(20)
    with pytest.raises(ms.ArgumentError, match="all labels, in the first call of partial_fit"):
        ms.Classifier().partial_fit(x, y)
    with pytest.raises(ms.DataError, match="Try: 0, a number"):
        ms.Classifier().partial_fit(x, y.astype(str), classes=[0, 1])
    with pytest.raises(ms.ArgumentError, match="class_weight in partial_fit"):
        ms.Classifier(class_weight="balanced").partial_fit(x, y, classes=[0, 1])


def test_fit_may_be_followed_by_partial_fit_and_starts_anew() -> None:
    x, y = rows()
    classifier = ms.Classifier("dense8", epochs=4).fit(x, y)
    fitted = classifier.network_.parameters.copy()
    classifier.partial_fit(x, y)
    assert classifier.n_iter_ == 5
    assert not np.array_equal(classifier.network_.parameters, fitted)
    assert np.array_equal(classifier.fit(x, y).network_.parameters, fitted)


def test_a_copy_goes_on_as_the_original_does() -> None:
    x, y = rows()
    classifier = ms.Classifier("dense8-drop0.2").partial_fit(x, y, classes=[0, 1])
    twin = copy.deepcopy(classifier)
    for one in (classifier, twin):
        one.partial_fit(x, y)
    assert np.array_equal(classifier.predict_proba(x), twin.predict_proba(x))


def test_weights_hold_in_each_call() -> None:
    x, y = rows(60)
    weights = np.arange(60) % 3
    again = np.repeat(np.arange(60), weights)
    weighted, repeated = ms.Regressor(), ms.Regressor()
    for _ in range(3):
        weighted.partial_fit(x, y, sample_weight=weights)
        repeated.partial_fit(x[again], y[again])
    assert np.array_equal(weighted.predict(x), repeated.predict(x))


def test_frames_come_in_groups_too() -> None:
    x, y = rows(300)
    frame = pd.DataFrame(x, columns=list("abcd")).assign(kind=np.where(y > 0, "left", "right"))
    classifier = ms.Classifier(learning_rate=0.02)
    for start in range(0, 300, 100):
        part = slice(start, start + 100)
        classifier.partial_fit(frame[part], y[part], classes=[0, 1])
    assert classifier.score(frame, y) > 0.9
    assert classifier.predict(frame.assign(kind="neither")).shape == (300,)
