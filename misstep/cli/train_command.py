"""`misstep train`: reads, lets `modeling` train, and says what was chosen and what came of it.

The model file is written last, whole or not at all; an earlier one stays until then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from misstep.cli.choice_lines import ChoiceLines
from misstep.cli.exits import DONE, FAILED, INTERRUPTED
from misstep.cli.given import MODEL, quoted, read_given
from misstep.cli.plain_text import json_line
from misstep.cli.run_place import check_place, default_folder
from misstep.cli.series_command import (
    how_it_ended,
    next_commands,
    say_forecast_scores,
    series_looked_for,
    series_wished,
    write_picture,
)
from misstep.cli.showing import Page, counted
from misstep.cli.stage_table import say_stages
from misstep.cli.summary_command import task_of
from misstep.cli.verdict import score_rows, verdict
from misstep.data import (
    Pictures,
    PictureScaling,
    Sequences,
    SequenceScaling,
    Table,
    is_text_folder,
    only_rows,
    read_table,
    read_text_folder,
    with_test_folder,
)
from misstep.errors import ArgumentError, DataError
from misstep.modeling import (
    ForecastTrained,
    Settings,
    Trained,
    evident_identifier,
    save_model,
    table_without,
    train_long_table,
    train_pictures,
    train_sequences,
    train_series,
    train_table,
)
from misstep.modeling.recipes import augmentation, check_settings, reads_in_order
from misstep.train.loop import all_done
from misstep.train.progress import in_words

Data = Table | Pictures | Sequences


@dataclass(frozen=True)
class Wishes:
    """What was said on the command line; None where nothing was."""

    source: str
    target: str | None
    task: str | None
    test: str | None
    without: tuple[str, ...]
    sequence_of: str | None
    network: str | None
    vectors: Path | None
    epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    seed: int
    threads: int | None
    out: Path | None
    resume: bool
    augment: str | None
    quiet: bool
    json: bool
    horizon: int | None = None
    season: int | None = None
    only: str | None = None

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
        augment=wishes.augment,
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
    _refuse_for_others(wishes, data)
    if wishes.test is not None and isinstance(data, Pictures):
        data = with_test_folder(data, wishes.test)
    test = _test_of(wishes, data)
    _say_what_was_read(page, wishes, data, test)
    return _finish(page, wishes, _trained(wishes, data, test, settings), data, test)


def _trained(
    wishes: Wishes, data: Data, test: Table | Sequences | None, settings: Settings
) -> Trained:
    """Train on what was read, by its kind."""
    if isinstance(data, Pictures):
        return train_pictures(data, settings=settings)
    if isinstance(data, Sequences):
        judged = test if isinstance(test, Sequences) else None
        return train_sequences(data, task=wishes.task, test=judged, settings=settings)
    table = test if isinstance(test, Table) else None
    target = wishes.target or data.target
    data = whole = table_without(data, wishes.without, target)
    only = () if wishes.only is None else _column_and_value(wishes.only)
    if only:
        data = only_rows(data, only)
    identifier, because = wishes.sequence_of, "you chose it"
    asked = {"--horizon": wishes.horizon, "--season": wishes.season}
    forecast = wishes.task == "forecast" or any(one is not None for one in asked.values())
    if identifier is None and not forecast:
        identifier, because = evident_identifier(data, target) or (None, "")
    if identifier is not None:
        return train_long_table(
            data, identifier, target, task=wishes.task, test=table, because=because,
            settings=settings,
        )  # fmt: skip
    series = series_wished(data, target, wishes.task, wishes.test, asked)
    if series is not None:
        return train_series(
            whole, str(target), horizon=wishes.horizon, season=wishes.season, only=only,
            because=series, settings=settings,
        )  # fmt: skip
    trained = train_table(data, wishes.target, task=wishes.task, test=table, settings=settings)
    hint = series_looked_for(data, target, wishes.task)
    return replace(trained, notes=[*trained.notes, hint]) if hint else trained


def _column_and_value(only: str) -> tuple[str, str]:
    column, equals, value = only.partition("=")
    if not (column and equals and value):
        raise ArgumentError(
            f"--only {only}", needed="a column and a value", got=repr(only),
            try_='--only "Ticker=AAPL"',
        )  # fmt: skip
    return column.strip(), value.strip()


def _test_of(wishes: Wishes, data: Data) -> Table | Sequences | None:
    """Return the rows to be judged on, of the kind of `data`. Raises DataError for another kind."""
    if wishes.test is None or isinstance(data, Pictures):
        return None
    if not isinstance(data, Sequences):
        folder = is_text_folder(Path(wishes.test))
        return read_text_folder(wishes.test) if folder else read_table(wishes.test)
    found = read_given(wishes.test)
    if not isinstance(found, Sequences):
        raise DataError(wishes.test, needed=f"sequences, as {wishes.source} has", got="others")
    return found


def _refuse_for_others(wishes: Wishes, data: Data) -> None:
    """Raise ArgumentError for options that mean nothing for such data."""
    if wishes.augment is not None and isinstance(data, Pictures):
        augmentation(wishes.augment, min(data.shape[:2]))
    elif wishes.augment is not None:
        raise ArgumentError(
            f"--augment {wishes.augment}", needed="pictures",
            got="a table" if isinstance(data, Table) else "sequences",
            try_="the command without --augment",
        )  # fmt: skip
    if isinstance(data, Table):
        return
    kind = "pictures" if isinstance(data, Pictures) else "sequences"
    given: dict[str, Any] = {
        "--target": wishes.target, "--sequence-of": wishes.sequence_of,
        "--horizon": wishes.horizon, "--season": wishes.season, "--only": wishes.only,
        "--without": wishes.without[0] if wishes.without else None,
        "--task": wishes.task if wishes.task == "forecast" else None,
    }  # fmt: skip
    if isinstance(data, Pictures):
        given["--task"] = None if wishes.task == "classification" else wishes.task
    for option, value in given.items():
        if value is not None:
            raise ArgumentError(
                f"{option} {value}", needed=f"a table, since {kind} bring answers of their own",
                got=kind, try_=f"the command without {option}",
            )  # fmt: skip


def _say_what_was_read(
    page: Page, wishes: Wishes, data: Data, test: Table | Sequences | None
) -> None:
    if isinstance(data, Pictures):
        page.say(f"{wishes.source}: {_pictures_in_words(data)}")
    elif isinstance(data, Sequences):
        page.say(f"{wishes.source}: {_sequences_in_words(data)}")
    else:
        rows, columns = data.frame.shape
        page.say(f"{wishes.source}: {counted(rows, 'row')} of {counted(columns, 'column')}")
    for note in data.notes:
        page.say(note, "dim", indent=2)
    if test is not None:
        thing = "sequence" if isinstance(test, Sequences) else "row"
        page.say(f"{wishes.test}: {counted(len(test), thing)} to be judged on")
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


def _pictures_in_words(data: Pictures) -> str:
    height, width, channels = data.shape
    learned, judged = len(data.train_pictures), len(data.test_pictures)
    colors = "grey" if channels == 1 else "in color"
    words = f"{learned + judged:,} pictures of {height} × {width} pixels, {colors}"
    return f"{words}; {judged:,} of them for the test" if judged else words


def _sequences_in_words(data: Sequences) -> str:
    """Return how many sequences there are, how long, and of how many channels."""
    shortest, longest = int(data.lengths.min()), int(data.lengths.max())
    steps = f"{longest:,}" if shortest == longest else f"{shortest:,} to {longest:,}"
    words = (
        f"{counted(len(data), 'sequence')} of {steps} steps and {counted(data.channels, 'channel')}"
    )
    return words if data.test is None else f"{words}, and {len(data.test):,} to be judged on"


def _finish(
    page: Page, wishes: Wishes, trained: Trained, data: Data, test: Table | Sequences | None
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
        say_stages(page, trained.stages, _things(trained))
        page.title(_how_it_ended(trained), always=True)
        _say_scores(page, trained)
        model.facts["source"] = Path(wishes.source).name
        save_model(model, path)
        picture = None
        if isinstance(trained, ForecastTrained):
            picture = write_picture(trained, wishes.folder)
        _say_next(page, wishes, path, data, picture)
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
    if isinstance(trained, ForecastTrained):
        return how_it_ended(trained)
    run = trained.run
    took = f"{run.seconds:.1f} s" if run.seconds < 60 else in_words(run.seconds)
    words = f"{counted(run.epochs, 'epoch')} in {took}: {run.reason}"
    if run.best_epoch is not None:
        words += f". The weights are those of epoch {run.best_epoch}, the best one"
    return words


def _things(trained: Trained) -> str:
    """Return what the rows of a model are called."""
    preprocessing = trained.model.preprocessing
    if isinstance(preprocessing, SequenceScaling):
        return "sequences"
    return "pictures" if isinstance(preprocessing, PictureScaling) else "rows"


def _say_scores(page: Page, trained: Trained) -> None:
    if isinstance(trained, ForecastTrained):
        say_forecast_scores(page, trained)
        return
    things = _things(trained)
    rows = int(trained.model.facts["test_rows"])
    target = trained.model.target
    rare = str(target.classes[target.rare]) if target.kind == "two classes" else ""
    heads, table = score_rows(trained.metrics, trained.baselines, rows, things, rare)
    numbers = range(1, len(heads) - 1)
    page.table(table, heads, list(numbers), always=True)
    page.blank(always=True)
    page.say(verdict(trained.metrics, trained.baselines, rows), "bold", always=True)
    run = trained.run
    judged = [one.get("validation_loss", 0.0) for one in run.history]
    if run.reason == all_done(run.epochs) and run.best_epoch is None and judged[-1] <= min(judged):
        page.say("The last epoch was the best one: more of them may help (--epochs).", always=True)


def _say_next(page: Page, wishes: Wishes, path: Path, data: Data, picture: Path | None) -> None:
    size = path.stat().st_size
    page.blank(always=True)
    page.lines(f"The model is in {path} ({size / 1000:,.0f} kB).", always=True)
    if picture is not None:
        page.lines(f"A picture of the forecast is in {picture}.", always=True)
        page.title("Try next")
        page.commands(next_commands(path, wishes.source))
        return
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
        "task": task_of(model),
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
        "while_learning": None if trained.stages is None else trained.stages.plain(),
    }
