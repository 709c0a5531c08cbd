"""The house holds: each module imports only from floors below its own.

The floors and the other rules of the house stand here and nowhere else in code; in words they are
in docs/architecture.md. The checker reads source and never imports the package. The second half of
this file shows, on small made-up trees, that the checker can fail.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "misstep"

FLOORS = {
    0: ["text"],
    1: ["errors"],
    2: ["ir", "extras", "offers", "storage", "drawing", "exchange"],
    3: ["ops"],
    4: ["autodiff", "onnx_operators"],
    5: ["compiler"],
    6: ["nn", "optim", "data", "record"],
    7: ["doctor", "inspection"],
    8: ["train", "watching"],
    9: ["trials", "loggers"],
    10: ["modeling", "explain"],
    11: ["report", "plots", "tuning", "interchange"],
    12: ["labs", "playground"],
    13: ["estimators", "web"],
    14: ["cli"],
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}

# The roof: the public names and `python -m misstep`. May import everything, nobody imports it.
ROOF = {"__init__", "__main__"}
# What the roof makes itself; it is there before any other module of the package is loaded.
FROM_THE_ROOF = {"__version__"}

SHELLS = {"cli", "web"}
MAY_PRINT = {"train/progress.py"}
# Reading any of these runs code that the file's author chose.
UNSAFE_MODULES = {"pickle", "joblib", "dill", "cloudpickle", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec"}
# A file is named by what it knows; the second line would hide modules of Python itself.
BAD_NAMES = {"utils", "util", "helpers", "common", "misc"} | {
    *("compile", "types", "random", "trace", "ast")
}
# From here on a file is named when the tests are over: it may have a second reason to change.
LONG = 400

# Rooms whose folders are stages: a module imports only from stages before its own, and its own.
STAGES = {"compiler": ["language", "passes", "schedule", "codegen", "runtime"]}


def complaints(package: Path) -> list[str]:
    """Return everything in the tree under `package` that breaks a rule of the house."""
    return [
        f"{path.relative_to(package)}{line and f':{line}'}: {what}"
        for path in sorted(package.rglob("*.py"))
        for line, what in sorted(set(complaints_of(path, package)))
    ]


def complaints_of(path: Path, package: Path) -> Iterator[tuple[int, str]]:
    """Yield line and words for each rule that one file breaks; line 0 is the file itself."""
    inside = path.relative_to(package)
    room = inside.parts[0].removesuffix(".py")
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source, str(path))

    if room not in FLOOR_OF and room not in ROOF:
        yield 0, f"{room} has no floor; give it one in tests/test_floors.py"
    if set(inside.with_suffix("").parts) & BAD_NAMES:
        yield 0, "a module is named by what it knows, and unlike Python's own"

    if room in FLOOR_OF:
        for line, module, name in imports(tree, inside, package.name):
            yield from judge_import(room, line, module, name, package.name)
    if room in STAGES and len(inside.parts) > 2:
        for line, module, name in imports(tree, inside, package.name):
            yield from judge_stage(room, inside.parts[1], line, module, name, package.name)
    may_print = room in SHELLS or inside.as_posix() in MAY_PRINT
    yield from unsafe_parts(tree, inside, may_print)


def judge_import(
    room: str, line: int, module: str, name: str | None, root: str
) -> Iterator[tuple[int, str]]:
    """Yield a complaint when a module of `room` imports what its floor may not see."""
    parts = module.split(".")
    if parts[0] != root:
        return
    if len(parts) == 1:
        if name in FROM_THE_ROOF:
            return
        if name not in FLOOR_OF:
            yield line, f"imports the roof ({root}); import the room that holds the name"
            return
        parts.append(name)
    other = parts[1]
    if other == room:
        return
    if other not in FLOOR_OF:
        yield line, f"imports {other}, which has no floor"
    elif FLOOR_OF[other] >= FLOOR_OF[room]:
        way = "sideways" if FLOOR_OF[other] == FLOOR_OF[room] else "upward"
        floors = f"floor {FLOOR_OF[room]} from floor {FLOOR_OF[other]}"
        yield line, f"imports {way}: {room} from {other} ({floors})"


def judge_stage(
    room: str, stage: str, line: int, module: str, name: str | None, root: str
) -> Iterator[tuple[int, str]]:
    """Yield a complaint when a module in a stage of `room` imports what comes only later."""
    order = STAGES[room]
    if stage not in order:
        yield 0, f"{stage} is no stage of {room}; give it a place in tests/test_floors.py"
        return
    parts = [*module.split("."), *([name] if name else [])]
    if parts[:2] != [root, room]:
        return
    other = parts[2] if len(parts) > 2 else ""
    if other not in order:
        yield line, f"imports the front of {room}; import the stage that holds the name"
    elif order.index(other) > order.index(stage):
        yield line, f"imports a later stage of {room}: {stage} from {other}"


def long_files(package: Path) -> list[str]:
    """Return the files of LONG lines and more, with how many they have."""
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in package.rglob("*.py")}
    return [
        f"{path.relative_to(package)} ({length})"
        for path, length in sorted(lengths.items(), key=lambda one: -one[1])
        if length >= LONG
    ]


def imports(tree: ast.AST, inside: Path, root: str) -> Iterator[tuple[int, str, str | None]]:
    """Yield line, module and name of every import anywhere in a file, relative ones resolved."""
    home = [root, *inside.parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, None
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                base = home[: len(home) - node.level + 1]
                module = ".".join([*base, module] if module else base)
            for alias in node.names:
                yield node.lineno, module, alias.name
        elif isinstance(node, ast.Call) and called(node) in {"import_module", "__import__"}:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                relative = first.value.startswith(".")
                yield node.lineno, ".".join(home) * relative + first.value, None


def called(node: ast.Call) -> str:
    """Return the last name of what is called: `b` for `a.b()`."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def unsafe_parts(tree: ast.AST, inside: Path, may_print: bool) -> Iterator[tuple[int, str]]:
    """Yield what prints outside the shells, and what could run code from data."""
    for line, module, name in imports(tree, inside, "misstep"):
        for unsafe in {module.split(".")[0], name or ""} & UNSAFE_MODULES:
            yield line, f"imports {unsafe}, which runs code that a file brings along"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "print" and not may_print:
            yield node.lineno, "prints; only the shells (cli, web) and the progress bar do"
        elif isinstance(node, ast.Name) and node.id in UNSAFE_CALLS:
            yield node.lineno, f"uses {node.id}, which runs text as code"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "builtins" and node.attr in UNSAFE_CALLS | {"print"}:
                yield node.lineno, f"uses builtins.{node.attr}"
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            said = node.value.value if isinstance(node.value, ast.Constant) else None
            if said is not False:
                yield node.value.lineno, "lets NumPy read pickles, which run code"


