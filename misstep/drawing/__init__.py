"""Numbers and words as SVG: a canvas, colors in light and dark, axes, a file for each chart.

Pure functions that know no record and no model; `report`, `labs`, `playground` and the pages of
`web` draw with them. Read in this order: theme, svg, frame, and any file of charts/.
"""

from misstep.drawing.frame import Axis, Frame, Key, draw_legend, legend_height, span
from misstep.drawing.svg import STANDALONE_MARK, Canvas, Drawing, shortened, text_width
from misstep.drawing.theme import series_class, style_sheet

__all__ = [
    "STANDALONE_MARK",
    "Axis",
    "Canvas",
    "Drawing",
    "Frame",
    "Key",
    "draw_legend",
    "legend_height",
    "series_class",
    "shortened",
    "span",
    "style_sheet",
    "text_width",
]
