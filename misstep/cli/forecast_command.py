"""`misstep predict` where rows follow each other in time: the next steps, as CSV.

What a forecast is, and how it did on newer rows, the model knows.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from misstep.cli.exits import DONE
from misstep.cli.output import write_json, write_output
from misstep.cli.page import Page
from misstep.cli.prediction_table import csv_of, write_columns
from misstep.data import read_table
from misstep.modeling import ForecastModel, score_words
from misstep.text.counts import counted

if TYPE_CHECKING:
    import pandas


def forecast_rows(
    model: ForecastModel,
    source: str | None,
    *,
    out: Path | None,
    json: bool,
    steps: int | None = None,
) -> int:
    """Write the next steps after the end of `source` as CSV; return the exit code.

    Where `source` goes on beyond what was learned from, its newer rows are forecast too, each from
    what lay before it, and the score of that is said.
    """
    page = Page(to_error=json or out is None)
    series = None if source is None else model.read(read_table(source))
    forecast = model.forecast(series, steps)
    notes = list(model.notes)
    if out is not None:
        write_columns(out, _columns(forecast))
        page.say(f"{counted(len(forecast), 'step')} ahead in {out}")
    elif not json:
        write_output(csv_text(forecast))
    for note in notes:
        page.say(note)
    metrics = None
    end = "what was learned from" if series is None else source
    if series is not None:
        newer = model.newer_rows(series)
        back_test = model.back_test_newer(series)
        if newer is not None and back_test is not None:
            metrics = back_test.scores
            last = back_test.last_value_by_step().mean()
            page.say(
                f"{counted(newer, 'row')} came after what was learned from. Forecast from what lay "
                f"before each: {score_words(metrics)}; the last value: MAE {last:,.5g}"
            )
        elif newer is None:
            page.say(f"{source} does not begin with what was learned from, so there is no score")
    page.say(f"The steps follow the end of {end}.")
    if model.preprocessing.plan.step.unit == "business day":
        page.say("They are weekdays; holidays are not known.")
    if json:
        facts: dict[str, Any] = {
            "task": "forecast",
            "target": model.target.name,
            "rows": len(forecast),
            "metrics": metrics,
            "notes": notes,
            "out": None if out is None else str(out),
        }
        if out is None:
            # What is not known is no number, and JSON has a word for that.
            facts["predictions"] = [
                {name: None if cell != cell else cell for name, cell in one.items()}
                for one in _as_objects(forecast)
            ]
        write_json(facts)
    page.settle()
    return DONE


def csv_text(forecast: pandas.DataFrame) -> str:
    """Return a forecast as CSV: step, date where there are dates, prediction, lower, upper."""
    return csv_of(_columns(forecast))


def _columns(forecast: pandas.DataFrame) -> dict[str, list[Any]]:
    """Return cells by the name of their column; dates as `_as_objects` has them."""
    objects = _as_objects(forecast)
    return {str(name): [one[str(name)] for one in objects] for name in forecast.columns}


def date_words(dates: pandas.Series) -> list[str]:
    """Return dates as texts, each with its offset where that is known; days without a time."""
    moments = dates.dt
    if moments.tz is not None:
        return [date.isoformat(sep=" ") for date in dates]
    if (moments.normalize() == dates).all():
        return [f"{date:%Y-%m-%d}" for date in dates]
    return [
        date.isoformat(sep=" ").rstrip("0") if date.microsecond else str(date) for date in dates
    ]


def _as_objects(forecast: pandas.DataFrame) -> list[dict[str, Any]]:
    """Return one object for each step; dates are texts, without a time where all are midnights."""
    columns = {str(name): forecast[name].tolist() for name in forecast.columns}
    if "date" in columns:
        columns["date"] = date_words(forecast["date"])
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
