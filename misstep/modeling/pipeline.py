"""The one walk from data to a model, for the command line, the estimators and whoever calls it.

read → recognize → split → prepare → plan → fit → evaluate → result. What each step does for a kind
of data, its modality says (`modalities/`); this file must not tell kinds apart.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from misstep.data import Dataset, read_source
from misstep.data.preparation import FOLDER as PREPARED
from misstep.data.preparation import Preparation
from misstep.errors import ArgumentError, DataError, MisstepError
from misstep.exchange import joined
from misstep.ir.float_errors import with_own_float_errors
from misstep.modeling.decisions import Decision
from misstep.modeling.examples import Examples
from misstep.modeling.modalities import Modality
from misstep.modeling.modalities.modality import Fitted, Setup
from misstep.modeling.options import Options, check_options
from misstep.modeling.outcome import Outcome, keep_outcome
from misstep.modeling.plans import Plan, check_vectors
from misstep.modeling.result import FitResult
from misstep.offers import ask
from misstep.text.counts import counted

__all__ = ["Walk", "check_request", "preparation_for", "recognize", "train"]


@with_own_float_errors
def train(
    data: Dataset | str | os.PathLike[str],
    options: Options | None = None,
    examples: Examples | None = None,
    start: FitResult | None = None,
) -> FitResult:
    """Train on `data`, or what is in a file of that name; return the model and all about it.

    `examples`: the answers, where somebody holds them apart from the rows; nothing is tested then.
    `start`: what came of the training of rows that this one goes on from, weights and
    preprocessing. Raises StorageError, FileFormatError, DataError or ArgumentError.
    """
    options = options or Options()
    dataset = data if isinstance(data, Dataset) else read_source(data, preparation_for(options))
    modality = recognize(dataset, options, examples)
    modality.start = start
    walk = Walk(modality)
    for _ in walk:
        pass
    result, folder = walk.result, walk.modality.options.folder
    if folder is not None and joined().is_first:
        keep_outcome(Outcome.of_result(result), result.run.record, folder)
        if trouble := ask("report left by a walk")(result, folder):
            warnings.warn(trouble, RuntimeWarning, stacklevel=3)
    return result


def preparation_for(
    options: Options, say: Callable[[str], None] = lambda words: None
) -> Preparation | None:
    """Return where rows are prepared that do not fit into memory; None where there is no place.

    `say`: gets a line now and then. Raises ArgumentError.
    """
    folder = options.prepared
    if folder is None and options.folder is not None:
        folder = Path(options.folder) / PREPARED
    if folder is None:
        if options.memory is None:
            return None
        raise ArgumentError(
            "memory",
            needed="a folder for rows that do not fit",
            got="none",
            try_="folder=…, that of the run, or prepared=…",
        )
    return Preparation.of(folder, options.memory, say)


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
            if data.is_sample and not modality.learns_from_samples:
                raise DataError(
                    "the data",
                    needed="rows that fit into memory, where their order is learned from",
                    got=f"a file of which {counted(len(data), data.sample_name)} do",
                    try_="fewer rows, or --memory with more of it",
                )
            return modality
    raise DataError("the data", needed="a kind that can be learned from", got=data.description)


class Walk:
    """The steps from recognized data to the `result`, one after the other.

    Iterating goes them: it yields the decisions that each step made, so that a face can show them
    as they come. `prepared`, `plan` and `setup` are what it trains by, there once it does; `fitted`
    is there once it is trained, `result` once all steps are done.
    """

    prepared: Any
    plan: Plan
    setup: Setup
    fitted: Fitted | None = None
    result: FitResult

    def __init__(self, modality: Modality) -> None:
        self.modality = modality

    def __iter__(self) -> Iterator[Sequence[Decision]]:
        """Go the steps. Raises what each of them raises."""
        modality, began = self.modality, time.perf_counter()
        decisions = modality.decisions
        try:
            split = modality.split()
            yield decisions.news()
            prepared = modality.prepare(split)
            yield decisions.news()
            modality.budget.begin()
            plan = modality.plan(prepared)
            yield decisions.news()
            setup = modality.setup(prepared, plan)
            plan = modality.plan_in_time(setup, plan)
            yield decisions.news()
            self.prepared, self.plan, self.setup = prepared, plan, setup
            self.fitted = fitted = modality.fit(prepared, plan, setup)
            yield decisions.news()
            evaluation = modality.evaluate(prepared, fitted)
        except MisstepError:
            # What was decided until then says where the error comes from.
            yield decisions.news()
            raise
        yield decisions.news()
        self.result = FitResult(
            model=evaluation.model,
            run=fitted.run,
            trainer=fitted.trainer,
            scores=evaluation.scores,
            decisions=decisions.made,
            notes=[*modality.notes, *fitted.run.notes],
            seconds=time.perf_counter() - began,
            baselines=evaluation.baselines,
            learning_curve=fitted.learning_curve,
            forecast=evaluation.forecast,
            test_errors=evaluation.errors,
            held_out=evaluation.held_out,
            training_examples=evaluation.training_examples,
            described=modality.source.describe(),
            watched=evaluation.watched,
        )
