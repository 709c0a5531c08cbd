"""`Repairable`: a training of the walk that can be repaired, and the model of what was adopted.

A training of this process, or one that a record tells of. Joins the walk with `trials`; what is
tried, and what is believed, stands there. Knows no face and prints nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from misstep.errors import ArgumentError, DataError, MisstepError
from misstep.ir import Array
from misstep.modeling.metrics import Scores, row_errors, target_scores
from misstep.modeling.modalities import Modality, RowModality, Setup
from misstep.modeling.modalities.modality import Evaluation, Fitted
from misstep.modeling.modalities.rows import Prepared
from misstep.modeling.model import Model, TrainedModel
from misstep.modeling.options import Options
from misstep.modeling.pipeline import Walk
from misstep.modeling.plans import Plan
from misstep.record import Record
from misstep.text.names import hyphenated
from misstep.train import Run, Trainer, rows_digest
from misstep.trials import Case, Repair, case_of, repair_case

__all__ = ["Repairable", "Tested", "check_repairable", "check_same_run"]

# Settings of a trainer, as people call them; those that decide what is learned.
SETTINGS = {
    "network": "the network",
    "loss": "the loss",
    "optimizer": "the optimizer",
    "schedule": "the schedule of the learning rate",
    "clipping": "clipping",
    "regularizers": "regularizers",
    "batch_size": "the batch size",
    "accumulate": "batches that make one update",
    "repeats_per_epoch": "passes in an epoch",
    "mixup": "mixup",
    "shuffle": "shuffling",
}


@dataclass(frozen=True)
class Tested:
    """What a model does on the test rows. `scores`: by metric; `errors`: of each row, (rows,)."""

    scores: Scores
    errors: Array


def check_repairable(modality: Modality) -> None:
    """Raise ArgumentError for data of a kind whose training can't be repaired, with the reason."""
    if not isinstance(modality, RowModality):
        raise ArgumentError(
            "repair",
            needed="rows that are learned once",
            got=modality.not_repaired or modality.source.description,
            try_="misstep diagnose --probe, which tells causes apart",
        )


