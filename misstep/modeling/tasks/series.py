"""Learning to forecast a series: split in time, choices on the past, training and back-test.

Trained three times. With validation rows, to find how many epochs help, if any; on all of the past,
to be judged on the newest part, which nothing has seen; on everything, to be kept, since the newest
rows say most about what comes next.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from misstep.data import Table, Target, TaskType
from misstep.data.series.series import Series, only_rows, plan_series, read_series
from misstep.data.series.windows import SeriesWindows, thinned
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array, one_blas_thread
from misstep.modeling.forecast import BackTest, ForecastModel, outlook_of
from misstep.modeling.learning import Part
from misstep.modeling.linear_path import FEWEST_ROWS, fit_linear_path
from misstep.modeling.recipes import Recipe, check_settings
from misstep.modeling.recipes.series import (
    MANY_ROWS,
    has_linear_path,
    series_recipe,
    starting_arrays,
)
from misstep.modeling.series_baselines import series_baselines
from misstep.modeling.settings import Choices, Settings
from misstep.modeling.stages import StageReport
from misstep.modeling.tasks.task import TEST_FRACTION, Trained
from misstep.modeling.windows_choice import LEAST_SAID, Shape, choose_season, choose_shape
from misstep.nn import Network
from misstep.text.counts import plural
from misstep.train import Callback, Run, Snapshots, Trainer, Training

# Origins to validate or to be judged on: a mean over fewer of them is one story, not a measure.
FEWEST_ORIGINS = 5
# The network beside the line must lower the error on n validation rows by this share of 1/√n: the
# best of many epochs looks better than it is, the more so the fewer rows there are, and a line is
# the safer guess for what was never seen. On walks of 400 random steps, half of this let one
# network in five through that did worse than the line.
WORTHWHILE = 0.25
# Of many rows it is the other way round: what they taught is kept unless it makes that error larger
# by this share.
TOLERATED = 0.01
# Numbers in all rows together: 160 MB in float32. Of longer series some origins are left out.
MOST_NUMBERS = 40_000_000


@dataclass(frozen=True)
class ForecastTrained(Trained):
    """What came of training on a series.

    `back_test`: of the test part; `series`: all of it, with the inputs that are used; `epochs`: in
    how many the network learned what the line could not say, 0 for none.
    """

    back_test: BackTest | None = None
    series: Series | None = None
    epochs: int = 0


@dataclass(frozen=True)
class _Cuts:
    """Rows of the series: to learn from, to validate on, to be judged on, in this order."""

    train: int
    validation: int
    test: int

    @property
    def past(self) -> int:
        """Return the rows before the test."""
        return self.train + self.validation


class _StopAfter(Callback):
    """Ends training after some epochs, while the learning rate falls as if more would follow."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch_end(self, training: Training) -> None:
        """Stop once the epochs are done."""
        if training.epoch >= self.epochs:
            training.stop(f"validation was best after {self.epochs} epochs")


