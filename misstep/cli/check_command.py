"""`misstep check`: what is wrong with data and a network before any training, in seconds.

Reads, prepares and plans as training does; trains no network. Writes nothing but the doubtful rows
where these were asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from misstep.cli.diagnosis_lines import say_diagnosis
from misstep.cli.exits import DONE, FAILED
from misstep.cli.hyperparameter_lines import plain_space, say_hyperparameters
from misstep.cli.inputs import read_data
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.cli.places import COMMAND
from misstep.cli.remedy_words import plain_findings, spelling_of
from misstep.cli.row_lines import check_seconds, look_at_rows
from misstep.cli.run_folder import default_folder
from misstep.cli.training_options import given_options
from misstep.errors import MisstepError
from misstep.ir import NOWHERE, located_at
from misstep.modeling import check_data, check_request, make_options, recognize
from misstep.modeling.pipeline import preparation_for
from misstep.storage import make_folder


@dataclass(frozen=True)
class CheckRequest:
    """What is asked of a check besides the options of training.

    `rows`: whether rows are looked at one by one, for about so many `seconds`. `hyperparameters`:
    whether those of the plan are listed. `json`: whether a machine reads what comes of it.
    """

    rows: bool = False
    seconds: float = 0.0
    hyperparameters: bool = False
    json: bool = False


def check_source(source: str, values: Mapping[str, Any], asked: CheckRequest) -> int:
    """Say what is wrong with `source` and what would be trained on it; return the exit code."""
    page = Page(to_error=asked.json)
    options = make_options(**given_options(values))
    folder = Path(options.folder or default_folder(source))
    options = replace(options, folder=None, progress=False, resume=False, origin={"face": COMMAND})
    check_request(options, by_flag=True)
    data = read_data(source, preparation_for(replace(options, folder=folder)))
    try:
        modality = recognize(data, options)
    except MisstepError:
        page.say(f"{source}: {data.describe()}")
        raise
    page.say(f"{source}: {modality.source.describe()}")
    for note in modality.source.notes:
        page.say(note, "dim", indent=2)
    # No line of a person's makes this network.
    with located_at(NOWHERE):
        checked = check_data(modality)
    for decision in modality.decisions.made:
        if decision.what in ("target", "network", "loss"):
            page.fact(decision.what, decision.choice)
    said = set(modality.source.notes)
    noticed = [note for note in checked.notes if note not in said]
    if noticed:
        page.title("Noticed")
        for note in noticed:
            page.say(note, indent=2)
    if asked.hyperparameters:
        page.title("Hyperparameters: NAME=VALUE after --set")
        say_hyperparameters(page, modality.space)
    if asked.rows:
        check_seconds(asked.seconds)
        make_folder(folder)
        looked = look_at_rows(page, recognize(data, options), folder, asked.seconds)
        checked = checked.with_rows(looked)
    spelling = spelling_of(checked.record)
    say_diagnosis(page, checked.diagnosis, spelling)
    if asked.json:
        more = {"hyperparameters": plain_space(modality.space)} if asked.hyperparameters else {}
        write_json({**plain_findings(checked.diagnosis, spelling), **more})
    page.settle()
    return FAILED if checked.diagnosis.is_critical else DONE
