"""What pyproject.toml allows and what locks/*.txt install must agree; nothing comes in unhashed.

Reads both as text and installs nothing.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
ALLOWED = [
    Requirement(line) for lines in (PROJECT["dependencies"], *EXTRAS.values()) for line in lines
]
BUILDING = [Requirement(line) for line in PYPROJECT["build-system"]["requires"]]
GROUPS = {
    name: [Requirement(line) for line in lines]
    for name, lines in PYPROJECT["dependency-groups"].items()
}
SUPPORTED = [line[-4:] for line in PROJECT["classifiers"] if "Python :: 3." in line]
PLATFORMS = ("linux", "darwin")
LOCKS = ("development.txt", *(f"{name}.txt" for name in GROUPS))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def entries(lock: str) -> list[tuple[str, Version, Marker | None, list[str]]]:
    """Return each entry of a lock: its package, version, marker and hashes."""
    text = (ROOT / "locks" / lock).read_text(encoding="utf-8")
    found = []
    for entry in re.split(r"\n(?=\S)", text.strip())[
        1:
    ]:  # the first is what the file says of itself
        head, *hashes = entry.split(" \\\n")
        name, version, marker = re.fullmatch(r"([\w.-]+)==(\S+)(?: ; (.+))?", head).groups()  # type: ignore[union-attr]
        found.append((canonical(name), Version(version), marker and Marker(marker), hashes))
    return found


def locked(lock: str, python: str, platform: str) -> dict[str, list[Version]]:
    """Return the versions that a lock installs of each package on one Python and platform."""
    place = {"python_version": python, "python_full_version": f"{python}.0"}
    place |= {"sys_platform": platform, "platform_python_implementation": "CPython"}
    found: dict[str, list[Version]] = {}
    for name, version, marker, _ in entries(lock):
        if marker is None or marker.evaluate(place):
            found.setdefault(name, []).append(version)
    return found


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", SUPPORTED)
def test_the_lock_has_one_allowed_version_of_everything(python: str, platform: str) -> None:
    asked = {"development.txt": [*ALLOWED, *BUILDING]}
    asked |= {f"{name}.txt": requirements for name, requirements in GROUPS.items()}
    for lock, wanted in asked.items():
        found = locked(lock, python, platform)
        assert {name: versions for name, versions in found.items() if len(versions) > 1} == {}
        for requirement in wanted:
            if requirement.name == PROJECT["name"]:
                continue
            [version] = found.get(canonical(requirement.name), [None])
            assert version, f"{lock} lacks {requirement.name}; try: scripts/lock"
            assert version in requirement.specifier, f"{requirement}: {version}; try: scripts/lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_locked_has_its_hashes_and_no_place(lock: str) -> None:
    for name, _, _, hashes in entries(lock):
        assert hashes, name
        assert all(re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}", each) for each in hashes), name
    text = (ROOT / "locks" / lock).read_text(encoding="utf-8")
    assert not re.search(r"://|^\s*--?(i|index|extra|find|trusted)", text, re.MULTILINE)


@pytest.mark.parametrize(
    "requirement",
    [*ALLOWED, *BUILDING, *(one for group in GROUPS.values() for one in group)],
    ids=str,
)
def test_every_requirement_has_a_lowest_and_a_first_refused_version(
    requirement: Requirement,
) -> None:
    if requirement.name == PROJECT["name"]:
        assert requirement.extras <= set(EXTRAS)
    else:
        assert sorted(each.operator for each in requirement.specifier) == ["<", ">="]


def test_what_installs_asks_for_hashes() -> None:
    install = (ROOT / "scripts" / "install").read_text(encoding="utf-8")
    assert "--require-hashes" in install
    assert "--no-deps --no-build-isolation --editable ." in install
    assert "lock=locks/development.txt" in install
