"""`--rows` of `diagnose` and `check`: rows looked at one by one, doubtful ones named and written.

Shows how far it is, says the first rows and writes all of them into a file. Decides nothing: what
is doubtful, `modeling` says, and what it means, the doctor.
"""

from __future__ import annotations

import math
import sys
from functools import partial
from pathlib import Path

from misstep.cli.keeping import keep_beside
from misstep.cli.page import Page
from misstep.cli.termination import signals_interrupt
from misstep.errors import ArgumentError
from misstep.modeling import Modality, RowCheck, Suspect, check_rows
from misstep.text.counts import counted, plural
from misstep.text.figures import percent, three_figures
from misstep.text.lists import listed

__all__ = ["FILE", "SECONDS", "check_seconds", "look_at_rows"]

# All doubtful rows, as a table that people can open.
FILE = "suspect-rows.csv"
# How long rows are looked at where nobody asked for another time.
SECONDS = 30.0
# Rows that are said; all of them stand in the file.
MOST_SAID = 20
MOST_PAIRS_SAID = 5
CLEAR_LINE = "\r\x1b[K"


def check_seconds(seconds: float) -> None:
    """Raise ArgumentError for seconds in which nothing can be looked at."""
    if not (seconds > 0 and math.isfinite(seconds)):
        raise ArgumentError("--budget", needed="seconds, more than 0", got=f"{seconds:g}")


def look_at_rows(page: Page, modality: Modality, folder: Path | None, seconds: float) -> RowCheck:
    """Look at rows for about so many `seconds`, say what was found, and return it.

    `folder`: where the file with all doubtful rows goes; None: there is none. Ctrl-C ends it with
    what was found by then. Raises DataError where rows have no answers, StorageError.
    """
    shows = sys.stderr.isatty()

    def progress(share: float, words: str) -> None:
        if shows:
            sys.stderr.write(f"{CLEAR_LINE}  looking at rows: {percent(share)}, {words}")
            sys.stderr.flush()

    with signals_interrupt():
        check = check_rows(modality, seconds=seconds, progress=progress)
    if shows:
        sys.stderr.write(CLEAR_LINE)
        sys.stderr.flush()
    page.title("Rows")
    _say(page, check)
    if folder is not None and check.suspects:
        keep_beside(page, partial(check.write, folder / FILE))
    if check.file is not None:
        many = counted(len(check.suspects), "row")
        page.say(f"all {many} that differ from what was expected: {check.file}", indent=2)
    return check


def _say(page: Page, check: RowCheck) -> None:
    for note in check.notes:
        page.say(note, "dim", indent=2)
    if check.judged:
        judged = f"{check.judged:,} of " if check.judged < check.rows else "all "
        page.say(
            f"{judged}{check.rows:,} answers judged by {check.judge} that did not learn from "
            f"them, in {check.seconds:.0f} s",
            "dim",
            indent=2,
        )
        _say_suspects(page, check)
    copies = check.copies
    if copies is not None and check.copy_pairs:
        pairs = [f"{row} and {twin}" for row, twin in check.copy_pairs]
        page.say(
            f"{copies.exact:,} equal and {copies.near:,} nearly equal "
            f"{plural(len(pairs), 'row')} on both sides of the split (by chance about "
            f"{copies.by_chance:.0f}): rows {listed(pairs, MOST_PAIRS_SAID)}",
            indent=2,
        )


def _say_suspects(page: Page, check: RowCheck) -> None:
    """Say the rows that are more likely wrong than right; else that none can be told."""
    if not check.named:
        words = "no answer is more likely wrong than right"
        if check.suspects:
            words += "; where another one is expected, the row is hard to tell"
        page.say(words, indent=2)
        return
    precision = check.expected_precision
    sure = "" if precision is None else f"; about {percent(precision)} of them really are"
    page.say(f"{counted(check.named, 'answer')} more likely wrong than right{sure}:", indent=2)
    for one in check.suspects[: min(check.named, MOST_SAID)]:
        page.say(suspect_words(one), indent=4)
    if check.named > MOST_SAID:
        page.say(f"… and {check.named - MOST_SAID:,} more", "dim", indent=4)


def suspect_words(one: Suspect) -> str:
    """Return "row 17: given 3, looks like 8 (97%)"."""
    if one.spreads is not None:
        far = three_figures(one.spreads)
        expected = f"expected about {three_figures(one.suggested)}, {far} spreads away"
        return f"{one.name}: given {one.given:.6g}, {expected}"
    sure = percent(one.probability or 0.0)
    return f"{one.name}: given {one.given}, looks like {one.suggested} ({sure})"
