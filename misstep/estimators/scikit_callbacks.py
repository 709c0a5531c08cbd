"""Callbacks of scikit-learn (1.9 and later), told of fit as a whole and of each epoch.

`set_callbacks` comes from scikit-learn itself; where it has none yet, estimators have none either.
An epoch is a task of its own below fit; a callback that returns True at its end stops training
there. Knows no model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from misstep.modeling.model_callback import ModelCallback
from misstep.train.training import Training

__all__ = ["CallbackSupport", "EpochTasks", "begun_task", "with_teardown"]


class _NoSupport:
    """What an estimator inherits where scikit-learn has no callbacks yet."""


def _of_scikit_learn(name: str, otherwise: Any) -> Any:
    try:
        return getattr(import_module("sklearn.callback"), name, otherwise)
    except ImportError:
        return otherwise


def _unchanged(method: Callable[..., Any]) -> Callable[..., Any]:
    return method


if TYPE_CHECKING:

    class CallbackSupport:
        """What gives an estimator `set_callbacks`."""

else:
    CallbackSupport = _of_scikit_learn("CallbackSupportMixin", _NoSupport)

# Makes a method tear callbacks down at its end, however it ends.
with_teardown: Callable[[Callable[..., Any]], Callable[..., Any]] = _of_scikit_learn(
    "with_callbacks", _unchanged
)


def begun_task(estimator: Any, X: Any, y: Any) -> Any:
    """Tell an estimator's callbacks that fit begins; return the context, or None without any."""
    if not getattr(estimator, "_skl_callbacks", None):
        return None
    # How many epochs there will be is decided later.
    context = estimator._init_callback_context(max_subtasks=None)
    context.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
    return context


class EpochTasks(ModelCallback):
    """Tells callbacks of scikit-learn of each epoch.

    `context`: of fit. X, y: what it was given. `fitted`: attributes, besides the model, of an
    estimator that can predict.
    """

    def __init__(
        self, estimator: Any, context: Any, X: Any, y: Any, fitted: Mapping[str, Any]
    ) -> None:
        self.estimator, self.context, self.X, self.y = estimator, context, X, y
        self.fitted = fitted

    def on_epoch_end(self, training: Training) -> None:
        """Tell of an epoch, with an estimator that can predict as it stands where one is asked."""
        task = self.context.subcontext(task_name="epoch")
        told: dict[str, Any] = {"estimator": self.estimator, "X": self.X, "y": self.y}
        task.call_on_fit_task_begin(**told)

        def attributes() -> dict[str, Any] | None:
            model = self.model(training)
            return None if model is None else {**self.fitted, "model_": model}

        if task.call_on_fit_task_end(**told, reconstruction_attributes=attributes):
            training.stop("a callback of scikit-learn asked for it")

    def end(self, model: Any) -> None:
        """Tell that fit is over, with the model that came of it."""
        attributes = {**self.fitted, "model_": model}
        self.context.call_on_fit_task_end(
            estimator=self.estimator,
            X=self.X,
            y=self.y,
            reconstruction_attributes=lambda: attributes,
        )
