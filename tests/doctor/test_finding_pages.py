"""The pages of findings show what stands in the rules: constants with their reasons, examples."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def finding_pages() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "finding_pages", ROOT / "scripts" / "finding_pages.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["finding_pages"] = module
    spec.loader.exec_module(module)
    return module


SOURCE = '''"""Words."""

# A reason of two
# lines (Somebody, 1999).
LARGE = 5.0
# Two at once.
FIRST, SECOND = -1, 2e-3
# Shared by both.
LOW = 1
HIGH = 10**6

ALONE = 3  # beside it
WORDS = "no number"
# Of a class, and no constant of the file.
NAMES = (LOW, 2)
lower = 1


class Rule:
    INSIDE = 4
'''


def test_constants_are_found_with_their_reasons(finding_pages: ModuleType) -> None:
    found = [(one.name, one.value, one.reason) for one in finding_pages.constants(SOURCE)]
    assert found == [
        ("LARGE", "5.0", "A reason of two lines (Somebody, 1999)."),
        ("FIRST, SECOND", "-1, 2e-3", "Two at once."),
        ("LOW", "1", "Shared by both."),
        ("HIGH", "10**6", "Shared by both."),
        ("ALONE", "3", "beside it"),
    ]


def test_constants_from_files_beside_are_found_too(finding_pages: ModuleType) -> None:
    source = "from misstep.doctor.harm import HALF_LEARNED, learned\n\n# Own.\nMANY = 2\n"
    found = [(one.name, one.value) for one in finding_pages.judged_by(source)]
    assert found[0] == ("MANY", "2")
    assert [name for name, _ in found[1:]] == ["HALF_LEARNED"]


def test_every_rule_has_a_page_and_a_line_in_the_list(finding_pages: ModuleType) -> None:
    from misstep.doctor import registered_rules

    pages = finding_pages.pages("")
    assert set(pages) == {"findings.md", *(f"findings/{slug}.md" for slug in registered_rules())}
    for slug, rule in registered_rules().items():
        assert f"[`{slug}`](findings/{slug}.md)" in pages["findings.md"]
        assert rule.explanation in pages[f"findings/{slug}.md"]
        assert rule.sick[0].program.strip() in pages[f"findings/{slug}.md"]
