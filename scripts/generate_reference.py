"""Writes docs/reference: public names, ops, signals, findings, remedies, the command line.

Everything on these pages is said once, in the package itself: docstrings, the class attributes of
the ops, the descriptions of the signals, the help texts of the commands. This file only lays it
out, so it knows no public name, op, signal or command. With --check it writes nothing and fails
when a page is stale. Start it with `scripts/docs`.
"""

from __future__ import annotations

import argparse
import dataclasses
import enum
import functools
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import finding_pages

TARGET = Path(__file__).resolve().parents[1] / "docs" / "reference"
NOTE = "<!-- Written by scripts/docs from the package itself; changes made here are lost. -->\n"

# What the pages are called; a room that is not listed goes by its own name.
TITLES = {
    "autodiff": "Gradients",
    "data": "Data",
    "doctor": "Diagnosis of runs",
    "errors": "Errors",
    "estimators": "Estimators",
    "explain": "Explanations",
    "initializers": "Initializers",
    "inspection": "Inspection of programs",
    "ir": "Values and graphs",
    "losses": "Losses",
    "modeling": "Models",
    "nn": "Networks",
    "ops": "Functions of values",
    "optim": "Optimizers and schedules",
    "record": "Records of runs",
    "train": "Training",
    "watching": "Loops of other frameworks",
}

# Options that every command line of this kind has.
STANDARD = {"--help", "--install-completion", "--show-completion"}


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or compare them when asked to; the exit code is 1 when they are stale."""
    parser = argparse.ArgumentParser(description="Writes docs/reference from the package itself.")
    parser.add_argument("--check", action="store_true", help="only compare; fail when stale")
    only_check = parser.parse_args(arguments).check

    pages = all_pages()
    found = {
        path.relative_to(TARGET).as_posix(): path.read_text(encoding="utf-8")
        for path in TARGET.rglob("*.md")
    }
    stale = sorted(name for name in pages | found if pages.get(name) != found.get(name))
    if only_check:
        for name in stale:
            print(f"docs/reference/{name} is stale; try: make docs", file=sys.stderr)
        return 1 if stale else 0
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in pages:
            (TARGET / name).parent.mkdir(exist_ok=True)
            (TARGET / name).write_text(pages[name], encoding="utf-8")
        else:
            (TARGET / name).unlink()
        print(f"docs/reference/{name}")
    return 0


def all_pages() -> dict[str, str]:
    """Return every page by its file name."""
    package = importlib.import_module("misstep")
    pages = family_pages(package)
    makers: dict[str, Callable[[], str]] = {
        "op-table.md": op_page,
        "names.md": choices_page,
        "remedies.md": remedy_page,
        "signals.md": signal_page,
        "command-line.md": command_page,
    }
    for name, make in makers.items():
        pages[name] = make()
    findings = finding_pages.pages(NOTE)
    pages["findings.md"] = findings.pop("findings.md")
    links = "".join(f"- [{title_of(page)}]({name})\n" for name, page in sorted(pages.items()))
    opening = first_paragraph(package)
    pages["README.md"] = f"{NOTE}\n# Reference\n\n{opening}\n\n{links}"
    return pages | findings


# Public names, a page per room


def family_pages(package: ModuleType) -> dict[str, str]:
    """Return a page per room of the package, with all its public names."""
    pages = {}
    for room, module in rooms(package).items():
        described = {
            path: thing for path, (home, thing) in public_names(package).items() if home == room
        }
        parts = [entry(path, described[path]) for path in sorted(described, key=last_part)]
        title = TITLES.get(room, room.replace("_", " ").capitalize())
        opening = f"{first_paragraph(module)}\n\n"
        pages[f"{room}.md"] = f"{NOTE}\n# {title}\n\n{opening}" + "\n".join(parts)
    return pages


def rooms(package: ModuleType) -> dict[str, ModuleType]:
    """Return the rooms that can be reached from the top, and those that names there come from."""
    top = [getattr(package, name) for name in package.__all__]
    found = {room.__name__.rsplit(".", 1)[1]: room for room in top if isinstance(room, ModuleType)}
    for thing in top:
        name = getattr(thing, "__module__", thing.__name__).split(".")[1]
        found.setdefault(name, importlib.import_module(f"misstep.{name}"))
    return found


@functools.cache
def public_names(package: ModuleType) -> dict[str, tuple[str, Any]]:
    """Return every public class and function, and the room it stands in, by its shortest path."""
    top = {id(getattr(package, name)): name for name in package.__all__}
    names: dict[str, tuple[str, Any]] = {}
    for room, module in rooms(package).items():
        for name in module.__all__:
            thing = getattr(module, name)
            ours = getattr(thing, "__module__", "").startswith("misstep.")
            if ours and (inspect.isclass(thing) or inspect.isfunction(thing)):
                shortest = top.get(id(thing), f"{room}.{name}")
                names.setdefault(f"misstep.{shortest}", (room, thing))
    return names


def last_part(path: str) -> str:
    """Return the last part of a path, to sort by."""
    return path.rsplit(".", 1)[1].casefold()


def entry(name: str, thing: object, level: int = 2) -> str:
    """Return the part of a page that tells one name: signature, docstring, public methods."""
    mark = "#" * level
    text = f"{mark} `{name}`\n\n"
    if isinstance(thing, enum.EnumType):
        members: Iterable[Any] = thing
        text += f"One of {', '.join(f'`{member.name}`' for member in members)}.\n\n"
    elif callable(thing):
        text += f"```text\n{name.rsplit('.', 1)[-1]}{signature(thing)}\n```\n\n"
    text += f"{docstring(thing)}\n"
    if inspect.isclass(thing):
        methods = [method(*named) for named in own_methods(thing)]
        text += "".join(["\n", *methods]) if methods else ""
        if parent := described_parent(thing):
            link = f"{parent[0]}.md#{parent[1].lower().replace('.', '')}"
            text += f"\nAlso has what [`{parent[1]}`]({link}) has.\n"
    return text


def described_parent(cls: type) -> tuple[str, str, type] | None:
    """Return page, path and class of the nearest public parent of `cls` that has any methods."""
    package = importlib.import_module("misstep")
    public = {thing: (room, path) for path, (room, thing) in public_names(package).items()}
    for parent in cls.__mro__[1:]:
        if parent in public and own_methods(parent):
            return *public[parent], parent
    return None


def own_methods(cls: type) -> list[tuple[str, object]]:
    """Return the methods and properties that `cls` or our parents of it describe.

    Those that a public parent has are left to that parent's own entry.
    """
    members: dict[str, object] = {}
    for parent in cls.__mro__:
        if parent.__module__.split(".")[0] != "misstep":
            continue
        for name, member in vars(parent).items():
            plain = inspect.isfunction(member) or isinstance(
                member, property | classmethod | staticmethod
            )
            if plain and not name.startswith("_") and inspect.getdoc(member):
                members.setdefault(name, member)
    if elsewhere := described_parent(cls):
        told = vars_of(elsewhere[2])
        members = {name: member for name, member in members.items() if name not in told}
    return sorted(members.items())


def vars_of(cls: type) -> set[str]:
    """Return the names that `cls` and its parents define."""
    return {name for parent in cls.__mro__ for name in vars(parent)}


def method(name: str, member: Any) -> str:
    """Return one line of a class's list of methods."""
    if not isinstance(member, property):
        function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        call = re.sub(r"\((self|cls)(, )?", "(", signature(function), count=1)
        name += " ".join(call.split())
    return f"- `{name}`: {first_sentence(member)}\n"


