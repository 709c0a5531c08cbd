"""What `Classifier` and `Regressor` share: fitting, going on, saving and showing themselves.

Turns scikit-learn's calls into those of `modeling`; decides nothing about a model.
"""

from __future__ import annotations

import math
import os
import warnings
from typing import Any

import sklearn.exceptions
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from misstep.errors import ArgumentError, NotFittedError
from misstep.estimators.diagram import without_scripts
from misstep.estimators.reading import further_features
from misstep.estimators.settings import settings_of
from misstep.ir import Array
from misstep.modeling import Learned, Model, Settings, Trained, save_model
from misstep.report import model_summary
from misstep.text.endings import loss_became


class UnfittedError(NotFittedError, sklearn.exceptions.NotFittedError):
    """An estimator was asked before it was fitted; scikit-learn knows this error as its own."""


class Estimator(BaseEstimator):
    """Fitted attributes and what reads them; subclasses say what answers are."""

    model_: Model

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file that `misstep.load_model` and the command line read.

        The file holds preprocessing, network and classes, no code. Raises StorageError, or
        NotFittedError before fit.
        """
        save_model(self._fitted_model(), os.fspath(path))

    def _settings(self) -> Settings:
        return settings_of(self.get_params(deep=False))

    def _is_fitted(self) -> bool:
        return hasattr(self, "model_")

    def _fitted_model(self) -> Model:
        if not self._is_fitted():
            raise UnfittedError(
                f"this {type(self).__name__}",
                needed="to be fitted first",
                got="no data yet",
                try_="fit(X, y)",
            )
        return self.model_

    def _outputs(self, X: Any) -> Array:
        model = self._fitted_model()
        return model.outputs(further_features(self, X, model))

    def _take(self, learned: Learned) -> None:
        """Keep what came of learning, and warn of what a person should know.

        Raises ArgumentError when nothing came of it.
        """
        run = learned.run
        self._keep(learned)
        self.n_iter_ = run.epochs
        kept = (run.best_epoch or run.epochs) - 1
        self.loss_ = run.losses[kept] if run.history else math.nan
        self._learned = learned
        if not run.finished:
            warnings.warn(f"training ended early: {run.ending}", ConvergenceWarning, stacklevel=3)

    def _keep(self, found: Learned | Trained) -> None:
        """Keep the model and how it was trained. Raises ArgumentError when nothing came of it."""
        run = found.run
        if not run.usable:
            raise ArgumentError(
                "training",
                needed="a loss that stays finite",
                got=loss_became(**run.ending.facts),
                try_="a lower learning_rate",
            )
        self.model_ = found.model
        self.network_ = found.model.network
        self.choices_ = found.choices
        self.history_ = run.history

    def _repr_html_inner(self) -> str:
        """Return scikit-learn's diagram and, once fitted, layers, choices and a curve of losses."""
        from sklearn.utils import estimator_html_repr

        shown = without_scripts(estimator_html_repr(self))
        if self._is_fitted():
            shown += model_summary(self.model_, self.history_, self.choices_)
        return shown

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        bundle = super()._repr_mimebundle_(**options)
        if "text/html" in bundle:
            bundle["text/html"] = self._repr_html_inner()
        return dict(bundle)
