"""Exhibits as lines of letters: sparklines, bars and tables that fit a width, for any terminal.

Pure functions of an exhibit and a width. Knows no terminal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from textwrap import wrap

import numpy as np

from misstep.labs.course import NOTE
from misstep.labs.exhibits import (
    Bars,
    Curve,
    Curves,
    Exhibit,
    Flow,
    Formulas,
    Outcome,
    Picture,
    Pictures,
    Table,
)
from misstep.text.figures import three_figures, true_minus
from misstep.text.tables import in_columns

# Heights of a sparkline's letters, from the lowest to the highest, and the eighths of a bar.
HEIGHTS = "▁▂▃▄▅▆▇█"
EIGHTHS = " ▏▎▍▌▋▊▉"
FULL = "█"
# A pixel from dark to bright, as bright as the letter is full; as wide as a line is high.
SHADES, PER_PIXEL = " ░▒▓█", 2
# Where a number is no longer finite, or above the ceiling.
GONE, ABOVE = "×", "^"
# Letters of a sparkline, and of a bar, at most; and what is left of them in a narrow window.
WIDEST, LONGEST = 60, 48
LEAST = 10
GAP = "  "


def exhibit_lines(exhibit: Exhibit, width: int) -> list[str]:
    """Return an exhibit as lines of at most `width` letters, as far as its words let it."""
    if isinstance(exhibit, Table):
        rows = in_columns(exhibit.rows, exhibit.heads, exhibit.numbers, indent=0)
        return [*_caption(exhibit.caption, width), *rows.split("\n")]
    if isinstance(exhibit, Curves):
        return [*_caption(exhibit.caption, width), *_curves(exhibit, width)]
    if isinstance(exhibit, Bars):
        return [*_caption(exhibit.caption, width), *_bars(exhibit, width)]
    if isinstance(exhibit, Flow):
        return [*_caption(exhibit.caption, width), *_flow(exhibit, width)]
    if isinstance(exhibit, Pictures):
        return [*_caption(exhibit.caption, width), *_pictures(exhibit, width)]
    if isinstance(exhibit, Formulas):
        return [*_caption(exhibit.caption, width), *exhibit.lines]
    return list(_outcome(exhibit, width))


def _caption(words: str, width: int) -> list[str]:
    return wrap(words, width) if words else []


def _curves(chart: Curves, width: int) -> Iterator[str]:
    """Yield a line of letters for each curve, all on one scale, its ends beside it."""
    low, high = _span(chart)
    names = max(len(curve.name) for curve in chart.curves)
    ends = [f"{_said(curve.y[0])} → {_said(curve.y[-1])}" for curve in chart.curves]
    room = width - names - max(map(len, ends)) - 2 * len(GAP)
    places = min(WIDEST, max(LEAST, room))
    begin = min(curve.x[0] for curve in chart.curves)
    end = max(curve.x[-1] for curve in chart.curves)
    for curve, said in zip(chart.curves, ends, strict=True):
        letters = _sparkline(curve, chart, (begin, end), (low, high), places)
        yield f"{curve.name:<{names}}{GAP}{letters:<{places}}{GAP}{said}"
    scale = f"{chart.y_label} from {_said(low)} (▁) to {_said(high)} (█)"
    how = ", equal factors equally high" if chart.logarithmic else ""
    span = f"{chart.x_label} {_said(begin)} to {_said(end)}"
    marks = "; × is no number any more" if _is_broken(chart) else ""
    above = any(y > high for curve in chart.curves for y in curve.y if math.isfinite(y))
    marks += f"; {ABOVE} is above" if above else ""
    yield from wrap(f"{scale}{how}; {span}{marks}", width)


def _is_broken(chart: Curves) -> bool:
    return any(not math.isfinite(y) for curve in chart.curves for y in curve.y)


def _span(chart: Curves) -> tuple[float, float]:
    """Return the lowest and the highest number that are told apart."""
    numbers = [y for curve in chart.curves for y in curve.y if math.isfinite(y)]
    if chart.logarithmic:
        numbers = [y for y in numbers if y > 0]
    if not numbers:
        return 0.0, 1.0
    high = max(numbers) if chart.ceiling is None else min(max(numbers), chart.ceiling)
    return min(numbers), high


def _sparkline(
    curve: Curve, chart: Curves, span: tuple[float, float], scale: tuple[float, float], places: int
) -> str:
    """Return a curve in `places` letters, the mean of what falls on each."""
    begin, end = span
    at = np.array(curve.x, "float64")
    y = np.array(curve.y, "float64")
    place = np.minimum((at - begin) / ((end - begin) or 1.0) * places, places - 1).astype(int)
    letters = []
    for number in range(int(place.max()) + 1):
        here = y[place == number]
        # Between points that are farther apart than letters, the curve goes straight.
        center = begin + (number + 0.5) / places * (end - begin)
        value = float(np.mean(here)) if len(here) else float(np.interp(center, at, y))
        letters.append(_height(value, scale, chart.logarithmic))
    return "".join(letters)


def _height(value: float, scale: tuple[float, float], logarithmic: bool) -> str:
    low, high = scale
    if not math.isfinite(value):
        return GONE
    if value > high * (1 + 1e-9):
        return ABOVE
    if logarithmic:
        value, low, high = (math.log(max(each, low)) for each in (value, low, high))
    share = (value - low) / ((high - low) or 1.0)
    return HEIGHTS[min(len(HEIGHTS) - 1, max(0, int(share * len(HEIGHTS))))]


def _bars(chart: Bars, width: int) -> Iterator[str]:
    names = max(len(bar.name) for bar in chart.bars)
    said = max(len(bar.said) for bar in chart.bars)
    room = min(LONGEST, max(LEAST, width - names - said - 2 * len(GAP)))
    lengths, factor = bar_lengths(chart)
    for bar, length in zip(chart.bars, lengths, strict=True):
        letters = GONE if length is None else _bar(length, room)
        yield f"{bar.name:<{names}}{GAP}{bar.said:>{said}}{GAP}{letters}".rstrip()
    if factor:
        each = three_figures(factor ** (1 / room))
        yield from wrap(f"{chart.unit}; a letter more is {each} times as much", width)
    else:
        yield from wrap(chart.unit, width)


def bar_lengths(chart: Bars) -> tuple[list[float | None], float]:
    """Return the length of each bar as a share of the longest, None of what is not finite.

    And, of logarithmic ones, the factor that a whole length stands for; else 0. The smallest
    number that is no 0 still has a twentieth of the length.
    """
    drawn = (*(bar.number for bar in chart.bars), *chart.span)
    numbers = [number for number in drawn if math.isfinite(number) and number > 0]
    if not numbers:
        return [0.0 if math.isfinite(bar.number) else None for bar in chart.bars], 0.0
    low, high = min(numbers), max(numbers)
    if not chart.logarithmic:
        return [bar.number / high if math.isfinite(bar.number) else None for bar in chart.bars], 0.0
    span = math.log(high / low) / 0.95 if high > low else 1.0
    lengths: list[float | None] = []
    for bar in chart.bars:
        if not math.isfinite(bar.number):
            lengths.append(None)
        elif bar.number <= 0:
            lengths.append(0.0)
        else:
            lengths.append(1.0 - math.log(high / bar.number) / span)
    return lengths, math.exp(span)


def _bar(share: float, room: int) -> str:
    eighths = round(share * room * 8)
    return (FULL * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip()


def _flow(flow: Flow, width: int) -> list[str]:
    """Return four lines: names, numbers with arrows forward, slopes back, and the blame."""
    lines = ["", "", "", ""]
    for place, station in enumerate(flow.stations):
        parts = (station.name, station.number, "", station.blame)
        wide = max(map(len, parts))
        for at, part in enumerate(parts):
            lines[at] += f"{part:<{wide}}"
        if place < len(flow.slopes):
            back = f" ◂ × {flow.slopes[place]} "
            for at, part in enumerate(("", f" {'─' * (len(back) - 3)}▸ ", back, "")):
                lines[at] += f"{part:<{len(back)}}"
    if max(map(len, lines)) <= width:
        return [line.rstrip() for line in lines]
    # In a narrow window one below the other, blame from the last to the first.
    names = max(len(station.name) for station in flow.stations)
    narrow = []
    for station, slope in zip(flow.stations, (*flow.slopes, ""), strict=True):
        narrow += [f"{station.name:<{names}}  {station.number}  {station.blame}".rstrip()]
        narrow += [f"  ▴ × {slope}"] if slope else []
    return narrow


def _pictures(shown: Pictures, width: int) -> Iterator[str]:
    """Yield as many pictures side by side as there is room for, names below, and then the next."""
    widest = max(max(len(each.name), PER_PIXEL * len(each.pixels[0])) for each in shown.pictures)
    beside = max(1, (width + len(GAP)) // (widest + len(GAP)))
    for start in range(0, len(shown.pictures), beside):
        few = shown.pictures[start : start + beside]
        columns = [[*_shaded(each), each.name] for each in few]
        for line in zip(*columns, strict=True):
            yield GAP.join(f"{part:<{widest}}" for part in line).rstrip()


def _shaded(picture: Picture) -> Iterator[str]:
    for row in picture.pixels:
        levels = (min(int(pixel * len(SHADES)), len(SHADES) - 1) for pixel in row)
        yield "".join(PER_PIXEL * SHADES[level] for level in levels)


def _said(number: float) -> str:
    if not math.isfinite(number):
        return "no number"
    size = abs(number)
    if size and not 1e-3 <= size < 1e6:
        return true_minus(f"{number:.1e}")
    return true_minus(f"{number:.0f}") if float(number).is_integer() else three_figures(number)


def _outcome(outcome: Outcome, width: int) -> Iterator[str]:
    """Yield what the doctor says of a training, each finding with its remedy."""
    if not outcome.findings:
        words = f"The doctor of “{outcome.of}”: nothing wrong, of {outcome.examined} causes."
        yield from wrap(words, width)
        return
    yield from wrap(f"The doctor of “{outcome.of}”:", width)
    for finding in outcome.findings:
        yield from _indented(
            f"{finding.severity}: {finding.slug}. {finding.symptom}", width, "  ", "    "
        )
        if finding.severity != NOTE:
            yield from _indented(f"try: {finding.remedy}", width, "    ", "    ")
        if finding.follows:
            names = ", ".join(finding.follows)
            yield from _indented(f"what follows from it: {names}", width, "    ", "    ")


def _indented(words: str, width: int, first: str, then: str) -> Sequence[str]:
    return wrap(
        words,
        width,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )
