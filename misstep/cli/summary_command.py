"""`misstep summary`: what a model file holds, in words or as one JSON object."""

from __future__ import annotations

from pathlib import Path

from misstep.cli.exits import DONE
from misstep.cli.inputs import read_model
from misstep.cli.output import write_json
from misstep.cli.page import Page


def summarize(path: Path, *, json: bool) -> int:
    """Say what the model in the file at `path` is; return the exit code."""
    model = read_model(path)
    page = Page(to_error=json)
    page.lines(model.summary())
    if json:
        write_json(
            {
                "task": model.purpose,
                "target": model.target.name,
                "classes": list(model.target.classes),
                "features": model.feature_names,
                "layers": model.network.summary(),
                "parameters": model.network.parameter_count,
                "dtype": model.network.dtype,
                "facts": model.facts,
            }
        )
    page.settle()
    return DONE
