"""The documentation is true: its Python runs, its command lines exist, its reference is fresh.

A page's ```python blocks run one after another in one namespace, in an empty folder, in a Python of
their own (so a page that defines an op does not leave it behind for other tests). ```pycon blocks
are compared with what they print. In ```console and ```bash blocks each `misstep …` line is held
against the real commands and options, each `make …` and `scripts/…` against what is there.
"""

from __future__ import annotations

import doctest
import enum
import importlib
import inspect
import operator
import os
import re
import shlex
import subprocess
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

import misstep

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for where in ("*.md", "docs/*.md", "docs/guide/*.md", "docs/labs/*.md")
    for path in ROOT.glob(where)
)
FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>[a-z]*)(?P<rest>.*)$")
LOOSE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `line` is that of its first line of text, from 1."""

    kind: str
    line: int
    text: str


def blocks(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page, without the indentation of a list they stand in."""
    opened: re.Match[str] | None = None
    start = 0
    lines: list[str] = []
    for number, line in enumerate(page.splitlines(), 1):
        fence = FENCE.match(line)
        if opened is None and fence:
            opened, start, lines = fence, number + 1, []
        elif opened is not None and fence and not fence["kind"]:
            yield Block(opened["kind"], start, "\n".join(lines) + "\n")
            opened = None
        elif opened is not None:
            lines.append(line.removeprefix(opened["indent"]))
    assert opened is None, f"the block that opens above line {start} does not close"


def run_page(path: Path) -> int:
    """Run the Python of one page in this process; return how many examples were wrong."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    runner = doctest.DocTestRunner(optionflags=LOOSE)
    for block in blocks(path.read_text(encoding="utf-8")):
        if block.kind == "python":
            # Empty lines before it, so that a traceback names the page's own line.
            source = "\n" * (block.line - 1) + block.text
            exec(compile(source, str(path), "exec"), namespace)
        elif block.kind == "pycon":
            parsed = doctest.DocTestParser().get_doctest(
                block.text, namespace, path.name, str(path), block.line - 1
            )
            runner.run(parsed, clear_globs=False)
            namespace.update(parsed.globs)
    return runner.failures


def with_python(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return any(block.kind in {"python", "pycon"} for block in blocks(text))


@pytest.mark.parametrize(
    "path", [path for path in PAGES if with_python(path)], ids=lambda path: path.name
)
def test_the_python_of_a_page_runs(path: Path, tmp_path: Path) -> None:
    done = run_alone(path, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def run_alone(path: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", __file__, str(path)],
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"MPLBACKEND": "agg"},
        check=False,
    )


@pytest.mark.parametrize(
    ("page", "passes"),
    [
        ("```python\nx = 1\n```\ntext\n```python\nassert x == 1\n```\n", True),
        ("- a list\n\n  ```python\n  assert True\n  ```\n", True),
        ("```pycon\n>>> x = 1\n>>> x + 1\n2\n```\n```python\nassert x == 1\n```\n", True),
        ("```text\nthis is not Python\n```\n", True),
        ("```python\nassert False\n```\n", False),
        ("```pycon\n>>> 1 + 1\n3\n```\n", False),
        ("```python\nimport warnings\nwarnings.warn('old')\n```\n", False),
    ],
)
def test_running_a_page_can_fail(page: str, passes: bool, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(page, encoding="utf-8")
    assert (run_alone(path, tmp_path).returncode == 0) is passes


# Docstrings


def modules_with_examples() -> list[str]:
    found = []
    for path in sorted((ROOT / "misstep").rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_docstrings_print_what_they_say(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name), optionflags=LOOSE).failed == 0


def public_things() -> list[str]:
    """Return the paths of public names that need an example.

    Of the top all but rooms and the special errors; every function of values; every layer, loss,
    initializer, optimizer, schedule, clipping and regularizer.
    """
    tops = [
        name
        for name, thing in ((name, getattr(misstep, name)) for name in misstep.__all__)
        if not isinstance(thing, types.ModuleType) and not is_special_error(thing)
    ]
    kept = {
        "ops": set(misstep.ops.__all__),
        "nn": set(misstep.nn.registered_layers()),
        "losses": set(misstep.losses.registered_losses()),
        "initializers": set(misstep.initializers.registered_initializers()),
        "optim": {
            *(*misstep.optim.registered_optimizers(), *misstep.optim.registered_schedules()),
            *(one.__name__ for one in misstep.optim.Clipping.__subclasses__()),
            *(one.__name__ for one in misstep.optim.Regularizer.__subclasses__()),
        },
    }
    own = {room: names & set(getattr(misstep, room).__all__) for room, names in kept.items()}
    return tops + [f"{room}.{name}" for room, names in own.items() for name in sorted(names)]


def is_special_error(thing: object) -> bool:
    return (
        isinstance(thing, type)
        and issubclass(thing, misstep.MisstepError)
        and thing is not (misstep.MisstepError)
    )


@pytest.mark.parametrize("path", public_things())
def test_a_public_name_has_an_example_that_is_true(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Found by name: functions made by other functions are not found in their module.
    monkeypatch.chdir(tmp_path)
    text = inspect.getdoc(operator.attrgetter(path)(misstep)) or ""
    example = doctest.DocTestParser().get_doctest(text, {}, f"misstep.{path}", None, 0)
    assert example.examples, f"{path} has no example"
    runner = doctest.DocTestRunner(optionflags=LOOSE)
    assert runner.run(example).failed == 0


# Command lines


def command_lines(page: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line and words of each command in the console blocks of a page."""
    for block in blocks(page):
        if block.kind not in {"console", "bash", "sh", "shell"}:
            continue
        prompts = block.kind == "console"  # there, a line without a prompt is output
        text = re.sub(r"\\\n", "  ", block.text)
        for offset, line in enumerate(text.splitlines()):
            if prompts and not line.startswith("$ "):
                continue
            lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|;&<>")
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, ";"]:
                if not set(word) <= set("|;&<>"):
                    words.append(word)
                    continue
                if words:
                    yield block.line + offset, words
                # What follows > or < is a file.
                words = ["cat"] if set(word) & set("<>") else []


