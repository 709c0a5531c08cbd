"""`Regressor`: a network that predicts a number, in scikit-learn's terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from sklearn.base import RegressorMixin

from misstep.data import Dataset, JointTarget, Target, TaskType
from misstep.errors import DataError
from misstep.estimators.base import Estimator
from misstep.estimators.reading import (
    first_features,
    further_features,
    groups_of,
    number_target,
    numbers_of,
)
from misstep.estimators.scoring import r2_of
from misstep.estimators.several_answers import are_several, several_numbers, several_target
from misstep.estimators.validation_rows import validation_features, validation_parts
from misstep.ir import Array
from misstep.ir.float_errors import with_own_float_errors
from misstep.modeling import Examples, Face, Model, fit_first, fit_more, weighted_examples
from misstep.modeling.intervals import Calibration


class Regressor(RegressorMixin, Estimator):
    """A neural network that predicts a number; while training it is standardized.

    What is None is decided for the data, each decision with its reason in `decisions_`. The network
    may be a line such as "dense64-drop0.1-dense32", or an `ms.Module` that is the whole network,
    with one output. {arguments}

    After fit: `n_features_in_`, `feature_names_in_` (of a frame), `history_` (a dict for each
    epoch), `n_iter_` (epochs), `loss_` (training loss of the epoch whose weights were kept, in
    squared deviations of y), `decisions_`, `network_` (an `ms.Network`) and `model_` (an
    `ms.modeling.Model`).

    >>> import numpy as np
    >>> import misstep as ms
    >>> X = np.linspace(0, 6, 300).reshape(-1, 1)
    >>> regressor = ms.Regressor("dense32-tanh", learning_rate=0.02).fit(X, 100 * np.sin(X[:, 0]))
    >>> regressor.score(X, 100 * np.sin(X[:, 0])) > 0.95
    True
    """

    face: ClassVar[Face] = Face.REGRESSOR
    first: ClassVar[str] = "network"
    model_: Model

    @with_own_float_errors
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, validation: Any = None
    ) -> Regressor:
        """Train anew on rows X and their answers y, and return the estimator.

        X: (rows, features), an array of finite numbers; a frame whose columns are numbers,
        categories, dates or texts, gaps allowed; texts, (rows,), a list, array or series; or
        recorded sequences, (rows, steps, channels), NaN where a short one is filled up. y: (rows,),
        finite numbers, or several of them, (rows, outputs), that one network predicts together.
        sample_weight: (rows,); a row of weight 2 is that row twice, a row of weight
        0 is not there. groups: (rows,) which rows belong together, such as the person each is of;
        those of a group all validate or are all learned from. validation: (X, y) or (X, y,
        weights), rows of yours that tell when to stop; nothing is set apart of X then.

        Raises DataError, DtypeError or ArgumentError.
        """
        options = self._options()
        examples = self._given(X, y, sample_weight, groups, validation)
        self._take(self._trained(examples, options, X, y))
        return self

    def _encoded(self, y: Any, rows: int) -> Array:
        several = are_several(y) and self.model_.target.is_joint
        numbers = several_numbers(y, rows) if several else numbers_of(self, y, rows)
        return self.model_.target.encode(numbers)

    @with_own_float_errors
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Regressor:
        """Go once through the rows X, weights and optimizer as they stand; return the estimator.

        The rows of the first call decide the network and bring numbers and answers to a common
        size, so they should be typical. Nothing is set apart, nothing stops by itself. Shapes and
        errors as in `fit`.
        """
        options = self._options()
        if not self._is_fitted():
            examples = self._examples(first_features(self, X), y, sample_weight)
            self._take(fit_first(examples, options), in_parts=True)
            return self
        examples = self._examples(further_features(self, X, self.model_), y, sample_weight)
        self._take(fit_more(self._result, examples, options), in_parts=True)
        return self

    def _examples(self, data: Dataset, y: Any, sample_weight: Any, groups: Any = None) -> Examples:
        together = groups_of(groups, len(data))
        target: Target
        if are_several(y):
            answers = several_numbers(y, len(data))
            target = several_target(y, answers.shape[1], TaskType.NUMBERS, len(data))
        else:
            answers = numbers_of(self, y, len(data))
            target = number_target(y, len(answers))
        return weighted_examples(data, answers, target, sample_weight, groups=together)

    def _given(self, X: Any, y: Any, sample_weight: Any, groups: Any, validation: Any) -> Examples:
        data = first_features(self, X)
        examples = self._examples(data, y, sample_weight, groups)
        if validation is None:
            return examples
        X, y, weights = validation_parts(validation)
        own = self._examples(validation_features(self, X, data), y, weights)
        return replace(examples, validation=own)

    @with_own_float_errors
    def predict(self, X: Any) -> Any:
        """Return the number predicted for each row, (rows,) or (rows, outputs), in the unit of y.

        Raises NotFittedError or DataError.
        """
        outputs = self._outputs(X)
        return self._said(self.model_.decide(outputs), X, self._answers())

    def _answers(self) -> Sequence[Any]:
        """Return what the answers are called."""
        target = self.model_.target
        return target.names if isinstance(target, JointTarget) else [target.name]

    @with_own_float_errors
    def predict_interval(self, X: Any, coverage: float = 0.9) -> Any:
        """Return between what the answer of each row lies, (rows, 2), in the unit of y.

        Of several answers each by itself, (rows, outputs, 2).

        Of rows from where those of fit came, at least the share `coverage` lies inside, and hardly
        more: that holds over all rows, not for each kind of them (split conformal prediction). It
        goes by the errors on the validation rows, or those given to `calibrate`; below 100 of them
        it is good to some points. Raises NotFittedError, DataError where there are none, or
        ArgumentError where there are too few.

        >>> import numpy as np
        >>> import misstep as ms
        >>> X = np.random.default_rng(0).normal(size=(400, 1))
        >>> y = X[:, 0] + np.random.default_rng(1).normal(size=400)
        >>> regressor = ms.Regressor("dense4", epochs=10).fit(X[:200], y[:200])
        >>> low, high = regressor.calibrate(X[200:300], y[200:300]).predict_interval(X[300:]).T
        >>> bool(0.8 < ((low <= y[300:]) & (y[300:] <= high)).mean() < 1)
        True
        """
        model = self._model()
        found = model.predict_interval(further_features(self, X, model), coverage)
        return self._said(found, X, self._each("lower", "upper"))

    @with_own_float_errors
    def predict_quantiles(self, X: Any, quantiles: Sequence[float] = (0.1, 0.5, 0.9)) -> Any:
        """Return what each of these shares of answers is not above, (rows, quantiles).

        As honest as `predict_interval`, on either side apart, and in need of more rows: 99 for the
        hundredth. Raises NotFittedError, DataError or ArgumentError.
        """
        model = self._model()
        found = model.predict_quantiles(further_features(self, X, model), quantiles)
        return self._said(found, X, self._each(*[f"quantile_{share:g}" for share in quantiles]))

    def _each(self, *names: str) -> list[str]:
        """Return names of columns: these, or of several answers these of each."""
        if not self.model_.target.is_joint:
            return list(names)
        return [f"{answer}_{name}" for answer in self._answers() for name in names]

    @with_own_float_errors
    def calibrate(self, X: Any, y: Any) -> Regressor:
        """Take the errors on rows X with answers y for intervals from now on; return the estimator.

        They must be rows that it did not learn from. Raises NotFittedError or DataError.
        """
        model = self._model()
        data = further_features(self, X, model)
        answers = self._encoded(y, len(data))
        found = Calibration.of(model.outputs(data), answers, model.target, "calibrate(X, y)")
        if found is None:
            raise DataError("X and y", needed="a row or more", got="none")
        model.calibration = found
        return self

    def _model(self) -> Model:
        model = self._fitted_model()
        assert isinstance(model, Model)
        return model

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks: several numbers at once are fine."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R² of what is predicted for rows X whose numbers are y, at most 1.

        Of several numbers the mean of theirs.

        sample_weight: (rows,), what each row counts. Raises NotFittedError or DataError.
        """
        return r2_of(self, X, y, sample_weight)
