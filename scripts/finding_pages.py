"""The pages of findings: one for each rule of the doctor, and the list of them all.

What is said stands in the rule itself: its words, the constants of its file with the reason beside
each, its examples. What printing a diagnosis of an example gives is kept in `docs/findings.json`,
which `scripts/docs --findings` writes by running the examples; where an example has changed since,
its program is shown without.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import json
import sys
import tokenize
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SAID = ROOT / "docs" / "findings.json"
FOLDER = "findings"


@dataclass(frozen=True)
class Constant:
    """A number that a rule judges by: its name, how it is written, and the reason beside it."""

    name: str
    value: str
    reason: str


def constants(source: str) -> list[Constant]:
    """Return the constants at the top of a rule's file that are numbers, with their comments."""
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found: list[Constant] = []
    reason, behind = "", -1
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            behind = -1
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [name for target in targets for name in _names(target)]
        above = list(_above(comments, node.lineno))
        # Constants that follow each other without a line between share what stands above them.
        shared = reason if node.lineno == behind + 1 else ""
        reason = " ".join(above) or shared
        behind = node.end_lineno or node.lineno
        own = comments.get(behind, "")
        if names and all(name.isupper() for name in names) and _is_number(node.value):
            value = ast.get_source_segment(source, node.value) or ""
            found.append(Constant(", ".join(names), " ".join(value.split()), own or reason))
    return found


def judged_by(source: str) -> list[Constant]:
    """Return the constants of a rule's file, and those that it takes from files beside it."""
    found = constants(source)
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("misstep.doctor."):
            taken = {alias.name for alias in node.names if alias.name.isupper()}
            if taken:
                module = importlib.import_module(str(node.module))
                theirs = constants(inspect.getsource(module))
                found += [one for one in theirs if set(one.name.split(", ")) & taken]
    return found


def _names(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id


def _above(comments: Mapping[int, str], line: int) -> Iterator[str]:
    """Yield the lines of the comment right above a line, from its first."""
    first = line
    while first - 1 in comments:
        first -= 1
    yield from (comments[at] for at in range(first, line))


def _is_number(node: ast.expr) -> bool:
    """Return whether an expression is made of numbers alone."""
    allowed = (
        *(ast.Constant, ast.UnaryOp, ast.BinOp, ast.Tuple, ast.unaryop, ast.operator),
        ast.expr_context,
    )
    return all(isinstance(each, allowed) for each in ast.walk(node)) and all(
        isinstance(each.value, int | float) and not isinstance(each.value, bool)
        for each in ast.walk(node)
        if isinstance(each, ast.Constant)
    )


def pages(note: str) -> dict[str, str]:
    """Return the page of each rule, and the list of them, by file name."""
    from misstep.doctor import registered_rules

    rules = registered_rules()
    said = json.loads(SAID.read_text(encoding="utf-8")) if SAID.exists() else {}
    made = {f"{FOLDER}/{slug}.md": page(rule, said, rules, note) for slug, rule in rules.items()}
    text = f"{note}\n# Findings\n\nWhat `misstep diagnose` looks for, by the name that it has in "
    text += "output, and beneath which other finding it stands where that was found too.\n"
    text += "\n| finding | what it is | may follow from |\n|---|---|---|\n"
    for slug, rule in rules.items():
        causes = ", ".join(f"`{one}`" for one, other in rules.items() if slug in other.leads_to)
        text += f"| [`{slug}`]({FOLDER}/{slug}.md) | {rule.title} | {causes} |\n"
    return made | {"findings.md": text}


def page(rule: Any, said: Mapping[str, Any], rules: Mapping[str, Any], note: str) -> str:
    """Return the page of one rule."""
    text = f"{note}\n# {rule.title}\n\n`{rule.slug}`\n\n{rule.explanation}\n"
    if rule.judges_end:
        text += "\nIt is looked for once training is over.\n"
    if rule.needs:
        needed = ", ".join(f"`{name}`" for name in rule.needs)
        text += f"\nIt needs of [the record](../signals.md): {needed}.\n"
    for words, slugs in (
        ("What may follow from it", sorted(rule.leads_to)),
        ("What it may follow from", [one for one in rules if rule.slug in rules[one].leads_to]),
    ):
        if slugs:
            links = [f"[`{one}`]({one}.md)" if one in rules else f"`{one}`" for one in slugs]
            text += f"\n{words}: {', '.join(links)}.\n"
    rows = judged_by(inspect.getsource(sys.modules[type(rule).__module__]))
    if rows:
        text += "\n## The numbers it judges by\n\n| constant | value | why |\n|---|---|---|\n"
        for reason, alike in itertools.groupby(rows, lambda row: row.reason):
            several = list(alike)
            names = ", ".join(row.name for row in several)
            values = ", ".join(row.value for row in several)
            text += f"| `{names}` | `{values}` | {reason.replace('|', chr(92) + '|')} |\n"
    text += "\n## A small run that has it\n"
    example = rule.sick[0]
    shown = f"{example.program.strip()}\nprint(run.diagnose())"
    text += f"\n{_sentence(example.name)}\n\n```python\n{shown}\n```\n"
    held = said.get(rule.slug, {})
    if held.get("program") == example.program:
        text += f"\nprints\n\n```text\n{held['said']}\n```\n"
    if rule.healthy:
        example = rule.healthy[0]
        text += f"\n## One that has not\n\n{_sentence(example.name)}\n"
        text += f"\n```python\n{example.program.strip()}\n```\n"
    return text


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def printed(program: str) -> str:
    """Return what printing the diagnosis of the run of a program gives."""
    import numpy as np

    import misstep as ms

    names: dict[str, Any] = {"ms": ms, "np": np}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(program, names)
    return str(names["run"].diagnose())


def write_said() -> None:
    """Run the first sick example of each rule, and keep what its diagnosis says."""
    from misstep.doctor import registered_rules

    said = {}
    for slug, rule in registered_rules().items():
        program = rule.sick[0].program
        said[slug] = {"program": program, "said": printed(program)}
        print(slug)
    SAID.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_said()
