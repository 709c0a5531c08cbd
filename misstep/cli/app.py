"""The commands with their arguments, and `main`, which runs one and returns its exit code.

What a command does is in a file of its own, imported once it is asked for: --help comes at once.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from misstep import __version__
from misstep.cli.exits import DONE, exit_code_of
from misstep.cli.help_pages import WIDEST, CommandGroup, SingleCommand
from misstep.cli.output import prepare_streams

app = typer.Typer(
    cls=CommandGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": WIDEST},
)


# Commands that have the options of training.
TRAINING = {"train", "tune", "check", "find-rate"}


class ProgramName(StrEnum):
    """Which program of a model."""

    STEP = "step"
    EVALUATE = "evaluate"
    PREDICT = "predict"


Model = Annotated[Path, typer.Argument(metavar="MODEL", help="The model file that training wrote.")]
Rows = Annotated[
    bool,
    typer.Option(
        "--rows", help="Look at the rows one by one: wrong answers, copies across the split."
    ),
]
# Stands for all options of training until `with_training_options` puts them in its place; typer
# before 0.29 reads no option without a parser of its own as Any.
TrainingOption = Annotated[Any, typer.Option(parser=str)]
Memory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="What rows may take of memory, such as 4GB: more images are decoded into a file "
        "first, which is removed at the end. Without it half of what is available.",
        show_default=False,
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", help="Make the last line of standard output one JSON object; words go to stderr."
    ),
]


def _print_version(asked: bool) -> None:
    if asked:
        print(f"misstep {__version__}")
        raise typer.Exit(DONE)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> int:
    """Train neural networks, and see with numbers how every weight was blamed for every mistake.

    A first try, without data of your own:

        misstep train digits
        misstep predict runs/digits/model.misstep digits
        misstep explain runs/digits/model.misstep digits --row 1

    When it does not learn, what goes wrong and what to do:

        misstep diagnose runs/digits

    With your own table:

        misstep train houses.csv --target price
    """
    if context.invoked_subcommand is None:
        print(context.get_help())
    return DONE


@app.command(
    cls=SingleCommand,
    short_help="Train on a table, a series, texts, images, sequences or an example.",
)
def train(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="A table (CSV or TSV, also gzipped); a folder with a folder of images or texts "
            "for each class; MNIST's idx files; an npz file of images or sequences; or the name "
            "of an example: digits, iris, wine, breast-cancer, diabetes.",
            show_default=False,
        ),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Where something goes wrong, try remedies afterwards, as misstep repair does.",
        ),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show the run as it happens, on a page of this machine.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Say only the scores and where the model is.")
    ] = False,
    all_choices: Annotated[
        bool, typer.Option("--all-choices", help="Say what was chosen for each of many columns.")
    ] = False,
    json: Json = False,
    **options: TrainingOption,
) -> int:
    """Train a network on a table, images, texts, a series, sequences or an example.

    Every choice that you leave open is made and printed with its because. The scores come from
    rows that training never saw, beside those of a guess and of a linear model. Ctrl-C ends
    training early and keeps the best weights so far.

        misstep train digits
        misstep train houses.csv --target price
        misstep train people.csv --target income --test others.csv
        misstep train passengers.csv --target Passengers --horizon 12
        misstep train messages.csv --target spam --without read_by
        misstep train movements.npz
        misstep train long.csv --target activity --sequence-of id
        misstep train pets/ --augment flip-shift
        misstep train mnist/ --network dense128 --epochs 10
        misstep train houses.csv --target price --set dropout=0.2
        misstep train houses.csv --target price --repair
        misstep train digits --watch
    """
    from misstep.cli.train_command import train_on
    from misstep.cli.training_options import any_given
    from misstep.cli.welcome import show_welcome

    if source is None:
        given = quiet or all_choices or repair or watch or any_given(options)
        return show_welcome(json=json, missing=given)
    return train_on(
        source, options, quiet=quiet, json=json, all_choices=all_choices, repair=repair, watch=watch
    )


@app.command(
    cls=SingleCommand, short_help="Search for hyperparameters that do better than the default."
)
def tune(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="As for train.")],
    trials: Annotated[
        int, typer.Option(metavar="N", help="How many, the default configuration among them.")
    ] = 30,
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="M",
            help="How long the search may take at most; the winner's own training comes after.",
        ),
    ] = None,
    space: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=RANGE",
            help="What is searched instead of all that is open: learning_rate=1e-4..1e-2, or "
            "units=32,64,128. Any number of them; misstep check --hyperparameters lists the names.",
        ),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where the study is: a journal file, or any storage that Optuna takes, such as "
            "sqlite:///study.db or postgresql://user@host/db. Whoever gives the same command with "
            "the same storage joins. Without it tuning.journal in the run's folder.",
        ),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The study's name there; without it, of data and options."
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(metavar="K", help="Processes of this machine that try at the same time.")
    ] = 1,
    sampler: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="tpe, random, quasi-random or gaussian-process, of Optuna."
        ),
    ] = "tpe",
    pruner: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What ends trials that are behind: median, hyperband, successive-halving or none. "
            "The doctor ends sick ones whatever it is.",
        ),
    ] = "median",
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Say only what came of it and where the model is.")
    ] = False,
    json: Json = False,
    **options: TrainingOption,
) -> int:
    """Search for hyperparameters that do better than the default ones, and train with them.

    Trial 0 is the default configuration, so that the result is never worse than it on validation
    rows. Each trial is a training; those that fall behind or are sick are ended early. The test
    rows are looked at once, at the end, for the default and the winner. The winner is trained and
    kept as `misstep train` does. Needs Optuna: pip install "misstep[tune]".

    Ctrl-C ends the search: the best so far is trained and kept. The same command goes on with its
    study.

        misstep tune houses.csv --target price
        misstep tune houses.csv --target price --trials 60 --minutes 10
        misstep tune houses.csv --target price --space dropout=0..0.5 --space units=32,64,128
        misstep tune houses.csv --target price --storage sqlite:///houses.db --workers 2
    """
    from misstep.cli.tune_command import TuneRequest, tune_on

    request = TuneRequest(
        trials=trials,
        minutes=minutes,
        storage=storage,
        study=study,
        workers=workers,
        sampler=sampler,
        pruner=pruner,
        space=tuple(space or ()),
        quiet=quiet,
        json=json,
    )
    return tune_on(source, options, request)


@app.command(
    cls=SingleCommand, short_help="Say what is wrong with data or a network before training."
)
def check(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="As for train.")],
    rows: Rows = False,
    budget: Annotated[
        float, typer.Option(metavar="SECONDS", help="With --rows: how long that may take.")
    ] = 30.0,
    list_space: Annotated[
        bool,
        typer.Option(
            "--hyperparameters", help="List what --set may change, and misstep tune searches."
        ),
    ] = False,
    json: Json = False,
    **options: TrainingOption,
) -> int:
    """Say what is wrong with data, or with a network for them, before any training.

    Takes seconds: reads and prepares SOURCE as `misstep train` would with the same options, looks
    once into the fresh network, and trains and writes nothing. Findings are those of `misstep
    diagnose`; what training alone can show is named at the end. The exit code is 1 where something
    is critical, else 0.

    With --rows, models of the other rows judge each answer; doubtful ones are named, and written
    into suspect-rows.csv in the folder that a run would have.

        misstep check houses.csv --target price
        misstep check houses.csv --target price --rows
        misstep check houses.csv --target price --hyperparameters
        misstep check digits --network dense32-sigmoid-dense32-sigmoid
    """
    from misstep.cli.check_command import CheckRequest, check_source

    asked = CheckRequest(rows, budget, list_space, json)
    return check_source(source, options, asked)


@app.command(
    "find-rate", cls=SingleCommand, short_help="Find the learning rate that training should use."
)
def find_rate(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="As for train.")],
    json: Json = False,
    **options: TrainingOption,
) -> int:
    """Find the learning rate that training on SOURCE should use.

    Takes a hundred updates of the network that `misstep train` would train with the same options,
    while the learning rate grows from 0.0000001 to 10, three times with batches in other orders;
    shows what the loss made of it, and says which rate to use, and by which rule. No model is
    written; a drawing of the curve is, in the folder of the run.

        misstep find-rate digits
        misstep find-rate houses.csv --target price
    """
    from misstep.cli.find_rate_command import find_rate as find

    return find(source, options, json=json)


@app.command(cls=SingleCommand, short_help="Predict for every row, as CSV.")
def predict(
    model: Model,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="Rows with the columns of training, in any order; texts, one a line, or a folder "
            "of .txt files; images (a folder, a file, npz or idx); or an example. A forecast "
            "goes on without it.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write here instead of to standard output: Parquet where it ends in .parquet, "
            "JSON lines in .jsonl, else CSV.",
        ),
    ] = None,
    interval: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Of numbers, say between what so large a share of answers lies, such as 0.9: by "
            "the errors on rows not learned from.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="How many steps to forecast; without it all.")
    ] = None,
    memory: Memory = None,
    json: Json = False,
) -> int:
    """Predict for every row of SOURCE, as CSV: row, prediction and, for classes, probabilities.

    Of a series the next steps are predicted: step, date, prediction, lower and upper. SOURCE may be
    -, for CSV that comes on standard input.

    Rows are counted from 1, a header not counted; images go by the names of their files. Where
    SOURCE has the answers, the score is said too, on standard error.

        misstep predict runs/houses/model.misstep new.csv
        misstep predict runs/houses/model.misstep new.csv --out prices.csv
        misstep predict runs/pets/model.misstep new-pets/ --out pets.csv
        misstep predict runs/mnist/model.misstep t10k-images-idx3-ubyte.gz
    """
    from misstep.cli.predict_command import predict_rows

    return predict_rows(
        model, source, out=out, json=json, interval=interval, steps=steps, memory=memory
    )


@app.command(
    cls=SingleCommand, short_help="Explain one prediction, or a weight's part in its error."
)
def explain(
    model: Model,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Rows as for predict.")],
    row: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Which row, counted from 1, a header not counted; by default the first. Of a "
            "series the last one that a forecast looks back on, by default the last.",
        ),
    ] = None,
    step: Annotated[
        int, typer.Option(metavar="N", help="Which step ahead of a forecast, counted from 1.")
    ] = 1,
    weight: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Write out the chain rule for this weight: dense1.weight[3,5], counted from 0; "
            "without [...] the entry with the largest slope.",
        ),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="With --weight: report on the prediction as well.")
    ] = False,
    latex: Annotated[
        bool,
        typer.Option(
            "--latex", help="With --weight: print the chain rule as LaTeX; words go to stderr."
        ),
    ] = False,
    answer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which one, of a model that predicts several for a row."),
    ] = None,
    top: Annotated[int, typer.Option(metavar="K", help="How many inputs and neurons to list.")] = 8,
    memory: Memory = None,
    json: Json = False,
) -> int:
    """Explain one prediction: what decided it, and how a weight was blamed for its error.

    Each column, word, region of an image or step of a series is replaced by a baseline's, and what
    the prediction loses thereby is measured. With --weight, writes out the chain rule from that
    weight to the error, with this row's own numbers, and only that.

        misstep explain runs/houses/model.misstep new.csv --row 3
        misstep explain runs/digits/model.misstep digits --row 7 --top 12
        misstep explain runs/digits/model.misstep digits --weight "dense1.weight[3,5]"
        misstep explain runs/passengers/model.misstep passengers.csv --step 12
    """
    from misstep.cli.explain_command import ExplainRequest, explain_row

    request = ExplainRequest(row, step, weight, top, json, report, latex, memory, answer)
    return explain_row(model, source, request)


@app.command(cls=SingleCommand, short_help="Say what a model file holds.")
def summary(
    model: Model,
    card: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.md",
            help="Write its model card there, as Markdown: data, split, scores with intervals, "
            "limits; - for the standard output.",
            show_default=False,
        ),
    ] = None,
    license_name: Annotated[
        str,
        typer.Option(
            "--license",
            metavar="NAME",
            help="Under which license it may be used, for the card.",
            show_default=False,
        ),
    ] = "",
    json: Json = False,
) -> int:
    """Say what a model file holds.

    That is what it predicts, its layers, how its training went and how well it did.

        misstep summary runs/digits/model.misstep
        misstep summary runs/digits/model.misstep --card CARD.md --license CC0-1.0
    """
    from misstep.cli.summary_command import summarize

    return summarize(model, json=json, card=card, license_name=license_name)


@app.command(cls=SingleCommand, short_help="Write a model as a file for other tools (ONNX).")
def export(
    model: Model,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; it ends in .onnx.")],
    json: Json = False,
) -> int:
    """Write a model as an ONNX file, for other tools to run.

    Of a table of numbers and categories the file takes the columns as they stand, of images their
    pixels, and it gives classes with their probabilities, or numbers in their own unit; of other
    data it takes prepared rows, and what prepares them is in its metadata. Needs the extra onnx.

        misstep export runs/houses/model.misstep houses.onnx
    """
    from misstep.cli.export_command import export as export_file

    return export_file(model, file, json=json)


@app.command(cls=SingleCommand, short_help="Say what goes wrong in a run, and what to do.")
def diagnose(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="The folder of a run, or its record; it may still be going."
        ),
    ],
    probe: Annotated[
        bool,
        typer.Option(
            "--probe",
            help="Do the run again with one thing changed at a time, to tell causes apart.",
        ),
    ] = False,
    rows: Rows = False,
    budget: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="With --probe or --rows: how long each of them may take."
        ),
    ] = 30.0,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="With --probe or --rows: where the data of the run are, if no longer there.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Say what goes wrong in a run, where, why, and what to do about it.

    Reads what the run wrote down: of one that is over, still going, or was broken off by a crash.
    Findings come in order, the most important first: critical (the run is harmed), warning
    (likely to be harmed) and note; beneath each what follows from it. At the end stands what could
    not be examined, and why. The exit code is 1 where something is critical, else 0.

    With --probe the run is done again from its first weights, on the same rows, with one thing
    changed at a time: other rates, standardized inputs, another initialization … What takes the
    harm away was its cause. Ctrl-C ends that with what was found so far.

    With --rows, models of the other rows judge each answer; doubtful ones are named, and all of
    them written into suspect-rows.csv in the folder of the run.

        misstep diagnose runs/digits
        misstep diagnose runs/digits --json
        misstep diagnose runs/digits --probe --budget 60
        misstep diagnose runs/houses --rows
    """
    from misstep.cli.diagnose_command import diagnose_run

    return diagnose_run(run, json=json, probe=probe, rows=rows, budget=budget, data=data)


