"""What fit can be given besides: rows to be judged by, weights to start from, callbacks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

import misstep as ms
from misstep.errors import ArgumentError, DataError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 3))
Y = X[:, 0] + X[:, 1] ** 2
CLASSES = np.where(X[:, 0] > 0, "up", "down")


def test_own_validation_rows_are_judged_and_not_learned_from() -> None:
    given = X[80:], Y[80:]
    regressor = ms.Regressor("dense4", epochs=3).fit(X[:80], Y[:80], validation=given)
    best = min(epoch["validation_loss"] for epoch in regressor.history_)
    # Standardized by the rows that are learned from, all of them.
    errors = (regressor.predict(X[80:]) - Y[80:]) / Y[:80].std()
    assert (errors**2).mean() == pytest.approx(best, rel=1e-4)
    assert regressor.model_.facts["rows"] == 80
    said = {one.what: one for one in regressor.decisions_}
    assert said["split"].choice == "80 rows to learn from, 40 of yours to validate on"


def test_weights_of_own_validation_rows_count() -> None:
    weights = np.repeat([3.0, 0.5], 20)
    classifier = ms.Classifier("dense4", epochs=2, patience=2).fit(
        X[:80], CLASSES[:80], validation=(X[80:], CLASSES[80:], weights)
    )
    shares = classifier.predict_proba(X[80:])[np.arange(40), (CLASSES[80:] == "up").astype(int)]
    best = min(epoch["validation_loss"] for epoch in classifier.history_)
    assert np.average(-np.log(shares), weights=weights) == pytest.approx(best, rel=1e-4)


def test_own_validation_rows_of_a_frame() -> None:
    frame = pd.DataFrame({"a": X[:, 0], "b": np.where(X[:, 1] > 0, "u", "v")})
    given = frame[80:], CLASSES[80:]
    classifier = ms.Classifier("dense4", epochs=2).fit(frame[:80], CLASSES[:80], validation=given)
    shares = classifier.predict_proba(frame[80:])[np.arange(40), (CLASSES[80:] == "up").astype(int)]
    best = min(epoch["validation_loss"] for epoch in classifier.history_)
    assert -np.log(shares).mean() == pytest.approx(best, rel=1e-4)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (X[:5], "validation: needed .X, y."),
        ((X[:5, :2], Y[:5]), "the X of validation: needed 3 features, as in X, but got 2"),
        ((pd.DataFrame({"a": X[:5, 0]}), Y[:5]), "the X of validation: needed rows of the kind"),
        ((X[:5], Y[:4]), "as many answers as rows"),
    ],
)
def test_unfit_validation_rows_are_refused(given: object, words: str) -> None:
    with pytest.raises((ArgumentError, DataError), match=words):
        ms.Regressor("dense4", epochs=1).fit(X, Y, validation=given)


def test_a_class_that_is_only_validated_on_is_refused() -> None:
    with pytest.raises(DataError, match="sideways"):
        ms.Classifier("dense4", epochs=1).fit(X, CLASSES, validation=(X[:2], ["up", "sideways"]))


def test_a_warm_start_goes_on_from_the_weights_of_the_last_fit() -> None:
    regressor = ms.Regressor("dense4", epochs=20, learning_rate=0.02, warm_start=True).fit(X, Y)
    before = regressor.predict(X)
    # Other rows leave the preprocessing as it was.
    regressor.set_params(epochs=1, learning_rate=1e-12).fit(10 * X[:60], Y[:60])
    np.testing.assert_allclose(regressor.predict(X), before, rtol=1e-4, atol=1e-4)
    anew = clone(regressor).fit(X, Y)
    assert np.abs(anew.predict(X) - before).mean() > 0.1


def test_a_warm_start_learns_on() -> None:
    classifier = ms.Classifier("dense8", epochs=3, learning_rate=0.01, warm_start=True)
    losses = [classifier.fit(X, CLASSES).loss_ for _ in range(4)]
    assert losses == sorted(losses, reverse=True)
    with pytest.raises(DataError, match="y with warm_start: needed the classes of the last fit"):
        classifier.fit(X, np.where(X[:, 0] > 0, "up", "sideways"))
    with pytest.raises(ArgumentError, match="network with warm_start"):
        classifier.set_params(network="dense9").fit(X, CLASSES)


def test_a_schedule_and_callbacks_are_used() -> None:
    class Counting(ms.Callback):
        seen = 0

        def on_epoch_end(self, training: ms.train.Training) -> None:
            Counting.seen += 1
            if training.epoch == 3:
                training.stop("enough")

    schedule = ms.optim.ConstantRate()
    regressor = ms.Regressor("dense4", epochs=9, schedule=schedule, callbacks=[Counting()])
    regressor.fit(X, Y)
    assert Counting.seen == 3
    assert len({epoch["learning_rate"] for epoch in regressor.history_}) == 1
    assert any("ConstantRate()" in one.choice for one in regressor.decisions_)
    with pytest.raises(ArgumentError, match=r"callbacks: needed a list of ms\.Callback, or None"):
        ms.Regressor(callbacks=[print]).fit(X, Y)
    with pytest.raises(ArgumentError, match=r"schedule: needed an ms\.optim\.Schedule or None"):
        ms.Regressor(schedule="cosine").fit(X, Y)


def test_a_forecaster_takes_them_too() -> None:
    schedule = ms.optim.StepDecay(1.0, 0.5)
    forecaster = ms.Forecaster(
        horizon=2, season=0, epochs=2, schedule=schedule, callbacks=[ms.Callback()]
    ).fit(np.sin(np.arange(60)))
    assert any("StepDecay" in one.choice for one in forecaster.decisions_)


def test_validation_goes_through_cross_validation() -> None:
    estimator = ms.Regressor("dense4", epochs=1)
    params = {"validation": (X[:20], Y[:20])}
    assert len(cross_val_score(estimator, X, Y, cv=2, params=params)) == 2
