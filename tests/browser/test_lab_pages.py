"""The pages that labs leave, in a real browser: each lab in one of the looks, in turn.

They are made of the numbers that the documentation keeps, so that nothing is trained here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_checks import faults
from page_watching import LOOKS, Look

from misstep.labs import lab_page, registered_labs

KEPT = Path(__file__).resolve().parents[2] / "docs" / "labs" / "measured"
LABS = registered_labs()
IN_TURN = [(slug, LOOKS[at % len(LOOKS)]) for at, slug in enumerate(LABS)]


def page_of(slug: str, folder: Path) -> Path:
    lab = LABS[slug]
    plain = json.loads((KEPT / f"{slug}.json").read_text(encoding="utf-8"))
    path = folder / f"lab-{slug}.html"
    path.write_text(lab_page(lab, lab.read(plain)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("slug", "look"), IN_TURN, ids=[f"{slug}-{look}" for slug, look in IN_TURN]
)
def test_the_page_of_a_lab_is_fit_for_all(
    slug: str, look: Look, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    page = open_page(page_of(slug, tmp_path), look)
    assert page.locator("h1").inner_text() == f"Lab: {LABS[slug].title}"
    assert page.locator("#claims td:has-text('does not hold')").count() == 0
    assert faults(page) == []


def test_it_is_read_without_a_script(open_page: Callable[..., Any], tmp_path: Path) -> None:
    page = open_page(page_of("one-neuron", tmp_path), java_script_enabled=False)
    for number in ("0.5744", "0.0905", "−0.0520", "0.4052"):
        assert page.get_by_text(number).first.is_visible()