def complaint(words: list[str], root: Any) -> str | None:
    """Return what is wrong with one documented command, or None."""
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    if words[:3] == ["python", "-m", "misstep"]:
        words = words[2:]
    if not words:
        return None
    program = words[0].removeprefix("./")
    if program == "misstep":
        return misstep_complaint(words[1:], root)
    if program == "make":
        source = (ROOT / "Makefile").read_text(encoding="utf-8")
        missing = [word for word in words[1:] if f"\n{word}:" not in source]
        return f"make has no target {missing[0]}" if missing else None
    if program.startswith("scripts/") and not (ROOT / program).is_file():
        return f"there is no {program}"
    return None


def misstep_complaint(words: list[str], command: Any) -> str | None:
    """Return what the real command line would not understand in `words`, or None."""
    path = "misstep"
    words = list(words)
    while getattr(command, "commands", None) and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in command.commands:
            return f"{path} has no command {name}"
        command, path = command.commands[name], f"{path} {name}"
    options = {
        spelling: param
        for param in command.params
        if param.param_type_name == "option"
        for spelling in [*param.opts, *param.secondary_opts]
    }
    places = [param.nargs for param in command.params if param.param_type_name == "argument"]
    given = 0
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if not word.startswith("-") or word == "-":
            given += 1
        elif name in {"--help", "--install-completion", "--show-completion"}:
            continue
        elif name not in options:
            return f"{path} has no option {name}"
        elif not options[name].is_flag and not getattr(options[name], "count", False):
            if not equals and not words:
                return f"{path} {name} needs a value"
            value = value if equals else words.pop(0)
            choices = choices_of(options[name])
            if choices and value not in choices:
                return f"{path} {name} can't be {value}"
    if -1 not in places and given > sum(places):
        return f"{path} takes {sum(places)} arguments, not {given}"
    return None


def choices_of(option: Any) -> list[str]:
    """Return the values an option may have, if they are listed; both ways typer has kept them."""
    if hasattr(option, "type"):
        return [str(getattr(one, "value", one)) for one in getattr(option.type, "choices", ())]
    annotation = option.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return [str(one.value) for one in annotation]
    return list(get_args(annotation)) if get_origin(annotation) is Literal else []


def real_command() -> Any:
    """Return the command tree that `misstep` on the command line runs."""
    return importlib.import_module("misstep.cli").command_line()


def with_commands(path: Path) -> bool:
    return any(command_lines(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "path", [path for path in PAGES if with_commands(path)], ids=lambda path: path.name
)
def test_documented_command_lines_exist(path: Path) -> None:
    root = real_command()
    found = [
        f"{path.name}:{line}: {wrong}"
        for line, words in command_lines(path.read_text(encoding="utf-8"))
        if (wrong := complaint(words, root))
    ]
    assert found == []


def made_up_command() -> Any:
    import typer
    from typer.main import get_command

    app = typer.Typer()

    @app.command()
    def train(
        source: str, epochs: int = 3, json: bool = False, task: Literal["a", "b"] = "a"
    ) -> None:
        """Learn."""

    @app.command()
    def predict(model: str, sources: list[str]) -> None:
        """Answer."""

    return get_command(app)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("$ misstep train digits --epochs 3 --json", None),
        ("$ misstep train digits --epochs=3 | tail -n 1 > last.json", None),
        ("$ misstep train digits --help && make test", None),
        ("$ misstep predict model a.csv b.csv", None),
        ("$ OMP_NUM_THREADS=1 misstep --help", None),
        ("$ misstep train \\\n  digits --epochs 3", None),
        ("misstep fly  # output, not a command", None),
        ("$ misstep train digits --task b", None),
        ("$ misstep train digits --task c", "--task can't be c"),
        ("$ misstep fly", "no command fly"),
        ("$ misstep train digits --epoch 3", "no option --epoch"),
        ("$ misstep train digits twice", "takes 1"),
        ("$ misstep train digits --epochs", "needs a value"),
        ("$ cd here && misstep fly", "no command fly"),
        ("$ make tea", "no target tea"),
        ("$ scripts/fly", "no scripts/fly"),
    ],
)
def test_checking_a_command_line_can_fail(line: str, word: str | None) -> None:
    root = made_up_command()
    commands = list(command_lines(f"```console\n{line}\n```\n"))
    found = [wrong for _, words in commands if (wrong := complaint(words, root))]
    assert (word in found[0]) if word else (found == [])


# Reference


def test_the_reference_is_fresh() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "generate_reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_links_between_pages_lead_somewhere() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in [*PAGES, *ROOT.glob("docs/*/**/*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert found == []


def test_the_picture_of_a_neuron_shows_what_explain_says() -> None:
    x, w, b = (misstep.parameter(number) for number in (0.5, 0.4, 0.1))
    L = 0.5 * (1 - misstep.sigmoid(w * x + b)) ** 2
    said = misstep.explain(L, w, learning_rate=0.1).text()
    drawn = (ROOT / "docs" / "neuron.svg").read_text(encoding="utf-8")
    numbers = [
        number
        for text in re.findall(r"<text[^>]*>([^<]*)</text>", drawn)
        for number in re.findall(r"−?\d+\.\d+", text)
    ]
    assert len(numbers) > 15
    assert [number for number in numbers if number not in said] == []


if __name__ == "__main__":
    sys.exit(min(run_page(Path(sys.argv[1])), 1))
