"""What `misstep train` says without a source: what it can learn from, and what to try first."""

from __future__ import annotations

from misstep.cli.exits import DONE
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.data import EXAMPLES

FIRST = "digits"


def show_welcome(*, json: bool) -> int:
    """Say what can be trained on; return the exit code."""
    page = Page(to_error=json)
    page.say("misstep train SOURCE learns to predict, and says why it chose what it chose.")
    page.title("SOURCE can be")
    page.table(
        [
            ["a table", "a CSV or TSV file (also gzipped), a row for each example"],
            ["images", "a folder with a folder of png or jpg files for each class"],
            ["", "or MNIST's four idx files, or an npz file with x and y"],
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
    return DONE
