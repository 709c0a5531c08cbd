"""The report: one file that needs nothing else, in which data are only words."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import misstep as ms
from misstep.report.markup import Markup, joined, table, tag
from misstep.report.material import Material
from misstep.report.page import page_shell, report_page
from misstep.report.section import registered_sections
from misstep.train import Run


@pytest.fixture(scope="module")
def run() -> Run:
    trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.1))
    x, y = [[0.0], [1.0], [2.0]], [[1.0], [3.0], [5.0]]
    return trainer.fit(x, y, validation=(x, y), epochs=5)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "br", "input", "img", "hr"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_reaches_for_nothing(run: Run) -> None:
    page = report_page(Material.of_run(run))
    reader = _Reader()
    reader.feed(page)
    assert reader.open == []
    for element, name, value in reader.attributes:
        assert name != "style"
        assert not name.startswith("on")
        if name in ("src", "href"):
            assert value.startswith(("#", "data:image/")), (element, name, value)
    policy = next(value for _, name, value in reader.attributes if "default-src" in value)
    assert "unsafe" not in policy
    assert re.search(r"@import|url\(", page) is None


def test_the_same_run_has_the_same_bytes(run: Run) -> None:
    assert report_page(Material.of_run(run)) == report_page(Material.of_run(run))


def test_sections_stand_in_their_order_and_have_slugs_of_their_own() -> None:
    sections = registered_sections()
    assert [one.place for one in sections] == sorted(one.place for one in sections)
    files = {
        path.stem
        for path in Path(ms.report.__file__).with_name("sections").glob("*.py")
        if path.stem != "__init__"
    }
    assert {type(one).__module__.rsplit(".", 1)[1] for one in sections} == files


@pytest.mark.parametrize("section", registered_sections(), ids=lambda one: one.slug)
def test_a_section_says_nothing_of_what_is_not_there(section: object) -> None:
    assert section.content(Material("nothing")) is None  # type: ignore[attr-defined]


def test_words_are_only_words() -> None:
    evil = '<script>alert(1)</script>" onload="x\x1b[31m\ud800'
    page = page_shell(evil, [("one", evil, joined([tag("p", evil, title=evil)]))])
    assert "<script>alert" not in page
    assert "\x1b" not in page
    page.encode()
    assert 'onload="x' not in page


def test_a_table_marks_its_numbers() -> None:
    html = str(table(["name", "n"], [["a", 1]], numbers=[1], caption="counts"))
    assert '<td class="number">1</td>' in html
    assert isinstance(tag("br"), Markup)
    assert str(tag("br")) == "<br>"