@dataclass(frozen=True)
class Repairable:
    """A training that can be repaired.

    `modality`, `prepared`, `plan`, `setup`: as the walk made them. `record`: what was seen of it.
    `trained`: the trainer as it was left, None where its weights are not known. `seconds`: that it
    took, NaN where that is not known. `note`: what is to be said of where it stands, if anything.
    """

    modality: RowModality
    prepared: Prepared
    plan: Plan
    setup: Setup
    record: Record
    trained: Trainer | None
    seconds: float = math.nan
    note: str = ""

    @classmethod
    def of_walk(cls, walk: Walk) -> Repairable:
        """Return the training that a walk did. Raises ArgumentError, MisstepError."""
        modality, fitted = walk.modality, walk.fitted
        check_repairable(modality)
        assert isinstance(modality, RowModality)
        assert fitted is not None
        record = _watched(fitted.run)
        seconds = fitted.run.seconds
        return cls(modality, walk.prepared, walk.plan, walk.setup, record, fitted.trainer, seconds)

    @classmethod
    def of_training(cls, modality: Modality, trainer: Trainer, run: Run) -> Repairable:
        """Return a training of this process on data that are given once more.

        Raises ArgumentError, MisstepError where nobody watched it, and what the walk raises.
        """
        check_repairable(modality)
        assert isinstance(modality, RowModality)
        record = _watched(run)
        prepared, plan, setup = _begun(modality, record)
        return cls(modality, prepared, plan, setup, record, trainer, run.seconds)

    @classmethod
    def of_record(
        cls, modality: Modality, record: Record, folder: Path, model: TrainedModel | None
    ) -> Repairable:
        """Return the training that `record` in `folder` tells of, with data and options as it had.

        `model`: what came of it, if it is there; its weights count where no checkpoint can be read.
        Raises DataError where rows or network are others than those of the run, ArgumentError.
        """
        check_repairable(modality)
        assert isinstance(modality, RowModality)
        prepared, plan, setup = _begun(modality, record)
        check_same_run(record, setup, f"repair of {folder}")
        trained, note = _as_left(setup, plan, record, folder, model)
        seconds = sum(float(one.get("seconds", math.nan)) for one in record.epochs)
        return cls(modality, prepared, plan, setup, record, trained, seconds or math.nan, note)

    @property
    def keeps_best(self) -> bool:
        """Return whether the training kept the weights of its best epoch."""
        return self.plan.restore_best and self.setup.validation is not None

    @property
    def test_rows(self) -> int:
        """Return how many rows there are that neither training nor repair looks at."""
        return len(self.prepared.test) if self.modality.tested else 0

    def case(self) -> Case:
        """Return the training as repair takes it. Raises what `Trainer.fit` raises."""
        setup = self.setup
        trainer = self.trained or setup.trainer
        case = case_of(
            self.record,
            trainer,
            setup.x,
            setup.y,
            setup.weights,
            setup.validation,
            keeps_best=self.keeps_best,
        )
        case.trained = self.trained
        return case

    def repair(self, *, minutes: float | None = None, **how: Any) -> Repair:
        """Return what comes of repairing it, in so many `minutes`, None: as long as it takes.

        `how`: as for `trials.repair_case`. Raises what that raises.
        """
        stopping = None if self.setup.validation is None else self.plan.early_stopping()
        how["seconds"] = None if minutes is None else 60.0 * minutes
        return repair_case(self.case(), early_stopping=stopping, run_seconds=self.seconds, **how)

    def fitted(self, trainer: Trainer, run: Run, without: Sequence[int] = ()) -> Fitted:
        """Return the model of a trainer that learned the rows of this training in another way.

        `without`: positions of rows that it did not learn from.
        """
        return self.modality.fitted_again(self.prepared, trainer, run, without)

    def evaluation(self, fitted: Fitted) -> Evaluation:
        """Return the scores of a model beside the baselines; the model keeps them as facts."""
        return self.modality.evaluate(self.prepared, fitted)

    def tested(self, trainer: Trainer) -> Tested:
        """Return what a trainer's network does on the test rows."""
        prepared = self.prepared
        model = Model(trainer.network, trainer.loss, prepared.preprocessing, prepared.target, {})
        outputs, truth = model.outputs_of(prepared.test.x), prepared.test.y
        return Tested(
            target_scores(outputs, truth, prepared.target),
            row_errors(outputs, truth, prepared.target),
        )

    def source_numbers(self, positions: Sequence[int]) -> list[int]:
        """Return what the source numbers training rows at these positions, counted from 1."""
        numbers = self.prepared.train_numbers
        places = np.asarray(positions, int)
        whole = self.prepared.portions is self.prepared.train
        if numbers is None or not whole:
            return [int(one) + 1 for one in places]
        return [int(one) for one in np.asarray(numbers)[places]]

    @property
    def chosen(self) -> dict[str, Any]:
        """Return the hyperparameters that trials chose before the training, if some were made.

        Who says how to train gets no such trials, and must say these too.
        """
        described = self.record.description
        trials = {} if described is None else described.preparation.get("trials") or {}
        return dict(trials.get("hyperparameters") or {})

    def options_of(self, repair: Repair) -> dict[str, Any]:
        """Return options and hyperparameters, by name, that train as the repaired trainer did.

        As far as there are such; what else it has otherwise, `differing` says.
        """
        was, now = self.setup.trainer, repair.trainer
        options: dict[str, Any] = {}
        if type(now.optimizer) is not type(was.optimizer):
            options["optimizer"] = hyphenated(type(now.optimizer).__name__)
            options["learning_rate"] = now.optimizer.learning_rate
        elif now.optimizer.learning_rate != was.optimizer.learning_rate:
            options["learning_rate"] = now.optimizer.learning_rate
        for name in ("batch_size", "shuffle"):
            if getattr(now, name) != getattr(was, name):
                options[name] = getattr(now, name)
        changed: dict[str, Any] = {}
        for one in repair.adopted:
            changed |= dict(one.change.options)
        # Those of changes are rounded, as people write them; these are not.
        return {**changed, **options}

    def differing(self, values: Mapping[str, Any], trainer: Trainer) -> list[str]:
        """Return what training with other options from the start would have otherwise than this.

        `values`: options and hyperparameters by name; `trainer`: to be like. Empty where all
        settings are the same. Raises ArgumentError for what an option does not take.
        """
        known = {each.name for each in fields(Options)}
        own = {name: value for name, value in values.items() if name in known}
        rest = {name: value for name, value in values.items() if name not in known}
        chosen = {name: value for name, value in self.chosen.items() if name not in own}
        other = self.modality.with_hyperparameters({**chosen, **rest})
        other.options = replace(other.options, **own)
        plan = other.plan(self.prepared)
        made = other.setup(self.prepared, plan).trainer
        mine, theirs = _settings(trainer), _settings(made)
        return [words for name, words in SETTINGS.items() if mine[name] != theirs[name]]


