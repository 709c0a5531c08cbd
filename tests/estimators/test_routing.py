"""Metadata routing of scikit-learn: weights, groups and validation rows through its tools."""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import misstep as ms

X = np.random.default_rng(0).normal(size=(60, 2))
Y = X[:, 0]
WEIGHTS = np.where(np.arange(60) < 30, 0.0, 1.0)


def test_weights_reach_fit_and_score_through_a_pipeline() -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        regressor = ms.Regressor("dense2", epochs=2)
        regressor.set_fit_request(sample_weight=True, validation=True)
        regressor.set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, regressor)
        given = StandardScaler().fit(X).transform(X), Y
        pipeline.fit(X, Y, sample_weight=WEIGHTS, validation=given)
        assert pipeline[-1].model_.facts["rows"] == 30
        expected = pipeline.score(X[30:], Y[30:])
        assert np.isclose(pipeline.score(X, Y, sample_weight=WEIGHTS), expected)


def test_groups_reach_fit_and_the_splitter() -> None:
    groups = np.arange(60) // 5
    with sklearn.config_context(enable_metadata_routing=True):
        regressor = ms.Regressor("dense2", epochs=1, validation_fraction=0.3)
        regressor.set_fit_request(groups=True)
        found = cross_validate(
            regressor, X, Y, cv=GroupKFold(2), params={"groups": groups}, return_estimator=True
        )
    said = [one for each in found["estimator"] for one in each.decisions_ if one.what == "groups"]
    assert len(said) == 2
