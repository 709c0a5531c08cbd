"""What must hold for the project as a whole: quick to import, named, described, free of places.

Knows the package only by its public names. The rules inside the package are in test_floors.py.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import types
from collections import Counter
from pathlib import Path

import pytest

import misstep
from misstep import errors, nn, optim
from misstep.nn import initializers, losses

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NAMES = [name for name in misstep.__all__ if not name.startswith("__")]

# Loaded when first needed: each of them alone takes longer than a short script should.
HEAVY = ("pandas", "polars", "pydantic", "rich", "scipy", "sklearn", "typer")
# A tenth of a second still feels like at once (Nielsen, "Usability engineering", 1993).
LONGEST_IMPORT_SECONDS = 0.1


def run_python(code: str) -> str:
    """Return what a fresh Python prints for `code`; warnings are errors there too."""
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


def test_import_is_quick() -> None:
    # Time of the processor, and the best of five: a busy machine must not fail the test.
    code = "import time; start = time.process_time(); import misstep; "
    code += "print(time.process_time() - start)"
    assert min(float(run_python(code)) for _ in range(5)) < LONGEST_IMPORT_SECONDS


def test_import_loads_nothing_heavy() -> None:
    loaded = run_python("import misstep, sys; print(*sys.modules)").split()
    assert sorted(set(HEAVY) & set(loaded)) == []


def test_import_prints_nothing() -> None:
    assert run_python("import misstep") == ""


# Public names

# More than this at the top and nobody finds anything by looking; the rest stands in the rooms.
MOST_NAMES = 97


def rooms() -> dict[str, types.ModuleType]:
    """Return the rooms that are reached from the top, by name."""
    things = {name: getattr(misstep, name) for name in NAMES}
    return {name: room for name, room in things.items() if isinstance(room, types.ModuleType)}


def exported() -> list[tuple[str, str]]:
    """Return every room with each name on its list."""
    return [(name, own) for name, room in rooms().items() for own in room.__all__]


def test_the_top_shows_few_names_and_no_others() -> None:
    assert dir(misstep) == NAMES == sorted(set(NAMES))
    assert len(NAMES) <= MOST_NAMES
    assert {"data", "errors", "initializers", "losses", "nn", "ops", "optim"} <= set(rooms())


@pytest.mark.parametrize("name", NAMES)
def test_public_name_is_there_and_described(name: str) -> None:
    thing = getattr(misstep, name)
    own = thing.__doc__ if not isinstance(thing, type) else vars(thing).get("__doc__")
    assert own, f"{name} has no docstring of its own"
    assert own.strip()[0].isupper()


@pytest.mark.parametrize("room", rooms())
def test_a_rooms_list_names_what_is_there_once(room: str) -> None:
    listed = rooms()[room].__all__
    assert len(set(listed)) == len(listed)
    assert [name for name in listed if not hasattr(rooms()[room], name)] == []


@pytest.mark.parametrize("name", [name for name in NAMES if name not in rooms()])
def test_a_name_at_the_top_is_on_the_list_of_its_room(name: str) -> None:
    thing = getattr(misstep, name)
    _, *parts = thing.__module__.split(".")
    folders = [".".join(["misstep", *parts[:count]]) for count in range(1, len(parts) + 1)]
    homes = [importlib.import_module(folder) for folder in folders]
    listed = [getattr(home, own, None) for home in homes for own in getattr(home, "__all__", ())]
    assert any(one is thing for one in listed)


LISTED = {
    "layers": (nn.registered_layers(), nn),
    "losses": (losses.registered_losses(), losses),
    "initializers": (initializers.registered_initializers(), initializers),
    "optimizers": (optim.registered_optimizers(), optim),
    "schedules": (optim.registered_schedules(), optim),
    "clipping": ({one.__name__: one for one in optim.Clipping.__subclasses__()}, optim),
    "regularizers": ({one.__name__: one for one in optim.Regularizer.__subclasses__()}, optim),
    "errors": ({name: one for name, one in vars(errors).items() if isinstance(one, type)}, errors),
}


@pytest.mark.parametrize("what", LISTED)
def test_the_lists_are_complete(what: str) -> None:
    registered, room = LISTED[what]
    ours = {name for name, one in registered.items() if one.__module__.startswith("misstep.")}
    assert ours
    assert ours - set(room.__all__) == set()


def test_every_public_name_is_in_the_reference() -> None:
    text = "".join(page.read_text("utf-8") for page in sorted(REFERENCE.glob("*.md")))
    headings = Counter(re.findall(r"^#+ `misstep\.([\w.]+)`$", text, re.MULTILINE))
    at_the_top = {id(getattr(misstep, name)): name for name in NAMES}
    paths = {name for name in NAMES if name not in rooms()}
    for room, name in exported():
        thing = getattr(rooms()[room], name)
        if isinstance(thing, type | types.FunctionType) and thing.__module__.startswith("misstep."):
            paths.add(at_the_top.get(id(thing), f"{room}.{name}"))
    assert {path for path in paths if headings[path] != 1} == set(), "try: make docs"


def test_a_room_is_there_unless_a_function_is_called_so() -> None:
    # Importing misstep.explain, the room, once made misstep.explain, the function, a module.
    code = "import types, misstep.explain, misstep as ms; ms.contributions; "
    code += "print(*[n for n in ms.__all__ if isinstance(getattr(ms, n), types.ModuleType)])"
    assert run_python(code).split() == sorted(rooms())
    assert run_python("import misstep; print(misstep.ops.sum([1.0, 2.0]))").strip() == "3"
    assert run_python("import misstep; print(misstep.ir.make_parameter(2.0) * 2)").strip() == "4"


def test_messages_and_docstrings_name_what_is_there() -> None:
    files = [*(ROOT / "misstep").rglob("*.py"), ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    told = {
        (path.relative_to(ROOT), name, own)
        for path in files
        for name, own in re.findall(
            r"(?<![\w.])ms\.([a-zA-Z]\w*)(?:\.([a-zA-Z]\w*))?", path.read_text("utf-8")
        )
    }
    assert [
        f"{path}: ms.{name}.{own}"
        for path, name, own in sorted(told)
        if name not in NAMES or (own and name in rooms() and not hasattr(rooms()[name], own))
    ] == []


def test_unknown_name_is_refused() -> None:
    name = "no_such_name"
    with pytest.raises(AttributeError, match=name):
        getattr(misstep, name)


# Versions and dependencies


def test_versions_agree() -> None:
    assert misstep.__version__ == PYPROJECT["project"]["version"]
    assert misstep.__version__ == importlib.metadata.version("misstep")


def test_supported_pythons_agree() -> None:
    project = PYPROJECT["project"]
    told = [line.rsplit(" ", 1)[1] for line in project["classifiers"] if "Python :: 3." in line]
    low, high = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"]).groups()  # type: ignore[union-attr]
    assert told == [f"3.{minor}" for minor in range(int(low), int(high))]
    install = (ROOT / "scripts" / "install").read_text(encoding="utf-8")
    assert all(f"python{version}" in install for version in told)
    assert f"(3, {low}) <= sys.version_info[:2] <= (3, {int(high) - 1})" in install
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py3{low}"
    assert PYPROJECT["tool"]["mypy"]["python_version"] == f"3.{low}"


def test_every_dependency_has_its_reason() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| ([a-z0-9-]+) \|", page, re.MULTILINE)
    project = PYPROJECT["project"]
    groups = (*project["optional-dependencies"].values(), *PYPROJECT["dependency-groups"].values())
    lines = [*project["dependencies"], *(line for group in groups for line in group)]
    needed = {re.split(r"[<>=!~\[; ]", line)[0] for line in lines} - {project["name"]}
    assert sorted(set(told) - {"package"}) == sorted(needed)


# Texts


def texts() -> dict[str, str]:
    """Return every text file that is, or is about to be, under version control."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    found = {}
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        try:
            found[name] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


