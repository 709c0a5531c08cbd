"""`misstep summary`: what a model file holds, in words or as one JSON object."""

from __future__ import annotations

from pathlib import Path

from misstep.cli.exits import DONE
from misstep.cli.given import read_model
from misstep.cli.plain_text import json_line
from misstep.cli.showing import Page
from misstep.modeling import ForecastModel, Model


def task_of(model: Model) -> str:
    """Return what a model does, as --task calls it."""
    if isinstance(model, ForecastModel):
        return "forecast"
    return "regression" if model.target.is_number else "classification"


def summarize(path: Path, *, json: bool) -> int:
    """Say what the model in the file at `path` is; return the exit code."""
    model = read_model(path)
    page = Page(to_error=json)
    page.lines(model.summary())
    if json:
        print(
            json_line(
                {
                    "task": task_of(model),
                    "target": model.target.name,
                    "classes": list(model.target.classes),
                    "features": model.feature_names,
                    "layers": model.network.summary(),
                    "parameters": model.network.parameter_count,
                    "dtype": model.network.dtype,
                    "facts": model.facts,
                }
            )
        )
    return DONE
