"""The learning story: the same held-out rows after 1, 10, 100 … updates; what it said of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from misstep.data import Dataset, Table
from misstep.drawing import Drawing
from misstep.drawing.charts import Line, line_chart
from misstep.modeling.held_out import HeldOutExamples
from misstep.modeling.learning_curve import LearningCurve
from misstep.report.data_pictures import row_picture
from misstep.report.markup import Content, Markup, figure, joined, paragraph, tag
from misstep.report.material import Material
from misstep.report.section import Section
from misstep.text.counts import counted
from misstep.text.figures import four_figures, percent
from misstep.text.lists import shortened

LONGEST, LONGEST_TEXT = 40, 120
# A text is shown where a row has hardly more, and it is one.
MOST_BESIDE_TEXT, FEWEST_WORDS = 3, 3
# Signals of snapshots in a record, and what they are called.
SHARE, DISTANCE = "share wrong", "root mean squared error"


class Story(Section):
    """What it got wrong as it learned."""

    slug: ClassVar[str] = "story"
    title: ClassVar[str] = "What it learned from its mistakes"
    place: ClassVar[int] = 45

    def content(self, material: Material) -> Markup | None:
        """Return the errors at each snapshot, and what it said of a few rows."""
        curve = material.learning_curve
        if curve is None:
            return _of_record(material)
        if len(curve.updates) < 2:
            return None
        outcome = material.outcome
        name = "row" if outcome is None else outcome.sample_name
        if outcome is not None and outcome.horizon:
            name = "forecast"
        by_line = outcome is not None and outcome.by_line
        first, last = (_score(curve, curve.scores[at]) for at in (0, curve.kept))
        words = (
            f"Of the same {counted(curve.rows, name)} that it did not learn from, after "
            f"{counted(curve.updates[0], 'update')} {first}, "
            f"{'after the best epoch' if by_line else 'in the end'} {last}."
        )
        if by_line:
            words += " None of it was kept: the line that it started from forecasts."
        kept = "best epoch" if by_line else "kept"
        return joined(
            [
                paragraph(words),
                figure(_error_line(curve.updates, curve.scores, _name(curve), curve.kept, kept)),
                _examples(curve, name, material.watched) if curve.examples else None,
            ]
        )


def _of_record(material: Material) -> Markup | None:
    """Return the errors at the snapshots that a record holds, where nothing else is known."""
    snapshots = [] if material.record is None else material.record.snapshots
    for signal, name in (("error", SHARE), ("rmse", DISTANCE)):
        seen = [(int(one["step"]), float(one[signal])) for one in snapshots if signal in one]
        if len({step for step, _ in seen}) > 1:
            updates, scores = zip(*sorted(seen), strict=True)
            return figure(_error_line(updates, scores, name, len(updates) - 1))
    return None


def _error_line(
    updates: Sequence[int], scores: Sequence[float], name: str, kept: int, kept_words: str = "kept"
) -> Drawing:
    shown = percent if name == SHARE else four_figures
    told = ", ".join(
        f"{shown(score)} after {update:,}" for update, score in zip(updates, scores, strict=True)
    )
    return line_chart(
        [Line(name, updates, scores, dots=True)],
        title=f"{name[:1].upper()}{name[1:]} as it learned",
        description=f"{told} updates",
        across="updates, on a logarithmic axis",
        up=name,
        zero=True,
        across_logarithmic=True,
        marks=[(updates[kept], kept_words)] if updates[kept] > 0 else [],
    )


def _examples(curve: LearningCurve, sample_name: str, watched: HeldOutExamples | None) -> Markup:
    """Return a table: a row, what it said of it at each snapshot, what was right."""
    shown = _shown(curve, watched)
    heads = [
        sample_name,
        *(
            f"{update:,}" if at != curve.kept else f"{update:,}, kept"
            for at, update in enumerate(curve.updates)
        ),
        "right",
    ]
    rows = [
        tag(
            "tr",
            tag("th", shown.get(one.name), shortened(one.name, LONGEST), scope="row"),
            *(_said(said, one.answer, curve) for said in one.predictions),
            tag("td", _plain(one.answer)),
        )
        for one in curve.examples
    ]
    caption = "What it said of the same rows after so many updates"
    inside = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
        tag("tbody", *rows),
        class_="story",
    )
    return tag("div", inside, class_="scrolled", tabindex=0, role="group", aria_label=caption)


def _shown(curve: LearningCurve, watched: HeldOutExamples | None) -> dict[str, Markup]:
    """Return pictures or texts of the rows that are shown, by what the rows are called."""
    if watched is None:
        return {}
    data = watched.examples.data.take(watched.examples.order)
    names = [str(one) for one in watched.names]
    found: dict[str, Markup] = {}
    for one in curve.examples:
        if names.count(one.name) != 1:
            # Two rows of one name: nobody could say which.
            continue
        row = names.index(one.name)
        shown = row_picture(data, row, one.name) or _text(data, row)
        if shown is not None:
            found[one.name] = joined([shown, " "])
    return found


def _text(data: Dataset, row: int) -> Markup | None:
    """Return the text of a row; None where there is none, or it is one of several columns."""
    if not isinstance(data, Table) or len(data.frame.columns) > MOST_BESIDE_TEXT:
        return None
    texts = [value for value in data.frame.iloc[row] if isinstance(value, str)]
    longest = max(texts, key=len, default="")
    if len(longest.split()) < FEWEST_WORDS:
        return None
    return tag("span", shortened(" ".join(longest.split()), LONGEST_TEXT), class_="text")


def _said(said: Any, answer: Any, curve: LearningCurve) -> Markup:
    if curve.score_name == "error":
        right = said == answer
        mark: Content = "✓ " if right else "✗ "
        return tag("td", mark, _plain(said), class_="right" if right else "wrong")
    return tag("td", _plain(said))


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return four_figures(value) if np.isfinite(value) else "no number"
    return shortened(str(value), LONGEST)


def _name(curve: LearningCurve) -> str:
    if curve.score_name == "error":
        return SHARE
    return f"{DISTANCE} of the logarithm" if curve.score_name == "rmse_log" else DISTANCE


def _score(curve: LearningCurve, score: float) -> str:
    if curve.score_name == "error":
        return f"{percent(score)} were wrong"
    return f"its {_name(curve)} was {four_figures(score)}"
