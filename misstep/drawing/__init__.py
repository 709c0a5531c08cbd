"""Numbers and words as SVG: a canvas, colors in light and dark, axes, a file for each chart.

Pure functions that know no record and no model; `report`, `labs`, `playground` and the pages of
`web` draw with them.
"""
