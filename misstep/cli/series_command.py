"""`misstep train` and `misstep predict` where rows follow each other in time.

Says what `modeling` found, in the words of forecasts; the picture of it is written beside the
model. Decides nothing about a model, but whether a table is meant as a series.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from misstep.cli.exits import DONE
from misstep.cli.given import quoted
from misstep.cli.page import Page
from misstep.cli.verdict import forecast_verdict
from misstep.data import read_table
from misstep.modeling import FitResult, ForecastModel, assess_forecasts, score_words
from misstep.report import draw_forecast
from misstep.storage import write_text
from misstep.text.counts import counted
from misstep.text.figures import four_figures
from misstep.text.plain import json_line

if TYPE_CHECKING:
    import pandas

PICTURE = "forecast.svg"
# Networks compute in float32, whose numbers 9 digits tell apart.
DIGITS = 9


class ForecastOutcome:
    """What came of training on a series."""

    def __init__(self, result: FitResult) -> None:
        assert result.forecast is not None
        self.result, self.forecast = result, result.forecast

    def how_it_ended(self) -> str:
        """Return in words how training went and what of it was kept."""
        run = self.result.run
        words = f"{counted(run.epochs, 'epoch')} in {run.seconds:.1f} s: {run.ending}."
        if not run.finished:
            return f"{words} The weights are those of the best epoch so far."
        if self.forecast.epochs == 0:
            return f"{words} The line it started from was not clearly worse, so it is kept."
        return (
            f"{words} Learned anew in {counted(self.forecast.epochs, 'epoch')} with the newer rows."
        )

    def say_scores(self, page: Page) -> None:
        """Say the scores beside the baselines, and what they mean."""
        result = self.result
        back_test, scores = self.forecast.back_test, result.scores
        if back_test is None:
            page.say("No rows were set apart to be judged on, so there is no score.", always=True)
            return
        origins, horizon = back_test.predicted.shape
        ahead = "the next step" if horizon == 1 else f"the next {horizon} steps each"
        rows = [["this network", f"{counted(origins, 'forecast')} of {ahead}, never seen before"]]
        rows += [[one.who, one.how] for one in result.baselines]
        names = ["test", *(one.name for one in result.baselines)]
        table = [
            [who, four_figures(scores[name]["mae"]), four_figures(scores[name]["rmse"]), how]
            for name, (who, how) in zip(names, rows, strict=True)
            if name in scores
        ]
        page.table(table, ["", "mean error", "RMSE", ""], [1, 2], always=True)
        page.blank(always=True)
        assessment = assess_forecasts(scores, result.baselines, origins, horizon)
        page.say(forecast_verdict(assessment), "bold", always=True)
        if horizon > 1:
            steps = back_test.by_step()
            page.say(
                f"The mean error is {four_figures(steps[0])} one step ahead and "
                f"{four_figures(steps[-1])} {horizon} steps ahead.",
                always=True,
            )

    def write_picture(self, folder: Path) -> Path | None:
        """Write the picture of back-test and forecast; return its place."""
        model, series = self.result.model, self.forecast.series
        if not isinstance(model, ForecastModel) or series is None:
            return None
        interval = model.interval
        assert interval is not None
        picture = draw_forecast(
            series, self.forecast.back_test, model.forecast(series), interval.share
        )
        write_text(folder / PICTURE, picture)
        return folder / PICTURE

    def next_commands(self, path: Path, source: str) -> list[str]:
        """Return commands to try with the model at `path`, learned from the series `source`."""
        return [
            f"misstep predict {quoted(path)}",
            f"misstep predict {quoted(path)} {quoted(source)} --out forecast.csv",
            f"misstep summary {quoted(path)}",
        ]


def forecast_rows(model: ForecastModel, source: str | None, *, out: Path | None, json: bool) -> int:
    """Write the next steps after the end of `source` as CSV; return the exit code.

    Where `source` goes on beyond what was learned from, its newer rows are forecast too, each from
    what lay before it, and the score of that is said.
    """
    page = Page(to_error=json or out is None)
    series = None if source is None else model.read(read_table(source))
    found = model.forecast(series)
    notes = list(model.notes)
    if out is not None:
        write_text(out, csv_text(found))
        page.say(f"{counted(len(found), 'step')} ahead in {out}")
    elif not json:
        sys.stdout.write(csv_text(found))
        sys.stdout.flush()
    for note in notes:
        page.say(note)
    metrics = None
    end = "what was learned from" if series is None else source
    if series is not None:
        known = model.learned_rows(series)
        new = 0 if known is None else len(series) - known
        if new >= model.horizon:
            test = model.back_test(series, known or 0)
            metrics = test.scores
            last = np.abs(test.last[:, None] - test.truth).mean()
            page.say(
                f"{counted(new, 'row')} came after what was learned from. Forecast from what lay "
                f"before each: {score_words(metrics)}; the last value: MAE {last:,.5g}"
            )
        elif known is None:
            page.say(f"{source} does not begin with what was learned from, so there is no score")
    page.say(f"The steps follow the end of {end}.")
    if json:
        told: dict[str, Any] = {
            "task": "forecast",
            "target": model.target.name,
            "rows": len(found),
            "metrics": metrics,
            "notes": notes,
            "out": None if out is None else str(out),
        }
        if out is None:
            told["predictions"] = _as_objects(found)
        print(json_line(told))
    return DONE


def csv_text(forecast: pandas.DataFrame) -> str:
    """Return a forecast as CSV: step, date where there are dates, prediction, lower, upper."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(forecast.columns)
    for row in _as_objects(forecast):
        writer.writerow(
            [f"{one:.{DIGITS}g}" if type(one) is float else one for one in row.values()]
        )
    return text.getvalue()


def _as_objects(forecast: pandas.DataFrame) -> list[dict[str, Any]]:
    """Return one object for each step; dates are texts, without a time where all are midnights."""
    columns = {str(name): forecast[name].tolist() for name in forecast.columns}
    if "date" in columns:
        dates = forecast["date"].to_numpy().astype("datetime64[s]")
        days = dates.astype("datetime64[D]")
        shown = days if (days == dates).all() else dates
        columns["date"] = [str(one).replace("T", " ") for one in shown]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
