"""Reports in a real browser: every kind of data, in both themes and widths, with and without
scripts, on paper, by keyboard, and within a notebook's page.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from page_checks import faults
from page_watching import LOOKS, Look

import misstep as ms

EVIL = "<script>document.title = 'broken'</script>\"'&"
KINDS = ("table", "images", "sequences", "series", "failed")
# A table in every look, the others in a narrow and a wide one each, light and dark in turn.
IN_TURN = [("table", look) for look in LOOKS]
IN_TURN += [
    (kind, look)
    for at, kind in enumerate(KINDS[1:])
    for look in (LOOKS[at % 2 * 2], LOOKS[3 - at % 2 * 2])
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Give a report of each kind of data, with names that try to be markup."""
    folder = tmp_path_factory.mktemp("reports")
    numbers = np.random.default_rng(0)
    few: Any = {"epochs": 2, "threads": 1, "random_state": 0}
    frame = pandas.DataFrame(
        {
            EVIL: numbers.normal(size=80),
            "color": numbers.choice(["red", EVIL, "blue"], 80),
            "a column whose name does not end where anybody would expect it": numbers.uniform(
                size=80
            ),
            "said": [f"{EVIL} number {one} of many" for one in range(80)],
        }
    )
    answers = np.where(frame[EVIL] > 0, EVIL, "no")
    images = numbers.integers(0, 256, (40, 9, 12, 3)).astype("uint8")
    halves = np.arange(40) % 2
    steps = numbers.normal(size=(40, 10, 3))
    reports = {
        "table": ms.Classifier("dense8-relu-dense8-sigmoid", **few).fit(frame, answers),
        "images": ms.Classifier("dense4", **few).fit(images, halves),
        "sequences": ms.Classifier("dense4", **few).fit(steps, halves),
        "series": ms.Forecaster(2, **few).fit(
            pandas.Series(np.sin(np.arange(80.0)) + 5, name=EVIL)
        ),
    }
    found = {name: one.report(folder / f"{name}.html") for name, one in reports.items()}
    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(1e30))
    run = trainer.fit(np.ones((8, 2)), np.ones((8, 1)), validation=None, epochs=5)
    found["failed"] = run.report(folder / "failed.html")
    return {name: folder / f"{name}.html" for name in found}


@pytest.mark.parametrize(("kind", "look"), IN_TURN, ids=[f"{one}-{look}" for one, look in IN_TURN])
def test_a_report_has_no_faults(pages: dict[str, Path], open_page, kind: str, look: Look) -> None:
    page = open_page(pages[kind], look)
    assert faults(page) == []
    assert page.title().endswith("– misstep")
    assert page.locator("svg.drawing").count() > 1


def test_headings_stand_in_order_and_links_lead_to_them(pages: dict[str, Path], open_page) -> None:
    page = open_page(pages["table"])
    levels = page.eval_on_selector_all(
        "h1, h2, h3", "all => all.map((one) => Number(one.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    for link in page.locator("nav a").all():
        assert page.locator(str(link.get_attribute("href"))).count() == 1


def test_without_scripts_everything_is_there_but_the_choosing(
    pages: dict[str, Path], open_page
) -> None:
    page = open_page(pages["table"], java_script_enabled=False)
    assert page.locator("#theme").is_hidden()
    for slug in ("overview", "decisions", "data", "network", "curves", "reproduction"):
        assert page.locator(f"section#{slug} h2").is_visible()
    page.locator("#decisions summary").click()
    assert page.locator("#decisions details table").is_visible()


def test_light_and_dark_can_be_chosen(pages: dict[str, Path], open_page) -> None:
    page = open_page(pages["table"])
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "theme"
    page.keyboard.press("Enter")
    assert page.evaluate(ground) != before
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.emulate_media(media="print")
    assert page.evaluate(ground) == before, "paper is white"
    assert page.locator("nav").is_hidden()
    page.emulate_media(media="screen")
    page.locator("#theme").click()
    assert page.evaluate(ground) == before


def test_a_notebook_shows_it_in_a_frame_that_reaches_nothing(open_page) -> None:
    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError())
    run = trainer.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=20)
    page = open_page()
    page.set_content(f"<!doctype html><title>notebook</title><p>above</p>{run._repr_html_()}")
    frame = page.frame_locator("iframe")
    assert frame.locator("h1").inner_text() == "A training"
    frame.locator("nav a").last.click()
    page.wait_for_timeout(600)
    assert frame.locator("#reproduction h2").is_visible()
    assert page.frames[1].evaluate("document.scrollingElement.scrollTop") > 0
    frame.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") is None
    assert page.title() == "notebook"
    assert page.url == "about:blank"
    reached = page.frames[1].evaluate(
        "() => { try { return parent.document.title } catch { return 'nothing' } }"
    )
    assert reached == "nothing"
