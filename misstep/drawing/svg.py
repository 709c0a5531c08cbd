"""`Canvas` and `Drawing`: shapes and words as SVG, with classes for looks and words for content.

Every text is escaped; no attribute `style`, no script, nothing from elsewhere. Coordinates are in
pixels, to the right and down. Knows shapes, no data.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from misstep.drawing.theme import style_sheet
from misstep.text.plain import printable

__all__ = ["STANDALONE_MARK", "Canvas", "Drawing", "shortened", "text_width"]

# What stands near the beginning of every drawing's file.
STANDALONE_MARK = 'class="drawing'

# How wide a letter is, as a share of its size: the mean of common sans-serif fonts, rounded up.
LETTER = 0.58
# The size of words, in pixels, as `theme.py` has it.
SIZE = 12.0


@dataclass(frozen=True)
class Drawing:
    """A picture in words and shapes.

    `title`: what it is; `description`: what it shows, for people who can't see it. `body`: the SVG
    inside. `wide`: whether it needs its width to be read, so that a narrow page scrolls it.
    """

    width: float
    height: float
    title: str
    description: str
    body: str
    wide: bool = False

    def svg(self, *, standalone: bool = False) -> str:
        """Return it as SVG; `standalone`: with the looks inside, for a file of its own."""
        words = f"{self.title}. {self.description}" if self.description else self.title
        size = f'width="{_figure(self.width)}" height="{_figure(self.height)}"'
        kind = "drawing wide" if self.wide else "drawing"
        looks = ""
        if standalone:
            looks = f"<style>{style_sheet(themed=False)}</style>\n"
            looks += _tag("rect", ("ground",), width=self.width, height=self.height) + "\n"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{kind}" role="img" {size} '
            f'viewBox="0 0 {_figure(self.width)} {_figure(self.height)}" '
            f'aria-label="{_escaped(words)}">\n{looks}{self.body}\n</svg>\n'
        )

    def picture(self) -> str:
        """Return it as an element of HTML whose looks and those of the page do not mix."""
        words = f"{self.title}. {self.description}" if self.description else self.title
        data = base64.b64encode(self.svg(standalone=True).encode()).decode()
        return (
            f'<img src="data:image/svg+xml;base64,{data}" alt="{_escaped(words)}" '
            f'width="{_figure(self.width)}" height="{_figure(self.height)}">'
        )

    def _repr_html_(self) -> str:
        """Return it for a notebook."""
        return self.picture()


class Canvas:
    """Something to draw on, `width` by `height` pixels.

    Each shape takes classes of `theme.py`, such as "line", "series-2"; `title`: what is shown when
    somebody points at it.

    >>> canvas = Canvas(100, 20)
    >>> canvas.text(0, 12, "a < b")
    >>> "a &lt; b" in canvas.drawing("Order", "a stands before b").svg()
    True
    """

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self._parts: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, *classes: str, **more: Any) -> None:
        """Draw a straight line; `more`: as for the other shapes."""
        self._add("line", classes, more, x1=x1, y1=y1, x2=x2, y2=y2)

    def polyline(self, points: Iterable[tuple[float, float]], *classes: str, **more: Any) -> None:
        """Draw a line through points; nothing for none."""
        joined = " ".join(f"{_figure(x)},{_figure(y)}" for x, y in points)
        if joined:
            self._add("polyline", classes, more, points=joined)

    def polygon(self, points: Iterable[tuple[float, float]], *classes: str, **more: Any) -> None:
        """Draw a closed shape through points; nothing for none."""
        joined = " ".join(f"{_figure(x)},{_figure(y)}" for x, y in points)
        if joined:
            self._add("polygon", classes, more, points=joined)

    def path(self, commands: str, *classes: str, **more: Any) -> None:
        """Draw a path, such as "M0 0 H10"."""
        self._add("path", classes, more, d=commands)

    def rectangle(
        self, x: float, y: float, width: float, height: float, *classes: str, **more: Any
    ) -> None:
        """Draw a rectangle. `opacity`: of what fills it, 0 to 1; `radius`: of its corners."""
        self._add("rect", classes, more, x=x, y=y, width=max(width, 0), height=max(height, 0))

    def circle(self, x: float, y: float, radius: float, *classes: str, **more: Any) -> None:
        """Draw a circle around (x, y)."""
        self._add("circle", classes, more, cx=x, cy=y, r=radius)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *classes: str,
        anchor: str = "start",
        turned: bool = False,
        title: str | None = None,
    ) -> None:
        """Write words whose base line is at y; `anchor`: "start", "middle", "end" of them at x.

        `turned`: from the bottom up.
        """
        numbers: dict[str, Any] = {"x": x, "y": y}
        if anchor != "start":
            numbers["text_anchor"] = anchor
        if turned:
            numbers["transform"] = f"rotate(-90 {_figure(x)} {_figure(y)})"
        hint = "" if title is None else f"<title>{_escaped(title)}</title>"
        self._parts.append(_tag("text", classes, hint + _escaped(words), **numbers))

    def image(self, x: float, y: float, width: float, height: float, png: bytes) -> None:
        """Show a small picture, given as the bytes of a PNG file, without smoothing."""
        data = base64.b64encode(png).decode()
        self._add(
            *("image", ("picture",), {}),
            x=x,
            y=y,
            width=width,
            height=height,
            href=f"data:image/png;base64,{data}",
        )

    def place(self, drawing: Drawing, x: float, y: float) -> None:
        """Put another drawing at (x, y)."""
        at = f"translate({_figure(x)} {_figure(y)})"
        self._parts.append(f'<g transform="{at}">\n{drawing.body}\n</g>')

    def drawing(self, title: str, description: str, *, wide: bool = False) -> Drawing:
        """Return what was drawn, with its words."""
        body = "\n".join(self._parts)
        return Drawing(self.width, self.height, title, description, body, wide)

    def _add(self, name: str, classes: Iterable[str], more: dict[str, Any], **numbers: Any) -> None:
        if (opacity := more.pop("opacity", None)) is not None:
            numbers["fill_opacity"] = round(float(opacity), 3)
        if (radius := more.pop("radius", None)) is not None:
            numbers["rx"] = radius
        if (width := more.pop("stroke", None)) is not None:
            numbers["stroke_width"] = width
        if (strength := more.pop("strength", None)) is not None:
            numbers["stroke_opacity"] = round(float(strength), 3)
        title = more.pop("title", None)
        if more:
            raise TypeError(f"{name} has no {', '.join(more)}")
        inside = "" if title is None else f"<title>{_escaped(title)}</title>"
        self._parts.append(_tag(name, classes, inside, **numbers))


def text_width(words: str, size: float = SIZE) -> float:
    """Return about how many pixels words take."""
    return LETTER * size * len(printable(words))


def shortened(words: str, width: float, size: float = SIZE) -> str:
    """Return words cut off so that they fit into `width` pixels, with … where they were cut."""
    most, words = max(int(width / (LETTER * size)), 2), printable(words)
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"


def _tag(name: str, classes: Iterable[str], inside: str = "", **numbers: Any) -> str:
    names = " ".join(classes)
    attributes = f' class="{names}"' if names else ""
    for attribute, number in numbers.items():
        shown = number if isinstance(number, str) else _figure(number)
        attributes += f' {attribute.replace("_", "-")}="{shown}"'
    return f"<{name}{attributes}>{inside}</{name}>" if inside else f"<{name}{attributes}/>"


def _figure(number: float) -> str:
    """Return a coordinate as short as a pixel needs."""
    return f"{round(float(number), 2) + 0.0:g}" if abs(number) < 1e4 else f"{float(number):.1f}"


def _escaped(words: str) -> str:
    """Return words that are only words in SVG and HTML, whatever they came from."""
    # Half a character of UTF-16, as broken files have them, can't be written at all.
    return escape(printable(words.encode("utf-8", "replace").decode()))
