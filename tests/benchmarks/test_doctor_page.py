"""The page of the doctor's benchmark says what was measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.doctor.page import PAGE, RESULTS, with_results


def test_the_page_says_what_was_measured() -> None:
    page = PAGE.read_text()
    assert with_results(page, json.loads(RESULTS.read_text())) == page


def test_a_stale_figure_is_seen() -> None:
    page, results = PAGE.read_text(), json.loads(RESULTS.read_text())
    for name in ("tune", "held-out"):
        if name in results:
            results[name]["tools"]["misstep"]["noticed"] = 0.12345
            assert "12.3 %" in with_results(page, results)
            return
    pytest.fail("nothing was measured")
