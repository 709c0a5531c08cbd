"""Metrics of a person's own beside the loss, by epoch and on any rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import r2_score, roc_auc_score

import misstep as ms
from misstep.errors import ArgumentError

X = np.random.default_rng(0).normal(size=(60, 2))
Y = X[:, :1] - 2 * X[:, 1:]


def test_metrics_are_those_of_the_network_after_each_epoch(tmp_path: Path) -> None:
    def widest(truth: np.ndarray, predicted: np.ndarray) -> float:
        return float(np.abs(truth - predicted).max())

    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), metrics=[r2_score, widest])
    held_out = X[40:], Y[40:]
    run = trainer.fit(X[:40], Y[:40], epochs=3, validation=held_out, folder=tmp_path / "run")
    predicted = trainer.predict(X[40:])
    last = run.history[-1]
    assert last["validation_r2_score"] == pytest.approx(r2_score(Y[40:], predicted), rel=1e-5)
    assert last["validation_widest"] == pytest.approx(np.abs(Y[40:] - predicted).max(), rel=1e-5)
    assert trainer.evaluate(*held_out)["widest"] == pytest.approx(last["validation_widest"])
    # A record holds what everybody knows.
    assert run.record is not None
    assert "validation_widest" not in run.record.epochs[-1]
    assert "validation_loss" in run.record.epochs[-1]
    assert trainer.variant().metrics == trainer.metrics
    # What is judged beside changes no bit.
    plain = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    plain.fit(X[:40], Y[:40], epochs=3, validation=held_out)
    np.testing.assert_array_equal(plain.predict(X), trainer.predict(X))


def test_metrics_of_probabilities_and_of_what_is_not_known(tmp_path: Path) -> None:
    def area(truth: np.ndarray, predicted: np.ndarray) -> float:
        return float(roc_auc_score(truth, predicted[:, 1]))

    metrics = {"area": area, "nothing": lambda truth, predicted: float("nan")}
    trainer = ms.Trainer(ms.Dense(2), loss=ms.CrossEntropy(), metrics=metrics)
    classes = (Y[:, 0] > 0).astype(int)
    run = trainer.fit(X, classes, epochs=2, validation=(X, classes), folder=tmp_path / "run")
    expected = roc_auc_score(classes, trainer.predict(X)[:, 1])
    assert run.history[-1]["validation_area"] == pytest.approx(expected)
    assert np.isnan(run.history[-1]["validation_nothing"])
    resumed = trainer.variant().fit(
        X, classes, epochs=3, validation=(X, classes), folder=tmp_path / "run", resume=True
    )
    assert np.isnan(resumed.history[0]["validation_nothing"])


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ("accuracy", "needed functions of answers and predictions"),
        ([3], "needed functions of answers and predictions"),
        ([r2_score, r2_score], "r2_score twice"),
        ({"loss": r2_score}, "loss, which is there anyhow"),
    ],
)
def test_unfit_metrics_are_refused(metrics: object, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), metrics=metrics)  # type: ignore[arg-type]


def test_a_metric_that_is_no_number_is_named() -> None:
    metrics = {"shape": lambda truth, predicted: truth.shape}
    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), metrics=metrics)
    with pytest.raises(ArgumentError, match="the metric shape: needed one number"):
        trainer.fit(X, Y, epochs=1, validation=(X, Y))
