"""`RowModality`: the steps of the walk for data whose rows have an answer each.

Splits at random, in proportion to classes; fits preprocessing on training rows alone; trains once;
scores on rows that training never saw. A kind of data says how its rows are read, prepared, planned
for and compared.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from misstep.data import (
    Dataset,
    Preprocessing,
    Rows,
    Split,
    Target,
    judged_on_fair_rows,
    split_rows,
)
from misstep.errors import ArgumentError
from misstep.ir import Array, one_blas_thread
from misstep.loggers import make_loggers
from misstep.modeling.baselines import Baseline, guess, linear
from misstep.modeling.choice import Choice, choose, contest_of
from misstep.modeling.decisions import CHOSEN
from misstep.modeling.examples import (
    Examples,
    encoded_answers,
    encoded_rows,
    fitted_target,
    in_portions,
    rows_for,
)
from misstep.modeling.fold_splits import folds_of
from misstep.modeling.held_out import HeldOut, HeldOutExamples
from misstep.modeling.intervals import Calibration
from misstep.modeling.judgment_facts import judgment_facts
from misstep.modeling.learning_curve import UNIT, learning_curve
from misstep.modeling.metrics import Scores, row_errors, target_scores
from misstep.modeling.modalities.modality import Evaluation, Fitted, Modality, Resplit, Setup
from misstep.modeling.model import Model
from misstep.modeling.model_callback import ModelCallback
from misstep.modeling.options import Options
from misstep.modeling.plans import Plan, Planner, gone_on_with, number_positions
from misstep.modeling.row_groups import asked_groups, copy_groups
from misstep.modeling.target_trial import try_logarithm
from misstep.modeling.temperature import calibrated
from misstep.modeling.training_rows import Seen, TrainingRows, known_rows
from misstep.nn import Network
from misstep.record import Names
from misstep.storage import taken_rows
from misstep.text.counts import counted
from misstep.text.figures import four_figures
from misstep.train import Run, Snapshots, Trainer
from misstep.train.progress import make_progress

# Fewer validation rows would stop training by chance: an accuracy from 5 rows has a standard error
# of up to 22 points, √(¼ / 5).
LEAST_VALIDATION_ROWS = 5
# The share of the rows learned from that may be validated on when they are dealt out otherwise.
MOST_APART = 0.5
# Who gives one of these says how to train; what is asked for is not tried against other ways.
SAYS_HOW = (
    "network",
    "loss",
    "optimizer",
    "learning_rate",
    "batch_size",
    "epochs",
    "minutes",
    "hyperparameters",
)


@dataclass
class Prepared:
    """Three splits of the rows as a network takes them, and what brought them there.

    `test`: without rows where nothing is tested. `train_data`, `test_data`: the rows as people have
    them. `train_examples`: what was fitted on. `validation_names`: what its rows are called.
    `validation_answers`: its answers in people's own numbers, where they are numbers.
    `train_numbers`: what its rows are numbered in the source, counted from 1, (rows,), or None.
    `sample`: those of the training rows that are in memory, where `train` lies in a file and has
    more. `choice`: what trials chose, once they were made. `held_out`: the test's examples, or
    those of validation where nothing is tested. `watched`: those of validation, which the learning
    curve is about.
    """

    train: Rows
    validation: Rows
    test: Rows
    preprocessing: Preprocessing
    target: Target
    train_examples: Examples
    test_data: Dataset | None = None
    validation_names: Sequence[str] = ()
    validation_answers: Sequence[Any] | None = None
    train_numbers: Array | None = None
    choice: Choice | None = None
    held_out: HeldOutExamples | None = None
    watched: HeldOutExamples | None = None
    sample: Rows | None = None

    @property
    def in_memory(self) -> Rows:
        """Return the training rows, or those that `train_examples` are, where there are more."""
        return self.train if self.sample is None else self.sample

    @cached_property
    def portions(self) -> Rows:
        """Return the training rows as they are learned: heavy ones in several portions."""
        return in_portions(self.train)


class RowModality(Modality):
    """Rows with an answer each.

    `examples`: where somebody holds the answers apart from the rows; None: they stand in the data,
    and a test is wanted. `in_parts`: whether more rows will follow.
    """

    def __init__(
        self,
        data: Dataset,
        options: Options,
        examples: Examples | None = None,
        source: Dataset | None = None,
    ) -> None:
        super().__init__(data, options, source)
        if examples is None:
            self.refuse_options()
        self.tested = examples is None
        self.in_parts = False
        # Which fold of how many is judged on, instead of rows at random.
        self.fold: tuple[int, int] | None = None
        # Whether simple models will judge the answers: what helps a network is not tried out then.
        self.is_judged = False
        self.apart = examples
        self.examples: Examples

    @abstractmethod
    def read_examples(self) -> Examples:
        """Return the rows that have an answer, and decide what is to be predicted."""

    @abstractmethod
    def preprocess(self, train: Examples, target: Target) -> Preprocessing:
        """Return the preprocessing, fitted on the training rows; `target`: fitted."""

    @abstractmethod
    def plan_network(self, planner: Planner, prepared: Prepared) -> Plan:
        """Return how to train."""

    def number_features(self, prepared: Prepared) -> tuple[Sequence[int], int | None]:
        """Return positions of features that are numbers, and members: 1 where rows come in parts.

        Members of an ensemble would have to share each part, and learn less from it each.
        """
        if self.in_parts:
            return (), 1
        return number_positions(prepared.in_memory.x), None

    def baselines(self, prepared: Prepared) -> Sequence[Baseline]:
        """Return what the network must beat, the guess without looking first."""
        return (
            guess(prepared.in_memory, prepared.test, prepared.target),
            linear(prepared.in_memory, prepared.test, prepared.target),
        )

    def features_to_judge(self, prepared: Prepared, rows: Rows, data: Dataset) -> Any:
        """Return features by which simple models judge answers, (rows, …), dense or sparse.

        `rows`: as a network takes them; `data`: as people have them. Made without the answers.
        """
        return np.nan_to_num(rows.x.reshape(len(rows), -1))

    def test_examples(self) -> Examples | None:
        """Return the test rows that were brought along, or None. Raises DataError."""
        return None

    def names_of(self, rows: Array, data: Dataset | None = None) -> Sequence[str]:
        """Return what the rows of these numbers are called, by default those learned from."""
        data = self.data if data is None else data
        head, called = data.row_names()
        if head == "file":
            return [str(called[row]) for row in rows]
        return [f"{data.sample_name} {row + 1}" for row in rows]

    def row_numbers(self, rows: Array) -> Array:
        """Return what the source numbers these rows of the data, counted from 1, (rows,)."""
        return np.asarray(rows + 1)

    def split(self) -> Split:
        """Deal the rows out at random; classes stay in proportion."""
        examples = self.apart
        if examples is None and self.options.class_weight is not None:
            raise ArgumentError(
                "class_weight",
                needed="answers apart from the rows",
                got="answers among the columns",
                try_="ms.Classifier(class_weight=…).fit(X, y)",
            )
        self.examples = self.read_examples() if examples is None else examples
        self._test = self.test_examples() if self.tested else None
        own = self.examples.validation
        if own is not None:
            share = len(own) / (len(own) + len(self.examples))
            self.options = replace(self.options, validation_fraction=share)
        options, rows = self.options, len(self.examples)
        share = 0.0 if own is not None else options.validation_share
        if not self.tested and share and round(rows * share) < LEAST_VALIDATION_ROWS:
            self.decisions.add(
                "split",
                f"all {rows:,} rows to learn from",
                f"fewer than {LEAST_VALIDATION_ROWS} validation rows would stop training by chance",
            )
            self.options = options = replace(options, validation_fraction=0.0)
        apart = options.test_fraction if self.tested and self._test is None else 0.0
        share = 0.0 if own is not None else self.options.validation_share
        self._groups = groups = self.groups() if apart or share else None
        classes = self.examples.classes
        if self.fold is None:
            split = split_rows(rows, classes, share, apart, options.seed, groups)
        else:
            split = folds_of(rows, *self.fold, share, options.seed, classes, groups)
        fair = self.fair_examples()
        if fair is not None:
            split = judged_on_fair_rows(split, fair, grouped=groups is not None)
        if self.tested:
            self.notes += split.notes
        self._decide_split(split)
        return split

    def fair_examples(self) -> Array | None:
        """Return which examples stand for all that there are, (examples,); None: all do."""
        return None

    def resplit(self, split: Split, number: int) -> Resplit | None:
        """Validate on others of the rows that are learned from, which learn the former ones."""
        if self.data.is_sample or self.examples.validation is not None:
            # Rows of a file are prepared for one split; those that somebody brought are one.
            return None
        rows, before = split.train, split.validation
        classes, groups = self.examples.classes, self._groups
        other = split_rows(
            len(rows),
            None if classes is None else np.asarray(classes)[rows],
            min(len(before) / len(rows), MOST_APART),
            0.0,
            (self.options.seed + number) % 2**32,
            None if groups is None else groups[rows],
        )
        validation = rows[other.validation]
        train = np.sort(np.concatenate([rows[other.train], before]))
        return Resplit(Split(train, validation, split.test[:0]), validation)

    def not_compared(self) -> tuple[Container[str], Sequence[str]]:
        """Return the columns that say nothing about whether two rows are alike.

        And those among them that tell rows apart, which people should know.
        """
        return (), ()

    def groups(self) -> Array | None:
        """Return a group for each example, (examples,), that stays on one side; None: no groups."""
        examples = self.examples
        without, apart = self.not_compared()
        rows = examples.data.take(examples.order)
        copies = copy_groups(rows, without, self.decisions, apart)
        if examples.groups is None:
            return copies
        what = self.options.groups or "groups"
        return asked_groups(examples.groups, copies, what, self.data.sample_name, self.decisions)

    def _decide_split(self, split: Split) -> None:
        train, validation = len(split.train), len(split.validation)
        own = self.examples.validation
        if own is not None:
            rows = f"{train:,} rows to learn from, {len(own):,} of yours to validate on"
            self.decisions.add("split", rows, CHOSEN)
            return
        if not self.tested:
            if validation:
                self.decisions.add(
                    "split",
                    f"{train:,} rows to learn from, {validation:,} to validate on",
                    "training must stop by rows that it does not learn from",
                )
            return
        test = len(split.test) if self._test is None else len(self._test)
        name = self.data.sample_name
        reason = f"a score must come from {name}s that training never saw"
        if self._classes_in_all(split):
            reason += "; each part has the classes in proportion"
        self.decisions.add(
            "split",
            f"{counted(train, name)} to learn from, {validation:,} to validate on, "
            f"{test:,} to be judged on",
            reason,
        )

    def _classes_in_all(self, split: Split) -> bool:
        """Tell whether each part that was drawn has some of each class."""
        classes = self.examples.classes
        if classes is None:
            return False
        parts = [part for part in (split.train, split.validation, split.test) if len(part)]
        count = len(np.unique(classes))
        return all(len(np.unique(classes[part])) == count for part in parts)

    def prepare(self, split: Split) -> Prepared:
        """Fit preprocessing and target on the training rows, and encode all of them."""
        examples, test = self.examples, self._test
        test_names = () if test is None else self.names_of(test.order, test.data)
        own = examples.validation
        validation = (
            examples.take(split.validation) if own is None else own.take(np.arange(len(own)))
        )
        validation_names = (
            self.names_of(examples.order[split.validation])
            if own is None
            else self.names_of(own.order, own.data)
        )
        if self.tested and test is None:
            test = examples.take(split.test)
            test_names = self.names_of(examples.order[split.test])
        if test is not None and len(test) == 0:
            test, test_names = validation, validation_names
            name = self.data.sample_name
            self.notes.append(
                f"no {name}s are left for the test, so the validation {name}s are shown in its "
                "place"
            )
        train = examples.take(split.train)
        start = None if self.start is None else self.start.model
        if start is None:
            target = fitted_target(train)
            preprocessing = self.preprocess(train, target)
        else:
            target, preprocessing = start.target, start.preprocessing

        def rows(some: Examples) -> Rows:
            if len(some) == 0:
                empty = np.empty((0, preprocessing.number_of_features), "float32")
                return Rows(empty, np.empty(0))
            encoded, notes = encoded_rows(some, preprocessing, target)
            if self.tested:
                self.notes += [note for note in notes if note not in self.notes]
            return encoded

        # In this order notes are told.
        train_rows = rows(train)
        target = self._scale_target(train_rows, train, target)
        train_rows = replace(train_rows, y=encoded_answers(train, target))
        test_rows = rows(train.take(split.train[:0]) if test is None else test)
        return Prepared(
            train_rows,
            rows(validation),
            test_rows,
            preprocessing,
            target,
            train,
            None if test is None else test.data,
            validation_names if self.tested else (),
            _numbers_of(validation, target) if target.is_number and not target.is_joint else None,
            self.row_numbers(examples.order[split.train]) if self.tested else None,
            watched=HeldOutExamples("validation", validation, validation_names),
            held_out=HeldOutExamples("validation", validation, validation_names)
            if test is None
            else HeldOutExamples("test", test, test_names),
        )

    def _scale_target(self, rows: Rows, train: Examples, target: Target) -> Target:
        """Return the target on the logarithm, if its answers span decades and that helps."""
        # A loss of a person's own choice is for the answers as they are.
        given = self.options.loss is not None or self.start is not None
        if not target.is_number or target.is_joint or self.in_parts or given:
            return target
        trial = try_logarithm(rows.x, target.numbers(train.answers))
        if trial is None:
            return target
        plain, bent = four_figures(trial.plain), four_figures(trial.logarithm)
        self.decisions.add(
            "answers",
            "their logarithm is learned" if trial.better else "learned as they are",
            f"the middle 98% of them span {trial.decades:.1f} decades; out of fold, a linear model "
            f"errs by {bent} in the mean when it learns their logarithm, and by {plain} without",
        )
        return target.fit_logarithm(train.answers, train.weights) if trial.better else target

    def planner(self, prepared: Prepared) -> Planner:
        """Return what decides on a plan for the training rows."""
        return Planner(
            len(prepared.train if self.in_parts else prepared.portions),
            prepared.train.x.shape[1],
            prepared.target,
            self.options,
            self.decisions,
            self.in_parts,
            self.space,
            self._found(prepared),
        )

    def _found(self, prepared: Prepared) -> Mapping[str, Any]:
        """Return the hyperparameters that trials found, for these rows or at the start."""
        if self.start is not None:
            trials = self.start.trainer.preparation.get("trials", {})
            return dict(trials.get("hyperparameters", {}))
        return (
            {} if prepared.choice is None or self._says_how() else prepared.choice.hyperparameters
        )

    def plan(self, prepared: Prepared) -> Plan:
        """Decide how to train, as the kind of data has it; what may be better is tried before."""
        if not self._says_how():
            self._choose(prepared)
        plan = self.as_asked(self.plan_network(self.planner(prepared), prepared))
        self.refuse_hyperparameters()
        if self.start is not None:
            plan = gone_on_with(self.start.trainer, plan, self.options, self.decisions)
        if "trials" in self.decisions.facts:
            # Who plans for the same rows once more need not try again.
            own = {name: one.value for name, one in self.space.items()}
            self.decisions.facts["trials"]["hyperparameters"] = own
        return plan

    def _says_how(self) -> bool:
        """Tell whether a person, or a search, says how to train, so that nothing is tried."""
        begun = self.in_parts or self.start is not None
        return begun or any(getattr(self.options, name) is not None for name in SAYS_HOW)

    def _choose(self, prepared: Prepared) -> None:
        """Try what else may suit the rows, once for all plans of them."""
        if prepared.choice is not None:
            return
        prepared.choice = Choice()

        def planned(hyperparameters: Mapping[str, Any]) -> Plan:
            other = self.with_hyperparameters(hyperparameters)
            return other.plan_network(other.planner(prepared), prepared)

        plan = planned({})
        if not plan.candidates:
            return
        contest = contest_of(
            prepared.in_memory,
            prepared.validation,
            _kept_together(prepared.train_examples),
            plan.batch_size // plan.repeats_per_epoch,
            seed=self.options.seed,
            threads=self.options.threads,
            shuffle=self.options.shuffle,
            precision=self.options.precision,
        )
        if contest is not None:
            progress = make_progress(self.options.progress)
            try:
                prepared.choice = choose(plan, planned, contest, self.decisions, progress.note)
            finally:
                progress.finish()
            self.decisions.facts["trials"] = dict(prepared.choice.facts)

    def setup(self, prepared: Prepared, plan: Plan) -> Setup:
        """Put together what trains, and the training and validation rows."""
        options = self.options
        network = Network(plan.module, prepared.train.x.shape[1:], seed=options.seed)
        if self.start is not None:
            network.load(self.start.trainer.network.arrays())
            if frozen := self.start.trainer.network.frozen:
                network.freeze(*frozen)
        trainer = plan.trainer(
            options.seed,
            options.threads,
            network,
            shuffle=options.shuffle,
            shards=options.shards,
            precision=options.precision,
        )
        trainer.origin = options.origin or {}
        trainer.preparation, trainer.names = self.decisions.facts, _names(prepared)
        validation = rows_for(plan.loss, prepared.validation) if len(prepared.validation) else None
        return Setup(trainer, *rows_for(plan.loss, prepared.portions), validation)

    def fit(self, prepared: Prepared, plan: Plan, setup: Setup | None = None) -> Fitted:
        """Train on the training rows; stop by the validation rows where there are any."""
        options = self.options
        setup = self.setup(prepared, plan) if setup is None else setup
        trainer, validation = setup.trainer, setup.validation
        snapshots = Snapshots()
        for each in options.callbacks or ():
            if isinstance(each, ModelCallback):
                each.meet(prepared.preprocessing, prepared.target)
        run = trainer.fit(
            setup.x,
            setup.y,
            sample_weight=setup.weights,
            epochs=plan.epochs,
            # What ends it in time comes last: a run may go on with or without.
            callbacks=[
                snapshots,
                *([] if validation is None else [plan.early_stopping()]),
                *(options.callbacks or ()),
                *make_loggers(options.track, options.folder),
                *self.budget.callbacks(),
            ],
            validation=validation,
            progress=make_progress(
                options.progress, unit=UNIT if prepared.target.is_number else ""
            ),
            folder=options.folder,
            resume=options.resume,
            # One that shows data and scores comes once there are some.
            report=False,
        )
        curve = None
        if validation is not None:
            curve = learning_curve(
                run,
                snapshots.indices,
                prepared.validation.y,
                prepared.target,
                prepared.validation_names,
                prepared.validation_answers,
            )
        return replace(self.fitted_again(prepared, trainer, run), learning_curve=curve)

    def fitted_again(
        self, prepared: Prepared, trainer: Trainer, run: Run, without: Sequence[int] = ()
    ) -> Fitted:
        """Return the model of a trainer that learned the training rows, whatever its settings.

        `without`: positions of those that it did not learn from.
        """
        model = trained_model(
            trainer,
            run,
            prepared.preprocessing,
            prepared.target,
            len(prepared.portions) - len(without),
            self.options.seed,
        )
        model.training_rows = _training_rows(prepared, without)
        if run.usable and prepared.target.is_number:
            model.calibration = self._calibration(prepared, model)
        target, judged = prepared.target, prepared.validation
        if self.options.calibrated and run.usable and not (target.is_number or target.is_joint):
            model = calibrated(model, judged, self.decisions)
        return Fitted(model, run, trainer)

    def _calibration(self, prepared: Prepared, model: Model) -> Calibration | None:
        """Return how far the model is off on rows that it did not learn from, best the test's."""
        for rows, split in ((prepared.test, "the test"), (prepared.validation, "validation")):
            if len(rows):
                return Calibration.of(model.outputs_of(rows.x), rows.y, prepared.target, split)
        return None

    def evaluate(self, prepared: Prepared, fitted: Fitted) -> Evaluation:
        """Score the model on the test and the validation rows, and the baselines on the test."""
        model = fitted.model
        examples = prepared.train_examples
        if not self.tested:
            held_out = None
            if len(prepared.validation) and not prepared.target.is_joint and fitted.run.usable:
                outputs = model.outputs_of(prepared.validation.x)
                held_out = self.held_out(prepared, prepared.validation, outputs)
            return Evaluation(
                model, held_out=held_out, training_examples=examples, watched=prepared.watched
            )

        test, target = prepared.test, prepared.target
        outputs = model.outputs_of(test.x)
        scores = {"test": target_scores(outputs, test.y, target)}
        if len(prepared.validation):
            validation = prepared.validation
            scores["validation"] = target_scores(
                model.outputs_of(validation.x), validation.y, target
            )
        baselines = self.baselines(prepared)
        scores |= baseline_scores(baselines)
        errors = row_errors(outputs, test.y, target)
        watched = len(prepared.validation)
        model.facts |= {
            "test_rows": len(prepared.test),
            "metrics": scores,
            "judgment": judgment_facts(outputs, test.y, errors, target, watched),
        }
        return Evaluation(
            model,
            scores,
            baselines,
            errors=errors,
            held_out=self.held_out(prepared, test, outputs),
            training_examples=examples,
            watched=prepared.watched,
        )

    def held_out(self, prepared: Prepared, rows: Rows, outputs: Array) -> HeldOut | None:
        """Return the rows that were held out beside `outputs`, what a model says of them."""
        held_out = prepared.held_out
        if held_out is None:
            return None
        return HeldOut(
            held_out.split,
            held_out.examples.data.take(held_out.examples.order),
            rows.x,
            rows.y,
            outputs,
            held_out.names,
        )


