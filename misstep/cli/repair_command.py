"""`misstep repair`: remedies for what went wrong in a run, tried beside an unchanged control.

Finds data, options, weights and optimizer by what the folder of the run holds, and refuses where
they are not those of the run.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from misstep.cli.exits import DONE, INTERRUPTED_BY
from misstep.cli.inputs import read_data, read_model
from misstep.cli.origin import origin_of
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.cli.places import MODEL
from misstep.cli.repairing import Request, repair_and_say
from misstep.cli.run_folder import check_folder, reserved_folder
from misstep.cli.run_record import RecordedRun, read_run
from misstep.cli.termination import signals_interrupt
from misstep.errors import ArgumentError
from misstep.ir import NOWHERE, located_at
from misstep.modeling import Repairable, TrainedModel, check_repairable, recognize
from misstep.modeling.pipeline import preparation_for
from misstep.modeling.rows_again import rows_of
from misstep.report import Material
from misstep.report.report import leave_report
from misstep.storage import folder_lock
from misstep.train.interruption import last_signal
from misstep.trials import next_folder

WHAT = "repair"
IN_PYTHON = "ms.repair(trainer, x, y) in Python, with the trainer and its rows"


def repair_run(
    named: Path,
    *,
    steps: int | None,
    minutes: float | None,
    data: str | None,
    out: Path | None,
    seed: int,
    json: bool,
    quiet: bool,
) -> int:
    """Repair the run `named`, say everything, write what was adopted; return the exit code."""
    check_budget(steps, minutes)
    run = read_run(named)
    if not run.path.is_dir():
        # Its folder holds what a repair needs besides.
        run = replace(run, path=run.folder)
    page = Page(to_error=json, silent=quiet, steady=True)
    page.say(f"{run.path}: {run.state()}")
    for note in run.record.notes:
        page.say(note, "dim", indent=2)
    source, options = origin_of(run, data, WHAT, IN_PYTHON)
    # Who asked for a number of epochs got them all.
    options = replace(options, patience=options.epochs)
    folder = next_folder(run.folder) if out is None else out
    check_folder(folder)
    described = run.record.description
    assert described is not None
    with located_at(NOWHERE), folder_lock(run.folder), reserved_folder(folder), signals_interrupt():
        modality = recognize(
            read_data(source, preparation_for(replace(options, folder=run.folder))), options
        )
        page.say(f"{source}: {modality.source.describe()}")
        check_repairable(modality)
        sick = Repairable.of_record(modality, run.record, run.folder, _model_of(run))
        asked = Request(
            run.folder,
            run.folder,
            folder,
            source,
            {**described.origin, "source": source},
            steps,
            minutes,
            seed,
            quiet,
        )
        repair, facts = repair_and_say(page, sick, asked)
        # What was tried stands in the report of the run as well.
        material = Material.of_record(run.record, model=_model_of(run))
        rows = rows_of(sick.modality, sick.prepared, material.model)
        material = replace(material.with_rows(rows), repair=repair.plain())
        leave_report(material, run.folder)
    if json:
        write_json(facts)
    page.settle()
    return INTERRUPTED_BY + last_signal() if repair.interrupted else DONE


def check_budget(steps: int | None, minutes: float | None) -> None:
    """Raise ArgumentError for a budget in which nothing can be done."""
    for flag, value in (("--steps", steps), ("--minutes", minutes)):
        if value is not None and not 0 < value < float("inf"):
            raise ArgumentError(flag, needed="more than 0", got=f"{value:g}")


def _model_of(run: RecordedRun) -> TrainedModel | None:
    path = run.folder / MODEL
    return read_model(path) if path.is_file() else None