@app.command(cls=SingleCommand, short_help="Make the page about a run anew, to look at.")
def report(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="The folder of a run, or its record; it may still be going."
        ),
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="Where the data of the run are, if no longer where they were.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write it, instead of report.html beside it."),
    ] = None,
    json: Json = False,
) -> int:
    """Make the page about a run anew, to look at in a browser.

    Every run leaves one, report.html in its folder. This makes it from what the run wrote down: for
    a run that is still going or was broken off, for a training of PyTorch or Keras that was
    watched, or for one of an earlier version. Where its data are found, the rows that it did not
    learn from are shown as well, beside what its model says of them. The page is one file that
    needs no network; the same run gives the same page.

        misstep report runs/digits
        misstep report runs/houses houses.csv
        misstep report runs/theirs --out theirs.html
    """
    from misstep.cli.report_command import report_run

    return report_run(run, data, out=out, json=json)


@app.command(cls=SingleCommand, short_help="Show runs as they happen, on a page of this machine.")
def watch(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUN",
            help="The folder of a run, or one that holds runs; without it runs/.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="HOST",
            help="Where the page is reached. Another one than 127.0.0.1, this machine alone, lets "
            "others read with the token of the address.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", help="At which port; 0 for any that is free.")
    ] = 0,
    json: Json = False,
) -> int:
    """Show runs as they happen, on a page of this machine: curves, findings, gradient flow.

    Reads what runs write down: of misstep train, of Trainer.fit and estimators with a folder, and
    of loops in PyTorch and Keras that misstep.watch watches; whoever trains need not know of it.
    Runs that begin later appear by themselves; those that are over or broken off are shown as well.

    The address holds a token, with which the page can stop a run as Ctrl-C does, and what was
    learned is kept. Without the token it only looks. Nothing is loaded from elsewhere. Needs
    pip install "misstep[web]".

        misstep watch
        misstep watch runs/digits
        misstep train digits --watch
    """
    from misstep.cli.watch_command import watch_runs

    return watch_runs(run, host=host, port=port, json=json)


