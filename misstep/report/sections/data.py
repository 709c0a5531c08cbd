"""The data in small pictures: classes, columns, rows, images, texts, sequences or a series."""

from __future__ import annotations

from typing import ClassVar

from misstep.record import AnswerSummary, InputSummary, Task
from misstep.report.data_pictures import class_bars, data_pictures, series_pictures
from misstep.report.markup import Markup, figure, folded, joined, paragraph, table
from misstep.report.material import Material
from misstep.report.section import Section
from misstep.text.counts import counted
from misstep.text.figures import four_figures
from misstep.text.lists import shortened

# Inputs whose numbers are listed.
MOST_INPUTS, LONGEST_NAME = 60, 60


class TheData(Section):
    """What was learned from."""

    slug: ClassVar[str] = "data"
    title: ClassVar[str] = "The data"
    place: ClassVar[int] = 10

    def content(self, material: Material) -> Markup | None:
        """Return pictures of the rows; what the record says of them where they are not at hand."""
        described = None if material.record is None else material.record.description
        target = "" if material.outcome is None else material.outcome.target
        series = None if material.forecast is None else material.forecast.series
        shown = None
        if series is not None:
            shown = series_pictures(series)
        elif material.learned is not None and len(material.learned):
            shown = data_pictures(material.learned, target)
        answers = None if described is None else described.answers
        parts = [
            _classes(answers, _called(material))
            if answers is not None and series is None
            else None,
            shown,
            _inputs(described.inputs) if described is not None and described.inputs else None,
        ]
        return joined(parts) if any(parts) else None


def _called(material: Material) -> str:
    return "row" if material.outcome is None else material.outcome.sample_name


def _classes(answers: AnswerSummary, sample_name: str) -> Markup | None:
    """Return bars of the classes, where answers are classes and were counted."""
    if answers.task is Task.NUMBERS or len(answers.counts) < 2:
        return None
    names = answers.names or tuple(str(at) for at in range(len(answers.counts)))
    if len(names) != len(answers.counts):
        return None
    return figure(class_bars(names, answers.counts, f"{sample_name}s"))


def _inputs(inputs: InputSummary) -> Markup | None:
    """Return the numbers that went into the network, folded: a table of what each column is."""
    if not inputs.features:
        return None
    shown = inputs.features[:MOST_INPUTS]
    rows = [
        (
            shortened(one.name, LONGEST_NAME),
            *(four_figures(each) for each in (one.mean, one.deviation, one.smallest, one.largest)),
        )
        for one in shown
    ]
    heads = (inputs.axis, "mean", "deviation", "smallest", "largest")
    size = f"{counted(inputs.rows, 'row')} of {counted(inputs.columns, 'number')}"
    more = inputs.columns - len(shown)
    return folded(
        f"As the network gets them: {size}",
        table(heads, rows, caption="Numbers that go into the network", numbers=range(1, 5)),
        paragraph(f"The {counted(more, 'other')} are less remarkable.", quiet=True)
        if inputs.axis == "column" and more > 0
        else None,
    )
