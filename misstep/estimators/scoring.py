"""What `score` of an estimator says, with answers and weights checked as `fit` checks them.

The measures are scikit-learn's; what they would say of answers of a wrong kind is said in this
library's words.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, r2_score

from misstep.data.weights import checked_weights
from misstep.estimators.reading import in_our_words, labels_of, numbers_of
from misstep.estimators.several_answers import are_several, several_labels, several_numbers

__all__ = ["accuracy_of", "r2_of"]


def accuracy_of(estimator: Any, X: Any, y: Any, sample_weight: Any) -> float:
    """Return the share of rows whose class, or all of whose labels, are predicted.

    Raises NotFittedError or DataError.
    """
    predicted = np.asarray(estimator.predict(X))
    several = predicted.ndim == 2 and are_several(y)
    labels = (several_labels if several else partial(labels_of, estimator))(y, len(predicted))
    weights = None if sample_weight is None else checked_weights(sample_weight, len(predicted))
    with in_our_words("y", "labels of the kind that fit was given"):
        return float(accuracy_score(labels, predicted, sample_weight=weights))


def r2_of(estimator: Any, X: Any, y: Any, sample_weight: Any) -> float:
    """Return the coefficient of determination R². Raises NotFittedError or DataError."""
    predicted = np.asarray(estimator.predict(X))
    several = predicted.ndim == 2 and are_several(y)
    numbers = (several_numbers if several else partial(numbers_of, estimator))(y, len(predicted))
    weights = None if sample_weight is None else checked_weights(sample_weight, len(predicted))
    return float(r2_score(numbers, predicted, sample_weight=weights))
