"""What `misstep train` says without a source: what it can learn from, and what to try first."""

from __future__ import annotations

from misstep.cli.exits import BAD_INPUT, DONE
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.data import EXAMPLES

FIRST = "digits"


def show_welcome(*, json: bool, missing: bool = False) -> int:
    """Say what can be trained on; return the exit code.

    `missing`: whether somebody meant to train, and forgot on what: that is an error.
    """
    page = Page(to_error=json or missing)
    if missing:
        page.say("misstep: SOURCE: needed what to learn from, but got options only.")
    else:
        page.say("misstep train SOURCE learns to predict, and says why it chose what it chose.")
    page.title("SOURCE can be")
    page.table(
        [
            ["a table", "a CSV or TSV file (also gzipped), a row for each example"],
            [
                "a series",
                "such a file with a row for each day, month …: the next ones are forecast",
            ],
            ["texts", "a table with a column of texts, or a folder of .txt files for each class"],
            ["images", "a folder with a folder of png, jpg or tif files for each class,"],
            ["", "MNIST's four idx files, or an npz file with x and y"],
            ["sequences", "an npz file with x (rows, steps, channels) and y,"],
            ["", "or a long table and --sequence-of COLUMN, which tells them apart"],
            ["an example", "one of these, which are always there:"],
        ]
    )
    page.table([[one.name, one.sentence] for one in EXAMPLES.values()], indent=4)
    page.title("Try")
    page.commands(
        [
            f"misstep train {FIRST}",
            "misstep train houses.csv --target price",
            "misstep train --help",
        ]
    )
    if json:
        write_json({"examples": list(EXAMPLES)})
    page.settle()
    return BAD_INPUT if missing else DONE
