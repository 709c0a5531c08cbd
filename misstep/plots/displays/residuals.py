"""Predicted numbers beside true ones, or how far they are off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from misstep.errors import ArgumentError
from misstep.modeling import ForecastModel, TrainedModel
from misstep.modeling.judgment.residuals import Residuals, residuals_of
from misstep.plots.display import ModelDisplay, rows_of
from misstep.plots.shown_words import shown_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.lines import Line2D

Shown = Literal["predicted", "residuals"]


class ResidualsDisplay(ModelDisplay):
    """Predicted numbers over true ones, or the true ones less predicted over predicted ones.

    `residuals`: the numbers. `shown`: "predicted" or "residuals". `scatter_`: a dot for each row;
    `line_`: on which a prediction is exact.
    """

    kind: ClassVar[str] = "residuals"
    scatter_: PathCollection
    line_: Line2D

    def __init__(self, residuals: Residuals, *, shown: Shown = "predicted") -> None:
        if shown not in ("predicted", "residuals"):
            raise ArgumentError("shown", needed="'predicted' or 'residuals'", got=repr(shown))
        self.residuals = residuals
        self.shown = shown

    @classmethod
    def suits(cls, model: TrainedModel) -> bool:
        """Tell whether a number is predicted for each row."""
        return model.target.is_number and not isinstance(model, ForecastModel)

    @classmethod
    def from_model(
        cls, model: TrainedModel, data: Any = None, *, ax: Axes | None = None, **more: Any
    ) -> Self:
        """Compare what the model says of `data`, and draw it; `shown`: as for the class."""
        _, held_out = rows_of(model, data)
        return cls(residuals_of(held_out, model.target), **more).plot(ax)

    def draw(self, ax: Axes) -> None:
        """Draw a dot for each row."""
        facts = self.residuals
        if self.shown == "residuals":
            self.scatter_ = ax.scatter(facts.predicted, facts.residuals, alpha=0.6, s=16)
            self.line_ = ax.axhline(0.0, linestyle=":", color="gray")
            ax.set_xlabel(f"predicted {shown_words(facts.name)}")
            ax.set_ylabel("true less predicted")
            return
        self.scatter_ = ax.scatter(facts.truth, facts.predicted, alpha=0.6, s=16)
        both = np.concatenate([facts.truth, facts.predicted])
        ends = [float(both.min()), float(both.max())] if len(both) else [0.0, 1.0]
        (self.line_,) = ax.plot(ends, ends, linestyle=":", color="gray")
        ax.set_xlabel(f"true {shown_words(facts.name)}")
        ax.set_ylabel(f"predicted {shown_words(facts.name)}")
