"""The worst mistakes, one by one: what it was, what was said of it, what was right."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from misstep.drawing import Drawing
from misstep.drawing.charts import Bar, Line, bar_chart, line_chart
from misstep.modeling import ForecastModel, Mistake, Mistakes, Model, worst_forecasts
from misstep.modeling.judgment.mistakes import ForecastMistake
from misstep.modeling.judgment.parts_of_rows import RowEffects, effects_in_rows
from misstep.modeling.result import ForecastResult
from misstep.report.markup import Markup, figure, joined, paragraph, tag
from misstep.report.material import Material
from misstep.report.row_pictures import row_markup
from misstep.report.section import Section
from misstep.text.counts import counted, plural
from misstep.text.figures import percent, some_figures, three_figures
from misstep.text.lists import shortened

# In pixels: the probabilities of a mistake.
WIDTH = 300
# Letters of a class.
LONGEST_LABEL = 60


class WorstMistakes(Section):
    """The rows of largest loss; of a series, the forecasts that were farthest off."""

    slug: ClassVar[str] = "mistakes"
    title: ClassVar[str] = "Where it errs most"
    place: ClassVar[int] = 68

    def content(self, material: Material) -> Markup | None:
        """Return a card for each mistake; None without rows to judge by."""
        model, held_out = material.model, material.held_out
        forecast = material.forecast
        if isinstance(model, ForecastModel) and forecast is not None:
            return _of_forecasts(forecast)
        mistakes = material.mistakes
        if mistakes is None or not mistakes.worst:
            return None
        assert isinstance(model, Model)
        assert held_out is not None
        effects = effects_in_rows(model, held_out, [one.position for one in mistakes.worst])
        noun = model.preprocessing.sample_name
        cards = [
            mistake_card(one, effect, model)
            for one, effect in zip(mistakes.worst, effects, strict=True)
        ]
        return joined(
            [
                paragraph(_lead(mistakes, noun)),
                _legend(effects, model),
                tag("div", *cards, class_="cards"),
            ]
        )


def _lead(mistakes: Mistakes, noun: str) -> str:
    rows = counted(mistakes.rows, noun)
    count = len(mistakes.worst)
    if mistakes.wrong is None:
        return (
            f"Of {rows} that it did not learn from, the {counted(count, 'prediction')} that cost "
            f"most, by the loss that was learned by."
        )
    if not mistakes.wrong:
        return (
            f"None of {rows} that it did not learn from is wrong. Here "
            f"{plural(count, 'is', 'are')} the {counted(count, noun)} of the largest loss."
        )
    which = "all of them" if mistakes.wrong == count else f"the {count:,} of the largest loss"
    return (
        f"Of {rows} that it did not learn from, {mistakes.wrong:,} "
        f"{plural(mistakes.wrong, 'is', 'are')} wrong; here {plural(count, 'is', 'are')} {which}."
    )


def _legend(effects: tuple[RowEffects, ...], model: Model) -> Markup | None:
    """Return what + and − mean, where there are any."""
    said = "the predicted number" if model.target.is_number else "the probability of what was said"
    if any(one.texts for one in effects):
        return paragraph(
            f"Words are underlined by how much {said} moves without them: without a word marked + "
            "it is smaller, without one marked − larger.",
            quiet=True,
        )
    placed = next((one.places for one in effects if one.places is not None), None)
    if placed is None:
        return None
    return paragraph(
        f"At the right of each picture, how much {said} moves where a place becomes "
        f"{placed.replacement}: at a place marked + it becomes smaller, at one marked − larger.",
        quiet=True,
    )


def mistake_card(one: Mistake, effects: RowEffects | None, model: Model) -> Markup:
    """Return a mistake: what the row is, what was said of it, and what was right."""
    said = f"{one.predicted}" if one.off is None else "the predicted number"
    return tag(
        "article",
        tag("h3", one.name),
        paragraph(*_verdict(one, model.target.name)),
        row_markup(one.data, one.cells, effects, said),
        figure(_probabilities(one)) if one.probabilities else None,
        paragraph(
            f"Its loss of {three_figures(one.loss)} is {percent(one.share)} of the loss of all.",
            quiet=True,
        ),
        class_="card",
    )


def _verdict(one: Mistake, target: str) -> list[Markup | str]:
    if one.off is not None:
        way = "too high" if one.off > 0 else "too low"
        off = three_figures(abs(one.off))
        return [
            f"It said {some_figures(one.predicted, 4)}, ",
            tag("strong", f"right is {some_figures(one.answer, 6)}"),
            f": {off} {way}.",
        ]
    if not one.wrong:
        return [f"It said {_label(one.predicted)}, which is right, with {_share(one)}."]
    first = next(iter(one.probabilities.values()))
    return [
        f"It said {_label(one.predicted)}, with {percent(first)}; ",
        tag("strong", f"right is {_label(one.answer)}"),
        f", to which it gave {_share(one)}.",
    ]


def _label(label: Any) -> str:
    return shortened(str(label), LONGEST_LABEL)


def _share(one: Mistake) -> str:
    share = one.probability or 0.0
    return "less than 0.1%" if 0 < share < 0.0005 else percent(share)


def _probabilities(one: Mistake) -> Drawing:
    bars = [
        Bar(
            label,
            share,
            percent(share) + (", right" if label == str(one.answer) else ""),
            classes=("good",) if label == str(one.answer) else ("negative",),
        )
        for label, share in one.probabilities.items()
    ]
    return bar_chart(
        bars,
        title="What it said",
        description=", ".join(f"{bar.name} {bar.words}" for bar in bars),
        limits=(0.0, 1.0),
        width=WIDTH,
    )


def _of_forecasts(forecast: ForecastResult) -> Markup | None:
    if forecast.back_test is None:
        return None
    worst = worst_forecasts(forecast.series, forecast.back_test)
    if not worst:
        return None
    count = counted(len(forecast.back_test.origins), "forecast")
    return joined(
        [
            paragraph(f"Of {count} of what came after, those that were farthest off."),
            tag("div", *(figure(_forecast(one)) for one in worst), class_="figures"),
        ]
    )


def _forecast(one: ForecastMistake) -> Drawing:
    """Return a forecast beside what came; steps are counted from its origin."""
    before = np.arange(1 - len(one.before), 1)
    ahead = np.arange(1, len(one.predicted) + 1)
    # What was filled in was not measured.
    came = np.where(one.known, one.truth, np.nan)
    last = one.before[-1:]
    where = f"after {one.date}" if one.date else f"after row {one.origin + 1:,}"
    return line_chart(
        [
            Line("what was", before, one.before),
            Line("forecast", np.append(0, ahead), np.append(last, one.predicted)),
            Line("what came", np.append(0, ahead), np.append(last, came)),
        ],
        title=f"The forecast {where}",
        description=f"off by {three_figures(one.error)} in the mean of "
        f"{counted(int(one.known.sum()), 'step')}",
        across=f"steps {where}",
        whole=True,
        width=400,
        height=240,
        marks=[(0, "")],
    )
