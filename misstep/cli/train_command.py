"""`misstep train`: reads, lets `modeling` train, and says what was decided and what came of it.

The model is in its file, whole, as soon as it is trained and before anything is said about it;
whatever becomes of who reads our words, learning goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from signal import SIGINT
from typing import Any

from misstep.cli.decision_lines import DecisionLines
from misstep.cli.exits import DONE, FAILED, INTERRUPTED_BY
from misstep.cli.inputs import quoted, read_data
from misstep.cli.keeping import ModelFile, keep_beside
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.cli.places import COMMAND, MODEL
from misstep.cli.precision import say_precision
from misstep.cli.ranks import check_together, follow, say_together
from misstep.cli.repairing import repair_trained
from misstep.cli.result_lines import result_lines
from misstep.cli.run_folder import check_folder, default_folder, reserved_folder
from misstep.cli.termination import signals_interrupt
from misstep.cli.trained import (
    keep_report,
    plain_result,
    say_failed,
    say_next,
    say_outcome,
    say_what_was_read,
    similar_rows,
)
from misstep.cli.training_options import asked_for, given_options
from misstep.cli.watch_beside import page_beside
from misstep.data import Dataset
from misstep.errors import MisstepError
from misstep.exchange import world
from misstep.ir import NOWHERE, located_at
from misstep.modeling import (
    Options,
    Walk,
    check_repairable,
    check_request,
    make_options,
    recognize,
    score_words,
)
from misstep.modeling.folds import Folds, check_folds, trained_folds
from misstep.modeling.metrics import Scores
from misstep.modeling.pipeline import preparation_for
from misstep.report import Material
from misstep.report.report import leave_report
from misstep.train.interruption import last_signal
from misstep.train.progress import make_progress
from misstep.web.extra import check_web_extra


def train_on(
    source: str,
    values: Mapping[str, Any],
    *,
    quiet: bool,
    json: bool,
    all_choices: bool = False,
    repair: bool = False,
    watch: bool = False,
) -> int:
    """Train on `source` with the options given, say everything, write the model.

    `all_choices`: whether the choice for each column is said, however many there are. `repair`:
    whether remedies are tried afterwards where something goes wrong. `watch`: whether a page shows
    the run as it happens. Returns the exit code.
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
    ranks = world()
    check_together(ranks, options, repair=repair)
    if not ranks.is_first:
        with located_at(NOWHERE), signals_interrupt():
            return follow(ranks, lambda: read_data(source, preparation_for(options)), options)
    check_folder(folder)
    if watch:
        check_web_extra("misstep train --watch")
    # No line of a person's makes this network.
    with located_at(NOWHERE), reserved_folder(folder), signals_interrupt(), ExitStack() as beside:
        data = read_data(source, preparation_for(options, make_progress(not quiet).note))
        ranks.from_first(None)  # the others read what is prepared by now
        try:
            modality = recognize(data, options)
        except MisstepError:
            page.say(f"{source}: {data.describe()}")
            raise
        if repair:
            check_repairable(modality)
        if options.folds is not None:
            check_folds(modality, options.folds)
        say_what_was_read(page, source, modality, options)
        say_together(page, ranks, options)
        say_precision(page, options)
        if watch:
            address = beside.enter_context(page_beside(folder))
            page.say("A page that shows this run as long as it goes on:", always=True)
            page.commands([address], always=True)
        lines, walk = DecisionLines(page, every=all_choices), Walk(modality)
        file = ModelFile(folder / MODEL)
        beside.enter_context(file.told_when_interrupted(page))
        for decisions in walk:
            if walk.fitted is not None and walk.fitted.run.usable and not file.was_tried:
                # Judging it takes a while yet.
                file.keep(walk.fitted.model, source)
            lines.show(decisions)
        folds = None
        if options.folds is not None and walk.result.run.finished:
            folds = say_folds(page, data, options)
        return _finish(
            page, source, walk, options, file, folds, json=json, repair=repair, quiet=quiet
        )


def say_folds(page: Page, data: Dataset, options: Options) -> Folds:
    """Train on all folds but one, for each of them; say how they were judged, and return it."""
    count = int(options.folds or 0)
    found: list[Scores] = []
    for scores in trained_folds(data, options, count):
        found.append(scores)
        page.say(f"fold {len(found)} of {count}: {score_words(scores)}", "dim")
    folds = Folds(tuple(found))
    page.say(f"{count} folds: {folds.words()}, the mean and how far one fold deviates from it")
    return folds


def _finish(
    page: Page,
    source: str,
    walk: Walk,
    options: Options,
    file: ModelFile,
    folds: Folds | None = None,
    *,
    json: bool,
    repair: bool,
    quiet: bool,
) -> int:
    result, modality = walk.result, walk.modality
    run, model = result.run, result.model
    folder = Path(str(options.folder))
    path = file.path
    drawing = None
    if run.usable:
        file.keep(model, source)
        drawing = keep_beside(page, lambda: result_lines(result).write_drawing(folder))
    diagnosis = say_outcome(page, modality, result)
    report = keep_report(page, Material.of_result(result), folder)
    if file.note:
        page.say(file.note, "dim", always=True)
    file.check()
    if run.usable:
        commands = result_lines(result).next_commands(path, similar_rows(source, options))
        say_next(page, path, [*commands, f"misstep diagnose {quoted(folder)}"], drawing, report)
    if run.failed:
        say_failed(result, options, path, report)
    repaired = repair_trained(page, walk, options, quiet=quiet) if repair else None
    if repaired is not None:
        # What was tried stands in the report of the run as well.
        leave_report(replace(Material.of_result(result), repair=repaired), folder)
    if json:
        facts = plain_result(result, diagnosis, options, path if run.usable else None, report)
        if folds is not None:
            facts |= {"folds": folds.plain()}
        write_json(facts if repaired is None else {**facts, "repair": repaired})
    page.settle(f"another place; the model is whole, in {path}" if run.usable else None)
    if repaired is not None and repaired.get("interrupted"):
        return INTERRUPTED_BY + last_signal()
    if run.failed and not (repaired and repaired.get("model")):
        return FAILED
    return (
        DONE
        if run.finished or run.failed
        else INTERRUPTED_BY + run.ending.facts.get("signal", SIGINT)
    )
