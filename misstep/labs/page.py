"""The report of a lab: its words, tables and drawings on one page of HTML that needs nothing else.

The same sections as on a terminal. Knows exhibits and drawings; trains nothing.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

from misstep.drawing import Canvas, Drawing
from misstep.drawing.charts import Bar as DrawnBar
from misstep.drawing.charts import Line, Station, bar_chart, chain_chart, line_chart
from misstep.labs.course import NOTE, Diagnosed
from misstep.labs.exhibits import Bars, Curves, Exhibit, Flow, Formulas, Outcome, Pictures, Table
from misstep.labs.lab import Claim, Lab, Section
from misstep.labs.words import two_figures
from misstep.report.markup import Markup, figure, joined, paragraph, table, tag
from misstep.report.page import page_shell
from misstep.report.pictures import png_of

__all__ = ["drawn", "lab_page"]

# Pixels of a drawing: a phone shows one whole, a window two beside each other.
WIDTH = 440
# Between pictures, and below them for their names.
GAP, FOOT = 10, 20
# Powers of ten that are marked below logarithmic bars, at most, and the room before the smallest
# of them as a share of all.
MOST_POWERS, ROOM = 6, 0.05


def lab_page(lab: Lab[Any], measured: Any) -> str:
    """Return the page of a lab and of what it measured, the same bytes for the same numbers."""
    parts = [
        (f"part-{number}", section.title, _content(section))
        for number, section in enumerate(lab.sections(measured), 1)
    ]
    parts.append(("claims", "What the numbers show", _claims(list(lab.claims(measured)))))
    commands = "\n".join([f"misstep lab {lab.slug}", *lab.next_commands])
    parts.append(("next", "The same again, and what to try next", tag("pre", commands, tabindex=0)))
    return page_shell(f"Lab: {lab.title}", parts, lab.question)


def _content(section: Section) -> Markup:
    parts = [paragraph(_with_code(words)) for words in section.paragraphs]
    # Drawings that follow each other stand beside each other, where there is room.
    for drawn, several in itertools.groupby(section.exhibits, _is_drawn):
        shown = [_exhibit(each) for each in several]
        parts += [tag("div", *shown, class_="figures")] if drawn else shown
    return joined(parts)


def _is_drawn(exhibit: Exhibit) -> bool:
    return isinstance(exhibit, Bars | Curves)


def _exhibit(exhibit: Exhibit) -> Markup:
    if isinstance(exhibit, Outcome):
        return _outcome(exhibit)
    drawing = drawn(exhibit)
    if drawing is not None:
        return figure(drawing, exhibit.caption or None)
    heading = paragraph(exhibit.caption, quiet=True) if exhibit.caption else None
    if isinstance(exhibit, Table):
        shown = table(exhibit.heads, exhibit.rows, caption=exhibit.caption, numbers=exhibit.numbers)
        return joined([heading, shown])
    lines = exhibit.lines if isinstance(exhibit, Formulas) else ()
    return joined([heading, tag("pre", "\n".join(lines), tabindex=0)])


def drawn(exhibit: Exhibit) -> Drawing | None:
    """Return the drawing of an exhibit; None of what stands in words and tables."""
    if isinstance(exhibit, Curves):
        return drawn_curves(exhibit)
    if isinstance(exhibit, Bars):
        return drawn_bars(exhibit)
    if isinstance(exhibit, Pictures):
        return drawn_pictures(exhibit)
    return drawn_flow(exhibit) if isinstance(exhibit, Flow) else None


def drawn_curves(chart: Curves) -> Drawing:
    """Return curves as a drawing, with their ends in words.

    Where a curve is above the ceiling it is left out, but for the points at which it leaves the
    picture and comes back.
    """
    ends = "; ".join(
        f"{curve.name} from {two_figures(curve.y[0])} to {two_figures(curve.y[-1])}"
        for curve in chart.curves
    )
    finite = [y for curve in chart.curves for y in curve.y if math.isfinite(y)]
    limits, label = None, chart.y_label
    if chart.ceiling is not None and max(finite, default=0.0) > chart.ceiling:
        limits = (min([0.0, *finite]), chart.ceiling)
        label = f"{chart.y_label}, cut off at {two_figures(chart.ceiling)}"
    return line_chart(
        [
            Line(curve.name, curve.x, curve.y if limits is None else _cut(curve.y, limits[1]))
            for curve in chart.curves
        ],
        title=chart.caption or chart.y_label,
        description=ends,
        across=chart.x_label,
        up=label,
        whole=all(float(x).is_integer() for curve in chart.curves for x in curve.x),
        logarithmic=chart.logarithmic and limits is None,
        limits=limits,
        width=WIDTH,
    )


def _cut(numbers: tuple[float, ...], ceiling: float) -> list[float]:
    """Return numbers, NaN instead of what is above the ceiling and so are its neighbors."""
    above = [not number <= ceiling for number in (numbers[0], *numbers, numbers[-1])]
    return [math.nan if all(above[at : at + 3]) else number for at, number in enumerate(numbers)]


def drawn_flow(flow: Flow) -> Drawing:
    """Return numbers that go forward and slopes that come back as a drawing."""
    forward = ", then ".join(f"{each.name}, {each.number}" for each in flow.stations)
    back = ", ".join(reversed(flow.slopes))
    return chain_chart(
        [Station(each.name, each.number, each.blame) for each in flow.stations],
        flow.slopes,
        title=flow.caption or "Numbers forward, blame back",
        description=f"forward {forward}; back, multiplied by {back}",
    )


def drawn_pictures(shown: Pictures) -> Drawing:
    """Return pictures side by side, their names below."""
    side = (WIDTH + GAP) / max(len(shown.pictures), 3) - GAP
    canvas = Canvas((side + GAP) * len(shown.pictures) - GAP, side + FOOT)
    for place, picture in enumerate(shown.pictures):
        left = place * (side + GAP)
        canvas.image(left, 0, side, side, png_of(picture.pixels))
        canvas.text(left + side / 2, side + FOOT - 5, picture.name, anchor="middle")
    names = ", ".join(picture.name for picture in shown.pictures)
    return canvas.drawing(shown.caption or names, f"pictures side by side: {names}")


def drawn_bars(chart: Bars) -> Drawing:
    """Return bars as a drawing; of logarithmic ones the axis marks powers of ten."""
    description = "; ".join(f"{bar.name} {bar.said}" for bar in chart.bars)
    title = chart.caption or chart.unit
    if not chart.logarithmic:
        bars = [
            DrawnBar(bar.name, bar.number if math.isfinite(bar.number) else 0.0, bar.said)
            for bar in chart.bars
        ]
        longest = max([0.0, *chart.span, *(bar.number for bar in bars)])
        return bar_chart(
            bars,
            title=title,
            description=description,
            across=chart.unit,
            limits=(0.0, longest * 1.02 or 1.0),
            width=WIDTH,
        )
    drawn = (*(bar.number for bar in chart.bars), *chart.span)
    powers = [math.log10(number) for number in drawn if math.isfinite(number) and number > 0]
    low, high = min(powers, default=0.0), max(powers, default=1.0)
    floor = low - ROOM * ((high - low) or 1.0)
    bars = [
        DrawnBar(bar.name, max(math.log10(bar.number) - floor, 0.0), bar.said)
        if math.isfinite(bar.number) and bar.number > 0
        else DrawnBar(bar.name, 0.0, bar.said)
        for bar in chart.bars
    ]
    step = max(1, math.ceil((high - floor) / MOST_POWERS))
    marked = range(math.ceil(floor), math.floor(high) + 1, step)
    marks = [(power - floor, two_figures(10.0**power).removeprefix("1×")) for power in marked]
    return bar_chart(
        bars,
        title=title,
        description=description,
        across=f"{chart.unit}, each power of ten equally long",
        limits=(0.0, (high - floor) or 1.0),
        marks=marks,
        width=WIDTH,
    )


def _outcome(outcome: Outcome) -> Markup:
    lead = paragraph(f"What misstep diagnose says of “{outcome.of}”:")
    if not outcome.findings:
        said = f"Nothing wrong was found, of {outcome.examined} causes."
        return joined([lead, tag("div", paragraph(said), class_="card good")])
    return joined([lead, *(_card(finding) for finding in outcome.findings)])


def _card(finding: Diagnosed) -> Markup:
    rows = []
    if finding.severity != NOTE:
        rows += [tag("dt", "try"), tag("dd", _with_code(finding.remedy))]
    if finding.follows:
        rows += [tag("dt", "what follows from it"), tag("dd", ", ".join(finding.follows))]
    return tag(
        "div",
        tag("h3", f"{finding.severity.capitalize()}: {finding.title} ({finding.slug})"),
        paragraph(finding.symptom),
        tag("dl", *rows) if rows else None,
        class_=f"card {finding.severity}",
    )


def _with_code(words: str) -> Markup:
    """Return words in which what stands between backticks is code."""
    return joined(tag("code", part) if at % 2 else part for at, part in enumerate(words.split("`")))


def _claims(claims: list[Claim]) -> Markup:
    rows = [("holds" if claim.holds else "does not hold", claim.words) for claim in claims]
    return table(("", "claim"), rows, caption="Claims, and whether the numbers bear them out")