class _Bare(str):
    """An annotation that was written as a string and is shown without its quotes."""

    def __repr__(self) -> str:
        return str(self)


def signature(thing: Any) -> str:
    """Return the signature in one spelling for every run: no addresses, no quoted annotations."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return "(…)"
    shown = [
        parameter.replace(annotation=bare(parameter.annotation))
        for parameter in found.parameters.values()
    ]
    found = found.replace(parameters=shown, return_annotation=bare(found.return_annotation))
    return re.sub(r" at 0x[0-9a-f]+", "", str(found))


def bare(annotation: Any) -> Any:
    """Return an annotation that prints without quotes."""
    return _Bare(annotation) if isinstance(annotation, str) else annotation


def docstring(thing: object) -> str:
    """Return the docstring of `thing`, examples fenced; a missing one stays visible."""
    text = inspect.getdoc(thing) or "Not described yet."
    return fence_examples(text)


def fence_examples(text: str) -> str:
    """Put code fences around the examples (`>>>` up to the next empty line) of a docstring."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        starts = line.lstrip().startswith(">>> ")
        if starts and not inside:
            lines.append("```pycon")
            inside = True
        elif inside and not line.strip():
            lines.append("```")
            inside = False
        lines.append(line)
    return "\n".join([*lines, "```"] if inside else lines)


def first_paragraph(thing: object) -> str:
    """Return a docstring up to its first empty line, on one line."""
    return " ".join(docstring(thing).split("\n\n")[0].split())


def first_sentence(thing: object) -> str:
    """Return the first sentence of a docstring."""
    return re.split(r"(?<=[.!?]) (?=[A-Z])", first_paragraph(thing))[0]


# Ops, signals, commands


def op_page() -> str:
    """Return the table of all ops, as a book of derivatives has it."""
    importlib.import_module("misstep.ops")  # loading the vocabulary registers it
    ops: Mapping[str, Any] = importlib.import_module("misstep.ir").registered_ops()
    # Ops that a test or a user registered are not part of the package.
    ours = {name: op for name, op in ops.items() if op.__module__.startswith("misstep.")}
    families: dict[str, list[list[str]]] = {}
    for name, op in ours.items():
        derivatives = "<br>".join(code(lettered(one)) for one in op.local_derivatives)
        row = [code(name), code(lettered(op.formula)), lettered(op.words), derivatives]
        families.setdefault(op.__module__.rsplit(".", 1)[-1], []).append(row)
    text = f"{NOTE}\n# Table of ops\n\n"
    text += "The inputs are a, b, c …, the result is y. "
    text += "A local derivative says how y answers to an input.\n"
    for family in sorted(families):
        text += f"\n## {family.capitalize()}\n\n"
        text += table(
            ["op", "formula", "words", "local derivative by each input"], families[family]
        )
    return text


