"""The checks of pages find what they are for, and the guide's drawings pass them."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_checks import accessibility_faults, charts_without_words, faults, sideways_faults
from page_watching import LOOKS, Look, browser_program

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>'
    '<meta name="viewport" content="width=device-width"></head>'
    "<body><main><h1>A page</h1>{}</main></body></html>"
)


def test_browser_is_there_or_it_is_said(record_property):
    if browser_program() is None:
        record_property(
            "notice", "no chromium here, so the tests of pages skip: see scripts/browser"
        )


def test_a_sound_page_has_no_faults(open_page, look):
    page = open_page(look=look)
    page.set_content(PAGE.format('<svg role="img"><title>Loss</title></svg><p>Words.</p>'))
    assert faults(page) == []
    assert page.viewport_size["width"] == look.width
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert dark == (look.theme == "dark")


def test_all_looks_are_tried():
    assert [str(one) for one in LOOKS] == ["light-390", "light-1400", "dark-390", "dark-1400"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<script>console.error('it broke')</script>", "console: error: it broke"),
        ("<script>throw new Error('it threw')</script>", "exception of the page: it threw"),
        ('<img alt="" src="http://example.invalid/x.png">', "leaves the machine: http://example"),
        ("<script>fetch('http://127.0.0.2:9/x').catch(() => 0)</script>", "leaves the machine"),
        ("<script>new WebSocket('ws://10.0.0.1:9/x')</script>", "leaves the machine: ws:"),
    ],
)
def test_what_a_page_complains_of_is_heard(open_page, complaints, body, told):
    page = open_page()
    page.set_content(PAGE.format(body))
    for _ in range(250):
        if told in "\n".join(complaints.left()):
            break
        page.wait_for_timeout(20)
    assert told in "\n".join(complaints.left())
    complaints.forgive("")


def test_a_complaint_can_be_forgiven_by_its_words(open_page, complaints):
    open_page().set_content(PAGE.format("<script>console.error('as provoked')</script>"))
    assert complaints.left()
    complaints.forgive("as provoked")
    assert complaints.left() == []


def test_faults_of_accessibility_are_found(open_page):
    page = open_page()
    page.set_content(PAGE.format('<button></button><p style="color:#bbb">Pale words</p>'))
    found = "\n".join(accessibility_faults(page))
    assert "critical: button-name" in found
    assert "serious: color-contrast" in found


@pytest.mark.parametrize(
    ("drawing", "speaks"),
    [
        ("<svg></svg>", False),
        ("<canvas></canvas>", False),
        ('<img src="data:,">', False),
        ("<svg><title> </title></svg>", False),
        ('<div aria-label="Loss"><svg></svg></div>', False),
        ("<svg><title>Loss</title></svg>", True),
        ('<canvas aria-label="Surface"></canvas>', True),
        ('<p id="words">Falls</p><svg aria-labelledby="words"></svg>', True),
        ("<figure><svg></svg><figcaption>Loss falls</figcaption></figure>", True),
        ('<div role="img" aria-label="Loss"><canvas></canvas></div>', True),
        ('<button aria-label="Play"><svg></svg></button>', True),
        ('<svg aria-hidden="true"></svg>', True),
        ('<img src="data:," alt="">', True),
    ],
)
def test_charts_without_words_are_found(open_page, drawing, speaks):
    page = open_page()
    page.set_content(PAGE.format(drawing))
    assert (charts_without_words(page) == []) == speaks


def test_what_sticks_out_is_named(open_page):
    page = open_page(look=Look(width=390))
    page.set_content(PAGE.format('<pre id="long">' + "wide " * 100 + "</pre>"))
    assert sideways_faults(page)[0].startswith("pre#long ends at") or "wide" in str(
        sideways_faults(page)
    )
    scrolling = '<div style="overflow-x:auto"><pre>' + "wide " * 100 + "</pre></div>"
    page.set_content(PAGE.format(scrolling))
    assert sideways_faults(page) == []


@pytest.mark.parametrize("drawing", sorted(DOCS.glob("**/*.svg")), ids=lambda path: path.name)
def test_the_guides_drawings_speak(open_page, drawing):
    page = open_page(look=Look())
    page.set_content(PAGE.format(drawing.read_text(encoding="utf-8")))
    assert charts_without_words(page) == []
    assert accessibility_faults(page) == []
