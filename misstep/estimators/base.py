"""What the estimators share: arguments, fitting, going on, saving and showing themselves.

Arguments are those fields of `modeling.Options` that name the estimator's face; scikit-learn's
calls become those of `modeling`. Decides nothing about a model.
"""

from __future__ import annotations

import inspect
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import sklearn.exceptions
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from misstep.data import Dataset
from misstep.doctor import Diagnosis, examine
from misstep.errors import ArgumentError, MisstepError, NotFittedError
from misstep.estimators.diagram import without_scripts
from misstep.estimators.frames import OUTPUTS, as_asked
from misstep.estimators.importances import importances_by_column
from misstep.estimators.probing import check_same_rows, probed
from misstep.estimators.reading import further_features
from misstep.estimators.scikit_callbacks import (
    CallbackSupport,
    EpochTasks,
    begun_task,
    with_teardown,
)
from misstep.ir import Array
from misstep.ir.float_errors import with_own_float_errors
from misstep.modeling import (
    Decision,
    Examples,
    Face,
    FitResult,
    Modality,
    Model,
    Option,
    Options,
    Repairable,
    TrainedModel,
    all_options,
    check_rows,
    make_options,
    recognize,
    save_model,
    train,
    untrained,
)
from misstep.modeling.held_out import HeldOut
from misstep.plots import plot_fitted
from misstep.record import Record
from misstep.report import Report, model_summary, report_of_result
from misstep.text.endings import loss_became
from misstep.train import Run
from misstep.trials import Repair
from misstep.tuning import Tuning, tune

# How long rows are looked at where nobody asked for another time.
SECONDS_FOR_ROWS = 30.0
# How long a training is done again, likewise.
SECONDS_FOR_PROBING = 30.0
# Where the arguments stand in the docstring of an estimator.
ARGUMENTS = "{arguments}"


class UnfittedError(NotFittedError, sklearn.exceptions.NotFittedError):
    """An estimator was asked before it was fitted; scikit-learn knows this error as its own."""


