"""What a model says as one input goes through its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from misstep.errors import ArgumentError
from misstep.modeling import (
    ForecastModel,
    PartialDependence,
    TrainedModel,
    importances_of,
    partial_dependence_of,
    partial_dependences_of,
)
from misstep.plots.display import ModelDisplay, rows_of
from misstep.plots.shown_words import shown_words
from misstep.text.names import did_you_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer
    from matplotlib.lines import Line2D

# Classes whose curves are drawn; of more, those that move most.
MOST_CURVES = 8


class PartialDependenceDisplay(ModelDisplay):
    """The mean of what a model says at each value of an input, and where eight rows of ten lie.

    `dependence`: the numbers. `lines_`: a curve for each of what is said, or `bars_` where the
    values are categories.
    """

    kind: ClassVar[str] = "partial_dependence"
    lines_: tuple[Line2D, ...] = ()
    bars_: BarContainer | None = None

    def __init__(self, dependence: PartialDependence) -> None:
        self.dependence = dependence

    @classmethod
    def suits(cls, model: TrainedModel) -> bool:
        """Tell whether the rows of the model have columns that are not texts."""
        preprocessing = model.preprocessing
        if isinstance(model, ForecastModel) or preprocessing.sample_name != "row":
            return False
        names = preprocessing.inputs(None)[0].names
        return len(names) > len(preprocessing.text_columns)

    @classmethod
    def from_model(
        cls, model: TrainedModel, data: Any = None, *, ax: Axes | None = None, **more: Any
    ) -> Self:
        """Compute it on `data` and draw it.

        `input`: the name of the input; by default the most important one that has values of its
        own. `points`: values that it goes through.
        """
        rows, held_out = rows_of(model, data)
        name = more.pop("input", None)
        if name is None:
            (importance, *_) = importances_of(rows, held_out)
            found = partial_dependences_of(rows, held_out, importance, most=1)
            dependence = found[0] if found else None
        else:
            baseline = None if rows.training_rows is None else rows.training_rows.baseline
            names = list(rows.preprocessing.inputs(baseline)[0].names)
            if name not in names:
                raise ArgumentError(
                    "input",
                    needed=f"one of {', '.join(names[:12])}",
                    got=repr(name),
                    try_=did_you_mean(name, names),
                )
            dependence = partial_dependence_of(rows, held_out, names.index(name), **more)
        if dependence is None:
            raise ArgumentError(
                "the input", needed="one that has several values of its own", got=repr(name)
            )
        return cls(dependence).plot(ax)

    def draw(self, ax: Axes) -> None:
        """Draw curves with a band, or bars."""
        facts = self.dependence
        self.lines_, self.bars_ = (), None
        order = np.argsort(-facts.reach, kind="stable")[:MOST_CURVES]
        unit = shown_words(facts.unit)
        if len(facts.subjects) == 1 and facts.unit == "probability":
            unit = f"probability of {shown_words(facts.subjects[0])}"
        ax.set_ylabel(unit)
        ax.set_xlabel(shown_words(facts.name))
        if facts.kind == "category" and len(facts.subjects) == 1:
            mean = facts.mean[0]
            reach = [np.maximum(mean - facts.low[0], 0), np.maximum(facts.high[0] - mean, 0)]
            places = range(len(facts.values))
            self.bars_ = ax.bar(places, mean, yerr=reach, capsize=3)
            ax.set_xticks(places, [shown_words(value) for value in facts.values])
            ax.tick_params(axis="x", rotation=90 if len(facts.values) > 5 else 0)
            return
        lines = []
        for at in np.sort(order).tolist():
            (line,) = ax.plot(
                facts.numbers,
                facts.mean[at],
                marker="o" if facts.kind == "category" else None,
                label=shown_words(facts.subjects[at]),
            )
            lines.append(line)
            if len(facts.subjects) == 1:
                color = line.get_color()
                ax.fill_between(
                    facts.numbers, facts.low[at], facts.high[at], color=color, alpha=0.2
                )
        self.lines_ = tuple(lines)
        if facts.kind != "number":
            step = max(1, len(facts.values) // 5) if facts.kind == "date" else 1
            ax.set_xticks(
                facts.numbers[::step], [shown_words(value) for value in facts.values[::step]]
            )
        if len(lines) > 1:
            ax.legend()
