"""A repair of a run of the command line: tried, said as it goes, and what was adopted kept whole.

`misstep repair` and `misstep train --repair` do it alike. Decides nothing: what is tried and
believed stands in `trials`, what a model is in `modeling`.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from misstep.cli.inputs import quoted
from misstep.cli.keeping import keep_beside, keep_model, kept_text
from misstep.cli.origin import REPAIRED_FROM
from misstep.cli.page import Page
from misstep.cli.places import MODEL
from misstep.cli.remedy_words import in_train_options
from misstep.cli.repair_lines import TrialBar, say_found, say_round
from misstep.cli.run_folder import reserved_folder
from misstep.cli.trained import keep_report, similar_rows
from misstep.data import Decision
from misstep.doctor import Severity
from misstep.drawing import STANDALONE_MARK
from misstep.errors import MisstepError
from misstep.ir import NOWHERE, located_at
from misstep.modeling import (
    Face,
    Metric,
    Options,
    Repairable,
    Tested,
    Verdict,
    Walk,
    all_options,
    compare_errors,
)
from misstep.modeling.command import flags_given
from misstep.modeling.modalities.modality import Evaluation
from misstep.modeling.outcome import Outcome
from misstep.record import add_events
from misstep.report import Material, draw_repair
from misstep.text.counts import counted
from misstep.text.lists import listed
from misstep.text.repairs import cost_words
from misstep.train import Run, Trainer
from misstep.trials import Repair, RepairFolder, Round, next_folder

__all__ = ["DRAWING", "SET_ASIDE", "Request", "repair_and_say", "repair_trained"]

DRAWING, SET_ASIDE = "repair.svg", "rows-set-aside.csv"
# Rows that were set aside are named if they are so few; all of them stand in the file.
MOST_ROWS_SAID = 12
MOST_CARRIED = 6


@dataclass(frozen=True)
class Request:
    """What was asked of a repair.

    `run`: the folder of the run; `record`: its record; `folder`: where what is adopted trains.
    `source`: the data. `origin`: of the run. `steps`, `minutes`: budgets, None: as repair has it.
    """

    run: Path
    record: Path
    folder: Path
    source: str
    origin: Mapping[str, Any]
    steps: int | None = None
    minutes: float | None = None
    seed: int = 0
    quiet: bool = False


def repair_and_say(page: Page, sick: Repairable, asked: Request) -> tuple[Repair, dict[str, Any]]:
    """Repair a run, say everything, write what was adopted; return it, and what --json says.

    Nothing of the run is touched but for its record, which gets to know what was tried. Raises
    MisstepError where it can't be done.
    """
    place, bar = RepairFolder(asked.folder, (MODEL,)), TrialBar(silent=asked.quiet)
    numbers: list[int] = []

    def folder_of(number: int) -> Path:
        bar.training()
        numbers.append(number)
        return place.of_round(number)

    def on_adopted(trainer: Trainer, run: Run) -> None:
        fitted = sick.fitted(trainer, run)
        try:
            keep_model(fitted.model, asked.source, place.of_round(numbers[-1]) / MODEL)
        finally:
            place.settle(numbers[-1])

    def on_round(one: Round) -> None:
        bar.clear()
        say_round(page, one.plain())

    case = sick.case()
    say_found(page, case.diagnosis)
    if sick.note:
        page.say(sick.note[:1].upper() + sick.note[1:], "dim", indent=2)
    with located_at(NOWHERE):
        repair = sick.repair(
            steps=asked.steps,
            minutes=asked.minutes,
            seed=asked.seed,
            folder_of=folder_of,
            origin={**asked.origin, REPAIRED_FROM: str(asked.run)},
            on_round=on_round,
            on_progress=bar.show,
            on_adopted=on_adopted,
        )
    bar.clear()
    plain = repair.plain()
    page.blank()
    page.say(cost_words(plain), always=True)
    facts: dict[str, Any] = {**plain, "folder": None, "model": None, "test": None, "command": None}
    trouble = _write_down(asked.record, repair)
    if trouble:
        page.say(trouble, indent=2)
    where = asked.folder if repair.adopted else asked.run
    drawing = draw_repair(plain, f"Repair of {asked.run}")
    drawn = keep_beside(page, lambda: kept_text(where / DRAWING, drawing, STANDALONE_MARK))
    facts["drawing"] = None if drawn is None else str(drawn)
    if repair.run is not None:
        facts |= _say_adopted(page, sick, repair, asked, place)
        if facts["report"] is not None:
            page.lines(f"Its report is in {facts['report']}.")
    page.blank(always=True)
    if repair.adopted:
        page.lines(f"The repaired model is in {place.folder / MODEL}.", always=True)
        first = asked.run / MODEL
        page.lines(
            f"The first one stays as it was, in {first}."
            if first.is_file()
            else "The first run left no model.",
            always=True,
        )
    else:
        page.lines(f"Nothing was changed: {asked.run} stays as it was.", always=True)
    if drawn is not None:
        page.lines(f"Curves and differences are drawn in {drawn}.")
    page.title("Try next")
    page.commands(_commands(sick, repair, asked, place))
    return repair, facts


def repair_trained(
    page: Page, walk: Walk, options: Options, *, quiet: bool
) -> dict[str, Any] | None:
    """Repair what a walk has just trained, where something harms it; return what --json says.

    With as many minutes as the training was given. None where nothing was tried.
    """
    folder, run = Path(str(options.folder)), walk.result.run
    page.title("Repair")
    if not run.finished and not run.failed:
        page.say("You ended training, so nothing is tried; misstep repair does it later.", indent=2)
        return None
    harmful = [one for one in run.diagnose().findings if one.severity is not Severity.NOTE]
    if not harmful:
        page.say("Nothing that harms was found, so no remedies are tried.", indent=2)
        return None
    origin = dict(options.origin or {})
    place = next_folder(folder)
    with reserved_folder(place):
        asked = Request(
            folder,
            folder,
            place,
            str(origin.get("source", "")),
            origin,
            minutes=options.minutes,
            seed=options.seed,
            quiet=quiet,
        )
        repair, facts = repair_and_say(page, Repairable.of_walk(walk), asked)
    return {**facts, "interrupted": repair.interrupted}


def _say_adopted(
    page: Page, sick: Repairable, repair: Repair, asked: Request, place: RepairFolder
) -> dict[str, Any]:
    """Say what the repaired model does on the test rows, and how to train so from the start.

    Writes the model, and the rows that were set aside. Returns what --json says of it.
    """
    assert repair.run is not None
    fitted = sick.fitted(repair.trainer, repair.run, repair.set_aside)
    evaluation = sick.evaluation(fitted)
    keep_model(evaluation.model, asked.source, place.folder / MODEL)
    facts: dict[str, Any] = {"folder": str(place.folder), "model": str(place.folder / MODEL)}
    report = keep_report(page, _repaired_material(sick, repair, evaluation), place.folder)
    facts["report"] = None if report is None else str(report)
    if repair.carried:
        names = listed(repair.carried, MOST_CARRIED)
        page.say(f"Weights that begin as those of the run did: {names}.")
    if repair.set_aside:
        table = _say_set_aside(page, sick, repair, place.folder)
        facts["set_aside_file"] = None if table is None else str(table)
    if sick.test_rows:
        before = None if sick.trained is None else sick.tested(sick.trained)
        if before is not None and not all(map(math.isfinite, before.scores.values())):
            # What a failed training left, which nobody would ask.
            before = None
        facts["test"] = _say_tested(page, sick, before, sick.tested(repair.trainer))
    facts["command"] = _say_from_the_start(page, sick, repair, asked)
    return facts


def _repaired_material(sick: Repairable, repair: Repair, evaluation: Evaluation) -> Material:
    """Return what is known of the repaired training, for its report."""
    run = repair.run
    assert run is not None
    assert run.record is not None
    before = Outcome.of_record(sick.record)
    labels = " and ".join(one.trial.label for one in repair.adopted)
    because = "it was better beyond noise on rows that it did not learn from"
    outcome = Outcome.of_model(
        evaluation.model,
        evaluation.scores,
        evaluation.baselines,
        described=sick.modality.source.describe(),
        decisions=[
            *(() if before is None else before.decisions),
            Decision("repair", labels, because),
        ],
    )
    return replace(
        Material.of_record(run.record),
        run=run,
        model=evaluation.model,
        held_out=evaluation.held_out,
        outcome=outcome,
        # Its record tells of itself alone; what was tried stands in that of the run before.
        repair=repair.plain(),
    )


def _say_set_aside(page: Page, sick: Repairable, repair: Repair, folder: Path) -> Path | None:
    """Say which rows are not learned from any more, and write all of them with the reason."""
    name = sick.modality.data.sample_name
    lines = io.StringIO()
    table = csv.writer(lines, lineterminator="\n")
    table.writerow([name, "because"])
    everyone: list[int] = []
    for arm, positions in zip(repair.adopted, repair.set_aside_by, strict=True):
        numbers = sick.source_numbers(positions)
        everyone += numbers
        table.writerows([number, f"{arm.title}: {arm.trial.label}"] for number in numbers)
    path = keep_beside(page, lambda: kept_text(folder / SET_ASIDE, lines.getvalue(), "because"))
    said = ", ".join(str(number) for number in sorted(everyone)[:MOST_ROWS_SAID])
    more = "" if len(everyone) <= MOST_ROWS_SAID else " …"
    where = "" if path is None else f"; all of them, and why, in {path}"
    page.say(
        f"{counted(len(everyone), name)} set aside, no longer learned from: {said}{more}{where}",
        always=True,
    )
    return path


def _say_tested(
    page: Page, sick: Repairable, before: Tested | None, after: Tested
) -> dict[str, Any]:
    """Say what both models do on the test rows, and whether chance can make the difference."""
    rows, name = sick.test_rows, sick.modality.data.sample_name
    page.title(f"On {counted(rows, name)} that neither training nor repair looked at", always=True)
    metrics = [one for key, one in Metric.registry.items() if key in after.scores]
    lines = [] if before is None else [["before the repair", before]]
    table = [
        [str(who), *(metric.figure(tested.scores[metric.name]) for metric in metrics)]
        for who, tested in [*lines, ["after it", after]]
        if isinstance(tested, Tested)
    ]
    heads = ["", *(metric.title for metric in metrics)]
    page.table(table, heads, list(range(1, len(heads))), always=True)
    facts = {"rows": rows, "before": None, "after": after.scores, "verdict": None}
    if before is None:
        return facts
    compared = compare_errors(after.errors, before.errors)
    page.say(_beyond_chance(compared.verdict, rows, name), "bold", always=True)
    return facts | {"before": before.scores, "verdict": compared.verdict.value}


def _beyond_chance(verdict: Verdict, rows: int, name: str) -> str:
    if verdict is Verdict.BETTER:
        return "The repaired model is better there, beyond what chance can do."
    if verdict is Verdict.WORSE:
        return (
            "The repaired model is worse there, beyond what chance can do, though it was better on "
            "the rows that proved it: keep the first one."
        )
    return f"On {counted(rows, name)}, chance alone can make such a difference."


def _say_from_the_start(page: Page, sick: Repairable, repair: Repair, asked: Request) -> str | None:
    """Say how to train so from the start; return the command, None where there is none."""
    options = sick.options_of(repair)
    command, differing = None, ["all of it"]
    if options:
        try:
            differing = sick.differing(options, repair.trainer)
            command = _train_command(sick, asked, options)
        except MisstepError:
            # An option for other data, or with another value, than this command line takes.
            pass
    page.title("To train so from the start")
    if command is not None:
        words = "this has all of its settings"
        if differing:
            words = f"this has all of its settings but {listed(differing)}"
        further = []
        if repair.set_aside:
            further.append("it learns from the rows that were set aside, too")
        # Where answers are written for another loss, those of validation rows are as well.
        if any(
            one.change.rows is not None and one.change.validation is None for one in repair.adopted
        ):
            further.append("its rows count as they did before the repair weighed them")
        if any(one.change.goes_on for one in repair.adopted):
            further.append("the repaired one went on from where the run had ended")
        page.say("; ".join([words, *further]) + ":", indent=2)
        page.commands([command])
    advice = [one.change.advice for one in repair.adopted if one.change.advice]
    if differing and advice:
        own = sick.record.description
        kind = "" if own is None else own.optimizer.kind
        page.say("what was adopted, one after the other:", indent=2)
        for words in advice:
            page.say(in_train_options(words, kind), indent=4)
    return command


def _train_command(sick: Repairable, asked: Request, options: Mapping[str, Any]) -> str:
    """Return the command of the run with other options, and hyperparameters by --set."""
    known = {each.name: each.default for each in all_options(Face.COMMAND)}
    values = {**known, **asked.origin.get("options", {})}
    values |= {name: value for name, value in options.items() if name in known}
    more = {name: value for name, value in options.items() if name not in known}
    # What trials chose is not tried once more where somebody says how to train.
    chosen = {name: one for name, one in sick.chosen.items() if name not in options}
    together = {**(values.get("hyperparameters") or {}), **chosen, **more}
    values["hyperparameters"] = together or None
    words = flags_given(values, without={"resume"})
    return " ".join(["misstep train", quoted(asked.source), *map(quoted, words)])


def _commands(sick: Repairable, repair: Repair, asked: Request, place: RepairFolder) -> list[str]:
    """Return what to type next."""
    if not repair.adopted:
        return [
            f"misstep diagnose {quoted(asked.run)}",
            f"misstep diagnose {quoted(asked.run)} --probe",
        ]
    rows = quoted(similar_rows(asked.source, sick.modality.options))
    return [
        f"misstep predict {quoted(place.folder / MODEL)} {rows}",
        f"misstep explain {quoted(place.folder / MODEL)} {rows} --row 1",
        f"misstep diagnose {quoted(place.folder)}",
    ]


def _write_down(path: Path, repair: Repair) -> str:
    """Add what was tried to the record of the run; return why that was not possible, if so."""
    trouble = add_events(path, [repair.event()])
    return "" if trouble is None else f"what was tried could not be added to the record: {trouble}"
