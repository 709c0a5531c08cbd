"""Probabilities beside how often they were right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from misstep.errors import ArgumentError
from misstep.modeling import TrainedModel
from misstep.modeling.judgment.reliability import Reliability, reliability_of
from misstep.plots.display import ModelDisplay, rows_of
from misstep.plots.shown_words import shown_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer


class ReliabilityDisplay(ModelDisplay):
    """A reliability curve, with 95% intervals of what was observed.

    `reliability`: the numbers. `errorbar_`: the curve.
    """

    kind: ClassVar[str] = "reliability"
    errorbar_: ErrorbarContainer

    def __init__(self, reliability: Reliability) -> None:
        self.reliability = reliability

    @classmethod
    def suits(cls, model: TrainedModel) -> bool:
        """Tell whether classes are predicted."""
        return not model.target.is_number

    @classmethod
    def from_model(
        cls, model: TrainedModel, data: Any = None, *, ax: Axes | None = None, **more: Any
    ) -> Self:
        """Compare what the model says of `data`, and draw it.

        `bins`, `by`: as for `reliability_of`: at most so many, by "quantile" or by "width".
        """
        _, held_out = rows_of(model, data)
        found = reliability_of(held_out, model.target, **more)
        if found is None:
            raise ArgumentError("the data", needed="rows with finite outputs", got="none")
        return cls(found).plot(ax)

    def draw(self, ax: Axes) -> None:
        """Draw the curve beside the diagonal that it should be on."""
        bins = self.reliability.bins
        said = np.array([one.predicted for one in bins])
        seen = np.array([one.observed for one in bins])
        below = np.maximum(seen - [one.low for one in bins], 0.0)
        above = np.maximum([one.high for one in bins] - seen, 0.0)
        ax.plot([0, 1], [0, 1], linestyle=":", color="gray", label="as it should be")
        # Lists: NumPy before 2.2 warns where matplotlib asks whether an array of one is finite.
        lengths = [below.tolist(), above.tolist()]
        self.errorbar_ = ax.errorbar(
            said, seen, yerr=lengths, marker="o", capsize=3, label="observed"
        )
        subject = self.reliability.subject
        ax.set_xlabel(
            f"probability said of {shown_words(subject)}"
            if subject
            else "probability of what it said"
        )
        ax.set_ylabel("share that was so" if subject else "share that was right")
        ax.set_xlim(-0.02, 1.02)
        ax.set_ylim(-0.02, 1.02)
        ax.legend()