def train_series(
    table: Table,
    target: str,
    *,
    horizon: int | None = None,
    season: int | None = None,
    only: tuple[str, ...] = (),
    test_fraction: float = TEST_FRACTION,
    because: str = "you asked for a forecast",
    settings: Settings | None = None,
) -> ForecastTrained:
    """Train a model that forecasts the column `target` of `table`, whose rows stand in time.

    `horizon`: steps to predict; None leaves it to us. `season`: in steps, 0 for none. `only`:
    column and value that pick one series of several. `test_fraction`: share of the newest rows to
    be judged on; 0: none. `because`: why these rows are a series. Raises DataError, ArgumentError.
    """
    settings = settings or Settings()
    check_settings(settings)
    began = time.perf_counter()
    choices = Choices(settings.say)
    series, notes = _read(table, target, only, because, choices)
    cuts = _first_cuts(len(series), test_fraction)
    length = choose_season(series.first(cuts.past), season, choices)
    wished = _horizon(horizon, len(series), length, cuts.test, choices)
    cuts = _cut(series, wished, settings.validation_fraction, test_fraction, choices)
    past = series.first(cuts.past)
    shape = choose_shape(past, wished, length, choices)
    series = series.with_inputs(shape.windows.plan.inputs)
    past = series.first(cuts.past)
    learner = _Learner(series, shape, settings, choices)
    run, epochs = learner.find_epochs(cuts)
    if not run.usable:
        seconds = time.perf_counter() - began
        return ForecastTrained(learner.model, run, {}, choices.made, notes, seconds)
    judged = learner.model if not run.finished else learner.learn(past, epochs)
    facts: dict[str, Any] = {
        "rows": len(learner.origins(past)),
        "test_rows": 0,
        "epochs": epochs,
        "updates": epochs * -(-len(learner.origins(past)) // learner.recipe.batch_size),
        "batch_size": learner.recipe.batch_size,
        "seed": settings.seed,
        "ended": str(run.ending) if epochs else f"{run.ending}; the line it started from is kept",
    }
    metrics, back_test = {}, None
    baselines = []
    if cuts.test:
        back_test = judged.back_test(series, cuts.past)
        metrics["test"] = back_test.scores
        baselines = series_baselines(series, cuts.past, wished, length, back_test)
        with one_blas_thread():
            for one in baselines:
                found = one.score()
                if found is not None:
                    metrics[one.name] = found
        facts["test_rows"] = len(back_test.origins)
    model = judged
    if cuts.test and run.finished:
        model = learner.learn(series, epochs)
        choices.add(
            "at the end",
            f"learned anew from all {len(series):,} rows, in the same way",
            "the newest rows say most about what comes next; the scores are those of before",
        )
    outlook, why = outlook_of(model.preprocessing, back_test, series)
    choices.add("interval", f"right {outlook.share:.0%} of the time", why)
    made = ForecastModel(
        model.network,
        model.loss,
        model.preprocessing,
        model.target,
        facts | {"metrics": metrics},
        outlook,
    )
    seconds = time.perf_counter() - began
    return ForecastTrained(
        made,
        run,
        metrics,
        choices.made,
        notes,
        seconds,
        baselines,
        learner.stages,
        back_test,
        series,
        epochs,
    )


class _Learner:
    """Learns the same way from several stretches of one series."""

    def __init__(self, series: Series, shape: Shape, settings: Settings, choices: Choices) -> None:
        self.series, self.shape = series, shape
        self.settings, self.choices = settings, choices
        self.target = Target(series.plan.target, TaskType.NUMBER, "a series goes on in numbers")
        self.recipe: Recipe
        self.model: ForecastModel
        self.stages: StageReport | None = None

    def find_epochs(self, cuts: _Cuts) -> tuple[Run, int]:
        """Train with validation; return the run, and after how many epochs it was best, maybe 0."""
        settings, choices = self.settings, self.choices
        train = self.series.first(cuts.train)
        windows = self._fitted(train)
        part = self._part(windows, train, self.origins(train))
        rows, features = part.features.shape
        silent = settings if cuts.validation else replace(settings, validation_fraction=0.0)
        make = series_recipe(windows)
        self.recipe = make(rows, features, self.target, silent, choices)
        trainer = self._trainer(windows, train)
        validation = None
        if cuts.validation:
            past = self.series.first(cuts.past)
            origins = np.arange(cuts.train - 1, cuts.past - windows.horizon)
            validation = self._part(windows, past, origins).for_loss(self.recipe.loss)
        before = trainer.evaluate(*validation[:2])["loss"] if validation else np.inf
        x, y, _ = part.for_loss(self.recipe.loss)
        snapshots = Snapshots()
        run = trainer.fit(
            x,
            y,
            epochs=self.recipe.epochs,
            validation=validation,
            callbacks=[snapshots],
            early_stopping=self.recipe.early_stopping() if validation else None,
            progress=settings.progress,
            folder=settings.folder,
            resume=settings.resume,
        )
        self.model = self._model(trainer, windows)
        self.stages = _stage_report(run, windows, len(snapshots.indices))
        epochs = run.best_epoch or run.epochs
        if validation is None or not run.usable or not has_linear_path(self.recipe.module):
            return run, epochs
        after = trainer.evaluate(*validation[:2])["loss"]
        gain = 1 - after / before if before > 0 else 0.0
        asked = WORTHWHILE / len(validation[0]) ** 0.5
        if not gain >= (-TOLERATED if rows >= MANY_ROWS else asked):
            choices.add(
                "beyond it",
                "nothing: the network stays the line it started from",
                f"the network {_moved(gain)} on the validation rows"
                + (", less than chance could" if gain >= LEAST_SAID else "")
                + "; a line is safer",
            )
            self.model = self._model(self._trainer(windows, train), windows)
            return run, 0
        choices.add(
            "beyond it",
            f"the network, after {epochs} {plural(epochs, 'epoch')}",
            f"it {_moved(gain)} on the validation rows"
            + (", and many rows are to be trusted" if gain < asked else ""),
        )
        return run, epochs

    def learn(self, past: Series, epochs: int) -> ForecastModel:
        """Return the model learned from all of `past` in `epochs` epochs."""
        windows = self._fitted(past)
        trainer = self._trainer(windows, past)
        if epochs:
            part = self._part(windows, past, self.origins(past))
            x, y, _ = part.for_loss(self.recipe.loss)
            run = trainer.fit(x, y, epochs=self.recipe.epochs, callbacks=[_StopAfter(epochs)])
            if run.failed:
                raise ArgumentError(
                    "training",
                    needed="a loss that stays finite",
                    got=str(run.ending),
                    try_="a lower learning rate",
                )
        return self._model(trainer, windows)

    def origins(self, past: Series) -> Array:
        """Return the origins in `past` to learn from."""
        windows = self.shape.windows
        origins = windows.origins(past, answered=True)
        return thinned(origins, MOST_NUMBERS // windows.number_of_features)

    def _fitted(self, past: Series) -> SeriesWindows:
        """Return the chosen windows with scalings fitted on `past` only."""
        chosen = self.shape.windows
        return SeriesWindows.fit(
            past,
            window=chosen.window,
            horizon=chosen.horizon,
            season=chosen.season,
            log=chosen.log,
            calendar=chosen.calendar,
        )

    def _part(self, windows: SeriesWindows, series: Series, origins: Array) -> Part:
        return Part(windows.transform(series, origins), windows.answers(series, origins))

    def _trainer(self, windows: SeriesWindows, past: Series) -> Trainer:
        """Return a trainer whose network starts from the best line through `past`."""
        module, shape = self.recipe.module, (windows.number_of_features,)
        seed = self.settings.seed
        network = Network(module, shape, seed=seed)
        if has_linear_path(module):
            path = fit_linear_path(past, windows, self.shape.lengths, self.shape.penalties)
            arrays = starting_arrays(network, path)
            network = Network(module, shape, seed=seed, arrays=arrays)
        return self.recipe.trainer(seed, self.settings.threads, network)

    def _model(self, trainer: Trainer, windows: SeriesWindows) -> ForecastModel:
        return ForecastModel(trainer.network, trainer.loss, windows, self.target, {})


def _stage_report(run: Run, windows: SeriesWindows, rows: int) -> StageReport | None:
    """Return what was wrong at each stage, in the target's unit; None for logarithms."""
    if not run.snapshots or windows.log:
        return None
    return StageReport(
        rows,
        tuple(one.update for one in run.snapshots),
        run.snapshots[0].score_name,
        tuple(float(one.score * windows.answer_spread) for one in run.snapshots),
    )


def _moved(gain: float) -> str:
    """Return in words what became of the line's error."""
    if abs(gain) < LEAST_SAID:
        return "leaves the line's error as it was"
    if gain < -1:
        return f"makes the line's error {1 - gain:,.0f} times as large"
    return f"makes the line's error {abs(gain):.1%} {'smaller' if gain > 0 else 'larger'}"


def _read(
    table: Table, target: str, only: tuple[str, ...], because: str, choices: Choices
) -> tuple[Series, list[str]]:
    if only:
        table = only_rows(table, only)
        choices.add("rows", f"{len(table):,} with {only[0]} {only[1]}", "you chose them")
    choices.add("task", "forecast", because)
    plan, left_out = plan_series(table, target, only)
    choices.add("target", f"{target}: how it goes on", "its next values are what is asked for")
    series = read_series(table, plan)
    for decision in left_out:
        choices.add(decision.what, decision.choice, decision.reason)
    step = plan.step
    if step.unit != "row":
        choices.add("step", f"one {step.words}", f"so the dates in {plan.date} follow each other")
    elif plan.date:
        choices.add(
            "step",
            "from one row to the next",
            f"the dates in {plan.date} rise without a regular "
            "step, so that only their order is used",
        )
    else:
        choices.add("step", "from one row to the next", "there are no dates, only an order")
    return series, [*table.notes, *series.notes]


def _first_cuts(rows: int, test_fraction: float) -> _Cuts:
    if not 0 <= test_fraction < 1:
        raise ArgumentError(
            "the share of test rows", needed="0 or more, less than 1", got=f"{test_fraction:g}"
        )
    test = round(rows * test_fraction)
    return _Cuts(rows - test, 0, test)


def _horizon(wished: int | None, rows: int, season: int, test: int, choices: Choices) -> int:
    most = max(rows // 4, 1)
    if wished is not None:
        whole = isinstance(wished, int | np.integer) and not isinstance(wished, bool)
        if not whole or not 1 <= wished <= most:
            raise ArgumentError(
                "the horizon",
                needed=f"1 to {most} steps, a quarter of the rows at most",
                got=repr(wished),
            )
        choices.add("horizon", _steps(wished), "you chose it")
        return int(wished)
    hint = "; --horizon says another number"
    if season and season + FEWEST_ORIGINS - 1 <= (test or rows // 2):
        choices.add("horizon", _steps(season), f"one season{hint}")
        return season
    because = "there is no season to go by"
    if season:
        because = f"the {test} rows to be judged on are too few for a season"
    choices.add("horizon", _steps(1), because + hint)
    return 1


def _steps(count: int) -> str:
    return f"the next {count} steps" if count > 1 else "the next step"


def _cut(series: Series, horizon: int, validation: float, test: float, choices: Choices) -> _Cuts:
    """Return how many rows learn, validate and judge, in this order of time; tell why."""
    rows = len(series)
    judge = max(round(rows * test), horizon) if test else 0
    check = 0
    if validation:
        check = max(round(rows * validation), horizon + FEWEST_ORIGINS - 1)
    learn = rows - judge - check
    # A window of at least the horizon, its answers, and some rows of that kind.
    least = 2 * horizon + FEWEST_ROWS
    if learn < least and check:
        check, learn = 0, rows - judge
    if learn < least:
        raise DataError(
            series.name,
            needed=f"at least {least + judge} rows for a horizon of {horizon}",
            got=f"{rows}",
            try_="a shorter horizon" if horizon > 1 else "a longer series",
        )
    parts = [f"the first {learn:,} rows to learn from"]
    if check:
        parts.append(f"the next {check:,} to validate on")
    if judge:
        parts.append(f"the last {judge:,} to be judged on")
    because = "what comes later must not be known before"
    if horizon > 1:
        because += "; no forecast reaches across a cut"
    choices.add("split", ", ".join(parts), because)
    return _Cuts(learn, check, judge)
