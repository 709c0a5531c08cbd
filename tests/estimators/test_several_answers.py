"""Several answers to each row: numbers and labels that one network predicts together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, r2_score

import misstep as ms
from misstep.errors import ArgumentError, DataError, FileFormatError
from misstep.storage import read_container, write_container

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(150, 3))
NUMBERS = np.stack([1000 * X[:, 0] + 5, X[:, 1] ** 2], axis=1)
LABELS = (X + RANDOM.normal(scale=0.3, size=X.shape) > 0).astype(int)


@pytest.fixture(scope="module")
def regressor() -> ms.Regressor:
    return ms.Regressor("dense16-tanh", epochs=40, learning_rate=0.02).fit(X, NUMBERS)


@pytest.fixture(scope="module")
def classifier() -> ms.Classifier:
    return ms.Classifier("dense8", epochs=20, learning_rate=0.02).fit(X, LABELS)


def test_numbers_of_any_size_are_learned_together(regressor: ms.Regressor, tmp_path: Path) -> None:
    predicted = regressor.predict(X)
    assert predicted.shape == NUMBERS.shape
    assert min(r2_score(NUMBERS, predicted, multioutput="raw_values")) > 0.8
    assert regressor.score(X, NUMBERS) == pytest.approx(r2_score(NUMBERS, predicted))
    # Of 15 validation rows: the 15th of 16 places covers 9 in 10.
    far = np.diff(regressor.predict_interval(X, 0.9), axis=2)
    assert far.shape == (150, 2, 1)
    assert far[0, 0, 0] > 10 * far[0, 1, 0]
    path = tmp_path / "model.misstep"
    regressor.save(path)
    again = ms.load_model(path)
    np.testing.assert_array_equal(again.predict(X), predicted)
    assert "several numbers" in repr(again)


def test_one_answer_alone_is_a_model_of_its_own(regressor: ms.Regressor) -> None:
    part = regressor.model_.part(1)
    np.testing.assert_allclose(part.predict(X), regressor.predict(X)[:, 1], rtol=1e-6, atol=1e-6)
    found = regressor.explain(X, 4, output=1)
    assert found.prediction == pytest.approx(regressor.predict(X)[4, 1], rel=1e-5)
    assert found.completeness_error < 0.01
    with pytest.raises(ArgumentError, match="output: needed which of the 2 answers"):
        regressor.explain(X, 4)
    with pytest.raises(ArgumentError, match="output: needed one of 0, 1, but got 2"):
        regressor.explain(X, 4, output=2)
    with pytest.raises(ArgumentError, match="the kind of plot of what was fitted"):
        regressor.plot("residuals", X, NUMBERS)


def test_labels_that_hold_or_not(classifier: ms.Classifier) -> None:
    shares, raw = classifier.predict_proba(X), classifier.decision_function(X)
    assert (classifier.predict(X) == (shares > 0.5)).all()
    np.testing.assert_allclose(shares, 1 / (1 + np.exp(-raw)), rtol=1e-4)
    logarithms = classifier.predict_log_proba(X)
    np.testing.assert_allclose(logarithms, np.log(shares), rtol=1e-3, atol=1e-6)
    expected = accuracy_score(LABELS, classifier.predict(X))
    assert classifier.score(X, LABELS) == expected > 0.6
    assert classifier.classes_.tolist() == [0, 1, 2]
    assert "1" in str(classifier.explain(X, 0, output=2))


def test_names_of_columns_name_the_answers() -> None:
    frame = pd.DataFrame(NUMBERS, columns=["weight", "height"])
    regressor = ms.Regressor("dense4", epochs=1).fit(pd.DataFrame(X, columns=list("abc")), frame)
    found = regressor.explain(pd.DataFrame(X, columns=list("abc")), 0, output="height")
    assert str(found).startswith("Prediction of height")


def test_they_come_in_parts_and_weighted_and_judged_by_own_rows() -> None:
    regressor = ms.Regressor("dense4")
    for start in range(0, 150, 50):
        regressor.partial_fit(X[start : start + 50], NUMBERS[start : start + 50])
    assert regressor.predict(X).shape == (150, 2)
    classifier = ms.Classifier("dense4")
    for start in range(0, 150, 50):
        classifier.partial_fit(X[start : start + 50], LABELS[start : start + 50])
    assert classifier.predict(X).shape == (150, 3)
    # A row of weight 2 is that row twice, whatever the order.
    weights = np.where(np.arange(150) < 75, 2, 1)
    settings = {"network": "dense4", "epochs": 2, "validation_fraction": None}
    once = ms.Regressor(**settings).fit(X, NUMBERS, sample_weight=weights)
    twice = ms.Regressor(**settings).fit(np.repeat(X, weights, 0), np.repeat(NUMBERS, weights, 0))
    np.testing.assert_array_equal(once.predict(X), twice.predict(X))
    judged = ms.Classifier("dense4", epochs=2).fit(
        X[:100], LABELS[:100], validation=(X[100:], LABELS[100:])
    )
    shares = np.where(LABELS[100:] == 1, judged.predict_proba(X[100:]), 1)
    shares = np.where(LABELS[100:] == 0, 1 - judged.predict_proba(X[100:]), shares)
    best = min(epoch["validation_loss"] for epoch in judged.history_)
    assert -np.log(shares).mean() == pytest.approx(best, rel=1e-4)


def test_what_several_answers_can_not_be() -> None:
    with pytest.raises(DataError, match="y: needed one class for each row"):
        ms.Classifier(epochs=1).fit(X, np.stack([LABELS[:, 0] + 1, LABELS[:, 1]], 1))
    with pytest.raises(DataError, match="y at row 2, column 1: needed a finite answer"):
        ms.Regressor(epochs=1).fit(X, np.where(np.arange(300).reshape(150, 2) == 2, np.nan, 1))
    with pytest.raises(DataError, match="as many answers as rows"):
        ms.Regressor(epochs=1).fit(X, NUMBERS[:-1])
    with pytest.raises(ArgumentError, match="class_weight: needed None for several labels"):
        ms.Classifier(class_weight="balanced").fit(X, LABELS)
    with pytest.raises(ArgumentError, match="needed one for labels that hold or not"):
        ms.Classifier(loss="cross-entropy").fit(X, LABELS)


def test_a_broken_target_in_a_file_is_refused(regressor: ms.Regressor, tmp_path: Path) -> None:
    plain = regressor.model_.target.to_json()
    assert ms.data.JointTarget.from_json(plain) == regressor.model_.target
    for key, value in [("names", ["a"]), ("scales", [1.0]), ("scales", [1.0, 0.0])]:
        with pytest.raises(FileFormatError, match="the stored target"):
            ms.data.JointTarget.from_json({**plain, key: value})
    path = tmp_path / "model.misstep"
    regressor.save(path)
    found = read_container(path, kind="model", newest=1)
    for broken in ({**plain, "centers": [], "scales": []}, {**plain, "names": ["a", "b", "c"]}):
        write_container(
            path, {**found.document, "target": broken}, dict(found.arrays), kind="model", version=1
        )
        with pytest.raises(FileFormatError):
            ms.load_model(path)


def test_two_classes_with_an_output_each(tmp_path: Path) -> None:
    classifier = ms.Classifier("dense4", loss="cross-entropy", epochs=10, learning_rate=0.02)
    classifier.fit(X, LABELS[:, 0])
    shares = classifier.predict_proba(X)
    assert shares.shape == (150, 2)
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(classifier.predict_log_proba(X), np.log(shares), rtol=1e-3)
    assert classifier.decision_function(X).shape == (150,)
    assert ((classifier.decision_function(X) > 0) == classifier.predict(X)).all()
    assert classifier.explain(X, 0).probabilities == pytest.approx(
        {"0": shares[0, 0], "1": shares[0, 1]}
    )
    classifier.save(tmp_path / "model.misstep")
    again = ms.load_model(tmp_path / "model.misstep")
    np.testing.assert_array_equal(again.predict(X), classifier.predict(X))