@app.command(cls=SingleCommand, short_help="Serve a model to programs, as JSON over HTTP.")
def serve(
    model: Model,
    host: Annotated[
        str,
        typer.Option(
            metavar="HOST",
            help="Where it is reached. Another one than 127.0.0.1, this machine alone, lets others "
            "ask with the token of the address, or that of MISSTEP_TOKEN.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", help="At which port; 0 for any that is free.")
    ] = 8_000,
    known_as: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Another name by which it may be asked for, with the port: localhost:8080, where "
            "a container or a proxy stands before it. May be given several times.",
            show_default=False,
        ),
    ] = None,
    most_rows: Annotated[
        int, typer.Option(metavar="N", help="Rows that one question may have at most.")
    ] = 10_000,
    most_content: Annotated[
        str, typer.Option(metavar="SIZE", help="How large one question may be.")
    ] = "8MB",
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long an answer may take.")
    ] = 30.0,
    json: Json = False,
) -> int:
    """Serve a model to programs: rows as JSON in, predictions with probabilities out.

    POST /api/predict takes {"rows": [...]}, each row an object with the columns of training; of
    images {"image": BASE64}, or a file as it is; of a series its newest rows, or none. POST
    /api/explain takes {"row": ...} and says what each part of it did. What the fields are, the page
    at / and /api/openapi.json say; GET /ready tells whether it is ready, GET /health whether it is
    there. Errors are JSON as well: which field, what was needed, what came.

    Ctrl-C or SIGTERM ends it when the questions that it has are answered. Needs
    pip install "misstep[web]".

        misstep serve runs/houses/model.misstep
        misstep serve runs/houses/model.misstep --host 0.0.0.0 --known-as localhost:8000
    """
    from misstep.cli.serve_command import ServeRequest, serve_model

    names = tuple(known_as or ())
    asked = ServeRequest(host, port, names, most_rows, most_content, timeout, json)
    return serve_model(model, asked)


