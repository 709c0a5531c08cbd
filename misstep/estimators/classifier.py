"""`Classifier`: a network that tells classes apart, in scikit-learn's terms."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from misstep.data.weights import checked_weights
from misstep.errors import ArgumentError
from misstep.estimators.base import Estimator
from misstep.estimators.reading import (
    class_target,
    codes_of,
    first_features,
    further_features,
    labels_of,
)
from misstep.estimators.settings import class_weights_of
from misstep.ir import Array
from misstep.modeling import Rows, Settings, begin_rows, continue_rows, fit_rows


class Classifier(ClassifierMixin, Estimator):
    """A neural network that tells two or more classes apart.

    What is None is chosen for the data, each choice with its because in `choices_`. `network`: the
    hidden layers in one line, such as "dense64-drop0.1-dense32", or an `ms.Module` that is the
    whole network (one output for two classes, else one for each). `epochs`: at most so many.
    `batch_size`: rows in a batch. `learning_rate`: at the start. `class_weight`: "balanced", or
    weights by label. `validation_fraction`: share of the rows that is not learned from and tells
    when to stop; 0 or None: none, all epochs are done. `patience`: epochs without a better
    validation loss until training stops. `augment`: how images are changed while they are
    learned, such as "flip-shift" or "none". `random_state`: a whole number (same number, same
    bits), a NumPy RandomState, or None for another one at each fit. `threads`: how many may be
    used; the results never depend on it. `progress`: whether to show it.

    After fit: `classes_`, `n_features_in_`, `feature_names_in_` (of a frame), `history_` (a dict
    for each epoch), `n_iter_` (epochs), `loss_` (training loss of the epoch whose weights were
    kept), `choices_`, `network_` (an `ms.Network`) and `model_` (an `ms.modeling.Model`).

    >>> import numpy as np
    >>> import misstep as ms
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> y = np.where(X[:, 0] * X[:, 1] > 0, "same", "different")
    >>> classifier = ms.Classifier("dense16-tanh", epochs=60, learning_rate=0.02).fit(X, y)
    >>> print(classifier.predict([[1.0, 1.0], [1.0, -1.0]]))
    ['same' 'different']
    >>> classifier.score(X, y) > 0.9
    True
    """

    def __init__(
        self,
        network: Any = None,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        class_weight: Any = None,
        validation_fraction: float | None = Settings.validation_fraction,
        patience: int | None = None,
        augment: str | None = None,
        random_state: Any = 0,
        threads: int | None = None,
        progress: Any = False,
    ) -> None:
        self.network = network
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.augment = augment
        self.random_state = random_state
        self.threads = threads
        self.progress = progress

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Classifier:
        """Train anew on rows X and their classes y, and return the estimator.

        X: (rows, features), an array of finite numbers; a frame whose columns are numbers,
        categories, dates or texts, gaps allowed; texts, (rows,), a list, array or series; recorded
        sequences, (rows, steps, channels), NaN where a short one is filled up; or images: bytes
        (rows, height, width[, channels]), or a list of paths. y: (rows,), labels of any kind.
        sample_weight: (rows,); a row of weight 2 is that row twice, a row of weight 0 is not there,
        and neither is a class whose rows all weigh 0.

        Raises DataError, DtypeError or ArgumentError.
        """
        settings = self._settings()
        source = first_features(self, X)
        labels = labels_of(self, y, len(source))
        weights = checked_weights(sample_weight, len(labels))
        present = weights > 0
        classes = np.unique(labels[present])
        target = class_target(y, classes, int(present.sum()))
        codes = codes_of(labels, classes, present)
        by_class = np.bincount(codes, weights, len(classes))
        rows = Rows(source, codes, weights, class_weights_of(self.class_weight, classes, by_class))
        learned = fit_rows(rows, target, settings)
        self.classes_ = classes
        self._take(learned)
        return self

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Classifier:
        """Go once through the rows X, weights and optimizer as they stand; return the estimator.

        The first call, on an estimator not fitted, needs all `classes` that will come. Its rows
        decide the network and bring numbers to a common size, so they should be typical. Nothing is
        set apart, nothing stops by itself. Shapes and errors as in `fit`.
        """
        settings = self._settings()
        first = not self._is_fitted()
        known = self._classes_to_come(classes)
        source = first_features(self, X) if first else further_features(self, X, self.model_)
        labels = labels_of(self, y, len(source))
        weights = checked_weights(sample_weight, len(labels))
        codes = codes_of(labels, known, weights > 0)
        if isinstance(self.class_weight, str):
            raise ArgumentError(
                "class_weight in partial_fit",
                needed="weights by label or None",
                got=repr(self.class_weight),
                try_="counting the classes of all rows beforehand",
            )
        by_class = class_weights_of(self.class_weight, known, np.ones(len(known)))
        rows = Rows(source, codes, weights, by_class)
        if first:
            learned = begin_rows(rows, class_target(y, known, len(labels)), settings)
        else:
            learned = continue_rows(self._learned, rows, settings)
        self.classes_ = known
        self._take(learned)
        return self

    def _classes_to_come(self, classes: Any) -> Array:
        if not self._is_fitted():
            if classes is None:
                raise ArgumentError(
                    "classes",
                    needed="all labels, in the first call of partial_fit",
                    got="None",
                    try_="partial_fit(X, y, classes=np.unique(all_y))",
                )
            return np.unique(np.asarray(classes))
        if classes is not None and not np.array_equal(self.classes_, np.unique(classes)):
            raise ArgumentError(
                "classes",
                needed="those of the first call or none",
                got=f"{np.unique(classes).tolist()} after {self.classes_.tolist()}",
            )
        return self.classes_

    def predict(self, X: Any) -> Array:
        """Return the likeliest class of each row, (rows,). Raises NotFittedError or DataError."""
        outputs = self._outputs(X)
        found: Array = self.classes_[outputs.argmax(axis=1)]
        return found

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each of `classes_`, (rows, classes), rows summing to 1.

        Raises NotFittedError or DataError.
        """
        return self._outputs(X)
