"""`misstep train`: reads, lets `modeling` train, and says what was decided and what came of it.

The model is in its file, whole, as soon as it is trained and before anything is said about it;
whatever becomes of who reads our words, learning goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from signal import SIGINT
from typing import Any

from misstep.cli.decision_lines import DecisionLines
from misstep.cli.diagnosis_lines import say_briefly
from misstep.cli.exits import DONE, FAILED, INTERRUPTED_BY
from misstep.cli.inputs import quoted, read_data
from misstep.cli.learning_curve_table import say_learning_curve
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.cli.places import COMMAND, MODEL
from misstep.cli.remedy_words import plain_findings, spelling_of
from misstep.cli.result_lines import result_lines
from misstep.cli.run_folder import check_folder, default_folder, reserved_folder
from misstep.cli.termination import signals_interrupt
from misstep.cli.training_options import asked_for, given_options
from misstep.data.io.idx import is_idx_name
from misstep.doctor import Diagnosis
from misstep.errors import MisstepError
from misstep.ir import NOWHERE, located_at
from misstep.modeling import (
    FitResult,
    Modality,
    Options,
    TrainedModel,
    Walk,
    check_request,
    make_options,
    recognize,
    save_model,
)
from misstep.text.counts import counted
from misstep.train.interruption import Interruption


def train_on(
    source: str, values: Mapping[str, Any], *, quiet: bool, json: bool, all_choices: bool = False
) -> int:
    """Train on `source` with the options given, say everything, write the model.

    `all_choices`: whether the choice for each column is said, however many there are.
    Returns the exit code.
    """
    page = Page(to_error=json, silent=quiet, steady=True)
    options = make_options(**given_options(values))
    folder = Path(options.folder or default_folder(source))
    # Who asks for a number of epochs gets them all; the weights of the best one are kept.
    options = replace(
        options,
        folder=folder,
        progress=not quiet,
        patience=options.epochs,
        origin={"face": COMMAND, "source": source, "options": asked_for(values)},
    )
    check_request(options, by_flag=True)
    check_folder(folder)
    # No line of a person's makes this network.
    with located_at(NOWHERE), reserved_folder(folder), signals_interrupt():
        data = read_data(source)
        try:
            modality = recognize(data, options)
        except MisstepError:
            page.say(f"{source}: {data.describe()}")
            raise
        _say_what_was_read(page, source, modality, options)
        lines, walk = DecisionLines(page, every=all_choices), Walk(modality)
        kept = False
        for decisions in walk:
            if walk.fitted is not None and walk.fitted.run.usable and not kept:
                # Judging it takes a while yet.
                kept = True
                _keep(walk.fitted.model, source, folder / MODEL)
            lines.show(decisions)
        return _finish(page, source, modality, options, walk.result, json=json)


def _keep(model: TrainedModel, source: str, path: Path) -> None:
    """Write the model, undisturbed by a signal; it breaks in thereafter."""
    model.facts["source"] = Path(source).name
    with Interruption() as interruption:
        save_model(model, path)
    if interruption.requested:
        raise KeyboardInterrupt(interruption.signal)


def _say_what_was_read(page: Page, source: str, modality: Modality, options: Options) -> None:
    page.say(f"{source}: {modality.source.describe()}")
    for note in modality.source.notes:
        page.say(note, "dim", indent=2)
    test = modality.test
    if test is not None:
        page.say(f"{options.test}: {counted(len(test), test.sample_name)} to be judged on")
        for note in test.notes:
            page.say(note, "dim", indent=2)
    folder = Path(str(options.folder))
    model = folder / MODEL
    if model.is_file():
        page.say(f"{model} is of an earlier run; it stays until the new one is whole", indent=2)
    if options.resume:
        left = (folder / "checkpoints" / "manifest.json").is_file()
        words = (
            "going on where the run in {} was left"
            if left
            else ("nothing to go on from in {}: training starts anew")
        )
        page.say(words.format(folder), indent=2)


def _finish(
    page: Page, source: str, modality: Modality, options: Options, result: FitResult, *, json: bool
) -> int:
    run, model = result.run, result.model
    folder = Path(str(options.folder))
    path = folder / MODEL
    drawing = None
    if run.usable:
        _keep(model, source, path)
        drawing = result_lines(result).write_drawing(folder)
    said = {*modality.source.notes, *([] if modality.test is None else modality.test.notes)}
    noticed = [note for note in result.notes if note not in said]
    if noticed:
        page.title("Noticed")
        for note in noticed:
            page.say(note, indent=2)
    diagnosis = result.diagnose()
    if run.usable:
        lines = result_lines(result)
        say_learning_curve(page, result.learning_curve, model.preprocessing.sample_name)
        page.title(lines.how_it_ended(), always=True)
        lines.say_scores(page)
    say_briefly(page, diagnosis, spelling_of(run.record))
    if run.usable:
        commands = lines.next_commands(path, _similar_rows(source, options))
        _say_next(page, path, [*commands, f"misstep diagnose {quoted(folder)}"], drawing)
    if run.failed:
        _say_failed(result, options, path)
    if json:
        write_json(_for_machines(result, diagnosis, options, path if run.usable else None))
    page.settle(f"another place; the model is whole, in {path}" if run.usable else None)
    if run.failed:
        return FAILED
    return DONE if run.finished else INTERRUPTED_BY + run.ending.facts.get("signal", SIGINT)


def _similar_rows(source: str, options: Options) -> str:
    """Return a source of rows to try the model on."""
    similar = str(options.test or source)
    # One of MNIST's four files stands for its folder.
    return str(Path(similar).parent) if is_idx_name(similar) else similar


def _say_failed(result: FitResult, options: Options, path: Path) -> None:
    """Say on standard error that the loss was no longer finite, and what is left."""
    run, rate = result.run, options.learning_rate
    if run.usable:
        kept = f"the model has the weights of epoch {run.best_epoch or run.epochs}"
    elif path.exists():
        kept = f"{path} stays as it was"
    else:
        kept = "no model was written"
    Page(to_error=True).say(
        f"misstep: training failed after {counted(run.epochs, 'epoch')}, because the loss "
        f"was no longer a finite number; {kept}. "
        f"Try: a lower --learning-rate{'' if rate is None else f' than {rate:g}'}; "
        f"misstep diagnose {quoted(options.folder)} says where it began."
    )


def _say_next(page: Page, path: Path, commands: list[str], drawing: Path | None) -> None:
    size = path.stat().st_size
    page.blank(always=True)
    page.lines(f"The model is in {path} ({size / 1000:,.0f} kB).", always=True)
    if drawing is not None:
        page.lines(f"A picture of the forecast is in {drawing}.", always=True)
    page.title("Try next")
    page.commands(commands)


def _for_machines(
    result: FitResult, diagnosis: Diagnosis, options: Options, path: Path | None
) -> dict[str, Any]:
    """Return what --json says."""
    run, model, curve = result.run, result.model, result.learning_curve
    found = plain_findings(diagnosis, spelling_of(run.record))
    return {
        "task": model.purpose,
        "target": model.target.name,
        "metrics": result.scores,
        "epochs": run.epochs,
        "best_epoch": run.best_epoch,
        "seconds": result.seconds,
        "finished": run.finished,
        "ended": str(run.ending),
        "model": None if path is None else str(path),
        "folder": str(options.folder),
        "seed": options.seed,
        "choices": [
            {"what": each.what, "choice": each.choice, "because": each.reason}
            for each in result.decisions
        ],
        "notes": result.notes,
        "findings": found["findings"],
        "not_examined": found["not_examined"],
        "while_learning": None if curve is None else curve.plain(),
    }
