"""`misstep lab`: runs a lab and shows what it measured; without a name, lists them all.

What a lab does and says is in the room `labs`; here it is only laid out for a terminal.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from misstep.cli.exits import DONE, FAILED
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.cli.places import RUNS
from misstep.cli.run_folder import check_folder
from misstep.labs import (
    Bench,
    Claim,
    Exhibit,
    Lab,
    Outcome,
    Section,
    Table,
    exhibit_lines,
    find_lab,
    lab_page,
    registered_labs,
)
from misstep.storage import make_folder, write_text

# Labs that are run without --out leave their report in here, each in a folder of its own.
LABS = RUNS / "labs"
INDENT = 2
HELD, BROKEN = "✓", "✗"


@dataclass(frozen=True)
class LabRequest:
    """What was asked of a lab: the folder of its report, threads, and whether for a machine."""

    out: Path | None
    threads: int | None
    json: bool


def list_labs(*, json: bool) -> int:
    """Say which labs there are, one line each; return the exit code."""
    page = Page(to_error=json)
    labs = registered_labs()
    page.say("Labs: small real trainings, of seconds each.")
    for chapter, several in itertools.groupby(labs.values(), lambda lab: lab.chapter):
        page.title(chapter.value)
        page.table([[lab.slug, lab.summary] for lab in several])
    page.title("Try next")
    page.commands([f"misstep lab {next(iter(labs))}"])
    if json:
        write_json({"labs": {slug: lab.summary for slug, lab in labs.items()}})
    page.settle()
    return DONE


def run_lab(name: str, request: LabRequest) -> int:
    """Run the lab of a name, show it and write its report; return the exit code.

    It is 1 where the numbers do not bear out a claim. Ctrl-C leaves an earlier report as it is.
    """
    lab = find_lab(name)
    folder = request.out or LABS / lab.slug
    check_folder(folder)
    page = Page(to_error=request.json)
    page.title(lab.title)
    page.say(lab.question)
    with _progress() as tell:
        measured = lab.measure(Bench(request.threads, tell))
    for section in lab.sections(measured):
        _say_section(page, section)
    claims = list(lab.claims(measured))
    _say_claims(page, claims)
    report = folder / f"lab-{lab.slug}.html"
    make_folder(folder)
    write_text(report, lab_page(lab, measured))
    page.blank()
    page.say(f"The same with drawings is in {report}.", always=True)
    if lab.next_commands:
        page.title("Try next")
        page.commands(lab.next_commands)
    if request.json:
        write_json(_plain(lab, measured, claims, report))
    page.settle()
    return DONE if all(claim.holds for claim in claims) else FAILED


def _say_section(page: Page, section: Section) -> None:
    page.title(section.title)
    for paragraph in section.paragraphs:
        page.say(paragraph, indent=INDENT)
    for exhibit in section.exhibits:
        page.blank()
        _say_exhibit(page, exhibit)


def _say_exhibit(page: Page, exhibit: Exhibit) -> None:
    if isinstance(exhibit, Table):
        if exhibit.caption:
            page.say(exhibit.caption, "dim", indent=INDENT)
        page.table(exhibit.rows, exhibit.heads, exhibit.numbers, indent=INDENT)
        return
    lines = exhibit_lines(exhibit, page.width - INDENT)
    style = "" if isinstance(exhibit, Outcome) else "cyan"
    page.lines("\n".join(lines), INDENT, style=style)


def _say_claims(page: Page, claims: list[Claim]) -> None:
    page.title("What the numbers show")
    for claim in claims:
        sign = HELD if claim.holds else BROKEN
        page.say(f"{sign} {claim.words}", "green" if claim.holds else "red", indent=INDENT)
    broken = sum(not claim.holds for claim in claims)
    if broken:
        page.say(
            f"{broken} of {len(claims)} did not come so on this machine; the same seed should give "
            "the same numbers everywhere.",
            indent=INDENT,
        )


def _plain(lab: Lab[Any], measured: Any, claims: list[Claim], report: Path) -> dict[str, Any]:
    return {
        "lab": lab.slug,
        "title": lab.title,
        "measured": lab.plain(measured),
        "claims": [{"words": claim.words, "holds": claim.holds} for claim in claims],
        "report": str(report),
    }


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str], object]]:
    """Yield what shows what is done next, on standard error: in one line that goes again."""
    if not sys.stderr.isatty():
        yield lambda words: None
        return
    # Imported where it is needed: a list of labs should not wait for it.
    from rich.console import Console

    with Console(file=sys.stderr, markup=False).status("getting ready") as status:
        yield lambda words: status.update(f"training: {words}")
