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


def test_rows_are_named_where_they_are_given() -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 300)
    rows = random.normal(size=(300, 4)) + 4 * np.eye(3, 4)[y]
    given = np.array(["ash", "birch", "cedar"])[y]
    wrong = np.arange(5, 300, 12)
    given[wrong] = np.array(["birch", "cedar", "ash"])[y[wrong]]
    classifier = ms.Classifier("dense8", epochs=3).fit(rows, given)
    finding = classifier.diagnose(rows, given, seconds=2).findings[0]
    assert finding.slug == "label-errors"
    assert finding.facts["rows_counted_from"] == 0
    assert np.isin(finding.facts["rows"], wrong).mean() > 0.85
    assert finding.facts["suspects"][0]["given"] in ("ash", "birch", "cedar")
    assert "looks like" in finding.symptom
    # Asked again without rows, nothing is remembered of them.
    slugs = {one.slug: one.facts for one in classifier.diagnose().findings}
    assert "judge" not in slugs.get("label-errors", {}) or (
        slugs["label-errors"]["judge"] == "the trained network"
    )
    clean = np.array(["ash", "birch", "cedar"])[y]
    classifier = ms.Classifier("dense8", epochs=3).fit(rows, clean)
    diagnosis = classifier.diagnose(rows, clean, seconds=2)
    assert "label-errors" not in [one.slug for one in diagnosis.findings]


def test_numbers_and_frames_and_series() -> None:
    pandas = pytest.importorskip("pandas")
    y = 5 + X.sum(axis=1)
    y[[7, 20, 40, 41]] = 500.0
    frame = pandas.DataFrame(X, columns=list("abc"))
    regressor = ms.Regressor("dense4", epochs=2).fit(frame, y)
    found = {one.slug: one for one in regressor.diagnose(frame, y, seconds=2).findings}
    named = [one for top in found.values() for one in (top, *top.consequences)]
    facts = next(one.facts for one in named if one.slug == "label-errors")
    assert sorted(facts["rows"]) == [7, 20, 40, 41]
    forecaster = ms.Forecaster(horizon=2, season=6).fit(np.sin(np.arange(60) / 2))
    with pytest.raises(ms.MisstepError, match="an answer each"):
        forecaster.diagnose(X, y)