# In pieces, so that this file is not its own first finding.
PLACES = re.compile(r"(?<![\w.~$}])/(?:" + "|".join(["work", "root", "home", "Users"]) + r")/")
HOSTS = [
    *(r"pypi\." + "org", "python" + "hosted", "registry.npm" + "js", r"crates\." + "io"),
    *(r"debian\." + "org", "ana" + r"conda\." + "org", "/opt/" + "(?:pypi|wheels)"),
]
REGISTRIES = re.compile("|".join(HOSTS))


@pytest.mark.parametrize("pattern", [PLACES, REGISTRIES], ids=["machine paths", "registries"])
def test_no_text_names_a_place_of_one_machine(pattern: re.Pattern[str]) -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "data = '" + "/wo" + "rk/data'",
        "#!" + "/ro" + "ot/bin/python",
        "see https://py" + "pi.org/p",
        "--index " + "/opt/" + "pypi/simple",
    ],
)
def test_the_patterns_find_places(line: str) -> None:
    assert PLACES.search(line) or REGISTRIES.search(line)


def test_no_text_has_tabs_or_loose_ends() -> None:
    found = [
        name
        for name, text in texts().items()
        if name != "Makefile" and Path(name).suffix in {".py", ".toml", ".md", ""}
        if "\t" in text or (text and not text.endswith("\n")) or "\r" in text
    ]
    assert found == []


# Scripts and targets


@pytest.mark.parametrize(
    "name", ["install", "lock", "try-versions", "build", "browser", "check", "test", "docs"]
)
def test_script_is_strict(name: str) -> None:
    path = ROOT / "scripts" / name
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert path.stat().st_mode & 0o100
    subprocess.run(["bash", "-n", str(path)], check=True)


def test_make_alone_lists_every_target() -> None:
    source = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):", source, re.MULTILINE)
    # Tests that `make test` runs are inside a make, which this one should not know.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    shown = subprocess.run(
        ["make"], cwd=ROOT, check=True, capture_output=True, text=True, env=env
    ).stdout
    assert [line.split()[1] for line in shown.splitlines() if line] == targets


def test_what_is_listed_of_the_library_is_public() -> None:
    assert dir(misstep) == misstep.__all__
    assert not {"Any", "ModuleType", "annotations", "import_module", "sys"} & set(dir(misstep))