def lettered(template: str) -> str:
    """Return an op's template with letters for its inputs and its result."""
    return re.sub(r"\{(\d+)\}", lambda found: chr(ord("a") + int(found[1])), template).replace(
        "{out}", "y"
    )


def choices_page(ours: bool = True) -> str:
    """Return what is chosen by name, and what is there without being chosen.

    `ours`: without what a test or a user registered, which is not part of the package.
    """
    modeling: Any = importlib.import_module("misstep.modeling")
    losses: Any = importlib.import_module("misstep.nn.losses")
    optim: Any = importlib.import_module("misstep.optim")
    families: dict[str, Iterable[type]] = {
        "Optimizers (`--optimizer`)": optim.registered_optimizers().values(),
        "Losses (`--loss`)": losses.registered_losses().values(),
        "Metrics": [type(metric) for metric in modeling.Metric.registry.values()],
        "Kinds of data": modeling.Modality.registry,
    }
    text = f"{NOTE}\n# Names\n\nWhat can be chosen by name, what scores are called, and what data "
    text += "can be learned from. Each is a class, known by being written.\n"
    for title, classes in families.items():
        rows = [
            [code(cls.name), code(cls.__name__), first_sentence(cls)]  # type: ignore[attr-defined]
            for cls in classes
            if not ours or cls.__module__.startswith("misstep.")
        ]
        text += f"\n## {title}\n\n" + table(["name", "class", "what it is"], rows)
    return text


def remedy_page() -> str:
    """Return the table of the remedies that repair tries, in the order of their ranks."""
    from misstep.trials import registered_remedies

    rows = []
    for remedy in registered_remedies():
        answers = ", ".join(f"[`{slug}`](findings/{slug}.md)" for slug in remedy.answers)
        named = "; ".join(filter(None, (answers, "whatever was found" * remedy.is_general)))
        words = " ".join((type(remedy).__doc__ or "").split())
        rows.append([f"`{remedy.name}`", remedy.title, words, named])
    return (
        f"{NOTE}\n# Remedies\n\nWhat [`misstep repair`](command-line.md#misstep-repair) tries, by "
        "the name that it has in records, and which [findings](findings.md) name it. That one is "
        "named is never enough to adopt it: it must help, beside an unchanged control.\n\n"
        + table(["remedy", "what it is", "what it tries", "answers"], rows)
    )


def signal_page() -> str:
    """Return the table of what a run writes down."""
    record: Any = importlib.import_module("misstep.record")
    signals = record.SIGNALS
    values: Iterable[Any] = signals.values() if isinstance(signals, Mapping) else signals
    text = f"{NOTE}\n# Signals of a run\n\n{first_paragraph(record)}\n\n"
    rows = []
    heads: list[str] = []
    for signal in values:
        fields = dataclasses.fields(signal)
        heads = [field.name.replace("_", " ") for field in fields]
        rows.append([str(getattr(signal, field.name)) for field in fields])
        rows[-1][0] = f"`{rows[-1][0]}`"
    return text + table(heads, rows)


def command_page() -> str:
    """Return the commands with their arguments and options, from the help texts."""
    root: Any = importlib.import_module("misstep.cli").command_line()
    return f"{NOTE}\n# Command line\n\n" + command(root, "misstep", 2)


def command(node: Any, name: str, level: int) -> str:
    """Return the part of the page that tells one command and all below it."""
    text = f"{'#' * level} `{name}`\n\n{inspect.cleandoc(node.help or '')}\n"
    shown = [param for param in node.params if not getattr(param, "hidden", False)]
    rows = [
        [code(spelling(param)), " ".join((getattr(param, "help", None) or "").split())]
        for param in shown
        if not STANDARD & set(param.opts)
    ]
    if rows:
        text += "\n" + table(["argument or option", "meaning"], rows)
    for child, below in getattr(node, "commands", {}).items():
        if not getattr(below, "hidden", False):
            text += "\n" + command(below, f"{name} {child}", level + 1)
    return text


def spelling(param: Any) -> str:
    """Return how a parameter is written on the command line."""
    if param.param_type_name == "argument":
        word = param.metavar or param.name.upper()
        return word if param.required else f"[{word}]"
    names = " / ".join([*param.opts, *param.secondary_opts])
    return names if param.is_flag else f"{names} {(param.metavar or param.name).upper()}"


# Markdown


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table; bars inside cells are escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    cells = [[" ".join(cell.split()).replace("|", "\\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def code(text: str) -> str:
    """Return `text` as Markdown code, or nothing for nothing."""
    return f"`{text}`" if text else ""


def title_of(page: str) -> str:
    """Return the title of a page."""
    found = re.search(r"^# (.*)$", page, re.MULTILINE)
    assert found, "every page has a title"
    return found[1]


if __name__ == "__main__":
    sys.exit(main())
