"""The one walk from data to a model, for the command line, the estimators and whoever calls it.

read → recognize → split → prepare → plan → fit → evaluate → result. What each step does for a kind
of data, its modality says (`modalities/`); this file must not tell kinds apart.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from misstep.data import Dataset, Preprocessing, Rows, Target, read_source
from misstep.errors import DataError
from misstep.modeling.decisions import Decision
from misstep.modeling.examples import Examples, encoded_rows, in_portions, rows_for
from misstep.modeling.modalities import Modality, RowModality
from misstep.modeling.modalities.rows import trained_model
from misstep.modeling.options import Options, check_options
from misstep.modeling.plans import check_vectors
from misstep.modeling.result import FitResult
from misstep.optim import ConstantRate
from misstep.train import Trainer

__all__ = ["Walk", "check_request", "fit_first", "fit_more", "recognize", "train"]


def train(
    data: Dataset | str | os.PathLike[str],
    options: Options | None = None,
    examples: Examples | None = None,
) -> FitResult:
    """Train on `data`, or what is in a file of that name; return the model and all about it.

    `examples`: the answers, where somebody holds them apart from the rows; nothing is tested then.
    Raises StorageError, FileFormatError, DataError or ArgumentError.
    """
    dataset = data if isinstance(data, Dataset) else read_source(data)
    walk = Walk(recognize(dataset, options or Options(), examples))
    for _ in walk:
        pass
    return walk.result


def check_request(options: Options, *, by_flag: bool = False) -> None:
    """Raise ArgumentError for options that nothing can be done with, whatever the data are.

    `by_flag`: whether the message calls options as the command line does.
    """
    check_options(options, by_flag=by_flag)
    check_vectors(options)


def recognize(data: Dataset, options: Options, examples: Examples | None = None) -> Modality:
    """Return `data` as what they are, with what was asked of them.

    `examples`: the answers, where somebody holds them apart from the rows. Raises ArgumentError for
    options that mean nothing for such data, DataError for data of no kind.
    """
    check_request(options)
    for kind in Modality.registry:
        modality = kind.recognize(data, options, examples)
        if modality is not None:
            return modality
    raise DataError("the data", needed="a kind that can be learned from", got=data.description)


class Walk:
    """The steps from recognized data to the `result`, one after the other.

    Iterating goes them: it yields the decisions that each step made, so that a face can show them
    as they come. `result` is there once all steps are done.
    """

    result: FitResult

    def __init__(self, modality: Modality) -> None:
        self.modality = modality

    def __iter__(self) -> Iterator[Sequence[Decision]]:
        """Go the steps. Raises what each of them raises."""
        modality, began = self.modality, time.perf_counter()
        decisions = modality.decisions
        split = modality.split()
        yield decisions.news()
        prepared = modality.prepare(split)
        yield decisions.news()
        plan = modality.plan(prepared)
        yield decisions.news()
        fitted = modality.fit(prepared, plan)
        yield decisions.news()
        evaluation = modality.evaluate(prepared, fitted)
        yield decisions.news()
        self.result = FitResult(
            model=evaluation.model,
            run=fitted.run,
            trainer=fitted.trainer,
            scores=evaluation.scores,
            decisions=decisions.made,
            notes=modality.notes,
            seconds=time.perf_counter() - began,
            baselines=evaluation.baselines,
            learning_curve=fitted.learning_curve,
            forecast=evaluation.forecast,
        )


def fit_first(examples: Examples, options: Options) -> FitResult:
    """Go once through the first of several groups of rows; nothing is set apart to stop by.

    How many will follow is not known, so there are no epochs and the learning rate stays the same.
    What brings the numbers of features and answers to a common size is fitted on these rows and
    stays. Raises DataError or ArgumentError.
    """
    options = replace(options, validation_fraction=0.0)
    modality = recognize(examples.data, options, examples)
    assert isinstance(modality, RowModality)
    modality.in_parts = True
    prepared = modality.prepare(modality.split())
    plan = modality.plan_network(modality.planner(prepared), prepared)
    decisions = modality.decisions
    decisions.made = [each for each in decisions.made if each.what not in ("optimizer", "epochs")]
    name, rate = type(plan.optimizer).__name__, plan.optimizer.learning_rate
    choice = f"{name}, learning rate {rate:g} throughout"
    decisions.add("optimizer", choice, "how many rows will follow is not known")
    trainer = plan.trainer(options.seed, options.threads)
    preprocessing, target = prepared.preprocessing, prepared.target
    return _pass_once(
        trainer, prepared.train, preprocessing, target, decisions.made, options, rows_before=0
    )


def fit_more(result: FitResult, examples: Examples, options: Options) -> FitResult:
    """Go once through another group of rows, weights and optimizer as they stand."""
    model = result.model
    every = examples.take(np.arange(len(examples)))
    rows, _ = encoded_rows(every, model.preprocessing, model.target)
    return _pass_once(
        result.trainer,
        rows,
        model.preprocessing,
        model.target,
        result.decisions,
        options,
        rows_before=model.facts["rows"],
    )


def _pass_once(
    trainer: Trainer,
    rows: Rows,
    preprocessing: Preprocessing,
    target: Target,
    decisions: list[Decision],
    options: Options,
    *,
    rows_before: int,
) -> FitResult:
    """Go once through the rows at the full learning rate."""
    rows = in_portions(rows)
    trainer.schedule = ConstantRate()
    x, y, weights = rows_for(trainer.loss, rows)
    run = trainer.fit(x, y, sample_weight=weights, epochs=1, progress=options.progress)
    count = rows_before + len(rows)
    model = trained_model(trainer, run, preprocessing, target, count, options.seed)
    return FitResult(model, run, trainer, {}, decisions, [], run.seconds)