def _watched(run: Run) -> Record:
    if run.record is None:
        raise MisstepError("repair", needed="a training that was watched", got="none")
    return run.record


def _begun(modality: RowModality, record: Record) -> tuple[Prepared, Plan, Setup]:
    """Return what a recorded training began with."""
    prepared = modality.prepare(modality.split())
    plan = modality.plan(prepared)
    described = record.description
    if described is not None and modality.options.minutes is not None:
        # So many were decided on by the clock.
        plan = replace(plan, epochs=described.epochs, patience=described.epochs)
    return prepared, plan, modality.setup(prepared, plan)


def check_same_run(record: Record, setup: Setup, what: str) -> None:
    """Raise DataError where `setup` is not what the run of a record began with; `what`: it."""
    facts = record.facts
    rows = setup.trainer.fork(setup.x, setup.y, setup.weights).rows
    if facts.get("data") not in (None, rows_digest(rows)):
        count = facts.get("rows")
        got = "others"
        if isinstance(count, int) and count != len(rows):
            got += f": {len(rows):,} to learn from, where the run had {count:,}"
        raise DataError(
            what,
            needed="the rows that the run learned from",
            got=got,
            try_="--data and where the data of the run are",
        )
    network = repr(setup.trainer.variant(input_shape=rows.x.shape[1:]).network.module)
    if "network" in facts and facts["network"] != network:
        raise DataError(
            what,
            needed="the network of the run",
            got="another one, as another version of misstep plans it",
            try_="training again, and that run",
        )


def _as_left(
    setup: Setup, plan: Plan, record: Record, folder: Path, model: TrainedModel | None
) -> tuple[Trainer | None, str]:
    """Return the trainer as a run left it, and what is to be said of that."""
    trainer = setup.trainer
    ends = [one["kind"] for one in record.events if one["kind"] in ("finished", "stopped")]
    # A run that was broken off has the weights of its best epoch, whatever was planned.
    restores = (plan.restore_best or ends[-1:] != ["finished"]) and setup.validation is not None
    why = "there is no checkpoint of it"
    try:
        left = trainer.left_in(folder, setup.x, setup.y, setup.weights, restore_best=restores)
    except MisstepError as error:
        left, why = None, f"its checkpoint can't be used ({error})"
    if left is not None and _is_finite(left):
        return left, ""
    if left is not None:
        why = "its checkpoint holds numbers that are not finite"
    if model is None:
        return None, f"{why}: remedies begin at its first weights"
    try:
        weights = trainer.with_weights(model.network.arrays(), setup.x.shape[1:])
    except MisstepError:
        return None, f"{why}, and the model is of another network: remedies begin at first weights"
    return weights, f"{why}: the weights are those of the model, what its optimizer knew is lost"


def _is_finite(trainer: Trainer) -> bool:
    state = trainer.state
    assert state is not None
    return all(bool(np.isfinite(one).all()) for one in (state.parameters, state.optimizer_state))


def _settings(trainer: Trainer) -> dict[str, str]:
    """Return the settings of a trainer in words that can be compared."""
    network: Any = trainer.network.module
    return {
        name: repr(network if name == "network" else getattr(trainer, name)) for name in SETTINGS
    }
