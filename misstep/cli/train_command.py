"""`misstep train`: reads, lets `modeling` train, and says what was chosen and what came of it.

The model file is written last, whole or not at all; an earlier one stays until then.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from misstep.cli.choice_lines import ChoiceLines
from misstep.cli.exits import DONE, FAILED, INTERRUPTED
from misstep.cli.given import MODEL, read_given
from misstep.cli.kinds import TrainingSource, training_source
from misstep.cli.outcomes import Outcome, outcome_of
from misstep.cli.page import Page
from misstep.cli.run_place import check_place
from misstep.cli.stage_table import say_stages
from misstep.cli.wishes import Wishes
from misstep.errors import ArgumentError
from misstep.modeling import Settings, Trained, save_model
from misstep.modeling.recipes import check_settings, reads_in_order
from misstep.text.counts import counted
from misstep.text.plain import json_line


def train_on(wishes: Wishes) -> int:
    """Train as wished, say everything, write the model; return the exit code."""
    page = Page(to_error=wishes.json, silent=wishes.quiet)
    settings = Settings(
        network=wishes.network,
        vectors=wishes.vectors,
        epochs=wishes.epochs,
        batch_size=wishes.batch_size,
        learning_rate=wishes.learning_rate,
        seed=wishes.seed,
        threads=wishes.threads,
        augment=wishes.augment,
        # Who asks for a number of epochs gets them all; the weights of the best one are kept.
        patience=wishes.epochs,
        folder=wishes.folder,
        resume=wishes.resume,
        progress=not wishes.quiet,
        say=ChoiceLines(page),
    )
    check_settings(settings)
    if wishes.vectors is not None and not reads_in_order(wishes.network):
        raise ArgumentError(
            f"--vectors {wishes.vectors}",
            needed="a network that reads words in their order",
            got=f"--network {wishes.network}" if wishes.network else "no --network",
            try_="--network embed25-lstm32, where 25 is how many numbers a vector has",
        )
    check_place(wishes.folder)
    source = training_source(wishes, read_given(wishes.source))
    _say_what_was_read(page, wishes, source)
    return _finish(page, wishes, source, source.train(settings))


def _say_what_was_read(page: Page, wishes: Wishes, source: TrainingSource) -> None:
    page.say(f"{wishes.source}: {source.in_words()}")
    for note in source.data.notes:
        page.say(note, "dim", indent=2)
    test = source.test
    if test is not None:
        page.say(f"{wishes.test}: {counted(len(test), test.sample_name)} to be judged on")
        for note in test.notes:
            page.say(note, "dim", indent=2)
    model = wishes.folder / MODEL
    if model.is_file():
        page.say(f"{model} is of an earlier run; it stays until the new one is whole", indent=2)
    if wishes.resume:
        left = (wishes.folder / "checkpoints" / "manifest.json").is_file()
        words = (
            "going on where the run in {} was left"
            if left
            else ("nothing to go on from in {}: training starts anew")
        )
        page.say(words.format(wishes.folder), indent=2)


def _finish(page: Page, wishes: Wishes, source: TrainingSource, trained: Trained) -> int:
    run, model = trained.run, trained.model
    interrupted = not run.finished and not run.failed
    told = {*source.data.notes, *([] if source.test is None else source.test.notes)}
    noticed = [note for note in trained.notes if note not in told]
    if noticed:
        page.title("Noticed")
        for note in noticed:
            page.say(note, indent=2)
    path = wishes.folder / MODEL
    if run.failed:
        _say_failed(wishes, trained, path)
    if run.usable:
        outcome = outcome_of(trained)
        say_stages(page, trained.stages, f"{model.preprocessing.sample_name}s")
        page.title(outcome.how_it_ended(), always=True)
        outcome.say_scores(page)
        model.facts["source"] = Path(wishes.source).name
        save_model(model, path)
        _say_next(page, path, outcome, outcome.write_picture(wishes.folder), source)
    if wishes.json:
        print(json_line(_for_machines(wishes, trained, path if run.usable else None)))
    return FAILED if run.failed else INTERRUPTED if interrupted else DONE


def _say_failed(wishes: Wishes, trained: Trained, path: Path) -> None:
    """Say on standard error that the loss was no longer finite, and what is left."""
    run, rate = trained.run, wishes.learning_rate
    if run.usable:
        kept = f"the model has the weights of epoch {run.best_epoch or run.epochs}"
    elif path.exists():
        kept = f"{path} stays as it was"
    else:
        kept = "no model was written"
    Page(to_error=True).say(
        f"misstep: training failed after {counted(trained.run.epochs, 'epoch')}, because the loss "
        f"was no longer a finite number; {kept}. "
        f"Try: a lower --learning-rate{'' if rate is None else f' than {rate:g}'}."
    )


def _say_next(
    page: Page, path: Path, outcome: Outcome, picture: Path | None, source: TrainingSource
) -> None:
    size = path.stat().st_size
    page.blank(always=True)
    page.lines(f"The model is in {path} ({size / 1000:,.0f} kB).", always=True)
    if picture is not None:
        page.lines(f"A picture of the forecast is in {picture}.", always=True)
    page.title("Try next")
    page.commands(outcome.next_commands(path, source.similar))


def _for_machines(wishes: Wishes, trained: Trained, path: Path | None) -> dict[str, Any]:
    """Return what --json says."""
    run, model = trained.run, trained.model
    return {
        "task": model.purpose,
        "target": model.target.name,
        "metrics": trained.metrics,
        "epochs": run.epochs,
        "best_epoch": run.best_epoch,
        "seconds": trained.seconds,
        "finished": run.finished,
        "ended": str(run.ending),
        "model": None if path is None else str(path),
        "folder": str(wishes.folder),
        "seed": wishes.seed,
        "choices": [
            {"what": one.what, "choice": one.choice, "because": one.reason}
            for one in trained.choices
        ],
        "notes": trained.notes,
        "while_learning": None if trained.stages is None else trained.stages.plain(),
    }
