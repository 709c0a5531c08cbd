"""`ms.tune`: an estimator comes back fitted with what was found; trainers and files too."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import misstep as ms
from misstep.errors import ArgumentError, DataError

SPACE = {"learning_rate": "1e-3..1e-1"}


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(120, 2))
    return x, x[:, 0] * x[:, 1]


def test_what_comes_back_has_the_best_and_is_fitted(rows: tuple[np.ndarray, np.ndarray]) -> None:
    start = ms.Regressor("dense4", epochs=4)
    regressor = ms.tune(start, *rows, space=SPACE, trials=4)
    assert not hasattr(start, "model_")
    assert start.hyperparameters is None
    tuning = regressor.tuning_
    assert tuning.paid
    best = tuning.best.hyperparameters["learning_rate"]
    assert regressor.hyperparameters == {"learning_rate": best}
    # It was trained as its trial was, so that validation says the same of it.
    losses = [epoch["validation_loss"] for epoch in regressor.history_]
    assert min(losses) == tuning.best.validation_loss
    assert clone(regressor).fit(*rows).score(*rows) == regressor.score(*rows)


def test_weights_and_groups_reach_the_search(rows: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = rows
    labels = np.where(y > 0, "up", "down")
    weights, groups = np.linspace(0.5, 1.5, len(y)), np.arange(len(y)) // 3
    classifier = ms.tune(
        ms.Classifier("dense4", epochs=2, random_state=None),
        *(x, labels),
        sample_weight=weights,
        groups=groups,
        space=SPACE,
        trials=2,
    )
    losses = [epoch["validation_loss"] for epoch in classifier.history_]
    assert min(losses) == classifier.tuning_.best.validation_loss
    assert isinstance(classifier.random_state, int)


def test_a_forecaster() -> None:
    series = 100 + 20 * np.sin(np.arange(90) * 2 * np.pi / 12)
    series += np.random.default_rng(0).normal(size=90)
    forecaster = ms.tune(ms.Forecaster(horizon=2, epochs=2), series, space=SPACE, trials=2)
    assert len(forecaster.predict()) == 2
    assert len(forecaster.tuning_.trials) == 2


def test_a_trainer(rows: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = rows
    trainer = ms.Trainer(
        ms.Sequential(ms.Dense(4), ms.Tanh(), ms.Dense(1)),
        loss=ms.SquaredError(),
        optimizer=ms.Adam(1e-4),
    )
    tuning = ms.tune(trainer, x, y[:, None], epochs=3, trials=3)
    assert tuning.best.validation_loss <= tuning.default.validation_loss
    assert tuning.trainer.optimizer.learning_rate == tuning.best.hyperparameters["learning_rate"]


def test_what_train_reads() -> None:
    tuning = ms.tune("iris", network="dense4", epochs=2, space=SPACE, trials=2)
    assert tuning.options.network == "dense4"


def test_what_can_not_be_tuned_is_refused(rows: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = rows
    with pytest.raises(ArgumentError, match="tune"):
        ms.tune(x, y)
    with pytest.raises(TypeError, match="y"):
        ms.tune(ms.Regressor(), x)
    with pytest.raises(DataError, match="validation rows"):
        ms.tune(ms.Regressor(validation_fraction=None), x, y)
    with pytest.raises(ArgumentError, match="'learning_rate', the nearest name"):
        ms.tune(ms.Regressor("dense4"), x, y, space={"learning_rat": [0.1, 0.2]})


def test_scikit_learns_own_search_goes_over_hyperparameters(
    rows: tuple[np.ndarray, np.ndarray],
) -> None:
    x, y = rows
    steps = make_pipeline(StandardScaler(), ms.Regressor("dense4", epochs=2))
    search = RandomizedSearchCV(
        steps,
        {
            "regressor__hyperparameters": [{"weight_decay": 0.1}, {"weight_decay": 0.001}],
            "regressor__learning_rate": [0.01, 0.1],
        },
        n_iter=3,
        cv=2,
        random_state=0,
    ).fit(x, y)
    assert set(search.best_params_) == {"regressor__hyperparameters", "regressor__learning_rate"}
    fitted = search.best_estimator_[-1]
    assert fitted.hyperparameters == search.best_params_["regressor__hyperparameters"]
