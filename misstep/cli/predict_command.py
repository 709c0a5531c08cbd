"""`misstep predict`: a model and rows in, CSV out; the score beside it where answers are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from misstep.cli.exits import DONE
from misstep.cli.forecast_command import forecast_rows
from misstep.cli.inputs import read_model, read_rows_for, split_in_words
from misstep.cli.output import write_json, write_output
from misstep.cli.page import Page
from misstep.cli.prediction_table import (
    Columns,
    check_coverage,
    check_out,
    csv_of,
    prediction_columns,
    write_columns,
)
from misstep.cli.seen_rows import seen_words
from misstep.data import Dataset, Table
from misstep.data.io.formats import split_part
from misstep.data.preparation import Preparation
from misstep.errors import ArgumentError, DataError
from misstep.ir import Array
from misstep.modeling import ForecastModel, Model, score_words
from misstep.storage import taken_rows
from misstep.text.counts import counted


def predict_rows(
    path: Path,
    source: str | None,
    *,
    out: Path | None,
    json: bool,
    interval: float | None = None,
    steps: int | None = None,
    memory: str | None = None,
) -> int:
    """Predict for each row of `source` and write a table; return the exit code.

    `interval`: of so many answers in 1 lower and upper ends are said as well. `steps`: how many to
    forecast. `memory`: what rows may take, as people write it; None: a share of what is available.
    """
    _refuse_overwriting(out, path, source)
    check_out(out)
    check_coverage(interval)
    model = read_model(path)
    if isinstance(model, ForecastModel):
        if interval is not None:
            raise ArgumentError(
                f"--interval {interval:g}",
                needed="a model of rows",
                got="a forecast, whose lower and upper are given anyhow",
            )
        return forecast_rows(model, source, out=out, json=json, steps=steps)
    if steps is not None:
        raise ArgumentError(f"--steps {steps}", needed="a forecast", got=f"a {model.purpose}")
    assert isinstance(model, Model)
    if source is None:
        raise ArgumentError(
            "SOURCE",
            needed="rows to predict for; only a forecast goes on by itself",
            got="none",
            try_="misstep predict --help",
        )
    page = Page(to_error=json or out is None)
    with Preparation.passing(memory, page.say) as preparation:
        rows = read_rows_for(source, model, preparation)
        _predict(page, model, source, rows, interval, out=out, json=json)
    page.settle()
    return DONE


def _predict(
    page: Page,
    model: Model,
    source: str,
    rows: Dataset,
    interval: float | None,
    *,
    out: Path | None,
    json: bool,
) -> None:
    """Predict for rows, write the table and say how good that is."""
    features = model.encode(rows)
    outputs = model.answers_of(features)
    # What was noticed as the file was read, such as rows left out, comes first.
    notes = [*(rows.notes if isinstance(rows, Table) else ()), *model.notes]
    known, words = _answers(model, rows)
    scores = None if known is None else model.judge(outputs[known[0]], known[1])
    columns = prediction_columns(model, outputs, rows, interval)
    if out is not None:
        write_columns(out, columns)
        page.say(f"{counted(len(outputs), 'prediction')} in {out}")
    elif not json:
        write_output(csv_of(columns))
    for note in [*notes, *words]:
        page.say(note)
    if scores is not None:
        assert known is not None
        present, truth = known
        scored = counted(int(present.sum()), rows.sample_name)
        page.say(f"{score_words(scores)} on {scored}{split_in_words(rows)}")
        seen = seen_words(
            model, taken_rows(features, present), outputs[present], truth, rows.sample_name
        )
        if seen:
            page.say(seen)
            words = [*words, seen]
        elif model.training_rows is None and model.facts.get("source") == Path(source).name:
            page.say(
                f"{source} has the name of what this model learned from, and the model does not "
                f"say which rows those were: where it learned from them, this score flatters. "
                f"{_honest(model)}"
            )
    if json:
        facts: dict[str, Any] = {
            "task": model.purpose,
            "target": model.target.name,
            "rows": len(rows),
            "metrics": scores,
            "notes": [*notes, *words],
            "out": None if out is None else str(out),
        }
        if out is None:
            facts["predictions"] = _as_objects(model, outputs, rows, columns)
        write_json(facts)


def _as_objects(
    model: Model, outputs: Array, rows: Dataset, columns: Columns
) -> list[dict[str, Any]]:
    """Return one object for each row, as CSV has them."""
    if model.target.is_joint or "lower" in columns:
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    objects: list[dict[str, Any]] = []
    head, called = rows.row_names()
    for row, label in enumerate(model.decide(outputs).tolist(), 1):
        named = {"file": called[row - 1]} if head == "file" else {"row": row}
        objects.append({**named, "prediction": label})
        if not model.target.is_number:
            shares = outputs[row - 1].tolist()
            by_class = dict(zip(map(str, model.target.classes), shares, strict=True))
            objects[-1] |= {"probability": max(shares), "probabilities": by_class}
    return objects


def _answers(model: Model, rows: Dataset) -> tuple[tuple[Array, Array] | None, list[str]]:
    """Return which rows have an answer, with those answers encoded, or None; and notes on them."""
    model.notes = []
    try:
        known = model.truth(rows)
        return known, list(model.notes)
    except DataError as error:
        # Answers that can't be read must not keep anyone from predictions.
        return None, [f"no score: {error}"]


def _honest(model: Model) -> str:
    metrics = model.facts.get("metrics")
    test = metrics.get("test") if isinstance(metrics, dict) else None
    numbers = isinstance(test, dict) and all(isinstance(score, float) for score in test.values())
    return f"On the test rows: {score_words(test)}" if test and numbers else ""


def _refuse_overwriting(out: Path | None, path: Path, source: str | None) -> None:
    """Raise ArgumentError where the predictions would go over the model or the rows."""
    if out is None or not out.exists():
        return
    rows = [] if source is None else [("the rows", Path(split_part(source)[0]))]
    named = [("the model", path), *rows]
    for name, other in named:
        if other.exists() and out.samefile(other):
            raise ArgumentError(
                f"--out {out}", needed="a file of its own", got=name, try_="another name"
            )
