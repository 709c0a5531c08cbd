"""An estimator is repaired on the rows it was fitted on, and predicts with what was adopted."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import misstep as ms

generator = np.random.default_rng(8)
X = generator.normal(size=(500, 3))
LABELS = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")
NUMBERS = 3 * X[:, 0] - X[:, 2]


@pytest.fixture(scope="module")
def numbers() -> ms.Regressor:
    given = {"network": "dense16", "learning_rate": 1e-6, "epochs": 10, "random_state": 3}
    return ms.Regressor(**given, validation_fraction=0.3).fit(X, NUMBERS)


def test_what_helps_is_what_it_predicts_with(numbers: ms.Regressor) -> None:
    before, loss = numbers.predict(X), numbers.score(X, NUMBERS)
    repair = numbers.repair(X, NUMBERS, steps=5000)
    assert repair.adopted
    assert repair.rounds[0].identical
    assert numbers.score(X, NUMBERS) > loss + 0.2
    assert not np.array_equal(numbers.predict(X), before)
    assert numbers.network_ is repair.trainer.network
    assert numbers.decisions_[-1].what == "repair"
    assert numbers.history_ == repair.run.history
    assert numbers.model_.facts["rows"] == 350
    # It can be saved, copied and repaired like any other.
    again = pickle.loads(pickle.dumps(numbers))
    np.testing.assert_array_equal(again.predict(X), numbers.predict(X))


@pytest.mark.parametrize("seed", [3, None])
def test_classes_are_repaired_whatever_the_seed_was(seed: int | None) -> None:
    given = {"network": "dense8", "learning_rate": 1e-6, "epochs": 8, "random_state": seed}
    classifier = ms.Classifier(**given, validation_fraction=0.3).fit(X, LABELS)
    repair = classifier.repair(X, LABELS, steps=6000)
    assert repair.rounds[0].identical
    if repair.adopted:
        assert classifier.score(X, LABELS) > 0.8


def test_a_training_that_failed_is_repaired() -> None:
    classifier = ms.Classifier(
        "dense8", optimizer=ms.SGD(1e30), epochs=6, random_state=1, validation_fraction=0.3
    )
    with np.errstate(all="ignore"), pytest.raises(ms.ArgumentError, match="stays finite"):
        classifier.fit(X, LABELS)
    with np.errstate(all="ignore"):
        repair = classifier.repair(X, LABELS, steps=8000)
    assert repair.adopted
    assert classifier.score(X, LABELS) > 0.6


def test_what_cannot_be_repaired_is_refused(numbers: ms.Regressor) -> None:
    with pytest.raises(ms.NotFittedError):
        ms.Regressor().repair(X, NUMBERS)
    with pytest.raises(ms.DataError, match="that it was fitted on"):
        numbers.repair(X[::-1] * 2, NUMBERS)
    with pytest.raises(ms.ArgumentError, match="more than 0"):
        numbers.repair(X, NUMBERS, minutes=0)
    in_parts = ms.Regressor(epochs=1).partial_fit(X, NUMBERS)
    with pytest.raises(ms.MisstepError, match="partial_fit"):
        in_parts.repair(X, NUMBERS)


def test_a_series_is_refused_with_the_reason() -> None:
    series = np.sin(np.arange(120) / 5)
    forecaster = ms.Forecaster(epochs=1, horizon=1).fit(series)
    with pytest.raises(ms.ArgumentError, match="learned three times"):
        forecaster.repair(series)
