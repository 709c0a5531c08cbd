"""`SeriesModality`: rows that follow each other in time, of which the next are forecast.

Split in time, and trained three times: with validation rows, to find how many epochs help, if any;
on all of the past, to be tested on the newest rows, which nothing has seen; on everything, to be
kept, since the newest rows say most about what comes next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from misstep.data import (
    Dataset,
    Rows,
    Series,
    SeriesWindows,
    Table,
    Target,
    TaskType,
    only_rows,
    plan_series,
    read_series,
    series_reason,
    thinned,
)
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array
from misstep.loggers import make_loggers
from misstep.modeling.decisions import CHOSEN
from misstep.modeling.examples import Examples, rows_for
from misstep.modeling.forecast import BackTest, ForecastModel, forecast_interval
from misstep.modeling.forward_lines import FEWEST_ROWS
from misstep.modeling.learning_curve import UNIT, LearningCurve, in_order
from misstep.modeling.modalities.modality import Evaluation, Fitted, Modality, Resplit, Setup
from misstep.modeling.modalities.rows import baseline_scores
from misstep.modeling.modalities.table import (
    column_and_value,
    columns_asked_for,
    is_number_column,
    rows_asked_for,
)
from misstep.modeling.options import Needs, Options, TaskName
from misstep.modeling.plans import Plan, Planner, plan_series_network
from misstep.modeling.plans.series import (
    MANY_ROWS,
    has_linear_path,
    nearer_the_line,
    starting_arrays,
)
from misstep.modeling.result import ForecastResult
from misstep.modeling.ridge import fit_linear_path, learned_origins
from misstep.modeling.rows_or_series import rows_or_series
from misstep.modeling.series_baselines import series_baselines
from misstep.modeling.window_choice import LEAST_SAID, Seasons, Shape, choose_seasons, choose_shape
from misstep.nn import Network
from misstep.record import Names
from misstep.text.counts import counted
from misstep.train import Callback, Run, Snapshots, Trainer, Training
from misstep.train.progress import make_progress

# Origins to validate or to be tested on: a mean over fewer of them is one story, not a measure.
FEWEST_ORIGINS = 5
# The network beside the line must lower the error on n validation rows by this share of 1/√n: the
# best of many epochs looks better than it is, the more so the fewer rows there are, and a line is
# the safer guess for what was never seen. On walks of 400 random steps, half of this let one
# network in five through that did worse than the line.
WORTHWHILE = 0.25
# Of many rows it is the other way round: what they taught is kept unless it makes that error larger
# by this share.
TOLERATED = 0.01
# How much of what the network adds to the line may be kept: half of it is the middle of two
# forecasts, which is seldom worse than both.
SHARES = (1.0, 0.5)
# Numbers in all rows together: 160 MB in float32. Of longer series some origins are left out.
MOST_NUMBERS = 40_000_000
# Share of the rows to learn from that a split further back in time must have left.
LEAST_PAST = 0.6
MOST_COLUMNS_NAMED = 12


@dataclass(frozen=True)
class Cuts:
    """Rows of the series: to learn from, to validate on, to be tested on, in this order."""

    train: int
    validation: int
    test: int

    @property
    def past(self) -> int:
        """Return the rows before the test."""
        return self.train + self.validation


@dataclass(frozen=True)
class PreparedSeries:
    """The series with the inputs that are used, its cuts, and the windows that a row holds."""

    series: Series
    cuts: Cuts
    season: int
    shape: Shape
    windows: SeriesWindows
    train: Rows


class StopAfter(Callback):
    """Ends training after some epochs, while the learning rate falls as if more would follow."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch_end(self, training: Training) -> None:
        """Stop once the epochs are done."""
        if training.epoch >= self.epochs:
            training.stop(f"validation was best after {self.epochs} epochs")


