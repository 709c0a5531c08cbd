"""Every lab: its claims hold, its numbers are the same each time and those of its page."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from misstep.labs import Bench, Lab, lab_page, registered_labs

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "docs" / "labs" / "measured"
LABS = registered_labs()
# A thousand updates of such small networks take about a second, a training as long until it is
# compiled: by far less than 15 s (measured by `python -m benchmarks.labs`).
MOST_UPDATES, MOST_TRAININGS = 8000, 14
# The engine's own tests hold that threads change no bit; of every third lab it is seen again here.
ON_TWO_THREADS = list(LABS)[::3]


@pytest.mark.parametrize("slug", LABS)
def test_a_lab(slug: str) -> None:
    # One test of all there is to a lab: so it is measured once, however tests are shared out.
    lab, bench = LABS[slug], Bench(threads=1)
    found = lab.measure(bench)
    check_claims(lab, found)
    check_cost(bench)
    check_documentation(lab, found)
    check_reading(lab, found)
    check_page(lab, found)
    if slug in ON_TWO_THREADS:
        assert json.dumps(lab.plain(lab.measure(Bench(threads=2)))) == json.dumps(lab.plain(found))


def check_claims(lab: Lab[Any], found: Any) -> None:
    claims = list(lab.claims(found))
    assert claims
    assert [claim.words for claim in claims if not claim.holds] == []


def check_cost(bench: Bench) -> None:
    assert bench.updates <= MOST_UPDATES
    assert bench.trainings <= MOST_TRAININGS


def check_documentation(lab: Lab[Any], found: Any) -> None:
    kept = json.loads((KEPT / f"{lab.slug}.json").read_text(encoding="utf-8"))
    now = json.loads(json.dumps(lab.plain(found)))
    assert list(differences(kept, now)) == []


def check_reading(lab: Lab[Any], found: Any) -> None:
    plain = json.loads(json.dumps(lab.plain(found)))
    assert json.dumps(lab.plain(lab.read(plain))) == json.dumps(plain)


def check_page(lab: Lab[Any], found: Any) -> None:
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