# The package


def test_the_package_keeps_the_rules_of_the_house() -> None:
    assert complaints(PACKAGE) == []


def test_long_files_are_named(record_property: Callable[[str, object], None]) -> None:
    long = long_files(PACKAGE)
    if long:
        record_property(
            "notice", f"of {LONG} lines or more, each for one reason? {', '.join(long)}"
        )


def test_every_folder_has_a_floor() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders <= set(FLOOR_OF)


def test_every_floor_is_on_the_map() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in page.splitlines() if re.match(r"\| \d+ \|", line)]
    told = {cells[2].strip(" `/").removesuffix(".py"): cells[1].strip() for cells in rows}
    assert told == {room: str(floor) for room, floor in FLOOR_OF.items()}


# The checker itself

ALLOWED = [
    ("nn/layers.py", "from misstep.ops import add"),
    ("nn/layers.py", "import misstep.ir.graph"),
    ("nn/layers.py", "from misstep.nn.module import Module"),
    ("nn/layers.py", "from .module import Module\nfrom ..ir import Value\nfrom .. import errors"),
    ("nn/layers.py", "from misstep import errors, __version__"),
    ("nn/layers.py", "import numpy, sklearn.linear_model"),
    ("nn/layers.py", "x = [model.eval(), 'print(1) and eval(2)']"),
    ("nn/layers.py", "import importlib\nimportlib.import_module('misstep.ops')"),
    ("errors.py", "import dataclasses"),
    ("estimators.py", "from misstep.train import Trainer"),
    ("cli/train.py", "print('done')"),
    ("train/progress.py", "print('|||')"),
    ("__init__.py", "from misstep.cli import app\nfrom misstep.ir import Value"),
    ("__main__.py", "from misstep.cli import main"),
    ("storage/arrays.py", "np.load(path, allow_pickle=False)"),
    ("compiler/runtime/run.py", "from misstep.compiler.codegen.lower import lower"),
    ("compiler/passes/deep/sums.py", "from misstep.compiler.passes.rules import Rules"),
    ("compiler/__init__.py", "from misstep.compiler.runtime.program import Program"),
]