@app.command(
    cls=SingleCommand, short_help="Try remedies for what goes wrong in a run, keep what helps."
)
def repair(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="The folder of a run of misstep train, with its data."),
    ],
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="M",
            help="How many minutes it may take. Without it, or --steps, as "
            "many updates as some 25 such runs in each round.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="How many updates it may take in all.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="Where the data of the run are, if no longer there."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The folder of what is adopted. Without it RUN/repair-1 and so on."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Which random remedies are tried beside the named.")
    ] = 0,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Say only the verdicts and where the model is.")
    ] = False,
    json: Json = False,
) -> int:
    """Try remedies for what goes wrong in a run, and keep those that measurably help.

    Each remedy that the findings name is trained from where the run began, or went on from where
    it ended, on the same batches as an unchanged control and a random remedy; the better ones go
    further. The best one is adopted only if it beats the control beyond noise, row by row on
    validation rows that did not choose it, and a random remedy is not better; else it is rolled
    back. Then it looks again, three times at most, since some runs have two faults.

    The run stays as it was, but for its record, which gets to know what was tried. What is adopted
    is trained into a folder of its own, with a model like any other. The test rows are looked at
    once, at the end, with the model before and after. Ctrl-C keeps what was adopted so far.

        misstep repair runs/houses
        misstep repair runs/houses --minutes 5
        misstep predict runs/houses/repair-1/model.misstep houses.csv
    """
    from misstep.cli.repair_command import repair_run

    return repair_run(
        run, steps=steps, minutes=minutes, data=data, out=out, seed=seed, json=json, quiet=quiet
    )


