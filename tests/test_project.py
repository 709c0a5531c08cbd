"""What must hold for the project as a whole: quick to import, named, described, free of places.

Knows the package only by its public names. The rules inside the package are in test_floors.py.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import misstep

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NAMES = [name for name in misstep.__all__ if not name.startswith("__")]

# Loaded when first needed: each of them alone takes longer than a short script should.
HEAVY = ("pandas", "polars", "pydantic", "rich", "scipy", "sklearn", "typer")
# A person notices a pause from about a quarter of a second on.
LONGEST_IMPORT_SECONDS = 0.25


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


def test_public_names_are_single_and_listed() -> None:
    assert len(set(misstep.__all__)) == len(misstep.__all__)
    assert set(NAMES) <= set(dir(misstep))


@pytest.mark.parametrize("name", NAMES)
def test_public_name_is_there_and_described(name: str) -> None:
    thing = getattr(misstep, name)
    own = thing.__doc__ if not isinstance(thing, type) else vars(thing).get("__doc__")
    assert own, f"{name} has no docstring of its own"
    assert own.strip()[0].isupper()


@pytest.mark.parametrize("name", NAMES)
def test_public_name_is_in_the_reference(name: str) -> None:
    heading = f"## `misstep.{name}`"
    pages = [page for page in REFERENCE.glob("*.md") if heading in page.read_text("utf-8")]
    assert len(pages) == 1, f"try: make docs (found {heading} on {len(pages)} pages)"


def test_no_room_hides_a_public_name() -> None:
    # Importing misstep.explain, the room, once made misstep.explain, the function, a module.
    code = "import types, misstep.explain, misstep as ms; ms.contributions; "
    code += "print(*[n for n in ms.__all__ if isinstance(getattr(ms, n), types.ModuleType)])"
    assert run_python(code).split() == []


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
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    needed = [re.split(r"[<>=!~\[; ]", line)[0] for line in [*project["dependencies"], *extras]]
    assert sorted(set(told) - {"package"}) == sorted(set(needed))


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


@pytest.mark.parametrize("name", ["install", "check", "test", "docs"])
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