FORBIDDEN = [
    ("ir/graph.py", "from misstep.ops import add", "upward"),
    ("ir/graph.py", "import misstep.ops.elementwise as e", "upward"),
    ("ir/graph.py", "from misstep.storage import write", "sideways"),
    ("nn/layers.py", "from misstep.optim import SGD", "sideways"),
    ("nn/layers.py", "from misstep import optim", "sideways"),
    ("nn/layers.py", "from ..train import loop", "upward"),
    ("nn/deep/layers.py", "from ...train import loop", "upward"),
    ("nn/layers.py", "from .. import train", "upward"),
    ("nn/layers.py", "def f():\n    from misstep.train import loop", "upward"),
    ("nn/layers.py", "if TYPE_CHECKING:\n    from misstep.train import loop", "upward"),
    ("nn/layers.py", "import importlib\nimportlib.import_module('misstep.train')", "upward"),
    ("nn/layers.py", "__import__('misstep.train')", "upward"),
    ("nn/layers.py", "import misstep", "roof"),
    ("nn/layers.py", "import misstep as ms", "roof"),
    ("nn/layers.py", "from misstep import Dense", "roof"),
    ("nn/layers.py", "from misstep.attic import box", "no floor"),
    ("errors.py", "from misstep.ir import Value", "upward"),
    ("estimators.py", "from misstep.web import serving", "sideways"),
    ("estimators.py", "from misstep.cli import app", "upward"),
    ("attic/box.py", "", "no floor"),
    ("attic.py", "", "no floor"),
    ("ops/utils.py", "", "named"),
    ("ops/helpers/sums.py", "", "named"),
    ("ops/random.py", "", "named"),
    ("ops/sums.py", "print('hello')", "prints"),
    ("ops/sums.py", "show(log=print)", "prints"),
    ("train/loop.py", "print('hello')", "prints"),
    ("ops/sums.py", "import pickle", "pickle"),
    ("ops/sums.py", "from joblib import load", "joblib"),
    ("ops/sums.py", "from sklearn.externals import joblib", "joblib"),
    ("ops/sums.py", "import importlib\nimportlib.import_module('pickle')", "pickle"),
    ("cli/train.py", "eval('1')", "eval"),
    ("__init__.py", "exec('1')", "exec"),
    ("ops/sums.py", "import builtins\nbuiltins.exec('1')", "exec"),
    ("storage/arrays.py", "np.load(path, allow_pickle=True)", "pickles"),
    ("storage/arrays.py", "np.load(path, allow_pickle=trusted)", "pickles"),
    ("compiler/codegen/lower.py", "from misstep.compiler.runtime import program", "later stage"),
    ("compiler/codegen/lower.py", "import misstep.compiler.runtime.program", "later stage"),
    ("compiler/codegen/lower.py", "from ..runtime.program import Program", "later stage"),
    ("compiler/codegen/deep/tile.py", "from misstep.compiler import runtime", "later stage"),
    ("compiler/codegen/lower.py", "from misstep.compiler import NativeProgram", "front"),
    ("compiler/attic/box.py", "from misstep.errors import DataError", "no stage"),
]


def tree_with(folder: Path, file: str, source: str) -> Path:
    path = folder / "misstep" / file
    path.parent.mkdir(parents=True)
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return folder / "misstep"


@pytest.mark.parametrize(("file", "source"), ALLOWED)
def test_the_checker_lets_pass(tmp_path: Path, file: str, source: str) -> None:
    assert complaints(tree_with(tmp_path, file, source)) == []


def test_the_checker_names_long_files(tmp_path: Path) -> None:
    assert long_files(tree_with(tmp_path, "ops/sums.py", "x = 1\n" * 400)) == ["ops/sums.py (400)"]
    assert long_files(tree_with(tmp_path / "b", "ops/sums.py", "x = 1\n" * 399)) == []


@pytest.mark.parametrize(("file", "source", "word"), FORBIDDEN)
def test_the_checker_complains(tmp_path: Path, file: str, source: str, word: str) -> None:
    found = complaints(tree_with(tmp_path, file, source))
    assert len(found) == 1
    assert file in found[0]
    assert word in found[0]