def _kept_together(examples: Examples) -> Array:
    """Return a group for each example, (examples,), that stays on one side of trials.

    Those that were asked for, else a row that stands there several times for its weight. Equal rows
    of the data are dealt as they come: a score must not count what was learned by heart, but a
    choice is for rows like these, which meet their like among those learned from as these do.
    """
    return np.asarray(examples.order if examples.groups is None else examples.groups)


def _names(prepared: Prepared) -> Names:
    """Return what people call the features, classes and rows that are learned from."""
    features, rows = prepared.preprocessing.feature_names, prepared.train_numbers
    # Heavy rows stand in several places.
    whole = prepared.portions is prepared.train
    return Names(
        features if len(features) == prepared.train.x.shape[1] else (),
        [str(one) for one in prepared.target.classes],
        rows if whole else None,
    )


def _numbers_of(examples: Examples, target: Target) -> list[float]:
    """Return the answers in people's own unit."""
    return list(target.numbers(examples.answers).tolist()) if len(examples) else []


def trained_model(
    trainer: Trainer, run: Run, preprocessing: Preprocessing, target: Target, rows: int, seed: int
) -> Model:
    """Return the model of a trainer with the facts about its training on `rows` rows."""
    facts: dict[str, Any] = {
        "rows": rows,
        "epochs": run.epochs,
        "updates": run.updates,
        "batch_size": trainer.batch_size,
        "seed": seed,
        "ended": str(run.ending),
    }
    if run.best_epoch is not None:
        facts["best_epoch"] = run.best_epoch
    return Model(trainer.network, trainer.loss, preprocessing, target, facts)


def _training_rows(prepared: Prepared, without: Sequence[int]) -> TrainingRows:
    """Return what a model keeps of its rows, so that its predictions can be explained."""
    train = prepared.train
    # Heavy rows stand in several places, and positions are of those.
    learned = train.x
    if len(without) and prepared.portions is train:
        learned = taken_rows(train.x, np.delete(np.arange(len(train)), list(without)))
    examples = prepared.train_examples
    baseline = prepared.preprocessing.baseline_row(examples.data, train.x, examples.weights)
    splits: dict[str, Array] = {
        Seen.TRAINING: learned,
        Seen.VALIDATION: prepared.validation.x,
        Seen.TEST: prepared.test.x,
    }
    return TrainingRows(baseline, known_rows(splits))


def baseline_scores(baselines: Sequence[Baseline]) -> dict[str, Scores]:
    """Return the scores of those baselines that can be fitted, by name."""
    scores = {}
    # On several threads their numbers would depend on how many; and on a busy machine, threads that
    # wait for each other take many times as long.
    with one_blas_thread():
        for baseline in baselines:
            score = baseline.score()
            if score is not None:
                scores[baseline.name] = score
    return scores
