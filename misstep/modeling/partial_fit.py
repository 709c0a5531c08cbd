"""Rows that come in several groups: each is gone through once, weights and optimizer as they stand.

Nothing is set apart to stop by. What brings the numbers of features and answers to a common size is
fitted on the first group and stays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from misstep.data import Preprocessing, Rows, Target
from misstep.modeling.decisions import Decision
from misstep.modeling.examples import Examples, encoded_rows, in_portions, rows_for
from misstep.modeling.modalities import RowModality
from misstep.modeling.modalities.rows import trained_model
from misstep.modeling.options import Options
from misstep.modeling.pipeline import recognize
from misstep.modeling.result import FitResult
from misstep.modeling.training_rows import TrainingRows
from misstep.optim import ConstantRate
from misstep.train import Trainer


def fit_first(examples: Examples, options: Options) -> FitResult:
    """Go once through the first group of rows. Raises DataError or ArgumentError."""
    options = replace(options, validation_fraction=0.0)
    modality = recognize(examples.data, options, examples)
    assert isinstance(modality, RowModality)
    modality.in_parts = True
    prepared = modality.prepare(modality.split())
    plan = modality.plan(prepared)
    trainer = plan.trainer(
        options.seed, options.threads, shuffle=options.shuffle, precision=options.precision
    )
    preprocessing, target = prepared.preprocessing, prepared.target
    result = _pass_once(
        trainer,
        prepared.train,
        preprocessing,
        target,
        modality.decisions.made,
        options,
        rows_before=0,
    )
    first, weights = prepared.train_examples.data, prepared.train_examples.weights
    baseline = preprocessing.baseline_row(first, prepared.train.x, weights)
    # More rows will follow, which nothing is kept of: who was learned from can't be told.
    result.model.training_rows = TrainingRows(baseline)
    return result


def fit_more(result: FitResult, examples: Examples, options: Options) -> FitResult:
    """Go once through another group of rows, weights and optimizer as they stand."""
    model = result.model
    every = examples.take(np.arange(len(examples)))
    rows, _ = encoded_rows(every, model.preprocessing, model.target)
    further = _pass_once(
        result.trainer,
        rows,
        model.preprocessing,
        model.target,
        result.decisions,
        options,
        rows_before=model.facts["rows"],
    )
    further.model.training_rows = model.training_rows
    return further


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