@app.command(cls=SingleCommand, short_help="Run a small experiment that shows an ailment.")
def lab(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Which lab, such as vanishing; without it they are listed.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The folder of its report. Without it runs/labs and its name."
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", help="Threads to use at most; the results do not depend on it."),
    ] = None,
    json: Json = False,
) -> int:
    """Run a small experiment that shows an ailment happening, and what each remedy does to it.

    Real networks are trained, in seconds, on data that come along. Every number that is said was
    measured in that run, and is the same each time. What a lab is there to show stands at its end
    as claims; the exit code is 1 where the numbers do not bear one out.

        misstep lab
        misstep lab one-neuron
        misstep lab vanishing --out lessons/
    """
    from misstep.cli.lab_command import LabRequest, list_labs, run_lab

    if name is None:
        return list_labs(json=json)
    return run_lab(name, LabRequest(out, threads, json))


def _show(name: str, words: str) -> Any:
    return typer.Option(f"--{name}", help=words)


@app.command(
    cls=SingleCommand, short_help="Show the program that trains or asks a model, and its speed."
)
def inspect(
    model: Model,
    program: Annotated[
        ProgramName, typer.Option(help="A training step, the evaluation of rows, or prediction.")
    ] = ProgramName.STEP,
    batch_size: Annotated[
        int | None, typer.Option(metavar="N", help="Rows that it works on at once.")
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", help="Threads to use at most; the results do not depend on it."),
    ] = None,
    graph: Annotated[bool, _show("graph", "Show the graph as it was made.")] = False,
    passes: Annotated[bool, _show("passes", "Show what each pass of simplifying changed.")] = False,
    every_pass: Annotated[
        bool, _show("every-pass", "Show the graph after each pass that changed something.")
    ] = False,
    simplified: Annotated[bool, _show("simplified", "Show the graph after simplifying.")] = False,
    kernels: Annotated[
        bool, _show("kernels", "Show the kernels, with what each reads, does and stores.")
    ] = False,
    memory: Annotated[bool, _show("memory", "Show where results lie, and for how long.")] = False,
    python: Annotated[bool, _show("python", "Show a Python file that computes the same.")] = False,
    llvm: Annotated[bool, _show("llvm", "Show the code as LLVM reads it.")] = False,
    assembly: Annotated[bool, _show("assembly", "Show the instructions of the processor.")] = False,
    profile: Annotated[
        bool,
        _show("profile", "Measure longer where the time goes, and show all kernels and threads."),
    ] = False,
    json: Json = False,
) -> int:
    """Show the program that trains a model, or asks it, as it runs on this machine.

    Without more, an overview: what the network became, in how many kernels it runs, and where the
    time of a step goes, measured on made-up rows, beside what this machine can do at most. The
    training step takes as many rows as in training, with the default optimizer.

        misstep inspect runs/digits/model.misstep
        misstep inspect runs/digits/model.misstep --program predict --profile
        misstep inspect runs/digits/model.misstep --python
        misstep inspect runs/digits/model.misstep --kernels --memory --batch-size 256
    """
    from misstep.cli.inspect_command import Request, inspect_model

    sections = {
        "graph": graph,
        "passes": passes,
        "every-pass": every_pass,
        "simplified": simplified,
        "kernels": kernels,
        "memory": memory,
        "python": python,
        "llvm": llvm,
        "assembly": assembly,
        "profile": profile,
    }
    asked_for = [name for name, asked in sections.items() if asked]
    return inspect_model(model, Request(program.value, batch_size, threads, asked_for, json))


