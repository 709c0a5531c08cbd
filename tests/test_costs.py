"""What adding costs, as CONTRIBUTING says it: counted by examples of what was added before."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLE = re.compile(
    r"^\| (?P<what>[^|]+) \| (?P<files>\d+) \| `(?P<example>[^`]+)` \|$", re.MULTILINE
)
ROWS = [match.groupdict() for match in TABLE.finditer((ROOT / "CONTRIBUTING.md").read_text())]
# Lists of public names; whoever exports something writes it there.
LISTS = {"__init__.py", "exports.py"}
# These know what other tools and libraries call their own.
ABOUT_OTHERS = {"interchange", "onnx_operators", "watching"}


def test_the_table_is_there() -> None:
    assert len(ROWS) >= 6


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["example"])
def test_as_many_files_name_the_example_as_adding_it_costs(row: dict[str, str]) -> None:
    example = row["example"]
    if example.endswith(".py"):
        # A file beside the package, which the package does not know.
        (file,) = ROOT.rglob(f"tests/*/{example}")
        assert int(row["files"]) == 1
        word = re.compile(rf"\b{file.stem}\b")
        files = []
    else:
        word, files = re.compile(rf"\b{example}\b"), []
    for path in sorted((ROOT / "misstep").rglob("*.py")):
        if path.name in LISTS or ABOUT_OTHERS & set(path.parts):
            continue
        if word.search(path.read_text(encoding="utf-8")):
            files.append(path.relative_to(ROOT).as_posix())
    expected = 0 if example.endswith(".py") else int(row["files"])
    assert len(files) == expected, f"{example} stands in {files}"
