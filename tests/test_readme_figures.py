"""The scores that README.md tells are those that were measured."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def figures() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "generate_figures", ROOT / "scripts" / "generate_figures.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_scores_of_the_readme_are_those_measured(figures: ModuleType) -> None:
    page = figures.PAGE.read_text(encoding="utf-8")
    results = json.loads(figures.RESULTS.read_text(encoding="utf-8"))
    assert figures.with_figures(page, results) == page
    for typed, _, _ in figures.ROWS:
        assert f"`{typed}" in page


def test_a_mean_says_of_how_many_seeds(figures: ModuleType) -> None:
    result = {"means": {"accuracy": 0.9917, "linear accuracy": 0.5}, "runs": [{}, {}, {}]}
    words = "{accuracy:.1%}; {linear_accuracy:.1%}"
    assert figures.words_of(result, words) == "99.2 %; 50.0 % (3 seeds)"
    assert figures.words_of(result | {"runs": [{}]}, words) == "99.2 %; 50.0 %"
