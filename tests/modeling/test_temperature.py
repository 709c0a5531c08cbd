"""Calibrated probabilities: the temperature against brute force, and when it is applied."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import log_loss

import misstep as ms
from misstep.modeling.temperature import log_losses, temperature_of

RANDOM = np.random.default_rng(0)


def test_the_temperature_is_the_one_of_the_smallest_log_loss() -> None:
    for classes in (2, 4):
        raw = RANDOM.normal(size=(300, 1 if classes == 2 else classes))
        shares = 1 / (1 + np.exp(-raw)) if classes == 2 else np.exp(raw)
        shares = np.hstack([1 - shares, shares]) if classes == 2 else shares
        shares /= shares.sum(axis=1, keepdims=True)
        answers = np.array([RANDOM.choice(classes, p=row) for row in shares])
        # As if it had learned by heart: three times as sure as the answers are.
        found = temperature_of(3 * raw, answers)
        grid = np.geomspace(0.5, 10, 400)
        losses = [log_losses(3 * raw, answers, each).mean() for each in grid]
        assert found == pytest.approx(grid[int(np.argmin(losses))], rel=0.02)
        assert found == pytest.approx(3, rel=0.3)
        assert log_losses(raw, answers).mean() == pytest.approx(log_loss(answers, shares))


def test_an_overfitted_classifier_is_cooled_down_and_says_so(tmp_path: Path) -> None:
    x = RANDOM.normal(size=(500, 4))
    y = np.where(x[:, 0] + RANDOM.normal(scale=1.5, size=500) > 0, "up", "down")
    rest = RANDOM.normal(size=(1500, 4))
    truth = np.where(rest[:, 0] + RANDOM.normal(scale=1.5, size=1500) > 0, "up", "down")
    settings = {"network": "dense64-dense64", "epochs": 40, "learning_rate": 0.01}
    # All epochs are done, and the last one's weights are kept.
    settings |= {"validation_fraction": 0.4, "hyperparameters": {"early_stopping": False}}
    plain = ms.Classifier(**settings).fit(x, y)
    cooled = ms.Classifier(**settings, calibrated=True).fit(x, y)
    before = log_loss(truth, plain.predict_proba(rest))
    assert log_loss(truth, cooled.predict_proba(rest)) < 0.85 * before
    assert (plain.predict(rest) == cooled.predict(rest)).all()
    temperature = cooled.model_.facts["temperature"]
    assert temperature > 1.3
    said = {one.what: one for one in cooled.decisions_}["probabilities"]
    assert said.choice == f"raw outputs divided by {temperature:.3g}"
    np.testing.assert_allclose(
        cooled.decision_function(rest), plain.decision_function(rest) / temperature, rtol=1e-4
    )
    cooled.save(tmp_path / "model.misstep")
    again = ms.load_model(tmp_path / "model.misstep")
    assert isinstance(again, ms.modeling.Model)
    np.testing.assert_array_equal(again.outputs(rest), cooled.predict_proba(rest))
    assert cooled.explain(rest, 0).completeness_error < 0.01


def test_where_it_does_not_help_nothing_is_changed() -> None:
    x = RANDOM.normal(size=(60, 2))
    classifier = ms.Classifier("dense2", epochs=1, calibrated=True).fit(x, x[:, 0] > 0)
    said = {one.what: one for one in classifier.decisions_}["probabilities"]
    assert (said.choice, "only 6 rows" in said.reason) == ("as they are", True)
