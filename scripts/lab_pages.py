"""Writes docs/labs: a page for each lab, and the list of them, from the labs' own words.

The numbers in them are those of a real run, kept in docs/labs/measured/, a file for each lab, which
`scripts/docs --labs NAME` renews by running it, and `scripts/docs --labs all` by running them all.
With --check nothing is written, and stale pages fail. A test runs every lab and holds its numbers
against the kept ones.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[1] / "docs" / "labs"
MEASURED = TARGET / "measured"
NOTE = "<!-- Written by scripts/docs from the labs themselves; changes made here are lost. -->\n"
PICTURES = "pictures"
# Letters in a line of what is shown as on a terminal.
WIDTH = 92


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or compare them when asked to; the exit code is 1 when they are stale."""
    parser = argparse.ArgumentParser(description="Writes docs/labs from the labs themselves.")
    parser.add_argument("--check", action="store_true", help="only compare; fail when stale")
    parser.add_argument("--labs", nargs="*", metavar="NAME", help="those to run first; or all")
    given = parser.parse_args(arguments)
    if given.labs:
        measure([] if given.labs == ["all"] else given.labs)
    pages = all_pages()
    found = {
        path.relative_to(TARGET).as_posix(): path.read_text(encoding="utf-8")
        for pattern in ("*.md", f"{PICTURES}/*.svg")
        for path in TARGET.glob(pattern)
    }
    stale = sorted(name for name in pages | found if pages.get(name) != found.get(name))
    if given.check:
        for name in stale:
            print(f"docs/labs/{name} is stale; try: scripts/docs --labs", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        if name in pages:
            (TARGET / name).parent.mkdir(parents=True, exist_ok=True)
            (TARGET / name).write_text(pages[name], encoding="utf-8")
        else:
            (TARGET / name).unlink()
        print(f"docs/labs/{name}")
    return 0


def measure(names: list[str]) -> None:
    """Run labs and keep what they measured; all of them where none is named."""
    from misstep.labs import Bench, registered_labs

    MEASURED.mkdir(parents=True, exist_ok=True)
    labs = registered_labs()
    for name in names or labs:
        lab = labs[name]
        plain = lab.plain(lab.measure(Bench()))
        # A line for each field: few enough to read, enough for a change to show.
        lines = (
            f"{json.dumps(field)}: {json.dumps(value, ensure_ascii=False)}"
            for field, value in plain.items()
        )
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        (MEASURED / f"{name}.json").write_text(text, encoding="utf-8")
        print(name)


def kept(lab: Any) -> Any:
    """Return what was measured in a lab when it was last run for these pages."""
    path = MEASURED / f"{lab.slug}.json"
    if not path.exists():
        raise SystemExit(f"{path} is missing; try: scripts/docs --labs {lab.slug}")
    return lab.read(json.loads(path.read_text(encoding="utf-8")))


def all_pages() -> dict[str, str]:
    """Return the page of each lab, its pictures, and the list of them all, by file name."""
    from misstep.labs import registered_labs

    labs = registered_labs()
    pages: dict[str, str] = {}
    for slug, lab in labs.items():
        pages[f"{slug}.md"] = "".join(lab_text(lab, kept(lab), pages))
    text = (
        f"{NOTE}\n# Labs\n\nSmall real trainings, in seconds each, that show what can happen to a "
        "network and what helps. `misstep lab NAME` runs one: it prints what these pages say, with "
        "the numbers of that very run, and leaves a page with drawings. They need no data and no "
        "network, and give the same numbers each time.\n"
    )
    for chapter, several in itertools.groupby(labs.values(), lambda lab: lab.chapter):
        text += f"\n## {chapter.value}\n\n| lab | what it shows |\n|---|---|\n"
        text += "".join(f"| [`{lab.slug}`]({lab.slug}.md) | {lab.summary} |\n" for lab in several)
    pages["README.md"] = text
    return pages


def lab_text(lab: Any, measured: Any, pictures: dict[str, str]) -> Iterator[str]:
    """Yield the page of a lab in Markdown; its pictures are put into `pictures`."""
    from misstep.labs.page import drawn

    yield f"{NOTE}\n# {lab.title}\n\n**{lab.question}**\n"
    yield f"\n```console\n$ misstep lab {lab.slug}\n```\n"
    for section in lab.sections(measured):
        yield f"\n## {section.title}\n"
        yield from (f"\n{escaped(words)}\n" for words in section.paragraphs)
        for exhibit in section.exhibits:
            drawing = drawn(exhibit)
            if drawing is None:
                yield from exhibit_text(exhibit)
                continue
            number = 1 + sum(name.startswith(f"{PICTURES}/{lab.slug}-") for name in pictures)
            name = f"{PICTURES}/{lab.slug}-{number}.svg"
            pictures[name] = drawing.svg(standalone=True)
            words = escaped(f"{drawing.title}: {drawing.description}")
            yield f"\n![{words.replace('[', '(').replace(']', ')')}]({name})\n"
            yield f"\n*{escaped(exhibit.caption)}*\n" if exhibit.caption else ""
    yield "\n## What the numbers show\n\n"
    for claim in lab.claims(measured):
        yield f"- {escaped(claim.words)}{'' if claim.holds else ' **It does not.**'}\n"
    if lab.next_commands:
        commands = "\n".join(lab.next_commands)
        yield f"\n## Try next\n\n```bash\n{commands}\n```\n"


def exhibit_text(exhibit: Any) -> Iterator[str]:
    """Yield what is not drawn in Markdown: a table as one, all else as a terminal shows it."""
    from misstep.labs import Table, exhibit_lines

    if not isinstance(exhibit, Table):
        lines = "\n".join(line.rstrip() for line in exhibit_lines(exhibit, WIDTH))
        yield f"\n```text\n{lines}\n```\n"
        return
    if exhibit.caption:
        yield f"\n{escaped(exhibit.caption)}:\n"
    rules = ["--:" if at in exhibit.numbers else "---" for at in range(len(exhibit.heads))]
    rows = [exhibit.heads, tuple(rules), *exhibit.rows]
    cells = (tuple(row) if at == 1 else tuple(map(escaped, row)) for at, row in enumerate(rows))
    yield "\n" + "".join(f"| {' | '.join(row)} |\n" for row in cells)


def escaped(words: str) -> str:
    """Return words that Markdown shows as they are."""
    for sign in ("\\", "|", "*", "_", "<"):
        words = words.replace(sign, f"\\{sign}")
    return words


if __name__ == "__main__":
    sys.exit(main())
