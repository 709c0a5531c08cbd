"""HTML put together from plain words: what is not markup is escaped, always.

>>> str(tag("p", "a < b", tag("b", "c"), class_="note"))
'<p class="note">a &lt; b<b>c</b></p>'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from misstep.drawing import Drawing
from misstep.text.plain import printable

__all__ = ["Markup", "figure", "folded", "joined", "paragraph", "table", "tag"]

# Elements that have nothing inside.
_VOID = {"br", "hr", "img", "input", "meta", "link"}


class Markup:
    """HTML that is safe to show as it is."""

    def __init__(self, html: str) -> None:
        self.html = html

    def __str__(self) -> str:
        return self.html


Content = Markup | str | int | float | None


def tag(name: str, /, *content: Content, **attributes: str | int | bool | None) -> Markup:
    """Return an element. Attributes: `class_` for class, `aria_label` for aria-label …

    An attribute that is True stands alone, one that is False or None is left out.
    """
    written = "".join(
        f" {_attribute(key)}" if value is True else f' {_attribute(key)}="{_escaped(str(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    opened = f"<{name}{written}>"
    return Markup(opened if name in _VOID else f"{opened}{joined(content)}</{name}>")


def joined(content: Iterable[Content]) -> Markup:
    """Return contents one behind the other; None is nothing."""
    parts = (
        one.html if isinstance(one, Markup) else _escaped(str(one))
        for one in content
        if one is not None
    )
    return Markup("".join(parts))


def paragraph(*content: Content, quiet: bool = False) -> Markup:
    """Return a paragraph; `quiet`: one that matters less."""
    return tag("p", *content, class_="quiet" if quiet else None)


def table(
    heads: Sequence[Content],
    rows: Iterable[Sequence[Content]],
    *,
    caption: str = "",
    numbers: Iterable[int] = (),
) -> Markup:
    """Return a table that a narrow page scrolls. `numbers`: the columns that hold numbers.

    `caption`: what it shows; people who see it find it hidden, since a heading stands above.
    """
    right = set(numbers)

    def cells(name: str, row: Sequence[Content]) -> Markup:
        scope = "col" if name == "th" else None
        return tag(
            "tr",
            *(
                tag(name, one, class_="number" if place in right else None, scope=scope)
                for place, one in enumerate(row)
            ),
        )

    inside = tag(
        "table",
        tag("caption", caption, class_="hidden") if caption else None,
        tag("thead", cells("th", heads)),
        tag("tbody", *(cells("td", row) for row in rows)),
    )
    return _scrolled(inside, caption or "table")


def figure(drawing: Drawing, caption: Content = None) -> Markup:
    """Return a drawing with a caption; a narrow page scrolls one that needs its width."""
    picture = Markup(drawing.svg())
    return tag(
        "figure",
        _scrolled(picture, drawing.title) if drawing.wide else picture,
        None if caption is None else tag("figcaption", caption),
        class_="wide" if drawing.wide else None,
    )


def folded(summary: Content, *content: Content, unfolded: bool = False) -> Markup:
    """Return contents that a person unfolds."""
    return tag("details", tag("summary", summary), *content, open=unfolded)


def _scrolled(content: Markup, label: str) -> Markup:
    # Whoever has no mouse scrolls what has the focus.
    return tag("div", content, class_="scrolled", tabindex=0, role="group", aria_label=label)


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _escaped(words: str) -> str:
    """Return words that are only words, whatever they came from."""
    # Half a character of UTF-16, as broken files have them, can't be written at all.
    return escape(printable(words.encode("utf-8", "replace").decode()))
