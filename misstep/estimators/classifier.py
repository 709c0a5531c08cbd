"""`Classifier`: a network that tells classes apart, in scikit-learn's terms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from scipy.special import logsumexp
from sklearn.base import ClassifierMixin

from misstep.data import Dataset, JointTarget, Target, TaskType
from misstep.data.weights import checked_weights
from misstep.errors import ArgumentError, DataError
from misstep.estimators.base import Estimator
from misstep.estimators.class_weights import class_weights_of
from misstep.estimators.reading import (
    class_target,
    codes_of,
    first_features,
    further_features,
    groups_of,
    labels_of,
)
from misstep.estimators.scoring import accuracy_of
from misstep.estimators.several_answers import are_several, several_labels, several_target
from misstep.estimators.validation_rows import validation_features, validation_parts
from misstep.ir import Array
from misstep.ir.float_errors import with_own_float_errors
from misstep.modeling import Examples, Face, Model, fit_first, fit_more, weighted_examples
from misstep.modeling.model import finite_answers


class Classifier(ClassifierMixin, Estimator):
    """A neural network that tells two or more classes apart.

    What is None is decided for the data, each decision with its reason in `decisions_`. The network
    may be a line such as "dense64-drop0.1-dense32", or an `ms.Module` that is the whole network
    (one output for two classes, else one for each). {arguments}

    After fit: `classes_`, `n_features_in_`, `feature_names_in_` (of a frame), `history_` (a dict
    for each epoch), `n_iter_` (epochs), `loss_` (training loss of the epoch whose weights were
    kept), `decisions_`, `network_` (an `ms.Network`) and `model_` (an `ms.modeling.Model`).

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

    face: ClassVar[Face] = Face.CLASSIFIER
    first: ClassVar[str] = "network"
    model_: Model

    @with_own_float_errors
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, validation: Any = None
    ) -> Classifier:
        """Train anew on rows X and their classes y, and return the estimator.

        X: (rows, features), an array of finite numbers; a frame whose columns are numbers,
        categories, dates or texts, gaps allowed; texts, (rows,), a list, array or series; recorded
        sequences, (rows, steps, channels), NaN where a short one is filled up; or images: bytes
        (rows, height, width[, channels]), or a list of paths. y: (rows,), labels of any kind; or
        several labels that hold or not, 1 or 0, (rows, labels), that one network predicts together.
        sample_weight: (rows,); a row of weight 2 is that row twice, a row of weight 0 is not there,
        and neither is a class whose rows all weigh 0. groups: (rows,) which rows belong together,
        such as the person each is of; those of a group all validate or are all learned from.
        validation: (X, y) or (X, y, weights), rows of yours that tell when to stop; nothing is set
        apart of X then.

        Raises DataError, DtypeError or ArgumentError.
        """
        options = self._options()
        examples, classes = self._examples(X, y, sample_weight, groups, validation)
        if options.warm_start and self._is_fitted():
            self._refuse_other_classes(classes)
        result = self._trained(examples, options, X, y, classes_=classes)
        self.classes_ = classes
        self._take(result)
        return self

    def _refuse_other_classes(self, classes: Array) -> None:
        """Raise DataError for classes that the network to go on with does not have."""
        if not np.array_equal(classes, self.classes_):
            raise DataError(
                "y with warm_start",
                needed=f"the classes of the last fit, {self.classes_.tolist()}"[:200],
                got=str(classes.tolist())[:200],
                try_="warm_start=False, to train anew",
            )

    def _given(self, X: Any, y: Any, sample_weight: Any, groups: Any, validation: Any) -> Examples:
        return self._examples(X, y, sample_weight, groups, validation)[0]

    def _examples(
        self, X: Any, y: Any, sample_weight: Any, groups: Any, validation: Any
    ) -> tuple[Examples, Array]:
        """Return rows with their answers, and the classes among these."""
        data = first_features(self, X)
        if are_several(y):
            examples = self._several(y, data, sample_weight, groups)
            if validation is not None:
                own, answers, weights = validation_parts(validation)
                judged = self._several(answers, validation_features(self, own, data), weights)
                examples = replace(examples, validation=judged)
            assert isinstance(examples.target, JointTarget)
            return examples, np.asarray(examples.target.names)
        labels = labels_of(self, y, len(data))
        weights = checked_weights(sample_weight, len(labels))
        present = weights > 0
        classes = np.unique(labels[present])
        target = class_target(y, classes, int(present.sum()))
        codes = codes_of(labels, classes, present)
        counts = np.bincount(codes, weights, len(classes))
        by_class = class_weights_of(self.class_weight, classes, counts)
        together = groups_of(groups, len(labels))
        examples = weighted_examples(data, codes, target, weights, by_class, together)
        if validation is not None:
            own = self._validation(validation, data, classes, target)
            examples = replace(examples, validation=own)
        return examples, classes

    def _several(self, y: Any, data: Dataset, sample_weight: Any, groups: Any = None) -> Examples:
        """Return rows with several labels each."""
        labels = several_labels(y, len(data))
        if self.class_weight is not None:
            raise ArgumentError(
                "class_weight",
                needed="None for several labels",
                got=repr(self.class_weight),
                try_="sample_weight",
            )
        target = several_target(y, labels.shape[1], TaskType.LABELS, len(data))
        together = groups_of(groups, len(data))
        return weighted_examples(data, labels, target, sample_weight, groups=together)

    def _validation(
        self, validation: Any, first: Dataset, classes: Array, target: Target
    ) -> Examples:
        """Return the rows that a person brings to be judged by."""
        X, y, sample_weight = validation_parts(validation)
        data = validation_features(self, X, first)
        labels = labels_of(self, y, len(data))
        weights = checked_weights(sample_weight, len(labels))
        codes = codes_of(labels, classes, weights > 0)
        return weighted_examples(data, codes, target, weights)

    def _encoded(self, y: Any, rows: int) -> Array:
        if self.model_.target.is_joint:
            return self.model_.target.encode(several_labels(y, rows))
        return codes_of(labels_of(self, y, rows), self.classes_, np.ones(rows, bool))

    @with_own_float_errors
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Classifier:
        """Go once through the rows X, weights and optimizer as they stand; return the estimator.

        The first call, on an estimator not fitted, needs all `classes` that will come. Its rows
        decide the network and bring numbers to a common size, so they should be typical. Nothing is
        set apart, nothing stops by itself. Shapes and errors as in `fit`.
        """
        options = self._options()
        first = not self._is_fitted()
        if are_several(y) and (first or self.model_.target.is_joint):
            data = first_features(self, X) if first else further_features(self, X, self.model_)
            examples = self._several(y, data, sample_weight)
        else:
            classes = self._classes_to_come(classes)
            data = first_features(self, X) if first else further_features(self, X, self.model_)
            examples = self._part(y, data, classes, sample_weight, first=first)
        result = (
            fit_first(examples, options) if first else fit_more(self._result, examples, options)
        )
        target = result.model.target
        self.classes_ = np.asarray(target.names) if isinstance(target, JointTarget) else classes
        self._take(result, in_parts=True)
        return self

    def _part(
        self, y: Any, data: Dataset, classes: Array, sample_weight: Any, *, first: bool
    ) -> Examples:
        """Return some of the rows with a class each, one of `classes`."""
        labels = labels_of(self, y, len(data))
        weights = checked_weights(sample_weight, len(labels))
        codes = codes_of(labels, classes, weights > 0)
        if isinstance(self.class_weight, str):
            raise ArgumentError(
                "class_weight in partial_fit",
                needed="weights by label or None",
                got=repr(self.class_weight),
                try_="counting the classes of all rows beforehand",
            )
        by_class = class_weights_of(self.class_weight, classes, np.ones(len(classes)))
        target = class_target(y, classes, len(labels)) if first else self.model_.target
        return weighted_examples(data, codes, target, weights, by_class)

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

    @with_own_float_errors
    def predict(self, X: Any) -> Any:
        """Return the likeliest class of each row, (rows,), or labels, (rows, labels), 0 or 1.

        Raises NotFittedError or DataError.
        """
        outputs = self._outputs(X)
        if self.model_.target.is_joint:
            return self._said(self.model_.decide(outputs), X, self.classes_.tolist())
        return self._said(self.classes_[outputs.argmax(axis=1)], X)

    @with_own_float_errors
    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each of `classes_`, (rows, classes), rows summing to 1.

        Of labels that hold or not, that each of them holds.

        Raises NotFittedError or DataError.
        """
        return self._said(self._shares(X), X, self.classes_.tolist())

    @with_own_float_errors
    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of `predict_proba`, float64; of none that is 0, by the raw outputs.

        Raises NotFittedError or DataError.
        """
        shares = self._shares(X).astype(np.float64)
        found = np.log(np.where(shares > 0.0, shares, 1.0))
        if (shares == 0.0).any():
            found = np.where(shares > 0.0, found, self._log_probabilities(X))
        return self._said(found, X, self.classes_.tolist())

    @with_own_float_errors
    def decision_function(self, X: Any) -> Array:
        """Return the raw outputs of the network: of two classes (rows,), above 0 for the second.

        Else (rows, classes), the largest of the likeliest class, or of labels, above 0 where it
        holds. Raises NotFittedError or DataError.
        """
        raw = self._raw(X)
        if raw.shape[1] == 1:
            return np.asarray(raw[:, 0])
        two = self.model_.target.task is TaskType.BINARY
        return np.asarray(raw[:, 1] - raw[:, 0]) if two else raw

    def _shares(self, X: Any) -> Array:
        """Return the probability of each class, (rows, classes)."""
        found = np.asarray(self._outputs(X))
        if (found == 0.0).any():
            # Of two classes the first has what is left of 1, which rounds to 0 near the second.
            unrounded = np.exp(self._log_probabilities(X)).astype(found.dtype)
            found = np.where(found == 0.0, unrounded, found)
        return found

    def _log_probabilities(self, X: Any) -> Array:
        """Return the logarithm of each class's probability, (rows, classes)."""
        raw = self._raw(X)
        if self.model_.target.is_joint:
            found = -np.logaddexp(0.0, -raw)
        elif raw.shape[1] == 1:
            found = -np.logaddexp(0.0, np.concatenate([raw, -raw], axis=1))
        else:
            found = raw - logsumexp(raw, axis=1, keepdims=True)
        return np.asarray(found)

    def _raw(self, X: Any) -> Array:
        """Return what the network says before it becomes probabilities, (rows, outputs)."""
        model = self._fitted_model()
        features = model.encode(further_features(self, X, model))
        return np.asarray(finite_answers(model.network.predict(features)), np.float64)

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks: several labels at once are fine."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows X whose class y is predicted, from 0 to 1.

        sample_weight: (rows,), what each row counts. Raises NotFittedError or DataError.
        """
        return accuracy_of(self, X, y, sample_weight)
