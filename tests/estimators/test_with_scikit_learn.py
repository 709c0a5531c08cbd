"""Estimators inside the tools of scikit-learn: pipelines, searches, ensembles, other processes."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingRegressor, StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import misstep as ms

X, Y = load_iris(return_X_y=True)
QUICK: dict[str, Any] = {"epochs": 8, "learning_rate": 0.02}


def test_in_a_pipeline_behind_columns_of_all_kinds() -> None:
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(
        wide=np.where(X[:, 1] > 3, "w", "n")
    )
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["a", "c", "d"]),
            ("words", OneHotEncoder(sparse_output=False), ["wide"]),
        ]
    )
    pipeline = make_pipeline(columns, ms.Classifier(**QUICK))
    assert pipeline.fit(frame, Y).score(frame, Y) > 0.9
    pipeline.set_output(transform="pandas").fit(frame, Y)
    assert "words__wide_w" in pipeline[-1].feature_names_in_
    assert pipeline.score(frame, Y) > 0.9


def test_a_search_over_networks() -> None:
    search = GridSearchCV(
        Pipeline([("network", ms.Classifier(epochs=25))]),
        {
            "network__network": ["dense16", "dense8-tanh-dense8", ms.Sequential(ms.Dense(3))],
            "network__learning_rate": np.geomspace(1e-5, 2e-2, 2),
        },
        cv=3,
    )
    search.fit(X, Y)
    assert search.best_score_ > 0.9
    assert search.best_params_["network__learning_rate"] == pytest.approx(2e-2)
    assert len(search.cv_results_["params"]) == 6


def test_a_misspelled_network_is_named() -> None:
    with pytest.raises(ValueError, match="Try: dense64"):
        GridSearchCV(ms.Classifier(), {"network": ["dens64"]}, cv=3, error_score="raise").fit(X, Y)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_in_other_processes_and_threads_the_scores_are_the_same(backend: str) -> None:
    grid = {"network": ["dense4", ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dense(3))]}
    alone = GridSearchCV(ms.Classifier(**QUICK), grid, cv=3).fit(X, Y)
    with joblib.parallel_backend(backend, n_jobs=2):
        both = GridSearchCV(ms.Classifier(**QUICK), grid, cv=3).fit(X, Y)
    for name in ("split0_test_score", "split1_test_score", "split2_test_score"):
        assert np.array_equal(both.cv_results_[name], alone.cv_results_[name])
    assert np.array_equal(both.predict_proba(X), alone.predict_proba(X))


def pickled(estimator: Any) -> Any:
    return pickle.loads(pickle.dumps(estimator))


def dumped(estimator: Any) -> Any:
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("way", [pickled, dumped, copy.deepcopy, copy.copy])
def test_a_fitted_copy_answers_the_same(way: Any) -> None:
    network = ms.Sequential(ms.Dense(6), ms.Dropout(0.1), ms.Residual(ms.Dense(6)), ms.Dense(3))
    classifier = ms.Classifier(network, **QUICK).fit(X, Y)
    wanted = classifier.predict_proba(X)
    twin = way(classifier)
    assert np.array_equal(twin.predict_proba(X), wanted)
    assert twin.history_ == classifier.history_
    assert twin.network_ is twin.model_.network
    assert twin.partial_fit(X, Y).n_iter_ == QUICK["epochs"] + 1


def test_a_clone_has_the_arguments_and_nothing_else() -> None:
    classifier = ms.Classifier(ms.Sequential(ms.Dense(3)), **QUICK).fit(X, Y)
    twin = clone(classifier)
    assert repr(twin.get_params()) == repr(classifier.get_params())
    assert not hasattr(twin, "model_")
    with pytest.raises(NotFittedError):
        twin.predict(X)
    assert np.array_equal(twin.fit(X, Y).predict_proba(X), classifier.predict_proba(X))


def test_scores_of_folds_and_predictions_out_of_folds() -> None:
    auc = make_scorer(roc_auc_score, response_method="predict_proba")
    assert cross_val_score(ms.Classifier(**QUICK), X, Y == 2, scoring=auc, cv=3).min() > 0.95
    found = cross_val_predict(ms.Classifier(**QUICK), X, Y, method="predict_proba", cv=3)
    assert found.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize(
    "ensemble",
    [
        VotingClassifier(
            [("network", ms.Classifier(**QUICK)), ("linear", LogisticRegression(max_iter=500))],
            voting="soft",
        ),
        StackingClassifier([("network", ms.Classifier(**QUICK))], cv=3),
        CalibratedClassifierCV(ms.Classifier(**QUICK), cv=3),
        OneVsRestClassifier(ms.Classifier(**QUICK)),
    ],
    ids=lambda ensemble: type(ensemble).__name__,
)
def test_in_ensembles(ensemble: Any) -> None:
    assert ensemble.fit(X, Y).score(X, Y) > 0.9
    assert ensemble.predict_proba(X).sum(axis=1) == pytest.approx(1)


def test_regressors_in_ensembles() -> None:
    y = X[:, 0] * 100
    for ensemble in (
        BaggingRegressor(ms.Regressor(**QUICK), n_estimators=2),
        TransformedTargetRegressor(ms.Regressor(**QUICK), func=np.log, inverse_func=np.exp),
    ):
        assert ensemble.fit(X, y).score(X, y) > 0.8
    several = MultiOutputRegressor(ms.Regressor(**QUICK)).fit(X, np.column_stack([y, -y]))
    assert several.predict(X).shape == (150, 2)


def test_what_a_prediction_hangs_on() -> None:
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(noise=np.resize([0.0, 1, 2], 150))
    classifier = ms.Classifier(epochs=30).fit(frame, Y)
    found = permutation_importance(classifier, frame, Y, n_repeats=3, random_state=0)
    assert found.importances_mean[2:4].max() > 0.1
    assert found.importances_mean[4] < 0.05
    selector = SequentialFeatureSelector(ms.Regressor(**QUICK), n_features_to_select=1, cv=2)
    selector.fit(X[:, 1:], X[:, 2])
    assert selector.get_support().tolist() == [False, True, False]


def test_arguments_show_in_the_repr() -> None:
    assert repr(ms.Classifier("dense8", epochs=3)) == "Classifier(epochs=3, network='dense8')"
