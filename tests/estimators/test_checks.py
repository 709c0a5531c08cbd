"""All of scikit-learn's checks, with the arguments as they come, and none expected to fail."""

from __future__ import annotations

from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from misstep import Classifier, Regressor


@parametrize_with_checks([Classifier(), Regressor()])
def test_scikit_learn_is_content(estimator: Any, check: Any) -> None:
    check(estimator)
