"""`Regressor`: a network that predicts a number, in scikit-learn's terms."""

from __future__ import annotations

from typing import Any

from sklearn.base import RegressorMixin

from misstep.estimators.base import Estimator
from misstep.estimators.reading import first_features, further_features, number_target, numbers_of
from misstep.ir import Array
from misstep.modeling import Rows, Settings, begin_rows, continue_rows, fit_rows


class Regressor(RegressorMixin, Estimator):
    """A neural network that predicts a number; while training it is standardized.

    What is None is chosen for the data, each choice with its because in `choices_`. `network`: the
    hidden layers in one line, such as "dense64-drop0.1-dense32", or an `ms.Module` that is the
    whole network, with one output. `epochs`: at most so many. `batch_size`: rows in a batch.
    `learning_rate`: at the start. `validation_fraction`: share of the rows that is not learned from
    and tells when to stop; 0 or None: none, all epochs are done. `patience`: epochs without a
    better validation loss until training stops. `random_state`: a whole number (same number, same
    bits), a NumPy RandomState, or None for another one at each fit. `threads`: how many may be
    used; the results never depend on it. `progress`: whether to show it.

    After fit: `n_features_in_`, `feature_names_in_` (of a frame), `history_` (a dict for each
    epoch), `n_iter_` (epochs), `loss_` (training loss of the epoch whose weights were kept, in
    squared deviations of y), `choices_`, `network_` (an `ms.Network`) and `model_` (an
    `ms.modeling.Model`).

    >>> import numpy as np
    >>> import misstep as ms
    >>> X = np.linspace(0, 6, 300).reshape(-1, 1)
    >>> regressor = ms.Regressor("dense32-tanh", learning_rate=0.02).fit(X, 100 * np.sin(X[:, 0]))
    >>> regressor.score(X, 100 * np.sin(X[:, 0])) > 0.95
    True
    """

    def __init__(
        self,
        network: Any = None,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        validation_fraction: float | None = Settings.validation_fraction,
        patience: int | None = None,
        random_state: Any = 0,
        threads: int | None = None,
        progress: Any = False,
    ) -> None:
        self.network = network
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state
        self.threads = threads
        self.progress = progress

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Regressor:
        """Train anew on rows X and their answers y, and return the estimator.

        X: (rows, features), an array of finite numbers; a frame whose columns are numbers,
        categories, dates or texts, gaps allowed; texts, (rows,), a list, array or series; or
        recorded sequences, (rows, steps, channels), NaN where a short one is filled up. y: (rows,),
        finite numbers. sample_weight: (rows,); a row of weight 2 is that row twice, a row of weight
        0 is not there.

        Raises DataError, DtypeError or ArgumentError.
        """
        settings = self._settings()
        source = first_features(self, X)
        answers = numbers_of(self, y, len(source))
        rows = Rows(source, answers, sample_weight)
        self._take(fit_rows(rows, number_target(y, len(answers)), settings))
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Regressor:
        """Go once through the rows X, weights and optimizer as they stand; return the estimator.

        The rows of the first call decide the network and bring numbers and answers to a common
        size, so they should be typical. Nothing is set apart, nothing stops by itself. Shapes and
        errors as in `fit`.
        """
        settings = self._settings()
        if not self._is_fitted():
            source = first_features(self, X)
            answers = numbers_of(self, y, len(source))
            rows = Rows(source, answers, sample_weight)
            self._take(begin_rows(rows, number_target(y, len(answers)), settings))
            return self
        source = further_features(self, X, self.model_)
        rows = Rows(source, numbers_of(self, y, len(source)), sample_weight)
        self._take(continue_rows(self._learned, rows, settings))
        return self

    def predict(self, X: Any) -> Array:
        """Return the number predicted for each row, (rows,), in the unit of y.

        Raises NotFittedError or DataError.
        """
        outputs = self._outputs(X)
        return self.model_.decide(outputs)
