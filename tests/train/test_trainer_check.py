"""`Trainer.check`: a network and arrays before any training; nothing of it reaches the weights."""

import numpy as np
import pytest

import misstep as ms
from misstep.errors import ShapeError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 3))
Y = (X[:, 0] > 0).astype(int)


def trainer(**settings):
    network = ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dense(2))
    return ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01), **settings)


def found(diagnosis):
    return {one.slug: one.severity.value for one in diagnosis.findings}


def test_sound_rows():
    diagnosis = trainer().check(X, Y)
    assert found(diagnosis) == {}
    assert diagnosis.seconds > 0
    assert "too-few-epochs" in {one.slug for one in diagnosis.not_examined}


def test_rows_that_are_not():
    assert found(trainer().check(300 * X + 1000, Y)) == {"unscaled-inputs": "warning"}
    assert found(trainer().check(X, Y, validation=(X[:40], Y[:40]))) == {"leakage": "critical"}
    order = np.argsort(Y)
    assert found(trainer(shuffle=False).check(X[order], Y[order])) == {"unshuffled": "warning"}
    regression = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    assert found(regression.check(X, 1000 + X[:, :1])) == {"unscaled-target": "warning"}


def test_it_changes_nothing():
    checked, plain = trainer(), trainer()
    checked.check(X, Y)
    first, second = checked.fit(X, Y, epochs=2), plain.fit(X, Y, epochs=2)
    assert first.losses == second.losses
    assert np.array_equal(checked.network.parameters, plain.network.parameters)


def test_what_fit_refuses_it_refuses():
    with pytest.raises(ShapeError):
        trainer().check(X, Y[:, None].repeat(3, axis=1))