class Estimator(CallbackSupport, BaseEstimator):
    """Fitted attributes and what reads them; subclasses say what answers are.

    A subclass names its face, and the option that may be given without a name.
    """

    face: ClassVar[Face]
    first: ClassVar[str]
    model_: TrainedModel
    # What came of the search that found its hyperparameters, for one that `ms.tune` returned.
    tuning_: Tuning
    # The latest training, also one that failed; None before fit, and after partial_fit.
    _run: Run | None = None
    _latest: FitResult | None = None
    # Of which rows importances were computed, and these.
    _importances: tuple[HeldOut | None, Array] | None = None
    # The training that the latest one went on from, with warm_start.
    _start: FitResult | None = None

    def __init_subclass__(cls, **more: Any) -> None:
        """Give a subclass its arguments, and write them into its docstring."""
        super().__init_subclass__(**more)
        if "face" not in vars(cls):
            return

        # Checked when fit is called, as scikit-learn wants it.
        def __init__(self: Estimator, *arguments: Any, **named: Any) -> None:  # noqa: N807
            bound = cls._signature().bind(self, *arguments, **named)
            bound.apply_defaults()
            for name, value in bound.arguments.items():
                if name != "self":
                    setattr(self, name, value)

        __init__.__signature__ = cls._signature()  # type: ignore[attr-defined]
        cls.__init__ = __init__  # type: ignore[method-assign, assignment]
        told = " ".join(f"`{each.argument}`: {_uncapitalized(each.help)}" for each in cls._all())
        cls.__doc__ = (cls.__doc__ or "").replace(ARGUMENTS, _wrapped(told))

    @classmethod
    def _signature(cls) -> inspect.Signature:
        """Return the arguments: the options there are when they are asked for."""
        either, named = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
        parameters = [inspect.Parameter("self", either)]
        for each in cls._all():
            how = either if each.argument == cls.first else named
            parameters.append(inspect.Parameter(each.argument, how, default=each.default))
        return inspect.Signature(parameters)

    @classmethod
    def _all(cls) -> Iterator[Option]:
        """Yield the options of the estimator, the one without a name first."""
        yield from sorted(all_options(cls.face), key=lambda each: each.argument != cls.first)

    @classmethod
    def _get_param_names(cls) -> list[str]:
        """Return the names of the arguments, as scikit-learn asks for them."""
        return sorted(each.argument for each in cls._all())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file that `misstep.load_model` and the command line read.

        The file holds preprocessing, network and what is predicted, no code. Raises StorageError,
        or NotFittedError before fit.
        """
        save_model(self._fitted_model(), os.fspath(path))

    @with_own_float_errors
    def plot(self, kind: str, X: Any = None, y: Any = None, *, ax: Any = None, **more: Any) -> Any:
        """Draw what it does, or how it learned, on matplotlib's axes; return the display.

        kind: "losses", "gradient_flow" or "story" of its training; of classes "confusion" or
        "reliability", of numbers "residuals"; "importance", "partial_dependence" or "words". X, y:
        rows that it did not learn from, as for `score`; None: those that fit set apart. ax: what to
        draw on, by default a new figure; `ax_` and `figure_` of the display are what it was drawn
        on. more: as the display takes it (`ms.plots`). Raises NotFittedError, ArgumentError,
        DataError, or MisstepError without matplotlib (extra `plot`).
        """
        model = self._fitted_model()
        return plot_fitted(model, self._run, kind, lambda: self._judged(X, y), ax, **more)

    def _judged(self, X: Any, y: Any) -> HeldOut | None:
        """Return rows beside what is said of them; where none are given, those set apart."""
        if X is None and y is None:
            return None if self._latest is None else self._latest.held_out
        model = self._fitted_model()
        data = further_features(self, X, model)
        if model.target.is_joint:
            raise ArgumentError(
                "plotting rows",
                needed="one answer to each",
                got=f"{model.target.task}",
                try_="model_.part(0).plot(…), of one answer alone",
            )
        x, answers = model.encode(data), self._encoded(y, len(data))
        names = [f"{data.sample_name} {number + 1}" for number in range(len(data))]
        return HeldOut("data", data, x, answers, model.outputs_of(x), names)

    def _encoded(self, y: Any, rows: int) -> Array:
        """Return answers as the model takes them, (rows,). Raises DataError or ArgumentError."""
        raise NotImplementedError

    @property
    def feature_importances_(self) -> Array:
        """How much the loss rises on held-out rows as each column is permuted, (n_features_in_,).

        The mean over some permutations (Breiman, 2001), on the rows that fit set apart, or on the
        validation rows that it was given; 0 of a column that is not used, a little below 0 of one
        that only misleads. Raises NotFittedError, or AttributeError where rows have no columns or
        none were set apart.
        """
        self._fitted_model()
        held_out = None if self._latest is None else self._latest.held_out
        if self._importances is None or self._importances[0] is not held_out:
            self._importances = held_out, importances_by_column(self, held_out)
        return self._importances[1].copy()

    @with_own_float_errors
    def explain(self, X: Any, row: int = 0, output: int | str | None = None) -> Any:
        """Return what is predicted for row `row` of X, from 0, and what each part did to that.

        X: as for `predict`; row: as in X[row]; output: which of several answers. An
        `ms.modeling.Attribution`: print it, or see its `prediction`, `baseline`, `contributions`
        and `shares` by name, and `completeness_error`. Raises NotFittedError, DataError or
        ArgumentError.
        """
        model = self._fitted_model()
        assert isinstance(model, Model)
        return model.explain(further_features(self, X, model), row, output)

    @with_own_float_errors
    def diagnose(
        self,
        X: Any = None,
        y: Any = None,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        validation: Any = None,
        seconds: float = SECONDS_FOR_ROWS,
        probe: bool = False,
        budget: float = SECONDS_FOR_PROBING,
    ) -> Diagnosis:
        """Return what went wrong with the latest training, and what to do; print it to read it.

        With the rows X and answers y of the training and, where there were some, its
        `sample_weight`, `groups` and `validation`, as for `fit`, their rows are looked at as
        well, for about so many `seconds`: answers that models of the other rows do not believe, and
        rows on both sides of the split, named by their row, counted from 0. With `probe` the
        training is done again from its first weights, with one thing changed at a time, for at
        most `budget` seconds: what takes the harm away was its cause. The estimator stays as it is.

        Also where fit raised an error because the loss was no longer finite. Raises NotFittedError,
        MisstepError after partial_fit, and what fit raises for rows that do not fit.
        """
        if self._run is None:
            self._fitted_model()
            raise MisstepError(
                f"diagnosing this {type(self).__name__}",
                needed="one training from beginning to end",
                got="calls of partial_fit, of which each saw rows of its own",
                try_="fit(X, y)",
            )
        if X is None and y is None:
            if probe:
                raise ArgumentError(
                    "diagnose(probe=True)",
                    needed="the rows and answers that the estimator was fitted on",
                    got="none",
                    try_="diagnose(X, y, probe=True)",
                )
            return self._run.diagnose()
        # A copy that is not fitted: what the rows are like is not remembered here.
        modality = self._recognized(self._options(), X, y, sample_weight, groups, validation)
        record = copy(self._run.record or Record({}))
        record.events = list(record.events)
        check_rows(modality, seconds=seconds).add_to(record)
        if not probe:
            return examine(record)
        options = self._options()
        if record.description is not None:
            # Who asked for no random_state got one.
            options = replace(options, seed=record.description.seed)
        again = self._recognized(options, X, y, sample_weight, groups, validation)
        return probed(record, untrained(again), budget)

    @with_own_float_errors
    def repair(
        self,
        X: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        validation: Any = None,
        minutes: float | None = None,
        steps: int | None = None,
        seed: int = 0,
    ) -> Repair:
        """Try remedies for what went wrong in the latest training, and keep what measurably helps.

        X, y, `sample_weight`, `groups`, `validation`: those of fit. Remedies that the diagnosis
        names are trained beside an unchanged control and a random remedy, on the same batches; the
        best is adopted only if it beats the control on validation rows beyond noise, and the
        estimator predicts with it from then on. Else the estimator stays as it is. `minutes`,
        `steps`: of time and of updates that it may take, without either some 25 such trainings in
        each of at most three rounds. `seed`: of the random remedies. Print what is returned to read
        what was tried.

        Also where fit raised an error because the loss was no longer finite. Raises NotFittedError,
        MisstepError after partial_fit or where too few rows are left to judge by, ArgumentError for
        a series, DataError for other rows than those of fit.
        """
        result = self._latest
        if self._run is None or result is None:
            self._fitted_model()
            raise MisstepError(
                f"repairing this {type(self).__name__}",
                needed="one training from beginning to end",
                got="calls of partial_fit, of which each saw rows of its own",
                try_="fit(X, y)",
            )
        options = self._options()
        if self._run.record is not None and self._run.record.description is not None:
            # Who asked for no random_state got one.
            options = replace(options, seed=self._run.record.description.seed)
        named = {"sample_weight": sample_weight, "groups": groups, "validation": validation}
        given = {name: value for name, value in named.items() if value is not None}
        modality = self._modality(options, X, y, **given)
        sick = Repairable.of_training(modality, result.trainer, result.run)
        check_same_rows(sick.record, sick.setup, "repairing")
        repair = sick.repair(
            minutes=minutes, steps=steps, seed=seed, origin={**result.trainer.origin}
        )
        if repair.run is not None:
            fitted = sick.fitted(repair.trainer, repair.run, repair.set_aside)
            labels = " and ".join(one.trial.label for one in repair.adopted)
            because = "it was better beyond noise on rows that it did not learn from"
            decision = Decision("repair", labels, because)
            self._take(
                replace(
                    result,
                    model=fitted.model,
                    run=repair.run,
                    trainer=repair.trainer,
                    decisions=[*result.decisions, decision],
                )
            )
        return repair

    @with_own_float_errors
    def report(self, path: str | os.PathLike[str] | None = None) -> Report:
        """Return a page that shows the latest training: an `ms.report.Report`.

        Data, network, curves, what it got wrong as it learned and what it gets wrong now. A
        notebook shows it; `path`: where to write it as well. Raises NotFittedError, StorageError,
        MisstepError after partial_fit.
        """
        if self._latest is None:
            self._fitted_model()
            raise MisstepError(
                f"the report of this {type(self).__name__}",
                needed="one training from beginning to end",
                got="calls of partial_fit, of which each saw rows of its own",
                try_="fit(X, y)",
            )
        return report_of_result(self._latest, path)

    def _given(self, X: Any, y: Any, sample_weight: Any, groups: Any, validation: Any) -> Examples:
        """Return rows with their answers, as fit takes them. Raises what fit raises for them."""
        raise MisstepError(
            f"the rows of this {type(self).__name__}",
            needed="rows with an answer each",
            got="a series, whose steps answer each other",
            try_="diagnose()",
        )

    def _modality(self, options: Options, *data: Any, **named: Any) -> Modality:
        """Return what fit would learn from with these arguments. Raises what fit raises for it."""
        bound = inspect.signature(type(self).fit).bind(self, *data, **named).arguments
        names = ("X", "y", "sample_weight", "groups", "validation")
        return self._recognized(options, *[bound.get(each) for each in names])

    def _recognized(self, options: Options, *given: Any) -> Modality:
        """Return what fit would learn from; `given`: X, y, weights, groups, validation."""
        # A copy that is not fitted: what the rows are like is not remembered here.
        examples = clone(self)._given(*given)
        modality = recognize(examples.data, options, examples)
        modality.start = self._start
        return modality

    def _tuned(
        self, data: Sequence[Any], named: Mapping[str, Any], search: Mapping[str, Any]
    ) -> Self:
        """Return a copy that is fitted with the hyperparameters that a search finds.

        `data`, `named`: what fit takes; `search`: what `tuning.tune` takes.
        """
        options = self._options()
        tuning = tune(self._modality(options, *data, **named), **search)
        # Who asked for no random_state got one, with which all trials were trained.
        values = {"hyperparameters": tuning.options.hyperparameters, "random_state": options.seed}
        tuned = clone(self).set_params(**values)
        tuned.fit(*data, **named)
        tuned.tuning_ = tuning
        return tuned

    def _options(self) -> Options:
        """Return what was asked for. Raises ArgumentError for what an option does not take."""
        values = {}
        for each in self._all():
            value = getattr(self, each.argument)
            if each.name == "seed":
                value = _seed(value)
            each.check(value, each.argument)
            values[each.name] = _plain_number(value, each.type)
        return make_options(**values, origin={"face": "estimator"})

    def _trained(
        self, examples: Examples, options: Options, X: Any, y: Any, **fitted: Any
    ) -> FitResult:
        """Return what comes of training, which goes on from the last one with warm_start.

        X, y: as callbacks of scikit-learn are told of them; `fitted`: attributes that an estimator
        needs to predict, besides the model.
        """
        goes_on = options.warm_start and self._is_fitted()
        self._start = self._result if goes_on else None
        more = {"examples": examples, "start": self._start}
        return self._walked(examples.data, options, more, X, y, fitted)

    @with_teardown
    def _walked(
        self,
        data: Dataset,
        options: Options,
        more: Mapping[str, Any],
        X: Any,
        y: Any,
        fitted: Mapping[str, Any],
    ) -> FitResult:
        """Train, and tell the callbacks of scikit-learn of it; `more`: as `train` takes it."""
        context = begun_task(self, X, y)
        if context is None:
            return train(data, options, **more)
        tasks = EpochTasks(self, context, X, y, fitted)
        result = train(
            data, replace(options, callbacks=[*(options.callbacks or ()), tasks]), **more
        )
        tasks.end(result.model)
        return result

    def _is_fitted(self) -> bool:
        return hasattr(self, "model_")

    def _fitted_model(self) -> TrainedModel:
        if not self._is_fitted():
            raise UnfittedError(
                f"this {type(self).__name__}",
                needed="to be fitted first",
                got="no data yet",
                try_="fit(X, y)",
            )
        return self.model_

    def set_output(self, *, transform: str | None = None) -> Self:
        """Say as what predictions come: "pandas", "polars", "default" for arrays; None: as before.

        Rows keep the names that the index of X gives them. Scorers of scikit-learn that ask for
        probabilities want arrays. Raises ArgumentError.
        """
        if transform is not None:
            if transform not in OUTPUTS:
                raise ArgumentError(
                    "transform of set_output", needed=" or ".join(OUTPUTS), got=repr(transform)
                )
            self._sklearn_output_config = {"transform": transform}
        return self

    def _said(self, found: Array, X: Any, names: Sequence[Any] = ()) -> Any:
        """Return predictions as `set_output` has it; `names`: of their columns."""
        output = getattr(self, "_sklearn_output_config", {}).get("transform", "default")
        return as_asked(output, found, X, names, self._fitted_model().target.name)

    def _outputs(self, X: Any) -> Array:
        model = self._fitted_model()
        return model.answers_of(model.encode(further_features(self, X, model)))

    def _take(self, result: FitResult, *, in_parts: bool = False) -> None:
        """Keep what came of training, and warn of what a person should know.

        `in_parts`: whether it saw only some of the rows. Raises ArgumentError when nothing came of
        it.
        """
        run = result.run
        self._keep(result)
        if in_parts:
            self._run = self._latest = None
        self.n_iter_ = run.epochs
        kept = (run.best_epoch or run.epochs) - 1
        self.loss_ = run.losses[kept] if run.history else math.nan
        self._result = result
        if not run.finished:
            warnings.warn(f"training ended early: {run.ending}", ConvergenceWarning, stacklevel=4)

    def _keep(self, result: FitResult) -> None:
        """Keep the model and how it was trained. Raises ArgumentError when nothing came of it."""
        self._run = run = result.run
        self._latest = result
        if not run.usable:
            raise ArgumentError(
                "training",
                needed="a loss that stays finite",
                got=loss_became(**run.ending.facts),
                try_="a lower learning_rate; diagnose() says more",
            )
        self.model_ = result.model
        self.network_ = result.model.network
        self.decisions_ = result.decisions
        self.history_ = run.history

    def _repr_html_inner(self) -> str:
        """Return scikit-learn's diagram and, once fitted, layers, decisions and a loss curve."""
        from sklearn.utils import estimator_html_repr

        shown = without_scripts(estimator_html_repr(self))
        if self._is_fitted():
            shown += model_summary(self.model_, self.history_, self.decisions_)
        return shown

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        bundle = super()._repr_mimebundle_(**options)
        if "text/html" in bundle:
            bundle["text/html"] = self._repr_html_inner()
        return dict(bundle)


def _seed(random_state: Any) -> int:
    """Return a seed for a whole number, a RandomState or None. Raises ArgumentError."""
    if isinstance(random_state, Integral) and not isinstance(random_state, bool):
        return int(random_state)
    try:
        return int(check_random_state(random_state).randint(2**31 - 1))
    except ValueError as error:
        raise ArgumentError(
            "random_state", needed="a whole number, a RandomState or None", got=repr(random_state)
        ) from error


def _plain_number(value: Any, number: type) -> Any:
    """Return one of NumPy's numbers as Python's, of the type that an option has."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return value
    if number is float:
        return float(value)
    return int(value) if isinstance(value, Integral) else value


def _uncapitalized(words: str) -> str:
    return words[:1].lower() + words[1:] if words[1:2].islower() else words


def _wrapped(words: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(words, 96, subsequent_indent="    "))
