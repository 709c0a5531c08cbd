"""Every lab: its claims hold, its numbers are the same each time and those of its page."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from misstep.labs import Bench, lab_page, registered_labs

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "docs" / "labs" / "measured"
LABS = registered_labs()
# A thousand updates of such small networks take about a second, a training as long until it is
# compiled: by far less than 15 s (measured by `python -m benchmarks.labs`).
MOST_UPDATES, MOST_TRAININGS = 8000, 14


@cache
def measured(slug: str, threads: int) -> tuple[Any, Bench]:
    bench = Bench(threads)
    return LABS[slug].measure(bench), bench


@pytest.mark.parametrize("slug", LABS)
def test_the_claims_of_a_lab_hold(slug: str) -> None:
    claims = list(LABS[slug].claims(measured(slug, 1)[0]))
    assert claims
    assert [claim.words for claim in claims if not claim.holds] == []


@pytest.mark.parametrize("slug", LABS)
def test_a_lab_takes_seconds(slug: str) -> None:
    bench = measured(slug, 1)[1]
    assert bench.updates <= MOST_UPDATES
    assert bench.trainings <= MOST_TRAININGS


@pytest.mark.parametrize("slug", LABS)
def test_the_numbers_do_not_depend_on_threads(slug: str) -> None:
    one, two = (LABS[slug].plain(measured(slug, threads)[0]) for threads in (1, 2))
    assert json.dumps(one) == json.dumps(two)


@pytest.mark.parametrize("slug", LABS)
def test_the_documentation_shows_what_is_measured(slug: str) -> None:
    kept = json.loads((KEPT / f"{slug}.json").read_text(encoding="utf-8"))
    now = json.loads(json.dumps(LABS[slug].plain(measured(slug, 1)[0])))
    assert list(differences(kept, now)) == []


@pytest.mark.parametrize("slug", LABS)
def test_what_was_kept_of_a_lab_is_read_as_it_was(slug: str) -> None:
    lab = LABS[slug]
    plain = json.loads(json.dumps(lab.plain(measured(slug, 1)[0])))
    again = lab.plain(lab.read(plain))
    assert json.dumps(again) == json.dumps(plain)


@pytest.mark.parametrize("slug", LABS)
def test_the_page_of_a_lab_needs_nothing_else(slug: str) -> None:
    lab, (found, _) = LABS[slug], measured(slug, 1)
    page = lab_page(lab, found)
    assert page == lab_page(lab, found)
    assert len(page.encode()) < 300_000
    assert " style=" not in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page
    for section in lab.sections(found):
        assert section.title.replace("'", "&#x27;") in page


def differences(kept: Any, now: Any, path: str = "") -> Iterator[str]:
    """Yield where two plain things differ; numbers by more than roundings."""
    if isinstance(kept, dict) and isinstance(now, dict):
        for name in sorted(kept.keys() | now.keys()):
            yield from differences(kept.get(name), now.get(name), f"{path}.{name}")
    elif isinstance(kept, list) and isinstance(now, list) and len(kept) == len(now):
        for place, (one, other) in enumerate(zip(kept, now, strict=True)):
            yield from differences(one, other, f"{path}[{place}]")
    elif isinstance(kept, float) and isinstance(now, float):
        same = math.isclose(kept, now, rel_tol=1e-6, abs_tol=1e-12)
        if not same and not (math.isnan(kept) and math.isnan(now)):
            yield f"{path}: {kept} and {now}"
    elif kept != now:
        yield f"{path}: {kept!r} and {now!r}"


def test_differences_are_found() -> None:
    assert list(differences({"a": [1.0, math.nan]}, {"a": [1.0 + 1e-9, math.nan]})) == []
    assert list(differences({"a": [1.0]}, {"a": [1.1]})) == [".a[0]: 1.0 and 1.1"]
    assert list(differences({"a": "x"}, {"b": "x"})) == [".a: 'x' and None", ".b: None and 'x'"]
