"""How drawings look, in light and in dark: one style sheet, and the names of its classes.

What is drawn names a class (`line series-2`); what that looks like stands here alone. A page
carries `style_sheet()` once; a drawing that stands alone carries it inside. Knows no drawing.

Colors of series are far apart for people with any of the common kinds of color blindness (after the
set of M. Okabe and K. Ito, Color Universal Design, 2008, darkened or lightened for contrast with
the ground); each has a dash of its own besides, since color must never say anything alone.
"""

from __future__ import annotations

__all__ = ["MOST_SERIES", "series_class", "style_sheet"]

# Names of colors: in light, in dark.
_COLORS = {
    "ground": ("#ffffff", "#14181f"),
    "surface": ("#f5f7fa", "#1c222c"),
    "words": ("#1a202c", "#e8ecf2"),
    "quiet": ("#566072", "#a3aec0"),
    "grid": ("#dfe4ec", "#2f3846"),
    "axis": ("#8792a5", "#66738a"),
    "accent": ("#1d5fae", "#7db4f5"),
    "good": ("#1c7a4a", "#5cc98f"),
    "bad": ("#b3261e", "#ff8f85"),
    "positive": ("#1d5fae", "#6fadf5"),
    "negative": ("#b9540a", "#f2a35e"),
    "series-1": ("#1d5fae", "#6fadf5"),
    "series-2": ("#b9540a", "#f2a35e"),
    "series-3": ("#1c7a4a", "#5cc98f"),
    "series-4": ("#8a3f96", "#d79be3"),
    "series-5": ("#5b6678", "#aab5c7"),
    "series-6": ("#0b7285", "#56c5d8"),
    "series-7": ("#8f6400", "#dcb94f"),
    "series-8": ("#a3234e", "#f58bb0"),
}
MOST_SERIES = 8
# Of the lines of series, in pixels: drawn, left out.
_DASHES = ("none", "7 4", "2 3", "9 3 2 3", "4 2", "12 4", "1 3", "6 2 1 2")

_RULES = """\
.drawing { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
  font-size: 12px; background: var(--ground); color: var(--words); }
.drawing text { fill: var(--words); }
.drawing .quiet { fill: var(--quiet); }
.drawing .small { font-size: 11px; }
.drawing .heading { font-size: 14px; font-weight: 600; }
.drawing .strong { font-weight: 600; }
.drawing .ground { fill: var(--ground); }
.drawing .surface { fill: var(--surface); }
.drawing .grid { stroke: var(--grid); fill: none; }
.drawing .axis { stroke: var(--axis); fill: none; }
.drawing .mark { stroke: var(--quiet); stroke-dasharray: 4 4; fill: none; }
.drawing .line { stroke: currentColor; fill: none; stroke-width: 1.75; stroke-linejoin: round; }
.drawing .thick { stroke-width: 3; }
.drawing .thin { stroke-width: 1; }
.drawing .dashed { stroke-dasharray: 6 4; }
.drawing .fill { fill: currentColor; }
.drawing .area { fill: currentColor; fill-opacity: 0.16; }
.drawing .hollow { fill: var(--ground); stroke: currentColor; stroke-width: 1.75; }
.drawing .sign { stroke: var(--words); fill: none; stroke-width: 1.5; }
.drawing .outline { fill: none; stroke: var(--axis); }
.drawing text.on-fill { fill: var(--ground); }
.drawing .picture { image-rendering: pixelated; }
"""


def series_class(number: int) -> str:
    """Return the class of a series, counted from 0; beyond the eighth they begin anew."""
    return f"series-{number % MOST_SERIES + 1}"


def style_sheet(*, themed: bool = True) -> str:
    """Return the rules of CSS for all drawings.

    `themed`: whether an attribute data-theme of the page ("light", "dark") has the last word, as
    where people can choose; else what their system prefers decides alone.
    """
    light, dark = (
        " ".join(f"--{name}: {pair[number]};" for name, pair in _COLORS.items())
        for number in (0, 1)
    )
    named = "".join(
        f".drawing .{name} {{ color: var(--{name}); }}\n"
        for name in ("accent", "good", "bad", "positive", "negative")
    )
    series = "".join(
        f".drawing .series-{number + 1} {{ color: var(--series-{number + 1}); }}\n"
        + (
            f".drawing .line.series-{number + 1} {{ stroke-dasharray: {dashes}; }}\n"
            if number
            else ""
        )
        for number, dashes in enumerate(_DASHES)
    )
    by_system = ":root { color-scheme: light dark; " + light + " }\n"
    by_system += "@media (prefers-color-scheme: dark) { :root { " + dark + " } }\n"
    chosen = ""
    if themed:
        chosen = ':root[data-theme="light"] { color-scheme: light; ' + light + " }\n"
        chosen += ':root[data-theme="dark"] { color-scheme: dark; ' + dark + " }\n"
    # Where a dash has a meaning of its own, the one of a series says nothing.
    series += ".drawing .line.solid { stroke-dasharray: none; }\n"
    series += ".drawing .line.dashed { stroke-dasharray: 6 4; }\n"
    # Paper is white, whatever the screen is.
    paper = "@media print { :root, :root[data-theme] { color-scheme: light; " + light + " } }\n"
    return by_system + chosen + _RULES + named + series + paper
