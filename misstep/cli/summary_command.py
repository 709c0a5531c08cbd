"""`misstep summary`: what a model file holds, in words or as one JSON object."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from misstep.cli.exits import DONE
from misstep.cli.inputs import read_model
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.cli.places import MODEL
from misstep.errors import MisstepError
from misstep.modeling import TrainedModel
from misstep.modeling.command import command_of
from misstep.modeling.model_card import card_text
from misstep.record import read_record
from misstep.storage import write_text


def summarize(path: Path, *, json: bool, card: Path | None = None, license_name: str = "") -> int:
    """Say what the model in the file at `path` is; return the exit code.

    `card`: where its model card goes, "-" for the standard output in the place of the summary.
    """
    model = read_model(path)
    page = Page(to_error=json)
    text = "" if card is None else _card(model, path, license_name)
    if str(card) == "-":
        page.lines(text)
    else:
        page.lines(model.summary())
        if card is not None:
            write_text(card, text)
            page.say(f"its model card: {card}")
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
                **({} if card is None else {"card": text}),
            }
        )
    page.settle()
    return DONE


def _card(model: TrainedModel, path: Path, license_name: str) -> str:
    """Return the model card, with the command of the run that lies beside the model."""
    name = path.parent.name if path.name == MODEL and path.parent.name else path.stem
    command = ""
    # Where it lies elsewhere, or its record can't be read, how it was trained is not known.
    with suppress(MisstepError, OSError):
        told = read_record(path.parent).description
        command = "" if told is None else command_of(told.origin)
    return card_text(model, name, license_name=license_name, command=command)
