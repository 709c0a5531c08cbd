"""`Material`: all that is known of a run, for the sections of its report.

A run of a person's own loop has a record alone; one of the command line has data, a model, scores.
A section takes what there is, and says nothing of the rest. Knows no HTML.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from misstep.data import Dataset, Decision, Series
from misstep.doctor import Diagnosis, examine
from misstep.modeling import FitResult, Mistakes, Model, TrainedModel, load_model, mistakes_of
from misstep.modeling.command import command_of
from misstep.modeling.examples import Examples
from misstep.modeling.held_out import HeldOut, HeldOutExamples
from misstep.modeling.learning_curve import LearningCurve
from misstep.modeling.outcome import Outcome
from misstep.modeling.result import ForecastResult
from misstep.modeling.rows_again import RowsAgain
from misstep.record import Record, read_record
from misstep.report.tuning import Search
from misstep.train import Run

__all__ = ["MODEL", "Material"]

# The file of the model in a run's folder.
MODEL = "model.misstep"


@dataclass(frozen=True)
class Material:
    """All that is known of a run.

    `name`: what the page is called. `source`: what was learned from, as a person named it, or "".
    `command`: that does it again, or "". `result`: of the walk from data to a model; `outcome`:
    what came of it in plain facts, also where a record alone is left. `repair`: what was tried to
    repair it, or what came before it where a repair made it, as `trials.Repair.plain` says it.
    `learned`: the rows that were learned from, as people have them, where they are at hand;
    `watched`: those of validation, which the learning curve is about. `search`: that found
    its hyperparameters, if one did. `forecast`: the series, and what was forecast of its past.
    """

    name: str
    record: Record | None = None
    run: Run | None = None
    model: TrainedModel | None = None
    result: FitResult | None = None
    held_out: HeldOut | None = None
    source: str = ""
    command: str = ""
    outcome: Outcome | None = None
    repair: Mapping[str, Any] | None = None
    learned: Dataset | None = None
    watched: HeldOutExamples | None = None
    search: Search | None = None
    forecast: ForecastResult | None = None

    @classmethod
    def of_result(cls, result: FitResult, *, name: str = "") -> Material:
        """Return what is known where a walk ended in `result`."""
        record = result.run.record
        named = _named(record, name or f"Predicting {result.model.target.name}")
        return cls(
            **(named if not name else {**named, "name": name}),
            record=record,
            run=result.run,
            model=result.model if result.run.usable else None,
            result=result,
            held_out=result.held_out,
            outcome=Outcome.of_result(result),
            learned=_learned(result.training_examples),
            watched=result.watched,
            forecast=result.forecast,
        )

    @classmethod
    def of_run(cls, run: Run, *, name: str = "") -> Material:
        """Return what is known of a training of somebody's own network."""
        folder = "" if run.folder is None else run.folder.name
        return cls(
            **_named(run.record, name or folder or "A training"),
            record=run.record,
            run=run,
            repair=None if run.repair is None else run.repair.plain(),
        )

    @classmethod
    def of_record(
        cls, record: Record, *, name: str = "", model: TrainedModel | None = None
    ) -> Material:
        """Return what a record tells of its run, whoever trained; `model`: what came of it."""
        outcome = Outcome.of_record(record)
        return cls(
            **_named(record, name or "A training"), record=record, model=model, outcome=outcome
        )

    @classmethod
    def of_folder(cls, folder: Path | str) -> Material:
        """Return what is known of the run in a folder: its record, and its model if there is one.

        Raises StorageError or FileFormatError.
        """
        folder = Path(folder)
        path = folder / MODEL
        model = load_model(path) if path.is_file() else None
        name = folder.resolve().name
        return cls.of_record(read_record(folder), name=name, model=model)

    def with_series(self, series: Series) -> Material:
        """Return the same with the series of the run, and its forecasts beside what came."""
        forecasts = None if self.outcome is None else self.outcome.forecasts
        return replace(self, forecast=None if forecasts is None else forecasts.beside(series))

    def with_rows(self, rows: RowsAgain | None) -> Material:
        """Return the same with the rows of the run, split and prepared once more."""
        if rows is None:
            return self
        learned = _learned(rows.learned)
        return replace(self, held_out=rows.held_out, learned=learned, watched=rows.watched)

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """Return what goes wrong in the run; None without a record."""
        return None if self.record is None else examine(self.record)

    @cached_property
    def mistakes(self) -> Mistakes | None:
        """Return where the model errs most; None without rows to judge by."""
        if not isinstance(self.model, Model) or self.held_out is None or not len(self.held_out):
            return None
        return mistakes_of(self.model, self.held_out)

    @property
    def decisions(self) -> Sequence[Decision]:
        """Return what was chosen, each with its reason."""
        return () if self.outcome is None else self.outcome.decisions

    @property
    def learning_curve(self) -> LearningCurve | None:
        """Return what was wrong as the network learned, with examples; None where nobody looked."""
        return None if self.outcome is None else self.outcome.learning_curve

    @cached_property
    def repaired(self) -> Mapping[str, Any] | None:
        """Return what was tried to repair it, plain; None where nothing was."""
        if self.repair is not None:
            return self.repair
        events = [] if self.record is None else self.record.events
        tried = [one.get("repair") for one in events if one["kind"] == "repair"]
        return next((one for one in reversed(tried) if isinstance(one, Mapping)), None)

    @cached_property
    def best_epoch(self) -> int | None:
        """Return the epoch whose weights were kept; of a record alone the one of least loss.

        None where no epoch was judged, and where the last one was kept.
        """
        if self.run is not None:
            return self.run.best_epoch
        if self.model is not None:
            epoch = self.model.facts.get("best_epoch")
            return epoch if isinstance(epoch, int) else None
        return None

    @cached_property
    def lowest_epoch(self) -> int | None:
        """Return the epoch with the least validation loss; None where none was judged."""
        judged = [] if self.record is None else self.record.epochs
        losses = [
            (one["validation_loss"], int(one["epoch"]))
            for one in judged
            if math.isfinite(one.get("validation_loss", math.nan))
        ]
        return min(losses)[1] if losses else None


def _learned(examples: Examples | None) -> Dataset | None:
    """Return the rows that were learned from, each once, in their order."""
    return None if examples is None else examples.data.take(np.unique(examples.order))


def _named(record: Record | None, name: str) -> dict[str, Any]:
    """Return what a page is called, its source and its command, by what the record says."""
    described = None if record is None else record.description
    origin: Mapping[str, Any] = {} if described is None else described.origin
    source = origin.get("source")
    source = source if isinstance(source, str) else ""
    command = command_of(origin)
    return {"name": Path(source).name or name, "source": source, "command": command}