@app.command(cls=SingleCommand, short_help="Watch a network learn, update by update, and play.")
def play(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="Your own data, as for train: a table, images in folders, or an example such as "
            "iris. Without it there are toy problems, and digits.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Of a table, the column to predict.", show_default=False
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Of a table, a column to leave out. May be given several times.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(metavar="PORT", help="The port of the page; 0: any that is free.")
    ] = 0,
    link: Annotated[
        str,
        typer.Option(
            metavar="LINK",
            help="Begin where a link stands that the page gave: what is behind the # of an "
            "address.",
            show_default=False,
        ),
    ] = "",
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser, too.")
    ] = False,
    json: Json = False,
) -> int:
    """Serve the playground on this machine: a network that learns before your eyes.

    Choose data, layers and how to learn; step by single updates, back as well, or let it run. Click
    a weight and read its chain rule with the numbers of this very update; break the training on
    purpose, and see what the doctor says and which remedy helps.

    The page is reached from this machine alone, with the token of the printed address. Ctrl-C ends
    it.

        misstep play
        misstep play --open
        misstep play iris
        misstep play houses.csv --target price
        misstep play --link "v=1&p=spirals&l=16.16"
    """
    from misstep.cli.play_command import PlayRequest
    from misstep.cli.play_command import play as serve

    columns = tuple(without or ())
    return serve(source, PlayRequest(port, link, target, columns, open_page, json))


def command_line() -> Any:
    """Return the whole command line, with the options of training as they are now."""
    from misstep.cli.training_options import with_training_options

    with_training_options(train)
    for command in (check, find_rate):
        with_training_options(command, without={"folds"})
    # A search goes on by its study.
    with_training_options(tune, without={"resume", "folds"})
    return get_command(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line with `arguments`, or those of this process; return the exit code."""
    own_process = arguments is None
    words = sys.argv[1:] if arguments is None else list(arguments)
    prepare_streams(own_process=own_process)

    def run() -> Any:
        # What only some commands need is not imported for the others: --help comes at once.
        command = command_line() if TRAINING.intersection(words) else get_command(app)
        return command.main(args=words, prog_name="misstep", standalone_mode=False)

    with warnings.catch_warnings():
        if own_process and not sys.warnoptions:
            # Warnings and logs are for developers; what matters to a person is said in words.
            warnings.simplefilter("ignore")
            logging.getLogger().addHandler(logging.NullHandler())
        return exit_code_of(run)
