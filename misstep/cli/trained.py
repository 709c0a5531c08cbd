"""What commands that train have in common: what was read, what came of it, what comes next.

Knows results of training and pages; decides nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from misstep.cli.diagnosis_lines import say_briefly
from misstep.cli.inputs import quoted
from misstep.cli.learning_curve_table import say_learning_curve
from misstep.cli.page import Page
from misstep.cli.places import MODEL
from misstep.cli.remedy_words import plain_findings, spelling_of
from misstep.cli.result_lines import result_lines
from misstep.data.io.idx import is_idx_name
from misstep.doctor import Diagnosis
from misstep.modeling import FitResult, Modality, Options
from misstep.modeling.outcome import keep_outcome
from misstep.report import Material
from misstep.report.report import leave_report
from misstep.text.counts import counted

__all__ = [
    "keep_report",
    "plain_result",
    "say_failed",
    "say_next",
    "say_outcome",
    "say_what_was_read",
    "similar_rows",
]


def keep_report(page: Page, material: Material, folder: Path) -> Path | None:
    """Write what came of it into the record, and the report beside it; return where that is.

    What stands in the way is said, and is no reason to fail: the model is whole by now.
    """
    trouble = ""
    if material.outcome is not None:
        trouble = keep_outcome(material.outcome, material.record, folder)
    path, missing = leave_report(material, folder)
    for words in filter(None, (trouble, missing)):
        page.say(f"{words[:1].upper()}{words[1:]}", "dim", always=True)
    return path


def say_what_was_read(page: Page, source: str, modality: Modality, options: Options) -> None:
    """Say what the data are, what they are judged on, and what is in the run's folder already."""
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


def say_outcome(page: Page, modality: Modality, result: FitResult) -> Diagnosis:
    """Say what was noticed, how training went, the scores and what harmed; return the diagnosis."""
    run, model = result.run, result.model
    said = {*modality.source.notes, *([] if modality.test is None else modality.test.notes)}
    noticed = [note for note in result.notes if note not in said]
    if noticed:
        page.title("Noticed")
        for note in noticed:
            page.say(note, indent=2)
    diagnosis = result.diagnose()
    if run.usable:
        lines = result_lines(result)
        by_line = result.forecast is not None and result.forecast.epochs == 0
        name = model.preprocessing.sample_name if result.forecast is None else "forecast"
        # Where a line forecasts, no weights of the network were kept.
        kept = "best epoch" if by_line else "kept"
        say_learning_curve(page, result.learning_curve, name, kept=kept)
        page.title(lines.how_it_ended(), always=True)
        lines.say_scores(page)
    say_briefly(page, diagnosis, spelling_of(run.record))
    return diagnosis


def similar_rows(source: str, options: Options) -> str:
    """Return a source of rows to try the model on."""
    similar = str(options.test or source)
    # One of MNIST's four files stands for its folder.
    return str(Path(similar).parent) if is_idx_name(similar) else similar


def say_failed(result: FitResult, options: Options, path: Path, report: Path | None = None) -> None:
    """Say on standard error that the loss was no longer finite, and what is left.

    `report`: of the run, which shows it.
    """
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
        + ("" if report is None else f" {report} shows it.")
    )


def say_next(
    page: Page, path: Path, commands: list[str], drawing: Path | None, report: Path | None = None
) -> None:
    """Say where the model is, which may be asked by `commands`; `drawing`: of a forecast.

    `report`: the page about the run.
    """
    size = path.stat().st_size
    page.blank(always=True)
    page.lines(f"The model is in {path} ({size / 1000:,.0f} kB).", always=True)
    if drawing is not None:
        page.lines(f"A picture of the forecast is in {drawing}.", always=True)
    if report is not None:
        page.lines(f"The report, to look at in a browser, is in {report}.", always=True)
    page.title("Try next")
    page.commands(commands)


def plain_result(
    result: FitResult,
    diagnosis: Diagnosis,
    options: Options,
    path: Path | None,
    report: Path | None = None,
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
        "report": None if report is None else str(report),
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
