"""An estimator says what went wrong with evidence by experiment, on the rows it was fitted on."""

from __future__ import annotations

import numpy as np
import pytest

import misstep as ms

generator = np.random.default_rng(8)
X = generator.normal(size=(120, 3))
LABELS = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")


def fitted(**options: object) -> ms.Classifier:
    given = {"network": "dense16", "learning_rate": 1e-6, "epochs": 20} | options
    return ms.Classifier(**given).fit(X, LABELS)


@pytest.mark.parametrize("options", [{"random_state": 3}, {"random_state": None}], ids=str)
def test_a_training_is_done_again(options: dict[str, object]) -> None:
    classifier = fitted(**options)
    weights = classifier.network_.parameters.copy()
    diagnosis = classifier.diagnose(X, LABELS, seconds=1, probe=True, budget=3)
    assert diagnosis.findings[0].slug == "learning-rate-too-low"
    assert diagnosis.findings[0].is_confirmed
    assert diagnosis.experiments
    np.testing.assert_array_equal(classifier.network_.parameters, weights)
    assert not classifier.diagnose().experiments


def test_other_rows_are_refused() -> None:
    classifier = fitted(random_state=3)
    with pytest.raises(ms.DataError, match="that it was fitted on"):
        classifier.diagnose(X[::-1] * 2, LABELS, seconds=1, probe=True)
    with pytest.raises(ms.ArgumentError, match="diagnose\\(X, y, probe=True\\)"):
        classifier.diagnose(probe=True)
    with pytest.raises(ms.ArgumentError, match="budget"):
        classifier.diagnose(X, LABELS, seconds=1, probe=True, budget=0)
