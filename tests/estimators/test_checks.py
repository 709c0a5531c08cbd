"""All of scikit-learn's checks, with the arguments as they come, and none expected to fail."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from misstep import Classifier, Regressor

# A list of our own: `parametrize_with_checks` of the oldest scikit-learn hands pytest a generator,
# which new pytests warn of.
CHECKS = [
    pytest.param(*pair, id=f"{type(pair[0]).__name__}-{pair[1].func.__name__}")
    for estimator in (Classifier(), Regressor())
    for pair in estimator_checks_generator(estimator)
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_scikit_learn_is_content(estimator: Any, check: Any) -> None:
    check(estimator)
