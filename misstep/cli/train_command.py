"""`misstep train`: reads, lets `modeling` train, and says what was chosen and what came of it.

The model file is written last, whole or not at all; an earlier one stays until then.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from misstep.cli.choice_lines import ChoiceLines
from misstep.cli.exits import DONE, FAILED, INTERRUPTED
from misstep.cli.given import MODEL, quoted, read_given
from misstep.cli.plain_text import json_line
from misstep.cli.run_place import check_place, default_folder
from misstep.cli.showing import Page, counted
from misstep.cli.verdict import score_rows, verdict
from misstep.data import Pictures, Table, is_text_folder, read_table, read_text_folder
from misstep.errors import ArgumentError
from misstep.modeling import Settings, Trained, save_model, train_pictures, train_table
from misstep.modeling.recipes import check_settings, reads_in_order
from misstep.train.loop import all_done
from misstep.train.progress import in_words


@dataclass(frozen=True)
class Wishes:
    """What was said on the command line; None where nothing was."""

    source: str
    target: str | None
    task: str | None
    test: str | None
    without: tuple[str, ...]
    network: str | None
    vectors: Path | None
    epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    seed: int
    threads: int | None
    out: Path | None
    resume: bool
    quiet: bool
    json: bool

    @property
    def folder(self) -> Path:
        """Return the folder of the run."""
        return default_folder(self.source) if self.out is None else self.out


def train_on(wishes: Wishes) -> int:
    """Train as wished, say everything, write the model; return the exit code."""
    page = Page(to_error=wishes.json, silent=wishes.quiet)
    settings = Settings(
        network=wishes.network, vectors=wishes.vectors, epochs=wishes.epochs,
        batch_size=wishes.batch_size,
        learning_rate=wishes.learning_rate, seed=wishes.seed, threads=wishes.threads,
        # Who asks for a number of epochs gets them all; the weights of the best one are kept.
        patience=wishes.epochs,
        folder=wishes.folder, resume=wishes.resume, progress=not wishes.quiet,
        say=ChoiceLines(page),
    )  # fmt: skip
    check_settings(settings)
    if wishes.vectors is not None and not reads_in_order(wishes.network):
        raise ArgumentError(
            f"--vectors {wishes.vectors}", needed="a network that reads words in their order",
            got=f"--network {wishes.network}" if wishes.network else "no --network",
            try_="--network embed25-lstm32, where 25 is how many numbers a vector has",
        )  # fmt: skip
    check_place(wishes.folder)
    data = read_given(wishes.source)
    _refuse_for_pictures(wishes, data)
    test = None if wishes.test is None else _read_test(wishes.test)
    _say_what_was_read(page, wishes, data, test)
    if isinstance(data, Pictures):
        trained = train_pictures(data, settings=settings)
    else:
        trained = train_table(
            data, wishes.target, task=wishes.task, test=test, without=wishes.without,
            settings=settings,
        )  # fmt: skip
    return _finish(page, wishes, trained, data, test)


def _read_test(source: str) -> Table:
    """Return the table to be judged on: a file, or class folders of texts."""
    return read_text_folder(source) if is_text_folder(Path(source)) else read_table(source)


def _refuse_for_pictures(wishes: Wishes, data: Table | Pictures) -> None:
    """Raise ArgumentError for options that mean nothing for pictures."""
    if not isinstance(data, Pictures):
        return
    given = {"--target": wishes.target, "--test": wishes.test}
    if wishes.without:
        given["--without"] = wishes.without[0]
    if wishes.task == "regression":
        given["--task"] = wishes.task
    for option, value in given.items():
        if value is not None:
            raise ArgumentError(
                f"{option} {value}", needed="a table, since pictures bring classes of their own",
                got="pictures", try_=f"the command without {option}",
            )  # fmt: skip


def _say_what_was_read(
    page: Page, wishes: Wishes, data: Table | Pictures, test: Table | None
) -> None:
    if isinstance(data, Pictures):
        count = len(data.train_pictures) + len(data.test_pictures)
        height, width = data.train_pictures.shape[1:]
        page.say(f"{wishes.source}: {count:,} pictures of {height} × {width} pixels")
    else:
        rows, columns = data.frame.shape
        page.say(f"{wishes.source}: {counted(rows, 'row')} of {counted(columns, 'column')}")
    for note in data.notes:
        page.say(note, "dim", indent=2)
    if test is not None:
        page.say(f"{wishes.test}: {counted(len(test), 'row')} to be judged on")
        for note in test.notes:
            page.say(note, "dim", indent=2)
    model = wishes.folder / MODEL
    if model.is_file():
        page.say(f"{model} is of an earlier run; it stays until the new one is whole", indent=2)
    if wishes.resume:
        left = (wishes.folder / "checkpoints" / "manifest.json").is_file()
        words = "going on where the run in {} was left" if left else (
            "nothing to go on from in {}: training starts anew"
        )  # fmt: skip
        page.say(words.format(wishes.folder), indent=2)


def _finish(
    page: Page, wishes: Wishes, trained: Trained, data: Table | Pictures, test: Table | None
) -> int:
    run, model = trained.run, trained.model
    interrupted = not run.finished and not run.failed
    told = {*data.notes, *([] if test is None else test.notes)}
    noticed = [note for note in trained.notes if note not in told]
    if noticed:
        page.title("Noticed")
        for note in noticed:
            page.say(note, indent=2)
    path = wishes.folder / MODEL
    if run.failed:
        _say_failed(wishes, trained, path)
    if run.usable:
        page.title(_how_it_ended(trained), always=True)
        _say_scores(page, trained, data)
        model.facts["source"] = Path(wishes.source).name
        save_model(model, path)
        _say_next(page, wishes, path, data)
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


def _how_it_ended(trained: Trained) -> str:
    run = trained.run
    took = f"{run.seconds:.1f} s" if run.seconds < 60 else in_words(run.seconds)
    words = f"{counted(run.epochs, 'epoch')} in {took}: {run.reason}"
    if run.best_epoch is not None:
        words += f". The weights are those of epoch {run.best_epoch}, the best one"
    return words


def _say_scores(page: Page, trained: Trained, data: Table | Pictures) -> None:
    things = "pictures" if isinstance(data, Pictures) else "rows"
    rows = int(trained.model.facts["test_rows"])
    target = trained.model.target
    rare = str(target.classes[target.rare]) if target.kind == "two classes" else ""
    heads, table = score_rows(trained.metrics, trained.baselines, rows, things, rare)
    numbers = range(1, len(heads) - 1)
    page.table(table, heads, list(numbers), always=True)
    page.blank(always=True)
    page.say(verdict(trained.metrics, trained.baselines, rows), "bold", always=True)
    run = trained.run
    if run.reason == all_done(run.epochs) and run.best_epoch is None:
        page.say("The last epoch was the best one: more of them may help (--epochs).", always=True)


def _say_next(page: Page, wishes: Wishes, path: Path, data: Table | Pictures) -> None:
    size = path.stat().st_size
    page.blank(always=True)
    page.lines(f"The model is in {path} ({size / 1000:,.0f} kB).", always=True)
    rows = wishes.test or wishes.source
    if isinstance(data, Pictures) and Path(rows).is_file():
        rows = str(Path(rows).parent)
    page.title("Try next")
    page.commands(
        [
            f"misstep predict {quoted(path)} {quoted(rows)}",
            f"misstep explain {quoted(path)} {quoted(rows)} --row 1",
        ]
    )


def _for_machines(wishes: Wishes, trained: Trained, path: Path | None) -> dict[str, Any]:
    """Return what --json says."""
    run, model = trained.run, trained.model
    return {
        "task": "regression" if model.target.is_number else "classification",
        "target": model.target.name,
        "metrics": trained.metrics,
        "epochs": run.epochs,
        "best_epoch": run.best_epoch,
        "seconds": trained.seconds,
        "finished": run.finished,
        "ended": run.reason,
        "model": None if path is None else str(path),
        "folder": str(wishes.folder),
        "seed": wishes.seed,
        "choices": [
            {"what": one.what, "choice": one.choice, "because": one.because}
            for one in trained.choices
        ],
        "notes": trained.notes,
    }
