"""What a lab shows: tables, curves, bars, flows, pictures, formulas, findings, as plain fields.

Numbers and names only; `letters.py` makes lines of text of them, `page.py` drawings. A table's
cells are written already: what shows numbers in a picture needs them as numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from misstep.labs.course import Course, Diagnosed


@dataclass(frozen=True)
class Table:
    """Rows of cells under heads; the columns `numbers`, counted from 0, are of numbers."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Curve:
    """A line of a chart: y over x, (points,) each; what is not finite is shown as such."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Curves:
    """Lines over one x-axis. `logarithmic`: whether equal factors of y are equally far apart.

    `ceiling`: y above which nothing is told apart, where something explodes; None: there is none.
    """

    caption: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    logarithmic: bool = False
    ceiling: float | None = None


@dataclass(frozen=True)
class Bar:
    """A number with what it is called. `said`: the number in words, as beside the bar."""

    name: str
    number: float
    said: str


@dataclass(frozen=True)
class Bars:
    """Numbers of 0 or more, each as a bar. `logarithmic`: each piece of a bar is a factor.

    `span`: the least and the largest number that the scale must hold, so that charts compare.
    """

    caption: str
    unit: str
    bars: tuple[Bar, ...]
    logarithmic: bool = False
    span: tuple[float, ...] = ()


@dataclass(frozen=True)
class Computed:
    """A number on its way to the error. `name`: with its formula; `blame`: the slope by it."""

    name: str
    number: str
    blame: str


@dataclass(frozen=True)
class Flow:
    """Numbers that go forward, one computed of the one before, and slopes that come back.

    `slopes`: by what blame is multiplied on the way back, from the second to the first, and so on.
    """

    caption: str
    stations: tuple[Computed, ...]
    slopes: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """Pixels from 0, dark, to 1, bright, row by row. `name`: what is seen in it, in few words."""

    name: str
    pixels: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Pictures:
    """Small pictures side by side."""

    caption: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Formulas:
    """Lines of mathematics that stand as they are; `latex`: the same, typeset, or empty."""

    caption: str
    lines: tuple[str, ...]
    latex: str = ""


@dataclass(frozen=True)
class Outcome:
    """What the doctor says of a training: `of`: its name; `examined`: of how many causes."""

    of: str
    findings: tuple[Diagnosed, ...]
    examined: int


Exhibit = Table | Curves | Bars | Flow | Pictures | Formulas | Outcome


def curve_by_epoch(course: Course, numbers: tuple[float, ...]) -> Curve:
    """Return the losses or errors of a training, one for each epoch, over its epochs from 1."""
    return Curve(course.name, tuple(map(float, range(1, course.epochs + 1))), numbers)


def outcome_of(course: Course) -> Outcome:
    """Return what the doctor says of a training, to be shown."""
    return Outcome(course.name, course.findings, course.examined)
