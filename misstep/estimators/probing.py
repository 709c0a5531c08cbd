"""An estimator's training done again, one thing changed at a time: `diagnose(X, y, probe=True)`.

Knows how an estimator's rows become those of its trainer; what is tried is in `trials/`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from misstep.doctor import Diagnosis
from misstep.errors import ArgumentError, DataError
from misstep.modeling import Setup
from misstep.record import Record, RunDescription
from misstep.trials import probe, setting_of


def probed(record: Record, setup: Setup, budget: float) -> Diagnosis:
    """Return what goes wrong in a recorded training, which `setup` is to begin again.

    Raises DataError for other rows than those of the record, ArgumentError for a budget that is not
    above 0.
    """
    if not (isinstance(budget, int | float) and budget > 0):
        raise ArgumentError("budget", needed="seconds, more than 0", got=repr(budget))
    trainer = setup.trainer.variant(input_shape=setup.x.shape[1:])
    check_same_rows(record, setup, "probing")
    setting = setting_of(record, trainer, setup.x, setup.y, setup.weights, setup.validation, budget)
    return probe(setting, record).diagnosis


def check_same_rows(record: Record, setup: Setup, what: str) -> None:
    """Raise DataError where `setup` has other rows than those of a recorded training."""
    trainer = setup.trainer.variant(input_shape=setup.x.shape[1:])
    weights = setup.weights
    again = trainer.start_record(setup.x, setup.y, sample_weight=weights).description
    was = record.description
    if was is not None and again is not None and _numbers_of(was) != _numbers_of(again):
        raise DataError(
            f"{what} an estimator",
            needed="the rows and answers that it was fitted on",
            got="others",
            try_="the X and y of fit, with its sample_weight and groups",
        )


def _numbers_of(described: RunDescription) -> tuple[Any, ...]:
    """Return what a description says of network and rows, without what columns are called."""
    inputs, answers = described.inputs, described.answers
    features = () if inputs is None else inputs.features
    return (
        described.parameter_count,
        None if inputs is None else (inputs.rows, inputs.columns, inputs.whole),
        [replace(feature, name="") for feature in features],
        None if answers is None else replace(answers, names=()),
    )
