"""Labs: small real trainings that show an ailment, and what each remedy does to it, in seconds.

A lab is a file in `lessons/`, found by being there. Read in this order: lab (the contract), bench
(where it trains), course (what came of a training), exhibits (what it shows), letters (exhibits as
lines of text), page (as HTML). Prints nothing and knows no command.
"""

from misstep.labs.bench import Bench
from misstep.labs.course import Course, Diagnosed, LayerGradient
from misstep.labs.exhibits import (
    Bar,
    Bars,
    Computed,
    Curve,
    Curves,
    Exhibit,
    Flow,
    Formulas,
    Outcome,
    Picture,
    Pictures,
    Table,
    outcome_of,
)
from misstep.labs.lab import Chapter, Claim, Lab, Section, find_lab, registered_labs
from misstep.labs.letters import exhibit_lines
from misstep.labs.page import lab_page

__all__ = [
    "Bar",
    "Bars",
    "Bench",
    "Chapter",
    "Claim",
    "Computed",
    "Course",
    "Curve",
    "Curves",
    "Diagnosed",
    "Exhibit",
    "Flow",
    "Formulas",
    "Lab",
    "LayerGradient",
    "Outcome",
    "Picture",
    "Pictures",
    "Section",
    "Table",
    "exhibit_lines",
    "find_lab",
    "lab_page",
    "outcome_of",
    "registered_labs",
]
