"""Forecasts against ridge regression on its best window, which no choice could know beforehand.

    python -m benchmarks.series_windows [--only NAME] [--threads N]

For each series and horizon: our default run, and ridge regression on the values of the target over
each window of 8 to 400 steps, with the penalty that does best on the newest fifth of the past,
fitted on all of the past. Both are judged at every origin of the newest fifth of the measured rows,
by the mean absolute error over all steps ahead. "Best window" is the window with the least error on
these very rows: a bound that nobody reaches on purpose, and "chosen" the one that did best on the
past. Ratios below 1 are ours.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas

from benchmarks.systems.system import DATA
from misstep.data import Series, Table, read_table, thinned
from misstep.ir import Array, one_blas_thread
from misstep.modeling import FitResult, Options, train
from misstep.modeling.forecast import BackTest
from misstep.modeling.options import TaskName
from misstep.modeling.ridge import Ridge

WINDOWS = (8, 12, 16, 24, 32, 48, 64, 96, 128, 168, 192, 256, 336, 400)
PENALTIES = tuple(10.0**power for power in range(-3, 7))
NEWEST = 0.2
MOST_LEARNED = 20_000


@dataclass(frozen=True)
class Task:
    """A series to forecast so many steps ahead."""

    name: str
    read: Callable[[], Table]
    target: str
    horizons: tuple[int, ...]
    only: str | None = None


def _file(name: str) -> Callable[[], Table]:
    return lambda: read_table(DATA / "timeseries" / name)


def _made(make: Callable[[np.random.Generator], tuple[str, Array]]) -> Callable[[], Table]:
    def read() -> Table:
        step, values = make(np.random.default_rng(0))
        dates = pandas.date_range("1981-01-01", periods=len(values), freq=step)
        return Table(pandas.DataFrame({"date": dates, "value": values}), "made up")

    return read


def _smooth(numbers: np.random.Generator, rows: int, memory: float, size: float) -> Array:
    """Return noise that remembers a share of its last value."""
    noise = numbers.normal(0, size, rows)
    for row in range(1, rows):
        noise[row] += memory * noise[row - 1]
    return noise


def _days_of_ten_years(numbers: np.random.Generator) -> tuple[str, Array]:
    days = np.arange(3650)
    season = 4.5 * np.cos(2 * np.pi * (days - 20) / 365.25)
    return "D", 11 + season + _smooth(numbers, len(days), 0.6, 2.4)


def _cycles_of_eleven_years(numbers: np.random.Generator) -> tuple[str, Array]:
    values: list[float] = []
    while len(values) < 2900:
        cycle = int(numbers.normal(132, 10))
        height = numbers.uniform(60, 180)
        values += list(height * np.sin(np.pi * (np.arange(cycle) / cycle) ** 0.7) ** 2)
    level = np.array(values[:2900])
    return "MS", np.maximum(level + _smooth(numbers, 2900, 0.5, 1.0) * (4 + 0.12 * level), 0)


def _months_of_sales(numbers: np.random.Generator) -> tuple[str, Array]:
    months = np.arange(330)
    season = np.array([-0.12, -0.13, 0, -0.02, 0.03, 0, 0, 0.02, -0.04, 0, 0.03, 0.25])
    drift = 0.004 * months + numbers.normal(0, 0.006, 330).cumsum()
    return "MS", 1e5 * np.exp(drift + season[months % 12] + numbers.normal(0, 0.012, 330))


def _two_seasons(numbers: np.random.Generator) -> tuple[str, Array]:
    hours = np.arange(9000)
    day = np.sin(2 * np.pi * hours / 24) + 0.4 * np.sin(4 * np.pi * hours / 24 + 1)
    week = np.where((hours // 24) % 7 < 5, 1.0, 0.5)
    return "h", 10 + 3 * day * week + 2 * week + _smooth(numbers, 9000, 0.9, 0.08)


def _births(numbers: np.random.Generator) -> tuple[str, Array]:
    days = np.arange(7305)
    week = np.array([100, 160, 130, 120, 180, -250, -420.0])[days % 7]
    year, slow = 400 * np.sin(2 * np.pi * days / 365.25), 600 * np.sin(2 * np.pi * days / 4000)
    return "D", 9600 + week * (1 + days / 7305) + year + slow + numbers.normal(0, 150, 7305)


def _seldom(numbers: np.random.Generator) -> tuple[str, Array]:
    return "D", np.where(numbers.random(1500) < 0.15, numbers.poisson(6, 1500), 0.0)


def _walk(numbers: np.random.Generator) -> tuple[str, Array]:
    return "B", 100 * np.exp(numbers.normal(0, 0.015, 2000).cumsum())


TASKS = (
    Task("ETTh1, oil temperature", _file("ETTh1.csv.gz"), "OT", (1, 24)),
    Task("ETTh1, high load", _file("ETTh1.csv.gz"), "HUFL", (1, 24)),
    Task("ETTh1, middle load", _file("ETTh1.csv.gz"), "MULL", (1, 24)),
    Task("power company, load", _file("aep_hourly.csv.gz"), "AEP_MW", (1, 24)),
    Task("airline passengers", _file("airline_passengers.csv"), "Passengers", (1, 12)),
    Task("Apple, close", _file("stock_AAPL.csv"), "Close", (1, 5)),
    Task("Apple, volume", _file("stock_AAPL.csv"), "Volume", (1, 5)),
    Task("Coca-Cola, close", _file("stocks_daily_ohlcv.csv.gz"), "Close", (1, 5), "Ticker=KO"),
    Task("made up: a year in days", _made(_days_of_ten_years), "value", (1, 24)),
    Task("made up: eleven years in months", _made(_cycles_of_eleven_years), "value", (1, 24)),
    Task("made up: sales by month", _made(_months_of_sales), "value", (1, 12)),
    Task("made up: day and week in hours", _made(_two_seasons), "value", (1, 24)),
    Task("made up: week and year in days", _made(_births), "value", (1, 24)),
    Task("made up: seldom anything", _made(_seldom), "value", (1, 24)),
    Task("made up: a walk", _made(_walk), "value", (1, 5)),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="series whose names hold these letters")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    print("| series | steps | ours | best window | ratio | chosen | ratio | season | seconds |")
    print("|---|---|---|---|---|---|---|---|---|")
    ratios = []
    for task in TASKS:
        if asked.only.lower() not in task.name.lower():
            continue
        for horizon in task.horizons:
            found, seconds = _ours(task, horizon, asked.threads)
            assert found.forecast is not None
            assert found.forecast.back_test is not None
            ours = found.scores["test"]["mae"]
            best, chosen = _ridge(found.forecast.series, found.forecast.back_test, horizon)
            ratios.append(ours / best[1])
            season = next(one.choice for one in found.decisions if one.what == "season")
            print(
                f"| {task.name} | {horizon} | {ours:.4g} | {best[0]}: {best[1]:.4g} | "
                f"{ours / best[1]:.3f} | {chosen[0]}: {chosen[1]:.4g} | {ours / chosen[1]:.3f} | "
                f"{season} | {seconds:.1f} |",
                flush=True,
            )
    behind = sum(ratio > 1 for ratio in ratios)
    print(
        f"\nmean ratio {np.mean(ratios):.3f}; behind the best window in {behind} of {len(ratios)}"
    )


def _ours(task: Task, horizon: int, threads: int) -> tuple[FitResult, float]:
    start = time.process_time()
    table = task.read()
    options = Options(
        target=task.target, task=TaskName.FORECAST, horizon=horizon, only=task.only, threads=threads
    )
    return train(table, options), time.process_time() - start


def _ridge(
    series: Series, test: BackTest, horizon: int
) -> tuple[tuple[int, float], tuple[int, float]]:
    """Return the window and error that are best on the test, and on the end of the past."""
    values, measured = series.target, series.measured
    past = int(test.origins[0]) + 1
    mean, deviation = values[:past].mean(), values[:past].std() or 1.0
    level, cut = (values - mean) / deviation, round(past * (1 - NEWEST))
    ahead = np.arange(1, horizon + 1)
    tried = []
    with one_blas_thread():
        for window in WINDOWS:
            if window > past // 3:
                continue
            origins = np.arange(window - 1, past - horizon)
            back = np.arange(1 - window, 1)

            def rows(at: Array, back: Array = back) -> Array:
                return np.asarray(level[at[:, None] + back])

            def answers(at: Array) -> Array:
                return np.asarray(level[at[:, None] + ahead])

            older, newer = origins[origins + horizon < cut], origins[origins + 1 >= cut]
            older, origins = thinned(older, MOST_LEARNED), thinned(origins, MOST_LEARNED)
            ridge = Ridge(rows(older), answers(older))
            known = measured[newer[:, None] + ahead]
            errors = [
                float(np.abs(outputs - answers(newer))[known].mean())
                for outputs in ridge.predictions(rows(newer), PENALTIES)
            ]
            penalty = PENALTIES[int(np.argmin(errors))]
            line = Ridge(rows(origins), answers(origins)).path(penalty)
            predicted = line.predict(rows(test.origins)) * deviation + mean
            tried.append((window, test.scores_of(predicted)["mae"], min(errors)))
    best = min(tried, key=lambda one: one[1])
    chosen = min(tried, key=lambda one: one[2])
    return best[:2], chosen[:2]


if __name__ == "__main__":
    main()
