"""A file for each kind of chart; each makes a `Drawing` of plain numbers and words."""

from misstep.drawing.charts.backward_pass import Link, Unit, UnitColumn, backward_pass
from misstep.drawing.charts.bars import Bar, bar_chart
from misstep.drawing.charts.chain import Station, chain_chart
from misstep.drawing.charts.heat_strip import heat_strip
from misstep.drawing.charts.histogram import histogram
from misstep.drawing.charts.lines import Band, Line, line_chart
from misstep.drawing.charts.matrix import matrix_chart
from misstep.drawing.charts.network import LayerBox, network_chart
from misstep.drawing.charts.places import places_chart
from misstep.drawing.charts.reliability import ProbabilityBin, reliability_chart
from misstep.drawing.charts.scatter import Points, scatter_chart

__all__ = [
    "Band",
    "Bar",
    "LayerBox",
    "Line",
    "Link",
    "Points",
    "ProbabilityBin",
    "Station",
    "Unit",
    "UnitColumn",
    "backward_pass",
    "bar_chart",
    "chain_chart",
    "heat_strip",
    "histogram",
    "line_chart",
    "matrix_chart",
    "network_chart",
    "places_chart",
    "reliability_chart",
    "scatter_chart",
]
