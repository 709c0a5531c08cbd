"""`tune`: the search for hyperparameters in Python, for estimators, trainers and data in files.

Brings what people hold to the search that fits it, and fits an estimator with what it finds.
Decides nothing about hyperparameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from misstep.errors import ArgumentError
from misstep.estimators.base import Estimator
from misstep.modeling import make_options
from misstep.train import Trainer
from misstep.tuning import TrialResult, tune_trainer
from misstep.tuning import tune as tune_data
from misstep.tuning.study import TRIALS

__all__ = ["tune"]


def tune(
    subject: Any,
    *data: Any,
    space: Mapping[str, Any] | None = None,
    trials: int = TRIALS,
    minutes: float | None = None,
    storage: str | Path | None = None,
    name: str | None = None,
    workers: int = 1,
    sampler: Any = "tpe",
    pruner: Any = "median",
    folder: str | Path | None = None,
    on_trial: Callable[[TrialResult], None] | None = None,
    **more: Any,
) -> Any:
    """Search for hyperparameters that do better on validation rows than the default ones.

    `subject`: what is tuned.

    - An estimator, with the `data` and `more` that its fit takes, such as `X, y` or a series: a
      copy of it comes back that has the best hyperparameters and is fitted, with all about the
      search in `tuning_`. `subject` stays as it is.
    - An `ms.Trainer`, or a function that makes one of a dictionary of hyperparameters, with `data`
      x and y and, by name, what `misstep.tuning.tune_trainer` takes (validation, sample_weight,
      epochs, early_stopping, seed): an `ms.tuning.Tuning` comes back, whose `trainer` has the best
      settings and has learned nothing.
    - What `misstep train` reads (a path, the name of an example): with `more` as in
      `ms.modeling.Options`, such as target; an `ms.tuning.Tuning` comes back.

    `space`: what is searched, by name, instead of all that is open: lists, texts such as
    "1e-4..1e-2", or domains of `ms.modeling.hyperparameters`. `trials`: how many, the default
    configuration among them, so that what is found is never worse on validation rows; what is not
    better beyond noise on other rows too is not taken. `minutes`: that the search may take.
    `storage`: a journal file, or a URL that Optuna takes; `name`: of the study there; whoever gives
    the same joins it. `workers`: processes that try at the same time. `sampler`, `pruner`: names,
    or Optuna's own. `folder`: for the journal, where no storage is given. `on_trial`: called with
    what came of each trial.

    Ctrl-C ends the search with the best so far. Raises MisstepError without Optuna, ArgumentError
    for what can't be used, DataError where there are no validation rows, and what fit raises.

    >>> import numpy as np
    >>> import misstep as ms
    >>> X = np.random.default_rng(0).normal(size=(120, 2))
    >>> y = np.where(X[:, 0] > X[:, 1], "left", "right")
    >>> start = ms.Classifier("dense4", epochs=5)
    >>> classifier = ms.tune(start, X, y, space={"learning_rate": "1e-3..1e-1"}, trials=4)
    >>> tuning = classifier.tuning_
    >>> tuning.best.validation_loss <= tuning.default.validation_loss
    True
    >>> len(classifier.predict(X))
    120
    """
    search: dict[str, Any] = {
        "space": space,
        "trials": trials,
        "minutes": minutes,
        "storage": storage,
        "name": name,
        "sampler": sampler,
        "pruner": pruner,
        "folder": folder,
        "on_trial": on_trial,
    }
    if isinstance(subject, Estimator):
        return subject._tuned(data, more, {**search, "workers": workers})
    if isinstance(subject, Trainer) or callable(subject):
        if workers != 1:
            raise ArgumentError(
                "workers",
                needed="1, for a trainer",
                got=repr(workers),
                try_="several processes that give the same storage and name",
            )
        if len(data) != 2:
            raise ArgumentError("tune", needed="x and y, for a trainer", got=f"{len(data)} of them")
        x, y = data
        return tune_trainer(subject, x, y, **{**more, **search})
    if data:
        raise ArgumentError(
            "tune",
            needed="an estimator or a trainer, and its data; or what misstep train reads",
            got=f"{type(subject).__name__} and {len(data)} more",
            try_="ms.tune(ms.Classifier(), X, y)",
        )
    return tune_data(subject, make_options(**more), **search, workers=workers)
