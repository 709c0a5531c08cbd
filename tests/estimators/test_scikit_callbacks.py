"""Callbacks of scikit-learn on estimators, where there are such (1.9 and later)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

import misstep as ms
from misstep.errors import NotFittedError

callback = pytest.importorskip("sklearn.callback")

X = np.random.default_rng(0).normal(size=(80, 2))
Y = X[:, 0] - X[:, 1]


class Noting:
    """Notes the tasks it is told of; stops at an epoch."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.stop_at = stop_at
        self.told: list[str] = []
        self.scores: list[float] = []

    def setup(self, estimator: Any, context: Any) -> None:
        self.told.append("setup")

    def teardown(self, estimator: Any, context: Any) -> None:
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        self.told.append(f"begin {context.task_name}")

    def on_fit_task_end(
        self,
        estimator: Any,
        context: Any,
        *,
        X: Any = None,
        y: Any = None,
        fitted_estimator: Any = None,
    ) -> bool:
        self.told.append(f"end {context.task_name}")
        self.scores.append(fitted_estimator.score(X, y))
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_at


def test_they_are_told_of_fit_and_of_each_epoch() -> None:
    noting = Noting()
    regressor = ms.Regressor("dense4", epochs=2, validation_fraction=None)
    regressor.set_callbacks(noting).fit(X, Y)
    epochs = ["begin epoch", "end epoch"] * 2
    assert noting.told == ["setup", "begin fit", *epochs, "end fit", "teardown"]
    assert noting.scores[-1] == pytest.approx(regressor.score(X, Y))
    # The last epoch's weights are those that were kept.
    assert noting.scores[-2] == pytest.approx(noting.scores[-1], rel=1e-4)
    assert noting.scores[0] != noting.scores[1]
    plain = ms.Regressor("dense4", epochs=2, validation_fraction=None).fit(X, Y)
    np.testing.assert_array_equal(plain.predict(X), regressor.predict(X))
    assert "callbacks" not in {name.strip("_") for name in vars(plain) if name.startswith("_skl")}


def test_they_stop_training_and_are_torn_down_where_it_fails() -> None:
    noting = Noting(stop_at=2)
    classifier = clone(ms.Classifier("dense4", epochs=9).set_callbacks(noting))
    classifier.fit(X, Y > 0)
    assert classifier.n_iter_ == 2
    noting.told.clear()
    with pytest.raises(ms.ArgumentError):
        classifier.set_params(loss="huber").fit(X, Y > 0)
    assert noting.told == ["setup", "begin fit", "teardown"]
    with pytest.raises(TypeError):
        classifier.set_callbacks(print)
    with pytest.raises(NotFittedError):
        ms.Classifier().set_callbacks(noting).predict(X)


def test_a_forecaster_tells_them_too() -> None:
    class Counting(Noting):
        def on_fit_task_end(self, estimator: Any, context: Any) -> bool:  # type: ignore[override]
            self.told.append(f"end {context.task_name}")
            return False

    counting = Counting()
    forecaster = ms.Forecaster(horizon=2, season=0, epochs=2).set_callbacks(counting)
    forecaster.fit(np.sin(np.arange(60)))
    assert counting.told.count("end epoch") == 2
    assert counting.told[-2:] == ["end fit", "teardown"]