class SeriesModality(Modality):
    """A table whose rows stand in time; `reason`: why they are taken so."""

    name: ClassVar[str] = "series"
    priority: ClassVar[int] = 40
    provides: ClassVar[frozenset[Needs]] = frozenset({Needs.COLUMNS})
    not_repaired: ClassVar[str] = (
        "a series, which is learned three times: what helps the first time, on the oldest rows, is "
        "not known to help the last time, on all of them"
    )
    data: Table

    def __init__(self, data: Table, options: Options, reason: str, target: str) -> None:
        super().__init__(data, options)
        self.refuse_options()
        self.reason = reason
        self.target = Target(target, TaskType.NUMBER, "a series goes on in numbers")

    @classmethod
    def recognize(
        cls, data: Dataset, options: Options, examples: Examples | None = None
    ) -> Self | None:
        """Return a table whose rows are seen to be a series, or are said to be."""
        if not isinstance(data, Table) or examples is not None:
            return None
        if options.groups is not None and not options.wants_forecast:
            return None
        table = rows_asked_for(data, options)
        target = options.target or table.target
        reason = _reason(table, target, options)
        if reason is None:
            return None
        if options.groups is not None:
            raise ArgumentError(
                f"--groups {options.groups}",
                needed="rows without an order in time; a series is judged on its own newest rows",
                got="a forecast",
                try_="--task regression, or no --groups",
            )
        if options.test is not None:
            raise ArgumentError(
                f"--test {options.test}",
                needed="rows without an order in time; a series is judged on its own newest rows",
                got="a series",
                try_="--task regression, or no --test",
            )
        return cls(data, options, reason, str(target))

    def split(self) -> tuple[Series, Cuts, Seasons, int]:
        """Cut the series in time; return it with the cuts, the seasons and the horizon."""
        options, decisions = self.options, self.decisions
        series = self._read()
        test = _newest(series, len(series), options.test_fraction)
        seasons = choose_seasons(series.first(len(series) - test), options.season, decisions)
        horizon = self._horizon(len(series), seasons, test)
        return series, self._cut(series, horizon), seasons, horizon

    def _read(self) -> Series:
        decisions, name = self.decisions, self.target.name
        table = columns_asked_for(self.data, self.options)
        only: tuple[str, ...] = ()
        if self.options.only is not None:
            only = column_and_value(self.options.only)
            table = only_rows(table, only)
            decisions.add("rows", f"{len(table):,} with {only[0]} {only[1]}", "you chose them")
        decisions.add("task", "forecast", self.reason)
        plan, left_out = plan_series(table, name, only)
        decisions.add("target", f"{name}: how it goes on", "its next values are what is asked for")
        series = read_series(table, plan)
        decisions.keep(*left_out)
        step = plan.step
        if step.unit != "row":
            reason = f"that is how the dates in {plan.date} follow each other"
            if series.gaps:
                reason += f"; {series.gaps}"
            elif step.unit == "business day":
                reason += "; holidays are not known, so that forecasts are made for them too"
            decisions.add("step", step.one, reason)
        elif plan.date:
            decisions.add(
                "step",
                "from one row to the next",
                f"the dates in {plan.date} rise without a regular step, so that only their order "
                "is used",
            )
        else:
            decisions.add("step", "from one row to the next", "there are no dates, only an order")
        self.notes += [note for note in series.notes if note != series.gaps]
        return series

    def _horizon(self, rows: int, seasons: Seasons, test: int) -> int:
        asked, decisions = self.options.horizon, self.decisions
        most = max(rows // 4, 1)
        if asked is not None:
            whole = isinstance(asked, int | np.integer) and not isinstance(asked, bool)
            if not whole or not 1 <= asked <= most:
                raise ArgumentError(
                    "the horizon",
                    needed=f"{'1 step' if most == 1 else f'1 to {most} steps'}, a quarter of the "
                    f"{counted(rows, 'row')} at most",
                    got=repr(asked),
                )
            decisions.add("horizon", _steps(asked), CHOSEN)
            return int(asked)
        hint = "; --horizon says another number"
        season = 0 if seasons.too_long else seasons.first
        if season and season + FEWEST_ORIGINS - 1 <= (test or rows // 2):
            decisions.add("horizon", _steps(season), f"one season{hint}")
            return season
        reason = "there is no season to go by"
        if seasons.too_long:
            reason = f"a season of {seasons.first} steps is a long way to see"
        if season:
            reason = f"the {test} rows to be judged on are too few for a season"
        decisions.add("horizon", _steps(1), reason + hint)
        return 1

    def _cut(self, series: Series, horizon: int) -> Cuts:
        """Return how many rows train, validate and test, in this order of time."""
        rows, share = len(series), self.options.validation_share
        fraction = self.options.test_fraction
        test = max(_newest(series, rows, fraction), horizon) if fraction else 0
        validation = 0
        if share:
            least = horizon + FEWEST_ORIGINS - 1
            validation = max(_newest(series, rows - test, share), least)
        train = rows - test - validation
        # A window of at least the horizon, its answers, and some rows of that kind.
        least = 2 * horizon + FEWEST_ROWS
        if train < least and validation:
            validation, train = 0, rows - test
        if train < least:
            raise DataError(
                series.name,
                needed=f"at least {least + test} rows for a horizon of {horizon}",
                got=f"{rows}",
                try_="a shorter horizon" if horizon > 1 else "a longer series",
            )
        choice = [f"the first {train:,} rows to learn from"]
        if validation:
            choice.append(f"the next {validation:,} to validate on")
        if test:
            choice.append(f"the last {test:,} to be judged on")
        reason = "what comes later must not be known before"
        if horizon > 1:
            reason += "; no forecast reaches across a cut"
        self.decisions.add("split", ", ".join(choice), reason)
        return Cuts(train, validation, test)

    def resplit(self, split: tuple[Series, Cuts, Seasons, int], number: int) -> Resplit | None:
        """Validate on steps before those of the split, and learn from what was before them."""
        series, cuts, seasons, horizon = split
        train = cuts.train - number * cuts.validation
        if not cuts.validation or train < max(cuts.train * LEAST_PAST, 2 * horizon + FEWEST_ROWS):
            return None
        earlier = replace(cuts, train=train, test=len(series) - train - cuts.validation)
        validation = np.arange(train - 1, earlier.past - horizon)
        return Resplit((series, earlier, seasons, horizon), validation)

    def prepare(self, split: tuple[Series, Cuts, Seasons, int]) -> PreparedSeries:
        """Decide on the past alone what a row holds; fit its scaling on training rows."""
        series, cuts, seasons, horizon = split
        shape = choose_shape(series.first(cuts.past), horizon, seasons, self.decisions)
        series = series.with_inputs(shape.windows.plan.inputs)
        train = series.first(cuts.train)
        windows = shape.windows.refitted(train)
        rows = _rows(windows, train, training_origins(shape, train))
        return PreparedSeries(series, cuts, seasons.first, shape, windows, rows)

    def plan(self, prepared: PreparedSeries) -> Plan:
        """Return a network beside a linear path."""
        options = self.options
        if not prepared.cuts.validation:
            options = replace(options, validation_fraction=0.0)
        rows, features = prepared.train.x.shape
        planner = Planner(rows, features, self.target, options, self.decisions, space=self.space)
        plan = plan_series_network(planner, prepared.windows)
        self.refuse_hyperparameters()
        return self.as_asked(plan)

    def setup(self, prepared: PreparedSeries, plan: Plan) -> Setup:
        """Put together what trains, and windows of the training and the validation rows."""
        cuts, windows = prepared.cuts, prepared.windows
        self._plan = plan
        trainer = self._trainer(prepared, windows, prepared.series.first(cuts.train))
        trainer.origin = self.options.origin or {}
        trainer.preparation, trainer.names = self.decisions.facts, Names(windows.feature_names)
        validation = None
        if cuts.validation:
            past = prepared.series.first(cuts.past)
            origins = np.arange(cuts.train - 1, cuts.past - windows.horizon)
            origins = windows.measured_origins(past, origins, FEWEST_ORIGINS)
            origins = windows.clear_origins(past, origins, FEWEST_ORIGINS)
            validation = rows_for(plan.loss, _rows(windows, past, origins))
        # All of the past is learned to be tested, and all rows to be kept.
        more = cuts.past + (len(prepared.series) if cuts.test else 0)
        x, y, weights = rows_for(plan.loss, prepared.train)
        return Setup(trainer, x, y, weights, validation, 1 + more / cuts.train)

    def keeps_start(self, plan: Plan) -> bool:
        """Tell whether the network has a line that it started from."""
        return has_linear_path(plan.module)

    def fit(self, prepared: PreparedSeries, plan: Plan, setup: Setup | None = None) -> Fitted:
        """Train with validation rows, to find after how many epochs the network is best."""
        cuts, options, windows = prepared.cuts, self.options, prepared.windows
        setup = self.setup(prepared, plan) if setup is None else setup
        self._plan = plan
        trainer, validation = setup.trainer, setup.validation
        train = prepared.series.first(cuts.train)
        start = _copied(trainer.network)
        line = None if validation is None else trainer.network.predict(validation[0])
        snapshots = Snapshots()
        run = trainer.fit(
            setup.x,
            setup.y,
            epochs=plan.epochs,
            validation=validation,
            callbacks=[
                snapshots,
                *([plan.early_stopping()] if validation else []),
                *(options.callbacks or ()),
                *make_loggers(options.track, options.folder),
                *self.budget.callbacks(setup.trainings),
            ],
            progress=make_progress(options.progress, unit=UNIT),
            folder=options.folder,
            resume=options.resume,
            # One that shows data and scores comes once there are some.
            report=False,
        )
        model = self._model(trainer.network, windows)
        curve = _learning_curve(run, windows, len(snapshots.indices))
        self._epochs = run.best_epoch or run.epochs
        self._share = 1.0
        if validation is not None and run.usable and has_linear_path(plan.module):
            assert line is not None
            found = trainer.network.predict(validation[0])
            errors = [
                float(np.abs(line + share * (found - line) - validation[1]).mean(dtype=np.float64))
                for share in (0.0, *SHARES)
            ]
            if not self._beats_the_line(errors, len(prepared.train), len(validation[0])):
                self._epochs = 0
                model = self._model(self._trainer(prepared, windows, train).network, windows)
            elif self._share < 1:
                nearer = nearer_the_line(trainer.network, start, self._share)
                model = self._model(nearer, windows)
        return Fitted(model, run, trainer, curve)

    def _beats_the_line(self, errors: list[float], rows: int, validation: int) -> bool:
        """Tell whether the network is kept beside the line, and how much of it.

        errors: on the validation rows, of the line and then with each of `SHARES`.
        """
        before, *after = errors
        best = int(np.argmin(after))
        self._share = SHARES[best]
        gain = 1 - after[best] / before if before > 0 else 0.0
        asked = WORTHWHILE / validation**0.5
        if not gain >= (-TOLERATED if rows >= MANY_ROWS else asked):
            self.decisions.add(
                "beyond it",
                "nothing: the network stays the line it started from",
                f"the network {_moved(gain)} on the validation rows"
                + (", less than chance could" if gain >= LEAST_SAID else "")
                + "; a line is safer",
            )
            return False
        half = self._share < 1
        reason = f"it {_moved(gain)} on the validation rows"
        if half:
            whole = 1 - after[0] / before if before > 0 else 0.0
            reason += f", where all of it {_moved(whole, 'that error')}"
        self.decisions.add(
            "beyond it",
            f"{'half of what the network adds' if half else 'the network'}, after "
            f"{counted(self._epochs, 'epoch')}",
            reason + (", and many rows are to be trusted" if gain < asked else ""),
        )
        return True

    def evaluate(self, prepared: PreparedSeries, fitted: Fitted) -> Evaluation:
        """Learn all of the past, test on the newest rows, and learn all rows in the same way."""
        run, model, epochs = fitted.run, fitted.model, self._epochs
        assert isinstance(model, ForecastModel)
        series, cuts = prepared.series, prepared.cuts
        if not run.usable:
            return Evaluation(model)
        past = series.first(cuts.past)
        tested = self._learn(prepared, past, epochs) if run.finished else model
        rows, batch = len(training_origins(prepared.shape, past)), self._plan.batch_size
        facts: dict[str, Any] = {
            "rows": rows,
            "test_rows": 0,
            "epochs": epochs,
            "updates": epochs * -(-rows // batch),
            "batch_size": batch,
            "seed": self.options.seed,
            "ended": str(run.ending)
            if epochs
            else f"{run.ending}; the line it started from is kept",
        }
        scores, back_test, baselines = {}, None, []
        if cuts.test:
            back_test = tested.back_test(series, cuts.past)
            self._decide_judged(back_test)
            scores["test"] = back_test.scores
            baselines = series_baselines(
                series, cuts.past, prepared.shape, prepared.season, back_test
            )
            scores |= baseline_scores(baselines)
            facts["test_rows"] = len(back_test.origins)
        final = tested
        if cuts.test and run.finished:
            final = self._learn(prepared, series, epochs)
            self.decisions.add(
                "at the end",
                f"learned anew from all {len(series):,} rows, in the same way",
                "the newest rows say most about what comes next; the scores are those of before",
            )
        interval, reason = forecast_interval(final.preprocessing, back_test, series)
        self.decisions.add("interval", f"right {interval.share:.0%} of the time", reason)
        final = ForecastModel(
            final.network,
            final.loss,
            final.preprocessing,
            final.target,
            facts | {"metrics": scores},
            interval,
        )
        errors = None if back_test is None else back_test.by_origin()
        judged = tested if cuts.test else None
        result = ForecastResult(series, epochs, back_test, judged)
        return Evaluation(final, scores, baselines, result, errors)

    def _decide_judged(self, test: BackTest) -> None:
        """Say which forecasts are not judged, where a gap leaves some without a window."""
        if test.unseen:
            self.decisions.add(
                "judged",
                f"{len(test.origins):,} forecasts",
                f"{test.unseen:,} others would look back on a gap: more than a fifth of their "
                "windows was filled in",
            )

    def _learn(self, prepared: PreparedSeries, past: Series, epochs: int) -> ForecastModel:
        """Return the model learned from all of `past` in `epochs` epochs."""
        plan, windows = self._plan, prepared.shape.windows.refitted(past)
        trainer = self._trainer(prepared, windows, past)
        start = _copied(trainer.network)
        if epochs:
            rows = _rows(windows, past, training_origins(prepared.shape, past))
            x, y, _ = rows_for(plan.loss, rows)
            run = trainer.fit(x, y, epochs=plan.epochs, callbacks=[StopAfter(epochs)])
            if run.failed:
                raise ArgumentError(
                    "training",
                    needed="a loss that stays finite",
                    got=str(run.ending),
                    try_="a lower learning rate",
                )
            if self._share < 1:
                return self._model(nearer_the_line(trainer.network, start, self._share), windows)
        return self._model(trainer.network, windows)

    def _trainer(self, prepared: PreparedSeries, windows: SeriesWindows, past: Series) -> Trainer:
        """Return a trainer whose network starts from the best line through `past`."""
        module, seed = self._plan.module, self.options.seed
        network = Network(module, (windows.number_of_features,), seed=seed)
        if has_linear_path(module):
            shape = prepared.shape
            path = fit_linear_path(past, windows, shape.lengths, shape.penalties, shape.shares)
            arrays = starting_arrays(network, path)
            network = Network(module, (windows.number_of_features,), seed=seed, arrays=arrays)
        options = self.options
        return self._plan.trainer(
            seed,
            options.threads,
            network,
            shuffle=options.shuffle,
            shards=options.shards,
            precision=options.precision,
        )

    def _model(self, network: Network, windows: SeriesWindows) -> ForecastModel:
        return ForecastModel(network, self._plan.loss, windows, self.target, {})


def training_origins(shape: Shape, past: Series) -> Array:
    """Return the origins in `past` to learn from."""
    # What was filled in is no answer to learn, where enough others are left.
    origins = learned_origins(past, shape.windows)
    return thinned(origins, MOST_NUMBERS // shape.windows.number_of_features)


def _rows(windows: SeriesWindows, series: Series, origins: Array) -> Rows:
    return Rows(windows.transform(series, origins), windows.answers(series, origins))


def _learning_curve(run: Run, windows: SeriesWindows, rows: int) -> LearningCurve | None:
    """Return what was wrong at each snapshot, in the target's unit; None for logarithms."""
    if not run.snapshots or windows.log:
        return None
    curve = LearningCurve(
        rows,
        tuple(snapshot.update for snapshot in run.snapshots),
        run.snapshots[0].score_name,
        tuple(float(snapshot.score * windows.answer_spread) for snapshot in run.snapshots),
    )
    return in_order(curve, run)


def _reason(table: Table, target: str | None, options: Options) -> str | None:
    """Return why `table` is to be taken as a series, or None where it is not.

    Raises ArgumentError where what was asked for does not go together, DataError for several series
    in one table.
    """
    asked = {"--horizon": options.horizon, "--season": options.season}
    flags = [flag for flag, value in asked.items() if value is not None]
    if options.task in (TaskName.CLASSIFICATION, TaskName.REGRESSION):
        if flags:
            raise ArgumentError(
                flags[0],
                needed="a series to forecast",
                got=f"--task {options.task}",
                try_="--task forecast",
            )
        return None
    if options.wants_forecast:
        if target is None:
            columns = ", ".join(map(str, table.frame.columns[:MOST_COLUMNS_NAMED]))
            raise ArgumentError(
                "the target of a forecast",
                needed=f"one of the columns {columns}",
                got="none",
                try_="--target and the column that shall be forecast",
            )
        named = "a forecast" if options.task == TaskName.FORECAST else flags[0]
        return f"you asked for {named}"
    if target is None or target not in table.frame.columns or not is_number_column(table, target):
        return None
    reason = series_reason(table, target)
    if reason is None:
        return None
    tried = rows_or_series(table, target)
    if tried is not None and tried.as_rows:
        return None
    if tried is not None and tried.columns_better:
        return (
            f"{reason}; {tried.words}: where those are known when you predict, --task regression "
            "learns from them"
        )
    return f"{reason}; --task regression forgets the order"


def _newest(series: Series, rows: int, share: float) -> int:
    """Return how many of the first `rows` rows, from their end, hold a share of what was measured.

    The share is one of all that was measured. A gap counts as nothing.
    """
    measured = series.measured
    if measured.all():
        return round(len(series) * share)
    places = np.flatnonzero(measured[:rows])
    asked = min(round(int(measured.sum()) * share), len(places))
    return int(rows - places[-asked]) if asked else 0


def _copied(network: Network) -> dict[str, Array]:
    return {name: array.copy() for name, array in network.arrays().items()}


def _moved(gain: float, what: str = "the line's error") -> str:
    """Return in words what became of the line's error."""
    if abs(gain) < LEAST_SAID:
        return f"leaves {what} as it was"
    if gain < -1:
        return f"makes {what} {1 - gain:,.0f} times as large"
    return f"makes {what} {abs(gain):.1%} {'smaller' if gain > 0 else 'larger'}"


def _steps(count: int) -> str:
    return f"the next {count} steps" if count > 1 else "the next step"
