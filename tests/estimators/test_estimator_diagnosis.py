"""What goes wrong in the training of an estimator can be asked of it."""

from __future__ import annotations

import numpy as np
import pytest

import misstep as ms
from misstep.doctor import Diagnosis

X = np.random.default_rng(0).normal(size=(60, 3))


def test_each_estimator_is_diagnosed_from_its_run() -> None:
    series = np.sin(np.arange(60) / 2)
    for fitted in (
        ms.Classifier("dense4", epochs=2).fit(X, X[:, 0] > 0),
        ms.Regressor("dense4", epochs=2).fit(X, X[:, 0]),
        ms.Forecaster(horizon=2, season=6).fit(series),
    ):
        diagnosis = fitted.diagnose()
        assert isinstance(diagnosis, Diagnosis)
        assert str(diagnosis)


def test_before_fit_there_is_nothing_to_diagnose() -> None:
    with pytest.raises(ms.NotFittedError, match="to be fitted first"):
        ms.Classifier().diagnose()


def test_rows_in_parts_are_no_run_to_diagnose() -> None:
    regressor = ms.Regressor("dense4").partial_fit(X, X[:, 0])
    with pytest.raises(ms.MisstepError, match="from beginning to end"):
        regressor.diagnose()
    regressor.set_params(epochs=1).fit(X, X[:, 0])
    assert isinstance(regressor.diagnose(), Diagnosis)


def test_a_training_that_failed_can_be_diagnosed() -> None:
    regressor = ms.Regressor("dense4", epochs=30, learning_rate=1e30, optimizer="sgd")
    with pytest.raises(ms.ArgumentError, match=r"diagnose\(\) says more"):
        regressor.fit(X, X[:, 0])
    assert isinstance(regressor.diagnose(), Diagnosis)
