"""`score` refuses answers and weights of a wrong kind in this library's words, as `fit` does."""

from decimal import Decimal

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

import misstep as ms

X = np.random.default_rng(0).normal(size=(24, 3))
ROWS = len(X)
CLASSES = np.arange(ROWS) % 2
WEIGHTS = np.arange(ROWS) + 1.0


@pytest.fixture(scope="module")
def classifier() -> ms.Classifier:
    return ms.Classifier("dense2", epochs=1).fit(X, CLASSES)


@pytest.fixture(scope="module")
def regressor() -> ms.Regressor:
    return ms.Regressor("dense2", epochs=1).fit(X, X[:, 0])


def test_scores_are_those_of_scikit_learn(
    classifier: ms.Classifier, regressor: ms.Regressor
) -> None:
    assert classifier.score(X, CLASSES, WEIGHTS) == accuracy_score(
        CLASSES, classifier.predict(X), sample_weight=WEIGHTS
    )
    assert regressor.score(X, X[:, 0], WEIGHTS) == r2_score(
        X[:, 0], regressor.predict(X), sample_weight=WEIGHTS
    )


@pytest.mark.parametrize(
    "labels",
    [
        CLASSES + 1j,
        CLASSES.astype(str),
        CLASSES + 0.5,
        np.array([0, None] * (ROWS // 2), object),
        np.array([1, "1"] * (ROWS // 2), object),
        np.zeros(ROWS, [("a", "f4")]),
        np.zeros(ROWS, "V4"),
        CLASSES[:5],
    ],
)
def test_answers_of_another_kind_are_refused(classifier: ms.Classifier, labels: object) -> None:
    with pytest.raises(ms.MisstepError):
        classifier.score(X, labels)


@pytest.mark.parametrize(
    "weights",
    [
        WEIGHTS * 1j,
        WEIGHTS.astype("M8[s]"),
        WEIGHTS.astype("m8[s]"),
        WEIGHTS[:4],
        -WEIGHTS,
        np.zeros(ROWS),
        np.full(ROWS, np.longdouble(10) ** 4000),
        np.array([10**400] * ROWS, object),
    ],
)
def test_weights_of_another_kind_are_refused(
    classifier: ms.Classifier, regressor: ms.Regressor, weights: object
) -> None:
    with pytest.raises(ms.MisstepError):
        classifier.score(X, CLASSES, weights)
    with pytest.raises(ms.MisstepError):
        regressor.score(X, X[:, 0], weights)
    with pytest.raises(ms.MisstepError):
        ms.Classifier("dense2", epochs=1).fit(X, CLASSES, sample_weight=weights)


def test_numbers_beyond_any_float_and_records_are_refused() -> None:
    large = np.array([[10**400] * 3] * ROWS, object)
    network = ms.Network(ms.Dense(2), (3,))
    for ask in (
        lambda: ms.Classifier("dense2", epochs=1).fit(large, CLASSES),
        lambda: ms.Regressor("dense2", epochs=1).fit(X, large[:, 0]),
        lambda: ms.Classifier("dense2", epochs=1).fit(X, np.zeros(ROWS, "V4")),
        lambda: ms.Classifier("dense2", epochs=1).fit(
            X, CLASSES, groups=np.zeros(ROWS, [("a", "f4")])
        ),
        lambda: network.predict(large),
        lambda: ms.Trainer(ms.Dense(2), loss=ms.CrossEntropy()).fit(large, CLASSES, epochs=1),
    ):
        with pytest.raises(ms.MisstepError):
            ask()
    assert network.predict(np.array([[Decimal(1)] * 3], object)).shape == (1, 2)
