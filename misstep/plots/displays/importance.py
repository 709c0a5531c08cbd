"""Which inputs a model goes by: bars, or a map of the places of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from misstep.errors import ArgumentError
from misstep.modeling import ForecastModel, Importance, TrainedModel, importances_of
from misstep.plots.display import ModelDisplay, rows_of
from misstep.plots.shown_words import shown_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer
    from matplotlib.image import AxesImage

# Inputs that have a bar, and standard errors that are drawn to each side.
MOST_BARS, DEVIATIONS = 20, 2.0


class ImportanceDisplay(ModelDisplay):
    """How much the loss rises without each input.

    `importance`: the numbers. `bars_`: a bar for each input, the most important at the top, with
    two standard errors to each side; None where there is an `image_`, the map of the places of
    pictures.
    """

    kind: ClassVar[str] = "importance"
    bars_: BarContainer | None = None
    image_: AxesImage | None = None

    def __init__(self, importance: Importance) -> None:
        self.importance = importance

    @classmethod
    def suits(cls, model: TrainedModel) -> bool:
        """Tell whether rows are predicted for that have several inputs."""
        if isinstance(model, ForecastModel):
            return False
        return any(len(inputs) > 1 for inputs in model.preprocessing.inputs(None))

    @classmethod
    def from_model(
        cls, model: TrainedModel, data: Any = None, *, ax: Axes | None = None, **more: Any
    ) -> Self:
        """Measure it on `data` and draw it.

        `noun`: of sequences, "channel" (by default) or "time": what goes together.
        """
        rows, held_out = rows_of(model, data)
        noun = more.pop("noun", None)
        found = importances_of(rows, held_out, **more)
        known = {one.noun: one for one in found}
        if noun is not None and noun not in known:
            raise ArgumentError("noun", needed=f"one of {', '.join(known)}", got=repr(noun))
        return cls(found[0] if noun is None else known[noun]).plot(ax)

    def draw(self, ax: Axes) -> None:
        """Draw bars or a map."""
        facts = self.importance
        self.bars_ = self.image_ = None
        if facts.lines and facts.columns:
            self._draw_map(ax)
            return
        shown = facts.inputs[:MOST_BARS]
        # Names that are cut may be alike.
        places = range(len(shown))
        self.bars_ = ax.barh(
            places,
            [one.loss for one in shown],
            xerr=[DEVIATIONS * one.loss_error for one in shown],
            capsize=2,
        )
        ax.set_yticks(places, [shown_words(one.name) for one in shown])
        ax.invert_yaxis()
        ax.axvline(0.0, color="gray", linewidth=0.8)
        ax.set_xlabel(f"rise of the loss without the {facts.noun}")

    def _draw_map(self, ax: Axes) -> None:
        facts = self.importance
        table = np.full((len(facts.lines), len(facts.columns)), np.nan)
        for one in facts.inputs:
            if one.place is not None:
                table[one.place] = one.loss
        reach = float(np.nanmax(np.abs(table))) or 1.0
        self.image_ = ax.imshow(table, cmap="PuOr", vmin=-reach, vmax=reach)
        ax.set_xticks(range(len(facts.columns)), facts.columns)
        ax.set_yticks(range(len(facts.lines)), facts.lines)
        bar = ax.figure.colorbar(self.image_, ax=ax)
        bar.set_label(f"rise of the loss without the {facts.noun}")
