"""A row as people know it: its picture, its text with the words that did most, its cells, a curve.

Knows rows of every kind of data, not why they are shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from misstep.data import Dataset, Sequences
from misstep.drawing import Drawing
from misstep.drawing.charts import Line, line_chart, places_chart
from misstep.modeling.judgment.parts_of_rows import RowEffects, TextEffects
from misstep.report.markup import Markup, figure, joined, table, tag
from misstep.report.pictures import image_of_row, picture, png_of
from misstep.text.counts import counted
from misstep.text.figures import in_full, some_figures, true_minus
from misstep.text.lists import shortened

__all__ = ["marked_words", "row_markup"]

# Columns of a row that are shown, and letters of a cell; letters and pieces of a text.
MOST_CELLS, MOST_LETTERS, MOST_PIECES = 16, 60, 220
# Channels of a sequence that are drawn.
MOST_CHANNELS = 6
# In pixels: a picture.
SIDE = 132
# In pixels of the image: of the longer side of two side by side, at most.
PICTURE = 192
# From which share of the strongest word on a word is marked, faintly, more, most.
STEPS = (0.25, 0.5, 0.75)


def row_markup(
    data: Dataset, cells: Mapping[str, Any], effects: RowEffects | None, said: str
) -> Markup | None:
    """Return a row as people know it; None where it can't be shown.

    data: the row alone; cells: what stands in it, by column. `effects`: what its words and places
    did to what was said, which is `said`.
    """
    image = image_of_row(data)
    if image is not None:
        return _image(image, effects, said)
    if isinstance(data, Sequences):
        return figure(_sequence(data))
    texts = () if effects is None else effects.texts
    shown = {one.column for one in texts}
    parts: list[Markup] = [_text(one, alone=len(cells) == 1) for one in texts]
    others = [(name, cell) for name, cell in cells.items() if name not in shown]
    if others:
        rows = [
            [shortened(str(name), MOST_LETTERS), _cell(cell)] for name, cell in others[:MOST_CELLS]
        ]
        if len(others) > MOST_CELLS:
            rows.append([f"and {counted(len(others) - MOST_CELLS, 'more column')}", ""])
        parts.append(table(["column", "value"], rows, caption="what stands in the row"))
    return joined(parts) if parts else None


def marked_words(text: TextEffects) -> Markup:
    """Return a text whose words are marked by what they did: + added, − took away."""
    effects = np.asarray(text.effects)
    finite = np.abs(effects[np.isfinite(effects)])
    strongest = float(finite.max()) if len(finite) else 0.0
    parts: list[Markup | str] = []
    places = list(zip(text.pieces.order, text.pieces.spelled, strict=True))
    for word, spelled in places[:MOST_PIECES]:
        blanks = spelled[: len(spelled) - len(spelled.lstrip())]
        effect = effects[word] if word < len(effects) else math.nan
        share = abs(effect) / strongest if strongest and math.isfinite(effect) else 0.0
        step = sum(share >= least for least in STEPS)
        if not step:
            parts.append(spelled)
            continue
        kind, sign = ("for", "+") if effect > 0 else ("against", "−")
        inside = (spelled.lstrip(), tag("sup", sign))
        parts += [blanks, tag("span", *inside, class_=f"word {kind} strength-{step}")]
    if len(places) > MOST_PIECES:
        parts.append(" …")
    return tag("p", *parts, class_="marked")


def _text(text: TextEffects, *, alone: bool) -> Markup:
    return joined([None if alone else tag("h4", text.column), marked_words(text)])


def _image(image: NDArray[np.float64], effects: RowEffects | None, said: str) -> Markup:
    size = f"{image.shape[0]} × {image.shape[1]} pixels"
    if effects is None or effects.places is None or not np.any(effects.places.effects):
        return tag("p", picture(png_of(image), f"the image, {size}", SIDE))
    table_ = effects.places.effects
    line, column = np.unravel_index(int(np.abs(table_).argmax()), table_.shape)
    most = float(table_[line, column])
    drawing = places_chart(
        png_of(np.concatenate([image, image], axis=1), PICTURE),
        (image.shape[0], image.shape[1]),
        table_,
        title="The image and its places",
        description=f"{size}; at the right which places spoke for (+) or against (−) {said}: most "
        f"of all the one in line {line + 1} and column {column + 1} of {table_.shape[0]} × "
        f"{table_.shape[1]}, by {some_figures(most, 3, signed=True)}",
        side=SIDE,
    )
    return figure(drawing)


def _sequence(data: Sequences) -> Drawing:
    steps = int(data.lengths[0])
    values = data.values[0, :steps]
    shown = min(data.channels, MOST_CHANNELS)
    more = f" of {data.channels}" if shown < data.channels else ""
    return line_chart(
        [Line(data.names[at], np.arange(1, steps + 1), values[:, at]) for at in range(shown)],
        title="The sequence",
        description=f"{counted(steps, 'step')}, {shown}{more} channels",
        across="step",
        whole=True,
        width=360,
        height=220,
    )


def _cell(cell: Any) -> str:
    if cell is None or cell != cell:
        return "–"
    if isinstance(cell, float):
        short = f"{cell:g}"
        return true_minus(short) if cell == float(short) and "e" not in short else in_full(cell)
    return shortened(str(cell), MOST_LETTERS)
